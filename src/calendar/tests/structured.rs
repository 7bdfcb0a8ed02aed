//! Events of a calendar's spec: what their fields may say.

use jiff::SignedDuration;

use super::*;

fn with(change: impl FnOnce(&mut StructuredEvent)) -> StructuredEvent {
    let mut event = event("2026-01-05T22:00:00", "2026-01-06T06:00:00");
    change(&mut event);
    event
}

#[test]
fn starts_may_be_local_in_utc_or_days() {
    for (start, end, zone, lasts) in [
        (
            "2026-01-05T22:00:00",
            "2026-01-06T06:00:00",
            Some("Asia/Tokyo"),
            "2026-01-05T13:00:00Z/2026-01-05T21:00:00Z",
        ),
        (
            "2026-01-05T22:00",
            "2026-01-06T06:00",
            Some("Asia/Tokyo"),
            "2026-01-05T13:00:00Z/2026-01-05T21:00:00Z",
        ),
        (
            "2026-01-05T22:00:00Z",
            "2026-01-06T06:00:00Z",
            None,
            "2026-01-05T22:00:00Z/2026-01-06T06:00:00Z",
        ),
        (
            "2026-01-05T22:00:00Z",
            "2026-01-06T06:00:00Z",
            Some("Asia/Tokyo"),
            "2026-01-05T22:00:00Z/2026-01-06T06:00:00Z",
        ),
        (
            "2026-01-05T22:00:00Z",
            "2026-01-06T08:00:00",
            Some("Asia/Tokyo"),
            "2026-01-05T22:00:00Z/2026-01-05T23:00:00Z",
        ),
        (
            "2026-01-05",
            "2026-01-07",
            Some("Asia/Tokyo"),
            "2026-01-04T15:00:00Z/2026-01-06T15:00:00Z",
        ),
    ] {
        let series = read_events("e", &[event(start, end)], zone).unwrap();
        let (calendar, _) = Calendar::compile(State::Open, &series).unwrap();
        assert_eq!(
            lasting(&calendar, "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"),
            [lasts],
            "{start}"
        );
    }
}

#[test]
fn an_events_own_zone_counts_before_the_calendars() {
    let event = with(|event| event.time_zone = Some("Europe/Berlin".to_owned()));
    let series = read_events("e", &[event], Some("Asia/Tokyo")).unwrap();
    assert_eq!(&*series[0].zone.name, "Europe/Berlin");
}

#[test]
fn a_day_without_an_end_lasts_one_day() {
    let event = with(|event| {
        event.start = "2026-01-31".to_owned();
        event.end = None;
    });
    assert_eq!(
        lasting(
            &calendar(State::Open, "UTC", &[event]),
            "2026-01-01T00:00:00Z",
            "2026-03-01T00:00:00Z"
        ),
        ["2026-01-31T00:00:00Z/2026-02-01T00:00:00Z"]
    );
}

#[test]
fn durations_are_exact() {
    for (text, minutes) in [
        ("PT8H", 480),
        ("PT1H30M", 90),
        ("P1DT12H", 36 * 60),
        ("P2W", 14 * 1440),
        ("pt45m", 45),
    ] {
        let event = with(|event| {
            event.end = None;
            event.duration = Some(text.to_owned());
        });
        let series = read_events("e", &[event], Some("UTC")).unwrap();
        assert!(
            matches!(series[0].end, End::Exact(length) if length == SignedDuration::from_mins(minutes)),
            "{text}"
        );
    }
}

#[test]
fn an_advisory_event_has_no_effect_and_is_checked_all_the_same() {
    let advisory = with(|event| event.advisory = true);
    assert!(read_events("e", &[advisory], Some("UTC")).unwrap().is_empty());
    let wrong = with(|event| {
        event.advisory = true;
        event.recurrence = Some("FREQ=DALY".to_owned());
    });
    assert!(read_events("e", &[wrong], Some("UTC")).is_err());
}

