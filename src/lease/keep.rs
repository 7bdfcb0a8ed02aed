//! Asks for the Lease, renews it, and gives it back. I/O.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use kube::api::PostParams;
use kube::core::Request;
use kube::{Client, Resource as _};
use serde_json::json;

use super::record::{self, NAME, Record};
use super::sight::Sight;
use super::step::{LOOK_EVERY, Role, Step, step};
use crate::clock::Clock;
use crate::write::{GIVEN_UP_AFTER, NoAnswer, Tenure, WriteError, send_within};

/// After how many seconds the API server gives up a request about the Lease, and how long we wait for it. Short, so that
/// another try fits in before the Lease must be given up.
const SERVER_GIVES_UP: u64 = 2;
const WAIT: Duration = Duration::from_millis(2500);

/// Keeps the Lease of a namespace for this process: over all its tenures, of which each has an identity of its own.
pub struct Keeper {
    client: Client,
    clock: Arc<dyn Clock>,
    namespace: String,
    pod: String,
    me: String,
    sight: Sight,
    /// The Lease as it was last seen, to be replaced whole.
    lease: Option<Lease>,
    /// Whether the last look or write failed, so that it is said once.
    is_in_trouble: bool,
}

impl Keeper {
    /// Keeps the Lease in `namespace` by `client`, which must not be fenced, nor retry. `pod` is how people know this
    /// process.
    pub fn new(client: Client, clock: Arc<dyn Clock>, namespace: String, pod: String) -> Self {
        Self {
            client,
            clock,
            namespace,
            pod,
            me: String::new(),
            sight: Sight::default(),
            lease: None,
            is_in_trouble: false,
        }
    }

    /// Waits for the Lease, then renews it until it is lost. `tenure` is told of it all; it must be a new one.
    pub async fn keep(&mut self, tenure: &Tenure) {
        // Whatever an earlier tenure of this process left under way, it left as another.
        self.me = format!("{}_{:016x}", self.pod, RandomState::new().hash_one(0));
        tracing::info!(
            namespace = self.namespace,
            identity = self.me,
            "waiting for the Lease"
        );
        let sent = self.acquire(tenure).await;
        self.hold(tenure, sent).await;
        tenure.lose();
        tracing::warn!(
            holder = self.sight.holder().unwrap_or_default(),
            "the Lease is lost; nothing is written any more"
        );
    }

    /// Gives the Lease back, where it is still ours.
    pub async fn release(&mut self) {
        if let Err(error) = self.look().await {
            tracing::warn!(%error, "the Lease cannot be given back; the next writer waits until it expires");
            return;
        }
        let Some(lease) = self.lease.clone().filter(|_| self.is_ours()) else {
            return;
        };
        match self.replace(&record::released(lease, self.clock.now())).await {
            Ok(()) => tracing::info!("the Lease is given back"),
            Err(error) => {
                tracing::warn!(%error, "the Lease is not given back; the next writer waits until it expires");
            }
        }
    }

