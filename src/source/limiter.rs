//! How fast one account and region may be asked: a token bucket that yields when AWS throttles. Pure.
//!
//! Additive increase, multiplicative decrease: halved at a ThrottlingException after a pause, then one request a
//! second more each second up to 0.8 of the rate that was throttled, and beyond it one each ten seconds, up to the
//! limit: what was too fast a moment ago is not tried again at once. The burst is a quarter of a second's worth: with a limit of 20 no
//! second ever holds more than 25 requests, well below the 40 that AWS allows an account by default.

use std::time::Duration;

/// The slowest that throttling makes us, in requests a second.
const FLOOR: f64 = 1.0;
/// Regained each second, in requests a second, while well below what was throttled.
const REGAIN: f64 = 1.0;
/// The same near it and above.
const SLOW_REGAIN: f64 = 0.1;
/// How near, as a part of the rate that was throttled.
const NEAR: f64 = 0.8;
/// A token is there when so little is missing that it is rounding.
const ROUNDING: f64 = 1e-6;

/// The sweeps' part of the rate.
const SWEEPS: f64 = 0.5;
/// The same while first syncs wait.
const SWEEPS_BESIDE_FIRST_SYNCS: f64 = 0.1;

/// What a request is for; sweeps get at most half of the rate, and a tenth while first syncs wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// Values that somebody waits for.
    Fetch,
    /// Looking whether something changed.
    Sweep,
}

/// Who waits for values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Waiting {
    /// Nobody, or those whose Secret is there.
    #[default]
    Nobody,
    /// Somebody whose Secret is not there yet.
    FirstSyncs,
}

/// The bucket. Time is monotonic, from any start.
#[derive(Clone, Debug)]
pub struct Limiter {
    limit: f64,
    rate: f64,
    /// Up to where the rate grows fast.
    knee: f64,
    /// The sweeps' part.
    sweeps: f64,
    tokens: f64,
    sweep_tokens: f64,
    /// Up to when tokens were counted; lies ahead while paused.
    counted: Duration,
}

impl Limiter {
    /// A full bucket for `limit` requests a second.
    pub fn new(limit: u32, now: Duration) -> Self {
        let limit = f64::from(limit.max(1));
        Self {
            limit,
            rate: limit,
            knee: limit,
            sweeps: SWEEPS,
            tokens: burst(limit),
            sweep_tokens: burst(limit * SWEEPS),
            counted: now,
        }
    }

    /// Changes the limit; the rate follows at once downwards, and by and by upwards.
    pub fn set_limit(&mut self, limit: u32, now: Duration) {
        self.count(now);
        if self.knee >= self.limit {
            // Nothing was throttled lately.
            self.knee = f64::INFINITY;
        }
        self.limit = f64::from(limit.max(1));
        self.knee = self.knee.min(self.limit);
        self.rate = self.rate.min(self.limit);
        self.cap();
    }

    /// Whether first syncs wait, which leave less to the sweeps.
    pub fn first_syncs_wait(&mut self, wait: Waiting, now: Duration) {
        self.count(now);
        self.sweeps = match wait {
            Waiting::Nobody => SWEEPS,
            Waiting::FirstSyncs => SWEEPS_BESIDE_FIRST_SYNCS,
        };
        self.cap();
    }

    /// The present rate, in requests a second.
    pub fn rate(&self) -> f64 {
        self.rate
    }

    /// Takes one request out, or says how long to wait before asking again.
    pub fn take(&mut self, now: Duration, lane: Lane) -> Result<(), Duration> {
        self.offer(now, lane)?;
        self.tokens -= 1.0;
        if lane == Lane::Sweep {
            self.sweep_tokens -= 1.0;
        }
        Ok(())
    }

    /// Whether [`Limiter::take`] would give one now, or how long to wait before asking again.
    pub fn offer(&mut self, now: Duration, lane: Lane) -> Result<(), Duration> {
        self.count(now);
        let mut lacking = (1.0 - self.tokens) / self.rate;
        if lane == Lane::Sweep {
            lacking = lacking.max((1.0 - self.sweep_tokens) / (self.rate * self.sweeps));
        }
        let paused = self.counted.saturating_sub(now);
        if lacking > ROUNDING || !paused.is_zero() {
            let wait = paused + Duration::from_secs_f64(lacking.max(0.0));
            return Err(wait.max(Duration::from_millis(1)));
        }
        Ok(())
    }

    /// AWS throttled a request: halves the rate and stops for `pause`. Answers to requests that were under way when
    /// the pause began count as the same throttling.
    pub fn throttled(&mut self, now: Duration, pause: Duration) {
        self.count(now);
        if self.counted > now {
            return;
        }
        self.knee = (self.rate * NEAR).min(self.limit);
        self.rate = (self.rate / 2.0).max(FLOOR);
        self.tokens = 0.0;
        self.sweep_tokens = 0.0;
        self.counted = now + pause;
    }

    /// Counts the tokens that came since the last time, while the rate grew.
    fn count(&mut self, now: Duration) {
        let Some(passed) = now.checked_sub(self.counted) else {
            return;
        };
        let (mut left, mut came) = (passed.as_secs_f64(), 0.0);
        for (up_to, gain) in [(self.knee, REGAIN), (self.limit, SLOW_REGAIN)] {
            let growing = ((up_to - self.rate) / gain).clamp(0.0, left);
            came += (self.rate + growing * gain / 2.0) * growing;
            self.rate += growing * gain;
            left -= growing;
        }
        came += self.rate * left;
        self.tokens += came;
        self.sweep_tokens += came * self.sweeps;
        self.cap();
        self.counted = now;
    }

    /// What was saved up has its bound.
    fn cap(&mut self) {
        self.tokens = self.tokens.min(burst(self.limit));
        self.sweep_tokens = self.sweep_tokens.min(burst(self.limit * self.sweeps));
    }
}

