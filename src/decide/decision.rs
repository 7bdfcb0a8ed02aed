//! What comes out of the room.

use jiff::Timestamp;

use super::pending::PendingChange;
use super::request::{FetchRequest, Purpose, SourceRead};
use super::why::Why;

/// What to do, what waits, and when to look again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What to do now.
    pub action: Action,
    /// What to do with the owner reference beside that. It needs no permit, and is made also while nothing else may be.
    pub owner: Option<OwnerPatch>,
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

/// How the Secret's owner reference is put right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnerPatch {
    /// It names this ParameterSync, and no other.
    Set,
    /// It names none.
    Clear,
}

impl Decision {
    pub(super) fn of(action: Action) -> Self {
        Self {
            action,
            owner: None,
            pending: Vec::new(),
            wake: None,
        }
    }

    pub(super) fn leave(why: Why) -> Self {
        Self::of(Action::Leave(why))
    }

    pub(super) fn write(purpose: Purpose, reads: Vec<SourceRead>) -> Self {
        Self::of(Action::Write(FetchRequest { purpose, reads }))
    }

    pub(super) fn pending(mut self, pending: Vec<PendingChange>) -> Self {
        self.pending = pending;
        self
    }

    pub(super) fn wake_at(mut self, wake: Option<Timestamp>) -> Self {
        self.wake = wake;
        self
    }

    /// Adds a time to look again; the earliest counts.
    pub(super) fn or_wake_at(mut self, wake: Option<Timestamp>) -> Self {
        self.wake = self.wake.into_iter().chain(wake).min();
        self
    }
}
