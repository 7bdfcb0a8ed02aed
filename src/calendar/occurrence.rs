//! From local times to instants: where the clocks skip an hour or show it twice, a reading is chosen here, and only
//! here.
//!
//! Starts follow RFC 5545, 3.3.5: a time that is skipped comes as much later as the clocks were put forward, one
//! that comes twice is the first. Ends follow the clock on the wall, as people mean "22:00 to 06:00"; the exact
//! duration that RFC 5545, 3.8.5.3 asks for holds only where the clock would end an event before it begins. An end
//! that comes twice is the one that keeps closed for longer.

use std::ops::Range;

use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, AmbiguousTimestamp, Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use super::State;
use super::budget::{MAX_EVENT_DAYS, START_YEARS};
use super::error::CalendarError;
use super::series::{End, Start, Zone};

/// Two clocks are never further apart: each is less than 26 hours from UTC.
const FARTHEST: SignedDuration = SignedDuration::from_hours(52);
/// What the clocks can add to an event, and how far they can shift a start.
pub(super) const DAY: SignedDuration = SignedDuration::from_hours(24);

impl Start {
    /// The local time of a start; a day starts at midnight, whether that exists or not.
    pub(super) fn local(self) -> DateTime {
        match self {
            Self::At(time) => time,
            Self::On(day) => day.at(0, 0, 0, 0),
        }
    }

    /// The instant of a start: a time that the clocks skip is as much later as they were put forward, one that
    /// they show twice is the first, and a day begins with the first instant of it that exists.
    /// None beyond the years that can be told.
    pub fn instant(self, zone: &Zone) -> Option<Timestamp> {
        match self {
            Self::At(time) => zone.rules.to_ambiguous_timestamp(time).compatible().ok(),
            Self::On(day) => first_instant(day, &zone.rules),
        }
    }
}

/// The first instant of a day that exists. Where the clocks skip midnight, it is the one to which they were put.
fn first_instant(day: Date, rules: &TimeZone) -> Option<Timestamp> {
    let midnight = rules.to_ambiguous_timestamp(day.at(0, 0, 0, 0));
    match midnight.offset() {
        AmbiguousOffset::Gap { .. } => {
            let before = midnight.earlier().ok()?;
            rules.following(before).next().map(|change| change.timestamp())
        }
        _ => midnight.compatible().ok(),
    }
}

/// When an event takes place: its first occurrence, from which the others follow.
#[derive(Clone, Debug)]
pub(super) struct Times {
    start: Start,
    zone: Zone,
    end: End,
    /// How long it lasts where the clocks do nothing: more than nothing, and at most [`MAX_EVENT_DAYS`].
    length: SignedDuration,
}

impl Times {
    /// Checks a start and its end: in their years, of the same kind, in order, and not too far apart.
    pub(super) fn new(field: &str, start: Start, zone: &Zone, end: &End) -> Result<Self, CalendarError> {
        check_year(field, start)?;
        let refuse = |advice: String| Err(CalendarError::invalid(field, &written(end), advice));
        let Some(length) = length(start, zone, end) else {
            return refuse(
                "and the start are of two kinds; write both with a time, or both as days".to_owned(),
            );
        };
        if length <= SignedDuration::ZERO {
            return refuse(format!(
                "leaves nothing after the start {}; the end is exclusive, and comes later",
                start.local()
            ));
        }
        if length > DAY * MAX_EVENT_DAYS {
            return refuse(format!(
                "makes the event longer than {MAX_EVENT_DAYS} days; split it"
            ));
        }
        Ok(Self {
            start,
            zone: zone.clone(),
            end: end.clone(),
            length,
        })
    }

    pub(super) fn start(&self) -> Start {
        self.start
    }

    pub(super) fn zone(&self) -> &Zone {
        &self.zone
    }

    /// No occurrence lasts longer: the clocks add a day at most.
    pub(super) fn longest(&self) -> SignedDuration {
        self.length + DAY
    }

    /// The clocks that tell its occurrences.
    pub(super) fn clocks(&self) -> Clocks<'_> {
        let end_zone = match &self.end {
            End::Wall(_, zone) => zone,
            End::Exact(_) | End::AllDay(_) => &self.zone,
        };
        Clocks {
            times: self,
            begin: Clock::new(&self.zone.rules),
            end: Clock::new(&end_zone.rules),
        }
    }
}

/// When the occurrences of an event begin and end.
pub(super) struct Clocks<'a> {
    times: &'a Times,
    begin: Clock<'a>,
    end: Clock<'a>,
}

