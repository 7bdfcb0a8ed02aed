//! What every pass shares, and what is remembered of an object between passes.

mod world;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use kube::ResourceExt;
use kube::runtime::controller::Action as Requeue;
use kube::runtime::reflector::{ObjectRef, Store};
use tokio::sync::Notify;

use self::world::facts;
pub use self::world::{Doom, World};
use crate::api::{ParameterSync, StoreStatus};
use crate::apply::{Applied, ApplyError, SecretSink};
use crate::clock::Clock;
use crate::decide::{CONTEST_WINDOW, FetchRequest, Purpose, Why};
use crate::error::Class;
use crate::metrics::{Metrics, WriteKind};
use crate::names::{CalendarKey, ObjectKey};
use crate::reconcile::Pass;
use crate::record::Scope;
use crate::report::{Held, Outcome, Report, Waiting, recorded, recorded_pending, store_status};
use crate::resolve::{
    Allowance, EndpointPolicy, Refusal, Resolved, Source, Surroundings, check_store, resolve, store_identity,
};
use crate::schedule;
use crate::source::{CalendarReader, ParameterStores, SECOND_SIGHTING, Sweeping, Wanted};
use crate::watch::{Indexes, SecretState, StoreKey, Triggers};

/// How soon a pass that was overtaken by a change is made again.
pub const SOON: Duration = Duration::from_millis(200);
/// After how long a write that was given up is tried again where its way out triggers nothing.
const ASKED_AGAIN: Duration = Duration::from_mins(4);
/// How long the watch may take to show our own status write.
const CATCH_UP: Duration = Duration::from_secs(10);

/// All that a pass works with.
pub struct Context<S, K, R, C> {
    /// Parameter Store.
    pub stores: S,
    /// Calendars that AWS evaluates.
    pub calendars: CalendarReader<CalendarKey>,
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
    /// What the operator's flags let the Secrets of ParameterStores be and say.
    pub listed: Allowance,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Which stores want their status looked at.
    pub store_triggers: Triggers<StoreKey>,
    /// Which objects want a pass.
    pub triggers: Triggers,
    /// Which calendars want to be looked at.
    pub calendar_triggers: Triggers<CalendarKey>,
    /// Who waits for which calendar.
    pub waiting: Mutex<Waiting>,
    /// What is remembered of each object. Lost with the process, and nothing goes wrong by that.
    pub memory: Mutex<HashMap<ObjectKey, Memory>>,
}

/// What is remembered of one object between passes.
#[derive(Default)]
pub struct Memory {
    failures: u32,
    repairs: Vec<Timestamp>,
    doom: Option<(Doom, Outcome)>,
    /// When that was found, by the monotonic clock.
    doomed_at: Duration,
    /// The object's version after our last status write, and when that was, by the monotonic clock.
    status_written: Option<(u64, Duration)>,
    /// The reason of the last pass.
    reason: Option<&'static str>,
    retry: Option<Timestamp>,
    /// Whether Parameter Store was last not to be asked for its sake.
    paused: bool,
    /// Tells a pass that is under way that the object is gone.
    gone: Arc<Notify>,
}

