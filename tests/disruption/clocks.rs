//! Clocks and contact: an API server that is cut off from its store, a wall clock that is set, and a first sync in a
//! namespace of before. They have a control plane of their own, for what they wait for takes minutes.

use std::time::Duration;

use harness::{Case, OperatorConfig, Suite, SuiteConfig};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::sync::{Mutex, OnceCell};

use super::support::{LONG, ask_for_sync, assert_no_panic, operator, wait_value, wait_within};

/// Contact is lost 75 s after the last list that was answered, and looked at every 5 s then.
const LOST: Duration = Duration::from_secs(75 + 10 + 15);
/// A consistent list is asked for every 20 s.
const NOTICED: Duration = Duration::from_secs(40);
/// How long a namespace may have been there before a closing, and a little more.
const OLD: Duration = Duration::from_secs(10 * 60 + 15);

/// The control plane of these tests, and an operator whose wall clock can be moved.
async fn own_suite() -> &'static Suite {
    static OWN: OnceCell<Suite> = OnceCell::const_new();
    let start = async || {
        let operator = OperatorConfig {
            movable_clock: true,
            ..operator("debug")
        };
        let config = SuiteConfig {
            operator,
            chart_values: Vec::new(),
        };
        Suite::start(config).await.expect("a suite")
    };
    OWN.get_or_init(start).await
}

/// Those that break what the others of this file share go one after the other.
static TURN: Mutex<()> = Mutex::const_new(());

fn from_now(seconds: i64) -> Timestamp {
    let at = Timestamp::now() + SignedDuration::from_secs(seconds);
    Timestamp::from_second(at.as_second()).unwrap()
}

/// Binds the case's namespace by a calendar that is closed between these seconds from now.
async fn close(case: &Case<'_>, from: i64, to: i64) {
    let (name, from, to) = (case.namespace(), from_now(from), from_now(to));
    case.apply(&format!(
        "apiVersion: paramsync.dev/v1alpha1\nkind: ClusterChangeCalendar\nmetadata: {{name: {name}}}\nspec:\n  \
         namespaceSelector: {{matchLabels: {{kubernetes.io/metadata.name: {name}}}}}\n  \
         events: [{{name: freeze, start: \"{from}\", end: \"{to}\"}}]\n"
    ))
    .await;
}

async fn calendar(case: &Case<'_>) -> Option<Value> {
    let object = case.get_json("ClusterChangeCalendar", case.namespace()).await?;
    let current = object["status"]["observedGeneration"] == object["metadata"]["generation"];
    current.then(|| object["status"].clone())
}

async fn is_closed(case: &Case<'_>) {
    case.eventually(LONG, "the calendar is closed", async || {
        (calendar(case).await?["state"] == "Closed").then_some(())
    })
    .await;
}

async fn contact(case: &Case<'_>) -> Option<f64> {
    case.operator().metric("paramsync_contact", &[]).await.ok()
}

#[tokio::test]
async fn cut_off_from_etcd_the_api_server_begins_watches_and_yet_nothing_is_done_until_it_is_back() {
    let suite = own_suite().await;
    let _turn = TURN.lock().await;
    let case = suite.case("cut-off").await;
    case.put_many("/web", 3).await;
    case.sync("web", "interval: 10s\nsources: [{path: /web}]").await;
    case.wait_ready("web").await;
    assert!(contact(&case).await.unwrap() > 0.5);

    suite.plane().pause_etcd().unwrap();
    // The Lease cannot be renewed either, which is noticed first; were it not for that, contact would be lost.
    case.eventually(LOST, "the Lease, or contact, is lost", async || {
        let lost = contact(&case).await.is_some_and(|kept| kept < 0.5);
        (lost || case.operator().log().contains("the Lease is lost")).then_some(())
    })
    .await;
    case.put("/web/V01", "new").await;
    case.gate().reset_counts();
    tokio::time::sleep(Duration::from_secs(25)).await;
    let counts = case.gate().counts();
    assert_eq!(counts.decrypted, 0, "{counts:?}");

    suite.plane().resume_etcd().unwrap();
    wait_value(&case, "web", "V01", "new").await;
    case.wait_ready("web").await;
    case.eventually(LONG, "contact is back", async || {
        contact(&case).await.filter(|kept| *kept > 0.5)
    })
    .await;
    assert_no_panic(case.operator());
}

