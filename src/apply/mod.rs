//! The write. I/O.
//!
//! In: a [`Permit`] and a [`DesiredSecret`]. Out: [`Applied`], the metadata that the API server answered with, so that
//! the index knows of the write before the watch does. One server-side apply states data, labels, annotations and owner
//! together. What it leaves out of ours is removed by the API server where nobody else owns it, and by a patch where an
//! update of somebody's does. Nothing is ever applied without data: it would empty the Secret.

mod body;
mod error;
mod owner;

pub use error::ApplyError;

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{Api, PartialObjectMeta, Patch, PatchParams};
use kube::core::Request;
use kube::{Client, Resource};
use serde_json::{Value, json};

use crate::api::HeldKey;
use crate::clock::Clock;
use crate::decide::{OwnerPatch, Permit, Precondition, Purpose};
use crate::names::{ObjectKey, SecretKey};
use crate::record::{FIELD_MANAGER, Record, SealKey};
use crate::resolve::Resolved;
use crate::transform::DesiredSecret;
use crate::watch::{Drift, SecretMeta, SecretState, Stamped, drift, left_behind, reduce, reduce_answer};
use crate::write::send;

/// How long one read of the API server may take.
const READ_TIMEOUT: Duration = Duration::from_secs(10);
/// How many keys that others hold are told.
const MAX_HELD: usize = 20;

/// What came of a write.
#[derive(Clone, Debug)]
pub struct Applied {
    /// The Secret.
    pub secret: ObjectKey,
    /// Its metadata after the write.
    pub meta: SecretMeta,
    /// What is applied now.
    pub record: Record,
    /// Why it was written.
    pub purpose: Purpose,
    /// Whether it was not there before.
    pub created: bool,
    /// Keys that are no longer ours and stay, because others apply them.
    pub held_by_others: Vec<HeldKey>,
}

/// A Secret as it was found at the API server.
#[derive(Clone, Debug)]
pub struct Found {
    /// What decisions need of it.
    pub secret: SecretState,
    /// What others changed of what a record says we set.
    pub drift: Drift,
}

/// Where Secrets are written.
pub trait SecretSink: Send + Sync + 'static {
    /// The Secret's metadata, as the API server has it now, and in what it differs from `record`. Its values are not
    /// read.
    fn look(
        &self,
        secret: &ObjectKey,
        record: Option<&Record>,
    ) -> impl Future<Output = Result<Found, ApplyError>> + Send;

    /// Writes the Secret once. Of `may_remain`, which were ours once, keys that are not in the new record are taken away.
    fn write(
        &self,
        permit: Permit,
        resolved: &Resolved,
        desired: DesiredSecret,
        may_remain: &[SecretKey],
    ) -> impl Future<Output = Result<Applied, ApplyError>> + Send;

    /// Puts the owner reference right and touches nothing else. Gives the metadata afterwards; none where the Secret is
    /// gone, or nothing is wrong with it any more.
    fn own(
        &self,
        secret: &ObjectKey,
        sync: &str,
        uid: &str,
        patch: OwnerPatch,
    ) -> impl Future<Output = Result<Option<SecretMeta>, ApplyError>> + Send;
}

/// The real API server.
#[derive(Clone)]
pub struct ApiServer<C> {
    client: Client,
    clock: C,
    key: Arc<SealKey>,
}

impl<C: Clock> ApiServer<C> {
    /// Writes by `client`, which must not retry by itself, and seals with `key`.
    pub fn new(client: Client, clock: C, key: Arc<SealKey>) -> Self {
        Self { client, clock, key }
    }

    async fn meta(&self, secret: &ObjectKey) -> Result<Option<ObjectMeta>, ApplyError> {
        let api: Api<Secret> = Api::namespaced(self.client.clone(), &secret.namespace);
        let request = api.get_metadata_opt(&secret.name);
        match tokio::time::timeout(READ_TIMEOUT, request).await {
            Ok(Ok(found)) => Ok(found.map(|found| found.metadata)),
            Ok(Err(error)) => Err(ApplyError::unread(secret, &error)),
            Err(_) => Err(ApplyError::unavailable(secret, "timeout")),
        }
    }

    async fn patch(
        &self,
        secret: &ObjectKey,
        params: &PatchParams,
        patch: &Patch<impl serde::Serialize + std::fmt::Debug>,
    ) -> Result<ObjectMeta, ApplyError> {
        self.send(secret, request(secret, params, patch)?).await
    }

    async fn send(
        &self,
        secret: &ObjectKey,
        request: hyper::Request<Vec<u8>>,
    ) -> Result<ObjectMeta, ApplyError> {
        let answer: PartialObjectMeta<Secret> = send(&self.client, request)
            .await
            .map_err(|error| ApplyError::unwritten(secret, &error))?;
        Ok(answer.metadata)
    }

