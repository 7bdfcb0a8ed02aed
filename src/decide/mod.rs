//! The whole behaviour: what to do with one ParameterSync now. Pure.
//!
//! In: a [`View`] of the object, its Secret and Parameter Store, and the time. Out: a [`Decision`]: what to do, what
//! waits, and when to look again without a trigger. Between the fetch and the write [`permit`] asks again, on a fresh
//! view and a fresh clock, and mints the one thing that `apply` accepts.

mod decision;
mod difference;
mod ownership;
mod pending;
mod permit;
mod repair;
mod request;
mod term;
#[cfg(test)]
mod tests;
mod view;
mod why;

pub use decision::{Action, Decision, OwnerPatch};
pub use ownership::owner_patch;
pub use pending::PendingChange;
pub use permit::{Passage, Permit, Precondition, permit};
pub use repair::CONTEST_WINDOW;
pub use request::{FetchRequest, Purpose, SourceRead};
pub use term::Term;
pub use view::View;
pub use why::{Blocked, Ownership, Why};

use jiff::{SignedDuration, Timestamp};

use crate::record::{Record, Scope};
use crate::resolve::Closure;
use difference::{Difference, difference};

/// The longest time for which a closed gate is not looked at again: timers do not follow a clock that is set, nor a
/// machine that slept.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_mins(5);
/// The same where the gate is closed because the operator cannot rely on what it knows, which ends without a trigger.
const DOUBT_AGAIN: SignedDuration = SignedDuration::from_secs(15);

/// Decides what to do with one ParameterSync at `now`.
pub fn decide(view: &View<'_>, now: Timestamp) -> Decision {
    let mut decision = act(view, now);
    decision.owner = match decision.action {
        // What remains of a Secret that is to be kept is its freedom.
        Action::Release => ownership::owner(view).filter(|owner| *owner == OwnerPatch::Clear),
        Action::Leave(Why::NamespaceTerminating) => None,
        _ => ownership::owner(view),
    };
    decision
}

fn act(view: &View<'_>, now: Timestamp) -> Decision {
    let resolved = view.resolved;
    if view.deleting {
        return Decision::of(Action::Release);
    }
    if view.namespace_terminating {
        return Decision::leave(Why::NamespaceTerminating);
    }
    if let Err(too_new) = view.stated {
        return Decision::leave(Why::RecordTooNew(too_new.clone()));
    }
    if view.unwritten().is_some() {
        return Decision::leave(Why::Unrecorded);
    }
    if let Err(refusal) = ownership::check(view) {
        return Decision::leave(refusal);
    }
    let closure = resolved.gate.closure(now);
    let closure = closure.as_ref();
    let decision = match view.record() {
        None => create(view, closure),
        Some(record) => keep(view, record, closure, now),
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
fn keep(view: &View<'_>, record: &Record, closure: Option<&Closure>, now: Timestamp) -> Decision {
    let differs = difference(view, record);
    let pending = differs.pending();
    let decision = if view.resolved.suspended {
        Decision::leave(Why::Suspended)
    } else if view.announcement().doubt {
        doubtful(view, &differs, closure)
    } else if view.is_intact() {
        update(view, &differs, closure)
    } else {
        repair::repair(view, record, &differs, closure, now)
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
    let differs = view.record().map(|record| difference(view, record));
    differs.map(|differs| differs.pending()).unwrap_or_default()
}

/// Nothing is known to be applied: the Secret is not there, or is adopted, or its record is gone.
fn create(view: &View<'_>, closure: Option<&Closure>) -> Decision {
    if view.resolved.suspended {
        return Decision::leave(Why::Suspended);
    }
    match closure {
        // A Secret that we wrote is there: to write it anew would bring in what is newer, whoever may be made first.
        Some(closure) if view.sealed().is_some() => {
            Decision::leave(Why::RecordLost(Box::new(closure.clone())))
        }
        Some(closure) if closure.holds_first_sync() => Decision::leave(Why::held(closure)),
        _ => Decision::write(Purpose::FirstSync, request::latest(view.resolved, view.upstream)),
    }
}

/// The Secret is as we left it.
fn update(view: &View<'_>, differs: &Difference, closure: Option<&Closure>) -> Decision {
    match differs.obstacle(closure) {
        _ if differs.is_none() => Decision::leave(Why::InSync),
        Some(why) => Decision::leave(why),
        None => Decision::write(Purpose::Change, request::latest(view.resolved, view.upstream)),
    }
}

/// A write was announced, and nobody knows what came of it: the Secret may hold what was applied, or what was to be. What
/// is put back in a freeze must be what was there, so nothing is; open, the Secret is written once, whole.
fn doubtful(view: &View<'_>, differs: &Difference, closure: Option<&Closure>) -> Decision {
    if let Some(closure) = closure {
        return Decision::leave(Why::InDoubt(Box::new(closure.clone())));
    }
    match differs.obstacle(None) {
        Some(why) => Decision::leave(why),
        None => Decision::write(Purpose::Change, request::latest(view.resolved, view.upstream)),
    }
}
