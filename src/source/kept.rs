//! Credentials that are kept, and can be let go: AWS's own cache keeps them until they expire, whatever AWS says of them.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::future::ProvideCredentials as Providing;
use aws_credential_types::provider::{self, ProvideCredentials, SharedCredentialsProvider};
use tokio::sync::Mutex;

use crate::clock::Clock;

/// How long before they expire credentials are replaced.
const AHEAD: Duration = Duration::from_secs(10);

/// The credentials of one provider. Cheap to clone; all clones keep the same ones.
#[derive(Clone)]
pub struct Kept {
    inner: Arc<Inner>,
}

struct Inner {
    source: SharedCredentialsProvider,
    clock: Arc<dyn Clock>,
    /// One at a time asks the provider; the others wait for what it gets.
    kept: Mutex<Option<Credentials>>,
    let_go: AtomicBool,
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kept")
    }
}

impl Kept {
    /// Keeps what `source` gives.
    pub fn new(source: SharedCredentialsProvider, clock: Arc<dyn Clock>) -> Self {
        Self {
            inner: Arc::new(Inner {
                source,
                clock,
                kept: Mutex::new(None),
                let_go: AtomicBool::new(false),
            }),
        }
    }

    /// The next request asks the provider anew.
    pub fn let_go(&self) {
        self.inner.let_go.store(true, Ordering::Release);
    }

    async fn provide(&self) -> provider::Result {
        let Inner {
            source,
            clock,
            kept,
            let_go,
        } = &*self.inner;
        let mut kept = kept.lock().await;
        let now = SystemTime::from(clock.now());
        let lasts =
            |credentials: &Credentials| credentials.expiry().is_none_or(|expiry| expiry > now + AHEAD);
        let good = kept.take_if(|credentials| !lasts(credentials)).is_none();
        if good
            && !let_go.swap(false, Ordering::AcqRel)
            && let Some(credentials) = &*kept
        {
            return Ok(credentials.clone());
        }
        *kept = None;
        let credentials = source.provide_credentials().await?;
        Ok(kept.insert(credentials).clone())
    }
}

impl ProvideCredentials for Kept {
    fn provide_credentials<'a>(&'a self) -> Providing<'a>
    where
        Self: 'a,
    {
        Providing::new(self.provide())
    }
}

/// All that is kept for one identity, one behind the other.
#[derive(Clone, Default)]
pub struct Renewal {
    kept: Arc<std::sync::Mutex<Vec<Kept>>>,
}

impl Renewal {
    /// Keeps what `source` gives, as part of the identity.
    pub fn keep(
        &self,
        source: SharedCredentialsProvider,
        clock: Arc<dyn Clock>,
    ) -> SharedCredentialsProvider {
        let kept = Kept::new(source, clock);
        let mut all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(kept.clone());
        SharedCredentialsProvider::new(kept)
    }

    /// Nothing that is kept is used for the next request.
    pub fn renew(&self) {
        let all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().for_each(Kept::let_go);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use jiff::Timestamp;

    use super::*;
    use crate::clock::TestClock;

    /// Gives another key each time, good for five minutes.
    #[derive(Debug, Default)]
    struct Rotating(AtomicU64, Arc<AtomicU64>);

    impl ProvideCredentials for Rotating {
        fn provide_credentials<'a>(&'a self) -> Providing<'a>
        where
            Self: 'a,
        {
            let asked = self.0.fetch_add(1, Ordering::Relaxed) + 1;
            let now = SystemTime::UNIX_EPOCH + Duration::from_secs(self.1.load(Ordering::Relaxed));
            let expires = now + Duration::from_mins(5);
            let id = format!("key-{asked}");
            Providing::ready(Ok(Credentials::new(id, "secret", None, Some(expires), "test")))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_kept_is_used_until_it_expires_or_is_let_go() {
        let began = 1_800_000_000;
        let clock = Arc::new(TestClock::running(Timestamp::from_second(began).unwrap()));
        let time = Arc::new(AtomicU64::new(began as u64));
        let source = SharedCredentialsProvider::new(Rotating(AtomicU64::new(0), Arc::clone(&time)));
        let renewal = Renewal::default();
        let kept = renewal.keep(source, clock);
        let id = async || {
            let credentials = kept.provide_credentials().await.unwrap();
            credentials.access_key_id().to_owned()
        };
        assert_eq!((id().await, id().await), ("key-1".into(), "key-1".into()));
        renewal.renew();
        assert_eq!((id().await, id().await), ("key-2".into(), "key-2".into()));
        tokio::time::sleep(Duration::from_secs(291)).await;
        time.fetch_add(291, Ordering::Relaxed);
        assert_eq!((id().await, id().await), ("key-3".into(), "key-3".into()));
    }
}
