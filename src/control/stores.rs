//! The stores' own loop: what was learned of each by reading through it, and its status.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use futures::StreamExt;

use super::context::{Context, Operator};
use crate::api::StoreStatus;
use crate::clock::Clock;
use crate::names::Origin;
use crate::record::SourceError;
use crate::report::{Learned, Outcome, store_status};
use crate::resolve::check_store;
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

impl<S, K, R, C: Clock> Context<S, K, R, C> {
    /// Learns of the object's store what this pass showed: who answers, and whether the identity is refused.
    pub fn learn(&self, store: &StoreKey, origin: Option<&Origin>, outcome: &Outcome) {
        let fault = match outcome {
            Outcome::FetchFailed(fault)
            | Outcome::Left {
                fault: Some(fault), ..
            } => Some(fault),
            _ => None,
        };
        let fault = fault
            .filter(|fault| matches!(fault, SourceError::Credentials { .. }))
            .cloned();
        if origin.is_none() && fault.is_none() {
            return;
        }
        let mut all = self.learned.lock().unwrap_or_else(PoisonError::into_inner);
        let known = all.entry(store.clone()).or_default();
        let now = Learned {
            origin: origin.cloned().or_else(|| known.origin.clone()),
            fault,
        };
        if *known != now {
            *known = now;
            self.store_triggers.push(store.clone());
        }
    }

    /// What the status of a store should be, where that is not what it is.
    pub fn store_status(&self, key: &StoreKey) -> Option<StoreStatus> {
        let stores = self.indexes.stores();
        let mut all = self.learned.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(entry) = stores.entry(key) else {
            all.remove(key);
            return None;
        };
        let learned = all.get(key).cloned().unwrap_or_default();
        let checked = check_store(key, &entry.spec, &self.endpoints);
        let status = store_status(entry, &checked, &learned, self.clock.now());
        (status != entry.status).then_some(status)
    }
}
