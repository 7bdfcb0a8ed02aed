//! What happens between two steps of a pass: somebody else makes the Secret first, overwrites it at once, closes a
//! calendar, makes the object anew, or the process is halted. And who may write status at all.

use std::time::Duration;

use harness::{Act, Case, Rights, Which};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::support::{LONG, ask_for_sync, assert_no_panic, suite, turn, wait_value, wait_within};
use super::tenant::{calendar, tenant};

/// Longer than a repair takes.
const AFTERWARDS: Duration = Duration::from_secs(4);
const QUIET: &str = "interval: 24h\nsources: [{path: /web}]";

fn secret_of(case: &Case<'_>, name: &str) -> String {
    format!("/namespaces/{}/secrets/{name}?", case.namespace())
}

fn status_of(case: &Case<'_>, name: &str) -> String {
    format!("/namespaces/{}/parametersyncs/{name}/status", case.namespace())
}

#[tokio::test]
async fn a_first_write_that_races_with_a_foreign_secret_leaves_it_as_it_is() {
    let _turn = turn().await;
    let case = suite().await.case_alone("race").await;
    let tenant = tenant(&case).await;
    case.put_many("/web", 3).await;
    let proxy = case.operator().proxy();
    let write = proxy.rule_times(1, Which::patch(&secret_of(&case, "web")), Act::Hold);
    case.sync("web", QUIET).await;
    write.held().await;
    // No key in common: an apply that forces nothing would join the two.
    let theirs = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "web"}, "stringData": {"OTHER": "theirs"},
    });
    tenant
        .kubectl_stdin(&["create", "-f", "-"], &theirs.to_string())
        .await
        .unwrap();
    let (data, version) = (
        case.secret("web").await,
        case.secret_resource_version("web").await,
    );
    write.release();
    case.wait_condition("web", "Ready", "False", "SecretNotOurs")
        .await;
    tokio::time::sleep(AFTERWARDS).await;
    assert!(case.secret("web").await == data, "it keeps its data");
    assert_eq!(case.secret_resource_version("web").await, version);
    assert_no_panic(case.operator());
}

/// Deletes each Secret and at once applies `stringData` for one of its keys: an event that the operator's watch may never
/// see as two. Each must be put back.
async fn overwrite_and_wait(case: &Case<'_>, tenant: &harness::Account<'_>, names: &[String], value: &str) {
    let rivals = names.iter().map(async |name| {
        tenant.delete_secret(name).await.unwrap();
        tenant.apply_string_data(name, "V01", value).await.unwrap();
    });
    futures::future::join_all(rivals).await;
    for name in names {
        let what = format!("{name} is put back after {value:?}");
        case.eventually(LONG, &what, async || {
            let secret = case.secret(name).await?;
            let right = |n: usize| {
                secret
                    .get(&format!("V0{n}"))
                    .is_some_and(|value| *value == format!("value-{n}").into_bytes())
            };
            (0..3).all(right).then_some(())
        })
        .await;
        case.wait_condition(name, "Ready", "True", "Synced").await;
    }
}

async fn ten(case: &Case<'_>) -> Vec<String> {
    case.put_many("/web", 3).await;
    let names: Vec<String> = (0..10).map(|n| format!("web{n}")).collect();
    let all: Vec<String> = names.iter().map(|name| case.sync_yaml(name, QUIET)).collect();
    case.apply(&all.join("---\n")).await;
    for name in &names {
        case.wait_ready(name).await;
    }
    names
}

#[tokio::test]
async fn ten_secrets_that_are_deleted_and_applied_anew_are_put_back_twice_and_then_contested() {
    let _turn = turn().await;
    let case = suite().await.case_alone("anew").await;
    let tenant = tenant(&case).await;
    let names = ten(&case).await;
    for round in ["first", "second"] {
        overwrite_and_wait(&case, &tenant, &names, round).await;
    }
    tenant.delete_secret("web0").await.unwrap();
    tenant.apply_string_data("web0", "V01", "third").await.unwrap();
    wait_within(&case, LONG, "web0", "Ready", "False", "Contested").await;
    assert_no_panic(case.operator());
}

#[tokio::test]
async fn they_are_put_back_in_a_freeze_too() {
    let _turn = turn().await;
    let case = suite().await.case_alone("anew-closed").await;
    let tenant = tenant(&case).await;
    let names = ten(&case).await;
    calendar(&case, "Closed").await;
    case.put("/web/V02", "newer").await;
    for round in ["first", "second"] {
        overwrite_and_wait(&case, &tenant, &names, round).await;
    }
    assert_no_panic(case.operator());
}

