//! The key that seals, and the Secret that keeps it over restarts.
//!
//! It is made at the first start. Once it is in memory, whatever becomes of the Secret changes nothing until the next
//! start; so that this stays so then, it is written back from memory, once in a while and with an event.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{ObjectReference, Secret};
use kube::api::{Api, ObjectMeta, PostParams};
use kube::runtime::WatchStreamExt;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use kube::runtime::watcher::{self, watcher};
use kube::{Client, Resource};
use thiserror::Error;

use crate::clock::Clock;
use crate::record::{FIELD_MANAGER, KEY_BYTES, SealKey};

/// The Secret's name, in the operator's own namespace.
pub const SECRET: &str = "paramsync-seal";
/// The key in it that signs.
const CURRENT: &str = "current";
/// How often it is written back at most: somebody who changes it again and again means it.
const WRITE_BACK_EVERY: Duration = Duration::from_mins(10);
/// How long one request may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Why there is no key. Until there is one, nothing is written.
#[derive(Debug, Error)]
pub enum SealError {
    /// The Secret is there, and holds no key.
    #[error(
        "Secret {namespace}/{SECRET}: {CURRENT} is {found}, and has to be {KEY_BYTES} bytes; put it back from a backup, or have a user of admissionPolicies.exemptUsers delete the Secret, after which Secrets without a record need target.adopt"
    )]
    Unreadable {
        /// The operator's namespace.
        namespace: String,
        /// What is there instead.
        found: String,
    },
    /// It cannot be read or made.
    #[error("Secret {namespace}/{SECRET} cannot be {what}: {why}")]
    Unavailable {
        /// The operator's namespace.
        namespace: String,
        /// Read or made.
        what: &'static str,
        /// Why.
        why: String,
    },
}

/// Keeps the key's Secret.
#[derive(Clone)]
pub struct SealSecret {
    client: Client,
    namespace: String,
}

impl SealSecret {
    /// The Secret in `namespace`, by `client`.
    pub fn new(client: Client, namespace: &str) -> Self {
        Self {
            client,
            namespace: namespace.to_owned(),
        }
    }

    fn api(&self) -> Api<Secret> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// The key; made, where there is none yet.
    pub async fn load(&self) -> Result<SealKey, SealError> {
        if let Some(found) = self.read().await? {
            return self.key(&found);
        }
        let mut bytes = [0; KEY_BYTES];
        getrandom::fill(&mut bytes).map_err(|error| self.unavailable("made", error.to_string()))?;
        let key =
            SealKey::new(&bytes).ok_or_else(|| self.unavailable("made", "no random bytes".to_owned()))?;
        match self.create(&key).await {
            Ok(()) => {
                tracing::info!(
                    namespace = self.namespace,
                    "the key that seals is made: Secret {SECRET}"
                );
                Ok(key)
            }
            // Another operator was first.
            Err(kube::Error::Api(status)) if status.code == 409 => match self.read().await? {
                Some(found) => self.key(&found),
                None => Err(self.unavailable("read", "it came and went".to_owned())),
            },
            Err(error) => Err(self.unavailable("made", error.to_string())),
        }
    }

    async fn read(&self) -> Result<Option<Secret>, SealError> {
        match tokio::time::timeout(TIMEOUT, self.api().get_opt(SECRET)).await {
            Ok(Ok(found)) => Ok(found),
            Ok(Err(error)) => Err(self.unavailable("read", error.to_string())),
            Err(_) => Err(self.unavailable("read", "no answer".to_owned())),
        }
    }

