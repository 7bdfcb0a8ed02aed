//! The stores' own loop: what was learned of each by reading through it, and its status.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;

use super::context::{Context, Operator};
use crate::api::StoreStatus;
use crate::clock::Clock;
use crate::report::store_status;
use crate::resolve::{check_store, store_identity};
use crate::source::ParameterStores;
use crate::watch::StoreKey;

/// How long a status that could not be written waits.
const RETRY: Duration = Duration::from_secs(10);

/// Keeps the status of the stores; one at a time, for there are few.
pub async fn keep_stores(context: Arc<Operator>) {
    let mut stores = context.store_triggers.stream();
    while let Some(key) = stores.next().await {
        let Some(status) = context.store_status(&key) else {
            continue;
        };
        if let Err(error) = context.status.write_store(&key, &status).await {
            tracing::warn!(%error, "trying again in {RETRY:?}");
            let again = context.store_triggers.clone();
            tokio::spawn(async move {
                tokio::time::sleep(RETRY).await;
                again.push(key);
            });
        }
    }
}

impl<S: ParameterStores, K, R, C: Clock> Context<S, K, R, C> {
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
}
