//! Which local times a rule yields, and which texts are refused.

use std::ops::ControlFlow;

use super::super::budget::Budget;
use super::*;

/// The first local times of a rule, at most `most`, up to 2300.
fn first_times(start: Start, text: &str, most: usize) -> Vec<DateTime> {
    let rule = Rule::parse("recurrence", text, start).unwrap();
    let mut times = Vec::new();
    let shown = rule.walk(
        start.local(),
        super::super::rule::LATEST,
        &mut Budget::new(),
        |time| {
            times.push(time);
            if times.len() < most {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        },
    );
    shown.unwrap();
    times
}

/// A time as its day, with its hour and minute where they are not 09:00.
fn short(time: DateTime) -> String {
    match (time.hour(), time.minute()) {
        (9, 0) => time.date().to_string(),
        (hour, minute) => format!("{}T{hour:02}:{minute:02}", time.date()),
    }
}

/// What holds; a start at 09:00; the rule; its first times. Most are examples of RFC 5545, 3.8.5.3.
const YIELDS: &[(&str, &str, &str, &[&str])] = &[
    (
        "each day",
        "1997-09-02",
        "FREQ=DAILY",
        &["1997-09-02", "1997-09-03", "1997-09-04"],
    ),
    (
        "every tenth day",
        "1997-09-02",
        "FREQ=DAILY;INTERVAL=10",
        &["1997-09-02", "1997-09-12", "1997-09-22", "1997-10-02"],
    ),
    (
        "each day in January",
        "1998-01-30",
        "FREQ=DAILY;BYMONTH=1",
        &["1998-01-30", "1998-01-31", "1999-01-01"],
    ),
    (
        "each Friday the 13th",
        "1997-09-02",
        "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13",
        &[
            "1998-02-13",
            "1998-03-13",
            "1998-11-13",
            "1999-08-13",
            "2000-10-13",
        ],
    ),
    (
        "the same daily",
        "1998-02-01",
        "FREQ=DAILY;BYDAY=FR;BYMONTHDAY=13",
        &["1998-02-13", "1998-03-13", "1998-11-13"],
    ),
    (
        "the start's weekday",
        "1997-09-02",
        "FREQ=WEEKLY",
        &["1997-09-02", "1997-09-09", "1997-09-16"],
    ),
    (
        "every other week on three days",
        "1997-09-01",
        "FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=MO,WE,FR",
        &[
            "1997-09-01",
            "1997-09-03",
            "1997-09-05",
            "1997-09-15",
            "1997-09-17",
            "1997-09-19",
            "1997-09-29",
        ],
    ),
    (
        "weeks from Monday",
        "1997-08-05",
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST=MO",
        &["1997-08-05", "1997-08-10", "1997-08-19", "1997-08-24"],
    ),
    (
        "weeks from Sunday",
        "1997-08-05",
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST=SU",
        &["1997-08-05", "1997-08-17", "1997-08-19", "1997-08-31"],
    ),
    (
        "weeks of two months",
        "2026-01-28",
        "FREQ=WEEKLY;BYMONTH=1,3;BYDAY=WE",
        &["2026-01-28", "2026-03-04"],
    ),
    (
        "the first Friday",
        "1997-09-05",
        "FREQ=MONTHLY;BYDAY=1FR",
        &["1997-09-05", "1997-10-03", "1997-11-07"],
    ),
    (
        "the last Monday but one",
        "1997-09-22",
        "FREQ=MONTHLY;BYDAY=-2MO",
        &["1997-09-22", "1997-10-20", "1997-11-17", "1997-12-22"],
    ),
    (
        "the first and last Sunday of every other month",
        "1997-09-07",
        "FREQ=MONTHLY;INTERVAL=2;BYDAY=1SU,-1SU",
        &["1997-09-07", "1997-09-28", "1997-11-02", "1997-11-30"],
    ),
    (
        "the third day from the end",
        "1997-09-28",
        "FREQ=MONTHLY;BYMONTHDAY=-3",
        &[
            "1997-09-28",
            "1997-10-29",
            "1997-11-28",
            "1997-12-29",
            "1998-01-29",
            "1998-02-26",
        ],
    ),
    (
        "the first and the last day",
        "1997-09-30",
        "FREQ=MONTHLY;BYMONTHDAY=1,-1",
        &["1997-09-30", "1997-10-01", "1997-10-31", "1997-11-01"],
    ),
    (
        "the 31st comes in long months only",
        "2026-01-31",
        "FREQ=MONTHLY",
        &[
            "2026-01-31",
            "2026-03-31",
            "2026-05-31",
            "2026-07-31",
            "2026-08-31",
            "2026-10-31",
            "2026-12-31",
        ],
    ),
    (
        "a fifth Monday comes where there is one",
        "2026-03-30",
        "FREQ=MONTHLY;BYDAY=5MO",
        &["2026-03-30", "2026-06-29", "2026-08-31", "2026-11-30"],
    ),
    (
        "the last working day",
        "2026-01-30",
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
        &[
            "2026-01-30",
            "2026-02-27",
            "2026-03-31",
            "2026-04-30",
            "2026-05-29",
        ],
    ),
    (
        "the second working day and the last but one",
        "2026-01-02",
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=2,-2",
        &["2026-01-02", "2026-01-29", "2026-02-03", "2026-02-26"],
    ),
    (
        "the third of three days",
        "1997-09-04",
        "FREQ=MONTHLY;BYDAY=TU,WE,TH;BYSETPOS=3",
        &["1997-09-04", "1997-10-07", "1997-11-06"],
    ),
    (
        "positions count the times of a whole period, also before the start",
        "2026-01-15",
        "FREQ=MONTHLY;BYDAY=TH;BYSETPOS=2",
        &["2026-02-12", "2026-03-12"],
    ),
    (
        "positions count times, not days",
        "2026-01-01",
        "FREQ=MONTHLY;BYMONTHDAY=1,2;BYHOUR=9,10;BYSETPOS=2,3",
        &["2026-01-01T10:00", "2026-01-02", "2026-02-01T10:00", "2026-02-02"],
    ),
    (
        "the start's day of the year",
        "2026-03-01",
        "FREQ=YEARLY",
        &["2026-03-01", "2027-03-01", "2028-03-01"],
    ),
    (
        "the leap day comes in leap years",
        "2024-02-29",
        "FREQ=YEARLY",
        &["2024-02-29", "2028-02-29", "2032-02-29"],
    ),
    (
        "the leap day is skipped in 2100",
        "2096-02-29",
        "FREQ=YEARLY",
        &["2096-02-29", "2104-02-29"],
    ),
    (
        "the start's day of the named months",
        "1997-06-10",
        "FREQ=YEARLY;BYMONTH=6,7",
        &["1997-06-10", "1997-07-10", "1998-06-10"],
    ),
    (
        "named days of named months",
        "1998-12-24",
        "FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=24,-1",
        &["1998-12-24", "1998-12-31", "1999-12-24"],
    ),
    (
        "days of the year",
        "1997-01-01",
        "FREQ=YEARLY;INTERVAL=3;BYYEARDAY=1,100,200",
        &[
            "1997-01-01",
            "1997-04-10",
            "1997-07-19",
            "2000-01-01",
            "2000-04-09",
            "2000-07-18",
        ],
    ),
    (
        "the last day of the year",
        "1997-12-31",
        "FREQ=YEARLY;BYYEARDAY=-1",
        &["1997-12-31", "1998-12-31"],
    ),
    (
        "the 366th day comes in leap years",
        "2024-12-31",
        "FREQ=YEARLY;BYYEARDAY=366",
        &["2024-12-31", "2028-12-31"],
    ),
    (
        "a day of the year in a month",
        "2026-02-01",
        "FREQ=YEARLY;BYMONTH=2;BYYEARDAY=1,32,60",
        &["2026-02-01", "2027-02-01", "2028-02-01", "2028-02-29"],
    ),
    (
        "the twentieth Monday of the year",
        "1997-05-19",
        "FREQ=YEARLY;BYDAY=20MO",
        &["1997-05-19", "1998-05-18", "1999-05-17"],
    ),
    (
        "the last Monday of the year",
        "2026-12-28",
        "FREQ=YEARLY;BYDAY=-1MO",
        &["2026-12-28", "2027-12-27", "2028-12-25"],
    ),
    (
        "Thursdays of March",
        "1997-03-13",
        "FREQ=YEARLY;BYMONTH=3;BYDAY=TH",
        &["1997-03-13", "1997-03-20", "1997-03-27", "1998-03-05"],
    ),
    (
        "the fourth Thursday of November",
        "2026-11-26",
        "FREQ=YEARLY;BYMONTH=11;BYDAY=4TH",
        &["2026-11-26", "2027-11-25", "2028-11-23"],
    ),
    (
        "US election day",
        "1996-11-05",
        "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8",
        &["1996-11-05", "2000-11-07", "2004-11-02"],
    ),
    (
        "hours and minutes of a day",
        "2026-01-01",
        "FREQ=DAILY;BYHOUR=9,21;BYMINUTE=0,30",
        &[
            "2026-01-01",
            "2026-01-01T09:30",
            "2026-01-01T21:00",
            "2026-01-01T21:30",
            "2026-01-02",
        ],
    ),
    (
        "hours keep the start's minute",
        "2026-01-01",
        "FREQ=DAILY;BYHOUR=20",
        &["2026-01-01T20:00", "2026-01-02T20:00"],
    ),
    (
        "lower case, any order, the word in front, a number twice",
        "2026-01-05",
        "rrule:byday=mo,mo;freq=weekly",
        &["2026-01-05", "2026-01-12"],
    ),
    (
        "a plus sign",
        "2026-01-05",
        "FREQ=MONTHLY;BYDAY=+1MO",
        &["2026-01-05", "2026-02-02"],
    ),
];

#[test]
fn a_rule_yields_these_first_times() {
    for (what, start, text, expected) in YIELDS {
        let start = Start::At(local(&format!("{start}T09:00:00")));
        let times: Vec<String> = first_times(start, text, expected.len())
            .into_iter()
            .map(short)
            .collect();
        assert_eq!(times, *expected, "{what}: {text}");
    }
}

#[test]
fn a_day_recurs_at_midnight() {
    let start = Start::On(jiff::civil::date(2026, 1, 31));
    let times = first_times(start, "FREQ=MONTHLY;BYMONTHDAY=-1", 2);
    assert_eq!(
        times,
        [local("2026-01-31T00:00:00"), local("2026-02-28T00:00:00")]
    );
}

/// What is refused; what the message names; what it advises.
const REFUSED: &[(&str, &str, &str)] = &[
    ("", "\"\"", "NAME=VALUE"),
    ("FREQ=DAILY;", "\"\"", "NAME=VALUE"),
    ("FREQ=DAILY;INTERVAL", "\"INTERVAL\"", "NAME=VALUE"),
    ("FREQ=DAILY;INTERVAL=", "\"INTERVAL=\"", "NAME=VALUE"),
    ("INTERVAL=2", "FREQ is missing", "DAILY"),
    ("FREQ=DALY", "FREQ=DALY", "DAILY, WEEKLY, MONTHLY or YEARLY"),
    ("FREQ=HOURLY", "FREQ=HOURLY", "DAILY, WEEKLY, MONTHLY or YEARLY"),
    (
        "FREQ=MINUTELY",
        "FREQ=MINUTELY",
        "DAILY, WEEKLY, MONTHLY or YEARLY",
    ),
    (
        "FREQ=SECONDLY",
        "FREQ=SECONDLY",
        "DAILY, WEEKLY, MONTHLY or YEARLY",
    ),
    ("FREQ=DAILY;FREQ=DAILY", "FREQ=DAILY", "twice"),
    ("FREQ=DAILY;BYHOUR=1;byhour=2", "byhour=2", "twice"),
    ("FREQ=DAILY;BYWEEK=1", "BYWEEK=1", "allowed are FREQ, INTERVAL"),
    ("FREQ=DAILY; BYHOUR=1", "\" BYHOUR=1\"", "allowed are"),
    ("FREQ=YEARLY;BYWEEKNO=1", "BYWEEKNO=1", "number weeks differently"),
    (
        "FREQ=DAILY;BYSECOND=0",
        "BYSECOND=0",
        "second is that of the start",
    ),
    ("FREQ=DAILY;RSCALE=GREGORIAN", "RSCALE=GREGORIAN", "Gregorian"),
    ("FREQ=MONTHLY;SKIP=FORWARD", "SKIP=FORWARD", "Gregorian"),
    ("FREQ=DAILY;INTERVAL=0", "INTERVAL=0", "1 to 1000"),
    ("FREQ=DAILY;INTERVAL=1001", "INTERVAL=1001", "1 to 1000"),
    ("FREQ=DAILY;INTERVAL=-1", "INTERVAL=-1", "1 to 1000"),
    (
        "FREQ=DAILY;INTERVAL=99999999999999999999",
        "INTERVAL=9999",
        "1 to 1000",
    ),
    ("FREQ=DAILY;COUNT=0", "COUNT=0", "1 to 10000"),
    ("FREQ=DAILY;COUNT=10001", "COUNT=10001", "1 to 10000"),
    ("FREQ=DAILY;COUNT=+1", "COUNT=+1", "1 to 10000"),
    (
        "FREQ=DAILY;COUNT=3;UNTIL=20260101",
        "UNTIL=20260101",
        "beside COUNT",
    ),
    ("FREQ=DAILY;UNTIL=tomorrow", "UNTIL=tomorrow", "20261231T235959Z"),
    ("FREQ=DAILY;UNTIL=20260230", "UNTIL=20260230", "20261231T235959Z"),
    (
        "FREQ=DAILY;UNTIL=20260101T250000Z",
        "UNTIL=20260101T250000Z",
        "20261231T235959Z",
    ),
    (
        "FREQ=DAILY;UNTIL=20260101Z",
        "UNTIL=20260101Z",
        "20261231T235959Z",
    ),
    (
        "FREQ=DAILY;UNTIL=2026-01-01",
        "UNTIL=2026-01-01",
        "20261231T235959Z",
    ),
    ("FREQ=WEEKLY;WKST=XX", "WKST=XX", "MO, TU"),
    ("FREQ=WEEKLY;BYDAY=XX", "BYDAY=XX", "MO, TU"),
    ("FREQ=WEEKLY;BYDAY=MO,,TU", "BYDAY=MO,,TU", "MO, TU"),
    ("FREQ=WEEKLY;BYDAY=MO TU", "BYDAY=MO TU", "write MO, not 1MO"),
    ("FREQ=MONTHLY;BYDAY=ÄMO", "BYDAY=ÄMO", "1 to 5"),
    ("FREQ=MONTHLY;BYDAY=1Ä", "BYDAY=1Ä", "MO, TU"),
    ("FREQ=WEEKLY;BYDAY=1MO", "BYDAY=1MO", "MONTHLY and YEARLY only"),
    ("FREQ=DAILY;BYDAY=-1MO", "BYDAY=-1MO", "MONTHLY and YEARLY only"),
    ("FREQ=MONTHLY;BYDAY=6MO", "BYDAY=6MO", "1 to 5"),
    ("FREQ=MONTHLY;BYDAY=0MO", "BYDAY=0MO", "1 to 5"),
    ("FREQ=YEARLY;BYMONTH=1;BYDAY=6MO", "BYDAY=6MO", "1 to 5"),
    ("FREQ=YEARLY;BYDAY=-54MO", "BYDAY=-54MO", "1 to 53"),
    ("FREQ=DAILY;BYMONTH=0", "BYMONTH=0", "1 to 12"),
    ("FREQ=DAILY;BYMONTH=13", "BYMONTH=13", "1 to 12"),
    ("FREQ=DAILY;BYMONTH=-1", "BYMONTH=-1", "1 to 12"),
    ("FREQ=DAILY;BYMONTH=1,", "BYMONTH=1,", "1 to 12"),
    ("FREQ=DAILY;BYMONTH=5L", "BYMONTH=5L", "1 to 12"),
    (
        "FREQ=MONTHLY;BYMONTHDAY=0",
        "BYMONTHDAY=0",
        "1 to 31, or from its negative",
    ),
    ("FREQ=MONTHLY;BYMONTHDAY=32", "BYMONTHDAY=32", "1 to 31"),
    ("FREQ=MONTHLY;BYMONTHDAY=-32", "BYMONTHDAY=-32", "1 to 31"),
    (
        "FREQ=WEEKLY;BYMONTHDAY=1",
        "BYMONTHDAY=1",
        "FREQ=DAILY or MONTHLY",
    ),
    ("FREQ=YEARLY;BYMONTHDAY=1", "BYMONTHDAY=1", "needs BYMONTH"),
    ("FREQ=YEARLY;BYYEARDAY=0", "BYYEARDAY=0", "1 to 366"),
    ("FREQ=YEARLY;BYYEARDAY=367", "BYYEARDAY=367", "1 to 366"),
    ("FREQ=MONTHLY;BYYEARDAY=1", "BYYEARDAY=1", "YEARLY only"),
    ("FREQ=DAILY;BYYEARDAY=1", "BYYEARDAY=1", "YEARLY only"),
    ("FREQ=WEEKLY;BYYEARDAY=1", "BYYEARDAY=1", "YEARLY only"),
    ("FREQ=DAILY;BYHOUR=24", "BYHOUR=24", "0 to 23"),
    ("FREQ=DAILY;BYHOUR=-1", "BYHOUR=-1", "0 to 23"),
    ("FREQ=DAILY;BYMINUTE=60", "BYMINUTE=60", "0 to 59"),
    ("FREQ=MONTHLY;BYSETPOS=1", "BYSETPOS=1", "another BY part"),
    ("FREQ=YEARLY;BYSETPOS=1", "BYSETPOS=1", "another BY part"),
    ("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=0", "BYSETPOS=0", "1 to 366"),
    ("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=-367", "BYSETPOS=-367", "1 to 366"),
    (
        "FREQ=WEEKLY;BYDAY=MO;BYSETPOS=1",
        "BYSETPOS=1",
        "MONTHLY and YEARLY only",
    ),
    (
        "FREQ=DAILY;BYHOUR=1;BYSETPOS=1",
        "BYSETPOS=1",
        "MONTHLY and YEARLY only",
    ),
];

#[test]
fn everything_outside_of_the_subset_is_refused_by_name() {
    let start = Start::At(local("2026-01-05T09:00:00"));
    for (text, named, advised) in REFUSED {
        let error = Rule::parse("spec.events[3].recurrence", text, start).unwrap_err();
        let message = error.to_string();
        assert!(
            message.starts_with("spec.events[3].recurrence: "),
            "{text:?}: {message}"
        );
        assert!(
            message.contains(named) && message.contains(advised),
            "{text:?}: {message}"
        );
        assert_eq!(error.reason(), "CalendarInvalid", "{text:?}");
    }
}

#[test]
fn an_event_of_days_has_no_hours() {
    let start = Start::On(jiff::civil::date(2026, 1, 5));
    for text in ["FREQ=DAILY;BYHOUR=1", "FREQ=DAILY;BYMINUTE=1"] {
        let message = Rule::parse("recurrence", text, start).unwrap_err().to_string();
        assert!(message.contains("starts with a day"), "{message}");
    }
}

#[test]
fn what_was_found_is_repeated_up_to_64_characters() {
    let start = Start::At(local("2026-01-05T09:00:00"));
    let text = format!("FREQ={}", "Ä".repeat(1000));
    let message = Rule::parse("recurrence", &text, start).unwrap_err().to_string();
    assert!(
        message.contains(&format!("FREQ={}...", "Ä".repeat(59))),
        "{message}"
    );
    assert!(message.chars().count() < 200, "{message}");
}
