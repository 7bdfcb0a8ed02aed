//! Whether new values may get in: every calendar that binds a ParameterSync, combined.
//!
//! The gate is open only while all calendars that bind are open. It is asked at a time, twice a pass: to decide, and
//! again for the permit.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use kube::ResourceExt;

use super::bond::{Bond, BoundBy};
use super::first_sync::{self, FirstSyncHeld, Former, Past};
use super::surroundings::Surroundings;
use crate::api::ParameterSync;
use crate::calendar::{Ahead as _, State, opening};
use crate::names::{CalendarKey, ObjectKey};
use crate::record::Freeze;
use crate::schedule;
use crate::watch::{ContactFacts, Doubt, Stands, calendars_of};

/// The longest time over which work is spread after an opening.
const MAX_SPREAD: Duration = Duration::from_mins(5);
/// What one more object that waits adds to it: a fetch at the default rate of 20 a second.
const SPREAD_EACH: Duration = Duration::from_millis(50);

/// Every calendar that binds one ParameterSync.
#[derive(Clone, Debug, Default)]
pub struct Gate {
    /// The calendars, each once.
    pub bonds: Vec<Bond>,
    /// What `spec.changes` asks for while any of them is closed.
    pub own: Freeze,
    /// What a first sync may hang on.
    pub past: Past,
    /// Whether what is known of calendars can be relied on.
    pub contact: ContactFacts,
}

/// A closed gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closure {
    /// What closes it, of several the one that is closed longest; none where the operator cannot rely on what it knows.
    pub by: Option<CalendarKey>,
    /// Why the operator cannot rely on what it knows, where it cannot.
    pub doubt: Option<Doubt>,
    /// Why, where that is not what the calendar says itself.
    pub fault: Option<String>,
    /// When all are open again, where that is known.
    pub until: Option<Timestamp>,
    /// For how long it is open then, where that is known.
    pub open_for: Option<Duration>,
    /// What it stops: the strictest of what is closed and of the object's own wish.
    pub freeze: Freeze,
    /// Why a Secret that was never there has to wait too; none where it may be made.
    pub first_sync: Option<FirstSyncHeld>,
}

impl Gate {
    /// The gate of an object: what its spec names, and the cluster calendars that select its namespace.
    pub(super) fn of(object: &ParameterSync, around: &Surroundings<'_>) -> Self {
        let namespace = object.namespace().unwrap_or_default();
        let changes = object.spec.changes.as_ref();
        let own = Freeze::written(
            changes.and_then(|changes| changes.scope),
            changes.and_then(|changes| changes.first_sync),
        );
        let named = calendars_of(object).into_iter();
        let mut bonds: BTreeMap<_, _> = named.map(|key| (key, BoundBy::Reference)).collect();
        // A namespace whose labels are not known is bound by each calendar that selects any.
        let labels = around.namespaces.labels(&namespace);
        for key in around.calendars.selecting(labels) {
            bonds.insert(key.clone(), BoundBy::Selector);
        }
        let bonds = bonds.into_iter().map(|(calendar, bound_by)| {
            let (standing, freeze) = around.calendars.standing(&calendar);
            Bond {
                calendar,
                bound_by,
                freeze,
                standing,
            }
        });
        let key = ObjectKey::new(namespace.as_str(), object.name_any());
        let uid = object.uid().unwrap_or_default();
        let namespace_made = around.namespaces.made(&namespace);
        let former = namespace_made.is_some_and(|made| around.syncs.may_have_been(&key, &uid, made));
        Self {
            bonds: bonds.collect(),
            own,
            past: Past {
                namespace_made,
                former: if former { Former::Possible } else { Former::Unknown },
            },
            contact: around.contact.clone(),
        }
    }

