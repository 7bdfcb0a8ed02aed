//! What holds of calendars: tables of named cases, and laws.

mod budgets;
mod clocks;
mod combining;
mod laws;
mod lints;
mod naive;
mod rules;
mod structured;
mod timelines;
mod zones;

use jiff::Timestamp;
use jiff::civil::DateTime;

use super::*;

fn instant(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn zone(name: &str) -> Zone {
    super::zone::by_name(name).unwrap()
}

fn local(text: &str) -> DateTime {
    text.parse().unwrap()
}

/// An event from a start to an end, by name of its start.
fn event(start: &str, end: &str) -> StructuredEvent {
    StructuredEvent {
        name: start.to_owned(),
        start: start.to_owned(),
        end: Some(end.to_owned()),
        ..StructuredEvent::default()
    }
}

fn recurring(start: &str, end: &str, rule: &str) -> StructuredEvent {
    StructuredEvent {
        recurrence: Some(rule.to_owned()),
        ..event(start, end)
    }
}

fn compiled(default_state: State, zone: &str, events: &[StructuredEvent]) -> (Calendar, Vec<Warning>) {
    let series = read_events("spec.events", events, Some(zone)).unwrap();
    Calendar::compile(default_state, &series).unwrap()
}

fn calendar(default_state: State, zone: &str, events: &[StructuredEvent]) -> Calendar {
    compiled(default_state, zone, events).0
}

/// Why events are refused, by reading or by compiling them.
fn refusal(zone: Option<&str>, events: &[StructuredEvent]) -> CalendarError {
    read_events("spec.events", events, zone)
        .and_then(|series| Calendar::compile(State::Open, &series))
        .unwrap_err()
}

/// From when to when the events last that have a part in a window, as `2026-01-01T00:00:00Z/2026-01-02T00:00:00Z`.
fn lasting(calendar: &Calendar, from: &str, to: &str) -> Vec<String> {
    let spans = calendar.spans(instant(from), instant(to)).unwrap();
    let events = spans.iter().filter(|span| span.event.is_some());
    events.map(|span| format!("{}/{}", span.from, span.to)).collect()
}
