//! What the gate imposes on calls, as last told.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// A token bucket over the three reads.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quota {
    /// Tokens added each second; AWS's default for reads is 40.
    pub per_second: f64,
    /// The most tokens that are saved up; the bucket starts full.
    pub burst: f64,
}

/// Calls that are still to fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// How many.
    pub calls: usize,
    /// With which AWS error code.
    pub code: String,
}

impl Failure {
    /// The code with which this call is to fail, if any is left.
    pub(crate) fn next(failure: &mut Option<Self>) -> Option<String> {
        let failure = failure.as_mut()?;
        failure.calls = failure.calls.checked_sub(1)?;
        Some(failure.code.clone())
    }
}

/// How reads of one name lag behind its writes, and for how many more answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lag {
    Hidden(usize),
    Stale(usize),
}

/// Which reads lag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reads {
    All,
    Decrypting,
}

#[derive(Debug)]
struct Bucket {
    quota: Quota,
    tokens: f64,
    filled: Instant,
}

impl Bucket {
    fn take(&mut self, now: Instant) -> bool {
        let since = now.saturating_duration_since(self.filled).as_secs_f64();
        self.tokens = (self.tokens + since * self.quota.per_second).min(self.quota.burst);
        self.filled = now;
        if self.tokens < 1.0 {
            return false;
        }
        self.tokens -= 1.0;
        true
    }
}

// Each is a switch of its own.
#[allow(clippy::struct_excessive_bools)]
#[derive(Debug, Default)]
pub(crate) struct Faults {
    bucket: Option<Bucket>,
    pub(crate) throttle_all: bool,
    pub(crate) latency: Duration,
    /// Canonical names, as all names and paths here.
    pub(crate) denied_names: BTreeSet<String>,
    pub(crate) denied_paths: BTreeSet<String>,
    pub(crate) disabled_keys: BTreeSet<String>,
    pub(crate) page_size: Option<usize>,
    pub(crate) empty_page_first: bool,
    pub(crate) trailing_token: bool,
    pub(crate) lags: BTreeMap<String, (Lag, Reads)>,
    /// The one access key that is valid; none: all are.
    pub(crate) only_key: Option<String>,
    pub(crate) failure: Option<Failure>,
    pub(crate) calendar_failure: Option<Failure>,
    pub(crate) serve_itself: bool,
}

impl Faults {
    pub(crate) fn set_quota(&mut self, quota: Option<Quota>) {
        self.bucket = quota.map(|quota| Bucket {
            quota,
            tokens: quota.burst,
            filled: Instant::now(),
        });
    }

    /// Whether a read that comes in `now` is over the quota; takes a token if not.
    pub(crate) fn throttles(&mut self, now: Instant) -> bool {
        self.throttle_all || self.bucket.as_mut().is_some_and(|bucket| !bucket.take(now))
    }

    /// How an answer that would hold `name` lags; counts that answer.
    pub(crate) fn lag(&mut self, name: &str, decrypt: bool) -> Option<Lag> {
        let (lag, reads) = self.lags.get_mut(name)?;
        if *reads == Reads::Decrypting && !decrypt {
            return None;
        }
        let now = *lag;
        match lag {
            Lag::Hidden(0) | Lag::Stale(0) => return None,
            Lag::Hidden(left) | Lag::Stale(left) => *left -= 1,
        }
        Some(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let start = Instant::now();
        let mut bucket = Bucket {
            quota: Quota {
                per_second: 4.0,
                burst: 3.0,
            },
            tokens: 3.0,
            filled: start,
        };
        let at_once = (0..10).filter(|_| bucket.take(start)).count();
        let later = (1..=16)
            .filter(|n| bucket.take(start + Duration::from_millis(125 * n)))
            .count();
        assert_eq!((at_once, later), (3, 8), "in two seconds");
    }

    #[test]
    fn a_lag_ends_after_its_answers() {
        let mut faults = Faults::default();
        faults
            .lags
            .insert("/a".to_owned(), (Lag::Hidden(1), Reads::Decrypting));
        assert_eq!(faults.lag("/a", false), None, "no sweep lags");
        assert_eq!(
            (
                faults.lag("/a", true),
                faults.lag("/a", true),
                faults.lag("/b", true)
            ),
            (Some(Lag::Hidden(1)), None, None)
        );
    }
}
