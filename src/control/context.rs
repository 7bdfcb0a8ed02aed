//! What every pass shares: handles, and what is remembered of each object.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use kube::ResourceExt;
use tokio::sync::Notify;

use super::memory::Memory;
use super::quiet::Quiet;
use super::world::{Doom, World};
use crate::api::ParameterSync;
use crate::apply::{self, Applied, ApplyError, SecretSink};
use crate::clock::Clock;
use crate::decide::{FetchRequest, Precondition, Purpose, Why};
use crate::metrics::{Metrics, WriteKind};
use crate::names::{CalendarKey, ObjectKey};
use crate::record::{Scope, stated};
use crate::report::{Held, Outcome, Waiting, recorded_pending, sink};
use crate::resolve::{Allowance, EndpointPolicy, Refusal, Resolved, Source, Surroundings, resolve};
use crate::source::{Aws, CalendarReader, ParameterStores, Stores, Sweeping, Wanted};
use crate::watch::{Indexes, SecretState, ServerClock, StoreKey, Triggers, prune};

/// After how long a write that was given up is tried again where its way out triggers nothing.
const ASKED_AGAIN: Duration = Duration::from_mins(4);

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
    /// Where stores of tenants may send the operator.
    pub endpoints: EndpointPolicy,
    /// What the operator's flags let the Secrets of ParameterStores be and say.
    pub listed: Allowance,
    /// How often a fault is tried again whose end no watch tells.
    pub recheck: Duration,
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
    /// What is remembered of each object.
    pub lives: Mutex<HashMap<ObjectKey, Life>>,
    /// Where a write may land yet.
    pub quiet: Mutex<Quiet>,
}

/// What the operator is made of.
pub type Operator = Context<Stores<Aws>, apply::ApiServer<ServerClock>, sink::ApiServer, ServerClock>;

/// What all passes are made with.
pub type Shared<S, K, R, C> = Arc<Context<S, K, R, C>>;

/// What is remembered of one life of an object.
#[derive(Default)]
pub struct Life {
    uid: Option<String>,
    /// By the rules of `memory`.
    pub memory: Memory,
    /// A write that cannot succeed, what came of it, and when, by the monotonic clock.
    doom: Option<(Doom, Outcome, Duration)>,
    /// Whether Parameter Store was last not to be asked for its sake.
    paused: bool,
    /// Tells a pass that is under way that the object is gone.
    gone: Arc<Notify>,
}

impl<S: ParameterStores, K: SecretSink, R, C: Clock> Context<S, K, R, C> {
    /// The object in its newest form, if it is still the same life.
    pub fn newest(&self, key: &ObjectKey, object: &ParameterSync) -> Option<Arc<ParameterSync>> {
        let newest = self.indexes.objects().get(key).cloned();
        newest.filter(|newest| newest.uid() == object.uid())
    }

    /// Takes in the answer to a write of status, so that nothing is decided on what was before it.
    pub fn fold(&self, key: &ObjectKey, mut answer: ParameterSync) {
        prune(&mut answer);
        let revision = answer.status.as_ref().and_then(|status| status.secret.as_ref());
        let revision = revision.and_then(|secret| secret.revision);
        let uid = answer.uid();
        self.indexes.objects_mut().apply(key, answer);
        if let Some(revision) = revision {
            self.life(key, uid.as_deref(), |life| life.memory.recorded(revision));
        }
    }

    /// Resolves the object against the indexes as they are now.
    pub fn resolve(&self, object: &ParameterSync) -> Result<Arc<Resolved>, Refusal> {
        let around = Surroundings {
            syncs: &self.indexes.syncs(),
            stores: &self.indexes.stores(),
            namespaces: &self.indexes.namespaces(),
            endpoints: &self.endpoints,
            listed: &self.listed,
            calendars: &self.indexes.calendars(),
            contact: &self.indexes.contact().facts(self.clock.moment()),
        };
        resolve(object, &around).map(Arc::new)
    }

