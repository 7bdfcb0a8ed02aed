//! The whole behaviour: what to do with one ParameterSync now. Pure.
//!
//! In: a [`View`] of the object, its Secret and Parameter Store, and the time. Out: a [`Decision`]: what to do, what
//! waits, and when to look again without a trigger. Between the fetch and the write [`permit`] asks again, on a fresh
//! view and a fresh clock, and mints the one thing that `apply` accepts.

mod difference;
mod ownership;
mod permit;
mod repair;
mod request;
mod term;
#[cfg(test)]
mod tests;
mod view;
mod why;

pub use difference::PendingChange;
pub use permit::{Permit, Precondition, permit};
pub use repair::CONTEST_WINDOW;
pub use request::{FetchRequest, Purpose, SourceRead};
pub use term::Term;
pub use view::View;
pub use why::{Blocked, Ownership, Why};

use jiff::{SignedDuration, Timestamp};

use crate::record::{Provenance, Scope};
use crate::resolve::Closure;
use crate::watch::SecretState;
use difference::{Difference, difference};

/// The longest time for which a closed gate is not looked at again: timers do not follow a clock that is set, nor a
/// machine that slept.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_mins(5);
/// The same where the gate is closed because the operator cannot rely on what it knows, which ends without a trigger.
const DOUBT_AGAIN: SignedDuration = SignedDuration::from_secs(15);

/// What to do, what waits, and when to look again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What to do now.
    pub action: Action,
    /// Changes that are known and not in the Secret, by name.
    pub pending: Vec<PendingChange>,
    /// When to decide again if nothing triggers it before.
    pub wake: Option<Timestamp>,
}

/// What to do now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing, and why.
    Leave(Why),
    /// Fetch this and write it.
    Write(FetchRequest),
    /// The ParameterSync goes: forget it. The Secret is not touched; its owner reference decides what becomes of it.
    Release,
}

impl Decision {
    fn leave(why: Why) -> Self {
        Self {
            action: Action::Leave(why),
            pending: Vec::new(),
            wake: None,
        }
    }

    fn write(purpose: Purpose, reads: Vec<SourceRead>) -> Self {
        Self {
            action: Action::Write(FetchRequest { purpose, reads }),
            pending: Vec::new(),
            wake: None,
        }
    }

    fn pending(mut self, pending: Vec<PendingChange>) -> Self {
        self.pending = pending;
        self
    }

    fn wake_at(mut self, wake: Option<Timestamp>) -> Self {
        self.wake = wake;
        self
    }

    /// Adds a time to look again; the earliest counts.
    fn or_wake_at(mut self, wake: Option<Timestamp>) -> Self {
        self.wake = self.wake.into_iter().chain(wake).min();
        self
    }
}

/// Decides what to do with one ParameterSync at `now`.
pub fn decide(view: &View<'_>, now: Timestamp) -> Decision {
    let resolved = view.resolved;
    if view.deleting {
        return Decision {
            action: Action::Release,
            pending: Vec::new(),
            wake: None,
        };
    }
    if view.namespace_terminating {
        return Decision::leave(Why::NamespaceTerminating);
    }
    if let Err(refusal) = ownership::check(view) {
        return Decision::leave(refusal);
    }
    let closure = resolved.gate.closure(now);
    let closure = closure.as_ref();
    let decision = match view.applied() {
        None => create(view, closure),
        Some(applied) => keep(view, applied, closure, now),
    };
    match (&decision.action, closure) {
        (Action::Leave(why), Some(closure)) if *why != Why::InSync || is_unasked(closure) => {
            let wake = look_again(view, closure, now);
            decision.or_wake_at(wake)
        }
        // Where nothing waits the gate may close and open, and this object need not know.
        _ => decision,
    }
}

/// The Secret was written before.
fn keep(view: &View<'_>, applied: &Provenance, closure: Option<&Closure>, now: Timestamp) -> Decision {
    let differs = difference(view, applied);
    let pending = differs.pending();
    let decision = match (view.is_intact(), view.resolved.suspended) {
        (_, true) => Decision::leave(Why::Suspended),
        (true, _) => update(view, &differs, closure),
        (false, _) => repair::repair(view, applied, &differs, closure, now),
    };
    match decision.action {
        Action::Write(_) => decision,
        _ => decision.pending(pending),
    }
}

/// Whether the gate is closed so far that Parameter Store is not asked: then nobody tells when something changes.
fn is_unasked(closure: &Closure) -> bool {
    closure.freeze.scope == Scope::All
}

/// When to look at a closed gate again.
fn look_again(view: &View<'_>, closure: &Closure, now: Timestamp) -> Option<Timestamp> {
    let turn = closure.turn(&view.resolved.object, view.crowd);
    let again = if closure.by.is_some() {
        LOOK_AGAIN
    } else {
        DOUBT_AGAIN
    };
    let latest = now.checked_add(again).ok();
    turn.into_iter().chain(latest).min()
}

/// What is known upstream and not in the Secret.
pub fn pending_changes(view: &View<'_>) -> Vec<PendingChange> {
    let differs = view.applied().map(|applied| difference(view, applied));
    differs.map(|differs| differs.pending()).unwrap_or_default()
}

/// The Secret is not there, or nothing is known of what it holds.
fn create(view: &View<'_>, closure: Option<&Closure>) -> Decision {
    if view.resolved.suspended {
        return Decision::leave(Why::Suspended);
    }
    let purpose = match view.secret {
        SecretState::Absent => Purpose::FirstSync,
        SecretState::Present(_) => Purpose::Change,
    };
    match closure {
        Some(closure) if purpose != Purpose::FirstSync || closure.holds_first_sync() => {
            Decision::leave(Why::held(closure))
        }
        _ => Decision::write(purpose, request::latest(view.resolved, view.upstream)),
    }
}

/// The Secret is as we left it.
fn update(view: &View<'_>, differs: &Difference, closure: Option<&Closure>) -> Decision {
    match obstacle(differs, closure) {
        _ if differs.is_none() => Decision::leave(Why::InSync),
        Some(why) => Decision::leave(why),
        None => Decision::write(Purpose::Change, request::latest(view.resolved, view.upstream)),
    }
}

/// Why the newest values may not be written, where they may not.
fn obstacle(differs: &Difference, closure: Option<&Closure>) -> Option<Why> {
    if !differs.missing.is_empty() {
        return Some(Why::ParameterMissing(differs.missing.clone()));
    }
    if differs.everything_gone {
        return Some(Why::SourceEmpty);
    }
    if !differs.held_removals.is_empty() {
        return Some(Why::RemovalHeld(differs.held_removals.clone()));
    }
    closure.map(Why::held)
}
