//! From release 0.1, whose Secrets carry no seal and whose status no revision, with objects in place.

use std::fmt::Write as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use harness::Case;
use kube::api::{Patch, PatchParams};
use kube::core::Request;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::freezes::{event, from_now, frozen, status};
use super::kept::{becomes, force, told};
use super::support::suite;
use super::writes::Writes;

const SOME: Duration = Duration::from_mins(1);
/// Longer than a repair, and than two sweeps, take.
const QUIET: Duration = Duration::from_secs(25);
/// Who wrote it then, too.
const OPERATOR: &str = "system:serviceaccount:paramsync-system:paramsync";

/// An object as release 0.1 left it.
struct Old {
    name: &'static str,
    /// The rest of its spec.
    spec: &'static str,
    /// What of the target shapes the Secret, as release 0.1 put it together, but for sources and owner.
    shaping: Value,
    labels: Value,
    annotations: Value,
    /// Keys that are rendered.
    rendered: &'static [(&'static str, &'static str)],
}

fn olds() -> [Old; 3] {
    let plain = || json!({"type": "Opaque", "labels": {}, "annotations": {}, "templates": []});
    [
        Old {
            name: "plain",
            spec: "",
            shaping: plain(),
            labels: json!({}),
            annotations: json!({}),
            rendered: &[],
        },
        Old {
            name: "shut",
            spec: "changes: {calendars: [{kind: ChangeCalendar, name: shut}]}",
            shaping: plain(),
            labels: json!({}),
            annotations: json!({}),
            rendered: &[],
        },
        Old {
            name: "dressed",
            spec: "onCollision: Fail\ntarget: {labels: {team: shop}, annotations: {example.com/note: kept}, templates: {app: \"it is {{ V00 }}\"}}",
            shaping: json!({
                "type": "Opaque", "labels": {"team": "shop"}, "annotations": {"example.com/note": "kept"},
                "templates": [["app", "it is {{ V00 }}"]],
            }),
            labels: json!({"team": "shop"}),
            annotations: json!({"example.com/note": "kept"}),
            rendered: &[("app", "it is value-0")],
        },
    ]
}

/// As release 0.1 computed it: half a SHA-256 over what differs from its default, the owner's uid among it.
fn shape(old: &Old, uid: &str) -> String {
    let mut shaping = old.shaping.clone();
    shaping["sources"] = json!([{"path": format!("/{}", old.name)}]);
    shaping["owner"] = json!(uid);
    let digest = Sha256::digest(shaping.to_string().as_bytes());
    digest[..16].iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Does what release 0.1 did, while no operator runs: the object with its status, and the Secret.
async fn leave_behind(case: &Case<'_>, old: &Old, probe: &Value) {
    let Old { name, spec, .. } = old;
    let spec = format!("interval: 10s\nsources: [{{path: /{name}}}]\n{spec}");
    case.sync(name, &spec).await;
    let object = case.get_json("ParameterSync", name).await.expect("the object");
    let uid = object["metadata"]["uid"].as_str().expect("a uid").to_owned();

    let mut data = Map::new();
    for n in 0..3 {
        data.insert(format!("V{n:02}"), json!(STANDARD.encode(format!("value-{n}"))));
    }
    for (key, text) in old.rendered {
        data.insert((*key).to_owned(), json!(STANDARD.encode(text)));
    }
    let (mut labels, mut annotations) = (old.labels.clone(), old.annotations.clone());
    labels["paramsync.dev/managed"] = json!("true");
    labels["app.kubernetes.io/managed-by"] = json!("paramsync");
    annotations["paramsync.dev/applied"] = json!(r#"{"what":"release 0.1 said"}"#);
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque", "data": data,
        "metadata": {
            "name": name, "namespace": case.namespace(), "labels": labels, "annotations": annotations,
            "ownerReferences": [{
                "apiVersion": "paramsync.dev/v1alpha1", "kind": "ParameterSync", "name": name, "uid": uid,
                "controller": true, "blockOwnerDeletion": false,
            }],
        },
    });
    let operator = format!("--as={OPERATOR}");
    let args = [
        &operator,
        "apply",
        "--server-side",
        "--field-manager=paramsync",
        "-f",
        "-",
    ];
    let applied = case.plane().kubectl_stdin(&args, &secret.to_string()).await;
    applied.expect("the Secret of release 0.1");

    let mut parameters = probe["parameters"].clone();
    for parameter in parameters.as_array_mut().expect("parameters") {
        let from = parameter["name"].as_str().expect("a name").to_owned();
        parameter["name"] = json!(from.replace("/probe/", &format!("/{name}/")));
        let applied = Applied::newest(case, parameter["name"].as_str().expect("a name")).await;
        parameter["version"] = json!(applied.version);
        parameter["lastModified"] = json!(applied.time);
    }
    let condition = |kind: &str, message: &str| {
        json!({
            "type": kind, "status": "True", "reason": "Synced", "message": message, "observedGeneration": 1,
            "lastTransitionTime": "2026-11-01T00:00:00Z",
        })
    };
    let keys = data.len();
    let status = json!({"status": {
        "observedGeneration": 1,
        "conditions": [
            condition("Ready", &format!("{keys} keys from 3 parameters")),
            condition("UpToDate", "nothing newer is known"),
        ],
        "secret": {
            "name": name, "keys": keys, "type": "Opaque", "shape": shape(old, &uid),
            "account": probe["secret"]["origin"]["account"], "region": probe["secret"]["origin"]["region"],
        },
        "parameters": parameters,
        "lastChanged": "2026-11-01T00:00:00Z",
    }});
    patch_status(case, name, &status).await;
    let left = self::status(case, name).await;
    assert!(left["secret"]["revision"].is_null() && left["secret"]["account"].is_string());
}