    /// All that is known about the object now. A Secret that the index does not have is looked for at the API server,
    /// once a pass (`before`: what this pass has found already), for it may be there without our label; one in which
    /// something is wrong is looked at too, to tell what.
    pub async fn look(
        &self,
        object: &ParameterSync,
        resolved: Arc<Resolved>,
        before: Option<&World>,
    ) -> Result<World, ApplyError> {
        let target = ObjectKey::new(resolved.object.namespace.clone(), resolved.target.name.as_str());
        let uid = object.uid();
        let unsettled = self.life(&resolved.object, uid.as_deref(), |life| {
            life.memory.attempt().is_some() && life.memory.quiet(self.clock.monotonic()).is_none()
        });
        let known = self.indexes.secrets().get(&target).cloned();
        let mut world = World {
            upstream: self.stores.upstream(&resolved.object),
            secret: known.clone().map_or(SecretState::Absent, SecretState::Present),
            drift: before.map(|before| before.drift.clone()).unwrap_or_default(),
            stated: stated(object, &resolved.target.name),
            unrecorded: None,
            announced: None,
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
        world.complete_legacy();
        self.recall(&mut world, uid.as_deref());
        let unseen = world.secret == SecretState::Absent;
        match before {
            Some(before) if unseen => world.secret = before.secret.clone(),
            None if unseen || unsettled || !world.view().is_intact() && world.record().is_some() => {
                let found = self.secrets.look(&target, world.record()).await?;
                (world.secret, world.drift) = (found.secret, found.drift);
                match (&mut world.secret, known) {
                    (SecretState::Present(meta), _) => {
                        *meta = self.indexes.secrets_mut().read(&target, meta.clone());
                    }
                    (SecretState::Absent, Some(known)) => self.indexes.secrets_mut().gone(&target, &known),
                    (SecretState::Absent, None) => {}
                }
                let sealed = world.view().sealed();
                let secret = Precondition::of(&world.secret);
                self.life(&world.resolved.object, uid.as_deref(), |life| {
                    life.memory.settle(&secret, sealed, self.clock.monotonic());
                });
                self.recall(&mut world, uid.as_deref());
            }
            _ => {}
        }
        Ok(world)
    }

    /// What is remembered of the object, as far as it fits this world.
    fn recall(&self, world: &mut World, uid: Option<&str>) {
        let object = world.resolved.object.clone();
        self.life(&object, uid, |life| {
            world.unrecorded = life.memory.unrecorded().cloned();
            world.announced = life.memory.announced();
            world.repairs = life.memory.repairs().to_vec();
            let doom = life.doom.as_ref();
            world.refused = doom
                .filter(|(doom, ..)| doom.is_of_newest(world))
                .map(|(_, outcome, _)| outcome.clone());
        });
    }

    /// The same, from the newest form of the object; none where it is gone or can no longer be acted on.
    pub async fn look_again(
        &self,
        object: &ParameterSync,
        before: &World,
    ) -> Result<Option<(Arc<ParameterSync>, World)>, ApplyError> {
        let key = &before.resolved.object;
        let Some(newest) = self.newest(key, object) else {
            return Ok(None);
        };
        let Ok(resolved) = self.resolve(&newest) else {
            return Ok(None);
        };
        let world = self.look(&newest, resolved, Some(before)).await?;
        Ok(Some((newest, world)))
    }

    /// Tells the engine what the object wants to know of, and takes in what it knows of that.
    pub fn subscribe(&self, object: &ParameterSync, world: &mut World, now: Timestamp) {
        let resolved = &world.resolved;
        let closure = resolved.gate.closure(now);
        let paused = closure.is_some_and(|closure| closure.freeze.scope == Scope::All);
        let applied = world.record().map(|record| &record.provenance);
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
        let uid = resolved.uid.clone();
        let resumed = self.life(&resolved.object, Some(&uid), |life| {
            std::mem::replace(&mut life.paused, paused) && !paused
        });
        if resumed {
            // What changed while nobody looked is not left to the next tick.
            self.stores.refresh(&resolved.object);
        }
        // An object that is new here may ask for what is known already for the sake of others.
        world.upstream = self.stores.look(&world.resolved.object);
        self.recall(world, Some(&uid));
    }

    /// A pass that is made again because of a fault asks for fresh facts first, where those may be the way out.
    pub fn refresh_for_retry(&self, key: &ObjectKey, object: &ParameterSync, now: Timestamp) {
        if self.life(key, object.uid().as_deref(), |life| {
            life.memory.is_refresh_due(now)
        }) {
            self.stores.refresh(key);
        }
    }

    /// Folds a write in, so that the index knows of it before the watch does.
    pub fn applied(&self, object: &ObjectKey, uid: Option<&str>, applied: &Applied) {
        self.indexes
            .secrets_mut()
            .answered(applied.secret.clone(), applied.meta.clone());
        self.metrics.secret_written(match applied.purpose {
            Purpose::Repair => WriteKind::Repair,
            Purpose::FirstSync | Purpose::Change if applied.created => WriteKind::Create,
            Purpose::FirstSync | Purpose::Change => WriteKind::Update,
        });
        let now = self.clock.now();
        self.life(object, uid, |life| {
            life.doom = None;
            if applied.purpose == Purpose::Repair {
                life.memory.repaired(now);
                life.memory.wrote(None);
            } else {
                life.memory.wrote(Some(applied.record.clone()));
            }
        });
    }

    /// The outcome of the same write when it was tried before, where nothing has changed since.
    pub fn doomed(&self, world: &World, request: &FetchRequest) -> Option<Outcome> {
        let now = self.clock.monotonic();
        self.life(&world.resolved.object, Some(&world.resolved.uid), |life| {
            let (doom, outcome, since) = life.doom.as_ref()?;
            // A version that is gone may be there again, and nothing tells.
            let again = outcome.is_asked_again() && now.saturating_sub(*since) >= ASKED_AGAIN;
            (!again && *doom == Doom::new(world, request)).then(|| outcome.clone())
        })
    }

    /// Remembers a write that only a change of something else can help; says whether it is one.
    pub fn remember_doom(&self, world: &World, request: &FetchRequest, outcome: &Outcome) -> bool {
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
            let (object, uid) = (&world.resolved.object, &world.resolved.uid);
            let doom = Doom::new(world, request).after(&world.resolved, self.stores.upstream(object));
            let now = self.clock.monotonic();
            self.life(object, Some(uid), |life| {
                life.doom = Some((doom, outcome.clone(), now));
            });
        }
        lasting
    }