impl<S: ParameterStores, K: SecretSink, R, C: Clock> Context<S, K, R, C> {
    /// Resolves the object against the indexes as they are now.
    pub fn resolve(&self, object: &ParameterSync) -> Result<Arc<Resolved>, Refusal> {
        let around = Surroundings {
            syncs: &self.indexes.syncs(),
            stores: &self.indexes.stores(),
            namespaces: &self.indexes.namespaces(),
            endpoints: &self.endpoints,
            listed: &self.listed,
            calendars: &self.indexes.calendars(),
            contact: &self.indexes.contact().facts(),
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
        let mut world = World {
            upstream: self.stores.upstream(&resolved.object),
            secret,
            recorded: recorded(object, &resolved.target.name),
            deleting: object.metadata.deletion_timestamp.is_some(),
            namespace_terminating: self
                .indexes
                .namespaces()
                .is_terminating(&resolved.object.namespace),
            repairs: Vec::new(),
            recorded_pending: recorded_pending(object),
            crowd: self.waiting().crowd(&resolved.object),
            refused: None,
            resolved,
        };
        self.recall(&mut world);
        Ok(world)
    }

    /// What is remembered of the object, as far as it fits this world.
    fn recall(&self, world: &mut World) {
        if let Some(known) = self.memory().get(&world.resolved.object) {
            world.repairs.clone_from(&known.repairs);
            world.refused = known
                .doom
                .as_ref()
                .filter(|(doom, _)| doom.is_of_newest(world))
                .map(|(_, outcome)| outcome.clone());
        }
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

    /// Tells the engine what the object wants to know of, and takes in what it knows of that.
    pub fn subscribe(&self, object: &ParameterSync, world: &mut World, now: Timestamp) {
        let resolved = &world.resolved;
        let closure = resolved.gate.closure(now);
        let paused = closure.is_some_and(|closure| closure.freeze.scope == Scope::All);
        let applied = world.view().applied();
        let mut wanted = Wanted {
            store: resolved.store.clone(),
            limits: resolved.limits,
            interval: resolved.interval,
            sweeping: if paused { Sweeping::Paused } else { Sweeping::On },
            paths: BTreeSet::new(),
            parameters: BTreeSet::new(),
            applied: applied
                .into_iter()
                .flat_map(|applied| &applied.parameters)
                .map(|parameter| (parameter.name.clone(), parameter.stamp))
                .collect(),
            applied_origin: applied.map(|applied| applied.origin.clone()),
            forced: unanswered(object, resolved).cloned(),
        };
        for source in &resolved.sources {
            match source {
                Source::Path(source) => wanted.paths.insert(source.read.clone()),
                Source::Named(source) => wanted.parameters.insert(source.reference.clone()),
            };
        }
        self.stores.subscribe(&resolved.object, wanted);
        let mut memory = self.memory();
        let known = memory.entry(resolved.object.clone()).or_default();
        let resumed = std::mem::replace(&mut known.paused, paused) && !paused;
        drop(memory);
        if resumed {
            // What changed while nobody looked is not left to the next tick.
            self.stores.refresh(&resolved.object);
        }
        // An object that is new here may ask for what is known already for the sake of others.
        world.upstream = self.stores.look(&world.resolved.object);
        self.recall(world);
    }

    /// What the status of a store should be, where that is not what it is.
    pub fn store_status(&self, key: &StoreKey) -> Option<StoreStatus> {
        // Not under the lock of the index: the engines ask it which stores a change of theirs concerns.
        let entry = self.indexes.stores().entry(key)?.clone();
        let checked = check_store(key, &entry.spec, &self.endpoints);
        let standing = store_identity(key, &entry.spec, &self.endpoints)
            .map(|identity| self.stores.standing(&identity))
            .unwrap_or_default();
        let status = store_status(&entry, &checked, &standing, self.clock.now());
        (status != entry.status).then_some(status)
    }

    /// A pass that is made again because of a fault asks for fresh facts first, where those may be the way out.
    pub fn refresh_for_retry(&self, key: &ObjectKey, now: Timestamp) {
        let due = match self.memory().get_mut(key) {
            Some(known) if known.retry.is_some_and(|at| at <= now) => known.retry.take().is_some(),
            _ => false,
        };
        if due {
            self.stores.refresh(key);
        }
    }

    /// Folds a write in, so that the index knows of it before the watch does.
    pub fn applied(&self, object: &ObjectKey, applied: &Applied) {
        self.indexes
            .secrets_mut()
            .answered(applied.secret.clone(), applied.meta.clone());
        self.metrics.secret_written(match applied.purpose {
            Purpose::Repair => WriteKind::Repair,
            Purpose::FirstSync | Purpose::Change if applied.created => WriteKind::Create,
            Purpose::FirstSync | Purpose::Change => WriteKind::Update,
        });
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
        let known = memory.get(&world.resolved.object)?;
        let (doom, outcome) = known.doom.as_ref()?;
        // A version that is gone may be there again, and nothing tells.
        let again =
            outcome.is_asked_again() && self.clock.monotonic().saturating_sub(known.doomed_at) >= ASKED_AGAIN;
        (!again && *doom == Doom::new(world, request)).then(|| outcome.clone())
    }

    /// Remembers a write that only a change of something else can help; says whether it is one.
    pub fn remember_doom(&self, doom: Doom, outcome: &Outcome) -> bool {
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
            let upstream = facts(self.stores.upstream(&doom.object));
            let mut memory = self.memory();
            let known = memory.entry(doom.object.clone()).or_default();
            let doom = Doom { upstream, ..doom };
            known.doom = Some((doom, outcome.clone()));
            known.doomed_at = self.clock.monotonic();
        }
        lasting
    }

    /// When to look again: at a wake, or after a fault by a backoff that doubles up to five minutes.
    pub fn requeue(
        &self,
        key: &ObjectKey,
        outcome: &Outcome,
        wakes: [Option<Timestamp>; 2],
        now: Timestamp,
    ) -> Requeue {
        const CAP: Duration = Duration::from_mins(5);
        let base = match outcome.class() {
            _ if outcome.is_overtaken() => Some(SOON),
            _ if outcome.is_lagging() => Some(2 * SECOND_SIGHTING),
            None => None,
            _ if outcome.waits_for_change() => None,
            Some(Class::Transient | Class::Throttled | Class::Conflict) => Some(Duration::from_secs(1)),
            Some(Class::Denied | Class::NotFound | Class::Invalid | Class::Bug) => {
                Some(Duration::from_secs(5))
            }
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
        known.retry = retry
            .filter(|_| outcome.wants_fresh_facts())
            .and_then(|after| now.checked_add(after).ok());
        drop(memory);
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

    /// Ends as soon as the object is gone, or is another one of the same name.
    pub async fn gone(&self, key: &ObjectKey, object: &ParameterSync) {
        let gone = self.memory().entry(key.clone()).or_default().gone.clone();
        let mut told = std::pin::pin!(gone.notified());
        told.as_mut().enable();
        let newest = self.objects.get(&ObjectRef::from_obj(object));
        if newest.is_some_and(|newest| newest.uid() == object.uid()) {
            told.await;
        }
    }

    /// Forgets an object that is gone.
    pub fn forget(&self, key: &ObjectKey) {
        self.stores.unsubscribe(key);
        if let Some(known) = self.memory().remove(key) {
            known.gone.notify_waiters();
        }
        self.metrics.object_gone(key);
        self.wait(key, None);
    }

    /// Notes that a status was written, so that a pass on a copy from before it does not answer it with another.
    pub fn said(&self, key: &ObjectKey, said: &Report, version: Option<u64>) {
        if let Some(version) = version {
            self.metrics.status_written();
            let written = (version, self.clock.monotonic());
            self.memory().entry(key.clone()).or_default().status_written = Some(written);
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

    /// Whether the last pass came to the same fault; remembers this one.
    pub fn is_known(&self, key: &ObjectKey, outcome: &Outcome) -> bool {
        let reason = outcome.describe().0;
        self.memory()
            .entry(key.clone())
            .or_default()
            .reason
            .replace(reason)
            == Some(reason)
    }

    /// Whether this copy of the object is older than our own last status write.
    pub fn is_behind_own_write(&self, key: &ObjectKey, object: &ParameterSync) -> bool {
        let version = object
            .resource_version()
            .and_then(|version| version.parse::<u64>().ok());
        let written = self.memory().get(key).and_then(|known| known.status_written);
        match (version, written) {
            // A cluster that was restored from a backup counts from before: then the copy is all there is.
            (Some(version), Some((ours, at))) => {
                version < ours && self.clock.monotonic().saturating_sub(at) < CATCH_UP
            }
            _ => false,
        }
    }

    /// Notes whether the object waits for a calendar, and for which.
    pub fn wait(&self, key: &ObjectKey, held: Option<Held>) {
        let calendars = self.indexes.calendars();
        let mut waiting = self.waiting();
        let is = held.as_ref().map(|held| held.by.clone());
        let was = waiting.set(key, held).map(|held| held.by);
        for calendar in [&was, &is].into_iter().flatten() {
            // One that is gone has no series, though it may be waited for.
            if calendars.get(calendar).is_some() {
                let queue = waiting.queue(calendar);
                self.metrics
                    .calendars
                    .holds(calendar, queue.objects, queue.changes, queue.since);
            }
        }
        if let Some(calendar) = is.filter(|_| was.is_none()) {
            self.metrics.calendars.write_held(&calendar);
        }
    }

    /// Asks for a pass of each of these objects.
    pub fn wake(&self, objects: impl IntoIterator<Item = ObjectKey>) {
        self.triggers.extend(objects);
    }

    /// Who waits for which calendar.
    pub fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn memory(&self) -> MutexGuard<'_, HashMap<ObjectKey, Memory>> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The token of a forced sync that status does not answer yet.
fn unanswered<'a>(object: &ParameterSync, resolved: &'a Resolved) -> Option<&'a String> {
    let status = object.status.as_ref();
    let handled = status.and_then(|status| status.last_handled_sync_request.as_ref());
    resolved
        .sync_request
        .as_ref()
        .filter(|token| Some(*token) != handled)
}

/// The same, once all was looked at for it.
pub fn answered(object: &ParameterSync, world: &World) -> Option<String> {
    unanswered(object, &world.resolved)
        .filter(|token| world.upstream.forced.as_ref() == Some(*token))
        .cloned()
}
