//! The write. I/O.
//!
//! In: a [`Permit`] and a [`DesiredSecret`]. Out: [`Applied`], the metadata that the API server answered with, so that
//! the index knows of the write before the watch does. One server-side apply states data, labels, annotations, owner
//! and provenance together; what it leaves out of ours is removed by the API server.

mod body;
mod error;

pub use error::ApplyError;

use std::future::Future;
use std::time::Duration;

use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, PartialObjectMeta, Patch, PatchParams};
use kube::{Client, ResourceExt};

use crate::decide::{Permit, Precondition, Purpose};
use crate::names::ObjectKey;
use crate::record::FIELD_MANAGER;
use crate::resolve::Resolved;
use crate::transform::DesiredSecret;
use crate::watch::{SecretMeta, SecretState, reduce, reduce_answer};

/// How long one request to the API server may take. A write starts only when it is allowed and lasts at most this.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What came of a write.
#[derive(Clone, Debug)]
pub struct Applied {
    /// The Secret.
    pub secret: ObjectKey,
    /// Its metadata after the write.
    pub meta: SecretMeta,
    /// Why it was written.
    pub purpose: Purpose,
    /// Whether it was not there before.
    pub created: bool,
}

/// Where Secrets are written.
pub trait SecretSink: Send + Sync + 'static {
    /// The Secret's metadata, as the API server has it now. Its values are not read.
    fn look(&self, secret: &ObjectKey) -> impl Future<Output = Result<SecretState, ApplyError>> + Send;

    /// Writes the Secret once.
    fn write(
        &self,
        permit: Permit,
        resolved: &Resolved,
        desired: DesiredSecret,
    ) -> impl Future<Output = Result<Applied, ApplyError>> + Send;
}

/// The real API server.
#[derive(Clone)]
pub struct ApiServer {
    client: Client,
}

impl ApiServer {
    /// Writes by `client`.
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    fn api(&self, secret: &ObjectKey) -> Api<Secret> {
        Api::namespaced(self.client.clone(), &secret.namespace)
    }
}

impl SecretSink for ApiServer {
    async fn look(&self, secret: &ObjectKey) -> Result<SecretState, ApplyError> {
        let api = self.api(secret);
        let found = within(secret, api.get_metadata_opt(&secret.name)).await?;
        Ok(found.map_or(SecretState::Absent, |found| {
            SecretState::Present(reduce(&found.metadata))
        }))
    }

    async fn write(
        &self,
        permit: Permit,
        resolved: &Resolved,
        desired: DesiredSecret,
    ) -> Result<Applied, ApplyError> {
        let secret = permit.target().clone();
        let created = *permit.precondition() == Precondition::Absent;
        let params = PatchParams {
            force: !created,
            ..PatchParams::apply(FIELD_MANAGER)
        };
        let api = self.api(&secret);
        let answer: PartialObjectMeta<Secret> = {
            let patch = Patch::Apply(body::Body::new(&permit, resolved, &desired));
            within(&secret, api.patch_metadata(&secret.name, &params, &patch)).await?
        };
        tracing::debug!(%secret, version = ?answer.resource_version(), "Secret written");
        Ok(Applied {
            secret,
            meta: reduce_answer(&answer.metadata),
            purpose: permit.purpose(),
            created,
        })
    }
}

async fn within<T>(
    secret: &ObjectKey,
    request: impl Future<Output = Result<T, kube::Error>>,
) -> Result<T, ApplyError> {
    match tokio::time::timeout(TIMEOUT, request).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(ApplyError::from_kube(secret, &error)),
        Err(_) => Err(ApplyError::Unavailable {
            secret: secret.clone(),
            code: "timeout".to_owned(),
        }),
    }
}
