//! Lines into components: what lies in what, and which properties count.
//!
//! An explicit stack of at most three, so that no text can exhaust the program's own. What says nothing about when
//! things happen (alarms, to-dos, attendees) is dropped here; a name that nobody knows is refused, because it may be
//! a misspelt one that does.

use super::lines::{ContentLine, Lines};
use crate::calendar::CalendarError;
use crate::calendar::budget::{MAX_DATES, MAX_EVENTS};

/// The deepest nesting: a calendar, an event in it, an alarm in that.
const MAX_NESTING: usize = 3;
/// The most zone definitions in a calendar, and the most changes of offset that they describe together.
const MAX_ZONES: usize = 100;
const MAX_OBSERVANCES: usize = 1000;

/// The properties of a component that count, in the order of the text.
#[derive(Debug)]
pub(super) struct Component {
    /// Its name, in capitals.
    pub name: String,
    /// The line of its BEGIN.
    pub line: usize,
    properties: Vec<ContentLine>,
}

impl Component {
    /// Where it stands, as messages name it.
    pub fn field(&self) -> String {
        format!("line {}: {}", self.line, self.name)
    }

    /// The property of this name, without which its component says nothing.
    pub fn required(&self, name: &str) -> Result<&ContentLine, CalendarError> {
        self.get(name).ok_or_else(|| {
            CalendarError::missing(
                self.field(),
                format!("has no {name}; add it, or leave the {} out", self.name),
            )
        })
    }

    /// The property of this name; the first, where [`Kind::admits`] more than one.
    pub fn get(&self, name: &str) -> Option<&ContentLine> {
        self.properties.iter().find(|line| line.name == name)
    }

    /// What all lists of this name hold, in the order of the text.
    pub fn items(&self, name: &str) -> impl Iterator<Item = (&ContentLine, &str)> {
        self.properties
            .iter()
            .filter(move |line| line.name == name)
            .flat_map(|line| line.value.split(',').map(move |item| (line, item)))
    }
}

/// A VTIMEZONE: what a calendar says about a zone.
#[derive(Debug)]
pub(super) struct Definition {
    /// Its own properties.
    pub component: Component,
    /// Its STANDARD and DAYLIGHT parts alike: what they say is all in their properties.
    pub observances: Vec<Component>,
}

/// A whole calendar.
#[derive(Debug)]
pub(super) struct Document {
    /// The properties of the VCALENDAR itself.
    pub calendar: Component,
    /// Its events.
    pub events: Vec<Component>,
    /// Its zones.
    pub zones: Vec<Definition>,
}

/// Reads the one calendar that `text` holds.
pub(super) fn read(text: &[u8]) -> Result<Document, CalendarError> {
    let mut reader = Reader::default();
    let mut last = 1;
    for line in Lines::new(text) {
        let line = line?;
        last = line.number;
        match line.name.as_str() {
            "BEGIN" => reader.begin(&line)?,
            "END" => reader.end(&line)?,
            _ => reader.property(line)?,
        }
    }
    reader.finish(last)
}

/// What a component is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Calendar,
    Event,
    Zone,
    Observance,
    /// Says nothing about when things happen; only its balance is checked.
    Skipped,
}

impl Kind {
    /// What a component of this name is inside of `parent`; none where it has no place.
    fn of(name: &str, parent: Option<Self>) -> Option<Self> {
        match (parent, name) {
            (None, "VCALENDAR") => Some(Self::Calendar),
            (Some(Self::Calendar), "VEVENT") => Some(Self::Event),
            (Some(Self::Calendar), "VTIMEZONE") => Some(Self::Zone),
            (Some(Self::Zone), "STANDARD" | "DAYLIGHT") => Some(Self::Observance),
            (Some(Self::Calendar), "VTODO" | "VJOURNAL" | "VFREEBUSY" | "VAVAILABILITY")
            | (
                Some(Self::Event | Self::Skipped),
                "VALARM" | "AVAILABLE" | "PARTICIPANT" | "VLOCATION" | "VRESOURCE",
            ) => Some(Self::Skipped),
            (Some(_), _) if name.starts_with("X-") => Some(Self::Skipped),
            _ => None,
        }
    }

    /// The properties that count in it and may stand once, and those that may stand more often.
    fn admits(self) -> (&'static str, &'static str) {
        match self {
            Self::Calendar => (
                "VERSION CALSCALE X-CALENDAR-TYPE X-WR-TIMEZONE X-WR-CALNAME X-WR-CALDESC",
                "",
            ),
            Self::Event => (
                "UID DTSTART DTEND DURATION RRULE RECURRENCE-ID SEQUENCE STATUS SUMMARY X-EVENT-TYPE",
                "EXDATE RDATE",
            ),
            Self::Zone => ("TZID X-LIC-LOCATION", ""),
            Self::Observance => ("DTSTART TZOFFSETFROM TZOFFSETTO RRULE", "RDATE"),
            Self::Skipped => ("", ""),
        }
    }
}

/// Properties of RFC 5545, 7808, 7986, 9073 and 9253 that say nothing about when things happen.
const IMMATERIAL: &str = "ATTACH ATTENDEE CALENDAR-ADDRESS CATEGORIES CLASS COLOR COMMENT CONCEPT CONFERENCE CONTACT \
    CREATED DESCRIPTION DTSTAMP GEO IMAGE LAST-MODIFIED LINK LOCATION METHOD NAME ORGANIZER PRIORITY PRODID REFID \
    REFRESH-INTERVAL RELATED-TO REQUEST-STATUS RESOURCES SOURCE STRUCTURED-DATA STYLED-DESCRIPTION TRANSP \
    TZID-ALIAS-OF TZNAME TZUNTIL TZURL UID URL";

