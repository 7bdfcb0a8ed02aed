//! What counts of a calendar, whatever was written last.

use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::calendar::State;
use crate::error::{Class, Classified};
use crate::record::{FirstSync, Scope};

const NOW: Timestamp = Timestamp::constant(1_800_000_000, 0);

fn key() -> CalendarKey {
    CalendarKey::cluster("freeze")
}

fn object(generation: i64, spec: &Value, status: &Value) -> DynamicObject {
    serde_json::from_value(json!({
        "apiVersion": "paramsync.dev/v1alpha1", "kind": "ClusterChangeCalendar",
        "metadata": {"name": "freeze", "uid": "u-1", "generation": generation},
        "spec": spec, "status": status,
    }))
    .unwrap()
}

/// Closed from an hour before [`NOW`] until an hour after it.
fn closed() -> Value {
    json!({
        "events": [{"name": "year-end", "start": "2027-01-15T07:00:00Z", "end": "2027-01-15T09:00:00Z"}],
        "namespaceSelector": {"matchLabels": {"tier": "prod"}},
    })
}

/// What counts at [`NOW`]: the state, until when as a clock's time, and what is wrong.
fn stands(index: &CalendarIndex) -> String {
    let (standing, _) = index.standing(&key());
    let stands = standing.at(NOW);
    let until = stands.until.map_or(String::new(), |until| {
        format!(" until {}", until.strftime("%H:%M"))
    });
    let fault = index.get(&key()).and_then(|entry| entry.fault.as_ref());
    let fault = fault.map_or(String::new(), |fault| format!(" ({})", fault.reason));
    format!("{}{until}{fault}", stands.state)
}

fn selects(index: &CalendarIndex, tier: Option<&str>) -> bool {
    let labels = tier.map(|tier| BTreeMap::from([("tier".to_owned(), tier.to_owned())]));
    index.selects(&key(), labels.as_ref())
}

#[test]
fn a_calendar_says_what_its_spec_says_and_binds_what_it_selects() {
    let mut index = CalendarIndex::default();
    assert!(index.apply(key(), &object(1, &closed(), &json!(null)), NOW));
    assert_eq!(stands(&index), "Closed until 09:00");
    assert!(selects(&index, Some("prod")) && !selects(&index, Some("test")));
    assert!(selects(&index, None), "labels that are not known may be any");
    let entry = index.get(&key()).unwrap();
    assert_eq!(entry.standing.at(NOW).event.as_deref(), Some("year-end"));
    assert!(
        !index.apply(key(), &object(1, &closed(), &json!({"state": "Closed"})), NOW),
        "only the status"
    );
    assert!(index.delete(&key()) && !selects(&index, Some("prod")));
    assert_eq!(stands(&index), "Closed", "a name that leads nowhere");
}

#[test]
fn what_cannot_be_acted_on_is_closed_and_what_was_valid_before_goes_on() {
    let bad = |field: &str, value: Value| {
        let mut spec = closed();
        spec[field] = value;
        spec
    };
    let events = |start: &str| {
        bad(
            "events",
            json!([{"name": "a", "start": start, "end": "2027-01-16T00:00:00Z"}]),
        )
    };
    for (case, spec, reason) in [
        ("not a list", bad("events", json!("none")), "CalendarInvalid"),
        ("no date", events("2027-02-30"), "CalendarInvalid"),
        ("no zone", events("2027-01-15T00:00:00"), "CalendarInvalid"),
        (
            "unknown zone",
            bad("timeZone", json!("Mars/Olympus")),
            "TimeZoneUnknown",
        ),
        ("nothing at all", json!({}), "CalendarInvalid"),
        (
            "the default turned round",
            bad("defaultState", json!("Closed")),
            "DefaultStateChanged",
        ),
        (
            "a broken document",
            json!({"ics": "BEGIN:VCALENDAR"}),
            "CalendarInvalid",
        ),
    ] {
        let mut index = CalendarIndex::default();
        if reason != "DefaultStateChanged" {
            index.apply(key(), &object(1, &spec, &json!(null)), NOW);
            assert_eq!(
                stands(&index),
                format!("Closed ({reason})"),
                "{case}: never valid"
            );
        }
        let mut index = CalendarIndex::default();
        index.apply(key(), &object(1, &closed(), &json!(null)), NOW);
        assert!(index.apply(key(), &object(2, &spec, &json!(null)), NOW), "{case}");
        assert_eq!(
            stands(&index),
            format!("Closed until 09:00 ({reason})"),
            "{case}: valid before"
        );
        index.apply(key(), &object(3, &closed(), &json!(null)), NOW);
        assert_eq!(stands(&index), "Closed until 09:00", "{case}: mended");
    }
}