#[tokio::test]
async fn a_calendar_that_closes_while_a_first_write_reads_holds_it() {
    let _turn = turn().await;
    let case = suite().await.case_alone("slow-read").await;
    case.put_many("/web", 3).await;
    calendar(&case, "Open").await;
    let read = Which::get(&format!("/namespaces/{}/secrets/web", case.namespace()));
    let rule = case.operator().proxy().rule(read, Act::Hold);
    case.sync("web", QUIET).await;
    rule.held().await;
    calendar(&case, "Closed").await;
    rule.release();
    case.wait_condition("web", "Ready", "False", "FrozenByCalendar")
        .await;
    tokio::time::sleep(AFTERWARDS).await;
    assert!(case.secret("web").await.is_none(), "a first write in the freeze");

    calendar(&case, "Open").await;
    case.wait_ready("web").await;
    assert_no_panic(case.operator());
}

#[tokio::test]
async fn nothing_is_written_before_a_slow_watch_has_told_of_a_closed_calendar() {
    let _turn = turn().await;
    let case = suite().await.case_alone("slow-watch").await;
    let operator = case.operator();
    case.put_many("/web", 3).await;
    case.sync("web", "interval: 10s\nsources: [{path: /web}]").await;
    case.wait_ready("web").await;
    calendar(&case, "Closed").await;
    operator.stop().unwrap();
    case.put("/web/V01", "newer").await;
    let proxy = operator.proxy();
    let slow = proxy.rule(Which::get("/clusterchangecalendars"), Act::Hold);
    proxy.reset();
    operator.start_again().unwrap();
    slow.held().await;
    tokio::time::sleep(2 * AFTERWARDS).await;
    assert_eq!(proxy.count(&Which::write(&secret_of(&case, "web"))), 0);
    assert_ne!(operator.get("/readyz").await.unwrap().status, 200);
    slow.release();
    operator.wait_ready().await.unwrap();
    ask_for_sync(&case, "web", "slow").await;
    wait_within(&case, LONG, "web", "UpToDate", "False", "FrozenByCalendar").await;
    assert_eq!(proxy.count(&Which::write(&secret_of(&case, "web"))), 0);
    assert_eq!(case.secret_value("web", "V01").await.as_deref(), Some("value-1"));
    assert_no_panic(operator);
}

#[tokio::test]
async fn an_object_made_anew_has_nothing_of_the_old_ones_life_in_its_status() {
    let _turn = turn().await;
    let case = suite().await.case_alone("lives").await;
    case.put_many("/old", 2).await;
    case.put_many("/new", 3).await;
    let proxy = case.operator().proxy();
    let late = proxy.rule_times(1, Which::patch(&status_of(&case, "web")), Act::Hold);
    case.sync("web", "interval: 24h\nsources: [{path: /old}]\nsuspend: false")
        .await;
    late.held().await;
    let old = case.get_json("ParameterSync", "web").await.unwrap();
    case.kubectl(&["delete", "parametersync", "web"]).await;
    // Suspended, it does nothing of its own: what its status says then, somebody else wrote.
    case.sync("web", "interval: 24h\nsources: [{path: /new}]\nsuspend: true")
        .await;
    let new = case.get_json("ParameterSync", "web").await.unwrap();
    assert_ne!(old["metadata"]["uid"], new["metadata"]["uid"]);
    late.release();
    let clean = async || {
        let status = case.get_json("ParameterSync", "web").await.unwrap()["status"].clone();
        assert!(!status.to_string().contains("/old"), "{status:#}");
        let handled = status["secret"]["keys"].as_i64();
        assert!(handled.is_none_or(|keys| keys == 3), "{status:#}");
    };
    for _ in 0..40 {
        clean().await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let on = json!({"spec": {"suspend": false}}).to_string();
    case.kubectl(&["patch", "parametersync", "web", "--type=merge", "-p", &on])
        .await;
    wait_value(&case, "web", "V02", "value-2").await;
    case.wait_condition("web", "Ready", "True", "Synced").await;
    clean().await;
    assert_no_panic(case.operator());
}

/// A calendar of the case's name that is open now and closes so many seconds from now; waits until the operator knows it.
async fn closes_in(case: &Case<'_>, seconds: i64) -> Timestamp {
    let name = case.namespace();
    let at = |seconds| {
        let at = Timestamp::now() + SignedDuration::from_secs(seconds);
        Timestamp::from_second(at.as_second()).unwrap()
    };
    let start = at(seconds);
    let object = json!({
        "apiVersion": "paramsync.dev/v1alpha1", "kind": "ClusterChangeCalendar", "metadata": {"name": name},
        "spec": {
            "freeze": {"firstSync": "Hold"},
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}},
            "events": [{"name": "freeze", "start": start.to_string(), "end": at(3600).to_string()}],
        },
    });
    case.apply(&object.to_string()).await;
    case.eventually(LONG, "the calendar's next transition is told", async || {
        let object = case.get_json("ClusterChangeCalendar", name).await?;
        let next: Timestamp = object["status"]["nextTransition"].as_str()?.parse().ok()?;
        (next == start && object["status"]["state"] == "Open").then_some(())
    })
    .await;
    start
}

