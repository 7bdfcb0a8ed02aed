//! What a decision is made from.

use jiff::Timestamp;

use super::pending::PendingChange;
use crate::record::{LEGACY, Record, RecordTooNew, Stated, Upstream};
use crate::resolve::Resolved;
use crate::watch::{Drift, SecretMeta, SecretState, Stamped, expected_fields};

/// One ParameterSync and all that is known about it.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The object.
    pub resolved: &'a Resolved,
    /// The Secret of the target's name.
    pub secret: &'a SecretState,
    /// What the object's status states, and nothing else is believed to be applied.
    pub stated: Result<&'a Stated, &'a RecordTooNew>,
    /// What this process wrote and could not yet record, under the object's uid.
    pub unrecorded: Option<&'a Record>,
    /// The revision that this process announced, and of which it knows that nothing came.
    pub announced: Option<i64>,
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
    /// What others changed of the Secret, and who, where that was looked at.
    pub drift: &'a Drift,
    /// What status says waits: it stands in for what was not swept yet since the operator started.
    pub recorded_pending: &'a [PendingChange],
    /// How many objects wait for the same opening as this one, itself among them.
    pub crowd: usize,
}

/// What is on its way, or may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Announced {
    /// The highest revision as which the Secret may have been written, where that is above the record's.
    pub revision: Option<i64>,
    /// Whether nobody knows what came of it.
    pub doubt: bool,
}

impl<'a> View<'a> {
    /// What is applied: what this process wrote last, or what status states.
    pub fn record(&self) -> Option<&'a Record> {
        let stated = self.stated.ok().and_then(|stated| stated.record.as_ref());
        self.unwritten().or(stated)
    }

    /// What this process wrote and status does not yet say.
    pub fn unwritten(&self) -> Option<&'a Record> {
        let stated = self.stated.ok().and_then(|stated| stated.record.as_ref());
        self.unrecorded
            .filter(|ours| *ours.uid == *self.resolved.uid)
            .filter(|ours| stated.is_none_or(|stated| stated.revision < ours.revision))
    }

    /// The Secret's metadata, where a seal or a record says that it is ours.
    pub fn ours(&self) -> Option<&'a SecretMeta> {
        self.secret
            .meta()
            .filter(|meta| self.record().is_some() || self.is_sealed(meta))
    }

    /// Whether its seal says that it was written for this ParameterSync.
    pub(super) fn is_sealed(&self, meta: &SecretMeta) -> bool {
        meta.seal
            .as_ref()
            .is_some_and(|seal| *seal.sync == *self.resolved.object.name)
    }

    /// The revision of the Secret's seal, where that is of this ParameterSync.
    pub fn sealed(&self) -> Option<i64> {
        let meta = self.secret.meta().filter(|meta| self.is_sealed(meta))?;
        meta.seal.as_ref().map(|seal| seal.revision)
    }

    /// What is on its way: what status announces, unless this process knows that nothing came of it, and what the Secret
    /// says of itself beyond all that.
    pub(super) fn announcement(&self) -> Announced {
        let stated = self.stated.ok();
        let writing = stated.and_then(|stated| stated.writing);
        let recorded = stated
            .and_then(|stated| stated.record.as_ref())
            .map(|record| record.revision);
        if let (Some(record), Some(sealed)) = (self.record(), self.sealed())
            && sealed > record.revision.max(writing.unwrap_or_default())
        {
            // The Secret is newer than all that status says.
            return Announced {
                revision: Some(sealed),
                doubt: true,
            };
        }
        let Some(writing) = writing else {
            return Announced {
                revision: None,
                doubt: false,
            };
        };
        let ours = self.announced == Some(writing);
        Announced {
            revision: Some(writing),
            // Further above: an older announcement was inherited, and what came of that is not known.
            doubt: !ours || recorded.is_none_or(|recorded| writing > recorded + 1),
        }
    }

    /// The revision that a write would have now.
    pub(super) fn next_revision(&self, now: Timestamp) -> i64 {
        let stated = self.stated.ok();
        match self.record() {
            // A life's revisions begin above those of all earlier ones.
            None => {
                let floor = stated.map_or(LEGACY, |stated| stated.floor);
                let known = floor.max(self.sealed().unwrap_or(LEGACY));
                now.as_second().max(known.saturating_add(1))
            }
            Some(record) => match self.announcement() {
                Announced { revision: None, .. } => record.revision.saturating_add(1),
                // Announced by this process, and nothing came of it.
                Announced {
                    revision: Some(revision),
                    ..
                } if self.announced == Some(revision) && self.is_announced(revision) => revision,
                Announced {
                    revision: Some(revision),
                    ..
                } => record.revision.max(revision).saturating_add(1),
            },
        }
    }

    /// Whether status announces this revision.
    pub(super) fn is_announced(&self, revision: i64) -> bool {
        self.stated.is_ok_and(|stated| stated.writing == Some(revision))
    }

    /// Whether status announces what this process knows to have come to nothing: then the announcement is taken back,
    /// unless a write follows.
    pub fn takes_back(&self) -> bool {
        let announced = self.announcement();
        self.announced.is_some() && announced.revision == self.announced && !announced.doubt
    }

    /// Whether the Secret is there and all that we set is still ours, as of the record's own revision.
    pub fn is_intact(&self) -> bool {
        let (Some(record), Some(meta)) = (self.record(), self.secret.meta()) else {
            return false;
        };
        let sealed = self.sealed();
        let as_written = match record.revision {
            // Release 0.1 sealed nothing; a repair of what it wrote does.
            LEGACY if meta.seal.is_none() => {
                expected_fields(&record.provenance, Stamped::Unsealed) == meta.fields
            }
            revision => {
                sealed == Some(revision)
                    && expected_fields(&record.provenance, Stamped::Sealed) == meta.fields
            }
        };
        meta.managed && !meta.overwritten && as_written
    }

    /// Whether the spec still shapes what is applied.
    pub(super) fn is_shaped_as(&self, record: &Record) -> bool {
        let shape = &record.provenance.shape;
        *shape == self.resolved.shape || (record.revision == LEGACY && *shape == self.resolved.legacy_shape)
    }
}
