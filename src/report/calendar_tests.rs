//! What is said of a calendar's clock.

use std::time::Duration;

use kube::api::DynamicObject;
use serde_json::json;

use super::*;
use crate::clock::Moment;
use crate::names::CalendarKey;
use crate::watch::{CalendarIndex, Contact};

/// Fri, 15 Jan 2027 08:00:00 GMT
const NOW: Timestamp = Timestamp::constant(1_800_000_000, 0);

/// The calendar's `ClockSkewed` condition where the wall clock is off by so much, and `told` was said before.
fn said(off: SignedDuration, told: Option<&Condition>) -> Option<Condition> {
    let object: DynamicObject = serde_json::from_value(json!({
        "apiVersion": "paramsync.dev/v1alpha1", "kind": "ClusterChangeCalendar",
        "metadata": {"name": "freeze", "uid": "u-1", "generation": 1},
        "spec": {"events": [{"name": "a", "start": "2027-01-15T07:00:00Z", "end": "2027-01-15T09:00:00Z"}]},
        "status": {"conditions": told.into_iter().collect::<Vec<_>>()},
    }))
    .unwrap();
    let key = CalendarKey::cluster("freeze");
    let mut index = CalendarIndex::default();
    index.apply(key.clone(), &object, NOW);
    let contact = Contact::default();
    let answer = hyper::Response::builder()
        .header("date", "Fri, 15 Jan 2027 08:00:00 GMT")
        .body(())
        .unwrap();
    let moment = Moment {
        wall: NOW + off,
        monotonic: Duration::ZERO,
    };
    contact.heard(&answer, Duration::ZERO, moment);
    let report = calendar_report(index.get(&key).unwrap(), &contact.facts(moment), NOW);
    let mut conditions = report.status.conditions.into_iter().flatten();
    conditions.find(|condition| condition.type_ == "ClockSkewed")
}

#[test]
fn a_clock_that_is_off_is_told_either_way_and_closes_from_five_minutes_on() {
    let seconds = SignedDuration::from_secs;
    for off in [0, 30, -30] {
        assert_eq!(said(seconds(off), None), None, "{off}");
    }
    for (off, words) in [
        (40, ["more than 30 seconds ahead of", "from 5 minutes on"]),
        (-40, ["more than 30 seconds behind", "from 5 minutes on"]),
        (
            7_200,
            ["more than 5 minutes ahead of", "every calendar counts as closed"],
        ),
        (
            -7_200,
            ["more than 5 minutes behind", "every calendar counts as closed"],
        ),
    ] {
        let message = said(seconds(off), None).unwrap().message;
        assert!(
            words.iter().all(|word| message.contains(word)),
            "{off}: {message}"
        );
    }
}

#[test]
fn a_skew_that_jitters_says_nothing_new() {
    let seconds = SignedDuration::from_secs;
    let told = said(seconds(40), None).unwrap();
    for off in [39, 41, 33, 28] {
        assert_eq!(said(seconds(off), Some(&told)).as_ref(), Some(&told), "{off}");
    }
    assert_eq!(said(seconds(20), Some(&told)), None);
    let closed = said(seconds(400), None).unwrap();
    assert_eq!(said(seconds(401), Some(&closed)).as_ref(), Some(&closed));
}