    /// What closes the gate at `now`, in gate time; none while it is open. It is closed too while it may be so late at the
    /// API server that a calendar has closed.
    pub fn closure(&self, now: Timestamp) -> Option<Closure> {
        let doubt = self.doubt(now);
        let bonds = self.bonds.iter();
        let stands: Vec<(&Bond, Stands)> = bonds.map(|bond| (bond, self.stands(bond, now))).collect();
        let closing = |(_, stands): &&(&Bond, Stands)| doubt.is_some() || stands.state == State::Closed;
        let shut: Vec<&Bond> = stands.iter().filter(closing).map(|(bond, _)| *bond).collect();
        let freeze = shut.iter().fold(self.own, |all, bond| all.strictest(bond.freeze));
        let first_sync = || first_sync::held(self.own, &self.past, &shut, doubt, now);
        if let Some(doubt) = doubt {
            return Some(Closure {
                by: None,
                doubt: Some(doubt.clone()),
                fault: Some(doubt.to_string()),
                until: None,
                open_for: None,
                freeze,
                first_sync: first_sync(),
            });
        }
        // The one that is closed longest says most; one without an end is longest of all.
        let (bond, stands) = stands
            .iter()
            .filter(closing)
            .max_by_key(|(_, stands)| stands.until.unwrap_or(Timestamp::MAX))?;
        let mut ahead: Vec<_> = self.bonds.iter().map(|bond| bond.standing.ahead()).collect();
        // What is expected to be open now and is not will open when somebody says so.
        let until = opening(&mut ahead, self.certain(now)).filter(|until| *until > now);
        let closes = until.and_then(|until| {
            let ends = ahead.iter_mut().filter_map(|calendar| calendar.look(until)?.1);
            ends.min()
        });
        Some(Closure {
            by: Some(bond.calendar.clone()),
            doubt: None,
            fault: stands.fault.as_ref().map(|fault| bond.tell(fault)),
            until,
            open_for: until
                .zip(closes)
                .map(|(until, closes)| schedule::until(until, closes)),
            freeze,
            first_sync: first_sync(),
        })
    }

    /// Until when what [`Gate::closure`] says at `now` is certain, in gate time: the next transition of a calendar that
    /// binds, or the loss of contact. None where there is neither.
    pub fn certain_until(&self, now: Timestamp) -> Option<Timestamp> {
        let transitions = self.bonds.iter().filter_map(|bond| {
            let stands = self.stands(bond, now);
            let until = stands.until?;
            match stands.state {
                State::Open => until.checked_sub(self.contact.blur()).ok(),
                State::Closed => Some(until),
            }
        });
        // What has come already is in what the gate says now.
        let ends = transitions.chain(self.contact.lost_from());
        ends.filter(|end| *end > now).min()
    }

    /// Why what the calendars say cannot be relied on. The time is asked by calendars only.
    pub fn doubt(&self, now: Timestamp) -> Option<&Doubt> {
        let off = || self.contact.clock_off().filter(|_| !self.bonds.is_empty());
        self.contact.lost(now).or_else(off)
    }

    /// What a calendar says of the whole time that it may be.
    fn stands(&self, bond: &Bond, now: Timestamp) -> Stands {
        let stands = bond.standing.at(now);
        match stands.until {
            Some(until) if stands.state == State::Open && until <= self.contact.latest(now) => {
                bond.standing.at(until)
            }
            _ => stands,
        }
    }

    /// The first time from `now` on at which no calendar is about to close.
    fn certain(&self, now: Timestamp) -> Timestamp {
        let latest = self.contact.latest(now);
        let closings = self.bonds.iter().filter_map(|bond| {
            let stands = bond.standing.at(now);
            stands
                .until
                .filter(|until| stands.state == State::Open && *until <= latest)
        });
        closings.max().unwrap_or(now)
    }
}

impl Closure {
    /// Whether even a Secret that was never there has to wait.
    pub fn holds_first_sync(&self) -> bool {
        self.first_sync.is_some()
    }

    /// When an object's turn comes after the opening: at once for one that waits alone; else spread by a stable hash over
    /// 50 ms for each that waits, but at most five minutes and a tenth of the time for which the gate is open.
    pub fn turn(&self, object: &ObjectKey, crowd: usize) -> Option<Timestamp> {
        let until = self.until?;
        let others = u32::try_from(crowd.saturating_sub(1)).unwrap_or(u32::MAX);
        let spread = SPREAD_EACH
            .saturating_mul(others)
            .min(MAX_SPREAD)
            .min(self.open_for.map_or(MAX_SPREAD, |open| open / 10));
        let opening = until.as_second().to_string();
        let hash = schedule::stable_hash(&[&object.namespace, &object.name, &opening]);
        until.checked_add(spread.mul_f64(schedule::fraction(hash))).ok()
    }
}

#[cfg(test)]
#[path = "gate_tests.rs"]
mod tests;
