//! The operator is killed, stopped, or loses a right.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use harness::ControlPlane;
use serde_json::{Value, json};

use super::support::{LONG, ask_for_sync, assert_no_panic, suite, turn, wait_value};

const ROLE: &str = "paramsync";

/// The rules of the operator's ClusterRole.
pub(super) async fn rules(plane: &ControlPlane) -> Value {
    let role = plane
        .kubectl(&["get", "clusterrole", ROLE, "-o", "json"])
        .await
        .unwrap();
    serde_json::from_str::<Value>(&role).unwrap()["rules"].take()
}

pub(super) async fn set_rules(plane: &ControlPlane, rules: &Value) {
    let patch = json!([{"op": "replace", "path": "/rules", "value": rules}]).to_string();
    let args = ["patch", "clusterrole", ROLE, "--type=json", "-p", &patch];
    plane.kubectl(&args).await.unwrap();
}

/// Whether the operator's ServiceAccount may patch the status of ParameterSyncs.
async fn may_write_status(plane: &ControlPlane) -> bool {
    let args = [
        "auth",
        "can-i",
        "patch",
        "parametersyncs.paramsync.dev",
        "--subresource=status",
        "--as=system:serviceaccount:paramsync-system:paramsync",
    ];
    // It ends with an error where the answer is no.
    plane.kubectl(&args).await.is_ok()
}

fn version_of(object: &Value, name: &str) -> Option<i64> {
    let parameters = object["status"]["parameters"].as_array()?;
    parameters.iter().find(|entry| entry["name"] == name)?["version"].as_i64()
}

#[tokio::test]
async fn what_cannot_be_announced_in_status_is_not_written_until_it_can() {
    let _turn = turn().await;
    let case = suite().await.case_alone("between").await;
    let (operator, plane) = (case.operator(), case.plane());
    case.put_many("/web", 12).await;
    case.sync("web", "sources: [{path: /web}]").await;
    case.wait_ready("web").await;

    let whole = rules(plane).await;
    let mut less = whole.as_array().unwrap().clone();
    less.retain(|rule| {
        let resources = rule["resources"].as_array().unwrap();
        !resources
            .iter()
            .any(|resource| resource == "parametersyncs/status")
    });
    assert_eq!(
        less.len() + 1,
        whole.as_array().unwrap().len(),
        "one rule is about status"
    );
    set_rules(plane, &json!(less)).await;
    case.eventually(LONG, "the right is gone", async || {
        (!may_write_status(plane).await).then_some(())
    })
    .await;
    let before = case.secret_resource_version("web").await;
    case.put("/web/V05", "new").await;
    ask_for_sync(&case, "web", "between").await;
    case.eventually(LONG, "the newer values are there to be written", async || {
        (case.gate().counts().decrypted > 12).then_some(())
    })
    .await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(
        case.secret_resource_version("web").await,
        before,
        "nothing is written"
    );
    let object = case.get_json("ParameterSync", "web").await.unwrap();
    assert_eq!(version_of(&object, "/web/V05"), Some(1));

    set_rules(plane, &whole).await;
    case.eventually(LONG, "the right is back", async || {
        may_write_status(plane).await.then_some(())
    })
    .await;
    wait_value(&case, "web", "V05", "new").await;
    case.eventually(LONG, "status says so", async || {
        let object = case.get_json("ParameterSync", "web").await?;
        (version_of(&object, "/web/V05") == Some(2) && object["status"]["secret"]["writing"].is_null())
            .then_some(())
    })
    .await;
    assert_no_panic(operator);
}

#[tokio::test]
async fn killed_again_and_again_during_twenty_first_syncs_each_secret_is_right_in_the_end() {
    const SYNCS: usize = 20;
    let _turn = turn().await;
    let case = suite().await.case_alone("killed").await;
    let operator = case.operator();
    case.gate().serve_reads_itself(true);
    let mut yaml = String::new();
    for sync in 0..SYNCS {
        for n in 0..11 {
            case.gate().seed(
                &format!("/app{sync}/K{n}"),
                &format!("{sync}-{n}"),
                "SecureString",
            );
        }
        let object = case.sync_yaml(&format!("app{sync}"), &format!("sources: [{{path: /app{sync}}}]"));
        let _ = write!(yaml, "---\n{object}");
    }
    // Two calls each, at 20 calls a second: the first syncs outlast the kills.
    case.gate().latency(Duration::from_millis(150));
    case.apply(&yaml).await;
    for pause in [400, 900, 1300, 700, 1600] {
        tokio::time::sleep(Duration::from_millis(pause)).await;
        operator.kill().unwrap();
        operator.restart().unwrap();
    }
    operator.wait_ready().await.unwrap();
    for sync in 0..SYNCS {
        let name = format!("app{sync}");
        case.wait_ready(&name).await;
        let secret = case.secret(&name).await.expect("its Secret");
        assert_eq!(secret.len(), 11, "{name}");
        for n in 0..11 {
            assert_eq!(
                secret[&format!("K{n}")],
                format!("{sync}-{n}").as_bytes(),
                "{name}"
            );
        }
    }
    assert_no_panic(operator);
}

#[tokio::test]
async fn asked_to_end_while_it_syncs_it_exits_with_0_within_seconds() {
    let _turn = turn().await;
    let case = suite().await.case_alone("sigterm").await;
    let operator = case.operator();
    case.put_many("/web", 3).await;
    case.gate().latency(LONG);
    case.gate().reset_counts();
    for name in ["a", "b", "c"] {
        case.sync(name, "sources: [{path: /web}]").await;
    }
    case.eventually(LONG, "a fetch is on its way", async || {
        (case.gate().counts().reads() > 0).then_some(())
    })
    .await;
    let asked = Instant::now();
    let code = operator.stop().expect("an end by SIGTERM");
    let took = asked.elapsed();
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(8), "it took {took:?}");
    case.gate().latency(Duration::ZERO);
    operator.restart().unwrap();
    operator.wait_ready().await.unwrap();
    for name in ["a", "b", "c"] {
        case.wait_ready(name).await;
    }
    assert_no_panic(operator);
}
