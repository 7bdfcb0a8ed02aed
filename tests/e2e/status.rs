//! What status, events, metrics and logs say, and what suspends and hastens a sync.

use std::time::Duration;

use harness::{Case, Operator, OperatorConfig};
use serde_json::{Value, json};

use super::support::suite;
use super::writes::Writes;

const SOME: Duration = Duration::from_secs(30);
const QUIET: &str = "interval: 24h\nsources: [{path: /web}]";

async fn status(case: &Case<'_>, name: &str) -> Value {
    case.get_json("ParameterSync", name).await.expect("the object")["status"].clone()
}

async fn annotate(case: &Case<'_>, token: &str) {
    let text = format!("paramsync.dev/sync-requested-at={token}");
    case.kubectl(&["annotate", "--overwrite", "parametersync", "web", &text])
        .await;
}

async fn event_reasons(case: &Case<'_>, name: &str) -> Vec<String> {
    let events = case.list_json("Event").await;
    events
        .iter()
        .filter(|event| event["involvedObject"]["name"] == name)
        .filter_map(|event| event["reason"].as_str().map(str::to_owned))
        .collect()
}

#[tokio::test]
async fn a_fresh_object_says_that_nobody_looked_at_it_and_a_synced_one_what_it_holds() {
    let case = suite().await.case("status").await;
    case.put_many("/web", 3).await;
    let args = ["create", "--dry-run=server", "-o", "json", "-f", "-"];
    let fresh = case
        .plane()
        .kubectl_stdin(&args, &case.sync_yaml("web", QUIET))
        .await;
    let fresh: Value = serde_json::from_str(&fresh.expect("a dry run")).expect("JSON");
    assert_eq!(fresh["status"], json!({"observedGeneration": -1}));

    case.sync("web", QUIET).await;
    case.wait_ready("web").await;
    let status = status(&case, "web").await;
    assert_eq!(status["observedGeneration"], 1);
    let conditions = status["conditions"].as_array().expect("conditions");
    let kinds: Vec<&Value> = conditions.iter().map(|it| &it["type"]).collect();
    assert_eq!(kinds, ["Ready", "UpToDate"]);
    for condition in conditions {
        assert_eq!(condition["observedGeneration"], 1, "{condition}");
        assert_eq!(condition["status"], "True", "{condition}");
    }
    assert_eq!(status["secret"]["name"], "web");
    assert_eq!(status["secret"]["keys"], 3);
    let parameters = status["parameters"].as_array().expect("parameters");
    assert_eq!(parameters.len(), 3);
    let first = &parameters[0];
    assert_eq!(
        (&first["key"], &first["name"], &first["version"], &first["type"]),
        (
            &json!("V00"),
            &json!("/web/V00"),
            &json!(1),
            &json!("SecureString")
        )
    );
    assert!(first["lastModified"].as_str().is_some_and(|at| at.ends_with('Z')));
    assert!(status.get("pending").is_none(), "{status}");
    assert!(status["lastChanged"].is_string(), "{status}");

    // An edit is answered with the new generation, in every condition.
    case.sync("web", "interval: 23h\nsources: [{path: /web}]").await;
    case.eventually(SOME, "generation 2", async || {
        (self::status(&case, "web").await["observedGeneration"] == 2).then_some(())
    })
    .await;
    for condition in self::status(&case, "web").await["conditions"]
        .as_array()
        .expect("conditions")
    {
        assert_eq!(condition["observedGeneration"], 2, "{condition}");
    }
}

