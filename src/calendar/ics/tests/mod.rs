//! The reader by its words: what exports say, what is refused, what is tolerated, and what no text may do to it.

mod compiled;
mod exports;
mod hostile;
mod laws;
mod readings;
mod refusals;
mod zones;

use std::fmt::Write;

use super::Contents;
use crate::calendar::{CalendarError, End, Exception, Series, Start, Zone, zone};

/// A calendar in Berlin that holds `components`.
fn calendar(components: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//test//EN\nX-WR-TIMEZONE:Europe/Berlin\n{components}\nEND:VCALENDAR\n"
    )
}

/// A calendar with one event of these properties.
fn event(properties: &str) -> String {
    calendar(&format!("BEGIN:VEVENT\nUID:a\n{properties}\nEND:VEVENT"))
}

fn read(text: &str) -> Result<Contents, CalendarError> {
    super::read(text.as_bytes(), None, None)
}

fn refusal(text: &str) -> String {
    match read(text) {
        Ok(contents) => panic!("was read:\n{text}\n{contents:#?}"),
        Err(error) => error.to_string(),
    }
}

fn named(name: &str) -> Zone {
    zone::by_name(name).unwrap()
}

/// The events of a calendar, each on one line.
fn events(text: &str) -> Vec<String> {
    let contents = read(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    contents.series.iter().map(describe).collect()
}

/// An event on one line, without where it stands in the text.
fn describe(series: &Series) -> String {
    let mut text = format!(
        "{}: {}",
        series.name,
        times(series.start, &series.zone, Some(&series.end))
    );
    if series.rule.is_some() {
        text.push_str(" recurs");
    }
    for exception in &series.exceptions {
        match exception {
            Exception::At(instant) => write!(text, " but {instant}"),
            Exception::On(day) => write!(text, " but {day}"),
        }
        .unwrap();
    }
    for extra in &series.extras {
        write!(
            text,
            " and {}",
            times(extra.start, &extra.zone, extra.end.as_ref())
        )
        .unwrap();
    }
    for replacement in &series.replacements {
        write!(text, " for {}", replacement.original).unwrap();
        match &replacement.moved {
            Some(moved) => write!(text, " {}", times(moved.start, &moved.zone, Some(&moved.end))),
            None => write!(text, " nothing"),
        }
        .unwrap();
    }
    text
}

fn times(start: Start, zone: &Zone, end: Option<&End>) -> String {
    let start = match start {
        Start::At(time) => format!("{time} {}", zone.name),
        Start::On(day) => format!("{day} {}", zone.name),
    };
    match end {
        Some(End::Wall(time, other)) if other.name == zone.name => format!("{start} to {time}"),
        Some(End::Wall(time, other)) => format!("{start} to {time} {}", other.name),
        Some(End::Exact(length)) => format!("{start} for {length:#}"),
        Some(End::AllDay(day)) => format!("{start} to {day}"),
        None => start,
    }
}
