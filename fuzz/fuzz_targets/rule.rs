//! Any text as an RRULE, and its occurrences around some time.

#![no_main]

use jiff::civil::date;
use jiff::{SignedDuration, Timestamp};
use libfuzzer_sys::fuzz_target;
use paramsync::calendar::{Calendar, End, Rule, Series, Start, State, Zone, zone};

/// A rule, by how many minutes its start lies behind 2020, and by how many hours the question.
type Case<'a> = (&'a str, u16, u16);

fuzz_target!(|case: Case| {
    let (text, start, asked) = case;
    let local = date(2020, 1, 1).at(0, 0, 0, 0) + SignedDuration::from_mins(start.into());
    let start = Start::At(local);
    let Ok(rule) = Rule::parse("rule", text, start) else {
        return;
    };
    let series = Series {
        name: "event".into(),
        field: "event".to_owned(),
        start,
        // The clocks skip midnight there.
        zone: zone::by_name("Africa/Cairo").unwrap_or_else(Zone::utc),
        end: End::Exact(SignedDuration::from_hours(1)),
        rule: Some(rule),
        exceptions: Vec::new(),
        extras: Vec::new(),
        replacements: Vec::new(),
    };
    if let Ok((calendar, _)) = Calendar::compile(State::Open, &[series]) {
        let now = Timestamp::constant(1_577_836_800, 0) + SignedDuration::from_hours(asked.into());
        let _ = calendar.timeline(now);
    }
});
