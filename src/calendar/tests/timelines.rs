//! State and next transition, and what a timeline tells of both.

use jiff::SignedDuration;

use super::*;

/// The state at a time and the next transition, as `Closed until 2026-01-01T00:00:00Z`.
fn moment(calendar: &Calendar, at: &str) -> String {
    let moment = calendar.timeline(instant(at)).unwrap().at(instant(at)).unwrap();
    let name = moment
        .event
        .map(|event| format!(" by {event}"))
        .unwrap_or_default();
    match moment.next {
        Some(next) => format!("{}{name} until {}", moment.state, next.at),
        None => format!("{}{name}", moment.state),
    }
}

fn named(name: &str, event: StructuredEvent) -> StructuredEvent {
    StructuredEvent {
        name: name.to_owned(),
        ..event
    }
}

#[test]
fn an_event_closes_from_its_first_instant_and_no_longer_at_its_last() {
    let calendar = calendar(
        State::Open,
        "UTC",
        &[named(
            "freeze",
            event("2026-01-10T00:00:00", "2026-01-12T00:00:00"),
        )],
    );
    for (at, expected) in [
        (
            "2026-01-09T23:59:59.999999999Z",
            "Open until 2026-01-10T00:00:00Z",
        ),
        (
            "2026-01-10T00:00:00Z",
            "Closed by freeze until 2026-01-12T00:00:00Z",
        ),
        (
            "2026-01-11T23:59:59.999999999Z",
            "Closed by freeze until 2026-01-12T00:00:00Z",
        ),
        ("2026-01-12T00:00:00Z", "Open"),
    ] {
        assert_eq!(moment(&calendar, at), expected, "{at}");
    }
}

#[test]
fn an_event_opens_where_the_default_is_closed() {
    let calendar = calendar(
        State::Closed,
        "UTC",
        &[named(
            "window",
            recurring("2026-01-05T09:00:00", "2026-01-05T17:00:00", "FREQ=WEEKLY"),
        )],
    );
    assert_eq!(
        moment(&calendar, "2026-01-06T00:00:00Z"),
        "Closed until 2026-01-12T09:00:00Z"
    );
    assert_eq!(
        moment(&calendar, "2026-01-12T09:00:00Z"),
        "Open by window until 2026-01-12T17:00:00Z"
    );
}

#[test]
fn a_calendar_without_events_never_changes() {
    assert_eq!(
        moment(&calendar(State::Open, "UTC", &[]), "2026-01-06T00:00:00Z"),
        "Open"
    );
    assert_eq!(
        moment(&calendar(State::Closed, "UTC", &[]), "2026-01-06T00:00:00Z"),
        "Closed"
    );
}

#[test]
fn touching_and_overlapping_events_are_one_closing_whose_name_is_that_of_the_moment() {
    let calendar = calendar(
        State::Open,
        "UTC",
        &[
            named("first", event("2026-01-10T00:00:00", "2026-01-12T00:00:00")),
            named("inside", event("2026-01-10T06:00:00", "2026-01-10T07:00:00")),
            named("overlapping", event("2026-01-11T00:00:00", "2026-01-13T00:00:00")),
            named("touching", event("2026-01-13T00:00:00", "2026-01-14T00:00:00")),
        ],
    );
    for (at, name) in [
        ("10T00:00", "first"),
        ("10T06:30", "first"),
        ("11T12:00", "first"),
        ("12T00:00", "overlapping"),
        ("13T00:00", "touching"),
    ] {
        assert_eq!(
            moment(&calendar, &format!("2026-01-{at}:00Z")),
            format!("Closed by {name} until 2026-01-14T00:00:00Z")
        );
    }
    let spans = calendar
        .spans(instant("2026-01-01T00:00:00Z"), instant("2026-02-01T00:00:00Z"))
        .unwrap();
    assert_eq!(
        spans.iter().map(|span| span.state).collect::<Vec<_>>(),
        [State::Open, State::Closed, State::Open]
    );
}

