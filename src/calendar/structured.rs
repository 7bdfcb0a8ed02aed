//! Events as they are written in a calendar's spec, one field a thing.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};

use super::error::CalendarError;
use super::rule::Rule;
use super::series::{End, Exception, Series, Start, Zone};
use super::zone;

/// One event, as it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StructuredEvent {
    /// For people.
    pub name: String,
    /// `2026-01-05T22:00:00` in the event's zone, with `Z` in UTC, or `2026-01-05` for whole days.
    pub start: String,
    /// As `start`; exclusive. Follows the clock on the wall.
    pub end: Option<String>,
    /// In place of `end`: `PT8H`, as exact time; where the start is a day, `P2D` or `P1W`, as days of the calendar.
    pub duration: Option<String>,
    /// What local times and days are read in; absent, it is the calendar's.
    pub time_zone: Option<String>,
    /// An RRULE.
    pub recurrence: Option<String>,
    /// Occurrences that do not take place: as `start`; a day stands for all that begin on it.
    pub except_dates: Vec<String>,
    /// For information only: no effect.
    pub advisory: bool,
}

/// Reads events, of which advisory ones are checked and then left out. `field` is where the list stands, such as
/// `spec.events`; `time_zone` is the calendar's.
pub fn read_events(
    field: &str,
    events: &[StructuredEvent],
    time_zone: Option<&str>,
) -> Result<Vec<Series>, CalendarError> {
    let calendar_zone = time_zone
        .map(|name| named_zone("spec.timeZone", name))
        .transpose()?;
    let mut series = Vec::with_capacity(events.len());
    for (index, event) in events.iter().enumerate() {
        let reader = Reader::new(format!("{field}[{index}]"), event, calendar_zone.as_ref())?;
        let one = reader.read()?;
        if !event.advisory {
            series.push(one);
        }
    }
    Ok(series)
}

fn named_zone(field: &str, name: &str) -> Result<Zone, CalendarError> {
    zone::by_name(name).ok_or_else(|| CalendarError::unknown_zone(field, name))
}

/// A time as it is written.
#[derive(Clone, Copy)]
enum Written {
    Local(DateTime),
    Instant(Timestamp),
    Day(Date),
}

struct Reader<'a> {
    field: String,
    event: &'a StructuredEvent,
    zone: Option<Zone>,
}

impl<'a> Reader<'a> {
    fn new(
        field: String,
        event: &'a StructuredEvent,
        calendar_zone: Option<&Zone>,
    ) -> Result<Self, CalendarError> {
        let own = event.time_zone.as_deref();
        let own = own
            .map(|name| named_zone(&format!("{field}.timeZone"), name))
            .transpose()?;
        Ok(Self {
            field,
            event,
            zone: own.or_else(|| calendar_zone.cloned()),
        })
    }

    fn read(&self) -> Result<Series, CalendarError> {
        let (start, zone) = self.start()?;
        let rule = self.event.recurrence.as_deref();
        let rule = rule
            .map(|text| Rule::parse(&self.below("recurrence"), text, start))
            .transpose()?;
        Ok(Series {
            name: self.event.name.as_str().into(),
            field: self.field.clone(),
            start,
            end: self.end(start)?,
            rule,
            exceptions: self.exceptions(&zone)?,
            extras: Vec::new(),
            replacements: Vec::new(),
            zone,
        })
    }

    fn start(&self) -> Result<(Start, Zone), CalendarError> {
        Ok(match written(&self.below("start"), &self.event.start)? {
            Written::Local(time) => (Start::At(time), self.zone("start")?),
            Written::Day(day) => (Start::On(day), self.zone("start")?),
            Written::Instant(instant) => (Start::At(TimeZone::UTC.to_datetime(instant)), Zone::utc()),
        })
    }

    fn end(&self, start: Start) -> Result<End, CalendarError> {
        match (&self.event.end, &self.event.duration) {
            (Some(end), None) => self.written_end(end),
            (None, Some(duration)) => self.duration(duration, start),
            (None, None) => match start {
                Start::On(day) => day.tomorrow().map(End::AllDay).map_err(|_| self.no_end()),
                Start::At(_) => Err(self.no_end()),
            },
            (Some(_), Some(duration)) => {
                let advice = "stands beside end; write one of them";
                Err(CalendarError::invalid(self.below("duration"), duration, advice))
            }
        }
    }

