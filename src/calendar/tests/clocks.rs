//! What becomes of local times where clocks are changed, and where laws about them are.

use super::*;

/// What holds; zone; start; end; rule or nothing; the window that is looked at; what lasts in it.
type Row<'a> = (
    &'a str,
    &'a str,
    &'a str,
    &'a str,
    &'a str,
    [&'a str; 2],
    &'a [&'a str],
);

const CLOSING: &[Row<'_>] = &[
    (
        "02:30 daily comes an hour later in the night without it, and again at its time the next day",
        "America/New_York",
        "2025-03-01T02:30:00",
        "2025-03-01T04:30:00",
        "FREQ=DAILY",
        ["2025-03-08T00:00:00Z", "2025-03-11T00:00:00Z"],
        &[
            "2025-03-08T07:30:00Z/2025-03-08T09:30:00Z",
            "2025-03-09T07:30:00Z/2025-03-09T08:30:00Z",
            "2025-03-10T06:30:00Z/2025-03-10T08:30:00Z",
        ],
    ),
    (
        "02:30 to 03:00 keeps its half hour in the night without 02:30",
        "America/New_York",
        "2025-03-01T02:30:00",
        "2025-03-01T03:00:00",
        "FREQ=DAILY",
        ["2025-03-09T00:00:00Z", "2025-03-10T00:00:00Z"],
        &["2025-03-09T07:30:00Z/2025-03-09T08:00:00Z"],
    ),
    (
        "02:30 to 03:00 keeps its half hour where it takes place only in the night without 02:30",
        "America/New_York",
        "2025-03-09T02:30:00",
        "2025-03-09T03:00:00",
        "",
        ["2025-03-09T00:00:00Z", "2025-03-10T00:00:00Z"],
        &["2025-03-09T07:30:00Z/2025-03-09T08:00:00Z"],
    ),
    (
        "02:00 to 03:00 keeps its hour in the night in which there is none",
        "America/New_York",
        "2025-03-01T02:00:00",
        "2025-03-01T03:00:00",
        "FREQ=DAILY",
        ["2025-03-09T00:00:00Z", "2025-03-10T00:00:00Z"],
        &["2025-03-09T07:00:00Z/2025-03-09T08:00:00Z"],
    ),
    (
        "01:30 daily begins at the first 01:30 of the night that has two, and ends by the clock",
        "America/New_York",
        "2025-10-01T01:30:00",
        "2025-10-01T02:30:00",
        "FREQ=DAILY",
        ["2025-11-02T00:00:00Z", "2025-11-03T00:00:00Z"],
        &["2025-11-02T05:30:00Z/2025-11-02T07:30:00Z"],
    ),
    (
        "a closing that ends at 01:30 lasts to the second one",
        "America/New_York",
        "2025-10-01T00:30:00",
        "2025-10-01T01:30:00",
        "FREQ=DAILY",
        ["2025-11-02T00:00:00Z", "2025-11-03T00:00:00Z"],
        &["2025-11-02T04:30:00Z/2025-11-02T06:30:00Z"],
    ),
    (
        "and so does one that ends at 01:10, though the change is most of an hour away",
        "America/New_York",
        "2025-10-01T00:30:00",
        "2025-10-01T01:10:00",
        "FREQ=DAILY",
        ["2025-11-02T00:00:00Z", "2025-11-03T00:00:00Z"],
        &["2025-11-02T04:30:00Z/2025-11-02T06:10:00Z"],
    ),
    (
        "22:00 to 06:00 ends at 06:00 in the short night and in the long one",
        "Europe/Berlin",
        "2026-01-01T22:00:00",
        "2026-01-02T06:00:00",
        "FREQ=WEEKLY;BYDAY=SA",
        ["2026-03-28T00:00:00Z", "2026-03-30T00:00:00Z"],
        &["2026-03-28T21:00:00Z/2026-03-29T04:00:00Z"],
    ),
    (
        "a day in Cairo begins at 01:00 where midnight is skipped",
        "Africa/Cairo",
        "2025-04-01",
        "2025-04-02",
        "FREQ=WEEKLY;BYDAY=FR",
        ["2025-04-24T00:00:00Z", "2025-04-27T00:00:00Z"],
        &["2025-04-24T22:00:00Z/2025-04-25T21:00:00Z"],
    ),
    (
        "00:30 daily in Cairo is not dropped on the day without it",
        "Africa/Cairo",
        "2025-04-01T00:30:00",
        "2025-04-01T02:00:00",
        "FREQ=DAILY",
        ["2025-04-24T12:00:00Z", "2025-04-25T12:00:00Z"],
        &["2025-04-24T22:30:00Z/2025-04-24T23:00:00Z"],
    ),
    (
        "a day in Havana begins at 01:00 where midnight is skipped",
        "America/Havana",
        "2026-03-08",
        "2026-03-09",
        "",
        ["2026-03-08T00:00:00Z", "2026-03-10T00:00:00Z"],
        &["2026-03-08T05:00:00Z/2026-03-09T04:00:00Z"],
    ),
    (
        "a day in Havana begins at the first midnight where there are two, and has 25 hours",
        "America/Havana",
        "2025-11-02",
        "2025-11-03",
        "",
        ["2025-11-01T00:00:00Z", "2025-11-04T00:00:00Z"],
        &["2025-11-02T04:00:00Z/2025-11-03T05:00:00Z"],
    ),
    (
        "a day in Beirut begins at 01:00 where midnight is skipped",
        "Asia/Beirut",
        "2026-03-29",
        "2026-03-30",
        "",
        ["2026-03-28T00:00:00Z", "2026-03-31T00:00:00Z"],
        &["2026-03-28T22:00:00Z/2026-03-29T21:00:00Z"],
    ),
    (
        "a day in Santiago begins at 01:00 where midnight is skipped",
        "America/Santiago",
        "2026-09-06",
        "2026-09-07",
        "",
        ["2026-09-05T00:00:00Z", "2026-09-08T00:00:00Z"],
        &["2026-09-06T04:00:00Z/2026-09-07T03:00:00Z"],
    ),
    (
        "a day in Santiago has 25 hours where 23:00 comes twice, and days that touch are one",
        "America/Santiago",
        "2026-04-04",
        "2026-04-05",
        "FREQ=DAILY;COUNT=2",
        ["2026-04-03T00:00:00Z", "2026-04-08T00:00:00Z"],
        &["2026-04-04T03:00:00Z/2026-04-06T04:00:00Z"],
    ),
    (
        "02:15 on Lord Howe comes half an hour later where the half hour is skipped",
        "Australia/Lord_Howe",
        "2026-10-01T02:15:00",
        "2026-10-01T03:00:00",
        "FREQ=DAILY",
        ["2026-10-03T12:00:00Z", "2026-10-04T12:00:00Z"],
        &["2026-10-03T15:45:00Z/2026-10-03T16:00:00Z"],
    ),
    (
        "01:45 on Lord Howe is the first of two, half an hour apart",
        "Australia/Lord_Howe",
        "2026-04-01T01:45:00",
        "2026-04-01T02:15:00",
        "FREQ=DAILY",
        ["2026-04-04T12:00:00Z", "2026-04-05T12:00:00Z"],
        &["2026-04-04T14:45:00Z/2026-04-04T15:45:00Z"],
    ),
    (
        "the day that Samoa skipped closes nothing, and its neighbours touch",
        "Pacific/Apia",
        "2011-12-29",
        "2011-12-30",
        "FREQ=DAILY;COUNT=3",
        ["2011-12-28T00:00:00Z", "2012-01-03T00:00:00Z"],
        &["2011-12-29T10:00:00Z/2011-12-31T10:00:00Z"],
    ),
    (
        "10:00 on the day that Samoa skipped is 10:00 on the next",
        "Pacific/Apia",
        "2011-12-30T10:00:00",
        "2011-12-30T11:00:00",
        "",
        ["2011-12-28T00:00:00Z", "2012-01-03T00:00:00Z"],
        &["2011-12-30T20:00:00Z/2011-12-30T21:00:00Z"],
    ),
    (
        "Vancouver keeps summer time from 2026 on",
        "America/Vancouver",
        "2026-12-01T09:00:00",
        "2026-12-01T10:00:00",
        "",
        ["2026-12-01T00:00:00Z", "2026-12-02T00:00:00Z"],
        &["2026-12-01T16:00:00Z/2026-12-01T17:00:00Z"],
    ),
    (
        "Edmonton keeps summer time from 2026 on",
        "America/Edmonton",
        "2026-12-01T09:00:00",
        "2026-12-01T10:00:00",
        "",
        ["2026-12-01T00:00:00Z", "2026-12-02T00:00:00Z"],
        &["2026-12-01T15:00:00Z/2026-12-01T16:00:00Z"],
    ),
    (
        "Winnipeg keeps summer time from 2026 on",
        "America/Winnipeg",
        "2026-12-01T09:00:00",
        "2026-12-01T10:00:00",
        "",
        ["2026-12-01T00:00:00Z", "2026-12-02T00:00:00Z"],
        &["2026-12-01T14:00:00Z/2026-12-01T15:00:00Z"],
    ),
    (
        "Casablanca is at UTC from September 2026 on",
        "Africa/Casablanca",
        "2026-12-01T09:00:00",
        "2026-12-01T10:00:00",
        "",
        ["2026-12-01T00:00:00Z", "2026-12-02T00:00:00Z"],
        &["2026-12-01T09:00:00Z/2026-12-01T10:00:00Z"],
    ),
    (
        "Havana skips the winter time of 2026",
        "America/Havana",
        "2026-12-01T09:00:00",
        "2026-12-01T10:00:00",
        "",
        ["2026-12-01T00:00:00Z", "2026-12-02T00:00:00Z"],
        &["2026-12-01T13:00:00Z/2026-12-01T14:00:00Z"],
    ),
    (
        "a freeze over New Year comes every year",
        "Asia/Tokyo",
        "2025-12-24",
        "2026-01-05",
        "FREQ=YEARLY",
        ["2026-06-01T00:00:00Z", "2028-06-01T00:00:00Z"],
        &[
            "2026-12-23T15:00:00Z/2027-01-04T15:00:00Z",
            "2027-12-23T15:00:00Z/2028-01-04T15:00:00Z",
        ],
    ),
    (
        "UNTIL in UTC is compared as an instant, not as a local time",
        "Asia/Tokyo",
        "2026-01-01T09:00:00",
        "2026-01-01T10:00:00",
        "FREQ=DAILY;UNTIL=20260103T000000Z",
        ["2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"],
        &[
            "2026-01-01T00:00:00Z/2026-01-01T01:00:00Z",
            "2026-01-02T00:00:00Z/2026-01-02T01:00:00Z",
            "2026-01-03T00:00:00Z/2026-01-03T01:00:00Z",
        ],
    ),
    (
        "UNTIL as a day is the end of that local day",
        "America/New_York",
        "2026-01-01T22:00:00",
        "2026-01-01T23:00:00",
        "FREQ=DAILY;UNTIL=20260102",
        ["2026-01-01T12:00:00Z", "2026-02-01T00:00:00Z"],
        &[
            "2026-01-02T03:00:00Z/2026-01-02T04:00:00Z",
            "2026-01-03T03:00:00Z/2026-01-03T04:00:00Z",
        ],
    ),
    (
        "UNTIL as a local time includes an occurrence at that time, and none later",
        "America/New_York",
        "2026-01-01T22:00:00",
        "2026-01-01T23:00:00",
        "FREQ=DAILY;UNTIL=20260101T220000",
        ["2026-01-01T12:00:00Z", "2026-02-01T00:00:00Z"],
        &["2026-01-02T03:00:00Z/2026-01-02T04:00:00Z"],
    ),
];