fn burst(limit: f64) -> f64 {
    (limit / 4.0).max(1.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Takes whatever it can in `lane` from `from` for `seconds`; gives the times.
    fn drain(limiter: &mut Limiter, lane: Lane, from: Duration, seconds: u64) -> Vec<Duration> {
        let (mut now, mut taken) = (from, vec![]);
        while now < from + SECOND * seconds as u32 {
            match limiter.take(now, lane) {
                Ok(()) => taken.push(now),
                Err(wait) => now += wait,
            }
        }
        taken
    }

    #[test]
    fn at_the_default_no_second_comes_near_the_quota_of_aws() {
        let mut limiter = Limiter::new(20, Duration::ZERO);
        let taken = drain(&mut limiter, Lane::Fetch, Duration::ZERO, 60);
        for at in &taken {
            let in_a_second = taken.iter().filter(|t| *t >= at && **t < *at + SECOND).count();
            assert!(in_a_second <= 26, "{in_a_second} from {at:?}");
        }
        assert!((1195..=1210).contains(&taken.len()), "{}", taken.len());
    }

    #[test]
    fn sweeps_get_at_most_half_and_leave_the_rest_to_fetches() {
        let mut limiter = Limiter::new(20, Duration::ZERO);
        let sweeps = drain(&mut limiter, Lane::Sweep, Duration::ZERO, 60).len();
        assert!((595..=605).contains(&sweeps), "{sweeps}");
        limiter.take(SECOND * 60, Lane::Fetch).unwrap();
    }

    #[test]
    fn throttling_halves_pauses_and_recovers_fast_at_first_and_then_slowly() {
        let mut limiter = Limiter::new(20, Duration::ZERO);
        limiter.throttled(SECOND, SECOND);
        limiter.throttled(SECOND, SECOND);
        assert!((limiter.rate() - 10.0).abs() < 1e-9, "one throttling, not two");
        assert!(limiter.take(SECOND + SECOND / 2, Lane::Fetch).is_err());
        limiter.take(SECOND * 3, Lane::Fetch).unwrap();
        assert!((limiter.rate() - 11.0).abs() < 1e-9);
        for (at, rate) in [(8, 16.0), (18, 17.0), (48, 20.0), (90, 20.0)] {
            limiter.take(SECOND * at, Lane::Fetch).unwrap();
            assert!(
                (limiter.rate() - rate).abs() < 1e-9,
                "{} at {at} s",
                limiter.rate()
            );
        }
    }

    #[test]
    fn sweeps_get_a_tenth_while_first_syncs_wait() {
        let mut limiter = Limiter::new(20, Duration::ZERO);
        limiter.first_syncs_wait(Waiting::FirstSyncs, Duration::ZERO);
        let sweeps = drain(&mut limiter, Lane::Sweep, Duration::ZERO, 60).len();
        assert!((119..=122).contains(&sweeps), "{sweeps}");
        limiter.first_syncs_wait(Waiting::Nobody, SECOND * 60);
        let sweeps = drain(&mut limiter, Lane::Sweep, SECOND * 60, 60).len();
        assert!((595..=605).contains(&sweeps), "{sweeps}");
    }

    #[test]
    fn a_limit_that_is_raised_counts_within_seconds_where_nothing_was_throttled() {
        let mut limiter = Limiter::new(2, Duration::ZERO);
        limiter.set_limit(20, Duration::ZERO);
        limiter.take(SECOND * 19, Lane::Fetch).unwrap();
        assert!((limiter.rate() - 20.0).abs() < 1e-9, "{}", limiter.rate());
    }

    #[test]
    fn a_lower_limit_counts_at_once() {
        let mut limiter = Limiter::new(40, Duration::ZERO);
        limiter.set_limit(4, Duration::ZERO);
        let taken = drain(&mut limiter, Lane::Fetch, Duration::ZERO, 10).len();
        assert!((40..=42).contains(&taken), "{taken}");
    }

    proptest! {
        #[test]
        fn whatever_happens_the_limit_holds(
            limit in 1u32..100,
            steps in prop::collection::vec((0u64..2000, 0u8..8), 1..400)
        ) {
            let mut limiter = Limiter::new(limit, Duration::ZERO);
            let (mut now, mut all, mut sweeps) = (Duration::ZERO, 0.0, 0.0);
            for (wait, what) in steps {
                now += Duration::from_millis(wait);
                match what {
                    0 => limiter.throttled(now, SECOND),
                    1 | 2 => if limiter.take(now, Lane::Sweep).is_ok() { all += 1.0; sweeps += 1.0; },
                    _ => for _ in 0..10 { if limiter.take(now, Lane::Fetch).is_ok() { all += 1.0; } },
                }
                let (seconds, limit) = (now.as_secs_f64(), f64::from(limit));
                prop_assert!(all <= limit * seconds + burst(limit) + 0.01);
                prop_assert!(sweeps <= limit / 2.0 * seconds + burst(limit / 2.0) + 0.01);
                prop_assert!(limiter.rate() >= FLOOR && limiter.rate() <= limit);
            }
        }

        #[test]
        fn the_wait_it_names_is_enough(limit in 1u32..100, taken in 0usize..30, throttle: bool) {
            let mut limiter = Limiter::new(limit, Duration::ZERO);
            for _ in 0..taken { let _ = limiter.take(Duration::ZERO, Lane::Fetch); }
            if throttle { limiter.throttled(Duration::ZERO, SECOND); }
            if let Err(wait) = limiter.take(Duration::ZERO, Lane::Sweep) {
                prop_assert!(limiter.take(wait + Duration::from_micros(2), Lane::Sweep).is_ok());
            }
        }
    }
}
