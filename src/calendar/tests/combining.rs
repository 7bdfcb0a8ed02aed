//! Several calendars that bind together.

use super::*;

/// When both are open for the first time from then on.
fn both(first: &Calendar, second: &Calendar, at: &str) -> Option<String> {
    let at = instant(at);
    let timelines = [first, second].map(|calendar| calendar.timeline(at).unwrap());
    let [one, other] = &timelines;
    let mut readers = [Reader::new(one, Some(first)), Reader::new(other, Some(second))];
    opening(&mut readers, at).map(|at| at.to_string())
}

fn closes(start: &str, end: &str, rule: &str) -> Calendar {
    calendar(State::Open, "UTC", &[recurring(start, end, rule)])
}

fn opens(start: &str, end: &str, rule: &str) -> Calendar {
    calendar(State::Closed, "UTC", &[recurring(start, end, rule)])
}

#[test]
fn no_calendar_is_open() {
    let at = instant("2026-01-01T00:00:00Z");
    let none: &mut [Reader<'_>] = &mut [];
    assert_eq!(opening(none, at), Some(at));
}

#[test]
fn all_must_be_open() {
    let nights = closes("2026-01-01T22:00:00", "2026-01-02T06:00:00", "FREQ=DAILY");
    let weekends = closes("2026-01-03T00:00:00", "2026-01-05T00:00:00", "FREQ=WEEKLY");
    for (what, at, opens) in [
        ("open already", "2026-01-01T12:00:00Z", "2026-01-01T12:00:00Z"),
        (
            "the night ends within the weekend, which ends within a night",
            "2026-01-02T23:00:00Z",
            "2026-01-05T06:00:00Z",
        ),
        (
            "the weekend alone",
            "2026-01-03T12:00:00Z",
            "2026-01-05T06:00:00Z",
        ),
        ("the last night", "2026-01-05T03:00:00Z", "2026-01-05T06:00:00Z"),
    ] {
        assert_eq!(both(&nights, &weekends, at).as_deref(), Some(opens), "{what}");
    }
}

#[test]
fn what_touches_across_calendars_is_no_opening() {
    let first = closes("2026-01-10T00:00:00", "2026-01-12T00:00:00", "FREQ=YEARLY");
    let second = closes("2026-01-12T00:00:00", "2026-01-14T00:00:00", "FREQ=YEARLY");
    assert_eq!(
        both(&first, &second, "2026-01-11T00:00:00Z"),
        Some("2026-01-14T00:00:00Z".to_owned())
    );
}

#[test]
fn a_search_goes_on_where_the_timeline_of_a_busy_calendar_ends() {
    let hours = opens("2026-01-01T09:00:00", "2026-01-01T17:00:00", "FREQ=DAILY");
    let year = closes(
        "2026-01-05T00:00:00",
        "2026-12-31T20:00:00",
        "FREQ=YEARLY;COUNT=1",
    );
    assert_eq!(
        both(&hours, &year, "2026-01-06T10:00:00Z"),
        Some("2027-01-01T09:00:00Z".to_owned())
    );
}

#[test]
fn calendars_that_open_by_turns_never_open_together() {
    let days = opens("2026-01-01T09:00:00", "2026-01-01T17:00:00", "FREQ=DAILY");
    let nights = opens("2026-01-01T17:00:00", "2026-01-02T09:00:00", "FREQ=DAILY");
    assert_eq!(both(&days, &nights, "2026-01-06T10:00:00Z"), None);
}

#[test]
fn a_record_tells_nothing_beyond_its_end() {
    let hours = opens("2026-01-01T09:00:00", "2026-01-01T17:00:00", "FREQ=DAILY");
    let year = closes(
        "2026-01-05T00:00:00",
        "2026-12-31T20:00:00",
        "FREQ=YEARLY;COUNT=1",
    );
    let at = instant("2026-01-06T10:00:00Z");
    let kept = Timeline::restore(&hours.timeline(at).unwrap().record());
    let live = year.timeline(at).unwrap();
    let mut readers = [Reader::new(&kept, None), Reader::new(&live, Some(&year))];
    assert_eq!(opening(&mut readers, at), None);
    assert!(
        readers[0].at(instant("2027-01-06T10:00:00Z")).is_none(),
        "nor a state"
    );
}
