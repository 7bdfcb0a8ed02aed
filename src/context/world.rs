//! One object and all that is known about it at one moment.

use std::sync::Arc;

use jiff::Timestamp;

use crate::decide::{FetchRequest, PendingChange, Purpose, View, pending_changes};
use crate::names::{ObjectKey, ParameterName};
use crate::record::{Provenance, Shape, Upstream};
use crate::report::Outcome;
use crate::resolve::{ParameterTypes, Resolved, StoreIdentity};
use crate::watch::SecretState;

/// A write that cannot succeed until something else is so: asking again would only decrypt again.
#[derive(PartialEq)]
pub struct Doom {
    pub(super) object: ObjectKey,
    pub(super) resolved: (Shape, StoreIdentity, ParameterTypes),
    pub(super) upstream: Upstream,
    pub(super) request: FetchRequest,
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

    /// Whether it is the newest values of this world that were refused.
    pub(super) fn is_of_newest(&self, world: &World) -> bool {
        self.request.purpose != Purpose::Repair && *self == Self::new(world, &self.request)
    }
}

/// What Parameter Store has, without how well it can be asked: that comes and goes, and mends no value.
pub(super) fn facts(upstream: Upstream) -> Upstream {
    Upstream {
        fault: None,
        effective_interval: None,
        forced: None,
        ..upstream
    }
}

/// One object and all that is known about it at one moment.
pub struct World {
    /// The object.
    pub resolved: Arc<Resolved>,
    /// What Parameter Store has.
    pub upstream: Upstream,
    pub(super) secret: SecretState,
    pub(super) recorded: Option<Provenance>,
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
            recorded: self.recorded.as_ref(),
            upstream: &self.upstream,
            deleting: self.deleting,
            namespace_terminating: self.namespace_terminating,
            newest_refused: self.refused.is_some(),
            repairs: &self.repairs,
            recorded_pending: &self.recorded_pending,
            crowd: self.crowd,
        }
    }

    /// What others changed, and who.
    pub fn drift(&self) -> (Vec<String>, Vec<String>) {
        match &self.secret {
            SecretState::Present(meta) => (meta.lost.clone(), meta.rivals.clone()),
            SecretState::Absent => (Vec::new(), Vec::new()),
        }
    }

    /// What is known upstream and not in the Secret.
    pub fn pending(&self) -> Vec<PendingChange> {
        pending_changes(&self.view())
    }

    /// The parameters in which `desired` differs from what is applied.
    pub fn changed_names(&self, desired: &Provenance) -> Vec<ParameterName> {
        let before = self.view().applied().map(|applied| &applied.parameters);
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
