//! How soon a watch that failed is started again.

use std::time::Duration;

use kube::runtime::utils::Backoff;

use crate::schedule;

/// The first pause.
const FIRST: Duration = Duration::from_millis(500);
/// The longest. Five watches that ask every few seconds do an API server no harm, and what is watched decides whether a
/// change is allowed: it must not be half a minute late when the API server is back.
const LONGEST: Duration = Duration::from_secs(8);

/// Pauses that double, with jitter, until the watch yields something again.
pub(super) struct WatchBackoff {
    failures: u32,
    seed: u64,
}

impl WatchBackoff {
    /// `resource` spreads the watches of one operator.
    pub(super) fn new(resource: &str) -> Self {
        Self {
            failures: 0,
            seed: schedule::stable_hash(&[resource]),
        }
    }
}

impl Iterator for WatchBackoff {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        self.failures = self.failures.saturating_add(1);
        Some(schedule::backoff(
            self.failures,
            FIRST,
            LONGEST,
            self.seed ^ u64::from(self.failures),
        ))
    }
}

impl Backoff for WatchBackoff {
    fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_seconds_and_begin_anew() {
        let mut backoff = WatchBackoff::new("secrets");
        let pauses: Vec<Duration> = backoff.by_ref().take(8).collect();
        assert!(pauses[0] <= FIRST && pauses[0] >= FIRST / 2, "{pauses:?}");
        assert!(pauses[7] <= LONGEST && pauses[7] >= LONGEST / 2, "{pauses:?}");
        backoff.reset();
        assert!(backoff.next() <= Some(FIRST));
    }
}