    /// Takes away keys that an update of somebody's keeps in the Secret.
    async fn remove(
        &self,
        secret: &ObjectKey,
        meta: &ObjectMeta,
        keys: &[SecretKey],
    ) -> Result<ObjectMeta, ApplyError> {
        let nothing: serde_json::Map<String, Value> =
            keys.iter().map(|key| (key.to_string(), Value::Null)).collect();
        let patch = Patch::Merge(json!({
            "metadata": {"uid": meta.uid, "resourceVersion": meta.resource_version},
            "data": nothing,
        }));
        self.patch(secret, &by_us(), &patch).await
    }
}

/// A patch that is answered by metadata only.
fn request(
    secret: &ObjectKey,
    params: &PatchParams,
    patch: &Patch<impl serde::Serialize + std::fmt::Debug>,
) -> Result<hyper::Request<Vec<u8>>, ApplyError> {
    Request::new(Secret::url_path(&(), Some(&secret.namespace)))
        .patch_metadata(&secret.name, params, patch)
        .map_err(|_| ApplyError::unavailable(secret, "request"))
}

/// Patches that are no apply.
fn by_us() -> PatchParams {
    PatchParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PatchParams::default()
    }
}

impl<C: Clock> SecretSink for ApiServer<C> {
    async fn look(&self, secret: &ObjectKey, record: Option<&Record>) -> Result<Found, ApplyError> {
        let found = self.meta(secret).await?;
        Ok(Found {
            drift: match (&found, record) {
                (Some(meta), Some(record)) => drift(meta, &record.provenance, Stamped::of(record)),
                _ => Drift::default(),
            },
            secret: found.map_or(SecretState::Absent, |meta| {
                SecretState::Present(reduce(secret, &meta, &self.key))
            }),
        })
    }

    async fn write(
        &self,
        permit: Permit,
        resolved: &Resolved,
        desired: DesiredSecret,
        may_remain: &[SecretKey],
    ) -> Result<Applied, ApplyError> {
        let secret = permit.target().clone();
        let created = *permit.precondition() == Precondition::Absent;
        let params = PatchParams {
            force: !created,
            ..PatchParams::apply(FIELD_MANAGER)
        };
        let mut meta = {
            let stamps = body::Stamps {
                key: &self.key,
                at: self.clock.now().as_millisecond(),
            };
            let patch = Patch::Apply(body::Body::new(&permit, resolved, &desired, &stamps));
            let request = request(&secret, &params, &patch)?;
            // Last of all: a process that was halted meanwhile writes nothing on what it knew before.
            if !permit.term().is_running(self.clock.moment(), self.clock.now()) {
                return Err(ApplyError::PermitOver { secret });
            }
            self.send(&secret, request).await?
        };
        tracing::debug!(%secret, version = ?meta.resource_version, "Secret written");
        let record = permit.record().clone();
        let kept: BTreeSet<&SecretKey> = record.provenance.keys().collect();
        let removed: BTreeSet<&SecretKey> = may_remain.iter().filter(|key| !kept.contains(key)).collect();
        let left = left_behind(&meta, removed);
        if !left.updated.is_empty() {
            match self.remove(&secret, &meta, &left.updated).await {
                Ok(after) => meta = after,
                // What is applied is applied; the keys stay until the next change, and say so.
                Err(error) => {
                    tracing::warn!(%secret, %error, "keys that were removed could not be taken away");
                }
            }
        }
        let still = left_behind(&meta, left.updated.iter());
        let held = left.applied.into_iter().chain(still.applied);
        let unremoved = still.updated.into_iter().map(|key| (key, String::new()));
        Ok(Applied {
            meta: reduce_answer(&secret, &meta, &self.key),
            secret,
            purpose: permit.purpose(),
            created,
            held_by_others: held
                .chain(unremoved)
                .take(MAX_HELD)
                .map(|(key, manager)| HeldKey {
                    key: key.to_string(),
                    manager,
                })
                .collect(),
            record,
        })
    }

    async fn own(
        &self,
        secret: &ObjectKey,
        sync: &str,
        uid: &str,
        patch: OwnerPatch,
    ) -> Result<Option<SecretMeta>, ApplyError> {
        let Some(meta) = self.meta(secret).await? else {
            return Ok(None);
        };
        let Some(patch) = owner::patch(&meta, sync, uid, patch) else {
            return Ok(Some(reduce(secret, &meta, &self.key)));
        };
        let after = self.patch(secret, &by_us(), &Patch::Json::<()>(patch)).await?;
        tracing::info!(%secret, "owner reference put right");
        Ok(Some(reduce(secret, &after, &self.key)))
    }
}
