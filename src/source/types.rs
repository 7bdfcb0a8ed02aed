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
    /// The token of a forced sync that is not answered yet: for each all is looked at once, at once.
    pub forced: Option<String>,
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

/// What is known of a store as a whole, by all that is read through it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreStanding {
    /// The account and region that answered.
    pub origin: Option<Origin>,
    /// Why nothing is read as this identity at all.
    pub fault: Option<SourceError>,
    /// The shortest interval at which is swept now, where the rate does not let intervals be kept.
    pub interval: Option<Duration>,
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
    /// Parameters of which this answer is older than one before, seen once so far. Nothing may be made of an answer
    /// with any: it is asked for again.
    pub lagging: BTreeSet<ParameterName>,
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

/// The room's face: all stores behind one door.
pub trait ParameterStores: Send + Sync + 'static {
    /// Says what `object` wants from now on. Idempotent; a changed `wanted` replaces the old one.
    fn subscribe(&self, object: &ObjectKey, wanted: Wanted);
    /// Forgets `object`.
    fn unsubscribe(&self, object: &ObjectKey);
    /// What is known of all that `object` wants, for a report: from now on the object is triggered when this would be
    /// another answer.
    fn look(&self, object: &ObjectKey) -> Upstream;
    /// The same, for anything but a report.
    fn upstream(&self, object: &ObjectKey) -> Upstream;
    /// Asks for fresh facts about all that `object` wants at once, after a doubtful answer.
    fn refresh(&self, object: &ObjectKey);
    /// What is known of all that is read as this identity.
    fn standing(&self, store: &StoreIdentity) -> StoreStanding;
    /// Fetches values for `object`, decrypted, whose report will be made of them. Waits for the limiter, for others who
    /// ask for the same, and through throttling, at most 30 s.
    fn fetch(
        &self,
        object: &ObjectKey,
        store: &StoreIdentity,
        request: &FetchRequest,
    ) -> impl Future<Output = Result<Fetched, SourceError>> + Send;
}
