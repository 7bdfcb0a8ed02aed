//! One limiter for each account and region, shared by all identities that read there.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use crate::names::Origin;
use crate::resolve::StoreIdentity;
use crate::source::limiter::{Lane, Limiter};

/// A limiter and those who share it; the lowest of their limits holds.
pub struct Budget {
    inner: Mutex<Inner>,
}

struct Inner {
    limiter: Limiter,
    shares: BTreeMap<StoreIdentity, u32>,
}

impl Budget {
    /// A budget of nobody yet.
    pub fn new(limit: u32, now: Duration) -> Arc<Self> {
        Arc::new(Self {
            inner: Mutex::new(Inner {
                limiter: Limiter::new(limit, now),
                shares: BTreeMap::new(),
            }),
        })
    }

    /// `identity` shares it and allows `limit` requests a second.
    pub fn share(&self, identity: &StoreIdentity, limit: u32, now: Duration) {
        let mut inner = self.lock();
        if inner.shares.insert(identity.clone(), limit) != Some(limit) {
            inner.limit(now);
        }
    }

    /// `identity` shares it no more.
    pub fn leave(&self, identity: &StoreIdentity, now: Duration) {
        let mut inner = self.lock();
        inner.shares.remove(identity);
        inner.limit(now);
    }

    /// Takes one request out, or says how long to wait.
    pub fn take(&self, now: Duration, lane: Lane) -> Result<(), Duration> {
        self.lock().limiter.take(now, lane)
    }

    /// AWS throttled; gives the rate from now on.
    pub fn throttled(&self, now: Duration, pause: Duration) {
        self.lock().limiter.throttled(now, pause);
    }

    /// The present rate, in requests a second.
    pub fn rate(&self) -> f64 {
        self.lock().limiter.rate()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn limit(&mut self, now: Duration) {
        if let Some(limit) = self.shares.values().min() {
            self.limiter.set_limit(*limit, now);
        }
    }
}

/// All budgets, by account and region.
#[derive(Default)]
pub struct Budgets {
    known: Mutex<BTreeMap<Origin, Weak<Budget>>>,
}

impl Budgets {
    /// The budget of an account and region; the first identity that learns where it reads brings its own.
    pub fn join(&self, origin: &Origin, own: &Arc<Budget>) -> Arc<Budget> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, budget| budget.strong_count() > 0);
        if let Some(shared) = known.get(origin).and_then(Weak::upgrade) {
            return shared;
        }
        known.insert(origin.clone(), Arc::downgrade(own));
        Arc::clone(own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resolve::Auth;

    fn identity(role: &str) -> StoreIdentity {
        StoreIdentity {
            region: "eu-west-1".into(),
            endpoint: None,
            auth: Auth {
                role_arn: Some(role.into()),
                ..Auth::default()
            },
        }
    }

    #[test]
    fn identities_of_one_account_share_one_limiter_at_the_lowest_limit() {
        let origin = Origin {
            account: "111122223333".into(),
            region: "eu-west-1".into(),
        };
        let budgets = Budgets::default();
        let (one, two) = (Budget::new(20, Duration::ZERO), Budget::new(20, Duration::ZERO));
        let first = budgets.join(&origin, &one);
        let second = budgets.join(&origin, &two);
        assert!(Arc::ptr_eq(&first, &second));
        first.share(&identity("a"), 20, Duration::ZERO);
        second.share(&identity("b"), 4, Duration::ZERO);
        assert!((first.rate() - 4.0).abs() < 1e-9);
        drop((first, second, one));
        assert!(
            Arc::ptr_eq(&budgets.join(&origin, &two), &two),
            "a budget goes with its last user"
        );
    }
}
