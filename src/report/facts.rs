//! What a report is made from.

use std::time::Duration;

use jiff::Timestamp;

use super::outcome::Outcome;
use crate::api::{HeldKey, ParameterSync};
use crate::decide::PendingChange;
use crate::record::{Provenance, Record};
use crate::resolve::Gate;

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
