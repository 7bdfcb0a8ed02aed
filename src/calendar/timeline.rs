//! What a calendar says near a time: computed once, asked often.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::State;
use super::budget::{Budget, MAX_INTERVALS, OverBudget};
use super::compile::{Calendar, Interval, Window};
use super::occurrence::DAY;

/// How far ahead the next transition is looked for: two years, of which one may be a leap year.
pub(super) const HORIZON: SignedDuration = SignedDuration::from_hours(731 * 24);
/// How far a timeline reaches beyond that, so that it need not be computed anew at every look.
const SLACK_DAYS: i32 = 7;
/// How far is looked, in days, until there are enough transitions.
const LOOKS: [i32; 4] = [8, 32, 128, 731 + SLACK_DAYS];
/// How many transitions are enough: as many as a record holds.
const ENOUGH: usize = MAX_RECORDED;
/// A timeline is cut after so many intervals, as those of a later time are soon computed.
const MAX_KEPT: usize = 2 * ENOUGH;
/// The most transitions of a record.
const MAX_RECORDED: usize = 32;

/// What holds at a time, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Whether change is allowed.
    pub state: State,
    /// The event that takes place; where several do, the first.
    pub event: Option<Arc<str>>,
    /// When the state changes next; absent where it does not within two years.
    pub next: Option<Transition>,
}

/// A change of state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transition {
    /// When.
    pub at: Timestamp,
    /// To what.
    pub to: State,
}

/// Events that follow each other without a pause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upcoming {
    /// When the first begins.
    pub from: Timestamp,
    /// When the last ends; absent where that is later than was looked.
    pub to: Option<Timestamp>,
    /// The name of the first; absent where only transitions are known.
    pub event: Option<Arc<str>>,
}

/// The transitions of a timeline, to be kept for when its calendar can no longer be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// From when on it holds.
    pub from: Timestamp,
    /// The state then.
    pub state: State,
    /// When the state changes: up to 32 times, in order.
    pub transitions: Vec<Timestamp>,
    /// Until when it holds.
    pub until: Timestamp,
}

/// What a calendar says from one time until another.
#[derive(Clone, Debug)]
pub struct Timeline {
    default_state: State,
    from: Timestamp,
    until: Timestamp,
    /// Up to when it can be said that no transition follows.
    silent_until: Timestamp,
    events: Merged,
    names: Arc<[Arc<str>]>,
}

impl Calendar {
    /// What this calendar says from `from` on, until there are a few dozen transitions, or for two years.
    pub fn timeline(&self, from: Timestamp) -> Result<Timeline, OverBudget> {
        let mut budget = Budget::new();
        let mut events = Merged::default();
        let mut until = from;
        for days in LOOKS {
            let to = later(from, DAY * days);
            let window = match until {
                begin if begin == from => Window::Overlapping(begin, to),
                begin => Window::Beginning(begin, to),
            };
            events.add(&self.collect(window, &mut budget)?)?;
            until = to;
            if events.transitions(from, until).nth(ENOUGH).is_some() {
                break;
            }
        }
        if let Some(cut) = events.keep(MAX_KEPT) {
            until = cut;
        }
        Ok(Timeline {
            default_state: self.default_state,
            from,
            until,
            silent_until: until.checked_sub(HORIZON).unwrap_or(Timestamp::MIN),
            events,
            names: self.names.clone(),
        })
    }
}

impl Timeline {
    /// What holds at `at`. None where this timeline does not tell that, or not what comes next: compute another.
    pub fn at(&self, at: Timestamp) -> Option<Moment> {
        if !(self.from..self.until).contains(&at) {
            return None;
        }
        let next = self.events.next_edge(at).filter(|edge| *edge < self.until);
        if next.is_none() && at > self.silent_until {
            return None;
        }
        let (state, event) = match self.events.at(at) {
            Some(name) => (self.default_state.other(), self.name(name)),
            None => (self.default_state, None),
        };
        let next = next.filter(|edge| edge.duration_since(at) <= HORIZON);
        Some(Moment {
            state,
            event,
            next: next.map(|at| Transition {
                at,
                to: state.other(),
            }),
        })
    }

    /// Up to `most` of what takes place at `at` or later, as far as this timeline reaches.
    pub fn upcoming(&self, at: Timestamp, most: usize) -> Vec<Upcoming> {
        let first = self
            .events
            .intervals
            .partition_point(|interval| interval.to <= at);
        let known = self.events.intervals[first..]
            .iter()
            .take_while(|interval| interval.from < self.until);
        let upcoming = known.take(most).map(|interval| Upcoming {
            from: interval.from,
            to: Some(interval.to).filter(|to| *to < self.until),
            event: self.name(interval.name),
        });
        upcoming.collect()
    }

