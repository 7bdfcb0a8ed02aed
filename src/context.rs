//! What every pass shares, and what is remembered of an object between passes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use kube::ResourceExt;
use kube::runtime::controller::Action as Requeue;
use kube::runtime::reflector::{ObjectRef, Store};

use crate::admin::Metrics;
use crate::api::ParameterSync;
use crate::apply::{Applied, ApplyError, SecretSink};
use crate::clock::Clock;
use crate::decide::{
    CONTEST_WINDOW, FetchRequest, PendingChange, Purpose, SecretState, View, Why, pending_changes,
};
use crate::error::Class;
use crate::names::{ObjectKey, ParameterName};
use crate::provenance::Provenance;
use crate::reconcile::Pass;
use crate::report::{Outcome, Report, recorded};
use crate::resolve::{EndpointPolicy, Refusal, Resolved, Source, Surroundings, resolve};
use crate::schedule;
use crate::source::{ParameterStores, Upstream, Wanted};
use crate::watch::Indexes;

/// All that a pass works with.
pub struct Context<S, K, R, C> {
    /// Parameter Store.
    pub stores: S,
    /// Where Secrets are written.
    pub secrets: K,
    /// Where status is written.
    pub status: R,
    /// The time.
    pub clock: C,
    /// What is watched.
    pub indexes: Arc<Indexes>,
    /// The ParameterSyncs themselves.
    pub objects: Store<ParameterSync>,
    /// Where stores of tenants may send the operator.
    pub endpoints: EndpointPolicy,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// What is remembered of each object. Lost with the process, and nothing goes wrong by that.
    pub memory: Mutex<HashMap<ObjectKey, Memory>>,
}

/// What is remembered of one object between passes.
#[derive(Default)]
pub struct Memory {
    failures: u32,
    repairs: Vec<Timestamp>,
    doom: Option<(Doom, Outcome)>,
    status_version: Option<u64>,
}

/// A write that cannot succeed until something else is so: asking again would only decrypt again.
#[derive(PartialEq)]
pub struct Doom {
    object: ObjectKey,
    resolved: (crate::provenance::Shape, crate::resolve::StoreIdentity),
    upstream: Upstream,
    request: FetchRequest,
}

impl Doom {
    /// What a write depends on.
    pub fn new(world: &World, request: &FetchRequest) -> Self {
        let resolved = &world.resolved;
        Self {
            object: resolved.object.clone(),
            resolved: (resolved.shape.clone(), resolved.store.clone()),
            upstream: world.upstream.clone(),
            request: request.clone(),
        }
    }
}

/// One object and all that is known about it at one moment.
pub struct World {
    /// The object.
    pub resolved: Arc<Resolved>,
    /// What Parameter Store has.
    pub upstream: Upstream,
    secret: SecretState,
    recorded: Option<Provenance>,
    deleting: bool,
    namespace_terminating: bool,
    repairs: Vec<Timestamp>,
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
            repairs: &self.repairs,
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

impl<S: ParameterStores, K: SecretSink, R, C: Clock> Context<S, K, R, C> {
    /// Resolves the object against the indexes as they are now.
    pub fn resolve(&self, object: &ParameterSync) -> Result<Arc<Resolved>, Refusal> {
        let around = Surroundings {
            syncs: &self.indexes.syncs(),
            stores: &self.indexes.stores(),
            namespaces: &self.indexes.namespaces(),
            endpoints: &self.endpoints,
        };
        resolve(object, &around).map(Arc::new)
    }

    /// The pass of an object that cannot be acted on. What it wanted is no longer asked for: access may be what it
    /// lost.
    pub(crate) fn refused(&self, key: &ObjectKey, object: &ParameterSync, refusal: Refusal) -> Pass {
        self.stores.unsubscribe(key);
        let target = object.spec.target.as_ref().and_then(|target| target.name.clone());
        Pass::refused(target.unwrap_or_else(|| key.name.to_string()), refusal)
    }

    /// All that is known about the object now. A Secret that the index does not have is looked for at the API server:
    /// it may be there without our label.
    pub async fn look(&self, object: &ParameterSync, resolved: Arc<Resolved>) -> Result<World, ApplyError> {
        let target = ObjectKey::new(resolved.object.namespace.clone(), resolved.target.name.as_str());
        let known = self.indexes.secrets().get(&target).cloned();
        let secret = match known {
            Some(meta) => SecretState::Present(meta),
            None => self.secrets.look(&target).await?,
        };
        Ok(World {
            upstream: self.stores.upstream(&resolved.object),
            secret,
            recorded: recorded(object, &resolved.target.name),
            deleting: object.metadata.deletion_timestamp.is_some(),
            namespace_terminating: self
                .indexes
                .namespaces()
                .is_terminating(&resolved.object.namespace),
            repairs: self
                .memory()
                .get(&resolved.object)
                .map(|known| known.repairs.clone())
                .unwrap_or_default(),
            resolved,
        })
    }

    /// The same, from the newest form of the object; none where it is gone or can no longer be acted on.
    pub async fn look_again(&self, object: &ParameterSync) -> Result<Option<World>, ApplyError> {
        let Some(newest) = self.objects.get(&ObjectRef::from_obj(object)) else {
            return Ok(None);
        };
        match self.resolve(&newest) {
            Ok(resolved) if newest.uid() == object.uid() => self.look(&newest, resolved).await.map(Some),
            _ => Ok(None),
        }
    }