/// Writes a status as the operator, which may not read what kubectl reads first.
async fn patch_status(case: &Case<'_>, name: &str, status: &Value) {
    let url = format!(
        "/apis/paramsync.dev/v1alpha1/namespaces/{}/parametersyncs",
        case.namespace()
    );
    let patch = Patch::Merge(status);
    let request = Request::new(url).patch_subresource("status", name, &PatchParams::default(), &patch);
    let mut request = request.expect("a request");
    let operator = OPERATOR.parse().expect("a header");
    request.headers_mut().insert("Impersonate-User", operator);
    case.client()
        .request::<Value>(request)
        .await
        .expect("the status of release 0.1");
}

/// A parameter's newest version and its time, as status tells it.
struct Applied {
    version: i64,
    time: String,
}

impl Applied {
    async fn newest(case: &Case<'_>, name: &str) -> Self {
        let body = json!({"Names": [name], "WithDecryption": false});
        let answer = case.store().call("GetParameters", harness::REGION, &body).await;
        let parameter = answer.expect("an answer")["Parameters"][0].take();
        let seconds = parameter["LastModifiedDate"].as_f64().expect("a time");
        // As the AWS SDK reads it: nanoseconds cut off, then milliseconds.
        let millis = seconds.floor() as i64 * 1000 + (seconds.fract() * 1e9) as i64 / 1_000_000;
        let time = jiff::Timestamp::from_millisecond(millis).expect("a time");
        Self {
            version: parameter["Version"].as_i64().expect("a version"),
            time: format!("{time:.3}"),
        }
    }
}

async fn sealed(case: &Case<'_>, name: &str) -> bool {
    let secret = case.get_json("Secret", name).await.expect("the Secret");
    secret["metadata"]["annotations"]["paramsync.dev/seal"].is_string()
}

async fn has_a_record(case: &Case<'_>, name: &str) {
    case.eventually(
        SOME,
        &format!("{name} has a record of this release"),
        async || {
            let secret = status(case, name).await["secret"].clone();
            let now = secret["revision"].as_i64()? > 0
                && secret["shape"].as_str()?.starts_with("1.")
                && secret["origin"]["region"].is_string()
                && secret["account"].is_null()
                && secret["region"].is_null();
            now.then_some(())
        },
    )
    .await;
    assert!(sealed(case, name).await, "{name}");
    case.wait_condition(name, "Ready", "True", "Synced").await;
}

