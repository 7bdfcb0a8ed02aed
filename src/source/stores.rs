//! All stores behind one door: an engine for each identity, made when first needed and ended when nobody is left.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use crate::clock::Clock;
use crate::decide::FetchRequest;
use crate::names::ObjectKey;
use crate::record::{SourceError, Upstream};
use crate::resolve::StoreIdentity;
use crate::source::budget::Budgets;
use crate::source::call::ParameterApi;
use crate::source::connect::Connect;
use crate::source::credentials::Aws;
use crate::source::engine::{Engine, Surroundings};
use crate::source::metrics::SourceMetrics;
use crate::source::types::{Fetched, ParameterStores, StoreStanding, Wanted};

/// All stores. Cheap to clone; engines stop when the last clone is dropped.
pub struct Stores<C: Connect = Aws> {
    shared: Arc<Shared<C>>,
}

impl<C: Connect> Clone for Stores<C> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

struct Shared<C: Connect> {
    connect: C,
    around: Arc<Surroundings>,
    runtime: Handle,
    registry: Mutex<Registry<C::Api>>,
}

struct Registry<A> {
    engines: BTreeMap<StoreIdentity, (Arc<Engine<A>>, AbortHandle)>,
    objects: BTreeMap<ObjectKey, StoreIdentity>,
}

impl<A> Drop for Registry<A> {
    fn drop(&mut self) {
        for (_, task) in self.engines.values() {
            task.abort();
        }
    }
}

impl<C: Connect<Api: ParameterApi>> Stores<C> {
    /// Makes the door, inside a tokio runtime. `triggers` is called for each object for which [`ParameterStores::look`]
    /// would give another answer than it gave last, `standings` for each identity of which the same is so of
    /// [`ParameterStores::standing`]; they must not block.
    pub fn new(
        connect: C,
        clock: Arc<dyn Clock>,
        metrics: Arc<dyn SourceMetrics>,
        triggers: impl Fn(ObjectKey) + Send + Sync + 'static,
        standings: impl Fn(&StoreIdentity) + Send + Sync + 'static,
    ) -> Self {
        let around = Surroundings {
            clock,
            metrics,
            triggers: Box::new(triggers),
            standings: Box::new(standings),
            budgets: Budgets::default(),
        };
        Self {
            shared: Arc::new(Shared {
                connect,
                around: Arc::new(around),
                runtime: Handle::current(),
                registry: Mutex::new(Registry {
                    engines: BTreeMap::new(),
                    objects: BTreeMap::new(),
                }),
            }),
        }
    }

    /// How many engines there are.
    pub fn engines(&self) -> usize {
        self.shared.lock().engines.len()
    }

    fn of(&self, object: &ObjectKey) -> Option<Arc<Engine<C::Api>>> {
        let registry = self.shared.lock();
        let identity = registry.objects.get(object)?;
        Some(Arc::clone(&registry.engines.get(identity)?.0))
    }
}

impl<C: Connect<Api: ParameterApi>> Shared<C> {
    fn lock(&self) -> MutexGuard<'_, Registry<C::Api>> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The engine of `identity`; the registry stays locked so that it cannot retire before it is used.
    fn engine(
        self: &Arc<Self>,
        registry: &mut Registry<C::Api>,
        identity: &StoreIdentity,
    ) -> Arc<Engine<C::Api>> {
        if let Some((engine, task)) = registry.engines.get(identity)
            && !task.is_finished()
        {
            return Arc::clone(engine);
        }
        let api = self.connect.connect(identity);
        let engine = Engine::new(identity.clone(), api, Arc::clone(&self.around));
        let stores = Arc::downgrade(self);
        let own = identity.clone();
        let task = self
            .runtime
            .spawn(Arc::clone(&engine).run(move |engine| retire(&stores, &own, engine)));
        let entry = (Arc::clone(&engine), task.abort_handle());
        registry.engines.insert(identity.clone(), entry);
        engine
    }
}

/// Takes an engine out of the registry if it is idle still.
fn retire<C: Connect<Api: ParameterApi>>(
    stores: &Weak<Shared<C>>,
    identity: &StoreIdentity,
    engine: &Engine<C::Api>,
) -> bool {
    let Some(shared) = stores.upgrade() else {
        return true;
    };
    let mut registry = shared.lock();
    let idle = engine.is_idle();
    if idle {
        registry.engines.remove(identity);
    }
    idle
}

impl<C: Connect<Api: ParameterApi>> ParameterStores for Stores<C> {
    fn subscribe(&self, object: &ObjectKey, wanted: Wanted) {
        let mut registry = self.shared.lock();
        let before = registry.objects.insert(object.clone(), wanted.store.clone());
        if let Some(before) = before.filter(|before| *before != wanted.store)
            && let Some((engine, _)) = registry.engines.get(&before)
        {
            engine.unsubscribe(object);
        }
        let engine = self.shared.engine(&mut registry, &wanted.store);
        engine.subscribe(object, wanted);
    }

    fn unsubscribe(&self, object: &ObjectKey) {
        let mut registry = self.shared.lock();
        if let Some(identity) = registry.objects.remove(object)
            && let Some((engine, _)) = registry.engines.get(&identity)
        {
            engine.unsubscribe(object);
        }
    }

    fn look(&self, object: &ObjectKey) -> Upstream {
        self.of(object)
            .map_or_else(Upstream::default, |engine| engine.look(object))
    }

    fn upstream(&self, object: &ObjectKey) -> Upstream {
        self.of(object)
            .map_or_else(Upstream::default, |engine| engine.upstream(object))
    }

    fn refresh(&self, object: &ObjectKey) {
        if let Some(engine) = self.of(object) {
            engine.refresh(object);
        }
    }

    fn standing(&self, store: &StoreIdentity) -> StoreStanding {
        let registry = self.shared.lock();
        let engine = registry.engines.get(store);
        engine.map_or_else(StoreStanding::default, |(engine, _)| engine.standing())
    }

    fn fetch(
        &self,
        object: &ObjectKey,
        store: &StoreIdentity,
        request: &FetchRequest,
    ) -> impl Future<Output = Result<Fetched, SourceError>> + Send {
        let mut registry = self.shared.lock();
        self.shared.engine(&mut registry, store).fetch(object, request)
    }
}
