//! What becomes of local times where clocks are changed, as manifests. What is expected was worked out by hand.

use serde_json::{Value, json};

use crate::{alternating, asked, calendar, evaluated};

/// What holds; zone; the event less its name; where the state changes in the window between the first and the last.
type Row<'a> = (&'a str, &'a str, Value, &'a [&'a str]);

fn timed(start: &str, end: &str) -> Value {
    json!({"name": "it", "start": start, "end": end})
}

fn daily(start: &str, end: &str) -> Value {
    json!({"name": "it", "start": start, "end": end, "recurrence": "FREQ=DAILY"})
}

fn day(start: &str, duration: &str) -> Value {
    json!({"name": "it", "start": start, "duration": duration})
}

fn assert_rows(default_state: &str, rows: &[Row<'_>]) {
    for (what, zone, event, edges) in rows {
        let (from, to) = (edges[0], edges[edges.len() - 1]);
        let question = ["eval", "-o", "json", "--from", from, "--to", to];
        let answer = asked(&question, calendar(default_state, zone, &json!([event])));
        assert_eq!(
            evaluated(answer, from, to),
            alternating(default_state, edges),
            "{what}"
        );
    }
}

#[test]
fn days_whose_midnight_is_skipped_begin_where_the_gap_ends() {
    assert_rows(
        "Open",
        &[
            (
                "Cairo, all of a Friday",
                "Africa/Cairo",
                day("2025-04-25", "P1D"),
                &[
                    "2025-04-24T00:00:00Z",
                    "2025-04-24T22:00:00Z",
                    "2025-04-25T21:00:00Z",
                    "2025-04-27T00:00:00Z",
                ],
            ),
            (
                "Cairo, 00:30 daily",
                "Africa/Cairo",
                daily("2025-04-01T00:30:00", "2025-04-01T02:00:00"),
                &[
                    "2025-04-24T12:00:00Z",
                    "2025-04-24T22:30:00Z",
                    "2025-04-24T23:00:00Z",
                    "2025-04-25T12:00:00Z",
                ],
            ),
            (
                "Havana",
                "America/Havana",
                day("2026-03-08", "P1D"),
                &[
                    "2026-03-08T00:00:00Z",
                    "2026-03-08T05:00:00Z",
                    "2026-03-09T04:00:00Z",
                    "2026-03-10T00:00:00Z",
                ],
            ),
            (
                "Havana, where midnight comes twice: 25 hours from the first",
                "America/Havana",
                day("2025-11-02", "P1D"),
                &[
                    "2025-11-01T00:00:00Z",
                    "2025-11-02T04:00:00Z",
                    "2025-11-03T05:00:00Z",
                    "2025-11-04T00:00:00Z",
                ],
            ),
            (
                "Beirut",
                "Asia/Beirut",
                day("2026-03-29", "P1D"),
                &[
                    "2026-03-28T00:00:00Z",
                    "2026-03-28T22:00:00Z",
                    "2026-03-29T21:00:00Z",
                    "2026-03-31T00:00:00Z",
                ],
            ),
            (
                "Santiago, a week over the gap is an hour shorter",
                "America/Santiago",
                day("2026-09-06", "P1W"),
                &[
                    "2026-09-05T00:00:00Z",
                    "2026-09-06T04:00:00Z",
                    "2026-09-13T03:00:00Z",
                    "2026-09-14T00:00:00Z",
                ],
            ),
        ],
    );
}

#[test]
fn times_in_a_gap_are_shifted_and_none_is_lost() {
    assert_rows(
        "Open",
        &[
            (
                "New York, 02:30 to 04:30 daily: an hour later in the night without it",
                "America/New_York",
                daily("2025-03-01T02:30:00", "2025-03-01T04:30:00"),
                &[
                    "2025-03-08T00:00:00Z",
                    "2025-03-08T07:30:00Z",
                    "2025-03-08T09:30:00Z",
                    "2025-03-09T07:30:00Z",
                    "2025-03-09T08:30:00Z",
                    "2025-03-10T06:30:00Z",
                    "2025-03-10T08:30:00Z",
                    "2025-03-11T00:00:00Z",
                ],
            ),
            (
                "New York, 02:30 to 03:00 keeps its half hour in that night",
                "America/New_York",
                daily("2025-03-01T02:30:00", "2025-03-01T03:00:00"),
                &[
                    "2025-03-09T00:00:00Z",
                    "2025-03-09T07:30:00Z",
                    "2025-03-09T08:00:00Z",
                    "2025-03-10T00:00:00Z",
                ],
            ),
            (
                "and where it takes place in that night only",
                "America/New_York",
                timed("2025-03-09T02:30:00", "2025-03-09T03:00:00"),
                &[
                    "2025-03-09T00:00:00Z",
                    "2025-03-09T07:30:00Z",
                    "2025-03-09T08:00:00Z",
                    "2025-03-10T00:00:00Z",
                ],
            ),
            (
                "Lord Howe, where the gap is of half an hour",
                "Australia/Lord_Howe",
                daily("2026-10-01T02:15:00", "2026-10-01T03:00:00"),
                &[
                    "2026-10-03T12:00:00Z",
                    "2026-10-03T15:45:00Z",
                    "2026-10-03T16:00:00Z",
                    "2026-10-04T12:00:00Z",
                ],
            ),
            (
                "Apia, the day that there was not, and those beside it",
                "Pacific/Apia",
                day("2011-12-29", "P3D"),
                &[
                    "2011-12-28T00:00:00Z",
                    "2011-12-29T10:00:00Z",
                    "2011-12-31T10:00:00Z",
                    "2012-01-03T00:00:00Z",
                ],
            ),
        ],
    );
}

#[test]
fn times_that_come_twice_close_for_longer_and_open_for_shorter() {
    assert_rows(
        "Open",
        &[
            (
                "New York, a closing begins at the first 01:30",
                "America/New_York",
                daily("2025-10-01T01:30:00", "2025-10-01T02:30:00"),
                &[
                    "2025-11-02T00:00:00Z",
                    "2025-11-02T05:30:00Z",
                    "2025-11-02T07:30:00Z",
                    "2025-11-03T00:00:00Z",
                ],
            ),
            (
                "New York, a closing ends at the second 01:30",
                "America/New_York",
                daily("2025-10-01T00:30:00", "2025-10-01T01:30:00"),
                &[
                    "2025-11-02T00:00:00Z",
                    "2025-11-02T04:30:00Z",
                    "2025-11-02T06:30:00Z",
                    "2025-11-03T00:00:00Z",
                ],
            ),
            (
                "Lord Howe, half an hour apart",
                "Australia/Lord_Howe",
                daily("2026-04-01T01:45:00", "2026-04-01T02:15:00"),
                &[
                    "2026-04-04T12:00:00Z",
                    "2026-04-04T14:45:00Z",
                    "2026-04-04T15:45:00Z",
                    "2026-04-05T12:00:00Z",
                ],
            ),
        ],
    );
    assert_rows(
        "Closed",
        &[(
            "New York, an opening ends at the first 01:30",
            "America/New_York",
            daily("2025-10-01T00:30:00", "2025-10-01T01:30:00"),
            &[
                "2025-11-02T00:00:00Z",
                "2025-11-02T04:30:00Z",
                "2025-11-02T05:30:00Z",
                "2025-11-03T00:00:00Z",
            ],
        )],
    );
}

#[test]
fn ends_follow_the_clock_and_durations_are_exact() {
    let weekly = |field: &str, value: &str| json!({"name": "it", "start": "2026-03-07T22:00:00", "recurrence": "FREQ=WEEKLY", field: value});
    let edges = |end| {
        [
            "2026-03-28T12:00:00Z",
            "2026-03-28T21:00:00Z",
            end,
            "2026-03-29T12:00:00Z",
        ]
    };
    assert_rows(
        "Open",
        &[
            (
                "Berlin, until 06:00 in the short night",
                "Europe/Berlin",
                weekly("end", "2026-03-08T06:00:00"),
                &edges("2026-03-29T04:00:00Z"),
            ),
            (
                "Berlin, for eight hours in the short night",
                "Europe/Berlin",
                weekly("duration", "PT8H"),
                &edges("2026-03-29T05:00:00Z"),
            ),
        ],
    );
}

/// Their laws changed in 2026, and the tz database with them.
#[test]
fn zones_are_those_of_the_newest_tz_database() {
    let morning = || timed("2026-12-01T09:00:00", "2026-12-01T10:00:00");
    let edges = |from, to| ["2026-12-01T00:00:00Z", from, to, "2026-12-02T00:00:00Z"];
    assert_rows(
        "Open",
        &[
            (
                "Vancouver",
                "America/Vancouver",
                morning(),
                &edges("2026-12-01T16:00:00Z", "2026-12-01T17:00:00Z"),
            ),
            (
                "Edmonton",
                "America/Edmonton",
                morning(),
                &edges("2026-12-01T15:00:00Z", "2026-12-01T16:00:00Z"),
            ),
            (
                "Casablanca",
                "Africa/Casablanca",
                morning(),
                &edges("2026-12-01T09:00:00Z", "2026-12-01T10:00:00Z"),
            ),
        ],
    );
}