#[test]
fn whole_days_in_a_row_are_one_closing() {
    let calendar = calendar(
        State::Open,
        "Asia/Tokyo",
        &[named(
            "days",
            recurring("2026-01-01", "2026-01-02", "FREQ=DAILY;COUNT=500"),
        )],
    );
    assert_eq!(
        moment(&calendar, "2026-01-01T00:00:00Z"),
        "Closed by days until 2027-05-15T15:00:00Z"
    );
}

#[test]
fn exceptions_take_out_an_occurrence_by_local_time_instant_or_day() {
    for except in ["2026-01-02T09:00:00", "2026-01-02T08:00:00Z", "2026-01-02"] {
        let event = StructuredEvent {
            except_dates: vec![except.to_owned()],
            ..recurring("2026-01-01T09:00:00", "2026-01-01T10:00:00", "FREQ=DAILY;COUNT=3")
        };
        assert_eq!(
            lasting(
                &calendar(State::Open, "Europe/Berlin", &[event]),
                "2026-01-01T00:00:00Z",
                "2026-01-10T00:00:00Z"
            ),
            [
                "2026-01-01T08:00:00Z/2026-01-01T09:00:00Z",
                "2026-01-03T08:00:00Z/2026-01-03T09:00:00Z"
            ],
            "{except}"
        );
    }
}

#[test]
fn an_exception_at_another_time_takes_nothing_out() {
    let event = StructuredEvent {
        except_dates: vec!["2026-01-01T09:30:00".to_owned()],
        ..event("2026-01-01T09:00:00", "2026-01-01T10:00:00")
    };
    assert_eq!(
        lasting(
            &calendar(State::Open, "UTC", &[event]),
            "2026-01-01T00:00:00Z",
            "2026-01-10T00:00:00Z"
        )
        .len(),
        1
    );
}

#[test]
fn extra_dates_and_replacements_take_place_where_they_say() {
    let events = [recurring(
        "2026-01-05T09:00:00",
        "2026-01-05T10:00:00",
        "FREQ=WEEKLY;COUNT=3",
    )];
    let mut series = read_events("e", &events, Some("Europe/Berlin")).unwrap();
    let berlin = zone("Europe/Berlin");
    series[0].extras = vec![
        Extra {
            start: Start::At(local("2026-07-01T07:00:00")),
            zone: Zone::utc(),
            end: None,
        },
        Extra {
            start: Start::At(local("2026-01-06T09:00:00")),
            zone: berlin.clone(),
            end: Some(End::Exact(SignedDuration::from_mins(5))),
        },
    ];
    series[0].replacements = vec![
        Replacement {
            original: instant("2026-01-12T08:00:00Z"),
            moved: None,
        },
        Replacement {
            original: instant("2026-01-19T08:00:00Z"),
            moved: Some(Moved {
                name: Some("moved".into()),
                start: Start::At(local("2026-01-20T12:00:00")),
                zone: berlin.clone(),
                end: End::Wall(local("2026-01-20T13:00:00"), berlin),
            }),
        },
    ];
    let (calendar, _) = Calendar::compile(State::Open, &series).unwrap();
    assert_eq!(
        lasting(&calendar, "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        [
            "2026-01-05T08:00:00Z/2026-01-05T09:00:00Z",
            "2026-01-06T08:00:00Z/2026-01-06T08:05:00Z",
            "2026-01-20T11:00:00Z/2026-01-20T12:00:00Z",
            "2026-07-01T07:00:00Z/2026-07-01T08:00:00Z",
        ]
    );
    assert_eq!(
        moment(&calendar, "2026-01-20T11:30:00Z"),
        "Closed by moved until 2026-01-20T12:00:00Z"
    );
}

#[test]
fn an_extra_date_in_utc_keeps_its_instant_where_the_events_clock_shows_it_twice() {
    let events = [event("2026-01-05T01:30:00", "2026-01-05T01:45:00")];
    let mut series = read_events("e", &events, Some("America/New_York")).unwrap();
    series[0].extras = vec![Extra {
        start: Start::At(local("2025-11-02T06:30:00")),
        zone: Zone::utc(),
        end: None,
    }];
    let (calendar, _) = Calendar::compile(State::Open, &series).unwrap();
    assert_eq!(
        lasting(&calendar, "2025-11-01T00:00:00Z", "2025-12-01T00:00:00Z"),
        ["2025-11-02T06:30:00Z/2025-11-02T06:45:00Z"]
    );
}

