//! What a decision is made from.

use jiff::Timestamp;

use super::difference::PendingChange;
use crate::record::{Provenance, Upstream};
use crate::resolve::Resolved;
use crate::watch::SecretState;

/// One ParameterSync and all that is known about it.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The object.
    pub resolved: &'a Resolved,
    /// The Secret of the target's name.
    pub secret: &'a SecretState,
    /// What the object's status says is applied; stands in where the Secret cannot say.
    pub recorded: Option<&'a Provenance>,
    /// What Parameter Store has.
    pub upstream: &'a Upstream,
    /// Whether the ParameterSync is being deleted.
    pub deleting: bool,
    /// Whether its namespace is being deleted.
    pub namespace_terminating: bool,
    /// Whether the newest values were fetched already and cannot be made into a Secret.
    pub newest_refused: bool,
    /// When this object's Secret was repaired lately, oldest first.
    pub repairs: &'a [Timestamp],
    /// What status says waits: it stands in for what was not swept yet since the operator started.
    pub recorded_pending: &'a [PendingChange],
    /// How many objects wait for the same opening as this one, itself among them.
    pub crowd: usize,
}

impl<'a> View<'a> {
    /// What the Secret should hold if nothing changed: by its own word while that can be trusted, else by status.
    pub fn applied(&self) -> Option<&'a Provenance> {
        match self.secret {
            SecretState::Present(meta) if meta.trusted => meta.provenance.as_ref().or(self.recorded),
            _ => self.recorded,
        }
    }

    /// Whether the Secret is there and all that we set is still ours.
    pub fn is_intact(&self) -> bool {
        matches!(self.secret, SecretState::Present(meta) if meta.managed && meta.trusted && meta.lost.is_empty())
    }
}
