//! What `decide` asks `source` for.

use crate::names::ParameterRef;
use crate::resolve::PathRead;

/// What to fetch, decrypted, for one Secret: one entry for each source of the spec, in their order.
///
/// A repair names each parameter at the version that is applied; everything else asks for the newest or for what the
/// spec pins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchRequest {
    /// Why it is fetched; decides its priority.
    pub purpose: Purpose,
    /// What each source reads; as long as `Resolved::sources`.
    pub reads: Vec<SourceRead>,
}

/// Why values are fetched, most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// The Secret is not there yet.
    FirstSync,
    /// Something that was ours was changed by others.
    Repair,
    /// A new version, a new name, or a new spec.
    Change,
}

/// What one source reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceRead {
    /// Whatever lies below a path now.
    Path(PathRead),
    /// These parameters, as named.
    Parameters(Vec<ParameterRef>),
}
