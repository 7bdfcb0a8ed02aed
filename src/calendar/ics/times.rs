//! The times of an event: what its properties say, and which clock they are read on.

use jiff::{SignedDuration, ToSpan};

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
            (Some(line), None, _) => self.until(line, &line.value, start, zone),
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
        let (start, zone) = self.time(line, begin, Some(zone))?;
        if matches!(start, Start::On(_)) {
            return Err(line.invalid("begins a period with a date; write times, as 20260105T220000/PT8H"));
        }
        let end = Some(if end.contains(['P', 'p']) {
            lasting(line, end, start)?
        } else {
            self.until(line, end, start, &zone)?
        });
        Ok(Extra { start, zone, end })
    }

    /// The end `text` of something that begins at `start`.
    fn until(&self, line: &ContentLine, text: &str, start: Start, zone: &Zone) -> Result<End, CalendarError> {
        match (start, self.time(line, text, Some(zone))?) {
            (Start::At(_), (Start::At(end), zone)) => Ok(End::Wall(end, zone)),
            (Start::On(_), (Start::On(end), _)) => Ok(End::AllDay(end)),
            _ => Err(line.invalid("must be a date where the start is a date, and a time where it is a time")),
        }
    }

    /// The time `text` on `line`, and the clock that it is read on: that of its TZID, UTC, or `floating`.
    fn time(
        &self,
        line: &ContentLine,
        text: &str,
        floating: Option<&Zone>,
    ) -> Result<(Start, Zone), CalendarError> {
        let moment = values::moment(text).ok_or_else(|| {
            line.invalid("is no date or time; write 20260105, 20260105T220000 or 20260105T220000Z")
        })?;
        let fits = match (
            line.parameter("VALUE")?.map(str::to_ascii_uppercase).as_deref(),
            moment,
        ) {
            (None, _) | (Some("DATE"), Moment::Day(_)) => true,
            (Some("DATE-TIME" | "PERIOD"), moment) => !matches!(moment, Moment::Day(_)),
            _ => false,
        };
        if !fits {
            return Err(
                line.invalid("is not what its VALUE says; write VALUE=DATE for dates, and none for times")
            );
        }
        let id = line.parameter("TZID")?;
        match (moment, id) {
            (Moment::Local(time), Some(id)) => Ok((Start::At(time), self.zones.find(line, id)?)),
            (Moment::Utc(time), None) => Ok((Start::At(time), Zone::utc())),
            (Moment::Utc(_), Some(_)) => {
                Err(line.invalid("ends with Z and has a TZID, which are two zones; leave one of them out"))
            }
            (Moment::Day(_), Some(_)) => Err(line.invalid(
                "is a date and has a TZID, which calendars ignore; leave it out, and set spec.timeZone or X-WR-TIMEZONE",
            )),
            (Moment::Local(_) | Moment::Day(_), None) => {
                let zone = floating.ok_or_else(|| {
                    CalendarError::missing(
                        line.field(),
                        "names no time zone, and neither does the calendar; set spec.timeZone, X-WR-TIMEZONE or a TZID",
                    )
                })?;
                let start = match moment {
                    Moment::Day(day) => Start::On(day),
                    Moment::Local(time) | Moment::Utc(time) => Start::At(time),
                };
                Ok((start, zone.clone()))
            }
        }
    }
}

/// The instant of a start on `line`.
pub(super) fn instant(
    line: &ContentLine,
    start: Start,
    zone: &Zone,
) -> Result<jiff::Timestamp, CalendarError> {
    start
        .instant(zone)
        .ok_or_else(|| line.invalid("lies beyond the years 0 to 9999"))
}

/// Whether both are times, or both are days.
pub(super) fn alike(one: Start, other: Start) -> bool {
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
