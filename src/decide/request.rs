//! What `decide` asks `source` for.

use crate::names::{ParameterRef, PathRead};
use crate::record::{Provenance, Upstream};
use crate::resolve::{Resolved, Source};

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

/// What the spec asks for now: named parameters as it names them, and below a path the names that are known to lie
/// there, or, where nothing is known yet, the path as a whole.
pub(super) fn latest(resolved: &Resolved, upstream: &Upstream) -> Vec<SourceRead> {
    let read = |source: &Source| match source {
        Source::Named(source) => SourceRead::Parameters(vec![source.reference.clone()]),
        Source::Path(source) => match upstream.listings.get(&source.read) {
            Some(listing) if !listing.is_empty() => {
                SourceRead::Parameters(listing.keys().cloned().map(ParameterRef::latest).collect())
            }
            _ => SourceRead::Path(source.read.clone()),
        },
    };
    resolved.sources.iter().map(read).collect()
}

/// Exactly what is applied, each parameter at its version. Holds only while the spec's shape is the applied one.
pub(super) fn pinned(resolved: &Resolved, applied: &Provenance) -> Vec<SourceRead> {
    let mut reads = vec![Vec::new(); resolved.sources.len()];
    for parameter in &applied.parameters {
        if let Some(read) = reads.get_mut(parameter.source) {
            read.push(ParameterRef::version(
                parameter.name.clone(),
                parameter.stamp.version,
            ));
        }
    }
    reads.into_iter().map(SourceRead::Parameters).collect()
}
