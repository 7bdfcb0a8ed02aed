//! What goes in and out of the room.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::time::Duration;

use thiserror::Error;

use crate::decide::FetchRequest;
use crate::error::{Class, Classified};
use crate::names::{ObjectKey, Origin, ParameterName, ParameterRef};
use crate::provenance::{ParameterKind, Stamp};
use crate::resolve::{Limits, PathRead, StoreIdentity};
use crate::value::SecretValue;

/// What an object wants to know of, and how fresh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Whom to ask.
    pub store: StoreIdentity,
    /// At what pace; the lowest of all objects on one store counts.
    pub limits: Limits,
    /// The oldest that a fact may be.
    pub interval: Duration,
    /// Whether it is to be swept now.
    pub sweeping: Sweeping,
    /// Paths to sweep.
    pub paths: BTreeSet<PathRead>,
    /// Parameters to sweep by name.
    pub parameters: BTreeSet<ParameterRef>,
    /// What is applied: the facts that the first sweep after a restart is compared with, so that a name that is
    /// missing then must be seen missing twice, too.
    pub applied: BTreeMap<ParameterName, Stamp>,
    /// The account and region of what is applied: an answer from elsewhere is a change of everything.
    pub applied_origin: Option<Origin>,
}

/// Whether what an object wants is swept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sweeping {
    /// At its interval.
    #[default]
    On,
    /// Not for this object; what is known stays known.
    Paused,
}

/// What is known of a parameter without its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its newest version (or the one that the selector names).
    pub stamp: Stamp,
    /// Its type.
    pub kind: ParameterKind,
}

/// The confirmed facts about all that one object wants. What has not been swept yet is not in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Upstream {
    /// The account and region that answered; none before the first answer that held an ARN.
    pub origin: Option<Origin>,
    /// What lies below each path, filtered. No entry: not swept yet.
    pub listings: BTreeMap<PathRead, BTreeMap<ParameterName, Entry>>,
    /// Parameters wanted by name; `None`: confirmed missing. No entry: not swept yet.
    pub parameters: BTreeMap<ParameterRef, Option<Entry>>,
    /// Why the facts are not as fresh as wanted, where they are not.
    pub fault: Option<SourceError>,
    /// The interval that the budget allows, where it is longer than the one wanted.
    pub effective_interval: Option<Duration>,
}

/// Values, for one caller.
pub struct Fetched {
    /// The account and region that answered; none where every parameter was named by ARN, or none was found.
    pub origin: Option<Origin>,
    /// The names that were found below each path asked for, filtered.
    pub listings: BTreeMap<PathRead, Vec<ParameterName>>,
    /// All that was found: those asked for by name under the reference that was asked, those found below a path
    /// under their name and [`Selector::Latest`](crate::names::Selector::Latest).
    pub parameters: BTreeMap<ParameterRef, FetchedParameter>,
    /// What was asked for by name and does not exist.
    pub missing: BTreeSet<ParameterRef>,
}

/// One decrypted parameter.
pub struct FetchedParameter {
    /// Its version and time.
    pub stamp: Stamp,
    /// Its type.
    pub kind: ParameterKind,
    /// Its value.
    pub value: SecretValue,
}

/// Why Parameter Store gave no answer. AWS's own texts carry ARNs of roles and keys: only its code is kept.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SourceError {
    /// AWS refuses this identity one parameter or path.
    #[error(
        "AWS refuses to read {name} ({code}); allow the store's identity ssm:GetParameters and ssm:GetParametersByPath on it"
    )]
    Denied {
        /// The parameter or path.
        name: String,
        /// AWS's error code.
        code: String,
    },
    /// The KMS key of a parameter is disabled, pending deletion, or may not be used.
    #[error(
        "{name} cannot be decrypted ({code}); enable its KMS key and allow the store's identity kms:Decrypt on it"
    )]
    Undecryptable {
        /// The parameter or path.
        name: String,
        /// AWS's error code.
        code: String,
    },
    /// The account's quota is used up.
    #[error("Parameter Store throttles this account ({code}); reading goes on as the quota allows")]
    Throttled {
        /// AWS's error code.
        code: String,
    },
    /// No credentials, or refused ones.
    #[error("no valid AWS credentials for the store: {detail}")]
    Credentials {
        /// AWS's error code, or which part of the configuration gave none.
        detail: String,
    },
    /// Network, time-out, 5xx.
    #[error("Parameter Store cannot be reached ({code}); trying again")]
    Unavailable {
        /// AWS's error code, or `connection` or `timeout`.
        code: String,
    },
    /// An answer that contradicts what was seen before, or a name AWS calls invalid.
    #[error("Parameter Store refuses the request for {name} ({code})")]
    Refused {
        /// The parameter or path.
        name: String,
        /// AWS's error code.
        code: String,
    },
}

impl Classified for SourceError {
    fn class(&self) -> Class {
        match self {
            Self::Denied { .. } | Self::Undecryptable { .. } | Self::Credentials { .. } => Class::Denied,
            Self::Throttled { .. } => Class::Throttled,
            Self::Unavailable { .. } => Class::Transient,
            Self::Refused { .. } => Class::Invalid,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Denied { .. } => "AccessDenied",
            Self::Undecryptable { .. } => "DecryptionFailed",
            Self::Throttled { .. } => "Throttled",
            Self::Credentials { .. } => "CredentialsRejected",
            Self::Unavailable { .. } => "SourceUnavailable",
            Self::Refused { .. } => "SourceRefused",
        }
    }
}

/// When a refresh triggers the object that asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tell {
    /// Like any sweep: only when something differs.
    OnChange,
    /// Also when nothing does, once all that the object wants has been seen.
    WhenDone,
}

/// The room's face: all stores behind one door.
pub trait ParameterStores: Send + Sync + 'static {
    /// Says what `object` wants from now on. Idempotent; a changed `wanted` replaces the old one.
    fn subscribe(&self, object: &ObjectKey, wanted: Wanted);
    /// Forgets `object`.
    fn unsubscribe(&self, object: &ObjectKey);
    /// What is known of all that `object` wants.
    fn upstream(&self, object: &ObjectKey) -> Upstream;
    /// Asks for fresh facts about all that `object` wants at once, for a forced sync or after a doubtful answer.
    fn refresh(&self, object: &ObjectKey, tell: Tell);
    /// How many refreshes of `object` that were to be told are answered in full.
    fn refreshes(&self, object: &ObjectKey) -> u64;
    /// Fetches values, decrypted. Waits for the limiter, for others who ask for the same, and through throttling, at
    /// most 30 s.
    fn fetch(
        &self,
        store: &StoreIdentity,
        request: &FetchRequest,
    ) -> impl Future<Output = Result<Fetched, SourceError>> + Send;
}
