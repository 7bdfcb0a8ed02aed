//! One writer: two operators at once, one that is halted, one that is killed, and a Lease that others lay hands on.

use std::time::{Duration, Instant};

use harness::{Case, ControlPlane, Operator, Signal};
use serde_json::{Value, json};

use super::support::{LONG, ask_for_sync, assert_no_panic, log_since, operator, suite, turn, wait_value};

/// A holder renews every 5 s, and notices by it that the Lease is not its own any more.
const NOTICES: Duration = Duration::from_secs(7);
const WRITTEN: &str = "Secret written";
const SOURCES: &str = "sources: [{path: /web}]";

async fn lease(plane: &ControlPlane) -> Option<Value> {
    let args = [
        "get",
        "lease",
        "paramsync",
        "-n",
        "paramsync-system",
        "-o",
        "json",
    ];
    let lease = plane.kubectl(&args).await.ok()?;
    Some(serde_json::from_str(&lease).unwrap())
}

async fn holder(plane: &ControlPlane) -> Option<String> {
    let lease = lease(plane).await?;
    lease["spec"]["holderIdentity"].as_str().map(str::to_owned)
}

async fn kubectl_lease(case: &Case<'_>, verb: &str, args: &[&str]) {
    let mut all = vec![verb, "lease", "paramsync", "-n", "paramsync-system"];
    all.extend(args);
    case.plane().kubectl(&all).await.unwrap();
}

/// Another operator, which is called `rival` in the Lease; waits until it waits for the Lease.
async fn rival(case: &Case<'_>) -> Operator {
    let mut config = operator("debug");
    config.env.push(("POD_NAME".to_owned(), "rival".to_owned()));
    let rival = Operator::start(case.plane(), config).await.unwrap();
    case.eventually(LONG, "the rival waits for the Lease only", async || {
        let waiting = rival.get("/readyz").await.ok()?.body;
        waiting
            .starts_with("waiting for\nparametersyncs: waiting for the Lease, which paramsync_")
            .then_some(())
    })
    .await;
    rival
}

async fn holds(case: &Case<'_>, pod: &str) {
    case.eventually(LONG, &format!("{pod} holds the Lease"), async || {
        let holder = holder(case.plane()).await?;
        holder.starts_with(&format!("{pod}_")).then_some(())
    })
    .await;
}

/// Waits until this Secret is there; says how long that took since `start`.
async fn written(case: &Case<'_>, secret: &str, start: Instant) -> Duration {
    let what = format!("Secret {secret} is written");
    case.eventually(LONG, &what, async || case.secret(secret).await)
        .await;
    start.elapsed()
}

#[tokio::test]
async fn of_two_operators_only_the_holder_writes_and_a_stop_hands_over_at_once() {
    let _turn = turn().await;
    let case = suite().await.case_alone("two").await;
    let first = case.operator();
    case.put_many("/web", 3).await;
    case.sync("before", SOURCES).await;
    case.wait_ready("before").await;
    let rival = rival(&case).await;
    let said = first.log().len();

    // Longer than a Lease lasts that is not renewed.
    let start = Instant::now();
    let mut syncs = 0;
    while start.elapsed() < Duration::from_secs(20) {
        let name = format!("both-{syncs}");
        case.sync(&name, SOURCES).await;
        case.wait_ready(&name).await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        syncs += 1;
    }
    let log = rival.log();
    assert!(!log.contains(WRITTEN), "the rival wrote:\n{log}");
    let wrote = rival.metric("paramsync_status_writes_total", &[]).await.unwrap();
    assert!(wrote.abs() < f64::EPSILON, "the rival wrote {wrote} statuses");
    assert!(!log_since(first, said).contains("the Lease is lost"));

    let code = first.stop().unwrap();
    let stopped = Instant::now();
    assert_eq!(code, Some(0));
    case.sync("after", SOURCES).await;
    let took = written(&case, "after", stopped).await;
    assert!(took < Duration::from_secs(4), "handed over after {took:?}");
    holds(&case, "rival").await;
    assert!(rival.log().contains(WRITTEN));

    // And back.
    first.start_again().unwrap();
    rival.stop().unwrap();
    let stopped = Instant::now();
    case.sync("back", SOURCES).await;
    let took = written(&case, "back", stopped).await;
    assert!(took < Duration::from_secs(4), "handed back after {took:?}");
    first.wait_ready().await.unwrap();
    assert_no_panic(first);
    assert_no_panic(&rival);
}

