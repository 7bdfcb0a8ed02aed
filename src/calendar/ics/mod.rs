//! iCalendar text (RFC 5545) into series. Pure, strict and iterative.
//!
//! In: the text of one calendar, as AWS Change Calendar keeps it or as Google, Outlook and iCloud export it; and what
//! stands beside it in the object that holds it. Out: the same [`Series`] that structured events compile to, the
//! calendar's own words, and warnings; or a [`CalendarError`] that names the line.
//!
//! A calendar decides when nothing may change, so what can be read in two ways is refused, and so is what is
//! misspelt. What says nothing about when things happen is passed over. That an event is free or transparent (TRANSP)
//! is passed over as well: Google marks all events of whole days so.
//!
//! Every bound is checked before what it bounds is kept, so that no text costs more than to look at it once.

mod components;
mod event;
mod lines;
#[cfg(test)]
mod tests;
mod times;
mod values;
mod vtimezone;

use components::Component;
use times::Clocks;
use vtimezone::Zones;

use super::{CalendarError, Series, State, Warning, Zone, zone};

/// The longest text, in octets: that of a document of AWS Systems Manager.
pub const MAX_TEXT: usize = 64 * 1024;

/// What a text says.
#[derive(Clone, Debug)]
pub struct Contents {
    /// Its events. What is cancelled or advisory is none of them.
    pub series: Vec<Series>,
    /// Whether it is open outside of them (X-CALENDAR-TYPE).
    pub default_state: Option<State>,
    /// The zone in which its dates and local times without a TZID are read.
    pub zone: Option<Zone>,
    /// X-WR-CALNAME.
    pub name: Option<String>,
    /// X-WR-CALDESC.
    pub description: Option<String>,
    /// What was read in one way, and might have been meant in another.
    pub warnings: Vec<Warning>,
}

/// Reads a calendar. `time_zone` and `default_state` are what the object says that holds it, if it does: its zone
/// counts before X-WR-TIMEZONE, and its state must agree with X-CALENDAR-TYPE.
pub fn read(
    text: &[u8],
    time_zone: Option<&str>,
    default_state: Option<State>,
) -> Result<Contents, CalendarError> {
    if text.len() > MAX_TEXT {
        let advice = format!(
            "is {} octets long, and may be {MAX_TEXT}; leave out old events, or split it",
            text.len()
        );
        return Err(CalendarError::too_many("text", advice));
    }
    read_whole(text, time_zone, default_state)
}

/// Reads a calendar of any length.
fn read_whole(
    text: &[u8],
    time_zone: Option<&str>,
    default_state: Option<State>,
) -> Result<Contents, CalendarError> {
    let document = components::read(text)?;
    let calendar = &document.calendar;
    only(calendar, "VERSION", "2.0")?;
    only(calendar, "CALSCALE", "GREGORIAN")?;
    let (zones, mut warnings) = Zones::read(&document.zones)?;
    let zone = match (time_zone, calendar.get("X-WR-TIMEZONE")) {
        (Some(name), _) => {
            Some(zone::by_name(name).ok_or_else(|| CalendarError::unknown_zone("spec.timeZone", name))?)
        }
        (None, Some(line)) => Some(zones.find(line, &values::text(&line.value))?),
        (None, None) => None,
    };
    let clocks = Clocks {
        zones,
        calendar: zone,
    };
    let (series, found) = event::compile(&document.events, &clocks)?;
    warnings.extend(found);
    let words = |name| calendar.get(name).map(|line| values::text(&line.value));
    Ok(Contents {
        series,
        default_state: agreed(calendar, default_state)?,
        zone: clocks.calendar,
        name: words("X-WR-CALNAME"),
        description: words("X-WR-CALDESC"),
        warnings,
    })
}

/// Refuses a property that says anything else than the one value we can read.
fn only(calendar: &Component, name: &str, value: &str) -> Result<(), CalendarError> {
    match calendar.get(name) {
        Some(line) if !line.value.eq_ignore_ascii_case(value) => {
            Err(line.invalid(format!("cannot be read; only {value} can")))
        }
        _ => Ok(()),
    }
}

/// The state on which the text and the object that holds it agree.
fn agreed(calendar: &Component, declared: Option<State>) -> Result<Option<State>, CalendarError> {
    let Some(line) = calendar.get("X-CALENDAR-TYPE") else {
        return Ok(declared);
    };
    let written = match line.value.to_ascii_uppercase().as_str() {
        "DEFAULT_OPEN" => State::Open,
        "DEFAULT_CLOSED" => State::Closed,
        _ => return Err(line.invalid("is no type of calendar; write DEFAULT_OPEN or DEFAULT_CLOSED")),
    };
    match declared {
        Some(declared) if declared != written => Err(line.invalid(format!(
            "contradicts defaultState: {declared:?}; it turns every event round, so make them agree"
        ))),
        _ => Ok(Some(written)),
    }
}
