//! The times of an event: what its properties say, and which clock they are read on.

use jiff::{SignedDuration, Timestamp, ToSpan};

use super::components::Component;
use super::lines::ContentLine;
use super::values::{self, Moment};
use super::vtimezone::Zones;
use crate::calendar::{CalendarError, End, Exception, Extra, Start, Zone};

/// The clocks of a calendar.
pub(super) struct Clocks {
    /// The zones that a TZID may name.
    pub zones: Zones,
    /// The calendar's own zone, for an event that begins with a day, or at a local time without a TZID.
    pub calendar: Option<Zone>,
}

impl Clocks {
    /// When an event begins.
    pub fn start(&self, event: &Component) -> Result<(Start, Zone), CalendarError> {
        let line = event.required("DTSTART")?;
        self.time(line, &line.value, self.calendar.as_ref())
    }

    /// When an event ends that begins at `start`. A day without an end is over with that day.
    pub fn end(&self, event: &Component, start: Start, zone: &Zone) -> Result<End, CalendarError> {
        match (event.get("DTEND"), event.get("DURATION"), start) {
            (Some(_), Some(line), _) => Err(line.invalid("stands beside a DTEND; leave one of the two")),
            (Some(line), None, _) => wall(line, start, self.time(line, &line.value, Some(zone))?),
            (None, Some(line), _) => lasting(line, &line.value, start),
            (None, None, Start::On(day)) => match day.tomorrow() {
                Ok(next) => Ok(End::AllDay(next)),
                Err(_) => Err(event.required("DTSTART")?.invalid("has no day after it")),
            },
            (None, None, Start::At(_)) => Err(CalendarError::missing(
                event.field(),
                "begins at a time and has no end; add DTEND or DURATION",
            )),
        }
    }

    /// The occurrence that an override replaces. `floating` is the clock of its series.
    pub fn original(
        &self,
        line: &ContentLine,
        floating: Option<&Zone>,
    ) -> Result<(Start, Zone), CalendarError> {
        if line.parameter("RANGE")?.is_some() {
            return Err(line.invalid(
                "has a RANGE, about which calendars disagree; end the series before it, and begin another there",
            ));
        }
        self.time(line, &line.value, floating)
    }

    /// The occurrences that do not take place. A local time is read on the clock of the event.
    pub fn exceptions(&self, event: &Component, zone: &Zone) -> Result<Vec<Exception>, CalendarError> {
        let mut exceptions = Vec::new();
        for (line, text) in event.items("EXDATE") {
            exceptions.push(match self.time(line, text, Some(zone))? {
                (Start::On(day), _) => Exception::On(day),
                (start @ Start::At(_), zone) => Exception::At(instant(line, start, &zone)?),
            });
        }
        Ok(exceptions)
    }

    /// The occurrences beside those of the rule.
    pub fn extras(&self, event: &Component, start: Start, zone: &Zone) -> Result<Vec<Extra>, CalendarError> {
        event
            .items("RDATE")
            .map(|(line, text)| self.extra(line, text, start, zone))
            .collect()
    }

    fn extra(
        &self,
        line: &ContentLine,
        text: &str,
        event: Start,
        zone: &Zone,
    ) -> Result<Extra, CalendarError> {
        let Some((begin, end)) = text.split_once('/') else {
            let (start, zone) = self.time(line, text, Some(zone))?;
            if !alike(start, event) {
                return Err(
                    line.invalid("must be dates where DTSTART is a date, and times where it is a time")
                );
            }
            let end = None;
            return Ok(Extra { start, zone, end });
        };
        must_be(line, "PERIOD")?;
        let (start, zone) = self.read(line, begin, Some(zone))?;
        if matches!(start, Start::On(_)) {
            return Err(line.invalid("begins a period with a date; write times, as 20260105T220000/PT8H"));
        }
        let end = Some(if end.contains('P') {
            lasting(line, end, start)?
        } else {
            wall(line, start, self.read(line, end, Some(&zone))?)?
        });
        Ok(Extra { start, zone, end })
    }

    /// As [`Self::read`], where VALUE says the same, if anything.
    fn time(
        &self,
        line: &ContentLine,
        text: &str,
        floating: Option<&Zone>,
    ) -> Result<(Start, Zone), CalendarError> {
        let (start, zone) = self.read(line, text, floating)?;
        must_be(
            line,
            if matches!(start, Start::On(_)) {
                "DATE"
            } else {
                "DATE-TIME"
            },
        )?;
        Ok((start, zone))
    }

