//! The watches themselves: I/O that feeds the indexes and the triggers.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, StreamExt};
use k8s_openapi::api::core::v1::{Namespace, Secret};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{Api, ListParams, PartialObjectMeta};
use kube::core::DeserializeGuard;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;

use super::backoff::WatchBackoff;
use super::server_clock::ServerClock;
use super::{Indexes, News, Pending, Readiness, StoreEntry, StoreKey, StoreSpec, Triggers, prune, reduce};
use crate::api::{
    ClusterParameterStore, ClusterParameterStoreSpec, ParameterStore, ParameterStoreSpec, ParameterSync,
    ParameterSyncSpec,
};
use crate::metrics::Metrics;
use crate::names::{CalendarKey, ObjectKey};
use crate::record::{MANAGED_LABEL, SealKey};

/// How long a watch may be silent before it is started again, in seconds.
const WATCH_TIMEOUT: u32 = 240;
/// The same for what decides whether change is allowed: a half-dead watch must be noticed soon.
pub(super) const STRICT_TIMEOUT: u32 = 30;
/// How often a missing CRD is looked for.
const CRD_RETRY: Duration = Duration::from_secs(2);

/// What must be known before the first decision, so that none is made on half the facts.
pub const KNOWN_FIRST: [&str; 7] = [
    "secrets",
    "namespaces",
    "parameterstores",
    "clusterparameterstores",
    "changecalendars",
    "clusterchangecalendars",
    "contact",
];

/// What all watches share.
#[derive(Clone)]
pub struct Watches {
    /// The client for watches: without a read time-out of its own.
    pub client: Client,
    /// The clients of the watches that decide over freezes: each tells when its watch was begun.
    pub strict: BTreeMap<&'static str, Client>,
    /// The time, for what is evaluated as it comes.
    pub clock: ServerClock,
    /// What is known.
    pub indexes: Arc<Indexes>,
    /// Who wants a reconcile.
    pub triggers: Triggers,
    /// Which stores want their status looked at.
    pub store_triggers: Triggers<StoreKey>,
    /// Which calendars want to be looked at.
    pub calendar_triggers: Triggers<CalendarKey>,
    /// What is waited for.
    pub readiness: Readiness,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// What Secrets are sealed with.
    pub seal: Arc<SealKey>,
}

/// An object that the API server gave and that could not be read.
#[derive(Clone, Debug)]
pub struct Malformed {
    /// Which object.
    pub object: ObjectKey,
    /// What serde said.
    pub error: String,
    /// Whether the same was not told of the same generation before.
    pub is_news: bool,
}

/// Makes an object that says no more than its metadata, to stand for one that cannot be read.
type Stub<K> = fn(ObjectMeta) -> K;

