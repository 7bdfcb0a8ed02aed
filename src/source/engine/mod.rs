//! One engine for each identity: everything that is read of Parameter Store as that identity.
//!
//! [`core`] decides and knows neither network nor clock; this file asks, sleeps and tells. Callers change the core
//! under a short lock and wake the loop; only the loop makes requests.

mod core;
mod doubts;
mod fetches;
mod flight;
mod forced;
mod job;
mod looks;
mod observed;
mod pace;
mod pages;
mod quarantine;
mod recent;
mod refusal;
mod subscribers;
mod sweeps;

use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::task::{Id, JoinError, JoinSet};

use self::core::{Core, Effects, decrypts};
use self::observed::{CallId, Ticket};
use crate::clock::Clock;
use crate::decide::FetchRequest;
use crate::names::{ObjectKey, Origin};
use crate::record::{ParameterKind, SourceError, Upstream};
use crate::resolve::StoreIdentity;
use crate::schedule;
use crate::source::budget::{Budget, Budgets};
use crate::source::call::{Answer, Call, Fault, ParameterApi};
use crate::source::limiter::{Lane, Limiter};
use crate::source::metrics::SourceMetrics;
use crate::source::now::Now;
use crate::source::types::{Fetched, StoreStanding, Wanted};

/// The most requests under way at once.
const IN_FLIGHT: usize = 16;
/// How long an engine that nobody needs is kept, with its connections and credentials.
const LINGER: Duration = Duration::from_mins(1);

/// What all engines share.
pub struct Surroundings {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where counts go.
    pub metrics: Arc<dyn SourceMetrics>,
    /// Whom to tell that an object should look.
    pub triggers: Box<dyn Fn(ObjectKey) + Send + Sync>,
    /// Whom to tell that the standing of all that is read as an identity is another.
    pub standings: Box<dyn Fn(&StoreIdentity) + Send + Sync>,
    /// Limiters by account.
    pub budgets: Budgets,
}

/// One identity's engine.
pub struct Engine<A> {
    identity: StoreIdentity,
    api: A,
    around: Arc<Surroundings>,
    state: Mutex<State>,
    wake: Notify,
}

struct State {
    core: Core,
    callers: BTreeMap<Ticket, oneshot::Sender<Result<Fetched, SourceError>>>,
    tickets: Ticket,
    budget: Arc<Budget>,
    /// What the store keeps to by itself, below the account's budget.
    own: Option<Limiter>,
    joined: Option<Origin>,
}

impl<A: ParameterApi> Engine<A> {
    /// An engine that does nothing until [`Engine::run`].
    pub fn new(identity: StoreIdentity, api: A, around: Arc<Surroundings>) -> Arc<Self> {
        let core = Core::new(identity.clone());
        let now = around.clock.monotonic();
        let budget = around.budgets.guess(&identity, now);
        let own = identity
            .only_of
            .is_some()
            .then(|| Limiter::new(core.limit(), now));
        Arc::new(Self {
            identity,
            api,
            around,
            state: Mutex::new(State {
                core,
                callers: BTreeMap::new(),
                tickets: 0,
                budget,
                own,
                joined: None,
            }),
            wake: Notify::new(),
        })
    }

    /// Says what `object` wants.
    pub fn subscribe(&self, object: &ObjectKey, wanted: Wanted) {
        self.change(|state, now| state.core.subscribe(object, wanted, now));
    }

    /// Forgets `object`.
    pub fn unsubscribe(&self, object: &ObjectKey) {
        self.change(|state, now| state.core.unsubscribe(object, now));
    }

    /// What is known of all that `object` wants, for a report.
    pub fn look(&self, object: &ObjectKey) -> Upstream {
        self.lock().core.look(object)
    }

    /// What is known of all that `object` wants.
    pub fn upstream(&self, object: &ObjectKey) -> Upstream {
        self.lock().core.upstream(object)
    }

    /// What is known of all that is read as this identity.
    pub fn standing(&self) -> StoreStanding {
        self.lock().core.standing()
    }

    /// Asks for fresh facts.
    pub fn refresh(&self, object: &ObjectKey) {
        self.change(|state, now| state.core.refresh(object, now));
    }