    /// The first transitions, without names.
    pub fn record(&self) -> Record {
        let mut transitions: Vec<_> = self
            .events
            .transitions(self.from, self.until)
            .take(MAX_RECORDED + 1)
            .collect();
        let beyond = transitions.get(MAX_RECORDED).copied();
        transitions.truncate(MAX_RECORDED);
        Record {
            from: self.from,
            state: match self.events.at(self.from) {
                Some(_) => self.default_state.other(),
                None => self.default_state,
            },
            transitions,
            until: beyond.unwrap_or(self.until),
        }
    }

    /// The timeline of a record. It tells the state until the record's end, but no names, and after the last
    /// transition no next one.
    pub fn restore(record: &Record) -> Self {
        let mut events = Merged::default();
        let mut edges = record.transitions.iter().copied();
        let mut closed_from = match record.state {
            State::Closed => Some(record.from),
            State::Open => edges.next(),
        };
        while let Some(from) = closed_from {
            let to = edges.next().unwrap_or(record.until);
            events.push(from, to, u32::MAX);
            closed_from = edges.next();
        }
        Self {
            default_state: State::Open,
            from: record.from,
            until: record.until,
            silent_until: record.until,
            events,
            names: Arc::default(),
        }
    }

    fn name(&self, index: u32) -> Option<Arc<str>> {
        self.names.get(index as usize).cloned()
    }
}

/// Events as what they close or open: intervals that do not touch, and which event it is at which time.
#[derive(Clone, Debug, Default)]
pub(super) struct Merged {
    pub(super) intervals: Vec<Interval>,
    /// Within an interval, from when on another event than its first is the one that takes place.
    handovers: Vec<(Timestamp, u32)>,
}

impl Merged {
    /// Adds what begins no earlier than all that was added.
    pub(super) fn add(&mut self, intervals: &[Interval]) -> Result<(), OverBudget> {
        let known = self.intervals.len();
        for interval in intervals {
            self.push(interval.from, interval.to, interval.name);
        }
        if self.intervals.len() - known > MAX_INTERVALS {
            return Err(OverBudget::Intervals);
        }
        Ok(())
    }

    fn push(&mut self, from: Timestamp, to: Timestamp, name: u32) {
        match self.intervals.last_mut() {
            Some(last) if from <= last.to => {
                let handed = self.handovers.last().filter(|(at, _)| *at >= last.from);
                if to > last.to && handed.map_or(last.name, |(_, name)| *name) != name {
                    self.handovers.push((last.to, name));
                }
                last.to = last.to.max(to);
            }
            _ => self.intervals.push(Interval { from, to, name }),
        }
    }

    /// Drops all but the first intervals; tells where the first of the others began.
    fn keep(&mut self, most: usize) -> Option<Timestamp> {
        let cut = self.intervals.get(most)?.from;
        self.intervals.truncate(most);
        self.handovers.retain(|(from, _)| *from < cut);
        self.intervals.shrink_to_fit();
        self.handovers.shrink_to_fit();
        Some(cut)
    }

    /// The name of what takes place at a time.
    fn at(&self, at: Timestamp) -> Option<u32> {
        let begun = self.intervals.partition_point(|interval| interval.from <= at);
        let interval = self.intervals[..begun]
            .last()
            .filter(|interval| at < interval.to)?;
        let handed = self.handovers.partition_point(|(from, _)| *from <= at);
        let handed = self.handovers[..handed]
            .last()
            .filter(|(from, _)| *from >= interval.from);
        Some(handed.map_or(interval.name, |(_, name)| *name))
    }

    /// When an interval next begins or ends after a time.
    fn next_edge(&self, at: Timestamp) -> Option<Timestamp> {
        let ended = self.intervals.partition_point(|interval| interval.to <= at);
        let interval = self.intervals.get(ended)?;
        Some(if interval.from > at {
            interval.from
        } else {
            interval.to
        })
    }

    /// Begins and ends after `from` and before `until`, in order.
    fn transitions(&self, from: Timestamp, until: Timestamp) -> impl Iterator<Item = Timestamp> {
        let edges = self
            .intervals
            .iter()
            .flat_map(|interval| [interval.from, interval.to]);
        edges
            .skip_while(move |edge| *edge <= from)
            .take_while(move |edge| *edge < until)
    }
}

/// A time that much later, or the last that can be told.
pub(super) fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}