    /// Looks until the Lease can be taken, and takes it. Gives when the request was sent that took it.
    async fn acquire(&mut self, tenure: &Tenure) -> Duration {
        loop {
            if let Err(error) = self.look().await {
                self.trouble(tenure, &error, "the Lease cannot be read");
                tokio::time::sleep(LOOK_EVERY).await;
                continue;
            }
            let sent = self.clock.monotonic();
            let next = step(Role::Candidate, &self.sight, &self.me, sent);
            let Step::Acquire { quiet } = next else {
                let holder = self.sight.holder();
                let holder = holder.unwrap_or("a holder that may not know of its end");
                tenure.awaits(format!("waiting for the Lease, which {holder} has"));
                let wait = if let Step::Wait(wait) = next {
                    wait
                } else {
                    LOOK_EVERY
                };
                tokio::time::sleep(wait).await;
                continue;
            };
            match self.take().await {
                Ok(()) => {
                    self.is_in_trouble = false;
                    let from = self.clock.monotonic() + quiet;
                    tenure.acquired(sent, from);
                    tracing::info!(identity = self.me, ?quiet, "the Lease is held");
                    return sent;
                }
                // Somebody was faster.
                Err(WriteError::Refused(status)) if status.code == 409 => {}
                Err(error) => self.trouble(tenure, &error, "the Lease cannot be taken"),
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Renews until the Lease is lost.
    async fn hold(&mut self, tenure: &Tenure, sent: Duration) {
        let (mut sent, mut tried) = (sent, sent);
        loop {
            let now = self.clock.monotonic();
            match step(Role::Holder { sent, tried }, &self.sight, &self.me, now) {
                Step::Lost | Step::Acquire { .. } => return,
                Step::Wait(wait) => tokio::time::sleep(wait).await,
                Step::Renew => {
                    tried = now;
                    // What comes later is too late: who waits for it may not know that the time is over.
                    let left = (sent + GIVEN_UP_AFTER).saturating_sub(now);
                    let unanswered = Err(WriteError::Unknown(NoAnswer::Timeout));
                    match tokio::time::timeout(left, self.renew())
                        .await
                        .unwrap_or(unanswered)
                    {
                        Ok(()) if self.is_ours() => {
                            self.is_in_trouble = false;
                            sent = tried;
                            tenure.renewed(sent);
                        }
                        // Another has it: the next step says so.
                        Ok(()) => {}
                        Err(error) => self.trouble(tenure, &error, "the Lease is not renewed"),
                    }
                }
            }
        }
    }

    /// Renews once, if the Lease is still ours. Where it was changed under us it is looked at: an edit that leaves us the
    /// holder is no loss.
    async fn renew(&mut self) -> Result<(), WriteError> {
        match self.take().await {
            Err(WriteError::Refused(status)) if matches!(status.code, 404 | 409) => {
                self.look().await?;
                if self.is_ours() { self.take().await } else { Ok(()) }
            }
            came => came,
        }
    }

    fn is_ours(&self) -> bool {
        self.sight.holder() == Some(self.me.as_str())
    }

    /// Reads the Lease.
    async fn look(&mut self) -> Result<(), WriteError> {
        let request = self.requests().get(NAME, &kube::api::GetParams::default());
        let request = request.map_err(|_| WriteError::NotSent("it could not be made"))?;
        match send_within(&self.client, request, SERVER_GIVES_UP, WAIT).await {
            Ok(lease) => self.seen(Some(lease)),
            Err(WriteError::Refused(status)) if status.code == 404 => self.seen(None),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Takes or renews the Lease as it was last seen: if it was changed meanwhile, the API server refuses.
    async fn take(&mut self) -> Result<(), WriteError> {
        let now = self.clock.now();
        if let Some(lease) = self.lease.clone() {
            return self.replace(&record::held(lease, &self.me, now)).await;
        }
        let lease = record::held(record::first(&self.namespace), &self.me, now);
        let body = json!(lease).to_string().into();
        let request = self.requests().create(&PostParams::default(), body);
        self.write(request).await
    }

    async fn replace(&mut self, lease: &Lease) -> Result<(), WriteError> {
        let body = json!(lease).to_string().into();
        let request = self.requests().replace(NAME, &PostParams::default(), body);
        self.write(request).await
    }

    async fn write(
        &mut self,
        request: Result<hyper::Request<Vec<u8>>, kube::core::request::Error>,
    ) -> Result<(), WriteError> {
        let request = request.map_err(|_| WriteError::NotSent("it could not be made"))?;
        let lease = send_within(&self.client, request, SERVER_GIVES_UP, WAIT).await?;
        self.seen(Some(lease));
        Ok(())
    }

    fn seen(&mut self, lease: Option<Lease>) {
        let record = lease.as_ref().map(Record::of);
        self.sight.see(record, self.clock.monotonic());
        self.lease = lease;
    }

    fn requests(&self) -> Request {
        Request::new(Lease::url_path(&(), Some(&self.namespace)))
    }

    fn trouble(&mut self, tenure: &Tenure, error: &WriteError, what: &str) {
        tenure.awaits(format!("{what} in namespace {}: {error}", self.namespace));
        if !self.is_in_trouble {
            tracing::warn!(%error, namespace = self.namespace, "{what}; trying again every {LOOK_EVERY:?}");
        }
        self.is_in_trouble = true;
    }
}
