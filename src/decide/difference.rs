//! What is applied against what upstream has.

use std::collections::BTreeMap;

use super::pending::PendingChange;
use super::view::View;
use super::why::Why;
use crate::names::{Origin, ParameterName, ParameterRef};
use crate::record::{Applied, LEGACY, ParameterKind, Provenance, Record, Stamp, Upstream};
use crate::resolve::{Closure, NamedSource, OnMissing, ParameterTypes, PathSource, Resolved, Source};

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

    /// Why the newest values may not be written, where they may not.
    pub fn obstacle(&self, closure: Option<&Closure>) -> Option<Why> {
        if !self.missing.is_empty() {
            return Some(Why::ParameterMissing(self.missing.clone()));
        }
        if self.everything_gone {
            return Some(Why::SourceEmpty);
        }
        if !self.held_removals.is_empty() {
            return Some(Why::RemovalHeld(self.held_removals.clone()));
        }
        closure.map(Why::held)
    }
}

/// Compares. What has not been swept yet counts as unchanged, but for what status says was known to wait before the
/// operator was started again: a fact is acted on only once it is known, and is not forgotten by a restart.
pub(super) fn difference(view: &View<'_>, record: &Record) -> Difference {
    let (resolved, upstream) = (view.resolved, view.upstream);
    let applied = &record.provenance;
    let spec_changed = !view.is_shaped_as(record) || holds_a_refused_type(resolved, applied);
    let origin_changed = is_elsewhere(view, record);
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

/// Whether what the store names now is not where the values came from. Parameters named by ARN have the account of the
/// ARN, whoever answers.
fn is_elsewhere(view: &View<'_>, record: &Record) -> bool {
    let (applied, store) = (&record.provenance, &view.resolved.store);
    let account = |origin: &&Origin| !applied.origin.account.is_empty() && **origin != applied.origin;
    // Release 0.1 recorded no endpoint.
    let endpoint = record.revision != LEGACY && applied.endpoint.as_deref() != store.foreign_endpoint();
    applied.origin.region != store.region
        || endpoint
        || view
            .upstream
            .origin
            .as_ref()
            .is_some_and(|origin| account(&origin))
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
