//! What one pass found out and did, built once, for the report. Pure.

use std::time::Duration;

use jiff::Timestamp;

use crate::api::{HeldKey, ParameterSyncStatus};
use crate::decide::{Action, Decision, PendingChange, Why};
use crate::metrics::ReconcileResult;
use crate::names::ObjectKey;
use crate::record::{Provenance, Record};
use crate::report::{Held, Outcome, Recording};
use crate::resolve::{Gate, Refusal};

use super::world::World;

/// One pass over one object.
#[derive(Debug)]
pub struct Pass {
    /// What came of it.
    pub outcome: Outcome,
    /// A write that was made although something still stands in the way.
    pub wrote: Option<Outcome>,
    /// The Secret's name.
    pub target: String,
    /// What waits.
    pub pending: Vec<PendingChange>,
    /// When to look again if nothing triggers it before.
    pub wake: Option<Timestamp>,
    /// What is known of the object; none where it was refused before anything was looked at.
    pub world: Option<World>,
    /// What has to be recorded.
    unrecorded: Option<Record>,
    /// The announcement of which nothing had come when the pass began.
    takes_back: Option<i64>,
    held_by_others: Vec<HeldKey>,
}

impl Pass {
    /// Nothing could be looked at.
    pub fn blind(target: String, outcome: Outcome) -> Self {
        Self {
            outcome,
            wrote: None,
            target,
            pending: Vec::new(),
            wake: None,
            world: None,
            unrecorded: None,
            takes_back: None,
            held_by_others: Vec::new(),
        }
    }

    /// The object was refused.
    pub fn refused(target: String, refusal: Refusal) -> Self {
        Self::blind(target, Outcome::Refused(refusal))
    }

    /// Nothing was written: `outcome` is why, after `decision`.
    pub fn left(world: World, decision: Decision, outcome: Outcome) -> Self {
        let view = world.view();
        let unrecorded = view.unwritten().cloned();
        let held = world.stated.as_ref().map(|stated| stated.held_by_others.clone());
        Self {
            outcome,
            wrote: None,
            target: world.resolved.target.name.clone(),
            pending: decision.pending,
            wake: decision.wake,
            takes_back: view.takes_back().filter(|_| unrecorded.is_none()),
            unrecorded,
            held_by_others: held.unwrap_or_default(),
            world: Some(world),
        }
    }

    /// The Secret was written: `wrote` is how, and `world` and `decision` are what holds after it. Where something still
    /// stands in the way, that is what the pass came to.
    pub fn written(
        world: World,
        decision: Decision,
        wrote: Outcome,
        unrecorded: Option<Record>,
        held_by_others: Option<Vec<HeldKey>>,
    ) -> Self {
        let still = match &decision.action {
            Action::Leave(Why::InSync) | Action::Write(_) | Action::Release => world.refused.clone(),
            Action::Leave(why) => Some(Outcome::Left {
                why: why.clone(),
                fault: world.upstream.fault.clone(),
            }),
        };
        // What changed meanwhile is dealt with by the next pass.
        let again = matches!(decision.action, Action::Write(_)).then_some(Timestamp::UNIX_EPOCH);
        let (outcome, wrote) = match still {
            Some(still) => (still, Some(wrote)),
            None => (wrote, None),
        };
        let pass = Self::left(world, decision, outcome);
        Self {
            wrote,
            wake: pass.wake.into_iter().chain(again).min(),
            unrecorded,
            held_by_others: held_by_others.unwrap_or(pass.held_by_others),
            ..pass
        }
    }

    /// What becomes of the record in status. `announced`: the revision that this process has announced, and of which it
    /// knows now that nothing came; a write of this very pass may have changed that.
    pub fn recording(&self, announced: Option<i64>) -> Recording<'_> {
        match &self.unrecorded {
            Some(record) => Recording::Is(record),
            None if self.takes_back.is_some() && self.takes_back == announced => Recording::TakesBack,
            None => Recording::Stays,
        }
    }

    /// What is applied.
    pub fn applied(&self) -> Option<&Provenance> {
        self.world.as_ref()?.record().map(|record| &record.provenance)
    }

    /// Whether the Secret is there and all that we set is still ours.
    pub fn is_intact(&self) -> bool {
        self.world.as_ref().is_some_and(|world| world.view().is_intact())
    }

    /// Whether a Secret is there that is ours.
    pub fn is_present(&self) -> bool {
        self.world
            .as_ref()
            .is_some_and(|world| world.view().ours().is_some())
    }

    /// Keys that are no longer ours and that others keep.
    pub fn held_by_others(&self) -> &[HeldKey] {
        &self.held_by_others
    }

    /// The calendars that bind.
    pub fn gate(&self) -> Option<&Gate> {
        self.world.as_ref().map(|world| &world.resolved.gate)
    }

    /// The interval that the budget allows, where it is longer than the one asked for.
    pub fn effective_interval(&self) -> Option<Duration> {
        self.world.as_ref()?.upstream.effective_interval
    }

    /// What it comes to, for the metrics.
    pub fn result(&self) -> ReconcileResult {
        match self.wrote.as_ref().unwrap_or(&self.outcome) {
            Outcome::Applied { .. } => ReconcileResult::Written,
            Outcome::Left { why: Why::InSync, .. } => ReconcileResult::Unchanged,
            _ => ReconcileResult::Refused,
        }
    }

    /// What the object waits with, where it waits for a calendar.
    pub fn held(&self, status: &ParameterSyncStatus, now: Timestamp) -> Option<Held> {
        let Outcome::Left {
            why: Why::Held(closure) | Why::InDoubt(closure) | Why::RecordLost(closure),
            ..
        } = &self.outcome
        else {
            return None;
        };
        let pending = status.pending.as_ref();
        let since = pending.and_then(|pending| pending.since.as_ref()?.parse().ok());
        Some(Held {
            by: closure.by.clone()?,
            changes: pending.map_or(0, |pending| usize::try_from(pending.total).unwrap_or_default()),
            since: since.unwrap_or(now),
        })
    }
}

/// One line an outcome; the same fault again is told at debug.
pub fn log(object: &ObjectKey, outcome: &Outcome, took: Duration, known: bool) {
    let milliseconds = took.as_millis();
    match outcome {
        Outcome::Applied { purpose, changed, .. } => {
            tracing::info!(%object, ?purpose, changed = changed.len(), milliseconds, "Secret written");
        }
        Outcome::Left {
            why: Why::InSync | Why::Unrecorded,
            fault: None,
        } => {
            tracing::debug!(%object, milliseconds, "in sync");
        }
        Outcome::Left {
            why: Why::NamespaceTerminating,
            ..
        } => tracing::debug!(%object, milliseconds, "the namespace is being deleted"),
        Outcome::Left {
            why: Why::Held(_), ..
        } if !known => {
            let (reason, detail) = outcome.describe();
            tracing::info!(%object, reason, "held: waits for {detail}");
        }
        other => {
            let (reason, detail) = other.describe();
            if known {
                tracing::debug!(%object, reason, detail, milliseconds, "still not synced");
            } else {
                tracing::warn!(%object, reason, detail, milliseconds, "not synced");
            }
        }
    }
}
