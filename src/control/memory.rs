//! What is remembered of one object between passes, and by which rules. Pure.
//!
//! All of it is lost with the process, and nothing goes wrong by that: what is applied is in status. It is kept by the
//! object's uid, so that nothing of an earlier life gets into the next.

use std::time::Duration;

use jiff::Timestamp;

use crate::decide::{CONTEST_WINDOW, Precondition};
use crate::error::Class;
use crate::record::Record;
use crate::schedule;

/// For how long nothing is written after a write without an answer: the API server gives it up after that.
pub const QUIET: Duration = Duration::from_secs(10);
/// The longest time between two tries.
const LONGEST: Duration = Duration::from_mins(5);
/// How often a write may meet a change by others before that is a fault to be told.
const CONFLICTS: u32 = 5;

/// What is remembered of one life of one object.
#[derive(Debug, Default)]
pub struct Memory {
    unrecorded: Option<Record>,
    announced: Option<i64>,
    attempt: Option<Attempt>,
    quiet_until: Option<Duration>,
    repairs: Vec<Timestamp>,
    failures: u32,
    conflicts: u32,
    fault: Option<(&'static str, Timestamp)>,
    refresh_at: Option<Timestamp>,
}

/// A write of which it is not known whether it landed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// What is applied if it did.
    pub record: Record,
    /// What it was.
    pub kind: Attempted,
    /// What it was sent for: it lands nowhere else.
    pub onto: Precondition,
}

/// What a write was, as far as it matters when its outcome is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempted {
    /// There was no record: none was announced.
    First,
    /// It was announced.
    Change,
    /// It wrote the record's own text: whether it landed, the metadata tells.
    Repair,
}

impl Memory {
    /// What this process wrote and status does not say yet.
    pub fn unrecorded(&self) -> Option<&Record> {
        self.unrecorded.as_ref()
    }

    /// The revision that this process announced, and of which it knows that nothing came.
    pub fn announced(&self) -> Option<i64> {
        self.announced
    }

    /// The write of which it is not known whether it landed.
    pub fn attempt(&self) -> Option<&Attempt> {
        self.attempt.as_ref()
    }

    /// Until when nothing is written, where that is so at `now` (monotonic).
    pub fn quiet(&self, now: Duration) -> Option<Duration> {
        self.quiet_until.filter(|until| *until > now)
    }

    /// This process announces `revision`: whatever comes of the announcement, nothing was written under it.
    pub fn announces(&mut self, revision: i64) {
        self.announced = Some(revision);
    }

    /// What was announced is taken back, or may be: nothing is written under it any more.
    pub fn took_back(&mut self) {
        self.announced = None;
    }

    /// The Secret was written, as `record` says; `None`: it was a repair, which leaves the record as it is.
    pub fn wrote(&mut self, record: Option<Record>) {
        if let Some(record) = record {
            self.unrecorded = Some(record);
            self.announced = None;
        }
        self.attempt = None;
        self.quiet_until = None;
    }

    /// Status says what is applied, up to `revision`.
    pub fn recorded(&mut self, revision: i64) {
        if self
            .unrecorded
            .as_ref()
            .is_some_and(|ours| ours.revision <= revision)
        {
            self.unrecorded = None;
        }
        if self.announced.is_some_and(|announced| announced <= revision) {
            self.announced = None;
        }
    }

    /// The Secret is about to be written: until there is an answer, nobody knows what comes of it, even if the pass is cut
    /// off. `longest`: how long the answer may take.
    pub fn attempts(&mut self, attempt: Attempt, now: Duration, longest: Duration) {
        if attempt.kind == Attempted::Change {
            self.announced = None;
        }
        self.attempt = Some(attempt);
        self.quiet_until = Some(now + longest + QUIET);
    }

    /// The write had no answer: it may have landed, and may land yet.
    pub fn unanswered(&mut self, now: Duration) {
        self.hush(now);
    }

    /// The write was refused: it did not land, and never will.
    pub fn refused(&mut self) {
        self.quiet_until = None;
        if let Some(attempt) = self.attempt.take()
            && attempt.kind == Attempted::Change
        {
            self.announced = Some(attempt.record.revision);
        }
    }

    /// A write of status had no answer.
    pub fn hush(&mut self, now: Duration) {
        self.quiet_until = Some(now + QUIET);
    }

    /// The Secret was read live, after the quiet: `found` is which it is, and `sealed` its seal's revision. That tells what
    /// came of the attempt, or not: no one but this attempt could seal it so, and where it is still the one that the attempt
    /// was sent for, that did not land. Else it may have landed, and been changed or deleted since: the doubt stays.
    pub fn settle(&mut self, found: &Precondition, sealed: Option<i64>, now: Duration) {
        if self.quiet(now).is_some() {
            return;
        }
        let Some(attempt) = self.attempt.take() else {
            return;
        };
        let landed = sealed == Some(attempt.record.revision);
        let untouched = *found == attempt.onto && *found != Precondition::Absent;
        match attempt.kind {
            Attempted::First | Attempted::Change if landed => self.unrecorded = Some(attempt.record),
            Attempted::Change if untouched => self.announced = Some(attempt.record.revision),
            Attempted::First | Attempted::Change | Attempted::Repair => {}
        }
    }

    /// When the Secret was repaired lately, oldest first.
    pub fn repairs(&self) -> &[Timestamp] {
        &self.repairs
    }

    /// The Secret was repaired.
    pub fn repaired(&mut self, now: Timestamp) {
        self.repairs.retain(|at| now.duration_since(*at) < CONTEST_WINDOW);
        self.repairs.push(now);
    }

    /// A write met a change by others. Says whether that has gone on for so long that it is to be told.
    pub fn conflicted(&mut self) -> bool {
        self.conflicts = self.conflicts.saturating_add(1);
        self.conflicts >= CONFLICTS
    }

    /// A pass came to an end that is no conflict.
    pub fn agreed(&mut self) {
        self.conflicts = 0;
    }

    /// Notes the reason of a pass; gives since when it is that, and whether it was that before.
    pub fn fault(&mut self, reason: &'static str, now: Timestamp) -> (Timestamp, bool) {
        match self.fault {
            Some((known, since)) if known == reason => (since, true),
            _ => {
                self.fault = Some((reason, now));
                (now, false)
            }
        }
    }

    /// After how long a pass of this fault is tried again; `None`: no fault.
    pub fn retry(&mut self, class: Option<Class>, seed: u64) -> Option<Duration> {
        let Some(class) = class else {
            self.failures = 0;
            return None;
        };
        self.failures = self.failures.saturating_add(1);
        let base = match class {
            Class::Transient | Class::Throttled | Class::Conflict => Duration::from_secs(1),
            Class::Denied | Class::NotFound | Class::Invalid | Class::Bug => Duration::from_secs(5),
        };
        let seed = seed ^ u64::from(self.failures);
        Some(schedule::backoff(self.failures, base, LONGEST, seed))
    }

    /// Sets when a pass is to ask for fresh facts first.
    pub fn refresh_at(&mut self, at: Option<Timestamp>) {
        self.refresh_at = at;
    }

    /// Whether that time has come; then it is forgotten.
    pub fn is_refresh_due(&mut self, now: Timestamp) -> bool {
        self.refresh_at.take_if(|at| *at <= now).is_some()
    }
}

#[cfg(test)]
#[path = "memory_tests.rs"]
mod tests;