#[test]
fn what_a_field_may_not_say_is_refused_by_its_name() {
    let utc = Some("UTC");
    for (zone, event, expected) in [
        (
            None,
            with(|_| {}),
            "spec.timeZone: is missing, and spec.events[0].start is local",
        ),
        (
            None,
            with(|event| event.start = "2026-01-05T22:00:00Z".to_owned()),
            "spec.timeZone: is missing, and spec.events[0].end is local",
        ),
        (
            None,
            with(|event| event.start = "2026-01-05".to_owned()),
            "spec.timeZone: is missing",
        ),
        (
            Some("Europe/Atlantis"),
            with(|_| {}),
            "spec.timeZone: time zone \"Europe/Atlantis\" is unknown",
        ),
        (
            utc,
            with(|event| event.time_zone = Some("Berlin".to_owned())),
            "spec.events[0].timeZone: time zone \"Berlin\" is unknown",
        ),
        (
            utc,
            with(|event| event.start = "2026-01-05T22:00:00+01:00".to_owned()),
            "spec.events[0].start: \"2026-01-05T22:00:00+01:00\" is no time",
        ),
        (
            utc,
            with(|event| event.start = "2026-01-05 22:00:00".to_owned()),
            "spec.events[0].start: \"2026-01-05 22:00:00\" is no time",
        ),
        (
            utc,
            with(|event| event.start = "2026-02-30".to_owned()),
            "spec.events[0].start: \"2026-02-30\" is no time",
        ),
        (
            utc,
            with(|event| event.start = "2026-01-05Z".to_owned()),
            "spec.events[0].start: \"2026-01-05Z\" is no time",
        ),
        (
            utc,
            with(|event| event.start = "ä026-01-05T2:00".to_owned()),
            "spec.events[0].start: ",
        ),
        (
            utc,
            with(|event| event.start = "1969-12-31T22:00:00".to_owned()),
            "spec.events[0]: \"1969-12-31T22:00:00\" is too far off",
        ),
        (
            utc,
            with(|event| event.start = "2200-01-01T22:00:00".to_owned()),
            "spec.events[0]: \"2200-01-01T22:00:00\" is too far off",
        ),
        (
            utc,
            with(|event| event.end = Some("noon".to_owned())),
            "spec.events[0].end: \"noon\" is no time",
        ),
        (
            utc,
            with(|event| event.end = None),
            "spec.events[0].end: is missing",
        ),
        (
            utc,
            with(|event| event.end = Some("2026-01-05T22:00:00".to_owned())),
            "spec.events[0]: \"2026-01-05T22:00:00\" leaves nothing",
        ),
        (
            utc,
            with(|event| event.end = Some("2026-01-05T21:00:00".to_owned())),
            "spec.events[0]: \"2026-01-05T21:00:00\" leaves nothing",
        ),
        (
            utc,
            with(|event| event.end = Some("2026-01-06".to_owned())),
            "spec.events[0]: \"2026-01-06\" and the start are of two kinds",
        ),
        (
            utc,
            with(|event| event.start = "2026-01-05".to_owned()),
            "spec.events[0]: \"2026-01-06T06:00:00\" and the start are of two kinds",
        ),
        (
            utc,
            with(|event| event.end = Some("2027-02-09T22:00:01".to_owned())),
            "spec.events[0]: \"2027-02-09T22:00:01\" makes the event longer than 400 days",
        ),
        (
            utc,
            with(|event| event.duration = Some("PT8H".to_owned())),
            "spec.events[0].duration: \"PT8H\" stands beside end",
        ),
        (
            utc,
            with(|event| event.recurrence = Some("FREQ=DALY".to_owned())),
            "spec.events[0].recurrence: \"FREQ=DALY\" is not allowed",
        ),
        (
            utc,
            with(|event| event.except_dates = vec!["2026-01-05".to_owned(), "Easter".to_owned()]),
            "spec.events[0].exceptDates[1]: \"Easter\" is no time",
        ),
    ] {
        let message = refusal(zone, &[event]).to_string();
        assert!(message.starts_with(expected), "{message}\ninstead of {expected}");
    }
}

#[test]
fn durations_without_a_fixed_length_are_refused() {
    for duration in ["P1M", "P1Y", "PT0S", "-PT1H", "8h", "PT", "P", "", "P401D"] {
        let event = with(|event| {
            event.end = None;
            event.duration = Some(duration.to_owned());
        });
        let message = refusal(Some("UTC"), &[event]).to_string();
        assert!(message.starts_with("spec.events[0]"), "{duration:?}: {message}");
    }
}

/// A day, and the duration of its event.
fn days(start: &str, duration: &str) -> StructuredEvent {
    with(|event| {
        event.start = start.to_owned();
        event.end = None;
        event.duration = Some(duration.to_owned());
    })
}

#[test]
fn the_duration_of_a_day_counts_days_of_the_calendar() {
    let (from, to) = ("2026-03-01T00:00:00Z", "2026-05-01T00:00:00Z");
    for (start, duration, lasts) in [
        ("2026-03-03", "P1D", "2026-03-02T23:00:00Z/2026-03-03T23:00:00Z"),
        ("2026-03-03", "P2W", "2026-03-02T23:00:00Z/2026-03-16T23:00:00Z"),
        ("2026-03-03", "p1w2d", "2026-03-02T23:00:00Z/2026-03-11T23:00:00Z"),
        // The night to the 29th has an hour less.
        ("2026-03-28", "P2D", "2026-03-27T23:00:00Z/2026-03-29T22:00:00Z"),
    ] {
        let calendar = calendar(State::Open, "Europe/Berlin", &[days(start, duration)]);
        assert_eq!(lasting(&calendar, from, to), [lasts], "{start} {duration}");
    }
    let weekly = StructuredEvent {
        recurrence: Some("FREQ=WEEKLY;COUNT=2".to_owned()),
        ..days("2026-03-21", "P2D")
    };
    assert_eq!(
        lasting(&calendar(State::Open, "Europe/Berlin", &[weekly]), from, to),
        [
            "2026-03-20T23:00:00Z/2026-03-22T23:00:00Z",
            "2026-03-27T23:00:00Z/2026-03-29T22:00:00Z",
        ]
    );
}

#[test]
fn the_duration_of_a_day_is_no_time_on_the_clock() {
    for duration in [
        "PT8H", "PT24H", "P1DT12H", "P1M", "P1Y", "P0D", "-P1D", "P1DT0S", "PT", "2",
    ] {
        let message = refusal(Some("UTC"), &[days("2026-01-05", duration)]).to_string();
        let expected = format!("spec.events[0].duration: {duration:?} is no number of days");
        assert!(message.starts_with(&expected), "{message}");
    }
    let message = refusal(Some("UTC"), &[days("2026-01-05", "P401D")]).to_string();
    assert!(message.contains("longer than 400 days"), "{message}");
}
