//! One event, as both written forms (structured events and iCalendar text) compile to it.
//!
//! A series is always effective: readers leave out what is advisory or cancelled. Times are civil as they were
//! written, beside the zone that they are read in; [`super::occurrence`] turns them into instants.

use std::fmt;
use std::sync::Arc;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::rule::Rule;

/// One event with all of its occurrences.
#[derive(Clone, Debug)]
pub struct Series {
    /// For people: the event's name or SUMMARY.
    pub name: Arc<str>,
    /// Where it is written, for messages: `spec.events[3]`, or `line 12: VEVENT`.
    pub field: String,
    /// When the first occurrence begins. Where a rule does not yield it, it is no occurrence.
    pub start: Start,
    /// What the start is read in, and the days and hours of the rule.
    pub zone: Zone,
    /// When the first occurrence ends.
    pub end: End,
    /// How it recurs; absent, it occurs once.
    pub rule: Option<Rule>,
    /// Occurrences that do not take place (EXDATE).
    pub exceptions: Vec<Exception>,
    /// Occurrences beside those of the rule (RDATE).
    pub extras: Vec<Extra>,
    /// Occurrences that take place otherwise, or not at all (RECURRENCE-ID).
    pub replacements: Vec<Replacement>,
}

/// A time zone, and what it was called.
#[derive(Clone)]
pub struct Zone {
    /// As written, for messages.
    pub name: Arc<str>,
    /// Its rules.
    pub rules: TimeZone,
}

impl Zone {
    /// Coordinated universal time.
    pub fn utc() -> Self {
        Self {
            name: "UTC".into(),
            rules: TimeZone::UTC,
        }
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Zone({})", self.name)
    }
}

/// When something begins: on the clock, or with a whole day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At this local time.
    At(DateTime),
    /// With this day: at its first instant that exists.
    On(Date),
}

/// When something ends. All ends are exclusive.
#[derive(Clone, Debug)]
pub enum End {
    /// When the clock on the wall of that zone says so. Later occurrences move it by as many days and hours of the
    /// calendar as their start has moved.
    Wall(DateTime, Zone),
    /// When exactly so much time has passed, whatever the clocks do.
    Exact(SignedDuration),
    /// With the first instant of this day, which is no longer part of it. The start must be a day too.
    AllDay(Date),
}

/// An occurrence that does not take place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exception {
    /// The one that begins at this instant ([`Start::instant`] gives it for a local time).
    At(Timestamp),
    /// All whose start, as the rule writes it, lies on this day of the event's zone.
    On(Date),
}

/// An occurrence beside those of the rule.
#[derive(Clone, Debug)]
pub struct Extra {
    /// When it begins.
    pub start: Start,
    /// What its start is read in.
    pub zone: Zone,
    /// When it ends; absent, it lasts as long as the event, and must be of the same kind (on the clock, or a day).
    pub end: Option<End>,
}

/// What became of the occurrence that would have begun at an instant.
#[derive(Clone, Debug)]
pub struct Replacement {
    /// When it would have begun. Where nothing would, a moved one takes place none the less.
    pub original: Timestamp,
    /// When it takes place instead; absent, it is cancelled.
    pub moved: Option<Moved>,
}

/// A single occurrence with times of its own.
#[derive(Clone, Debug)]
pub struct Moved {
    /// For people, where it has a name of its own.
    pub name: Option<Arc<str>>,
    /// When it begins.
    pub start: Start,
    /// What its start is read in.
    pub zone: Zone,
    /// When it ends.
    pub end: End,
}
