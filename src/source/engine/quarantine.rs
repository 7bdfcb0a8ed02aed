//! What was refused and is not asked for again for a while. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::schedule;
use crate::source::call::Fault;

/// The first wait of a culprit.
const BASE: Duration = Duration::from_secs(30);
/// The longest wait of a culprit.
const CAP: Duration = Duration::from_mins(15);

/// How long a culprit waits after `failures` in a row.
pub fn wait(failures: u32, seed: u64) -> Duration {
    schedule::backoff(failures, BASE, CAP, seed)
}

struct Held {
    fault: Fault,
    failures: u32,
    until: Duration,
}

/// Culprits, each with its own backoff: 30 s, doubling up to 15 min.
pub struct Quarantine<K> {
    held: BTreeMap<K, Held>,
}

impl<K> Default for Quarantine<K> {
    fn default() -> Self {
        Self {
            held: BTreeMap::new(),
        }
    }
}

impl<K: Ord + Clone> Quarantine<K> {
    /// It was refused (again).
    pub fn hold(&mut self, key: &K, fault: Fault, now: Duration) {
        self.held.retain(|_, held| held.until + CAP > now);
        let failures = self
            .held
            .get(key)
            .map_or(1, |held| held.failures.saturating_add(1));
        let seed = u64::from(failures) ^ u64::try_from(now.as_nanos()).unwrap_or_default();
        let until = now + wait(failures, seed);
        self.held.insert(
            key.clone(),
            Held {
                fault,
                failures,
                until,
            },
        );
    }

    /// Why it need not be asked for now.
    pub fn fault(&self, key: &K, now: Duration) -> Option<&Fault> {
        let held = self.held.get(key)?;
        (held.until > now).then_some(&held.fault)
    }

    /// Those that wait now, and why.
    pub fn waiting(&self, now: Duration) -> impl Iterator<Item = (&K, &Fault)> {
        self.held
            .iter()
            .filter(move |(_, held)| held.until > now)
            .map(|(key, held)| (key, &held.fault))
    }

    /// Whether it was refused the last time, so that it had better be asked for alone.
    pub fn is_suspect(&self, key: &K) -> bool {
        self.held.contains_key(key)
    }

    /// Lets go of what `freed` says.
    pub fn free(&mut self, freed: impl Fn(&K) -> bool) {
        self.held.retain(|key, _| !freed(key));
    }
}
