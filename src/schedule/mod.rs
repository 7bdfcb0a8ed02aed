//! When things are due: phases, ticks and backoff. Pure.
//!
//! Ticks are stateless: they follow from the wall clock and a stable hash, so a restart finds the same ones, equal
//! keys line up, and different keys spread.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

/// A stable number for a key of several parts: the same in every process and release.
pub fn stable_hash(parts: &[&str]) -> u64 {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part.as_bytes());
    }
    digest
        .finalize()
        .iter()
        .take(8)
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// Where in its interval a key's ticks lie: a multiple of a millisecond, less than `interval`.
pub fn phase(key: &[&str], interval: Duration) -> Duration {
    Duration::from_millis(stable_hash(key) % millis(interval))
}

/// The first tick after `now`: ticks lie at `phase` and every `interval` from there, counted from 1970.
pub fn next_due(now: Timestamp, interval: Duration, phase: Duration) -> Timestamp {
    let step = i128::from(millis(interval));
    let offset = i128::from(millis(phase)) % step;
    let since = i128::from(now.as_millisecond()) - offset;
    let tick = (since.div_euclid(step) + 1) * step + offset;
    i64::try_from(tick)
        .ok()
        .and_then(|tick| Timestamp::from_millisecond(tick).ok())
        .unwrap_or(Timestamp::MAX)
}

/// How long to wait after `failures` in a row (1 is the first): `base` doubled each time up to `cap`, of which the
/// upper half is jitter drawn from `seed`.
pub fn backoff(failures: u32, base: Duration, cap: Duration, seed: u64) -> Duration {
    let doubled = base.saturating_mul(1 << failures.saturating_sub(1).min(20));
    let whole = doubled.min(cap);
    whole / 2 + (whole / 2).mul_f64(fraction(seed))
}

/// A number from 0 up to but not 1, spread evenly over seeds (splitmix64).
pub fn fraction(seed: u64) -> f64 {
    let mut z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
}

/// How long from `now` until `then`; nothing when it is past.
pub fn until(now: Timestamp, then: Timestamp) -> Duration {
    let left: SignedDuration = then.duration_since(now);
    Duration::try_from(left).unwrap_or(Duration::ZERO)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_hash_never_changes_and_parts_do_not_run_together() {
        assert_eq!(stable_hash(&[]), 0xe3b0_c442_98fc_1c14);
        assert_ne!(stable_hash(&["ab", "c"]), stable_hash(&["a", "bc"]));
    }

    #[test]
    fn ticks_of_a_minute_with_a_phase_of_ten_seconds() {
        let minute = Duration::from_mins(1);
        let ten = Duration::from_secs(10);
        for (now, tick) in [(0, 10), (9, 10), (10, 70), (11, 70), (-51, -50)] {
            let now = Timestamp::from_second(now).unwrap();
            assert_eq!(next_due(now, minute, ten).as_second(), tick, "{now}");
        }
    }

    #[test]
    fn no_interval_is_too_small_and_no_time_too_late() {
        assert!(next_due(Timestamp::UNIX_EPOCH, Duration::ZERO, Duration::ZERO) > Timestamp::UNIX_EPOCH);
        assert_eq!(
            next_due(Timestamp::MAX, Duration::from_hours(24), Duration::ZERO),
            Timestamp::MAX
        );
    }

    proptest! {
        #[test]
        fn a_tick_comes_after_now_and_within_one_interval(
            now in 0i64..4_000_000_000_000, interval in 1u64..100_000_000, key in "[a-z/]{0,20}"
        ) {
            let now = Timestamp::from_millisecond(now).unwrap();
            let interval = Duration::from_millis(interval);
            let phase = phase(&[&key], interval);
            prop_assert!(phase < interval);
            let tick = next_due(now, interval, phase);
            prop_assert!(tick > now && until(now, tick) <= interval);
            prop_assert_eq!(until(tick, next_due(tick, interval, phase)), interval);
        }

        #[test]
        fn backoff_is_bounded_and_at_least_half_of_the_doubling(failures in 1u32..200, seed: u64) {
            let (base, cap) = (Duration::from_secs(30), Duration::from_mins(15));
            let wait = backoff(failures, base, cap, seed);
            prop_assert!(wait <= cap);
            prop_assert!(wait >= (base * (1 << (failures - 1).min(10))).min(cap) / 2);
        }
    }
}
