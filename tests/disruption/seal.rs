//! The key that seals: deleted, replaced, unreadable, lost.

use std::time::Duration;

use harness::{Case, ControlPlane, Which};
use serde_json::{Value, json};

use super::doubts::{ask_all, each, edit, put_all, recorded, spec, two};
use super::support::{LONG, assert_no_panic, log_since, suite, turn, wait_value, wait_within};
use super::tenant::{SEAL, calendar};

/// Longer than a repair takes.
const AFTERWARDS: Duration = Duration::from_secs(4);
const RETAIN: &str = "target: {deletionPolicy: Retain}";
const ADOPT: &str = "target: {deletionPolicy: Retain, adopt: Always}";

/// kubectl with all rights under the operator's own name, for its policy refuses the Secret to everybody else.
async fn kubectl(plane: &ControlPlane, args: &[&str]) -> anyhow::Result<String> {
    let mut all = vec![
        "-n",
        "paramsync-system",
        "--as=system:serviceaccount:paramsync-system:paramsync",
        "--as-group=system:masters",
    ];
    all.extend(args);
    plane.kubectl(&all).await
}

/// The key as it is kept; none where the Secret is gone.
async fn key(plane: &ControlPlane) -> Option<String> {
    let args = ["get", "secret", "paramsync-seal", "-o=jsonpath={.data.current}"];
    kubectl(plane, &args).await.ok()
}

async fn set_key(plane: &ControlPlane, base64: &str) {
    let patch = json!({"data": {"current": base64}}).to_string();
    let args = ["patch", "secret", "paramsync-seal", "--type=merge", "-p", &patch];
    kubectl(plane, &args).await.unwrap();
}

async fn delete_key(plane: &ControlPlane) {
    kubectl(plane, &["delete", "secret", "paramsync-seal"])
        .await
        .unwrap();
}

/// 32 bytes that are another key, and 31 that are none.
const ANOTHER: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
const TOO_SHORT: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MA==";

async fn seal_of(case: &Case<'_>, secret: &str) -> Value {
    case.get_json("Secret", secret).await.unwrap()["metadata"]["annotations"][SEAL].take()
}

/// How often Secrets of the case were written since the proxy was reset.
fn writes(case: &Case<'_>) -> usize {
    let path = format!("/namespaces/{}/secrets/", case.namespace());
    case.operator().proxy().count(&Which::write(&path))
}

#[tokio::test]
async fn a_key_that_is_deleted_or_replaced_is_written_back_and_nothing_else_changes() {
    let _turn = turn().await;
    let case = suite().await.case_alone("seal").await;
    let (operator, plane) = (case.operator(), case.plane());
    let all = ["web".to_owned()];
    each(&case, &all).await;
    let whole = key(plane).await.unwrap();
    let sealed = seal_of(&case, "web").await;
    // The key in the Secret is the one that sealed: by another nothing would be ours after a start.
    for deed in ["deleted", "replaced"] {
        operator.restart().unwrap();
        operator.wait_ready().await.unwrap();
        let said = operator.log().len();
        let proxy = operator.proxy();
        proxy.reset();
        match deed {
            "deleted" => delete_key(plane).await,
            _ => set_key(plane, ANOTHER).await,
        }
        case.eventually(LONG, &format!("{deed}, it is written back"), async || {
            (key(plane).await? == whole).then_some(())
        })
        .await;
        case.eventually(LONG, "that is told", async || {
            let events = plane
                .kubectl(&[
                    "get",
                    "events",
                    "-n",
                    "paramsync-system",
                    "--field-selector=reason=SealWrittenBack,involvedObject.name=paramsync-seal",
                    "-o=name",
                ])
                .await
                .ok()?;
            let told = log_since(operator, said).contains("SealWrittenBack");
            (told && events.contains("event")).then_some(())
        })
        .await;
        tokio::time::sleep(AFTERWARDS).await;
        assert_eq!(writes(&case), 0, "{deed}: no Secret is written for that");
        edit(&case, "web").await;
        wait_value(&case, "web", "V00", "value-0").await;
        assert_eq!(seal_of(&case, "web").await, sealed, "{deed}: the same key seals");
    }
    assert_no_panic(operator);
}

