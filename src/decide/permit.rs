//! The last question before a write.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::decide;
use super::decision::Action;
use super::request::{FetchRequest, Purpose};
use super::term::Term;
use super::view::View;
use super::why::{Blocked, Why};
use crate::clock::Moment;
use crate::names::{ObjectKey, ParameterName};
use crate::record::{LEGACY, Provenance, Record, Stamp};
use crate::resolve::Source;
use crate::watch::SecretState;

/// Leave to write one Secret once. Only [`permit`] makes one, and `apply` consumes it.
#[derive(Debug)]
pub struct Permit {
    target: ObjectKey,
    precondition: Precondition,
    purpose: Purpose,
    record: Record,
    term: Term,
}

/// What comes before a write: nothing, or its announcement.
#[derive(Debug)]
pub enum Passage {
    /// It may be written.
    Write(Box<Permit>),
    /// Status has to say first that this revision is being written.
    Announce(i64),
}

/// What must still be so when the API server gets the write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Precondition {
    /// Nothing of that name is there: the write is not forced, and lands only where that is still so.
    Absent,
    /// Exactly this object.
    Unchanged {
        /// Its uid.
        uid: String,
        /// Its resource version.
        resource_version: String,
    },
}

impl Precondition {
    /// That the Secret is still as it is here.
    pub fn of(secret: &SecretState) -> Self {
        match secret {
            SecretState::Absent => Self::Absent,
            SecretState::Present(meta) => Self::Unchanged {
                uid: meta.uid.to_string(),
                resource_version: meta.version.to_string(),
            },
        }
    }
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

    /// What is applied once it is written.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// How long it counts: asked last of all, when the request is handed to the client.
    pub fn term(&self) -> &Term {
        &self.term
    }
}

/// Asks once more, on a fresh view and clock, whether what was fetched for `request` may be written.
///
/// `desired` is what the values turned out to be, `now` gate time, and `given` this computer's own clocks at that moment.
/// Where the answer is no, the values are dropped. A change has to be announced first; then it is asked again.
pub fn permit(
    view: &View<'_>,
    request: &FetchRequest,
    desired: &Provenance,
    now: Timestamp,
    given: Moment,
) -> Result<Passage, Why> {
    let again = match decide(view, now).action {
        Action::Leave(why) => return Err(why),
        Action::Release => return Err(Why::Overtaken),
        Action::Write(again) => again,
    };
    if again.purpose != request.purpose || desired.shape != view.resolved.shape {
        return Err(Why::Overtaken);
    }
    let record = match (request.purpose, view.record()) {
        (Purpose::Repair, Some(record)) => {
            check_repair(record, desired)?;
            // Its own text again: a repair is nothing new.
            record.clone()
        }
        (Purpose::Repair, None) => return Err(Why::Overtaken),
        (Purpose::FirstSync | Purpose::Change, known) => {
            check_latest(view, desired)?;
            let revision = view.next_revision(now);
            // Where there is nothing to fall back to, there is nothing to be in doubt about.
            if known.is_some() && !(view.announced == Some(revision) && view.is_announced(revision)) {
                return Ok(Passage::Announce(revision));
            }
            Record {
                uid: view.resolved.uid.to_string(),
                revision,
                provenance: desired.clone(),
            }
        }
    };
    Ok(Passage::Write(Box::new(Permit {
        target: ObjectKey::new(
            view.resolved.object.namespace.clone(),
            view.resolved.target.name.as_str(),
        ),
        precondition: Precondition::of(view.secret),
        purpose: request.purpose,
        record,
        term: Term::new(given, view.resolved.gate.certain_until(now)),
    })))
}

/// A repair brings back exactly what was applied: the same origin, the same set, and each with its version and time. A
/// parameter that was deleted and made anew has the same version numbers and other values.
fn check_repair(record: &Record, desired: &Provenance) -> Result<(), Why> {
    let applied = &record.provenance;
    let endpoint = record.revision == LEGACY || desired.endpoint == applied.endpoint;
    if desired.origin != applied.origin || !endpoint {
        return Err(Why::RepairBlocked(Blocked::OriginChanged));
    }
    let set = |provenance: &Provenance| -> BTreeMap<(usize, ParameterName), Stamp> {
        let parameters = provenance.parameters.iter();
        parameters
            .map(|parameter| ((parameter.source, parameter.name.clone()), parameter.stamp))
            .collect()
    };
    let (found, wanted) = (set(desired), set(applied));
    let differ = |(key, stamp): (&(usize, ParameterName), &Stamp), other: &BTreeMap<_, _>| {
        (other.get(key) != Some(stamp)).then(|| key.1.clone())
    };
    let gone = wanted.iter().filter_map(|entry| differ(entry, &found));
    let more = found.iter().filter_map(|entry| differ(entry, &wanted));
    let gone: BTreeSet<ParameterName> = gone.chain(more).collect();
    if gone.is_empty() {
        Ok(())
    } else {
        Err(Why::RepairBlocked(Blocked::AppliedVersionGone(
            gone.into_iter().collect(),
        )))
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
    for applied in view
        .record()
        .into_iter()
        .flat_map(|record| &record.provenance.parameters)
    {
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
