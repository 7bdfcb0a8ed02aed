//! A watch that no longer tells anything while all else works: nobody knows then what was closed meanwhile.

use std::time::Duration;

use serde_json::json;

use super::crashes::{rules, set_rules};
use super::support::{LONG, ask_for_sync, assert_no_panic, suite, turn, wait_value, wait_within};

/// A watch of calendars lasts 30 s, and counts as dead 75 s after the last one was begun.
const DEAD: Duration = Duration::from_secs(30 + 75 + 10);

#[tokio::test]
async fn while_calendars_cannot_be_watched_nothing_new_gets_in_and_status_says_why() {
    let _turn = turn().await;
    let case = suite().await.case_alone("half-dead").await;
    let (operator, plane) = (case.operator(), case.plane());
    case.put_many("/web", 3).await;
    case.sync("web", "interval: 24h\nsources: [{path: /web}]").await;
    case.wait_ready("web").await;

    let whole = rules(plane).await;
    let mut less = whole.as_array().unwrap().clone();
    for rule in &mut less {
        let resources = rule["resources"].as_array_mut().unwrap();
        resources.retain(|resource| resource != "clusterchangecalendars");
    }
    less.retain(|rule| !rule["resources"].as_array().unwrap().is_empty());
    assert_ne!(json!(less), whole, "a rule is about calendars");
    set_rules(plane, &json!(less)).await;
    tokio::time::sleep(DEAD).await;

    case.put("/web/V01", "new").await;
    ask_for_sync(&case, "web", "dead").await;
    let waits = wait_within(&case, LONG, "web", "UpToDate", "False", "FrozenByCalendar").await;
    for word in [
        "1 change waits for the watch of the calendars",
        // The list or the watch, whichever was answered earlier for the last time.
        "clusterchangecalendars cannot be ",
        "ed since ",
    ] {
        assert!(waits.message.contains(word), "{waits:?}");
    }
    // What is applied is looked after all the same.
    case.kubectl(&["delete", "secret", "web"]).await;
    wait_value(&case, "web", "V01", "value-1").await;

    set_rules(plane, &whole).await;
    wait_value(&case, "web", "V01", "new").await;
    assert_no_panic(operator);
}