#[tokio::test]
async fn an_upgrade_from_release_0_1_writes_no_secret_open_or_closed_and_the_next_change_makes_a_record() {
    let case = suite().await.case_alone("upgrade").await;
    let operator = case.operator();
    case.put_many("/probe", 3).await;
    case.sync("probe", "interval: 24h\nsources: [{path: /probe}]")
        .await;
    case.wait_ready("probe").await;
    let probe = status(&case, "probe").await;
    operator.stop().expect("a stop");

    let freeze = event(from_now(-3600), from_now(3600));
    let calendar = |rest: &str| {
        format!(
            "apiVersion: paramsync.dev/v1alpha1\nkind: ChangeCalendar\nmetadata: {{name: shut}}\nspec: {{{rest}}}\n"
        )
    };
    case.apply(&calendar(&freeze)).await;
    let olds = olds();
    for old in &olds {
        case.put_many(&format!("/{}", old.name), 3).await;
        leave_behind(&case, old, &probe).await;
    }
    // What waits in a freeze is told, too.
    case.put("/shut/V01", "new").await;
    let mut before = Vec::new();
    let mut writes = Vec::new();
    for old in &olds {
        before.push(case.secret(old.name).await.expect("the Secret"));
        writes.push(Writes::of(&case, "Secret", old.name).await);
    }
    case.gate().reset_counts();
    operator.start_again().expect("a start");
    operator.wait_ready().await.expect("ready");
    frozen(&case, "shut", &["1 change waits for", "ChangeCalendar/shut"]).await;
    // Each path is swept twice or more.
    tokio::time::sleep(QUIET).await;
    let counts = case.gate().counts();
    assert!(counts.reads() >= 6, "{counts:?}");
    assert_eq!(counts.decrypted, 0, "{counts:?}");
    for ((old, before), writes) in olds.iter().zip(&before).zip(&writes) {
        let name = old.name;
        assert_eq!(writes.count(), 0, "{name}");
        case.wait_condition(name, "Ready", "True", "Synced").await;
        assert!(case.secret(name).await.as_ref() == Some(before), "{name}");
        if name != "shut" {
            told(&case, name, ("UpToDate", "True", "Synced"), &[]).await;
        }
    }

    // What others break comes back at the versions of then, once.
    for ((old, before), writes) in olds.iter().zip(&before).zip(&writes) {
        let name = old.name;
        let broken = r#"{"stringData":{"V00":"by hand"}}"#;
        case.kubectl(&["patch", "secret", name, "--type=merge", "-p", broken])
            .await;
        becomes(&case, name, "V00", "value-0").await;
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!(writes.count(), 2, "{name}: what broke it, and the repair");
        assert!(case.secret(name).await.as_ref() == Some(before), "{name}");
        case.wait_condition(name, "Ready", "True", "Synced").await;
    }
    frozen(&case, "shut", &["1 change waits for"]).await;

    for name in ["plain", "dressed"] {
        case.put(&format!("/{name}/V00"), "newer").await;
        force(&case, name, "now").await;
        becomes(&case, name, "V00", "newer").await;
        has_a_record(&case, name).await;
    }
    assert_eq!(
        case.secret_value("dressed", "app").await.as_deref(),
        Some("it is newer")
    );
    let dressed = status(&case, "dressed").await["secret"].clone();
    for (field, name) in [
        ("labels", "team"),
        ("annotations", "example.com/note"),
        ("templateKeys", "app"),
    ] {
        assert_eq!(dressed[field], json!([name]), "{dressed}");
    }
    case.apply(&calendar(&event(from_now(-3600), from_now(1)))).await;
    becomes(&case, "shut", "V01", "new").await;
    has_a_record(&case, "shut").await;
}
