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
mod stores;
mod sync_request;
#[cfg(test)]
mod tests;

pub use calendars::{CalendarReport, calendar_report};
pub use conditions::STALL_AFTER;
pub use held::{Held, Queue, Waiting};
pub use notes::{Note, written};
pub use outcome::Outcome;
pub use recorded::{recorded, recorded_pending};
pub use sink::{StatusError, StatusSink};
pub use stores::store_status;

use std::time::Duration;

use jiff::Timestamp;
use kube::Resource;

use crate::api::{ParameterStatus, ParameterSync, ParameterSyncStatus, Pending, SecretStatus};
use crate::decide::{PendingChange, Purpose, Why};
use crate::record::Provenance;
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
    /// Whether the Secret is there and all that we set is still ours, after this pass.
    pub intact: bool,
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
        secret: facts
            .applied
            .map(|applied| secret(facts.target, applied))
            .or(before.secret),
        parameters: facts.applied.map(parameters).or(before.parameters),
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

fn secret(target: &str, applied: &Provenance) -> SecretStatus {
    SecretStatus {
        name: target.to_owned(),
        keys: i32::try_from(applied.keys().count()).unwrap_or(i32::MAX),
        account: Some(applied.origin.account.clone()),
        region: Some(applied.origin.region.clone()),
        shape: Some(applied.shape.0.clone()),
        secret_type: Some(applied.secret_type.clone()),
    }
}

/// One entry for each key, and one for each parameter that only feeds templates.
fn parameters(applied: &Provenance) -> Vec<ParameterStatus> {
    let entry = |parameter: &crate::record::Applied, key: Option<String>| ParameterStatus {
        key,
        source: i32::try_from(parameter.source).unwrap_or(i32::MAX),
        name: parameter.name.to_string(),
        version: parameter.stamp.version,
        last_modified: recorded::milliseconds(parameter.stamp.last_modified),
        parameter_type: parameter.kind.as_str().to_owned(),
    };
    applied
        .parameters
        .iter()
        .flat_map(|parameter| {
            let mut entries: Vec<ParameterStatus> = parameter
                .keys
                .iter()
                .map(|key| entry(parameter, Some(key.to_string())))
                .collect();
            if entries.is_empty() {
                entries.push(entry(parameter, None));
            }
            entries
        })
        .collect()
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
