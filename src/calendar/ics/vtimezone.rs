//! VTIMEZONE: what a calendar says about its zones, for those that nobody else knows.
//!
//! The tz database counts wherever a name leads to it, because a definition is a copy of old rules. Only zones without
//! such a name ("Customized Time Zone", as Exchange writes) are made from their definition, and only where it says one
//! offset, or one change to and one change fro each year: that is what a POSIX TZ string can say, too.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};

use super::components::{Component, Definition};
use super::lines::ContentLine;
use super::values::{self, Moment};
use crate::calendar::{CalendarError, Warning, Zone, zone};

/// The zones that a calendar's times may name.
pub(super) struct Zones {
    /// Those that the calendar defines and that go by no known name; or why they cannot be used.
    defined: BTreeMap<String, Result<Zone, CalendarError>>,
}

impl Zones {
    /// Reads the definitions. One that is of no use is refused only where a time needs it.
    pub fn read(definitions: &[Definition]) -> Result<(Self, Vec<Warning>), CalendarError> {
        let mut defined = BTreeMap::new();
        let mut warnings = Vec::new();
        for definition in definitions {
            let id = definition.component.required("TZID")?;
            let name = values::text(&id.value);
            let (known, compiled) = (known(definition, &name), compile(definition));
            if let (Some(known), Ok(rules)) = (&known, &compiled)
                && ahead(rules) != ahead(&known.rules)
            {
                let message = format!("{name:?} is defined otherwise than in the tz database, which counts");
                warnings.push(Warning::about(definition.component.field(), message));
            }
            let compiled = compiled.map(|rules| Zone {
                name: name.as_str().into(),
                rules,
            });
            let usable = known.map_or(compiled, Ok);
            if defined.insert(name, usable).is_some() {
                return Err(id.invalid("is defined a second time; leave one of the two"));
            }
        }
        Ok((Self { defined }, warnings))
    }

    /// The zone of this name, which stands on `line`.
    pub fn find(&self, line: &ContentLine, name: &str) -> Result<Zone, CalendarError> {
        match (zone::by_name(name), self.defined.get(name)) {
            (Some(known), _) => Ok(known),
            (None, Some(defined)) => defined.clone(),
            (None, None) => Err(CalendarError::unknown_zone(line.field(), name)),
        }
    }
}

/// The zone that a definition goes by, where others know it.
fn known(definition: &Definition, name: &str) -> Option<Zone> {
    let location = || {
        let line = definition.component.get("X-LIC-LOCATION")?;
        zone::by_name(&values::text(&line.value))
    };
    zone::by_name(name).or_else(location)
}

/// One STANDARD or DAYLIGHT part.
struct Observance {
    /// When it begins for the first time, on the clock that goes by `from`.
    start: DateTime,
    from: Offset,
    to: Offset,
    recurrence: Recurrence,
}

/// When an observance begins again.
#[derive(PartialEq, Eq)]
enum Recurrence {
    Never,
    /// Each year, as `M3.5.0`: month, week of it (5 is the last), day of the week from Sunday.
    Yearly(String),
    /// In a way that a POSIX TZ string cannot say.
    Other,
}

/// The rules that a definition states.
fn compile(definition: &Definition) -> Result<TimeZone, CalendarError> {
    let observances: Vec<_> = definition
        .observances
        .iter()
        .map(observance)
        .collect::<Result<_, _>>()?;
    fixed(&observances)
        .or_else(|| yearly(&observances))
        .ok_or_else(|| {
            let component = &definition.component;
            CalendarError::invalid(
                component.field(),
                component.get("TZID").map_or("", |id| &id.value),
                "has a known name nowhere, and is more than one offset or two yearly changes between two; \
                 write an IANA name such as Europe/Berlin as TZID",
            )
        })
}

/// A zone whose offset never changes in the years that calendars are about.
fn fixed(observances: &[Observance]) -> Option<TimeZone> {
    let to = observances.first()?.to;
    let always = |part: &Observance| {
        let once = part.recurrence == Recurrence::Never && part.start.year() <= 1970;
        part.to == to && (part.from == to || once)
    };
    observances.iter().all(always).then(|| TimeZone::fixed(to))
}

