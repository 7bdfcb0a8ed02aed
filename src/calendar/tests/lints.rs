//! What is odd, and what is not.

use super::*;

fn lint(default_state: State, events: &[StructuredEvent]) -> Vec<String> {
    let warnings = calendar(default_state, "UTC", events)
        .lint(instant("2026-06-01T00:00:00Z"))
        .unwrap();
    warnings.iter().map(ToString::to_string).collect()
}

#[test]
fn an_ordinary_calendar_is_not_odd() {
    assert!(lint(State::Open, &[]).is_empty());
    assert!(
        lint(
            State::Open,
            &[recurring(
                "2026-01-01T22:00:00",
                "2026-01-02T06:00:00",
                "FREQ=DAILY"
            )]
        )
        .is_empty()
    );
    assert!(
        lint(
            State::Closed,
            &[recurring(
                "2026-01-05T09:00:00",
                "2026-01-05T17:00:00",
                "FREQ=WEEKLY;BYDAY=MO"
            )]
        )
        .is_empty()
    );
}

#[test]
fn a_calendar_that_does_not_open_in_92_days_is() {
    let expected = ["calendar: does not open within 92 days"];
    assert_eq!(lint(State::Closed, &[]), expected);
    assert_eq!(
        lint(
            State::Open,
            &[recurring("2026-01-01", "2026-01-02", "FREQ=DAILY")]
        ),
        expected
    );
    assert_eq!(
        lint(
            State::Closed,
            &[event("2026-09-01T00:00:01", "2026-09-02T00:00:00")]
        ),
        expected
    );
}

#[test]
fn a_freeze_of_more_than_90_days_is() {
    assert_eq!(
        lint(State::Open, &[event("2026-07-01", "2026-09-30")]),
        [
            "calendar: is closed for more than 90 days on end, from 2026-07-01T00:00:00Z to 2026-09-30T00:00:00Z"
        ]
    );
    assert!(lint(State::Open, &[event("2026-07-01", "2026-09-29")]).is_empty());
}

#[test]
fn an_opening_of_less_than_5_minutes_is() {
    let freezes = |second| {
        [
            event("2026-07-01T00:00:00", "2026-07-02T00:00:00"),
            event(second, "2026-07-03T00:00:00"),
        ]
    };
    assert_eq!(
        lint(State::Open, &freezes("2026-07-02T00:04:59")),
        [
            "calendar: opens for less than 5 minutes at 2026-07-02T00:00:00Z, which may be too short for what waits"
        ]
    );
    assert!(lint(State::Open, &freezes("2026-07-02T00:05:00")).is_empty());
}

#[test]
fn an_event_without_an_occurrence_left_is() {
    for past in [
        event("2025-12-24", "2026-01-02"),
        recurring("2025-01-01", "2025-01-02", "FREQ=DAILY;COUNT=10"),
        recurring(
            "2025-01-01T09:00:00",
            "2025-01-01T10:00:00",
            "FREQ=DAILY;UNTIL=20260101T000000Z",
        ),
    ] {
        assert_eq!(
            lint(State::Open, &[past]),
            ["spec.events[0]: has no occurrence left; remove it"]
        );
    }
    assert!(
        lint(
            State::Open,
            &[recurring("2025-12-24", "2026-01-02", "FREQ=YEARLY")]
        )
        .is_empty()
    );
    assert!(
        lint(
            State::Open,
            &[event("2026-05-31T00:00:00", "2026-06-01T00:00:01")]
        )
        .is_empty()
    );
}

#[test]
fn a_local_until_is_where_the_start_has_a_time() {
    let until = |start: &str, end: &str, until: &str| {
        let event = recurring(start, end, &format!("FREQ=DAILY;UNTIL={until}"));
        compiled(State::Open, "Asia/Tokyo", &[event]).1.len()
    };
    assert_eq!(until("2026-01-01T09:00:00", "2026-01-01T10:00:00", "20260201"), 1);
    assert_eq!(
        until("2026-01-01T09:00:00", "2026-01-01T10:00:00", "20260201T000000"),
        1
    );
    assert_eq!(
        until("2026-01-01T09:00:00", "2026-01-01T10:00:00", "20260201T000000Z"),
        0
    );
    assert_eq!(until("2026-01-01", "2026-01-02", "20260201"), 0);
}

#[test]
fn a_rule_that_ends_before_it_begins_is() {
    let event = recurring(
        "2026-01-01T09:00:00",
        "2026-01-01T10:00:00",
        "FREQ=DAILY;UNTIL=20250101T000000Z",
    );
    let (calendar, warnings) = compiled(State::Open, "UTC", &[event]);
    assert!(lasting(&calendar, "2024-01-01T00:00:00Z", "2028-01-01T00:00:00Z").is_empty());
    assert!(
        warnings[0].message.contains("no occurrence at all"),
        "{}",
        warnings[0]
    );
}
