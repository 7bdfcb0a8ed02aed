//! Any octets as an iCalendar text, and what is read of it as a calendar.

#![no_main]

use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use paramsync::calendar::{Calendar, State, ics};

/// 2026-11-25T12:00:00Z.
const NOW: Timestamp = Timestamp::constant(1_795_608_000, 0);

fuzz_target!(|text: &[u8]| {
    let Ok(contents) = ics::read(text, None, None) else {
        return;
    };
    let default_state = contents.default_state.unwrap_or(State::Open);
    if let Ok((calendar, _)) = Calendar::compile(default_state, &contents.series) {
        let _ = calendar.timeline(NOW);
    }
});