#[tokio::test]
async fn last_changed_moves_with_a_change_and_not_with_a_repair_and_events_tell_them_apart() {
    let case = suite().await.case("changed").await;
    case.put_many("/web", 3).await;
    case.sync("web", QUIET).await;
    case.wait_ready("web").await;
    let first = status(&case, "web").await["lastChanged"].clone();
    // It counts whole seconds.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    case.kubectl(&["delete", "secret", "web"]).await;
    case.eventually(SOME, "the Secret again", async || case.secret("web").await)
        .await;
    case.eventually(SOME, "the event Repaired", async || {
        let reasons = event_reasons(&case, "web").await;
        reasons.contains(&"Repaired".to_owned()).then_some(())
    })
    .await;
    case.wait_ready("web").await;
    assert_eq!(status(&case, "web").await["lastChanged"], first);

    case.put("/web/V01", "newer").await;
    annotate(&case, "one").await;
    case.eventually(SOME, "lastChanged moved", async || {
        (status(&case, "web").await["lastChanged"] != first).then_some(())
    })
    .await;
    assert_eq!(status(&case, "web").await["parameters"][1]["version"], 2);
    case.eventually(SOME, "the event Updated", async || {
        let reasons = event_reasons(&case, "web").await;
        reasons.contains(&"Updated".to_owned()).then_some(())
    })
    .await;
    let mut reasons = event_reasons(&case, "web").await;
    reasons.sort();
    assert_eq!(reasons, ["Created", "Repaired", "Updated"]);
}

#[tokio::test]
async fn a_failure_is_one_event_however_long_it_lasts() {
    let case = suite().await.case("events").await;
    case.sync("web", "interval: 10s\nsources: [{name: /nowhere}]")
        .await;
    let missing = case
        .wait_condition("web", "Ready", "False", "ParameterMissing")
        .await;
    assert!(missing.message.contains("/nowhere"), "{missing:?}");
    let status = Writes::of(&case, "ParameterSync", "web").await;
    // Several tries by then.
    tokio::time::sleep(Duration::from_secs(12)).await;
    assert_eq!(event_reasons(&case, "web").await, ["ParameterMissing"]);
    let events = case.list_json("Event").await;
    assert!(events.iter().all(|event| event["series"].is_null()), "{events:?}");
    assert_eq!(status.count(), 0, "status writes while nothing changes");
}

#[tokio::test]
async fn while_suspended_nothing_is_written_and_what_waits_comes_in_after() {
    let case = suite().await.case("suspend").await;
    case.put_many("/web", 3).await;
    let spec = "interval: 10s\nsources: [{path: /web}]";
    case.sync("web", spec).await;
    case.wait_ready("web").await;
    case.sync("web", &format!("{spec}\nsuspend: true")).await;
    let suspended = case
        .wait_condition("web", "UpToDate", "Unknown", "Suspended")
        .await;
    assert!(suspended.message.contains("spec.suspend"), "{suspended:?}");
    case.gate().reset_counts();
    case.kubectl(&[
        "patch",
        "secret",
        "web",
        "--type=merge",
        "-p",
        r#"{"data":{"V00":"Yg=="}}"#,
    ])
    .await;
    let writes = Writes::of(&case, "Secret", "web").await;
    case.put("/web/V01", "newer").await;
    let pending = case.eventually(SOME, "what waits, in status", async || {
        status(&case, "web").await.get("pending").cloned()
    });
    let pending = pending.await;
    assert_eq!(pending["total"], 1);
    assert_eq!(
        pending["changes"],
        json!([{"name": "/web/V01", "from": 1, "to": 2}])
    );
    case.wait_condition("web", "UpToDate", "False", "Suspended").await;
    assert_eq!((writes.count(), case.gate().counts().decrypted), (0, 0));

    case.sync("web", spec).await;
    case.eventually(SOME, "both keys", async || {
        let secret = case.secret("web").await?;
        (secret["V00"] == b"value-0" && secret["V01"] == b"newer").then_some(())
    })
    .await;
    case.wait_ready("web").await;
    assert!(status(&case, "web").await.get("pending").is_none());
}

#[tokio::test]
async fn a_forced_sync_brings_a_change_in_at_once_and_is_answered_when_the_sweep_is_done() {
    let case = suite().await.case("forced").await;
    case.put_many("/web", 3).await;
    case.sync("web", QUIET).await;
    case.wait_ready("web").await;
    case.put("/web/V01", "newer").await;
    annotate(&case, "one").await;
    case.eventually(Duration::from_secs(10), "the newer value", async || {
        (case.secret_value("web", "V01").await? == "newer").then_some(())
    })
    .await;
    case.eventually(SOME, "the answer", async || {
        (status(&case, "web").await["lastHandledSyncRequest"] == "one").then_some(())
    })
    .await;

    // While Parameter Store does not answer, nothing was handled.
    case.gate().down(true);
    annotate(&case, "two").await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(status(&case, "web").await["lastHandledSyncRequest"], "one");
    case.gate().down(false);
    case.eventually(SOME, "the answer", async || {
        (status(&case, "web").await["lastHandledSyncRequest"] == "two").then_some(())
    })
    .await;

    // Nothing new: it costs a sweep, and no decrypt.
    case.gate().reset_counts();
    let writes = Writes::of(&case, "Secret", "web").await;
    annotate(&case, "three").await;
    case.eventually(SOME, "the answer", async || {
        (status(&case, "web").await["lastHandledSyncRequest"] == "three").then_some(())
    })
    .await;
    let counts = case.gate().counts();
    assert!(counts.reads() >= 1, "{counts:?}");
    assert_eq!((counts.decrypted, writes.count()), (0, 0), "{counts:?}");
}