    /// Fetches values. The caller counts from now on, not from the first poll; one that is dropped is forgotten.
    pub fn fetch(
        self: Arc<Self>,
        object: &ObjectKey,
        request: &FetchRequest,
    ) -> impl Future<Output = Result<Fetched, SourceError>> + Send + use<A> {
        let (sender, receiver) = oneshot::channel();
        let ticket = self.change(|state, now| {
            state.tickets += 1;
            state.callers.insert(state.tickets, sender);
            state.core.fetch(state.tickets, object, request, now);
            state.tickets
        });
        let caller = Caller { engine: self, ticket };
        async move {
            let result = receiver.await;
            drop(caller);
            result.unwrap_or_else(|_| {
                Err(SourceError::Unavailable {
                    code: "EngineStopped".into(),
                })
            })
        }
    }

    /// Whether nobody needs it now.
    pub fn is_idle(&self) -> bool {
        self.lock().core.is_idle()
    }

    /// Asks AWS whatever must be asked, until `retire` agrees that nobody needs it.
    pub async fn run(self: Arc<Self>, retire: impl Fn(&Self) -> bool + Send) {
        let _stop = Stop(Arc::clone(&self));
        let mut calls = JoinSet::new();
        let mut under_way: HashMap<Id, (CallId, Call)> = HashMap::new();
        let mut idle_since: Option<Duration> = None;
        loop {
            let sleep = self.dispatch(&mut calls, &mut under_way);
            let now = self.around.clock.monotonic();
            idle_since = if self.is_idle() {
                idle_since.or(Some(now))
            } else {
                None
            };
            let sleep = match idle_since {
                Some(since) if now >= since + LINGER && retire(&self) => break,
                Some(since) => sleep.min((since + LINGER).saturating_sub(now).max(Duration::from_millis(1))),
                None => sleep,
            };
            tokio::select! {
                Some(done) = calls.join_next_with_id() => self.answered(done, &mut under_way),
                () = self.wake.notified() => {}
                () = tokio::time::sleep(sleep) => {}
            }
        }
    }

    /// Makes the requests that limiter and cap allow now; gives how long to sleep at most.
    fn dispatch(
        self: &Arc<Self>,
        calls: &mut JoinSet<Result<Answer, Fault>>,
        under_way: &mut HashMap<Id, (CallId, Call)>,
    ) -> Duration {
        let now = self.now();
        let mut wait = None;
        self.change_quietly(|state, _| {
            state.core.tick(now);
            state.share(&self.identity, now);
            while calls.len() < IN_FLIGHT {
                let Some(lane) = state.core.ready(now) else { break };
                if let Err(short) = state.take(now.monotonic, lane) {
                    wait = Some(now.monotonic + short);
                    break;
                }
                let Some((id, call)) = state.core.next(lane, now) else {
                    break;
                };
                let engine = Arc::clone(self);
                let asked = call.clone();
                let task = calls.spawn(async move { engine.api.call(asked).await });
                under_way.insert(task.id(), (id, call));
            }
            let event = state.core.next_event(now);
            let wake = event.into_iter().chain(wait).min();
            wake.map_or(LINGER, |at| at.saturating_sub(now.monotonic))
                .max(Duration::from_millis(1))
        })
    }

    fn answered(
        &self,
        done: Result<(Id, Result<Answer, Fault>), JoinError>,
        under_way: &mut HashMap<Id, (CallId, Call)>,
    ) {
        let (task, result) = match done {
            Ok((task, result)) => (task, result),
            Err(error) => (error.id(), Err(Fault::Unavailable("Panic".into()))),
        };
        let Some((id, call)) = under_way.remove(&task) else {
            return;
        };
        self.count(&call, &result);
        self.change_quietly(|state, now| {
            if let Err(Fault::Throttled(_)) = &result {
                let pause = Duration::from_secs_f64(1.0 + schedule::fraction(id));
                state.budget.throttled(now.monotonic, pause);
            }
            state.core.answered(id, result, now);
            state.join(&self.identity, &self.around, now);
            self.around
                .metrics
                .rate(&self.identity.region, state.budget.rate());
        });
    }

    fn count(&self, call: &Call, result: &Result<Answer, Fault>) {
        let metrics = &self.around.metrics;
        let operation = match call {
            Call::Page { .. } => "GetParametersByPath",
            Call::Names { .. } => "GetParameters",
        };
        metrics.request(operation, result.as_ref().map_or_else(Fault::code, |_| "OK"));
        match result {
            Ok(answer) if decrypts(call) => {
                let secure = answer
                    .found
                    .iter()
                    .filter(|one| one.entry.kind == ParameterKind::SecureString);
                metrics.decrypted(secure.count());
            }
            Err(Fault::Throttled(_)) => metrics.throttled(&self.identity.region),
            _ => {}
        }
    }