/// Waits until that is past, and a little more.
async fn past(at: Timestamp) {
    let left = at.duration_since(Timestamp::now()) + SignedDuration::from_millis(500);
    tokio::time::sleep(left.try_into().unwrap_or_default()).await;
}

/// Halted in the middle of a change, continued after the closing: nothing new gets in.
async fn nothing_new_got_in(case: &Case<'_>) {
    // Who was halted for long has lost its Lease, and begins anew: what it had announced is a doubt then.
    case.eventually(LONG, "the change waits, or is in doubt", async || {
        let condition = case.condition("ParameterSync", "web", "UpToDate").await?;
        ["FrozenByCalendar", "InDoubt"]
            .contains(&condition.reason.as_str())
            .then_some(())
    })
    .await;
    tokio::time::sleep(AFTERWARDS).await;
    let value = case.secret_value("web", "V01").await;
    assert_eq!(value.as_deref(), Some("value-1"));
    calendar(case, "Open").await;
    wait_value(case, "web", "V01", "newer").await;
    assert_no_panic(case.operator());
}

#[tokio::test]
async fn halted_while_it_fetches_across_a_closing_it_writes_nothing_when_it_goes_on() {
    let _turn = turn().await;
    let case = suite().await.case_alone("halted-fetch").await;
    let operator = case.operator();
    case.put_many("/web", 3).await;
    case.sync("web", QUIET).await;
    case.wait_ready("web").await;
    case.put("/web/V01", "newer").await;
    let closing = closes_in(&case, 8).await;
    let reads = |case: &Case<'_>| {
        let calls = case.gate().calls();
        calls.iter().filter(|call| call.decrypt).count()
    };
    let before = reads(&case);
    case.gate().latency(Duration::from_secs(1));
    ask_for_sync(&case, "web", "halted").await;
    case.eventually(LONG, "the values are being read", async || {
        (reads(&case) > before).then_some(())
    })
    .await;
    operator.pause().unwrap();
    case.gate().latency(Duration::ZERO);
    past(closing).await;
    operator.resume().unwrap();
    nothing_new_got_in(&case).await;
}

#[tokio::test]
async fn halted_while_its_announcement_is_answered_across_a_closing_it_writes_nothing_when_it_goes_on() {
    let _turn = turn().await;
    let case = suite().await.case_alone("halted-word").await;
    let operator = case.operator();
    case.put_many("/web", 3).await;
    case.sync("web", QUIET).await;
    case.wait_ready("web").await;
    case.put("/web/V01", "newer").await;
    let closing = closes_in(&case, 8).await;
    let announces = Which::patch(&status_of(&case, "web")).body("writing");
    let told = operator.proxy().rule_times(1, announces, Act::HoldAnswer);
    ask_for_sync(&case, "web", "halted").await;
    told.held().await;
    operator.pause().unwrap();
    told.release();
    past(closing).await;
    operator.resume().unwrap();
    nothing_new_got_in(&case).await;
}

#[tokio::test]
async fn status_is_written_by_nobody_but_the_operator() {
    let _turn = turn().await;
    let case = suite().await.case_alone("status").await;
    case.put_many("/web", 2).await;
    case.sync("web", QUIET).await;
    case.wait_ready("web").await;
    let before = case.get_json("ParameterSync", "web").await.unwrap();
    let rights = [
        ("edit", Rights::Here("edit")),
        ("admin", Rights::Here("admin")),
        ("all-here", Rights::Here("cluster-admin")),
        ("all", Rights::Everywhere("cluster-admin")),
    ];
    let patch = json!({"status": {"lastChanged": "2020-01-01T00:00:00Z", "parameters": []}}).to_string();
    let args = [
        "patch",
        "parametersync",
        "web",
        "--subresource=status",
        "--type=merge",
        "-p",
        &patch,
    ];
    for (name, rights) in rights {
        let account = case.account(name, rights).await;
        assert!(
            account.kubectl(&args).await.is_err(),
            "{name} wrote the status of a ParameterSync"
        );
    }
    let args: Vec<&str> = ["-n", case.namespace()].into_iter().chain(args).collect();
    let masters = case.plane().kubectl(&args).await;
    assert!(masters.is_err(), "system:masters wrote it");
    let stores = ["clusterparameterstore", case.namespace()];
    let patch = json!({"status": {"observedGeneration": 99}}).to_string();
    let args = ["patch", "--subresource=status", "--type=merge", "-p", &patch];
    let args: Vec<&str> = args.into_iter().chain(stores).collect();
    assert!(
        case.plane().kubectl(&args).await.is_err(),
        "a store's status was written"
    );
    let after = case.get_json("ParameterSync", "web").await.unwrap();
    let of = |object: &Value| object["status"].clone();
    assert_eq!(of(&before), of(&after));
}
