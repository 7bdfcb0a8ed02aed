//! One engine for each identity: everything that is read of Parameter Store as that identity.
//!
//! [`core`] decides and knows neither network nor clock; this file asks, sleeps and tells. Callers change the core
//! under a short lock and wake the loop; only the loop makes requests.

mod core;
mod fetches;
mod job;
mod pages;
mod quarantine;
mod recent;
mod subscribers;
mod sweeps;

use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify, oneshot};
use tokio::task::{Id, JoinError, JoinSet};

use self::core::{Core, Effects, decrypts};
use crate::clock::Clock;
use crate::decide::FetchRequest;
use crate::names::{ObjectKey, Origin};
use crate::record::{ParameterKind, SourceError, Upstream};
use crate::resolve::StoreIdentity;
use crate::schedule;
use crate::source::budget::{Budget, Budgets};
use crate::source::call::{Answer, Call, Fault, ParameterApi};
use crate::source::catalog::Sweep;
use crate::source::metrics::SourceMetrics;
use crate::source::types::{Fetched, Tell, Wanted};

/// Names a request under way.
pub type CallId = u64;
/// Names a caller of `fetch`.
pub type Ticket = u64;

/// The most requests under way at once.
const IN_FLIGHT: usize = 16;
/// How long an engine that nobody needs is kept, with its connections and credentials.
const LINGER: Duration = Duration::from_mins(1);

/// What time it is, by both clocks.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// For intervals and waits.
    pub monotonic: Duration,
    /// For ticks.
    pub wall: Timestamp,
}

/// What an answer shows, without values.
pub struct Observed {
    /// Names and versions.
    pub sweep: Sweep,
    /// The account and region in the ARNs.
    pub origin: Option<Origin>,
}

/// What all engines share.
pub struct Surroundings {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where counts go.
    pub metrics: Arc<dyn SourceMetrics>,
    /// Whom to tell that an object should look.
    pub triggers: Box<dyn Fn(ObjectKey) + Send + Sync>,
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
    joined: Option<Origin>,
}

impl<A: ParameterApi> Engine<A> {
    /// An engine that does nothing until [`Engine::run`].
    pub fn new(identity: StoreIdentity, api: A, around: Arc<Surroundings>) -> Arc<Self> {
        let core = Core::new(identity.clone());
        let budget = Budget::new(core.limit(), around.clock.monotonic());
        Arc::new(Self {
            identity,
            api,
            around,
            state: Mutex::new(State {
                core,
                callers: BTreeMap::new(),
                tickets: 0,
                budget,
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

    /// What is known of all that `object` wants.
    pub fn upstream(&self, object: &ObjectKey) -> Upstream {
        self.lock().core.upstream(object)
    }

    /// Asks for fresh facts.
    pub fn refresh(&self, object: &ObjectKey, tell: Tell) {
        self.change(|state, now| state.core.refresh(object, tell, now));
    }

    /// How many told refreshes are answered.
    pub fn refreshes(&self, object: &ObjectKey) -> u64 {
        self.lock().core.refreshes(object)
    }

    /// Fetches values. The caller counts from now on, not from the first poll; one that is dropped is forgotten.
    pub fn fetch(
        self: Arc<Self>,
        request: &FetchRequest,
    ) -> impl Future<Output = Result<Fetched, SourceError>> + Send + use<A> {
        let (sender, receiver) = oneshot::channel();
        let ticket = self.change(|state, now| {
            state.tickets += 1;
            state.callers.insert(state.tickets, sender);
            state.core.fetch(state.tickets, request, now);
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
            state
                .budget
                .share(&self.identity, state.core.limit(), now.monotonic);
            while calls.len() < IN_FLIGHT {
                let Some(lane) = state.core.ready(now) else { break };
                if let Err(short) = state.budget.take(now.monotonic, lane) {
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
        } = state.core.take_effects();
        let replies: Vec<_> = replies
            .into_iter()
            .filter_map(|(ticket, result)| Some((state.callers.remove(&ticket)?, result)))
            .collect();
        drop(state);
        for (caller, result) in replies {
            // A caller that is gone meanwhile needs no answer; its values are wiped here.
            drop(caller.send(result));
        }
        for object in triggers {
            (self.around.triggers)(object);
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
    /// Shares the limiter of the account, as soon as that is known.
    fn join(&mut self, identity: &StoreIdentity, around: &Surroundings, now: Now) {
        let origin = self.core.origin();
        if origin == self.joined.as_ref() {
            return;
        }
        self.joined = origin.cloned();
        if let Some(origin) = origin {
            // After a change of account the old limiter stays with those who are still there.
            let own = if Arc::strong_count(&self.budget) == 1 {
                Arc::clone(&self.budget)
            } else {
                Budget::new(self.core.limit(), now.monotonic)
            };
            let shared = around.budgets.join(origin, &own);
            if !Arc::ptr_eq(&shared, &self.budget) {
                self.budget.leave(identity, now.monotonic);
                self.budget = shared;
            }
            self.budget.share(identity, self.core.limit(), now.monotonic);
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