/// A zone with two offsets that take turns each year.
fn yearly(observances: &[Observance]) -> Option<TimeZone> {
    let [one, other] = observances else { return None };
    let (winter, summer) = if one.to < other.to {
        (one, other)
    } else {
        (other, one)
    };
    let (Recurrence::Yearly(to_winter), Recurrence::Yearly(to_summer)) =
        (&winter.recurrence, &summer.recurrence)
    else {
        return None;
    };
    if winter.from != summer.to || summer.from != winter.to {
        return None;
    }
    TimeZone::posix(&format!(
        "STD{}DST{},{to_summer}/{},{to_winter}/{}",
        posix_offset(winter.to),
        posix_offset(summer.to),
        summer.start.time(),
        winter.start.time(),
    ))
    .ok()
}

/// An offset as POSIX writes it: positive to the west of Greenwich.
fn posix_offset(offset: Offset) -> String {
    let seconds = offset.seconds();
    let (sign, length) = (if seconds > 0 { '-' } else { '+' }, seconds.abs());
    format!(
        "{sign}{}:{:02}:{:02}",
        length / 3600,
        length / 60 % 60,
        length % 60
    )
}

fn observance(component: &Component) -> Result<Observance, CalendarError> {
    let offset = |name| {
        let line = component.required(name)?;
        values::offset(&line.value).ok_or_else(|| line.invalid("is no offset; write it as +0100 or -0330"))
    };
    let start = component.required("DTSTART")?;
    let Some(Moment::Local(first)) = values::moment(&start.value) else {
        return Err(start.invalid("is no local time; write it as 16010101T020000"));
    };
    Ok(Observance {
        start: first,
        from: offset("TZOFFSETFROM")?,
        to: offset("TZOFFSETTO")?,
        recurrence: match (component.get("RRULE"), component.get("RDATE")) {
            (None, None) => Recurrence::Never,
            (Some(rule), None) => posix_day(&rule.value).map_or(Recurrence::Other, Recurrence::Yearly),
            _ => Recurrence::Other,
        },
    })
}

/// A day that comes each year, as POSIX writes it, from the RRULE of an observance.
fn posix_day(rule: &str) -> Option<String> {
    let rule = rule.to_ascii_uppercase();
    let mut month = None;
    let mut day = None;
    for part in rule.split(';') {
        match part.split_once('=')? {
            ("FREQ", "YEARLY") | ("INTERVAL", "1") | ("WKST", _) => {}
            ("BYMONTH", text) => month = Some(text.parse::<u8>().ok()?),
            ("BYDAY", text) => day = Some(text),
            _ => return None,
        }
    }
    let (ordinal, weekday) = day?.split_at_checked(day?.len().checked_sub(2)?)?;
    let week = match ordinal.trim_start_matches('+') {
        "-1" => 5,
        ordinal => ordinal.parse::<u8>().ok().filter(|week| (1..=4).contains(week))?,
    };
    let weekday = ["SU", "MO", "TU", "WE", "TH", "FR", "SA"]
        .iter()
        .position(|name| *name == weekday)?;
    Some(format!("M{}.{week}.{weekday}", month?))
}

/// A year behind all single changes that the tz database foresees: from there on, a zone's rules repeat.
const FAR: (Timestamp, Timestamp) = (
    Timestamp::constant(5_680_281_600, 0),
    Timestamp::constant(5_711_817_600, 0),
);

/// The offsets of a zone by its present rules, and when they change: those of the year 2150.
fn ahead(rules: &TimeZone) -> Vec<(Timestamp, Offset)> {
    let (begin, end) = FAR;
    let mut changes = vec![(begin, rules.to_offset(begin))];
    for change in rules
        .following(begin)
        .take_while(|change| change.timestamp() < end)
    {
        if changes
            .last()
            .is_none_or(|(_, offset)| *offset != change.offset())
        {
            changes.push((change.timestamp(), change.offset()));
        }
    }
    changes
}
