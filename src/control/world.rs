//! One object and all that is known about it at one moment. Pure.

use std::sync::Arc;

use jiff::Timestamp;

use crate::decide::{FetchRequest, PendingChange, Purpose, View, pending_changes};
use crate::names::{ObjectKey, ParameterName};
use crate::record::{LEGACY, Provenance, Record, RecordTooNew, Shape, Stated, Upstream};
use crate::report::Outcome;
use crate::resolve::{ParameterTypes, Resolved, StoreIdentity};
use crate::watch::{Drift, SecretState};

/// A write that cannot succeed until something else is so: asking again would only decrypt again.
#[derive(Clone, Debug, PartialEq)]
pub struct Doom {
    object: ObjectKey,
    resolved: (Shape, StoreIdentity, ParameterTypes),
    upstream: Upstream,
    request: FetchRequest,
}

impl Doom {
    /// What a write depends on.
    pub fn new(world: &World, request: &FetchRequest) -> Self {
        let resolved = &world.resolved;
        Self {
            object: resolved.object.clone(),
            resolved: (
                resolved.shape.clone(),
                resolved.store.clone(),
                resolved.parameter_types,
            ),
            upstream: facts(world.upstream.clone()),
            request: request.clone(),
        }
    }

    /// The same in the world that the fetch has told of: what it learned is no reason to ask again, in other words
    /// neither.
    pub(super) fn after(self, resolved: &Resolved, upstream: Upstream) -> Self {
        Self {
            request: self.request.knowing(resolved, &upstream),
            upstream: facts(upstream),
            ..self
        }
    }

    /// Whether it is the newest values of this world that were refused.
    pub(super) fn is_of_newest(&self, world: &World) -> bool {
        self.request.purpose != Purpose::Repair && *self == Self::new(world, &self.request)
    }
}

/// What Parameter Store has, without how well it can be asked: that comes and goes, and mends no value.
fn facts(upstream: Upstream) -> Upstream {
    Upstream {
        fault: None,
        effective_interval: None,
        forced: None,
        ..upstream
    }
}

/// One object and all that is known about it at one moment.
#[derive(Clone, Debug)]
pub struct World {
    /// The object.
    pub resolved: Arc<Resolved>,
    /// What Parameter Store has.
    pub upstream: Upstream,
    /// The Secret.
    pub secret: SecretState,
    /// What others changed of it, where that was looked at.
    pub drift: Drift,
    /// What status states.
    pub stated: Result<Stated, RecordTooNew>,
    pub(super) unrecorded: Option<Record>,
    pub(super) announced: Option<i64>,
    pub(super) deleting: bool,
    pub(super) namespace_terminating: bool,
    pub(super) repairs: Vec<Timestamp>,
    pub(super) recorded_pending: Vec<PendingChange>,
    pub(super) crowd: usize,
    /// What came of the newest values, where they were fetched already and make no Secret.
    pub refused: Option<Outcome>,
}

impl World {
    /// The world as `decide` takes it.
    pub fn view(&self) -> View<'_> {
        View {
            resolved: &self.resolved,
            secret: &self.secret,
            stated: self.stated.as_ref(),
            unrecorded: self.unrecorded.as_ref(),
            announced: self.announced,
            upstream: &self.upstream,
            deleting: self.deleting,
            namespace_terminating: self.namespace_terminating,
            newest_refused: self.refused.is_some(),
            repairs: &self.repairs,
            drift: &self.drift,
            recorded_pending: &self.recorded_pending,
            crowd: self.crowd,
        }
    }

    /// What is applied.
    pub fn record(&self) -> Option<&Record> {
        self.view().record()
    }

    /// The world in which status says what was just written.
    #[must_use]
    pub fn recorded(mut self) -> Self {
        if let Some(record) = self.unrecorded.take() {
            let floor = record.revision;
            self.stated = Ok(Stated {
                record: Some(record),
                floor,
                ..Stated::default()
            });
        }
        self
    }

    /// What release 0.1 did not record is what the spec asks for, as long as that is the spec it wrote.
    pub(super) fn complete_legacy(&mut self) {
        let resolved = &self.resolved;
        if let Ok(Stated {
            record: Some(record), ..
        }) = &mut self.stated
            && record.revision == LEGACY
            && record.provenance.shape == resolved.legacy_shape
        {
            let target = &resolved.target;
            record.provenance.template_keys = target.templates.keys().cloned().collect();
            record.provenance.labels = target.labels.keys().cloned().collect();
            record.provenance.annotations = target.annotations.keys().cloned().collect();
        }
    }

    /// What is known upstream and not in the Secret.
    pub fn pending(&self) -> Vec<PendingChange> {
        pending_changes(&self.view())
    }

    /// The parameters in which `desired` differs from what is applied.
    pub fn changed_names(&self, desired: &Provenance) -> Vec<ParameterName> {
        let before = self.record().map(|record| &record.provenance.parameters);
        desired
            .parameters
            .iter()
            .filter(|now| {
                !before
                    .into_iter()
                    .flatten()
                    .any(|old| (&old.name, old.stamp) == (&now.name, now.stamp))
            })
            .map(|parameter| parameter.name.clone())
            .collect()
    }
}
