//! What is said of a ParameterSync: status, conditions, events. Pure, but for the thin [`sink`].
//!
//! In: the object as it was, what is applied, and the [`Outcome`] of this pass. Out: a [`Report`]. It is written only
//! where it differs from what is there: no heartbeat, no time that moves by itself.

mod calendars;
mod conditions;
mod facts;
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
mod time;

pub use calendars::{CalendarReport, calendar_report};
pub use conditions::STALL_AFTER;
pub use facts::{Facts, Recording};
pub use held::{Held, Queue, Waiting};
pub use notes::{Note, written};
pub use outcome::Outcome;
pub use recorded::recorded_pending;
pub use sink::StatusSink;
pub use status_error::StatusError;
pub use stores::store_status;

use time::seconds;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::Resource;

use crate::api::{ParameterSync, ParameterSyncStatus, Pending, SecretStatus};
use crate::decide::{PendingChange, Purpose, Why};
use crate::error::Classified as _;
use crate::record::{parameter_entries, secret_status};

/// How many pending changes are listed; the total is always given.
const MAX_PENDING: usize = 20;

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
            why: Why::Held(_) | Why::InDoubt(_) | Why::RecordLost(_),
            ..
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
