//! From the text to the state: what the reader leaves to the checks that all calendars share.

use jiff::Timestamp;

use super::{event, read};
use crate::calendar::{Calendar, State};

/// When a calendar is closed in a window, each as `from/to name`.
fn closed(text: &str, from: &str, to: &str) -> Vec<String> {
    let contents = read(text).unwrap();
    let (calendar, _) = Calendar::compile(State::Open, &contents.series).unwrap();
    let instant = |text: &str| text.parse::<Timestamp>().unwrap();
    let spans = calendar.spans(instant(from), instant(to)).unwrap();
    let closed = spans.into_iter().filter(|span| span.state == State::Closed);
    closed
        .map(|span| format!("{}/{} {}", span.from, span.to, span.event.unwrap_or_default()))
        .collect()
}

#[test]
fn an_event_that_cannot_be_is_refused_where_it_begins() {
    for (properties, message) in [
        (
            "DTSTART:20260106T060000\nDTEND:20260105T220000",
            "leaves nothing after the start",
        ),
        (
            "DTSTART:20260106T060000\nDTEND:20260106T060000",
            "leaves nothing after the start",
        ),
        (
            "DTSTART:20260106\nDTEND:20260106",
            "leaves nothing after the start",
        ),
        (
            "DTSTART;TZID=Asia/Tokyo:20260106T060000\nDTEND:20260105T210000Z",
            "leaves nothing after the start",
        ),
        ("DTSTART:20260105\nDURATION:P401D", "longer than 400 days"),
        ("DTSTART:20260105T000000\nDURATION:P58W", "longer than 400 days"),
        ("DTSTART:19691231", "from 1970 to 2199"),
        ("DTSTART:22000101", "from 1970 to 2199"),
        (
            "DTSTART:20260105\nRDATE;VALUE=PERIOD:20260201T100000/20260201T090000",
            "leaves nothing",
        ),
        ("DTSTART:20260105\nRRULE:FREQ=DAILY;COUNT=0", "COUNT"),
    ] {
        let refused = read(&event(properties))
            .and_then(|contents| Calendar::compile(State::Open, &contents.series))
            .map(|_| ())
            .unwrap_err()
            .to_string();
        assert!(
            refused.starts_with("line ") && refused.contains(message),
            "{properties}: {refused}"
        );
    }
}

#[test]
fn exceptions_and_moved_occurrences_of_google_take_effect() {
    let text = include_str!("../testdata/google.ics");
    assert_eq!(
        closed(text, "2026-03-30T12:00:00Z", "2026-04-02T12:00:00Z"),
        [
            "2026-03-30T20:00:00Z/2026-03-31T04:00:00Z Nightly batch",
            "2026-03-31T21:00:00Z/2026-04-01T06:00:00Z Nightly batch (end of quarter)",
            "2026-04-01T20:00:00Z/2026-04-02T04:00:00Z Nightly batch",
        ]
    );
    assert_eq!(
        closed(text, "2026-12-17T12:00:00Z", "2027-01-04T12:00:00Z"),
        [
            "2026-12-17T21:00:00Z/2026-12-18T05:00:00Z Nightly batch",
            "2026-12-18T21:00:00Z/2027-01-03T23:00:00Z Nightly batch",
        ]
    );
}

#[test]
fn a_zone_of_its_own_takes_effect() {
    let text = include_str!("../testdata/outlook.ics");
    assert_eq!(
        closed(text, "2026-03-10T12:00:00Z", "2026-05-03T00:00:00Z"),
        [
            "2026-03-10T19:00:00Z/2026-03-11T03:00:00Z Patch Tuesday",
            "2026-03-30T21:00:00Z/2026-04-01T13:00:00Z Quarter close",
            "2026-04-14T18:00:00Z/2026-04-15T02:00:00Z Patch Tuesday",
            "2026-04-30T22:00:00Z/2026-05-01T22:00:00Z Company holiday",
        ]
    );
}

#[test]
fn cancelled_occurrences_of_icloud_do_not_take_place() {
    let text = include_str!("../testdata/icloud.ics");
    assert_eq!(
        closed(text, "2026-03-08T00:00:00Z", "2026-03-11T00:00:00Z"),
        [
            "2026-03-08T13:00:00Z/2026-03-08T15:00:00Z Trading opens",
            "2026-03-10T13:00:00Z/2026-03-10T15:00:00Z Trading opens",
        ]
    );
    assert_eq!(
        closed(text, "2027-11-20T00:00:00Z", "2027-12-01T00:00:00Z"),
        ["2027-11-25T05:00:00Z/2027-11-27T05:00:00Z Thanksgiving"]
    );
}
