//! ParameterStores and ClusterParameterStores.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use crate::api::{ClusterParameterStoreSpec, ParameterStoreSpec, StoreStatus};

/// Which store.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum StoreKey {
    /// A ParameterStore.
    Namespaced {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// A ClusterParameterStore.
    Cluster {
        /// Its name.
        name: String,
    },
}

impl fmt::Display for StoreKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Namespaced { name, .. } => write!(f, "ParameterStore/{name}"),
            Self::Cluster { name } => write!(f, "ClusterParameterStore/{name}"),
        }
    }
}

/// What a store says.
#[derive(Clone, Debug, PartialEq)]
pub enum StoreSpec {
    /// Of a ParameterStore.
    Namespaced(Arc<ParameterStoreSpec>),
    /// Of a ClusterParameterStore.
    Cluster(Arc<ClusterParameterStoreSpec>),
}

/// A store as it was last seen.
#[derive(Clone, Debug, PartialEq)]
pub struct StoreEntry {
    /// What it says.
    pub spec: StoreSpec,
    /// What was said of it.
    pub status: StoreStatus,
    /// Its `metadata.generation`.
    pub generation: Option<i64>,
}

/// What is known of each store.
#[derive(Default)]
pub struct StoreIndex {
    stores: HashMap<StoreKey, StoreEntry>,
}

impl StoreIndex {
    /// The store of that key.
    pub fn get(&self, key: &StoreKey) -> Option<&StoreSpec> {
        self.stores.get(key).map(|entry| &entry.spec)
    }

    /// The store of that key, with its status.
    pub fn entry(&self, key: &StoreKey) -> Option<&StoreEntry> {
        self.stores.get(key)
    }

    /// The keys of those that are as asked.
    pub fn those(&self, asked: impl Fn(&StoreKey, &StoreSpec) -> bool) -> Vec<StoreKey> {
        let those = self.stores.iter().filter(|(key, entry)| asked(key, &entry.spec));
        those.map(|(key, _)| key.clone()).collect()
    }

    /// Takes in what the API server says; says whether its spec is news.
    pub fn apply(&mut self, key: StoreKey, entry: StoreEntry) -> bool {
        let known = self
            .stores
            .get(&key)
            .is_some_and(|known| known.spec == entry.spec);
        self.stores.insert(key, entry);
        !known
    }

    /// Takes out a store; says whether that is news.
    pub fn delete(&mut self, key: &StoreKey) -> bool {
        self.stores.remove(key).is_some()
    }

    /// Keeps, of one kind, only what a relist has shown; gives what went.
    pub fn retain(&mut self, of_kind: fn(&StoreKey) -> bool, seen: &HashSet<StoreKey>) -> Vec<StoreKey> {
        let gone: Vec<StoreKey> = self
            .stores
            .keys()
            .filter(|key| of_kind(key) && !seen.contains(*key))
            .cloned()
            .collect();
        for key in &gone {
            self.stores.remove(key);
        }
        gone
    }
}
