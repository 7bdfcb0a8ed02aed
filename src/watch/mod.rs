//! From the API server to indexes and triggers.
//!
//! I/O shell ([`streams`]) round pure folds: each index has `apply`, `delete` and `retain` (what a relist leaves),
//! keeps only what decisions need, and gives back the ParameterSyncs that a change concerns. Tested by calling them.

mod backoff;
mod calendar_streams;
mod calendars;
mod contact;
mod fields;
mod former;
mod namespaces;
mod objects;
mod ownership;
mod probe;
mod readiness;
mod secret_meta;
mod secrets;
mod server_clock;
mod server_time;
mod stores;
pub mod streams;
mod syncs;
mod triggers;

pub use calendars::{
    Answered, AwsCalendar, CalendarEntry, CalendarFault, CalendarIndex, Evaluated, Standing, Stands, compile,
    compile_text,
};
pub use contact::{Contact, Doubt, Facts as ContactFacts, SKEW_TOLD, STRICT};
pub use fields::{Drift, LeftBehind, Stamped, expected_fields};
pub use namespaces::NamespaceIndex;
pub use objects::{News, ObjectIndex};
pub use ownership::{drift, is_sync, left_behind, reduce, reduce_answer, version};
pub use readiness::{Pending, Readiness};
pub use secret_meta::{Controller, OwnedBy, Sealed, SecretMeta, SecretState, Uid};
pub use secrets::SecretIndex;
pub use server_clock::{ServerClock, witness};
pub use stores::{StoreEntry, StoreIndex, StoreKey, StoreSpec};
pub use syncs::{SYNC_REQUEST, SyncIndex, calendars_of, prune, store_of, sync_request};
pub use triggers::Triggers;

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::names::{CalendarKey, ObjectKey};

/// All that is watched, folded. Shared by the streams, which write, and the reconciles, which read.
///
/// Who holds several at once takes them in the order of the fields: or a writer between two readers stops all three.
#[derive(Default)]
pub struct Indexes {
    objects: RwLock<ObjectIndex>,
    syncs: RwLock<SyncIndex>,
    secrets: RwLock<SecretIndex>,
    stores: RwLock<StoreIndex>,
    namespaces: RwLock<NamespaceIndex>,
    calendars: RwLock<CalendarIndex>,
    contact: Contact,
}

/// A fold never panics half-way through a change that matters, so a poisoned lock is taken as it is.
fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

impl Indexes {
    /// The ParameterSyncs themselves, to read.
    pub fn objects(&self) -> RwLockReadGuard<'_, ObjectIndex> {
        read(&self.objects)
    }

    /// The ParameterSyncs themselves, to change.
    pub fn objects_mut(&self) -> RwLockWriteGuard<'_, ObjectIndex> {
        write(&self.objects)
    }

    /// What decides over the ParameterSyncs, to read.
    pub fn syncs(&self) -> RwLockReadGuard<'_, SyncIndex> {
        read(&self.syncs)
    }

    /// What decides over the ParameterSyncs, to change.
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

    /// The calendars, to read.
    pub fn calendars(&self) -> RwLockReadGuard<'_, CalendarIndex> {
        read(&self.calendars)
    }

    /// The calendars, to change.
    pub fn calendars_mut(&self) -> RwLockWriteGuard<'_, CalendarIndex> {
        write(&self.calendars)
    }

    /// What the API server's answers tell of the watches that decide over freezes.
    pub fn contact(&self) -> &Contact {
        &self.contact
    }

    /// The ParameterSyncs that a calendar binds, by name or by its selector.
    pub fn bound(&self, calendar: &CalendarKey) -> Vec<ObjectKey> {
        let (syncs, namespaces, calendars) = (self.syncs(), self.namespaces(), self.calendars());
        syncs.bound(calendar, |namespace| {
            calendars.selects(calendar, namespaces.labels(namespace))
        })
    }
}