    /// Changes the state and wakes the loop.
    fn change<T>(&self, change: impl FnOnce(&mut State, Now) -> T) -> T {
        let changed = self.change_quietly(change);
        self.wake.notify_one();
        changed
    }

    /// Changes the state, then tells callers and objects what came of it, outside the lock.
    fn change_quietly<T>(&self, change: impl FnOnce(&mut State, Now) -> T) -> T {
        let now = self.now();
        let mut state = self.lock();
        let changed = change(&mut state, now);
        let Effects {
            replies,
            triggers,
            coalesced,
            renew,
            standing,
        } = state.core.take_effects(now);
        let replies: Vec<_> = replies
            .into_iter()
            .filter_map(|(ticket, result)| Some((state.callers.remove(&ticket)?, result)))
            .collect();
        drop(state);
        for (caller, result) in replies {
            // A caller that is gone meanwhile needs no answer; its values are wiped here.
            drop(caller.send(result));
        }
        if renew {
            self.api.renew();
        }
        for object in triggers {
            (self.around.triggers)(object);
        }
        if standing {
            (self.around.standings)(&self.identity);
        }
        if coalesced > 0 {
            self.around.metrics.coalesced(coalesced);
        }
        changed
    }

    fn now(&self) -> Now {
        Now {
            monotonic: self.around.clock.monotonic(),
            wall: self.around.clock.now(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Says what it asks of the account's budget.
    fn share(&mut self, identity: &StoreIdentity, now: Now) {
        self.budget.share(identity, self.core.share(), now.monotonic);
        if let Some(own) = &mut self.own {
            own.set_limit(self.core.limit(), now.monotonic);
            own.first_syncs_wait(self.core.share().waiting, now.monotonic);
        }
    }

    /// Takes one request out of the store's own budget and the account's, or says how long to wait.
    fn take(&mut self, now: Duration, lane: Lane) -> Result<(), Duration> {
        if let Some(own) = &mut self.own {
            own.offer(now, lane)?;
        }
        self.budget.take(now, lane)?;
        self.own.as_mut().map_or(Ok(()), |own| own.take(now, lane))
    }

    /// Shares the limiter of the account, as soon as that is known.
    fn join(&mut self, identity: &StoreIdentity, around: &Surroundings, now: Now) {
        let origin = self.core.origin();
        if origin == self.joined.as_ref() {
            return;
        }
        let before = self.joined.take();
        self.joined = origin.cloned();
        if let Some(origin) = origin {
            let shared = match before {
                None => around.budgets.join(origin, &self.budget),
                // What was used up and throttled was another account's.
                Some(_) => around.budgets.join(origin, &Budget::new(now.monotonic)),
            };
            if !Arc::ptr_eq(&shared, &self.budget) {
                self.budget.leave(identity, now.monotonic);
                self.budget = shared;
            }
            self.share(identity, now);
        }
    }
}

/// Runs when the loop ends, and also when a bug ends it: nobody waits for an answer that cannot come, and objects are
/// sent to subscribe again.
struct Stop<A: ParameterApi>(Arc<Engine<A>>);

impl<A: ParameterApi> Drop for Stop<A> {
    fn drop(&mut self) {
        let engine = &self.0;
        let mut state = engine.lock();
        state
            .budget
            .leave(&engine.identity, engine.around.clock.monotonic());
        let callers = std::mem::take(&mut state.callers);
        let orphans = state.core.objects();
        drop(state);
        drop(callers);
        for object in orphans {
            (engine.around.triggers)(object);
        }
    }
}

/// Forgets the caller when its future is dropped.
struct Caller<A: ParameterApi> {
    engine: Arc<Engine<A>>,
    ticket: Ticket,
}

impl<A: ParameterApi> Drop for Caller<A> {
    fn drop(&mut self) {
        let ticket = self.ticket;
        self.engine.change(|state, _| {
            state.callers.remove(&ticket);
            state.core.cancel(ticket);
        });
    }
}

#[cfg(test)]
mod tests;