    async fn create(&self, key: &SealKey) -> Result<(), kube::Error> {
        let params = PostParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PostParams::default()
        };
        self.api().create(&params, &self.secret(key)).await.map(drop)
    }

    fn secret(&self, key: &SealKey) -> Secret {
        Secret {
            metadata: ObjectMeta {
                name: Some(SECRET.to_owned()),
                namespace: Some(self.namespace.clone()),
                labels: Some(BTreeMap::from([(
                    "app.kubernetes.io/name".to_owned(),
                    "paramsync".to_owned(),
                )])),
                ..ObjectMeta::default()
            },
            type_: Some("Opaque".to_owned()),
            data: Some(BTreeMap::from([(
                CURRENT.to_owned(),
                ByteString(key.expose().to_vec()),
            )])),
            ..Secret::default()
        }
    }

    fn key(&self, secret: &Secret) -> Result<SealKey, SealError> {
        let bytes = secret.data.as_ref().and_then(|data| data.get(CURRENT));
        bytes
            .and_then(|bytes| SealKey::new(&bytes.0))
            .ok_or_else(|| SealError::Unreadable {
                namespace: self.namespace.clone(),
                found: bytes.map_or("not there".to_owned(), |bytes| {
                    format!("{} bytes long", bytes.0.len())
                }),
            })
    }

    fn unavailable(&self, what: &'static str, why: String) -> SealError {
        SealError::Unavailable {
            namespace: self.namespace.clone(),
            what,
            why,
        }
    }

    /// Watches over the Secret for as long as it is polled.
    pub async fn keep(self, key: SealKey, clock: impl Clock) {
        let config = watcher::Config::default().fields(&format!("metadata.name={SECRET}"));
        let events = watcher(self.api(), config).default_backoff();
        let mut events = std::pin::pin!(events);
        let mut written_back: Option<Duration> = None;
        let (mut seen, mut whole) = (false, true);
        loop {
            let now = clock.monotonic();
            let next = written_back.map_or(now, |at| at + WRITE_BACK_EVERY);
            if !whole && next <= now {
                written_back = Some(now);
                self.write_back(&key).await;
                // The watch tells what came of it.
                whole = true;
                continue;
            }
            let event = tokio::select! {
                event = events.next() => event,
                () = tokio::time::sleep(next.saturating_sub(now)), if !whole => continue,
            };
            let holds = |secret: &Secret| self.key(secret).is_ok_and(|found| found.expose() == key.expose());
            match event {
                Some(Ok(watcher::Event::Init)) => seen = false,
                Some(Ok(watcher::Event::InitApply(secret))) => (seen, whole) = (true, holds(&secret)),
                Some(Ok(watcher::Event::InitDone)) => whole = whole && seen,
                Some(Ok(watcher::Event::Apply(secret))) => whole = holds(&secret),
                Some(Ok(watcher::Event::Delete(_))) => whole = false,
                Some(Err(error)) => {
                    tracing::debug!(%error, "the watch of Secret {SECRET} failed; starting it again");
                }
                None => return,
            }
        }
    }

    /// Puts the Secret back as it is in memory.
    async fn write_back(&self, key: &SealKey) {
        let api = self.api();
        let write = async {
            match self.create(key).await {
                Err(kube::Error::Api(status)) if status.code == 409 => {
                    let params = PostParams {
                        field_manager: Some(FIELD_MANAGER.to_owned()),
                        ..PostParams::default()
                    };
                    let mut secret = api.get(SECRET).await?;
                    secret.data = self.secret(key).data;
                    api.replace(SECRET, &params, &secret).await.map(drop)
                }
                other => other,
            }
        };
        let (reason, note) = match tokio::time::timeout(TIMEOUT, write).await {
            Ok(Ok(())) => (
                "SealWrittenBack",
                "the key that seals was changed or deleted, and is written back as it was".to_owned(),
            ),
            Ok(Err(error)) => (
                "SealLost",
                format!(
                    "the key that seals was changed or deleted, and cannot be written back ({error}); keep it from being lost with the operator's next start"
                ),
            ),
            Err(_) => (
                "SealLost",
                "the key that seals was changed or deleted, and writing it back had no answer".to_owned(),
            ),
        };
        tracing::warn!(namespace = self.namespace, reason, "{note}");
        let reporter = Reporter {
            controller: "paramsync".to_owned(),
            instance: None,
        };
        let event = Event {
            type_: EventType::Warning,
            reason: reason.to_owned(),
            note: Some(note),
            action: "Seal".to_owned(),
            secondary: None,
        };
        let object = ObjectReference {
            api_version: Some("v1".to_owned()),
            kind: Some(Secret::kind(&()).into_owned()),
            name: Some(SECRET.to_owned()),
            namespace: Some(self.namespace.clone()),
            ..ObjectReference::default()
        };
        let recorder = Recorder::new(self.client.clone(), reporter);
        if let Ok(Err(error)) = tokio::time::timeout(TIMEOUT, recorder.publish(&event, &object)).await {
            tracing::debug!(%error, "an event could not be written");
        }
    }
}
