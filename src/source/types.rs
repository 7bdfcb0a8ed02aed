//! What goes in and out of the room.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::time::Duration;

use crate::decide::FetchRequest;
use crate::names::{ObjectKey, Origin, ParameterName, ParameterRef, PathRead};
use crate::record::{ParameterKind, SourceError, Stamp, Upstream};
use crate::resolve::{Limits, StoreIdentity};
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