    fn no_end(&self) -> CalendarError {
        let advice = "is missing; write when the event ends, or its duration, such as PT8H";
        CalendarError::missing(self.below("end"), advice)
    }

    fn written_end(&self, text: &str) -> Result<End, CalendarError> {
        Ok(match written(&self.below("end"), text)? {
            Written::Local(time) => End::Wall(time, self.zone("end")?),
            Written::Instant(instant) => End::Wall(TimeZone::UTC.to_datetime(instant), Zone::utc()),
            Written::Day(day) => End::AllDay(day),
        })
    }

    fn duration(&self, text: &str, start: Start) -> Result<End, CalendarError> {
        let (end, advice) = match start {
            Start::At(_) => (
                exact(text).map(End::Exact),
                "is no duration; write hours, minutes and seconds such as PT8H or PT1H30M, or days of 24 hours such as \
                 P2D",
            ),
            Start::On(day) => (
                whole_days(text)
                    .and_then(|length| day.checked_add(length).ok())
                    .map(End::AllDay),
                "is no number of days, and the start is a day; write days or weeks such as P2D or P1W, or give the \
                 start a time",
            ),
        };
        end.ok_or_else(|| CalendarError::invalid(self.below("duration"), text, advice))
    }

    fn exceptions(&self, zone: &Zone) -> Result<Vec<Exception>, CalendarError> {
        let dates = self.event.except_dates.iter().enumerate();
        dates
            .map(|(index, text)| self.exception(index, text, zone))
            .collect()
    }

    /// A local time is read in the zone that the event's start is read in.
    fn exception(&self, index: usize, text: &str, zone: &Zone) -> Result<Exception, CalendarError> {
        let field = self.below(&format!("exceptDates[{index}]"));
        match written(&field, text)? {
            Written::Instant(instant) => Ok(Exception::At(instant)),
            Written::Day(day) => Ok(Exception::On(day)),
            Written::Local(time) => Start::At(time)
                .instant(zone)
                .map(Exception::At)
                .ok_or_else(|| CalendarError::invalid(field, text, "is beyond the years that are told")),
        }
    }

    /// What the local time or day of a field is read in.
    fn zone(&self, field: &str) -> Result<Zone, CalendarError> {
        self.zone.clone().ok_or_else(|| {
            let advice = format!(
                "is missing, and {} is local; set it, or the event's timeZone, to an IANA name such as Europe/Berlin, or \
                 write the time with Z",
                self.below(field)
            );
            CalendarError::missing("spec.timeZone", advice)
        })
    }

    fn below(&self, field: &str) -> String {
        format!("{}.{field}", self.field)
    }
}

fn in_utc(time: DateTime) -> Option<Written> {
    TimeZone::UTC.to_timestamp(time).ok().map(Written::Instant)
}

/// Reads a time. Offsets other than `Z` are refused: beside a zone they would say the same thing twice, and a
/// recurring event has no single offset.
fn written(field: &str, text: &str) -> Result<Written, CalendarError> {
    let local = text.strip_suffix(['Z', 'z']).unwrap_or(text);
    let is_utc = local.len() < text.len();
    let parsed = match local.len() {
        10 if !is_utc => local.parse().ok().map(Written::Day),
        16 | 19 if local.is_ascii() && local[10..].starts_with('T') => {
            let time: Option<DateTime> = local.parse().ok();
            time.and_then(|time| {
                if is_utc {
                    in_utc(time)
                } else {
                    Some(Written::Local(time))
                }
            })
        }
        _ => None,
    };
    parsed.ok_or_else(|| {
        let advice = "is no time; write 2026-01-05T22:00:00 in the event's time zone, 2026-01-05T22:00:00Z in UTC, or \
                      2026-01-05 for whole days";
        CalendarError::invalid(field, text, advice)
    })
}

/// A duration in ISO 8601 whose length does not depend on the calendar: a day is 24 hours.
fn exact(text: &str) -> Option<SignedDuration> {
    let span: Span = Some(text)
        .filter(|text| text.starts_with(['P', 'p']))?
        .parse()
        .ok()?;
    let of_calendar = span.get_years() != 0 || span.get_months() != 0;
    let length = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    (!of_calendar && length > SignedDuration::ZERO).then_some(length)
}

/// A duration of days or weeks alone.
fn whole_days(text: &str) -> Option<SignedDuration> {
    exact(text).filter(|_| !text.contains(['T', 't']))
}