impl Watches {
    /// Waits until the API server serves `K`, and says so in readiness meanwhile: the CRDs may be installed after the
    /// operator.
    pub async fn wait_for_crd<K>(&self, resource: &'static str, pending: &Pending)
    where
        K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug,
    {
        let api = Api::<PartialObjectMeta<K>>::all(self.client.clone());
        loop {
            match api.list(&ListParams::default().limit(1)).await {
                Ok(_) => return pending.say("not listed yet"),
                Err(kube::Error::Api(status)) if status.code == 404 => {
                    tracing::info!(resource, "its CustomResourceDefinition is not installed; waiting");
                    pending.say("its CustomResourceDefinition is not installed");
                }
                Err(error) => {
                    tracing::warn!(resource, %error, "cannot be listed; trying again");
                    pending.say(format!("cannot be listed: {error}"));
                }
            }
            tokio::time::sleep(CRD_RETRY).await;
        }
    }

    /// Managed Secrets, metadata only.
    pub async fn secrets(self) {
        let api = Api::<PartialObjectMeta<Secret>>::all(self.client.clone());
        let config = watcher::Config::default()
            .labels(&format!("{MANAGED_LABEL}=true"))
            .timeout(WATCH_TIMEOUT);
        let key = |meta: &PartialObjectMeta<Secret>| {
            ObjectKey::new(meta.namespace().unwrap_or_default(), meta.name_any())
        };
        let concerned = |secret: &ObjectKey| self.indexes.syncs().claimants(secret);
        let fold = Fold {
            apply: |meta: &PartialObjectMeta<Secret>| {
                let secret = key(meta);
                let news = self
                    .indexes
                    .secrets_mut()
                    .apply(secret.clone(), reduce(&secret, &meta.metadata, &self.seal));
                if news { concerned(&secret) } else { Vec::new() }
            },
            delete: |meta: &PartialObjectMeta<Secret>| {
                let secret = key(meta);
                let news = self
                    .indexes
                    .secrets_mut()
                    .delete(&secret, &reduce(&secret, &meta.metadata, &self.seal));
                if news { concerned(&secret) } else { Vec::new() }
            },
            retain: |seen: &HashSet<ObjectKey>| {
                let gone = self.indexes.secrets_mut().retain(seen);
                gone.iter().flat_map(concerned).collect()
            },
            key,
        };
        let pending = self.readiness.wait_for("secrets");
        self.follow("secrets", self.watch_lean(api, config, "secrets"), pending, fold)
            .await;
    }

    /// Namespaces, metadata only.
    pub async fn namespaces(self) {
        let api = Api::<PartialObjectMeta<Namespace>>::all(self.strict("namespaces"));
        let config = watcher::Config::default().timeout(STRICT_TIMEOUT);
        let concerned = |name: &String| self.indexes.syncs().within(name);
        let fold = Fold {
            apply: |meta: &PartialObjectMeta<Namespace>| {
                let name = meta.name_any();
                let labels: BTreeMap<String, String> = meta.metadata.labels.clone().unwrap_or_default();
                let terminating = meta.metadata.deletion_timestamp.is_some();
                let made = meta.creation_timestamp().map(|made| made.0);
                let news = self
                    .indexes
                    .namespaces_mut()
                    .apply(&name, labels, terminating, made);
                if news { concerned(&name) } else { Vec::new() }
            },
            delete: |meta: &PartialObjectMeta<Namespace>| {
                let name = meta.name_any();
                self.indexes.namespaces_mut().delete(&name);
                self.indexes.syncs_mut().forget_namespace(&name);
                Vec::new()
            },
            retain: |seen: &HashSet<String>| {
                let gone = self.indexes.namespaces_mut().retain(seen);
                let mut syncs = self.indexes.syncs_mut();
                for name in &gone {
                    syncs.forget_namespace(name);
                }
                drop(syncs);
                gone.iter().flat_map(concerned).collect()
            },
            key: |meta: &PartialObjectMeta<Namespace>| meta.name_any(),
        };
        let pending = self.readiness.wait_for("namespaces");
        self.follow("namespaces", self.watch(api, config, "namespaces"), pending, fold)
            .await;
    }

    /// ParameterStores.
    pub async fn stores(self) {
        let parts = |store: &ParameterStore| {
            let namespace = store.namespace().unwrap_or_default();
            let key = StoreKey::Namespaced {
                namespace,
                name: store.name_any(),
            };
            let spec = StoreSpec::Namespaced(Arc::new(store.spec.clone()));
            let status = store.status.clone().unwrap_or_default();
            (
                key,
                StoreEntry {
                    spec,
                    status,
                    generation: store.metadata.generation,
                },
            )
        };
        let stub: Stub<_> = |metadata| ParameterStore {
            metadata,
            ..ParameterStore::new("", ParameterStoreSpec::default())
        };
        self.follow_stores("parameterstores", parts, stub).await;
    }

    /// ClusterParameterStores.
    pub async fn cluster_stores(self) {
        let parts = |store: &ClusterParameterStore| {
            let key = StoreKey::Cluster {
                name: store.name_any(),
            };
            let spec = StoreSpec::Cluster(Arc::new(store.spec.clone()));
            let status = store.status.clone().unwrap_or_default();
            (
                key,
                StoreEntry {
                    spec,
                    status,
                    generation: store.metadata.generation,
                },
            )
        };
        let stub: Stub<_> = |metadata| ClusterParameterStore {
            metadata,
            ..ClusterParameterStore::new("", ClusterParameterStoreSpec::default())
        };
        self.follow_stores("clusterparameterstores", parts, stub).await;
    }

    async fn follow_stores<K>(
        &self,
        resource: &'static str,
        parts: impl Fn(&K) -> (StoreKey, StoreEntry),
        stub: Stub<K>,
    ) where
        K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + Sync + 'static,
    {
        let pending = self.readiness.wait_for(resource);
        self.wait_for_crd::<K>(resource, &pending).await;
        let api = Api::<DeserializeGuard<K>>::all(self.client.clone());
        let config = watcher::Config::default().timeout(STRICT_TIMEOUT);
        let concerned = |key: &StoreKey| self.indexes.syncs().readers(key);
        let of_kind: fn(&StoreKey) -> bool = if resource == "parameterstores" {
            |key| matches!(key, StoreKey::Namespaced { .. })
        } else {
            |key| matches!(key, StoreKey::Cluster { .. })
        };
        let fold = Fold {
            apply: |store: &K| {
                let (key, entry) = parts(store);
                let news = self.indexes.stores_mut().apply(key.clone(), entry);
                self.store_triggers.push(key.clone());
                if news {
                    self.calendar_triggers
                        .extend(self.indexes.calendars().asking_by(&key));
                    concerned(&key)
                } else {
                    Vec::new()
                }
            },
            delete: |store: &K| {
                let (key, _) = parts(store);
                let news = self.indexes.stores_mut().delete(&key);
                if news {
                    self.calendar_triggers
                        .extend(self.indexes.calendars().asking_by(&key));
                    concerned(&key)
                } else {
                    Vec::new()
                }
            },
            retain: |seen: &HashSet<StoreKey>| {
                let gone = self.indexes.stores_mut().retain(of_kind, seen);
                gone.iter().flat_map(concerned).collect()
            },
            key: |store: &K| parts(store).0,
        };
        let events = Self::guarded(
            self.metrics.clone(),
            self.watch(api, config, resource),
            |malformed| {
                if malformed.is_news {
                    tracing::warn!(resource, object = %malformed.object, error = %malformed.error, "cannot be read; passed over");
                }
            },
            stub,
        );
        self.follow(resource, events, pending, fold).await;
    }

    /// ParameterSyncs, pruned.
    ///
    /// `malformed` is told of each object that could not be read, `gone` of each that went. Only objects in which more
    /// than the status changed trigger a pass, and those whose status somebody else changed.
    pub async fn parameter_syncs(
        self,
        pending: Pending,
        malformed: impl Fn(Malformed) + Send,
        gone: impl Fn(&ObjectKey) + Send,
    ) {
        let api = Api::<DeserializeGuard<ParameterSync>>::all(self.client.clone());
        let config = watcher::Config::default().timeout(WATCH_TIMEOUT);
        let key = |object: &ParameterSync| {
            ObjectKey::new(object.namespace().unwrap_or_default(), object.name_any())
        };
        let events = Self::guarded(
            self.metrics.clone(),
            self.watch(api, config, "parametersyncs"),
            malformed,
            |metadata| ParameterSync {
                metadata,
                ..ParameterSync::new("", ParameterSyncSpec::default())
            },
        );
        let apply = |object: &ParameterSync| {
            let id = key(object);
            let mut object = object.clone();
            prune(&mut object);
            let mut concerned = self.indexes.syncs_mut().apply(&object);
            if self.indexes.objects_mut().apply(&id, object) == News::Status && !concerned.contains(&id) {
                concerned.push(id);
            }
            concerned
        };
        let fold = Fold {
            apply,
            delete: |object: &ParameterSync| {
                let id = key(object);
                if !self.indexes.objects_mut().delete(&id, object) {
                    return Vec::new();
                }
                let concerned = self.indexes.syncs_mut().delete(&id);
                gone(&id);
                concerned
            },
            retain: |seen: &HashSet<ObjectKey>| {
                self.indexes.objects_mut().retain(seen);
                let (lost, concerned) = self.indexes.syncs_mut().retain(seen);
                lost.iter().for_each(&gone);
                // All of them: what happened since the last list is not known.
                concerned.into_iter().chain(seen.iter().cloned()).collect()
            },
            key,
        };
        self.follow("parametersyncs", events, pending, fold).await;
    }

    /// The client of a strict watch.
    pub(super) fn strict(&self, resource: &str) -> Client {
        self.strict.get(resource).unwrap_or(&self.client).clone()
    }

    pub(super) fn watch<K>(
        &self,
        api: Api<K>,
        config: watcher::Config,
        resource: &'static str,
    ) -> impl Stream<Item = Result<Event<K>, watcher::Error>> + Send + use<K>
    where
        K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
    {
        let metrics = self.metrics.clone();
        watcher(api, config)
            .backoff(WatchBackoff::new(resource))
            .inspect(move |event| {
                if let Err(error) = event {
                    metrics.watch_failed(resource);
                    tracing::warn!(resource, %error, "watch failed; starting it again");
                }
            })
    }

    /// Passes over what cannot be read, so that one malformed object does not hide the others. An object that became
    /// malformed is as if it were gone: what it said before holds no longer, neither a wish nor a permission.
    fn guarded<K>(
        metrics: Arc<Metrics>,
        events: impl Stream<Item = Result<Event<DeserializeGuard<K>>, watcher::Error>> + Send,
        malformed: impl Fn(Malformed) + Send,
        stub: Stub<K>,
    ) -> impl Stream<Item = Result<Event<K>, watcher::Error>> + Send
    where
        K: Resource + Send,
    {
        let mut told: HashMap<ObjectKey, (Option<i64>, String)> = HashMap::new();
        let key = |meta: &ObjectMeta| {
            ObjectKey::new(
                meta.namespace.clone().unwrap_or_default(),
                meta.name.clone().unwrap_or_default(),
            )
        };
        events.filter_map(move |event| {
            let mut open = |guard: DeserializeGuard<K>| match guard.0 {
                Ok(object) => {
                    told.remove(&key(object.meta()));
                    Ok(object)
                }
                Err(invalid) => {
                    let object = key(&invalid.metadata);
                    let fault = (invalid.metadata.generation, invalid.error.clone());
                    let is_news = told.get(&object) != Some(&fault);
                    if is_news {
                        metrics.malformed();
                        told.insert(object.clone(), fault);
                    }
                    malformed(Malformed {
                        object,
                        error: invalid.error,
                        is_news,
                    });
                    Err(stub(invalid.metadata))
                }
            };
            let event = match event {
                Err(error) => Some(Err(error)),
                Ok(Event::Init) => Some(Ok(Event::Init)),
                Ok(Event::InitDone) => Some(Ok(Event::InitDone)),
                Ok(Event::InitApply(guard)) => open(guard).ok().map(|object| Ok(Event::InitApply(object))),
                Ok(Event::Apply(guard)) => Some(Ok(match open(guard) {
                    Ok(object) => Event::Apply(object),
                    Err(stub) => Event::Delete(stub),
                })),
                Ok(Event::Delete(guard)) => {
                    let object = guard.0.unwrap_or_else(|invalid| stub(invalid.metadata));
                    told.remove(&key(object.meta()));
                    Some(Ok(Event::Delete(object)))
                }
            };
            std::future::ready(event)
        })
    }

    pub(super) async fn follow<K, Id, A, D, R, I>(
        &self,
        resource: &'static str,
        events: impl Stream<Item = Result<Event<K>, watcher::Error>> + Send,
        pending: Pending,
        fold: Fold<A, D, R, I>,
    ) where
        Id: std::hash::Hash + Eq,
        A: Fn(&K) -> Vec<ObjectKey>,
        D: Fn(&K) -> Vec<ObjectKey>,
        R: Fn(&HashSet<Id>) -> Vec<ObjectKey>,
        I: Fn(&K) -> Id,
    {
        let mut pending = Some(pending);
        let mut seen = HashSet::new();
        let mut events = std::pin::pin!(events);
        while let Some(event) = events.next().await {
            let concerned = match event {
                Ok(Event::Init) => {
                    seen.clear();
                    Vec::new()
                }
                Ok(Event::InitApply(object)) => {
                    seen.insert((fold.key)(&object));
                    (fold.apply)(&object)
                }
                Ok(Event::InitDone) => {
                    if let Some(pending) = pending.take() {
                        pending.done();
                    }
                    let concerned = (fold.retain)(&seen);
                    seen.clear();
                    concerned
                }
                Ok(Event::Apply(object)) => (fold.apply)(&object),
                Ok(Event::Delete(object)) => (fold.delete)(&object),
                Err(error) => {
                    if let Some(pending) = &pending {
                        pending.say(format!("cannot be listed: {error}"));
                    }
                    Vec::new()
                }
            };
            self.triggers.extend(concerned);
        }
        tracing::error!(resource, "a watch ended");
    }
}

/// How one kind of object is folded; each gives the ParameterSyncs that are concerned.
pub(super) struct Fold<A, D, R, I> {
    pub(super) apply: A,
    pub(super) delete: D,
    pub(super) retain: R,
    pub(super) key: I,
}