#[tokio::test]
async fn with_a_key_that_cannot_be_read_nothing_is_written_until_it_is_put_right() {
    let _turn = turn().await;
    let case = suite().await.case_alone("unreadable").await;
    let (operator, plane) = (case.operator(), case.plane());
    let all = ["web".to_owned()];
    each(&case, &all).await;
    let whole = key(plane).await.unwrap();
    operator.stop().unwrap();
    set_key(plane, TOO_SHORT).await;
    edit(&case, "web").await;
    case.put_many("/new", 2).await;
    case.sync("new", &spec("new")).await;
    operator.proxy().reset();
    operator.start_again().unwrap();
    case.eventually(LONG, "readiness names the Secret", async || {
        let answer = operator.get("/readyz").await.ok()?;
        let named =
            "seal: Secret paramsync-system/paramsync-seal: current is 31 bytes long, and has to be 32 bytes";
        (answer.status == 503 && answer.body.contains(named)).then_some(())
    })
    .await;
    tokio::time::sleep(2 * AFTERWARDS).await;
    assert_eq!(writes(&case), 0);
    assert!(case.secret("new").await.is_none());
    assert!(case.secret("web").await == Some(two("by hand", "value-1")));
    assert_ne!(operator.get("/readyz").await.unwrap().status, 200);
    assert_eq!(key(plane).await.as_deref(), Some(TOO_SHORT), "no other is made");

    set_key(plane, &whole).await;
    operator.wait_ready().await.unwrap();
    for name in ["web", "new"] {
        wait_value(&case, name, "V00", "value-0").await;
        wait_within(&case, LONG, name, "Ready", "True", "Synced").await;
    }
    assert_no_panic(operator);
}

#[tokio::test]
async fn after_its_loss_what_is_recorded_is_sealed_anew_and_what_is_not_needs_to_be_adopted() {
    let _turn = turn().await;
    let case = suite().await.case_alone("seal-lost").await;
    let (operator, plane) = (case.operator(), case.plane());
    let all = ["recorded".to_owned()];
    each(&case, &all).await;
    case.put_many("/bare", 2).await;
    case.sync("bare", &format!("{}\n{RETAIN}", spec("bare"))).await;
    wait_within(&case, LONG, "bare", "Ready", "True", "Synced").await;
    case.kubectl(&["delete", "parametersync", "bare"]).await;
    calendar(&case, "Closed").await;
    let (was, sealed) = (key(plane).await.unwrap(), seal_of(&case, "recorded").await);
    operator.stop().unwrap();
    delete_key(plane).await;
    put_all(&case, &["recorded".to_owned(), "bare".to_owned()], "newest").await;
    operator.proxy().reset();
    operator.start_again().unwrap();
    operator.wait_ready().await.unwrap();
    assert_ne!(key(plane).await, Some(was), "another is made");

    // The record is in status: the seal is put right as any other drift, at what is applied.
    case.eventually(LONG, "the Secret is sealed anew", async || {
        (seal_of(&case, "recorded").await != sealed).then_some(())
    })
    .await;
    ask_all(&case, "lost").await;
    wait_within(&case, LONG, "recorded", "UpToDate", "False", "FrozenByCalendar").await;
    tokio::time::sleep(AFTERWARDS).await;
    assert_eq!(writes(&case), 1);
    assert!(case.secret("recorded").await == Some(two("value-0", "value-1")));
    let (secret, version) = recorded(&case, "recorded").await;
    assert_eq!((secret["writing"].is_null(), version), (true, 1), "{secret}");

    // Without a record nothing tells that it is ours: neither in the freeze nor after it.
    let bare = case.secret_resource_version("bare").await;
    case.sync("bare", &format!("{}\n{RETAIN}", spec("bare"))).await;
    wait_within(&case, LONG, "bare", "Ready", "False", "SecretNotOurs").await;
    calendar(&case, "Open").await;
    wait_value(&case, "recorded", "V01", "newest").await;
    tokio::time::sleep(AFTERWARDS).await;
    wait_within(&case, LONG, "bare", "Ready", "False", "SecretNotOurs").await;
    assert_eq!(case.secret_resource_version("bare").await, bare);
    case.sync("bare", &format!("{}\n{ADOPT}", spec("bare"))).await;
    wait_value(&case, "bare", "V01", "newest").await;
    wait_within(&case, LONG, "bare", "Ready", "True", "Synced").await;
    assert_no_panic(operator);
}
