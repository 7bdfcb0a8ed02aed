//! From the API server to indexes and triggers.
//!
//! I/O shell ([`streams`]) round pure folds: each index has `apply`, `delete` and `retain` (what a relist leaves),
//! keeps only what decisions need, and gives back the ParameterSyncs that a change concerns. Tested by calling them.

mod backoff;
mod namespaces;
mod ownership;
mod secret_meta;
mod secrets;
mod stores;
pub mod streams;
mod syncs;
mod triggers;

pub use namespaces::NamespaceIndex;
pub use ownership::{reduce, reduce_answer};
pub use secret_meta::{Controller, SecretMeta, SecretState};
pub use secrets::SecretIndex;
pub use stores::{StoreEntry, StoreIndex, StoreKey, StoreSpec};
pub use syncs::{SYNC_REQUEST, SyncIndex, store_of};
pub use triggers::Triggers;

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// All that is watched, folded. Shared by the streams, which write, and the reconciles, which read.
#[derive(Default)]
pub struct Indexes {
    syncs: RwLock<SyncIndex>,
    secrets: RwLock<SecretIndex>,
    stores: RwLock<StoreIndex>,
    namespaces: RwLock<NamespaceIndex>,
}

/// A fold never panics half-way through a change that matters, so a poisoned lock is taken as it is.
fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

impl Indexes {
    /// The ParameterSyncs, to read.
    pub fn syncs(&self) -> RwLockReadGuard<'_, SyncIndex> {
        read(&self.syncs)
    }

    /// The ParameterSyncs, to change.
    pub fn syncs_mut(&self) -> RwLockWriteGuard<'_, SyncIndex> {
        write(&self.syncs)
    }

    /// The managed Secrets' metadata, to read.
    pub fn secrets(&self) -> RwLockReadGuard<'_, SecretIndex> {
        read(&self.secrets)
    }

    /// The managed Secrets' metadata, to change.
    pub fn secrets_mut(&self) -> RwLockWriteGuard<'_, SecretIndex> {
        write(&self.secrets)
    }

    /// The stores, to read.
    pub fn stores(&self) -> RwLockReadGuard<'_, StoreIndex> {
        read(&self.stores)
    }

    /// The stores, to change.
    pub fn stores_mut(&self) -> RwLockWriteGuard<'_, StoreIndex> {
        write(&self.stores)
    }

    /// The namespaces, to read.
    pub fn namespaces(&self) -> RwLockReadGuard<'_, NamespaceIndex> {
        read(&self.namespaces)
    }

    /// The namespaces, to change.
    pub fn namespaces_mut(&self) -> RwLockWriteGuard<'_, NamespaceIndex> {
        write(&self.namespaces)
    }
}