#[test]
fn where_clocks_change_closing_events_take_place_so() {
    for (what, zone, start, end, rule, [from, to], expected) in CLOSING {
        let event = match *rule {
            "" => event(start, end),
            rule => recurring(start, end, rule),
        };
        assert_eq!(
            lasting(&calendar(State::Open, zone, &[event]), from, to),
            *expected,
            "{what}"
        );
    }
}

#[test]
fn an_opening_that_ends_at_a_time_that_comes_twice_ends_at_the_first() {
    let opening = recurring("2025-10-01T00:30:00", "2025-10-01T01:30:00", "FREQ=DAILY");
    let calendar = calendar(State::Closed, "America/New_York", &[opening]);
    assert_eq!(
        lasting(&calendar, "2025-11-02T00:00:00Z", "2025-11-03T00:00:00Z"),
        ["2025-11-02T04:30:00Z/2025-11-02T05:30:00Z"]
    );
}

#[test]
fn a_duration_is_exact_where_an_end_follows_the_clock() {
    let exact = StructuredEvent {
        end: None,
        duration: Some("PT8H".to_owned()),
        ..recurring("2026-03-01T22:00:00", "", "FREQ=WEEKLY;BYDAY=SA")
    };
    let calendar = calendar(State::Open, "Europe/Berlin", &[exact]);
    assert_eq!(
        lasting(&calendar, "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z"),
        ["2026-03-28T21:00:00Z/2026-03-29T05:00:00Z"]
    );
}