impl Clocks<'_> {
    /// When the occurrence begins whose start reads `local`.
    pub(super) fn begin(&mut self, local: DateTime) -> Option<Timestamp> {
        match self.times.start {
            Start::At(_) => self.begin.first(local),
            Start::On(_) => self.begin.day(local.date()),
        }
    }

    /// When the occurrence ends whose start reads `local`, which is the instant `begin`. `during` is the state
    /// while it lasts. The end may be the begin itself where the whole day does not exist.
    pub(super) fn end(&mut self, local: DateTime, begin: Timestamp, during: State) -> Option<Timestamp> {
        let moved = local.duration_since(self.times.start.local());
        match &self.times.end {
            End::Exact(length) => begin.checked_add(*length).ok(),
            End::AllDay(day) => self.end.day(day.checked_add(moved).ok()?),
            End::Wall(end, _) => {
                let local = end.checked_add(moved).ok()?;
                let end = match during {
                    State::Closed => self.end.last(local)?,
                    State::Open => self.end.first(local)?,
                };
                if end > begin {
                    return Some(end);
                }
                begin.checked_add(self.times.length).ok()
            }
        }
    }
}

/// A zone's clock, which remembers between which two changes it was asked last: looking up the rules costs ten times
/// as much as the arithmetic that does in between.
struct Clock<'a> {
    rules: &'a TimeZone,
    /// While the clock is `offset` from UTC.
    steady: Range<Timestamp>,
    /// The part of that in which no local time can be another instant before or after it.
    sure: Range<Timestamp>,
    offset: Offset,
}

impl<'a> Clock<'a> {
    fn new(rules: &'a TimeZone) -> Self {
        Self {
            rules,
            steady: Timestamp::MIN..Timestamp::MIN,
            sure: Timestamp::MIN..Timestamp::MIN,
            offset: Offset::UTC,
        }
    }

    /// The instant of a local time; the first where it comes twice.
    fn first(&mut self, local: DateTime) -> Option<Timestamp> {
        self.read(local, |reading| reading.compatible().ok())
    }

    /// The instant of a local time; the last where it comes twice.
    fn last(&mut self, local: DateTime) -> Option<Timestamp> {
        self.read(local, |reading| reading.later().ok())
    }

    /// The first instant of a day that exists.
    fn day(&mut self, day: Date) -> Option<Timestamp> {
        let rules = self.rules;
        self.read(day.at(0, 0, 0, 0), |_| first_instant(day, rules))
    }

    /// The instant of a local time, by `choose` where a change of the clock is near.
    fn read(
        &mut self,
        local: DateTime,
        choose: impl Fn(AmbiguousTimestamp) -> Option<Timestamp>,
    ) -> Option<Timestamp> {
        if let Some(instant) = self.steady_instant(local) {
            return Some(instant);
        }
        let instant = choose(self.rules.to_ambiguous_timestamp(local))?;
        if !self.steady.contains(&instant) {
            self.remember(instant);
        }
        Some(instant)
    }

    /// The one instant that shows a local time, where no change of the clock is so near that another might.
    fn steady_instant(&self, local: DateTime) -> Option<Timestamp> {
        let instant = self.offset.to_timestamp(local).ok()?;
        self.sure.contains(&instant).then_some(instant)
    }

    fn remember(&mut self, instant: Timestamp) {
        let just_after = instant
            .checked_add(SignedDuration::from_nanos(1))
            .unwrap_or(instant);
        let last = self
            .rules
            .preceding(just_after)
            .next()
            .map(|change| change.timestamp());
        let next = self
            .rules
            .following(instant)
            .next()
            .map(|change| change.timestamp());
        self.steady = last.unwrap_or(Timestamp::MIN)..next.unwrap_or(Timestamp::MAX);
        self.sure = self.steady.start.checked_add(FARTHEST).unwrap_or(Timestamp::MAX)
            ..self.steady.end.checked_sub(FARTHEST).unwrap_or(Timestamp::MIN);
        self.offset = self.rules.to_offset(instant);
    }
}

/// Refuses starts in years for which calendars are not told.
pub(super) fn check_year(field: &str, start: Start) -> Result<(), CalendarError> {
    let local = start.local();
    if START_YEARS.contains(&local.year()) {
        return Ok(());
    }
    let (first, last) = (START_YEARS.start(), START_YEARS.end());
    let advice = format!("is too far off to start; write a year from {first} to {last}");
    Err(CalendarError::invalid(field, &local.to_string(), advice))
}

/// How long an event lasts as it is written. None where start and end are of two kinds.
fn length(start: Start, zone: &Zone, end: &End) -> Option<SignedDuration> {
    match (start, end) {
        (Start::At(_), End::AllDay(_)) | (Start::On(_), End::Wall(..)) => None,
        (_, End::Exact(length)) => Some(*length),
        (_, End::AllDay(day)) => Some(day.at(0, 0, 0, 0).duration_since(start.local())),
        (_, End::Wall(end, of)) if of.rules == zone.rules => Some(end.duration_since(start.local())),
        (_, End::Wall(end, of)) => Some(match (start.instant(zone), Start::At(*end).instant(of)) {
            (Some(start), Some(end)) => end.duration_since(start),
            _ => SignedDuration::ZERO,
        }),
    }
}

/// An end as it reads in messages.
fn written(end: &End) -> String {
    match end {
        End::Wall(time, _) => time.to_string(),
        End::Exact(length) => length.to_string(),
        End::AllDay(day) => day.to_string(),
    }
}
