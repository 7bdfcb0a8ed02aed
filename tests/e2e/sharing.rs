//! What ParameterSyncs of one store share, and whom the faults of others must not concern.

use std::time::{Duration, Instant};

use harness::{ACCESS_KEY_ID, Case, Operator, OperatorConfig, REGION, SECRET_ACCESS_KEY};

use super::kept::{LastGood, becomes, force, force_and_wait, not_ready, nothing_is_decrypted, told};
use super::support::suite;
use super::writes::Writes;

async fn says_nowhere(case: &Case<'_>, name: &str, word: &str) {
    let object = case.get_json("ParameterSync", name).await.expect("the object");
    let status = object["status"]["conditions"].to_string();
    assert!(!status.contains(word), "{name} names {word}: {status}");
}

#[tokio::test]
async fn a_wider_path_of_others_that_is_denied_is_never_named() {
    let case = suite().await.case("covered").await;
    case.put_many("/team/api", 2).await;
    case.sync("wide", "sources: [{path: /team, recursive: true}]\ninterval: 10s")
        .await;
    case.sync("narrow", "sources: [{name: /team/api/V00}]\ninterval: 10s")
        .await;
    case.wait_ready("wide").await;
    case.wait_ready("narrow").await;
    // Until one listing shows both.
    tokio::time::sleep(Duration::from_secs(12)).await;
    case.gate().deny_path("/team");
    force(&case, "wide", "1").await;
    told(&case, "wide", ("UpToDate", "Unknown", "AccessDenied"), &["/team"]).await;
    case.put("/team/api/V00", "changed").await;
    let until = Instant::now() + Duration::from_secs(25);
    while Instant::now() < until {
        says_nowhere(&case, "narrow", "/team ").await;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    becomes(&case, "narrow", "V00", "changed").await;
    told(&case, "narrow", ("UpToDate", "True", "Synced"), &[]).await;
}

#[tokio::test]
async fn what_is_read_by_arn_only_has_its_own_origin_beside_others() {
    let case = suite().await.case("arn-only").await;
    case.put_many("/web", 2).await;
    case.put("/arn/A", "a").await;
    case.sync("names", "sources: [{path: /web}]\ninterval: 24h").await;
    case.wait_ready("names").await;
    let arn = format!("arn:aws:ssm:{REGION}:123456789012:parameter/arn/A");
    let patch = format!(
        r#"{{"spec": {{"access": [{{"namespaceSelector": {{}}, "prefixes": ["/"], "arns": ["{arn}"]}}]}}}}"#
    );
    case.kubectl(&["patch", "cpstore", case.namespace(), "--type=merge", "-p", &patch])
        .await;
    case.sync(
        "arn",
        &format!("sources: [{{name: \"{arn}\", key: A}}]\ninterval: 24h"),
    )
    .await;
    case.wait_ready("arn").await;
    let kept = LastGood::of(&case, "arn").await;
    case.gate().reset_counts();
    for token in ["1", "2", "3"] {
        force_and_wait(&case, "arn", token).await;
    }
    kept.holds(&case).await;
    assert_eq!(case.gate().counts().decrypted, 0);
    told(&case, "arn", ("UpToDate", "True", "Synced"), &[]).await;
    let patch = r#"{"stringData": {"A": "by hand"}}"#;
    case.kubectl(&["patch", "secret", "arn", "--type=merge", "-p", patch])
        .await;
    becomes(&case, "arn", "A", "a").await;
    case.wait_ready("arn").await;
}

/// Syncs that each read a path of their own, as one manifest.
fn forty(case: &Case<'_>) -> String {
    let sync = |n: usize| {
        case.sync_yaml(
            &format!("s{n:02}"),
            &format!("sources: [{{path: /p{n:02}}}]\ninterval: 24h"),
        )
    };
    (0..40).map(sync).collect::<Vec<_>>().join("---\n")
}

#[tokio::test]
async fn a_tenants_limit_slows_its_own_store_only() {
    let suite = suite().await;
    let case = suite.case_alone("tenant-limit").await;
    for n in 0..40 {
        case.put(&format!("/p{n:02}/A"), "a").await;
    }
    let tenants = suite.tenant_store();
    tenants.put("/limited/A", "a").await.expect("a parameter");
    case.apply(&format!(
        "apiVersion: paramsync.dev/v1alpha1
kind: ParameterStore
metadata: {{name: own}}
spec:
  region: {REGION}
  endpointURL: {}
  auth: {{secretRef: {{name: aws, accessKeyIDKey: id, secretAccessKeyKey: key}}}}
  limits: {{requestsPerSecond: 1}}
",
        tenants.url()
    ))
    .await;
    let limited = case.sync_yaml("limited", "sources: [{path: /limited}]\ninterval: 10s");
    let own = format!(
        "storeRef: {{kind: ClusterParameterStore, name: {}}}",
        case.namespace()
    );
    case.apply(&limited.replace(&own, "storeRef: {kind: ParameterStore, name: own}"))
        .await;
    // The account is known by both: it is the same.
    case.sync("first", "sources: [{path: /p00}]\ninterval: 24h").await;
    case.wait_ready("limited").await;
    case.wait_ready("first").await;
    let began = Instant::now();
    case.apply(&forty(&case)).await;
    for n in 0..40 {
        case.wait_ready(&format!("s{n:02}")).await;
    }
    let took = began.elapsed();
    assert!(took < Duration::from_secs(20), "forty first syncs took {took:?}");
}

/// Lets the case's own store read by these keys.
async fn keys(case: &Case<'_>, id: &str) {
    let patch = format!(r#"{{"stringData": {{"id": "{id}", "key": "{SECRET_ACCESS_KEY}"}}}}"#);
    case.kubectl(&["patch", "secret", "aws", "--type=merge", "-p", &patch])
        .await;
}

#[tokio::test]
async fn rotated_keys_are_used_within_half_a_minute_and_by_a_forced_sync_at_once() {
    let case = suite().await.case("rotated").await;
    case.put_many("/web", 2).await;
    case.sync("web", "sources: [{path: /web}]\ninterval: 10s").await;
    case.wait_ready("web").await;
    case.gate().only_key(Some("AKIASECOND"));
    told(&case, "web", ("UpToDate", "Unknown", "CredentialsRejected"), &[]).await;
    case.put("/web/V00", "changed").await;
    let began = Instant::now();
    keys(&case, "AKIASECOND").await;
    becomes(&case, "web", "V00", "changed").await;
    let took = began.elapsed();
    assert!(took < Duration::from_secs(30), "{took:?}");
    told(&case, "web", ("UpToDate", "True", "Synced"), &[]).await;

    let rejected = |case: &Case<'_>| {
        let calls = case.gate().calls();
        let unknown = |code: &str| code == "UnrecognizedClientException";
        calls.iter().filter(|call| unknown(&call.code)).count()
    };
    keys(&case, "AKIATHIRD").await;
    let before = rejected(&case);
    case.gate().only_key(Some("AKIATHIRD"));
    force_and_wait(&case, "web", "1").await;
    assert!(rejected(&case) <= before + 1, "no more than a sweep that was due");
    case.gate().only_key(None);
    keys(&case, ACCESS_KEY_ID).await;
}

#[tokio::test]
async fn a_clock_that_aws_refuses_is_called_a_clock() {
    let case = suite().await.case("skewed").await;
    case.put_many("/web", 2).await;
    case.sync("web", "sources: [{path: /web}]\ninterval: 10s").await;
    case.wait_ready("web").await;
    case.gate().fail_next(1_000, "RequestTimeTooSkewed");
    let says = ["clock", "node", "RequestTimeTooSkewed"];
    told(&case, "web", ("UpToDate", "Unknown", "ClockSkew"), &says).await;
    nothing_is_decrypted(&case).await;
    case.gate().fail_next(0, "");
    told(&case, "web", ("UpToDate", "True", "Synced"), &[]).await;
}

#[tokio::test]
async fn a_store_edited_to_where_nobody_answers_does_not_go_on_saying_that_an_account_does() {
    let case = suite().await.case("store-edited").await;
    let store = case.namespace().to_owned();
    case.put_many("/web", 2).await;
    case.sync("web", "sources: [{path: /web}]\ninterval: 10s").await;
    case.wait_ready("web").await;
    let ready = async || case.condition("ClusterParameterStore", &store, "Ready").await;
    case.eventually(Duration::from_secs(20), "an account answers", async || {
        (ready().await?.reason == "Answering").then_some(())
    })
    .await;
    case.gate().only_key(Some("AKIAELSEWHERE"));
    let patch = r#"{"spec": {"region": "eu-west-1"}}"#;
    case.kubectl(&["patch", "cpstore", &store, "--type=merge", "-p", patch])
        .await;
    case.eventually(Duration::from_secs(40), "the store says so", async || {
        let ready = ready().await?;
        (ready.reason == "CredentialsRejected" && ready.status == "False").then_some(())
    })
    .await;
    let status = case.get_json("ClusterParameterStore", &store).await.expect("it");
    assert_eq!(status["status"]["account"], serde_json::Value::Null, "{status}");
}

#[tokio::test]
async fn stretched_intervals_are_told_by_the_store_and_cost_no_status_of_those_who_read() {
    let case = suite().await.case("stretched").await;
    let store = case.namespace().to_owned();
    let limit =
        |per_second: usize| format!(r#"{{"spec": {{"limits": {{"requestsPerSecond": {per_second}}}}}}}"#);
    for n in 0..40 {
        case.put(&format!("/p{n:02}/A"), "a").await;
    }
    case.apply(&forty(&case).replace("24h", "30s")).await;
    for n in 0..40 {
        case.wait_ready(&format!("s{n:02}")).await;
    }
    let mut writes = Vec::new();
    for n in 0..40 {
        writes.push(Writes::of(&case, "ParameterSync", &format!("s{n:02}")).await);
    }
    for (per_second, expected) in [(1, Some("90s")), (20, None)] {
        case.kubectl(&[
            "patch",
            "cpstore",
            &store,
            "--type=merge",
            "-p",
            &limit(per_second),
        ])
        .await;
        case.eventually(Duration::from_secs(30), "the interval in effect", async || {
            let object = case.get_json("ClusterParameterStore", &store).await?;
            (object["status"]["interval"].as_str() == expected).then_some(())
        })
        .await;
    }
    let written: usize = writes.iter().map(Writes::count).sum();
    assert_eq!(written, 0, "status writes");
}

#[tokio::test]
async fn a_proxy_in_the_environment_does_not_end_the_operator() {
    let suite = suite().await;
    let case = suite.case_alone("proxy").await;
    let config = OperatorConfig {
        binary: env!("CARGO_BIN_EXE_paramsync").into(),
        args: vec![],
        env: vec![
            ("HTTPS_PROXY".into(), "http://127.0.0.1:1".into()),
            ("NO_PROXY".into(), "127.0.0.1".into()),
        ],
        ..OperatorConfig::default()
    };
    // One at a time holds the Lease.
    case.operator().stop().expect("a stop");
    let operator = Operator::start(case.plane(), config)
        .await
        .expect("another operator");
    operator.wait_ready().await.expect("ready");
    operator.stop().expect("a stop");
    case.operator().start_again().expect("a start");
    case.operator().wait_ready().await.expect("ready");
}

#[tokio::test]
async fn a_forced_sync_during_which_access_is_lost_and_given_back_is_answered() {
    let case = suite().await.case("forced").await;
    let store = case.namespace().to_owned();
    let access = async |namespace: &str| {
        let patch = format!(
            r#"{{"spec": {{"access": [{{"namespaceSelector": {{"matchLabels": {{"kubernetes.io/metadata.name": "{namespace}"}}}}, "prefixes": ["/"]}}]}}}}"#
        );
        case.kubectl(&["patch", "cpstore", &store, "--type=merge", "-p", &patch])
            .await;
    };
    case.put_many("/web", 2).await;
    case.sync("web", "sources: [{path: /web}]\ninterval: 24h").await;
    case.wait_ready("web").await;
    case.gate().latency(Duration::from_secs(3));
    force(&case, "web", "while").await;
    access("others").await;
    not_ready(&case, "web", "NamespaceNotAllowed", &[]).await;
    case.gate().latency(Duration::ZERO);
    access(&store).await;
    case.eventually(
        Duration::from_secs(30),
        "the forced sync is answered",
        async || {
            let object = case.get_json("ParameterSync", "web").await?;
            (object["status"]["lastHandledSyncRequest"] == "while").then_some(())
        },
    )
    .await;
    told(&case, "web", ("UpToDate", "True", "Synced"), &[]).await;
}
