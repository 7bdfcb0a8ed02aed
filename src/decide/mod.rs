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
#[cfg(test)]
mod tests;
mod view;
mod why;

pub use difference::PendingChange;
pub use permit::{Permit, Precondition, permit};
pub use repair::CONTEST_WINDOW;
pub use request::{FetchRequest, Purpose, SourceRead};
pub use view::View;
pub use why::{Blocked, Ownership, Why};

use jiff::Timestamp;

use crate::watch::SecretState;
use difference::{Difference, difference};

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
    let Some(applied) = view.applied() else {
        return create(view);
    };
    let differs = difference(resolved, applied, view.upstream);
    let pending = differs.pending();
    let decision = match (view.is_intact(), resolved.suspended) {
        (_, true) => Decision::leave(Why::Suspended),
        (true, _) => update(view, &differs),
        (false, _) => repair::repair(view, applied, &differs, now),
    };
    match decision.action {
        Action::Write(_) => decision,
        _ => decision.pending(pending),
    }
}

/// What is known upstream and not in the Secret.
pub fn pending_changes(view: &View<'_>) -> Vec<PendingChange> {
    let differs = view
        .applied()
        .map(|applied| difference(view.resolved, applied, view.upstream));
    differs.map(|differs| differs.pending()).unwrap_or_default()
}

/// The Secret is not there, or nothing is known of what it holds.
fn create(view: &View<'_>) -> Decision {
    if view.resolved.suspended {
        return Decision::leave(Why::Suspended);
    }
    if let Some(closure) = &view.resolved.gate.closed {
        return Decision::leave(Why::Held(closure.clone())).wake_at(closure.until);
    }
    let purpose = match view.secret {
        SecretState::Absent => Purpose::FirstSync,
        SecretState::Present(_) => Purpose::Change,
    };
    Decision::write(purpose, request::latest(view.resolved, view.upstream))
}

/// The Secret is as we left it.
fn update(view: &View<'_>, differs: &Difference) -> Decision {
    match obstacle(view, differs) {
        _ if differs.is_none() => Decision::leave(Why::InSync),
        Some(why) => {
            let wake = why.opens_at();
            Decision::leave(why).wake_at(wake)
        }
        None => Decision::write(Purpose::Change, request::latest(view.resolved, view.upstream)),
    }
}

/// Why the newest values may not be written, where they may not.
fn obstacle(view: &View<'_>, differs: &Difference) -> Option<Why> {
    if !differs.missing.is_empty() {
        return Some(Why::ParameterMissing(differs.missing.clone()));
    }
    if differs.everything_gone {
        return Some(Why::SourceEmpty);
    }
    if !differs.held_removals.is_empty() {
        return Some(Why::RemovalHeld(differs.held_removals.clone()));
    }
    view.resolved.gate.closed.clone().map(Why::Held)
}