#[test]
fn an_extra_date_of_another_kind_is_refused() {
    let mut series = read_events("e", &[event("2026-01-05", "2026-01-06")], Some("UTC")).unwrap();
    series[0].extras = vec![Extra {
        start: Start::At(local("2026-02-02T06:30:00")),
        zone: Zone::utc(),
        end: None,
    }];
    let message = Calendar::compile(State::Open, &series).unwrap_err().to_string();
    assert!(
        message.starts_with("e[0]: \"2026-02-02T06:30:00\" is an extra date of another kind"),
        "{message}"
    );
}

#[test]
fn a_start_that_its_rule_does_not_yield_is_no_occurrence_and_a_warning_says_so() {
    let (calendar, warnings) = compiled(
        State::Open,
        "UTC",
        &[recurring(
            "2026-01-06T09:00:00",
            "2026-01-06T10:00:00",
            "FREQ=WEEKLY;BYDAY=MO",
        )],
    );
    assert_eq!(
        lasting(&calendar, "2026-01-01T00:00:00Z", "2026-01-13T00:00:00Z"),
        ["2026-01-12T09:00:00Z/2026-01-12T10:00:00Z"]
    );
    assert_eq!(
        warnings.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [
            "spec.events[0]: the rule does not yield the start 2026-01-06T09:00:00; the first occurrence is at 2026-01-12T09:00:00; write that as the start"
        ]
    );
}

#[test]
fn what_lies_beyond_two_years_is_no_next_transition() {
    let calendar = calendar(
        State::Open,
        "UTC",
        &[event("2028-02-29T00:00:00", "2028-03-01T00:00:00")],
    );
    assert_eq!(moment(&calendar, "2026-02-27T00:00:00Z"), "Open");
    assert_eq!(
        moment(&calendar, "2026-02-28T00:00:00Z"),
        "Open until 2028-02-29T00:00:00Z"
    );
    let timeline = calendar.timeline(instant("2026-02-27T00:00:00Z")).unwrap();
    let tomorrow = timeline.at(instant("2026-02-28T00:00:00Z")).unwrap();
    assert_eq!(
        tomorrow.next.map(|next| next.at),
        Some(instant("2028-02-29T00:00:00Z")),
        "whichever timeline tells it"
    );
}

#[test]
fn a_timeline_tells_nothing_before_it_begins_and_nothing_that_it_did_not_look_at() {
    let nightly = calendar(
        State::Open,
        "UTC",
        &[recurring(
            "2026-01-01T22:00:00",
            "2026-01-02T06:00:00",
            "FREQ=DAILY",
        )],
    );
    let timeline = nightly.timeline(instant("2026-03-01T12:00:00Z")).unwrap();
    assert!(timeline.at(instant("2026-03-01T11:59:59Z")).is_none());
    assert!(timeline.at(instant("2026-03-15T12:00:00Z")).is_some());
    assert!(timeline.at(instant("2027-03-01T12:00:00Z")).is_none());
    let silent = calendar(State::Open, "UTC", &[]);
    let timeline = silent.timeline(instant("2026-03-01T12:00:00Z")).unwrap();
    assert!(timeline.at(instant("2026-03-08T12:00:00Z")).is_some());
    assert!(
        timeline.at(instant("2026-03-08T12:00:01Z")).is_none(),
        "two years from there were not looked at"
    );
}

#[test]
fn the_next_five_events_are_told_with_the_one_that_takes_place() {
    let calendar = calendar(
        State::Open,
        "UTC",
        &[named(
            "nightly",
            recurring("2026-01-01T22:00:00", "2026-01-02T06:00:00", "FREQ=DAILY"),
        )],
    );
    let at = instant("2026-03-02T01:00:00Z");
    let upcoming = calendar.timeline(at).unwrap().upcoming(at, 5);
    assert_eq!(upcoming.len(), 5);
    assert_eq!(
        upcoming[0],
        Upcoming {
            from: instant("2026-03-01T22:00:00Z"),
            to: Some(instant("2026-03-02T06:00:00Z")),
            event: Some("nightly".into())
        }
    );
    assert_eq!(upcoming[4].from, instant("2026-03-05T22:00:00Z"));
}

