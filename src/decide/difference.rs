//! What is applied against what upstream has.

use std::collections::BTreeMap;

use super::view::View;
use crate::names::{ParameterName, ParameterRef};
use crate::record::{Applied, ParameterKind, Provenance, Stamp, Upstream};
use crate::resolve::{NamedSource, OnMissing, ParameterTypes, PathSource, Resolved, Source};

/// A change that is known upstream and not in the Secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingChange {
    /// The parameter.
    pub name: ParameterName,
    /// The version in the Secret; none for a new parameter.
    pub from: Option<i64>,
    /// The version upstream; none for one that is gone.
    pub to: Option<i64>,
}

/// All in which the Secret and what it should hold differ.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Difference {
    /// The spec shapes another Secret now.
    pub spec_changed: bool,
    /// The store answers from another account or region.
    pub origin_changed: bool,
    /// New, changed and vanished parameters.
    pub changes: Vec<PendingChange>,
    /// Named parameters that do not exist and are not optional.
    pub missing: Vec<ParameterRef>,
    /// Vanished parameters whose source says that the Secret then stays as it is.
    pub held_removals: Vec<ParameterName>,
    /// Everything applied is gone, and nothing new is there.
    pub everything_gone: bool,
}

impl Difference {
    /// Whether nothing differs.
    pub fn is_none(&self) -> bool {
        !self.spec_changed && !self.origin_changed && self.changes.is_empty() && self.missing.is_empty()
    }

    /// The changes for status.
    pub fn pending(&self) -> Vec<PendingChange> {
        self.changes.clone()
    }
}

/// Compares. What has not been swept yet counts as unchanged, but for what status says was known to wait before the
/// operator was started again: a fact is acted on only once it is known, and is not forgotten by a restart.
pub(super) fn difference(view: &View<'_>, applied: &Provenance) -> Difference {
    let (resolved, upstream) = (view.resolved, view.upstream);
    let spec_changed = applied.shape != resolved.shape || holds_a_refused_type(resolved, applied);
    let origin_changed = applied.origin.region != resolved.store.region
        || upstream
            .origin
            .as_ref()
            .is_some_and(|origin| *origin != applied.origin);
    let mut differs = Difference {
        spec_changed,
        origin_changed,
        ..Difference::default()
    };
    differs.changes = carried(view, applied);
    let mut left = 0;
    for (index, source) in resolved.sources.iter().enumerate() {
        // After a change of spec the indexes mean other sources; then names alone are compared.
        let applied: BTreeMap<&ParameterName, Stamp> = applied
            .parameters
            .iter()
            .filter(|parameter| spec_changed || parameter.source == index)
            .map(|parameter| (&parameter.name, parameter.stamp))
            .collect();
        left += match source {
            Source::Path(source) => compare_path(source, &applied, upstream, &mut differs),
            Source::Named(source) => compare_named(source, &applied, upstream, &mut differs),
        };
    }
    differs.everything_gone = left == 0 && !applied.parameters.is_empty() && !differs.changes.is_empty();
    differs.changes.sort_by(|a, b| a.name.cmp(&b.name));
    differs.changes.dedup();
    differs
}

/// What status says waits, as far as it fits what is applied and was not looked at since.
fn carried(view: &View<'_>, applied: &Provenance) -> Vec<PendingChange> {
    let version = |name: &ParameterName| {
        let mut parameters = applied.parameters.iter();
        parameters
            .find(|parameter| parameter.name == *name)
            .map(|parameter| parameter.stamp.version)
    };
    let unseen = |name: &ParameterName| {
        view.resolved.sources.iter().any(|source| match source {
            Source::Path(source) => {
                source.read.wants(name) && !view.upstream.listings.contains_key(&source.read)
            }
            Source::Named(source) => {
                source.reference.name == *name && !view.upstream.parameters.contains_key(&source.reference)
            }
        })
    };
    let fits = |change: &&PendingChange| change.from == version(&change.name) && unseen(&change.name);
    view.recorded_pending.iter().filter(fits).cloned().collect()
}

/// Whether the store has come to refuse a type that is in the Secret: no version tells that.
fn holds_a_refused_type(resolved: &Resolved, applied: &Provenance) -> bool {
    let secure = |parameter: &Applied| parameter.kind == ParameterKind::SecureString;
    resolved.parameter_types == ParameterTypes::SecureStringOnly && !applied.parameters.iter().all(secure)
}

/// Notes what differs below a path; gives the number of parameters that are left.
fn compare_path(
    source: &PathSource,
    applied: &BTreeMap<&ParameterName, Stamp>,
    upstream: &Upstream,
    differs: &mut Difference,
) -> usize {
    let Some(listing) = upstream.listings.get(&source.read) else {
        return applied.keys().filter(|name| source.read.wants(name)).count();
    };
    for (name, entry) in listing {
        let from = applied.get(name).copied();
        if from != Some(entry.stamp) {
            let from = from.map(|stamp| stamp.version);
            differs.changes.push(PendingChange {
                name: name.clone(),
                from,
                to: Some(entry.stamp.version),
            });
        }
    }
    for (name, stamp) in applied.iter().filter(|(name, _)| source.read.wants(name)) {
        if !listing.contains_key(*name) {
            let name = (*name).clone();
            if source.on_missing == OnMissing::Hold {
                differs.held_removals.push(name.clone());
            }
            differs.changes.push(PendingChange {
                name,
                from: Some(stamp.version),
                to: None,
            });
        }
    }
    listing.len()
}

/// Notes what differs about one parameter; gives 1 where there is one.
fn compare_named(
    source: &NamedSource,
    applied: &BTreeMap<&ParameterName, Stamp>,
    upstream: &Upstream,
    differs: &mut Difference,
) -> usize {
    let name = &source.reference.name;
    let from = applied.get(name).copied();
    let to = match upstream.parameters.get(&source.reference) {
        None => return usize::from(from.is_some()),
        Some(entry) => entry.map(|entry| entry.stamp),
    };
    if to.is_none() && !source.optional {
        differs.missing.push(source.reference.clone());
    }
    if from != to {
        let (from, to) = (from.map(|stamp| stamp.version), to.map(|stamp| stamp.version));
        differs.changes.push(PendingChange {
            name: name.clone(),
            from,
            to,
        });
    }
    usize::from(to.is_some())
}