/// A metric's name, some of its labels, and the least that it must be.
type Series<'a> = (&'a str, &'a [(&'a str, &'a str)], f64);

#[tokio::test]
async fn metrics_count_the_work() {
    let case = suite().await.case("metrics").await;
    case.put_many("/web", 3).await;
    case.sync("web", QUIET).await;
    case.wait_ready("web").await;
    case.kubectl(&["delete", "secret", "web"]).await;
    case.eventually(SOME, "the Secret again", async || case.secret("web").await)
        .await;
    case.sync("bad", "sources: [{name: /nowhere}]").await;
    case.wait_condition("bad", "Ready", "False", "ParameterMissing")
        .await;
    let at_least: &[Series<'_>] = &[
        ("paramsync_reconciles_total", &[("result", "Written")], 1.0),
        ("paramsync_reconciles_total", &[("result", "Refused")], 1.0),
        ("paramsync_reconcile_duration_seconds_count", &[], 2.0),
        (
            "paramsync_aws_requests_total",
            &[("operation", "GetParametersByPath"), ("code", "OK")],
            1.0,
        ),
        ("paramsync_parameters_decrypted_total", &[], 6.0),
        ("paramsync_secret_writes_total", &[("kind", "create")], 1.0),
        ("paramsync_secret_writes_total", &[("kind", "repair")], 1.0),
        ("paramsync_status_writes_total", &[], 2.0),
        (
            "paramsync_objects",
            &[("ready", "True"), ("reason", "Synced")],
            1.0,
        ),
        (
            "paramsync_objects",
            &[("ready", "False"), ("reason", "ParameterMissing")],
            1.0,
        ),
        ("paramsync_limiter_rate", &[], 1.0),
    ];
    for (name, labels, least) in at_least {
        let found = case.operator().metric(name, labels).await.expect("metrics");
        assert!(found >= *least, "{name} {labels:?}: {found}");
    }
    let text = case.operator().metrics().await.expect("metrics");
    for name in ["paramsync_watch_failures_total", "paramsync_aws_throttles_total"] {
        assert!(text.contains(name), "{name} is missing:\n{text}");
    }
    // Bounded labels: no object's name.
    assert!(!text.contains(case.namespace()), "{text}");
}

#[tokio::test]
async fn json_logs_are_json_line_by_line() {
    let case = suite().await.case_alone("logs").await;
    case.operator().stop().expect("a stop");
    let config = OperatorConfig {
        binary: env!("CARGO_BIN_EXE_paramsync").into(),
        args: vec!["--log-format=json".to_owned()],
        ..OperatorConfig::default()
    };
    let operator = Operator::start(case.plane(), config).await.expect("a start");
    operator.wait_ready().await.expect("ready");
    case.put_many("/web", 2).await;
    case.sync("web", QUIET).await;
    case.wait_ready("web").await;
    case.sync("bad", "sources: [{name: /nowhere}]").await;
    case.wait_condition("bad", "Ready", "False", "ParameterMissing")
        .await;
    let log = operator.log();
    drop(operator);
    case.operator().restart().expect("a restart");
    case.operator().wait_ready().await.expect("ready");
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    let object = format!("{}/bad", case.namespace());
    let told = lines
        .iter()
        .find(|line| line["object"] == object.as_str() && line["reason"] == "ParameterMissing");
    assert!(told.is_some_and(|line| line["level"] == "WARN"), "{log}");
    assert!(log.contains("Secret written"), "{log}");
}