#[tokio::test]
async fn a_wall_clock_that_is_put_forward_or_back_opens_nothing_and_the_condition_says_clock() {
    let suite = own_suite().await;
    let _turn = TURN.lock().await;
    let case = suite.case("wall-clock").await;
    let operator = case.operator();
    case.put_many("/web", 3).await;
    case.sync("web", "interval: 24h\nsources: [{path: /web}]").await;
    case.wait_ready("web").await;
    close(&case, -3600, 3600).await;
    is_closed(&case).await;
    case.put("/web/V01", "new").await;
    ask_for_sync(&case, "web", "right").await;
    let right = wait_within(&case, LONG, "web", "UpToDate", "False", "FrozenByCalendar").await;
    assert!(right.message.contains("ClusterChangeCalendar/"), "{right:?}");

    // By its wall clock the freeze is over, or has not begun.
    for (hours, side) in [(2, "ahead of"), (-2, "behind")] {
        operator.move_clock(SignedDuration::from_hours(hours)).unwrap();
        ask_for_sync(&case, "web", side.split(' ').next().unwrap()).await;
        let words = ["the operator's clock", "more than 5 minutes", side];
        case.eventually(NOTICED, "the calendar's condition says clock", async || {
            let skewed = case
                .condition("ClusterChangeCalendar", case.namespace(), "ClockSkewed")
                .await?;
            words
                .iter()
                .all(|word| skewed.message.contains(word))
                .then_some(())
        })
        .await;
        ask_for_sync(&case, "web", &format!("off-by-{hours}")).await;
        case.eventually(LONG, "the object's condition says clock", async || {
            let waits = case.condition("ParameterSync", "web", "UpToDate").await?;
            let said = words.iter().all(|word| waits.message.contains(word));
            (waits.status == "False" && said).then_some(())
        })
        .await;
        let status = case.get_json("ParameterSync", "web").await.unwrap()["status"].clone();
        assert_eq!(status["gates"][0]["reason"], "ClockSkewed", "{status}");
        let skew = operator
            .metric("paramsync_clock_skew_seconds", &[])
            .await
            .unwrap();
        assert!((skew - hours as f64 * 3600.0).abs() < 60.0, "{skew}");
        assert_eq!(case.secret_value("web", "V01").await.unwrap(), "value-1");
        // What is applied is looked after all the same.
        case.kubectl(&["delete", "secret", "web"]).await;
        wait_value(&case, "web", "V01", "value-1").await;
    }

    operator.move_clock(SignedDuration::ZERO).unwrap();
    case.eventually(NOTICED, "the calendar says nothing of the clock", async || {
        let status = calendar(&case).await?;
        let mut conditions = status["conditions"].as_array()?.iter();
        conditions
            .all(|condition| condition["type"] != "ClockSkewed")
            .then_some(())
    })
    .await;
    ask_for_sync(&case, "web", "right-again").await;
    case.eventually(LONG, "the calendar is what is waited for again", async || {
        let waits = case.condition("ParameterSync", "web", "UpToDate").await?;
        waits.message.contains("ClusterChangeCalendar/").then_some(())
    })
    .await;
    assert_eq!(case.secret_value("web", "V01").await.unwrap(), "value-1");
    close(&case, -3600, 1).await;
    wait_value(&case, "web", "V01", "new").await;
    assert_no_panic(operator);
}

#[tokio::test]
async fn a_first_sync_in_a_namespace_of_before_waits_and_says_what_would_help() {
    let case = own_suite().await.case("of-before").await;
    case.put_many("/web", 3).await;
    tokio::time::sleep(OLD).await;
    // Other tests of this file may halt etcd meanwhile.
    let _turn = TURN.lock().await;
    close(&case, 0, 3600).await;
    is_closed(&case).await;
    case.sync("web", "sources: [{path: /web}]").await;
    let waits = wait_within(&case, LONG, "web", "Ready", "False", "FrozenByCalendar").await;
    for word in [
        "the first sync waits for ClusterChangeCalendar/",
        "NewNamespaces",
        "made more than 10 minutes before the closing",
        "a namespace made during the closing would do",
    ] {
        assert!(waits.message.contains(word), "{waits:?}");
    }
    assert!(case.secret("web").await.is_none());
    close(&case, -1, 1).await;
    wait_value(&case, "web", "V01", "value-1").await;
}