    /// Ends as soon as the object is gone, or is another one of the same name.
    pub async fn gone(&self, key: &ObjectKey, object: &ParameterSync) {
        let gone = self.life(key, object.uid().as_deref(), |life| life.gone.clone());
        let mut told = std::pin::pin!(gone.notified());
        told.as_mut().enable();
        if self.newest(key, object).is_some() {
            told.await;
        }
    }

    /// Forgets an object that is gone.
    pub fn forget(&self, key: &ObjectKey) {
        self.stores.unsubscribe(key);
        if let Some(life) = self.lives().remove(key) {
            life.gone.notify_waiters();
        }
        self.metrics.object_gone(key);
        self.wait(key, None);
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

    /// Where a write may land yet.
    pub fn quiet(&self) -> MutexGuard<'_, Quiet> {
        self.quiet.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A write of status had no answer.
    pub fn hush(&self, key: &ObjectKey, uid: Option<&str>) {
        let now = self.clock.monotonic();
        self.life(key, uid, |life| life.memory.hush(now));
    }

    /// What is remembered of this life of the object; nothing of an earlier one is.
    pub fn life<T>(&self, key: &ObjectKey, uid: Option<&str>, use_it: impl FnOnce(&mut Life) -> T) -> T {
        let mut lives = self.lives();
        let life = lives.entry(key.clone()).or_default();
        if life.uid.as_deref() != uid {
            let earlier = std::mem::replace(
                life,
                Life {
                    uid: uid.map(str::to_owned),
                    ..Life::default()
                },
            );
            earlier.gone.notify_waiters();
        }
        use_it(life)
    }

    fn lives(&self) -> MutexGuard<'_, HashMap<ObjectKey, Life>> {
        self.lives.lock().unwrap_or_else(PoisonError::into_inner)
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