#[test]
fn a_closing_without_an_end_in_sight_has_none() {
    let calendar = calendar(
        State::Open,
        "UTC",
        &[recurring("2026-01-01", "2026-01-02", "FREQ=DAILY")],
    );
    let at = instant("2026-03-02T01:00:00Z");
    assert_eq!(moment(&calendar, "2026-03-02T01:00:00Z"), "Closed by 2026-01-01");
    assert_eq!(calendar.timeline(at).unwrap().upcoming(at, 5)[0].to, None);
}

#[test]
fn a_record_of_many_transitions_keeps_32_and_ends_with_the_next() {
    let calendar = calendar(
        State::Closed,
        "UTC",
        &[recurring(
            "2026-01-01T22:00:00",
            "2026-01-02T06:00:00",
            "FREQ=DAILY",
        )],
    );
    let record = calendar
        .timeline(instant("2026-03-01T23:00:00Z"))
        .unwrap()
        .record();
    assert_eq!((record.state, record.transitions.len()), (State::Open, 32));
    assert_eq!(record.transitions[0], instant("2026-03-02T06:00:00Z"));
    assert_eq!(record.until, instant("2026-03-18T06:00:00Z"));
    let restored = Timeline::restore(&record);
    let last = restored.at(instant("2026-03-18T05:59:59Z")).unwrap();
    assert_eq!((last.state, last.next, last.event), (State::Open, None, None));
    assert!(
        restored.at(record.until).is_none(),
        "whoever asks later counts it as closed"
    );
}

#[test]
fn a_window_may_lie_anywhere_from_1970_to_2200() {
    let calendar = calendar(
        State::Open,
        "America/New_York",
        &[recurring(
            "1970-01-01T22:00:00",
            "1970-01-02T06:00:00",
            "FREQ=DAILY",
        )],
    );
    let spans = calendar
        .spans(instant("1970-01-01T00:00:00Z"), instant("2200-01-01T00:00:00Z"))
        .unwrap();
    let nights = 84_006 - 1; // Days, of which the last begins in New York when the window has ended.
    assert_eq!(
        spans.iter().filter(|span| span.state == State::Closed).count(),
        nights
    );
    assert_eq!(
        lasting(&calendar, "2199-07-01T12:00:00Z", "2199-07-02T12:00:00Z"),
        ["2199-07-02T02:00:00Z/2199-07-02T10:00:00Z"]
    );
    assert!(
        calendar
            .spans(instant("2026-01-01T00:00:00Z"), instant("2026-01-01T00:00:00Z"))
            .unwrap()
            .is_empty()
    );
}

#[test]
fn names_are_kept_up_to_64_characters() {
    let calendar = calendar(
        State::Open,
        "UTC",
        &[named(
            &"x".repeat(500),
            event("2026-01-10T00:00:00", "2026-01-12T00:00:00"),
        )],
    );
    let spans = calendar
        .spans(instant("2026-01-10T00:00:00Z"), instant("2026-01-11T00:00:00Z"))
        .unwrap();
    assert_eq!(
        spans[0].event.as_deref(),
        Some(format!("{}...", "x".repeat(64)).as_str())
    );
}

#[test]
fn a_timeline_of_a_busy_calendar_keeps_64_intervals() {
    let hours: Vec<_> = (0..24).map(|hour| hour.to_string()).collect();
    let hourly = recurring(
        "2026-01-01T00:10:00",
        "2026-01-01T00:20:00",
        &format!("FREQ=DAILY;BYHOUR={}", hours.join(",")),
    );
    let at = instant("2026-03-01T12:00:00Z");
    let timeline = calendar(State::Open, "UTC", &[hourly]).timeline(at).unwrap();
    assert_eq!(timeline.upcoming(at, usize::MAX).len(), 64);
    assert!(timeline.at(instant("2026-03-04T03:15:00Z")).is_some());
    assert!(timeline.at(instant("2026-03-04T04:15:00Z")).is_none());
}