    /// Tells the engine what the object wants to know of.
    pub fn subscribe(&self, world: &World) {
        let resolved = &world.resolved;
        let applied = world.view().applied();
        let mut wanted = Wanted {
            store: resolved.store.clone(),
            limits: resolved.limits,
            interval: resolved.interval,
            paths: Default::default(),
            parameters: Default::default(),
            applied: applied
                .into_iter()
                .flat_map(|applied| &applied.parameters)
                .map(|parameter| (parameter.name.clone(), parameter.stamp))
                .collect(),
            applied_origin: applied.map(|applied| applied.origin.clone()),
        };
        for source in &resolved.sources {
            match source {
                Source::Path(source) => wanted.paths.insert(source.read.clone()),
                Source::Named(source) => wanted.parameters.insert(source.reference.clone()),
            };
        }
        self.stores.subscribe(&resolved.object, wanted);
    }

    /// Answers a forced sync: asks for fresh facts, and gives the token once they are there.
    pub fn answer_sync_request(&self, object: &ParameterSync, mut world: World) -> (World, Option<String>) {
        let handled = object
            .status
            .as_ref()
            .and_then(|status| status.last_handled_sync_request.as_ref());
        match &world.resolved.sync_request {
            Some(token) if Some(token) != handled => {
                let token = token.clone();
                self.stores.refresh(&world.resolved.object);
                world.upstream = self.stores.upstream(&world.resolved.object);
                (world, Some(token))
            }
            _ => (world, None),
        }
    }

    /// Folds a write in, so that the index knows of it before the watch does.
    pub fn applied(&self, object: &ObjectKey, applied: &Applied) {
        self.indexes
            .secrets_mut()
            .apply(applied.secret.clone(), applied.meta.clone());
        self.metrics.secret_written(applied.purpose, applied.created);
        if applied.purpose == Purpose::Repair {
            let now = self.clock.now();
            let mut memory = self.memory();
            let repairs = &mut memory.entry(object.clone()).or_default().repairs;
            repairs.retain(|at| now.duration_since(*at) < CONTEST_WINDOW);
            repairs.push(now);
        }
    }

    /// The outcome of the same write when it was tried before, where nothing has changed since.
    pub fn doomed(&self, world: &World, request: &FetchRequest) -> Option<Outcome> {
        let memory = self.memory();
        let (doom, outcome) = memory.get(&world.resolved.object)?.doom.as_ref()?;
        (*doom == Doom::new(world, request)).then(|| outcome.clone())
    }

    /// Remembers a write that only a change of something else can help.
    pub fn remember_doom(&self, doom: Doom, outcome: &Outcome) {
        let lasting = matches!(
            outcome,
            Outcome::TransformFailed(_)
                | Outcome::Left {
                    why: Why::RepairBlocked(_),
                    ..
                }
        );
        if lasting {
            // The fetch itself has told the catalog something: the world to compare with is the one after it.
            let upstream = self.stores.upstream(&doom.object);
            let mut memory = self.memory();
            let known = memory.entry(doom.object.clone()).or_default();
            known.doom = Some((Doom { upstream, ..doom }, outcome.clone()));
        }
    }

    /// When to look again: at a wake, or after a fault by a backoff that doubles up to five minutes.
    pub fn requeue(
        &self,
        key: &ObjectKey,
        outcome: &Outcome,
        wakes: [Option<Timestamp>; 2],
        now: Timestamp,
    ) -> Requeue {
        const CAP: Duration = Duration::from_secs(300);
        let base = match outcome.class() {
            None => None,
            Some(_) if outcome.waits_for_its_object() => None,
            Some(Class::Transient | Class::Throttled | Class::Conflict) => Some(Duration::from_secs(1)),
            Some(Class::Denied | Class::NotFound | Class::Bug) => Some(Duration::from_secs(5)),
            // Only an edit or a change upstream helps, and either triggers.
            Some(Class::Invalid) => None,
        };
        let mut memory = self.memory();
        let known = memory.entry(key.clone()).or_default();
        known.failures = if base.is_some() {
            known.failures.saturating_add(1)
        } else {
            0
        };
        if matches!(outcome, Outcome::Applied { .. }) {
            known.doom = None;
        }
        let seed = schedule::stable_hash(&[&key.namespace, &key.name]) ^ u64::from(known.failures);
        let retry = base.map(|base| schedule::backoff(known.failures, base, CAP, seed));
        drop(memory);
        if retry.is_some() && outcome.wants_fresh_facts() {
            self.stores.refresh(key);
        }
        let wake = wakes
            .into_iter()
            .flatten()
            .min()
            .map(|wake| schedule::until(now, wake));
        match [retry, wake].into_iter().flatten().min() {
            Some(after) => Requeue::requeue(after),
            None => Requeue::await_change(),
        }
    }

    /// Forgets an object that is gone.
    pub fn forget(&self, key: &ObjectKey) {
        self.stores.unsubscribe(key);
        self.memory().remove(key);
        self.metrics.object_gone(key);
    }

    /// Notes that a status was written, so that a pass on a copy from before it does not answer it with another.
    pub fn said(&self, key: &ObjectKey, said: &Report, version: Option<u64>) {
        if version.is_some() {
            self.metrics.status_written();
            self.memory().entry(key.clone()).or_default().status_version = version;
        }
        let ready = said
            .status
            .conditions
            .iter()
            .flatten()
            .find(|condition| condition.type_ == "Ready");
        if let Some(ready) = ready {
            let status = if ready.status == "True" { "True" } else { "False" };
            self.metrics.object_is(key, status, &ready.reason);
        }
    }

    /// Whether this copy of the object is older than our own last status write.
    pub fn is_behind_own_write(&self, key: &ObjectKey, object: &ParameterSync) -> bool {
        let version = object
            .resource_version()
            .and_then(|version| version.parse::<u64>().ok());
        let ours = self.memory().get(key).and_then(|known| known.status_version);
        matches!((version, ours), (Some(version), Some(ours)) if version < ours)
    }

    fn memory(&self) -> MutexGuard<'_, HashMap<ObjectKey, Memory>> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
