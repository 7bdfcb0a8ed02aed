//! How often an object is written: what its watch shows.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::StreamExt as _;
use harness::Case;
use kube::Api;
use kube::api::{ApiResource, DynamicObject, GroupVersionKind, WatchEvent, WatchParams};
use tokio::task::JoinHandle;

/// Counts the writes to one object from now on; a deletion is none.
pub struct Writes {
    count: Arc<AtomicUsize>,
    watch: JoinHandle<()>,
}

impl Writes {
    /// Of `Secret` or `ParameterSync` NAME in the case's namespace, whether or not it is there.
    pub async fn of(case: &Case<'_>, kind: &str, name: &str) -> Self {
        let (group, version) = match kind {
            "Secret" => ("", "v1"),
            _ => ("paramsync.dev", "v1alpha1"),
        };
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
        let api: Api<DynamicObject> =
            Api::namespaced_with(case.client().clone(), case.namespace(), &resource);
        let now = api.list(&kube::api::ListParams::default()).await.expect("a list");
        let since = now.metadata.resource_version.expect("a resourceVersion");
        let only = WatchParams::default()
            .fields(&format!("metadata.name={name}"))
            .timeout(290);
        let count = Arc::new(AtomicUsize::new(0));
        let counted = count.clone();
        let watch = tokio::spawn(async move {
            let events = api.watch(&only, &since).await.expect("a watch");
            let mut events = std::pin::pin!(events);
            while let Some(event) = events.next().await {
                if let Ok(WatchEvent::Added(_) | WatchEvent::Modified(_)) = event {
                    counted.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        Self { count, watch }
    }

    /// How many there were.
    pub fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }
}

impl Drop for Writes {
    fn drop(&mut self) {
        self.watch.abort();
    }
}
