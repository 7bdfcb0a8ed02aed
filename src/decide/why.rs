//! Why nothing is written.

use jiff::Timestamp;

use crate::names::{ParameterName, ParameterRef};
use crate::record::RecordTooNew;
use crate::resolve::Closure;

/// Why nothing is written now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// The Secret holds what it should, as far as is known.
    InSync,
    /// What this process wrote is not in status yet; that comes first.
    Unrecorded,
    /// `spec.suspend` is true.
    Suspended,
    /// The namespace is being deleted.
    NamespaceTerminating,
    /// The Secret is being deleted; it is made anew once it is gone.
    SecretTerminating,
    /// A Secret of the target's name is not ours.
    NotOurs(Ownership),
    /// The Secret has another type than the spec asks for, and Kubernetes does not let it change.
    TypeImmutable {
        /// The Secret's type.
        is: String,
        /// The type asked for.
        wanted: String,
    },
    /// Status holds a record that this release cannot read.
    RecordTooNew(RecordTooNew),
    /// New values may not get in now.
    Held(Box<Closure>),
    /// A Secret of ours is there, nothing says what is applied to it, and new values may not get in now.
    RecordLost(Box<Closure>),
    /// Nobody knows which of two revisions the Secret holds, and new values may not get in now.
    InDoubt(Box<Closure>),
    /// Parameters that the spec names do not exist.
    ParameterMissing(Vec<ParameterRef>),
    /// Parameters below a path are gone, and the source says `onMissing: Hold`.
    RemovalHeld(Vec<ParameterName>),
    /// Everything that the Secret holds is gone upstream; nothing is removed.
    SourceEmpty,
    /// The Secret was changed by others and cannot be put back.
    RepairBlocked(Blocked),
    /// Others change the Secret again and again.
    Contested {
        /// The field managers that hold what was ours.
        rivals: Vec<String>,
        /// What they changed, as `data.DB_PASSWORD`.
        fields: Vec<String>,
        /// When the next repair is made.
        until: Timestamp,
    },
    /// The answer lags behind what was seen before; asked again.
    Lagging(Vec<ParameterName>),
    /// Spec, Secret or gate changed while values were on their way; they are dropped and all is decided anew.
    Overtaken,
}

/// Why a Secret of the target's name may not be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ownership {
    /// Nothing says that it is ours, and `target.adopt` is not `Always`.
    Foreign,
    /// Another ParameterSync wrote it.
    OtherOwner {
        /// That ParameterSync's name.
        owner: String,
    },
    /// Another controller owns it; adoption would not end that.
    Controlled {
        /// The controller, as `Certificate/web`.
        controller: String,
    },
}

/// Why a Secret cannot be put back to what was applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Blocked {
    /// Parameter Store no longer gives the applied version, or gives another one under its number.
    AppliedVersionGone(Vec<ParameterName>),
    /// The values came from another account or region than the store names now.
    OriginChanged,
    /// The spec was changed and may not get in now.
    SpecChanged,
}

impl Why {
    /// Held back by what closes the gate.
    pub(super) fn held(closure: &Closure) -> Self {
        Self::Held(Box::new(closure.clone()))
    }

    /// When it ends by itself, where that is known.
    pub fn opens_at(&self) -> Option<Timestamp> {
        match self {
            Self::Held(closure) | Self::RecordLost(closure) | Self::InDoubt(closure) => closure.until,
            Self::Contested { until, .. } => Some(*until),
            _ => None,
        }
    }
}