    /// The time `text` on `line`, and the clock that it is read on: that of its TZID, UTC, or `floating`.
    fn read(
        &self,
        line: &ContentLine,
        text: &str,
        floating: Option<&Zone>,
    ) -> Result<(Start, Zone), CalendarError> {
        let invalid = |advice: &str| CalendarError::invalid(line.field(), text, advice);
        let start = match (values::moment(text), line.parameter("TZID")?) {
            (Some(Moment::Local(time)), Some(id)) => {
                return Ok((Start::At(time), self.zones.find(line, id)?));
            }
            (Some(Moment::Utc(time)), None) => return Ok((Start::At(time), Zone::utc())),
            (Some(Moment::Local(time)), None) => Start::At(time),
            (Some(Moment::Day(day)), None) => Start::On(day),
            (Some(Moment::Utc(_)), Some(_)) => {
                return Err(invalid(
                    "ends with Z and has a TZID, which are two zones; leave one of them out",
                ));
            }
            (Some(Moment::Day(_)), Some(_)) => {
                return Err(invalid(
                    "is a date and has a TZID, which others ignore; leave it out, and set spec.timeZone or X-WR-TIMEZONE",
                ));
            }
            (None, _) => {
                return Err(invalid(
                    "is no date or time; write 20260105, 20260105T220000 or 20260105T220000Z",
                ));
            }
        };
        let zone = floating.ok_or_else(|| {
            CalendarError::missing(
                line.field(),
                "names no time zone, and neither does the calendar; set spec.timeZone, X-WR-TIMEZONE or a TZID",
            )
        })?;
        Ok((start, zone.clone()))
    }
}

/// Refuses a VALUE that says something else than what follows.
fn must_be(line: &ContentLine, kind: &str) -> Result<(), CalendarError> {
    match line.parameter("VALUE")? {
        Some(found) if !found.eq_ignore_ascii_case(kind) => Err(CalendarError::invalid(
            line.field(),
            found,
            format!("is not the VALUE of what follows; write VALUE={kind}, or correct what follows"),
        )),
        _ => Ok(()),
    }
}

/// The end of something that begins at `start`.
fn wall(line: &ContentLine, start: Start, end: (Start, Zone)) -> Result<End, CalendarError> {
    match (start, end) {
        (Start::At(_), (Start::At(end), zone)) => Ok(End::Wall(end, zone)),
        (Start::On(_), (Start::On(end), _)) => Ok(End::AllDay(end)),
        _ => Err(line.invalid("must be a date where the start is a date, and a time where it is a time")),
    }
}

/// The instant of a start on `line`.
pub(super) fn instant(line: &ContentLine, start: Start, zone: &Zone) -> Result<Timestamp, CalendarError> {
    start
        .instant(zone)
        .ok_or_else(|| line.invalid("lies beyond the years 0 to 9999"))
}

/// Whether both are times, or both are days.
fn alike(one: Start, other: Start) -> bool {
    matches!(
        (one, other),
        (Start::At(_), Start::At(_)) | (Start::On(_), Start::On(_))
    )
}

/// The end that the DURATION `text` gives. Days are 24 hours where the start is a time, as in `duration` of an event
/// in the spec.
fn lasting(line: &ContentLine, text: &str, start: Start) -> Result<End, CalendarError> {
    let length =
        values::duration(text).ok_or_else(|| line.invalid("is no duration; write PT8H, P1DT12H or P2W"))?;
    if length.negative || (length.days == 0 && length.seconds.unwrap_or(0) == 0) {
        return Err(line.invalid("leaves nothing of the event; write a duration above zero"));
    }
    match (start, length.seconds) {
        (Start::At(_), seconds) => Ok(End::Exact(SignedDuration::from_secs(
            length.days * 24 * 60 * 60 + seconds.unwrap_or(0),
        ))),
        (Start::On(day), None) => match day.checked_add(length.days.days()) {
            Ok(end) => Ok(End::AllDay(end)),
            Err(_) => Err(line.invalid("lasts beyond the year 9999")),
        },
        (Start::On(_), Some(_)) => Err(line.invalid("must be whole days where DTSTART is a date; write P1D")),
    }
}
