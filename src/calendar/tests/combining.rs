//! Several calendars that bind together.

use super::*;

fn both(first: &Calendar, second: &Calendar, at: &str) -> (State, Option<String>) {
    let at = instant(at);
    let timelines = [first, second].map(|calendar| calendar.timeline(at).unwrap());
    let members: Vec<_> = [first, second]
        .into_iter()
        .zip(&timelines)
        .map(|(calendar, timeline)| Member {
            timeline,
            calendar: Some(calendar),
        })
        .collect();
    let moment = combine(&members, at).unwrap();
    assert!(moment.next.is_none_or(|next| next.to == moment.state.other()));
    (moment.state, moment.next.map(|next| next.at.to_string()))
}

fn closes(start: &str, end: &str, rule: &str) -> Calendar {
    calendar(State::Open, "UTC", &[recurring(start, end, rule)])
}

fn opens(start: &str, end: &str, rule: &str) -> Calendar {
    calendar(State::Closed, "UTC", &[recurring(start, end, rule)])
}

#[test]
fn no_calendar_is_open() {
    let moment = combine(&[], instant("2026-01-01T00:00:00Z")).unwrap();
    assert_eq!((moment.state, moment.next), (State::Open, None));
}

#[test]
fn all_must_be_open_and_the_next_transition_is_that_of_all_together() {
    let nights = closes("2026-01-01T22:00:00", "2026-01-02T06:00:00", "FREQ=DAILY");
    let weekends = closes("2026-01-03T00:00:00", "2026-01-05T00:00:00", "FREQ=WEEKLY");
    for (what, at, state, next) in [
        (
            "open, the night is next",
            "2026-01-01T12:00:00Z",
            State::Open,
            "2026-01-01T22:00:00Z",
        ),
        (
            "the night ends within the weekend, which ends within a night",
            "2026-01-02T23:00:00Z",
            State::Closed,
            "2026-01-05T06:00:00Z",
        ),
        (
            "the weekend alone",
            "2026-01-03T12:00:00Z",
            State::Closed,
            "2026-01-05T06:00:00Z",
        ),
        (
            "the last night",
            "2026-01-05T03:00:00Z",
            State::Closed,
            "2026-01-05T06:00:00Z",
        ),
    ] {
        assert_eq!(
            both(&nights, &weekends, at),
            (state, Some(next.to_owned())),
            "{what}"
        );
    }
}

#[test]
fn what_touches_across_calendars_is_no_opening() {
    let first = closes("2026-01-10T00:00:00", "2026-01-12T00:00:00", "FREQ=YEARLY");
    let second = closes("2026-01-12T00:00:00", "2026-01-14T00:00:00", "FREQ=YEARLY");
    assert_eq!(
        both(&first, &second, "2026-01-11T00:00:00Z"),
        (State::Closed, Some("2026-01-14T00:00:00Z".to_owned()))
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
        (State::Closed, Some("2027-01-01T09:00:00Z".to_owned()))
    );
}

#[test]
fn calendars_that_open_by_turns_never_open_together() {
    let days = opens("2026-01-01T09:00:00", "2026-01-01T17:00:00", "FREQ=DAILY");
    let nights = opens("2026-01-01T17:00:00", "2026-01-02T09:00:00", "FREQ=DAILY");
    assert_eq!(
        both(&days, &nights, "2026-01-06T10:00:00Z"),
        (State::Closed, None)
    );
}

#[test]
fn the_event_is_that_of_a_calendar_that_closes() {
    let open = opens("2026-01-01T09:00:00", "2026-01-01T17:00:00", "FREQ=DAILY");
    let closed = closes("2026-01-01T10:00:00", "2026-01-01T11:00:00", "FREQ=DAILY");
    let at = instant("2026-02-01T10:30:00Z");
    let timelines = [open.timeline(at).unwrap(), closed.timeline(at).unwrap()];
    let members = [0, 1].map(|index| Member {
        timeline: &timelines[index],
        calendar: None,
    });
    assert_eq!(
        combine(&members, at).unwrap().event.as_deref(),
        Some("2026-01-01T10:00:00")
    );
}

#[test]
fn a_record_tells_no_next_transition_beyond_its_end() {
    let hours = opens("2026-01-01T09:00:00", "2026-01-01T17:00:00", "FREQ=DAILY");
    let year = closes(
        "2026-01-05T00:00:00",
        "2026-12-31T20:00:00",
        "FREQ=YEARLY;COUNT=1",
    );
    let at = instant("2026-01-06T10:00:00Z");
    let kept = Timeline::restore(&hours.timeline(at).unwrap().record());
    let live = year.timeline(at).unwrap();
    let members = [
        Member {
            timeline: &kept,
            calendar: None,
        },
        Member {
            timeline: &live,
            calendar: Some(&year),
        },
    ];
    let moment = combine(&members, at).unwrap();
    assert_eq!((moment.state, moment.next), (State::Closed, None));
    assert!(
        combine(&members, instant("2027-01-06T10:00:00Z")).is_none(),
        "nor a state"
    );
}
