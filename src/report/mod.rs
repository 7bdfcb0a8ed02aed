//! What is said of a ParameterSync: status, conditions, events. Pure, but for the thin [`sink`].
//!
//! In: the object as it was, what is applied, and the [`Outcome`] of this pass. Out: a [`Report`]. It is written only
//! where it differs from what is there: no heartbeat, no time that moves by itself.

mod calendars;
mod conditions;
mod gates;
mod held;
mod malformed;
mod notes;
mod outcome;
mod recorded;
pub mod sink;
mod status_error;
mod stores;
mod sync_request;
#[cfg(test)]
mod tests;

pub use calendars::{CalendarReport, calendar_report};
pub use conditions::STALL_AFTER;
pub use held::{Held, Queue, Waiting};
pub use notes::{Note, written};
pub use outcome::Outcome;
pub use recorded::recorded_pending;
pub use sink::StatusSink;
pub use status_error::StatusError;
pub use stores::store_status;

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::Resource;

use crate::api::{HeldKey, ParameterSync, ParameterSyncStatus, Pending, SecretStatus};
use crate::decide::{PendingChange, Purpose, Why};
use crate::error::Classified as _;
use crate::record::{Provenance, Record, parameter_entries, secret_status};
use crate::resolve::Gate;

/// How many pending changes are listed; the total is always given.
const MAX_PENDING: usize = 20;

/// All that a report is made from.
#[derive(Clone, Copy)]
pub struct Facts<'a> {
    /// The object, with the status as it was read.
    pub object: &'a ParameterSync,
    /// The Secret's name.
    pub target: &'a str,
    /// What is applied, after this pass.
    pub applied: Option<&'a Provenance>,
    /// What becomes of the record in status.
    pub record: Recording<'a>,
    /// Keys that are no longer ours and that others keep in the Secret.
    pub held_by_others: &'a [HeldKey],
    /// Whether the Secret is there and all that we set is still ours, after this pass.
    pub intact: bool,
    /// Whether a Secret of the target's name that is ours is there.
    pub present: bool,
    /// Since when the outcome has this reason.
    pub fault_since: Timestamp,
    /// What came of this pass.
    pub outcome: &'a Outcome,
    /// What waits.
    pub pending: &'a [PendingChange],
    /// The calendars that bind; none where the object could not be resolved.
    pub gate: Option<&'a Gate>,
    /// The interval that the budget allows, where it is longer than the one asked for.
    pub effective_interval: Option<Duration>,
    /// The forced sync that this pass answered.
    pub handled: Option<&'a str>,
    /// The time.
    pub now: Timestamp,
}

/// What becomes of the record in status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recording<'a> {
    /// It stays as it is.
    Stays,
    /// It stays, and what was announced came to nothing.
    TakesBack,
    /// This is written.
    Is(&'a Record),
}

/// What is to be said.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The whole status.
    pub status: ParameterSyncStatus,
    /// Events, for what changed in this pass.
    pub notes: Vec<Note>,
    /// When the report changes by itself: a fault that lasts becomes `Stalled`.
    pub recheck: Option<Timestamp>,
}

/// Says what is to be said.
pub fn report(facts: &Facts<'_>) -> Report {
    let before = facts.object.status.clone().unwrap_or_default();
    let mut conditions = conditions::conditions(facts, before.conditions.as_deref().unwrap_or_default());
    let mut notes = notes::notes(
        facts,
        before.conditions.as_deref().unwrap_or_default(),
        &conditions.all,
    );
    if let Some(fault) = sync_request::fault(facts.object) {
        sync_request::add(&mut conditions.all, &fault, conditions::MAX_MESSAGE);
        notes.extend(notes::unanswerable(
            fault,
            before.conditions.as_deref().unwrap_or_default(),
        ));
    }
    let changed = matches!(
        facts.outcome,
        Outcome::Applied {
            purpose: Purpose::FirstSync | Purpose::Change,
            ..
        }
    );
    let status = ParameterSyncStatus {
        observed_generation: facts.object.meta().generation,
        conditions: Some(conditions.all),
        parameters: match facts.record {
            Recording::Is(record) => Some(parameter_entries(&record.provenance)),
            Recording::Stays | Recording::TakesBack => before.parameters,
        },
        secret: match facts.record {
            Recording::Is(record) => Some(secret_status(record, facts.target, facts.held_by_others)),
            Recording::Stays => before.secret,
            Recording::TakesBack => before.secret.map(|secret| SecretStatus {
                writing: None,
                ..secret
            }),
        },
        pending: pending(facts, before.pending),
        gates: match facts.gate {
            Some(gate) => gates::gates(gate, waiting(facts), facts.now),
            None => before.gates,
        },
        last_changed: if changed {
            Some(seconds(facts.now))
        } else {
            before.last_changed
        },
        last_handled_sync_request: facts
            .handled
            .map(str::to_owned)
            .or(before.last_handled_sync_request),
        effective_interval: facts
            .effective_interval
            .map(|interval| format!("{}s", interval.as_secs())),
    };
    Report {
        status,
        notes,
        recheck: conditions.recheck,
    }
}

/// Since when status says that the object is not ready for this reason, where it says so: what an operator before this
/// one saw counts too.
pub fn said_since(object: &ParameterSync, reason: &str) -> Option<Timestamp> {
    let conditions = object.status.as_ref()?.conditions.as_ref()?;
    let same = |condition: &&Condition| {
        condition.type_ == "Ready" && condition.status == "False" && condition.reason == reason
    };
    conditions
        .iter()
        .find(same)
        .map(|condition| condition.last_transition_time.0)
}

/// What is said where the API server refuses the status that should be written: that, and the rest as it was.
pub fn refused(object: &ParameterSync, error: &StatusError, now: Timestamp) -> Report {
    let before = object.status.clone().unwrap_or_default();
    let known = before.conditions.as_deref().unwrap_or_default();
    let say = |kind: &str| {
        let (reason, message) = (error.reason(), error.to_string());
        let generation = object.meta().generation;
        conditions::condition(known, generation, now, kind, "False", reason, message)
    };
    Report {
        status: ParameterSyncStatus {
            observed_generation: object.meta().generation,
            conditions: Some(vec![say("Ready"), say("UpToDate")]),
            ..before
        },
        notes: Vec::new(),
        recheck: None,
    }
}

/// Whether the object waits for its gate: with changes, or with a Secret that may not be made or mended.
fn waiting(facts: &Facts<'_>) -> gates::Waiting {
    match facts.outcome {
        Outcome::Left {
            why: Why::Held(_), ..
        } => gates::Waiting::Something,
        _ if !facts.pending.is_empty() => gates::Waiting::Something,
        _ => gates::Waiting::Nothing,
    }
}

fn pending(facts: &Facts<'_>, before: Option<Pending>) -> Option<Pending> {
    if facts.pending.is_empty() {
        return None;
    }
    let change = |change: &PendingChange| crate::api::PendingChange {
        name: change.name.to_string(),
        from: change.from,
        to: change.to,
    };
    Some(Pending {
        since: before
            .and_then(|before| before.since)
            .or_else(|| Some(seconds(facts.now))),
        next_open: facts.outcome.opens_at().map(seconds),
        changes: facts.pending.iter().take(MAX_PENDING).map(change).collect(),
        total: i32::try_from(facts.pending.len()).unwrap_or(i32::MAX),
    })
}

/// RFC 3339, to the second.
fn seconds(at: Timestamp) -> String {
    Timestamp::from_second(at.as_second()).unwrap_or(at).to_string()
}