#[test]
fn a_start_and_an_end_in_different_zones_each_follow_their_own_clock() {
    let mut series = read_events(
        "e",
        &[recurring(
            "2026-03-01T22:00:00",
            "2026-03-02T06:00:00",
            "FREQ=DAILY",
        )],
        Some("Europe/Berlin"),
    )
    .unwrap();
    series[0].end = End::Wall(local("2026-03-02T06:00:00"), zone("America/New_York"));
    let (calendar, _) = Calendar::compile(State::Open, &series).unwrap();
    assert_eq!(
        lasting(&calendar, "2026-03-03T12:00:00Z", "2026-03-04T12:00:00Z"),
        ["2026-03-03T21:00:00Z/2026-03-04T11:00:00Z"]
    );
    assert_eq!(
        lasting(&calendar, "2026-03-10T12:00:00Z", "2026-03-11T12:00:00Z"),
        ["2026-03-10T21:00:00Z/2026-03-11T10:00:00Z"],
        "New York has changed its clocks and Berlin has not"
    );
}

#[test]
fn midnight_inside_of_a_gap_that_began_the_day_before_begins_the_day_where_the_gap_ends() {
    let start = Start::On(jiff::civil::date(1919, 3, 31));
    let first = start.instant(&zone("America/Toronto")).unwrap();
    assert_eq!(
        first,
        instant("1919-03-31T04:30:00Z"),
        "the clocks went from 23:30 to 00:30"
    );
}

/// A timeline is computed in several looks, of which the first is eight days long.
#[test]
fn no_occurrence_is_lost_where_a_look_ends_while_clocks_are_changed() {
    for (what, time, from, expected) in [
        (
            "a start that reads earlier than it is",
            "02:30:00",
            "2025-03-01T07:15:00Z",
            "2025-03-09T07:30:00Z",
        ),
        (
            "a start that reads later than the end of a look",
            "01:30:00",
            "2025-10-25T06:15:00Z",
            "2025-11-02T05:30:00Z",
        ),
    ] {
        let nightly = recurring(&format!("2025-01-01T{time}"), "2025-01-01T04:30:00", "FREQ=DAILY");
        let calendar = calendar(State::Open, "America/New_York", &[nightly]);
        let upcoming = calendar
            .timeline(instant(from))
            .unwrap()
            .upcoming(instant(from), 10);
        assert!(
            upcoming.iter().any(|event| event.from == instant(expected)),
            "{what}: {upcoming:?}"
        );
    }
}
