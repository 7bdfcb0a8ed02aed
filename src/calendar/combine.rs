//! Several calendars that bind together: open only while all of them are (AWS's rule for Change Calendar).

use jiff::Timestamp;

use super::State;
use super::compile::Calendar;
use super::timeline::{HORIZON, Moment, Timeline};

/// How many times the search for an opening goes on to where the closed ones have opened. Two calendars that open
/// by turns and never together take two steps a turn.
const MAX_STEPS: usize = 5000;

/// One of several calendars, wherever it is evaluated.
pub trait Ahead {
    /// Its state at a time, and when that ends, where that is known; none where the state is not.
    fn look(&mut self, at: Timestamp) -> Option<(State, Option<Timestamp>)>;
}

/// The first time from `since` on at which all are open. That is not before each that is closed has opened, and so on
/// from there. None where that is not known, not within two years, or would take too long to find.
pub fn opening(calendars: &mut [impl Ahead], since: Timestamp) -> Option<Timestamp> {
    let mut at = since;
    for _ in 0..MAX_STEPS {
        let mut open = true;
        let mut next = at;
        for calendar in &mut *calendars {
            if let (State::Closed, until) = calendar.look(at)? {
                open = false;
                next = next.max(until?);
            }
        }
        if open {
            return Some(at);
        }
        if next.duration_since(since) > HORIZON {
            return None;
        }
        at = next;
    }
    None
}

/// A calendar with its timeline, which is computed anew as often as a search leaves it.
pub struct Reader<'a> {
    timeline: &'a Timeline,
    calendar: Option<&'a Calendar>,
    later: Option<Timeline>,
}

impl<'a> Reader<'a> {
    /// Reads what `timeline` tells, and later than that what `calendar` does, where there is one.
    pub fn new(timeline: &'a Timeline, calendar: Option<&'a Calendar>) -> Self {
        Self {
            timeline,
            calendar,
            later: None,
        }
    }

    /// What holds at a time; none where nobody tells.
    pub fn at(&mut self, at: Timestamp) -> Option<Moment> {
        let known = self.later.as_ref().unwrap_or(self.timeline).at(at);
        if known.is_some() {
            return known;
        }
        let later = self.calendar?.timeline(at).ok()?;
        self.later.insert(later).at(at)
    }
}

impl Ahead for Reader<'_> {
    fn look(&mut self, at: Timestamp) -> Option<(State, Option<Timestamp>)> {
        let moment = self.at(at)?;
        Some((moment.state, moment.next.map(|next| next.at)))
    }
}
