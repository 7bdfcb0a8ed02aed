//! One limiter for each account and region, shared by all identities that read there.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use crate::names::Origin;
use crate::resolve::StoreIdentity;
use crate::source::limiter::{Lane, Limiter, Waiting};

/// The rate where no cluster store names one, in requests a second: half of AWS's 40.
pub const DEFAULT_LIMIT: u32 = 20;

/// What one identity asks of the budget that it shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// The rate that it allows all of the account; none where it speaks for itself only.
    pub limit: Option<u32>,
    /// Who waits.
    pub waiting: Waiting,
}

/// A limiter and those who share it; the lowest of their limits holds.
pub struct Budget {
    inner: Mutex<Inner>,
}

struct Inner {
    limiter: Limiter,
    shares: BTreeMap<StoreIdentity, Share>,
}

impl Budget {
    /// A budget of nobody yet.
    pub fn new(now: Duration) -> Self {
        Self::of(Limiter::new(DEFAULT_LIMIT, now))
    }

    fn of(limiter: Limiter) -> Self {
        Self {
            inner: Mutex::new(Inner {
                limiter,
                shares: BTreeMap::new(),
            }),
        }
    }

    /// `identity` shares it.
    pub fn share(&self, identity: &StoreIdentity, share: Share, now: Duration) {
        let mut inner = self.lock();
        if inner.shares.get(identity) != Some(&share) {
            inner.shares.insert(identity.clone(), share);
            inner.follow(now);
        }
    }

    /// `identity` shares it no more.
    pub fn leave(&self, identity: &StoreIdentity, now: Duration) {
        let mut inner = self.lock();
        inner.shares.remove(identity);
        inner.follow(now);
    }

    /// Takes one request out, or says how long to wait.
    pub fn take(&self, now: Duration, lane: Lane) -> Result<(), Duration> {
        self.lock().limiter.take(now, lane)
    }

    /// AWS throttled.
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
    fn follow(&mut self, now: Duration) {
        let limits = self.shares.values().filter_map(|share| share.limit);
        if let Some(limit) = limits.min() {
            self.limiter.set_limit(limit, now);
        } else if !self.shares.is_empty() {
            self.limiter.set_limit(DEFAULT_LIMIT, now);
        }
        let waits = |share: &Share| share.waiting == Waiting::FirstSyncs;
        let waiting = if self.shares.values().any(waits) {
            Waiting::FirstSyncs
        } else {
            Waiting::Nobody
        };
        self.limiter.first_syncs_wait(waiting, now);
    }
}

/// Where an identity reads, as far as is known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// The account that answered.
    Known(Origin),
    /// Nobody has answered yet: most likely identities of one region and endpoint read in one account.
    Guessed {
        region: String,
        endpoint: Option<String>,
    },
}

/// All budgets, by account and region.
#[derive(Default)]
pub struct Budgets {
    known: Mutex<BTreeMap<Place, Weak<Budget>>>,
}

impl Budgets {
    /// The budget of an identity of which it is not known yet where it reads.
    pub fn guess(&self, identity: &StoreIdentity, now: Duration) -> Arc<Budget> {
        let place = Place::Guessed {
            region: identity.region.clone(),
            endpoint: identity.endpoint.clone(),
        };
        self.at(place, || Budget::new(now))
    }

    /// The budget of an account and region. The first identity that learns where it reads brings the state of the one
    /// that it had: what was throttled or used up stays so.
    pub fn join(&self, origin: &Origin, before: &Budget) -> Arc<Budget> {
        self.at(Place::Known(origin.clone()), || {
            Budget::of(before.lock().limiter.clone())
        })
    }

    fn at(&self, place: Place, make: impl FnOnce() -> Budget) -> Arc<Budget> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, budget| budget.strong_count() > 0);
        if let Some(shared) = known.get(&place).and_then(Weak::upgrade) {
            return shared;
        }
        let budget = Arc::new(make());
        known.insert(place, Arc::downgrade(&budget));
        budget
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
            only_of: None,
        }
    }

    fn share(limit: impl Into<Option<u32>>) -> Share {
        Share {
            limit: limit.into(),
            waiting: Waiting::Nobody,
        }
    }

    #[test]
    fn identities_of_one_account_share_one_limiter_at_the_lowest_limit_of_the_cluster_stores() {
        let origin = Origin {
            account: "111122223333".into(),
            region: "eu-west-1".into(),
        };
        let budgets = Budgets::default();
        let guessed = budgets.guess(&identity("a"), Duration::ZERO);
        assert!(
            Arc::ptr_eq(&guessed, &budgets.guess(&identity("b"), Duration::ZERO)),
            "one region and endpoint"
        );
        guessed.throttled(Duration::ZERO, Duration::from_secs(1));
        let first = budgets.join(&origin, &guessed);
        assert!((first.rate() - 10.0).abs() < 1e-9, "what was throttled stays so");
        let second = budgets.join(&origin, &guessed);
        assert!(Arc::ptr_eq(&first, &second));
        first.share(&identity("a"), share(20), Duration::ZERO);
        first.share(&identity("tenant"), share(None), Duration::ZERO);
        assert!((first.rate() - 10.0).abs() < 1e-9);
        second.share(&identity("b"), share(4), Duration::ZERO);
        assert!((first.rate() - 4.0).abs() < 1e-9);
        drop((first, second));
        let after = budgets.join(&origin, &guessed);
        assert!(
            (after.rate() - 10.0).abs() < 1e-9,
            "a budget goes with its last user"
        );
    }
}