/// Whether `list`, names between spaces, holds `name`.
fn lists(list: &str, name: &str) -> bool {
    list.split_ascii_whitespace().any(|other| other == name)
}

/// A component whose END has not come yet.
struct Open {
    kind: Kind,
    component: Component,
    observances: Vec<Component>,
}

#[derive(Default)]
struct Reader {
    stack: Vec<Open>,
    calendar: Option<Component>,
    events: Vec<Component>,
    zones: Vec<Definition>,
    /// How much of each was begun, to refuse in time what is too much.
    begun: Begun,
}

#[derive(Default)]
struct Begun {
    events: usize,
    zones: usize,
    observances: usize,
    dates: usize,
}

impl Reader {
    fn begin(&mut self, line: &ContentLine) -> Result<(), CalendarError> {
        let name = line.value.to_ascii_uppercase();
        let parent = self.stack.last();
        if parent.is_none() && self.calendar.is_some() {
            return Err(line.invalid("begins a second calendar; give each its own text"));
        }
        if self.stack.len() == MAX_NESTING {
            return Err(line.invalid(format!(
                "lies deeper than {MAX_NESTING} components; nothing does in a calendar"
            )));
        }
        let kind = Kind::of(&name, parent.map(|open| open.kind)).ok_or_else(|| {
            line.invalid(match parent {
                Some(open) => format!(
                    "has no place in the {} of line {}",
                    open.component.name, open.component.line
                ),
                None => "is no calendar; begin with BEGIN:VCALENDAR".to_owned(),
            })
        })?;
        self.begun.count(kind, line)?;
        self.stack.push(Open {
            kind,
            component: Component {
                name,
                line: line.number,
                properties: Vec::new(),
            },
            observances: Vec::new(),
        });
        Ok(())
    }

    fn end(&mut self, line: &ContentLine) -> Result<(), CalendarError> {
        let open = self
            .stack
            .pop()
            .ok_or_else(|| line.invalid("ends what has not begun"))?;
        if !open.component.name.eq_ignore_ascii_case(&line.value) {
            let (name, begin) = (open.component.name, open.component.line);
            return Err(line.invalid(format!(
                "ends the wrong component; the {name} of line {begin} is still open"
            )));
        }
        match open.kind {
            Kind::Calendar => self.calendar = Some(open.component),
            Kind::Event => self.events.push(open.component),
            Kind::Zone => self.zones.push(Definition {
                component: open.component,
                observances: open.observances,
            }),
            Kind::Observance => {
                if let Some(zone) = self.stack.last_mut() {
                    zone.observances.push(open.component);
                }
            }
            Kind::Skipped => {}
        }
        Ok(())
    }

    fn property(&mut self, line: ContentLine) -> Result<(), CalendarError> {
        let Some(open) = self.stack.last_mut() else {
            return Err(line.invalid("stands outside of the calendar; begin with BEGIN:VCALENDAR"));
        };
        let (once, often) = open.kind.admits();
        if lists(once, &line.name) {
            if let Some(first) = open.component.get(&line.name) {
                let first = first.number;
                return Err(line.invalid(format!(
                    "is the second of its name, after line {first}; leave one"
                )));
            }
        } else if lists(often, &line.name) {
            self.begun.dates += line.value.split(',').count();
            if self.begun.dates > MAX_DATES {
                return Err(CalendarError::too_many(
                    line.field(),
                    format!(
                        "the calendar has more than {MAX_DATES} EXDATE and RDATE dates; write a rule, or split it"
                    ),
                ));
            }
        } else if open.kind == Kind::Skipped || line.name.starts_with("X-") || lists(IMMATERIAL, &line.name) {
            return Ok(());
        } else {
            return Err(line.invalid(if line.name == "EXRULE" {
                "is obsolete, and calendars disagree about it; write EXDATE, or a rule that needs no exceptions"
            } else {
                "belongs to a property that is unknown there; correct its name, or leave it out"
            }));
        }
        open.component.properties.push(line);
        Ok(())
    }

    fn finish(self, last: usize) -> Result<Document, CalendarError> {
        if let Some(open) = self.stack.last() {
            return Err(CalendarError::missing(
                format!("line {last}"),
                format!(
                    "the text ends, but the {0} of line {1} does not; add END:{0}",
                    open.component.name, open.component.line
                ),
            ));
        }
        let calendar = self.calendar.ok_or_else(|| {
            CalendarError::missing(
                "line 1",
                "there is no calendar; begin with BEGIN:VCALENDAR and end with END:VCALENDAR",
            )
        })?;
        Ok(Document {
            calendar,
            events: self.events,
            zones: self.zones,
        })
    }
}

impl Begun {
    /// Counts one more component, before anything of it is kept.
    fn count(&mut self, kind: Kind, line: &ContentLine) -> Result<(), CalendarError> {
        let (count, most, what) = match kind {
            Kind::Event => (&mut self.events, MAX_EVENTS, "events"),
            Kind::Zone => (&mut self.zones, MAX_ZONES, "time zones"),
            Kind::Observance => (
                &mut self.observances,
                MAX_OBSERVANCES,
                "STANDARD and DAYLIGHT parts of time zones",
            ),
            Kind::Calendar | Kind::Skipped => return Ok(()),
        };
        *count += 1;
        if *count > most {
            let advice = format!("the calendar has more than {most} {what}; leave out old ones, or split it");
            return Err(CalendarError::too_many(line.field(), advice));
        }
        Ok(())
    }
}
