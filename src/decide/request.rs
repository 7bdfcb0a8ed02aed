//! What `decide` asks `source` for.

use crate::names::{ParameterRef, PathRead};
use crate::record::{Provenance, Upstream};
use crate::resolve::{Readable, Resolved, Source};

/// What to fetch, decrypted, for one Secret: one entry for each source of the spec, in their order.
///
/// A repair names each parameter at the version that is applied; everything else asks for the newest or for what the
/// spec pins. Nothing but what is [`Readable`] is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchRequest {
    /// Why it is fetched; decides its priority.
    pub purpose: Purpose,
    /// What each source reads; as long as `Resolved::sources`.
    pub reads: Vec<SourceRead>,
}

impl FetchRequest {
    /// The same wish where more is known: the names that lie below a path stand for the path as a whole.
    #[must_use]
    pub fn knowing(self, resolved: &Resolved, upstream: &Upstream) -> Self {
        match self.purpose {
            Purpose::Repair => self,
            Purpose::FirstSync | Purpose::Change => Self {
                reads: latest(resolved, upstream),
                ..self
            },
        }
    }
}

/// Why values are fetched, most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// Nothing is known to be applied: the Secret is made, or adopted.
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
    Path(Readable<PathRead>),
    /// These parameters, as named.
    Parameters(Vec<Readable<ParameterRef>>),
}

/// What the spec asks for now: named parameters as it names them, and below a path the names that are known to lie
/// there, or, where nothing is known yet, the path as a whole.
pub(super) fn latest(resolved: &Resolved, upstream: &Upstream) -> Vec<SourceRead> {
    let read = |(at, source): (usize, &Source)| match source {
        Source::Named(source) => {
            SourceRead::Parameters(resolved.read(at, source.reference.clone()).into_iter().collect())
        }
        Source::Path(source) => {
            let listing = upstream
                .listings
                .get(&source.read)
                .filter(|listing| !listing.is_empty());
            match (listing, resolved.read_path(at)) {
                (None, Some(path)) => SourceRead::Path(path),
                (listing, _) => {
                    let names = listing.into_iter().flat_map(|listing| listing.keys());
                    let names = names.cloned().map(ParameterRef::latest);
                    SourceRead::Parameters(names.filter_map(|name| resolved.read(at, name)).collect())
                }
            }
        }
    };
    resolved.sources.iter().enumerate().map(read).collect()
}

/// Exactly what is applied, each parameter at its version; none where the spec does not want one of them any more.
pub(super) fn pinned(resolved: &Resolved, applied: &Provenance) -> Option<Vec<SourceRead>> {
    let mut reads = vec![Vec::new(); resolved.sources.len()];
    for parameter in &applied.parameters {
        let pin = ParameterRef::version(parameter.name.clone(), parameter.stamp.version);
        let read = resolved.read(parameter.source, pin)?;
        reads.get_mut(parameter.source)?.push(read);
    }
    Some(reads.into_iter().map(SourceRead::Parameters).collect())
}