#[tokio::test]
async fn who_was_halted_writes_nothing_afterwards_and_who_was_killed_is_followed_within_half_a_minute() {
    let _turn = turn().await;
    let case = suite().await.case_alone("halted").await;
    let first = case.operator();
    case.put_many("/web", 3).await;
    case.sync("web", SOURCES).await;
    case.wait_ready("web").await;
    let rival = rival(&case).await;

    // Halted while a value is on its way to it.
    case.gate().latency(Duration::from_secs(3));
    case.put("/web/V01", "old").await;
    case.gate().reset_counts();
    ask_for_sync(&case, "web", "halted").await;
    case.eventually(LONG, "a value is on its way", async || {
        (case.gate().counts().reads() > 1).then_some(())
    })
    .await;
    first.signal(Signal::Stop).unwrap();
    let halted = Instant::now();
    let said = first.log().len();
    case.gate().latency(Duration::ZERO);
    case.put("/web/V01", "new").await;
    case.sync("meanwhile", SOURCES).await;
    let took = written(&case, "meanwhile", halted).await;
    assert!(took < Duration::from_secs(30), "the rival wrote after {took:?}");
    assert!(
        took > Duration::from_secs(19),
        "it wrote {took:?} after it was halted, while its last write could land"
    );
    wait_value(&case, "web", "V01", "new").await;
    case.wait_ready("web").await;
    let written_then = case.secret_resource_version("web").await;

    first.signal(Signal::Continue).unwrap();
    case.eventually(LONG, "the first one starts anew", async || {
        let log = log_since(first, said);
        let lost = log.find("the Lease is lost")?;
        log[lost..].contains("waiting for the Lease").then_some(())
    })
    .await;
    case.put("/web/V02", "newer").await;
    ask_for_sync(&case, "web", "continued").await;
    wait_value(&case, "web", "V02", "newer").await;
    assert_ne!(case.secret_resource_version("web").await, written_then);
    let log = log_since(first, said);
    assert!(!log.contains(WRITTEN), "it wrote after it was halted:\n{log}");
    holds(&case, "rival").await;

    rival.crash();
    let killed = Instant::now();
    case.sync("after", SOURCES).await;
    let took = written(&case, "after", killed).await;
    assert!(took < Duration::from_secs(30), "it took {took:?} after a kill");
    first.wait_ready().await.unwrap();
    assert_no_panic(first);
}

#[tokio::test]
async fn a_lease_that_others_lay_hands_on_is_kept_or_lost_and_got_back() {
    let _turn = turn().await;
    let case = suite().await.case_alone("hands").await;
    let (operator, plane) = (case.operator(), case.plane());
    case.put_many("/web", 3).await;
    case.sync("web", SOURCES).await;
    case.wait_ready("web").await;
    let pid = operator.pid().unwrap();

    // What leaves the holder where it is does no harm.
    let said = operator.log().len();
    let before = holder(plane).await;
    kubectl_lease(&case, "label", &["hands=on", "--overwrite"]).await;
    tokio::time::sleep(NOTICES).await;
    assert_eq!(holder(plane).await, before);
    assert_eq!(lease(plane).await.unwrap()["metadata"]["labels"]["hands"], "on");
    assert!(!log_since(operator, said).contains("is lost"));

    // Taken by hand.
    let taken = json!({"spec": {"holderIdentity": "somebody"}}).to_string();
    kubectl_lease(&case, "patch", &["--type=merge", "-p", &taken]).await;
    let since = Instant::now();
    tokio::time::sleep(NOTICES).await;
    assert!(log_since(operator, said).contains("the Lease is lost"));
    case.sync("taken", SOURCES).await;
    let took = written(&case, "taken", since).await;
    assert!(
        took > Duration::from_secs(20),
        "written {took:?} after another took it"
    );
    assert_ne!(holder(plane).await, before, "a tenure has a name of its own");

    // Deleted.
    let said = operator.log().len();
    kubectl_lease(&case, "delete", &[]).await;
    let since = Instant::now();
    tokio::time::sleep(NOTICES).await;
    assert!(log_since(operator, said).contains("the Lease is lost"));
    case.sync("deleted", SOURCES).await;
    let took = written(&case, "deleted", since).await;
    assert!(
        took > Duration::from_secs(12),
        "written {took:?} after it was deleted"
    );

    assert_eq!(operator.pid().unwrap(), pid, "all that in one process");
    case.wait_ready("deleted").await;
    assert_no_panic(operator);
}
