//! The gate in front of a real roto-server, and serving by itself: what holds for clients.
#![allow(missing_docs, clippy::unwrap_used, clippy::disallowed_methods)]

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use gate::{Gate, GateConfig, Quota};
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

struct Roto {
    server: Child,
    url: String,
}

impl Roto {
    fn start() -> Self {
        let setup = concat!(env!("CARGO_MANIFEST_DIR"), "/../setup");
        assert!(Command::new(setup).status().unwrap().success());
        let path = Command::new(setup)
            .args(["--print", "roto-server"])
            .output()
            .unwrap()
            .stdout;
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let server = Command::new(String::from_utf8(path).unwrap().trim())
            .args(["--host", "127.0.0.1", "--ephemeral", "--port", &port.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let address = format!("127.0.0.1:{port}");
        let start = Instant::now();
        while std::net::TcpStream::connect(&address).is_err() {
            assert!(
                start.elapsed() < Duration::from_secs(10),
                "roto-server does not listen"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
        Self {
            server,
            url: format!("http://{address}"),
        }
    }
}

impl Drop for Roto {
    fn drop(&mut self) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
    }
}

async fn post(url: &str, target: &str, body: String) -> Result<(u16, Value), String> {
    let request = Request::post(url)
        .header("x-amz-target", target)
        .header("content-type", "application/x-amz-json-1.1")
        .header("authorization", "AWS4-HMAC-SHA256 Credential=AKIATEST/20260101/ap-northeast-1/ssm/aws4_request, SignedHeaders=host, Signature=0")
        .body(Full::new(Bytes::from(body)))
        .unwrap();
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let response = client.request(request).await.map_err(|error| error.to_string())?;
    let status = response.status().as_u16();
    let bytes = response
        .into_body()
        .collect()
        .await
        .map_err(|error| error.to_string())?
        .to_bytes();
    Ok((status, serde_json::from_slice(&bytes).unwrap_or_default()))
}

async fn ssm(gate: &Gate, action: &str, body: Value) -> (u16, Value) {
    post(&gate.url(), &format!("AmazonSSM.{action}"), body.to_string())
        .await
        .unwrap()
}

async fn put(gate: &Gate, name: &str, value: &str) {
    let body = json!({"Name": name, "Value": value, "Type": "SecureString", "Overwrite": true});
    let (status, answer) = ssm(gate, "PutParameter", body).await;
    assert_eq!(status, 200, "{answer}");
}

async fn names(gate: &Gate, names: &[&str], decrypt: bool) -> (u16, Value) {
    ssm(
        gate,
        "GetParameters",
        json!({"Names": names, "WithDecryption": decrypt}),
    )
    .await
}

/// All names below a path and how many calls that took.
async fn walk(gate: &Gate, path: &str, decrypt: bool) -> (Vec<String>, usize) {
    let (mut found, mut calls, mut token) = (Vec::new(), 0, Value::Null);
    loop {
        let mut body = json!({"Path": path, "Recursive": true, "MaxResults": 10, "WithDecryption": decrypt});
        if !token.is_null() {
            body["NextToken"] = token;
        }
        let (status, answer) = ssm(gate, "GetParametersByPath", body).await;
        assert_eq!(status, 200, "{answer}");
        calls += 1;
        let page = answer["Parameters"].as_array().unwrap();
        found.extend(
            page.iter()
                .map(|parameter| parameter["Name"].as_str().unwrap().to_owned()),
        );
        token = answer["NextToken"].clone();
        if token.is_null() {
            return (found, calls);
        }
    }
}

/// Runs the same expectations against roto and against the gate's own copy.
async fn on_both<F: AsyncFn(&Gate)>(test: F) {
    let roto = Roto::start();
    let gate = Gate::start(&roto.url, GateConfig::default()).unwrap();
    test(&gate).await;
    let gate = Gate::start("http://127.0.0.1:9", GateConfig::default()).unwrap();
    gate.serve_reads_itself(true);
    test(&gate).await;
}

fn code(answer: &Value) -> &str {
    answer["__type"].as_str().unwrap_or("none")
}

#[tokio::test]
async fn reads_answer_as_aws_does() {
    on_both(async |gate| {
        put(gate, "/web/b", "one").await;
        put(gate, "/web/b", "two").await;
        put(gate, "/web/a", "x").await;
        let label = json!({"Name": "/web/b", "ParameterVersion": 1, "Labels": ["live"]});
        assert_eq!(ssm(gate, "LabelParameterVersion", label).await.0, 200);

        let (_, answer) = names(
            gate,
            &["/web/b:1", "/nope", "/web/b:live", "/web/b", "/web/a"],
            true,
        )
        .await;
        assert_eq!(answer["InvalidParameters"], json!(["/nope"]));
        let shown = answer["Parameters"].as_array().unwrap();
        let field = |field: &str| shown.iter().map(|shown| shown[field].clone()).collect::<Vec<_>>();
        assert_eq!(
            field("Name"),
            ["/web/a", "/web/b", "/web/b", "/web/b"],
            "alphabetical"
        );
        assert_eq!(field("Value"), ["x", "one", "one", "two"]);
        assert_eq!(field("Version"), [1, 1, 1, 2]);
        assert_eq!(shown[1]["Selector"], ":1");
        assert_eq!(shown[3]["Selector"], Value::Null);
        assert_eq!(
            shown[0]["ARN"],
            "arn:aws:ssm:ap-northeast-1:123456789012:parameter/web/a"
        );

        let (_, answer) = names(gate, &["/web/a"], false).await;
        assert_eq!(answer["Parameters"][0]["Version"], 1);
        let sealed = answer["Parameters"][0]["Value"].as_str().unwrap();
        assert!(sealed.starts_with("AQICAH") && !sealed.contains('x'), "{sealed}");

        let (status, answer) = ssm(gate, "GetParameter", json!({"Name": "/nope"})).await;
        assert_eq!((status, code(&answer)), (400, "ParameterNotFound"));
        let (status, answer) = ssm(gate, "GetParameter", json!({"Name": "/web/a:9"})).await;
        assert_eq!((status, code(&answer)), (400, "ParameterVersionNotFound"));
        let eleven: Vec<_> = (0..11).map(|n| format!("/n{n}")).collect();
        let (status, answer) = ssm(gate, "GetParameters", json!({"Names": eleven})).await;
        assert_eq!((status, code(&answer)), (400, "ValidationException"));
        let large = json!({"Name": "/big", "Value": "v".repeat(4097), "Type": "String"});
        let (status, answer) = ssm(gate, "PutParameter", large).await;
        assert_eq!((status, code(&answer)), (400, "ValidationException"));
        let counts = gate.counts();
        assert_eq!(
            (counts.names, counts.decrypted, counts.reads()),
            (17, 4, 5),
            "{counts:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn a_path_of_twenty_takes_two_calls_however_full_the_last_page_is() {
    on_both(async |gate| {
        for n in 0..20 {
            put(gate, &format!("/web/{n:02}"), "v").await;
        }
        put(gate, "/website/x", "v").await;
        gate.reset_counts();
        let (found, calls) = walk(gate, "/web", true).await;
        assert_eq!(
            (found.len(), calls, gate.counts().decrypted, gate.counts().reads()),
            (20, 2, 20, 2)
        );
        gate.trailing_token(true);
        assert_eq!(
            walk(gate, "/web/", false).await.1,
            3,
            "AWS may give a token after a full last page"
        );
        gate.trailing_token(false);
        gate.page_size(3);
        assert_eq!(walk(gate, "/web", false).await.1, 7);
        gate.page_size(None);
        gate.empty_page_first(true);
        assert_eq!(walk(gate, "/web", false).await, (found, 3));
    })
    .await;
}

#[tokio::test]
async fn write_times_have_milliseconds_and_a_parameter_made_anew_has_another() {
    on_both(async |gate| {
        let modified =
            async || names(gate, &["/a"], false).await.1["Parameters"][0]["LastModifiedDate"].clone();
        put(gate, "/a", "1").await;
        let first = modified().await.as_f64().unwrap();
        assert_eq!(ssm(gate, "DeleteParameter", json!({"Name": "/a"})).await.0, 200);
        tokio::time::sleep(Duration::from_millis(5)).await;
        put(gate, "/a", "2").await;
        let second = modified().await.as_f64().unwrap();
        assert!(second > first && second - first < 1.5, "{first} {second}");
    })
    .await;
}

#[tokio::test]
async fn denied_names_and_disabled_keys_fail_the_whole_call() {
    on_both(async |gate| {
        put(gate, "/web/a", "1").await;
        put(gate, "/web/b", "1").await;
        gate.deny_name("/web/b");
        let (status, answer) = names(gate, &["/web/a", "/web/b:1"], false).await;
        assert_eq!((status, code(&answer)), (400, "AccessDeniedException"));
        let message = answer["message"].as_str().unwrap();
        assert!(message.contains(
            "ssm:GetParameters on resource: arn:aws:ssm:ap-northeast-1:123456789012:parameter/web/b "
        ));
        assert_eq!(
            walk(gate, "/web", false).await.0.len(),
            2,
            "by path, only the path counts"
        );
        gate.deny_path("/web/");
        let (_, answer) = ssm(gate, "GetParametersByPath", json!({"Path": "/web"})).await;
        assert_eq!(code(&answer), "AccessDeniedException");
        gate.allow_path("/web");
        gate.allow_name("/web/b");
        gate.disable_key_of("/web/b");
        let (_, answer) = names(gate, &["/web/a", "/web/b"], true).await;
        assert_eq!(code(&answer), "InvalidKeyId");
        let by_path = json!({"Path": "/web", "WithDecryption": true});
        assert_eq!(
            code(&ssm(gate, "GetParametersByPath", by_path).await.1),
            "InvalidKeyId"
        );
        assert_eq!(
            names(gate, &["/web/a", "/web/b"], false).await.0,
            200,
            "undecrypted reads need no key"
        );
        gate.enable_key_of("/web/b");
        assert_eq!(names(gate, &["/web/a", "/web/b"], true).await.0, 200);
    })
    .await;
}

#[tokio::test]
async fn reads_lag_behind_writes_for_as_many_answers_as_told() {
    on_both(async |gate| {
        put(gate, "/a", "1").await;
        put(gate, "/a", "2").await;
        gate.stale_version("/a", 1);
        let version = async || names(gate, &["/a"], true).await.1["Parameters"][0]["Version"].clone();
        assert_eq!((version().await, version().await), (json!(1), json!(2)));
        gate.hide_name("/a", 2);
        assert_eq!(
            names(gate, &["/a"], true).await.1["InvalidParameters"],
            json!(["/a"])
        );
        assert_eq!(walk(gate, "/", true).await.0.len(), 0);
        assert_eq!(walk(gate, "/", true).await.0, ["/a"]);
    })
    .await;
}

#[tokio::test]
async fn quotas_failures_and_latency_are_counted_by_code() {
    on_both(async |gate| {
        put(gate, "/a", "1").await;
        gate.quota(Some(Quota {
            per_second: 0.1,
            burst: 2.0,
        }));
        for _ in 0..5 {
            names(gate, &["/a"], false).await;
        }
        let (status, answer) = names(gate, &["/a"], false).await;
        assert_eq!(
            (status, code(&answer), &answer["message"]),
            (400, "ThrottlingException", &json!("Rate exceeded"))
        );
        assert_eq!(
            (gate.counts().throttled, gate.counts().by_code["OK"]),
            (4, 3),
            "two reads and the put"
        );
        gate.quota(None);
        gate.throttle_all(true);
        assert_eq!(names(gate, &["/a"], false).await.0, 400);
        put(gate, "/a", "2").await;
        gate.throttle_all(false);
        gate.fail_next(1, "InternalServerError");
        assert_eq!(names(gate, &["/a"], false).await.0, 500);
        gate.latency(Duration::from_millis(80));
        let start = Instant::now();
        assert_eq!(names(gate, &["/a"], false).await.0, 200);
        assert!(start.elapsed() >= Duration::from_millis(80));
        let last = gate.calls().pop().unwrap();
        assert_eq!(
            (last.action.as_str(), last.code.as_str(), last.decrypt),
            ("GetParameters", "OK", false)
        );
    })
    .await;
}

#[tokio::test]
async fn a_gate_that_is_down_closes_connections_and_comes_back() {
    let gate = Gate::start("http://127.0.0.1:9", GateConfig::default()).unwrap();
    gate.serve_reads_itself(true);
    assert_eq!(gate.seed("/a", "1", "String"), 1);
    gate.down(true);
    assert!(
        post(&gate.url(), "AmazonSSM.GetParameter", "{}".to_owned())
            .await
            .is_err()
    );
    gate.latency(Duration::from_mins(1));
    gate.down(false);
    let url = gate.url();
    let waiting =
        tokio::spawn(
            async move { post(&url, "AmazonSSM.GetParameter", json!({"Name": "/a"}).to_string()).await },
        );
    while gate.calls().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    gate.down(true);
    assert!(
        waiting.await.unwrap().is_err(),
        "an open connection is closed too"
    );
    gate.down(false);
    gate.latency(Duration::ZERO);
    assert_eq!(
        ssm(&gate, "GetParameter", json!({"Name": "/a"})).await.1["Parameter"]["Value"],
        "1"
    );
    let url = gate.url();
    drop(gate);
    assert!(
        post(&url, "AmazonSSM.GetParameter", "{}".to_owned())
            .await
            .is_err()
    );
}

#[tokio::test]
async fn other_services_and_actions_pass_as_they_are() {
    let roto = Roto::start();
    let gate = Gate::start(&roto.url, GateConfig::default()).unwrap();
    let body =
        "Action=AssumeRole&RoleArn=arn:aws:iam::111122223333:role/x&RoleSessionName=s&Version=2011-06-15";
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let request = Request::post(gate.url())
        .body(Full::new(Bytes::from(body)))
        .unwrap();
    let response = client.request(request).await.unwrap();
    let text = response.into_body().collect().await.unwrap().to_bytes();
    assert!(String::from_utf8_lossy(&text).contains("arn:aws:sts::111122223333:assumed-role/x/s"));
    let (status, answer) = ssm(&gate, "DescribeParameters", json!({})).await;
    assert_eq!((status, &answer["Parameters"]), (200, &json!([])));
    assert_eq!(
        (
            gate.counts().of("AssumeRole"),
            gate.counts().of("DescribeParameters")
        ),
        (1, 1)
    );
}
