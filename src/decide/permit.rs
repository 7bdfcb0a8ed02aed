//! The last question before a write.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::request::{FetchRequest, Purpose};
use super::view::View;
use super::why::{Blocked, Why};
use super::{Action, decide};
use crate::names::{ObjectKey, ParameterName};
use crate::record::{Applied, Provenance};
use crate::resolve::Source;
use crate::watch::SecretState;

/// Leave to write one Secret once. Only [`permit`] makes one, and `apply` consumes it.
#[derive(Debug)]
pub struct Permit {
    target: ObjectKey,
    precondition: Precondition,
    purpose: Purpose,
}

/// What must still be so when the API server gets the write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Precondition {
    /// Nothing of that name is there, or what is there conflicts with nothing: the write is not forced.
    Absent,
    /// Exactly this object.
    Unchanged {
        /// Its uid.
        uid: String,
        /// Its resource version.
        resource_version: String,
    },
}

impl Permit {
    /// The Secret that may be written.
    pub fn target(&self) -> &ObjectKey {
        &self.target
    }

    /// What must still be so.
    pub fn precondition(&self) -> &Precondition {
        &self.precondition
    }

    /// Why it is written.
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }
}

/// Asks once more, on a fresh view and clock, whether what was fetched for `request` may be written.
///
/// `desired` is what the values turned out to be. Where the answer is no, the values are dropped.
pub fn permit(
    view: &View<'_>,
    request: &FetchRequest,
    desired: &Provenance,
    now: Timestamp,
) -> Result<Permit, Why> {
    let again = match decide(view, now).action {
        Action::Leave(why) => return Err(why),
        Action::Release => return Err(Why::Overtaken),
        Action::Write(again) => again,
    };
    let repairs = |request: &FetchRequest| request.purpose == Purpose::Repair;
    if repairs(&again) != repairs(request) || desired.shape != view.resolved.shape {
        return Err(Why::Overtaken);
    }
    if repairs(request) {
        check_repair(view, desired)?;
    } else {
        check_latest(view, desired)?;
    }
    Ok(Permit {
        target: ObjectKey::new(
            view.resolved.object.namespace.clone(),
            view.resolved.target.name.as_str(),
        ),
        precondition: match view.secret {
            SecretState::Absent => Precondition::Absent,
            SecretState::Present(meta) => Precondition::Unchanged {
                uid: meta.uid.clone(),
                resource_version: meta.resource_version.clone(),
            },
        },
        purpose: request.purpose,
    })
}

/// A repair brings back exactly what was applied: the same origin, versions and times.
fn check_repair(view: &View<'_>, desired: &Provenance) -> Result<(), Why> {
    let applied = view.applied().ok_or(Why::Overtaken)?;
    if desired.origin != applied.origin {
        return Err(Why::RepairBlocked(Blocked::OriginChanged));
    }
    let key = |parameter: &Applied| (parameter.source, parameter.name.clone());
    let found: BTreeMap<_, _> = desired
        .parameters
        .iter()
        .map(|found| (key(found), found.stamp))
        .collect();
    let gone: Vec<ParameterName> = applied
        .parameters
        .iter()
        .filter(|parameter| found.get(&key(parameter)) != Some(&parameter.stamp))
        .map(|parameter| parameter.name.clone())
        .collect();
    if gone.is_empty() {
        Ok(())
    } else {
        Err(Why::RepairBlocked(Blocked::AppliedVersionGone(gone)))
    }
}

/// Reads lag behind writes: what was seen before must not be missing or older now, unless its end was seen twice.
fn check_latest(view: &View<'_>, desired: &Provenance) -> Result<(), Why> {
    let found: BTreeMap<_, _> = desired
        .parameters
        .iter()
        .map(|found| (&found.name, found.stamp))
        .collect();
    let mut lagging = BTreeSet::new();
    for listing in view.upstream.listings.values() {
        for (name, entry) in listing {
            let behind = found.get(name).is_none_or(|stamp| {
                stamp.version < entry.stamp.version && stamp.last_modified <= entry.stamp.last_modified
            });
            if behind {
                lagging.insert(name.clone());
            }
        }
    }
    for applied in view.applied().iter().flat_map(|applied| &applied.parameters) {
        if !found.contains_key(&applied.name) && still_wanted_and_not_known_gone(view, &applied.name) {
            lagging.insert(applied.name.clone());
        }
    }
    if lagging.is_empty() {
        Ok(())
    } else {
        Err(Why::Lagging(lagging.into_iter().collect()))
    }
}

fn still_wanted_and_not_known_gone(view: &View<'_>, name: &ParameterName) -> bool {
    view.resolved.sources.iter().any(|source| match source {
        Source::Path(source) => source.read.wants(name) && !view.upstream.listings.contains_key(&source.read),
        Source::Named(source) => {
            source.reference.name == *name && view.upstream.parameters.get(&source.reference) != Some(&None)
        }
    })
}