#[test]
fn after_a_restart_status_tells_what_was_valid_and_no_longer_than_it_says() {
    let status = json!({"lastValid": {
        "generation": 1, "defaultState": "Open", "from": "2027-01-15T07:00:00Z", "state": "Closed",
        "transitions": ["2027-01-15T09:00:00Z", "2027-01-15T22:00:00Z"], "until": "2027-01-16T00:00:00Z",
    }});
    let mut index = CalendarIndex::default();
    index.apply(key(), &object(2, &json!({"events": "none"}), &status), NOW);
    assert_eq!(stands(&index), "Closed until 09:00 (CalendarInvalid)");
    let (standing, _) = index.standing(&key());
    let at = |time: &str| standing.at(time.parse().unwrap());
    assert_eq!(at("2027-01-15T21:59:59Z").state, State::Open);
    assert_eq!(at("2027-01-15T22:00:00Z").state, State::Closed);
    assert_eq!(at("2027-01-16T00:00:00Z").fault.unwrap().reason, "CalendarEnded");

    let turned = json!({"ics": "BEGIN:VCALENDAR\r\nX-CALENDAR-TYPE:DEFAULT_CLOSED\r\nEND:VCALENDAR\r\n"});
    let mut index = CalendarIndex::default();
    index.apply(key(), &object(2, &turned, &status), NOW);
    assert_eq!(stands(&index), "Closed until 09:00 (DefaultStateChanged)");
}

#[test]
fn another_object_of_the_same_name_inherits_nothing() {
    let mut index = CalendarIndex::default();
    index.apply(key(), &object(1, &closed(), &json!(null)), NOW);
    let mut other = object(1, &json!({"events": "none"}), &json!(null));
    other.metadata.uid = Some("u-2".into());
    assert!(index.apply(key(), &other, NOW));
    assert_eq!(stands(&index), "Closed (CalendarInvalid)");
}

#[test]
fn what_cannot_be_read_of_selector_and_freeze_is_the_strictest() {
    let mut spec = closed();
    spec["namespaceSelector"] = json!({"matchLabels": 7});
    spec["freeze"] = json!({"scope": "Some"});
    let mut index = CalendarIndex::default();
    index.apply(key(), &object(1, &spec, &json!(null)), NOW);
    assert!(selects(&index, Some("test")), "it may be any namespace");
    assert_eq!(index.get(&key()).unwrap().freeze, Freeze::STRICTEST);
    spec["namespaceSelector"] = json!(null);
    spec["freeze"] = json!({"firstSync": "Hold"});
    index.apply(key(), &object(2, &spec, &json!(null)), NOW);
    assert!(!selects(&index, Some("prod")), "nobody but by name");
    let freeze = index.get(&key()).unwrap().freeze;
    assert_eq!(
        (freeze.scope, freeze.first_sync),
        (Scope::Updates, FirstSync::Hold)
    );
}

#[test]
fn a_calendar_of_aws_is_closed_until_aws_has_said_something_and_when_that_has_lapsed() {
    let spec = |documents: &[&str]| json!({"aws": {"documents": documents, "maxStaleness": "30m"}});
    let mut index = CalendarIndex::default();
    index.apply(key(), &object(1, &spec(&["a"]), &json!(null)), NOW);
    let aws = index.get(&key()).unwrap().aws.clone().unwrap();
    assert_eq!(
        (aws.store.to_string().as_str(), aws.max_staleness),
        ("ClusterParameterStore/default", Duration::from_mins(30))
    );
    assert_eq!(stands(&index), "Closed");
    let answer = Answered {
        state: State::Open,
        next: None,
        until: NOW + SignedDuration::from_mins(30),
    };
    index.answered(&key(), Standing::Answered(answer), None);
    assert_eq!(stands(&index), "Open until 08:30");
    let lapsed = Answered { until: NOW, ..answer };
    index.answered(&key(), Standing::Answered(lapsed), None);
    assert_eq!(stands(&index), "Closed");
    index.answered(&key(), Standing::Answered(answer), None);
    // An edit of something else keeps the answer; other documents do not.
    let mut edited = spec(&["a"]);
    edited["freeze"] = json!({"scope": "All"});
    index.apply(key(), &object(2, &edited, &json!(null)), NOW);
    assert_eq!(stands(&index), "Open until 08:30");
    index.apply(key(), &object(3, &spec(&["a", "b"]), &json!(null)), NOW);
    assert_eq!(stands(&index), "Closed");
    let fault = CalendarFault::of(&Denied);
    index.answered(&key(), Standing::Unknown(fault.clone()), Some(fault));
    assert_eq!(stands(&index), "Closed (AccessDenied)");
}

#[derive(Debug, thiserror::Error)]
#[error("AWS refuses")]
struct Denied;

impl Classified for Denied {
    fn class(&self) -> Class {
        Class::Denied
    }

    fn reason(&self) -> &'static str {
        "AccessDenied"
    }
}
