//! The one place that reads a clock. Everything else is given the time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// What time it is: by the calendar for freezes and due times, monotonic for limiter, backoff and deadlines.
pub trait Clock: Send + Sync + 'static {
    /// The time of day, by the best that this clock knows.
    fn now(&self) -> Timestamp;
    /// Time since the clock was made; never goes back.
    fn monotonic(&self) -> Duration;
    /// This computer's two clocks, whatever [`Clock::now`] goes by.
    fn moment(&self) -> Moment {
        Moment {
            wall: self.now(),
            monotonic: self.monotonic(),
        }
    }
}

/// One moment by this computer's two clocks: the one on the wall, which may be set, and the monotonic one, which may
/// stand still while the machine sleeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The wall clock.
    pub wall: Timestamp,
    /// Time since the clock was made.
    pub monotonic: Duration,
}

/// The computer's clock. Its monotonic side is tokio's, so that sleeping and measuring agree.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    started: Instant,
}

impl SystemClock {
    /// Starts the monotonic side at zero.
    #[expect(clippy::disallowed_methods, reason = "this is the owner of time")]
    pub fn new() -> Self {
        Self {
            started: Instant::now(),
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the owner of time")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }
}

/// A clock for tests: it begins where it is told, and goes on by [`TestClock::advance`] only, or beside that with
/// tokio's time, which tests can pause.
#[derive(Debug)]
pub struct TestClock {
    start: Timestamp,
    running_since: Option<Instant>,
    advanced_ms: AtomicU64,
}

impl TestClock {
    /// A clock that stands still at `start` until it is advanced.
    pub fn still(start: Timestamp) -> Self {
        Self {
            start,
            running_since: None,
            advanced_ms: AtomicU64::new(0),
        }
    }

    /// A clock that goes on with tokio's time, paused or not.
    #[expect(clippy::disallowed_methods, reason = "this is the owner of time")]
    pub fn running(start: Timestamp) -> Self {
        Self {
            running_since: Some(Instant::now()),
            ..Self::still(start)
        }
    }

    /// Moves both sides forward.
    pub fn advance(&self, by: Duration) {
        let millis = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        self.advanced_ms.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        let passed = SignedDuration::try_from(self.monotonic()).unwrap_or(SignedDuration::ZERO);
        self.start.checked_add(passed).unwrap_or(Timestamp::MAX)
    }

    fn monotonic(&self) -> Duration {
        let ran = self.running_since.map_or(Duration::ZERO, |since| since.elapsed());
        ran + Duration::from_millis(self.advanced_ms.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_still_clock_moves_only_when_told() {
        let start = Timestamp::from_second(1_800_000_000).unwrap();
        let clock = TestClock::still(start);
        assert_eq!(clock.now(), start);
        clock.advance(Duration::from_secs(90));
        assert_eq!(clock.monotonic(), Duration::from_secs(90));
        assert_eq!(clock.now().as_second(), 1_800_000_090);
    }

    #[tokio::test(start_paused = true)]
    async fn a_running_clock_follows_paused_time() {
        let clock = TestClock::running(Timestamp::UNIX_EPOCH);
        tokio::time::sleep(Duration::from_hours(1)).await;
        assert_eq!(clock.now().as_second(), 3600);
    }
}
