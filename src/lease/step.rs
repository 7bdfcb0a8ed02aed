//! What to do about the Lease next. Pure.

use std::time::Duration;

use super::sight::Sight;
use crate::write::GIVEN_UP_AFTER;

/// How often a holder renews.
const RENEWED_EVERY: Duration = Duration::from_secs(5);
/// How often a candidate looks, and how long a request without an answer waits for the next.
pub const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long a holder writes nothing that follows one which did not end cleanly: that one's last request may still land.
pub const QUIET: Duration = Duration::from_secs(10);

/// What this process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It wants the Lease.
    Candidate,
    /// It holds it.
    Holder {
        /// When the last renewal that was answered was sent.
        sent: Duration,
        /// When the last renewal was sent, answered or not.
        tried: Duration,
    },
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Take the Lease as it was seen: make it where there is none, replace just this version of it otherwise. Then write
    /// nothing for so long.
    Acquire {
        /// Zero after a clean end.
        quiet: Duration,
    },
    /// Renew it, under the version that was seen.
    Renew,
    /// Do nothing for so long, then look, or ask again what to do.
    Wait(Duration),
    /// Write nothing any more.
    Lost,
}

/// What `me` does next as `role`, by what was seen and our own monotonic clock.
pub fn step(role: Role, sight: &Sight, me: &str, now: Duration) -> Step {
    match role {
        // Taken by a request of ours that had no answer. Whether it followed a clean end is forgotten by now.
        Role::Candidate if sight.holder() == Some(me) => Step::Acquire { quiet: QUIET },
        Role::Candidate => match sight.claimed_until {
            None => Step::Acquire {
                quiet: Duration::ZERO,
            },
            Some(until) if until <= now => Step::Acquire { quiet: QUIET },
            Some(until) => Step::Wait(LOOK_EVERY.min(until.saturating_sub(now))),
        },
        Role::Holder { .. } if sight.holder() != Some(me) => Step::Lost,
        Role::Holder { sent, .. } if now >= sent + GIVEN_UP_AFTER => Step::Lost,
        Role::Holder { sent, tried } => {
            let due = if tried > sent {
                tried + LOOK_EVERY
            } else {
                sent + RENEWED_EVERY
            };
            if due <= now {
                Step::Renew
            } else {
                Step::Wait(due.min(sent + GIVEN_UP_AFTER).saturating_sub(now))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lease::record::Record;

    const ME: &str = "pod-a_1";

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn record(version: &str, holder: Option<&str>) -> Record {
        Record {
            version: version.to_owned(),
            holder: holder.map(str::to_owned),
            duration: s(15),
        }
    }

    /// What was seen, each at its second.
    fn seen(records: &[(u64, Option<Record>)]) -> Sight {
        let mut sight = Sight::default();
        for (at, record) in records {
            sight.see(record.clone(), s(*at));
        }
        sight
    }

    const AT_ONCE: Step = Step::Acquire {
        quiet: Duration::ZERO,
    };
    const AFTER_QUIET: Step = Step::Acquire { quiet: QUIET };

    #[test]
    fn what_a_candidate_does() {
        let held = |version| Some(record(version, Some("pod-b_2")));
        let free = |version| Some(record(version, None));
        let cases = [
            ("there is no Lease", seen(&[(0, None)]), 0, AT_ONCE),
            ("nobody holds it", seen(&[(0, free("1"))]), 0, AT_ONCE),
            (
                "it is handed over",
                seen(&[(0, held("1")), (3, free("2"))]),
                3_000,
                AT_ONCE,
            ),
            (
                "another holds it",
                seen(&[(0, held("1"))]),
                0,
                Step::Wait(LOOK_EVERY),
            ),
            (
                "it is about to expire",
                seen(&[(0, held("1"))]),
                14_600,
                Step::Wait(ms(400)),
            ),
            (
                "it has expired",
                seen(&[(0, held("1")), (14, held("1"))]),
                15_000,
                AFTER_QUIET,
            ),
            (
                "it was renewed meanwhile",
                seen(&[(0, held("1")), (14, held("2"))]),
                15_000,
                Step::Wait(LOOK_EVERY),
            ),
            (
                "it was deleted under its holder",
                seen(&[(0, held("1")), (3, None)]),
                4_000,
                Step::Wait(LOOK_EVERY),
            ),
            (
                "and that holder had its time",
                seen(&[(0, held("1")), (3, None)]),
                15_000,
                AFTER_QUIET,
            ),
            (
                "it is ours, by a request without an answer",
                seen(&[(0, Some(record("1", Some(ME))))]),
                0,
                AFTER_QUIET,
            ),
        ];
        for (name, sight, now, expected) in cases {
            assert_eq!(step(Role::Candidate, &sight, ME, ms(now)), expected, "{name}");
        }
    }

    #[test]
    fn what_a_holder_does() {
        let ours = seen(&[(100, Some(record("1", Some(ME))))]);
        let holder = |sent, tried| Role::Holder {
            sent: s(sent),
            tried: s(tried),
        };
        let cases = [
            (
                "it has just renewed",
                holder(100, 100),
                &ours,
                101,
                Step::Wait(s(4)),
            ),
            ("it is time", holder(100, 100), &ours, 105, Step::Renew),
            ("no answer yet", holder(100, 105), &ours, 105, Step::Wait(s(1))),
            ("no answer: again", holder(100, 105), &ours, 106, Step::Renew),
            (
                "no answer: never past the end",
                holder(100, 109),
                &ours,
                109,
                Step::Wait(s(1)),
            ),
            (
                "given up 10 s after it was sent",
                holder(100, 109),
                &ours,
                110,
                Step::Lost,
            ),
            ("halted for a minute", holder(100, 100), &ours, 160, Step::Lost),
        ];
        for (name, role, sight, now, expected) in cases {
            assert_eq!(step(role, sight, ME, s(now)), expected, "{name}");
        }
        let lost = [
            (
                "deleted",
                seen(&[(100, Some(record("1", Some(ME)))), (101, None)]),
            ),
            ("taken", seen(&[(101, Some(record("2", Some("pod-b_2"))))])),
            ("cleared by hand", seen(&[(101, Some(record("2", None)))])),
            (
                "taken by an earlier run of the same Pod",
                seen(&[(101, Some(record("2", Some("pod-a_0"))))]),
            ),
        ];
        for (name, sight) in lost {
            assert_eq!(step(holder(100, 100), &sight, ME, s(101)), Step::Lost, "{name}");
        }
        let annotated = seen(&[
            (100, Some(record("1", Some(ME)))),
            (102, Some(record("2", Some(ME)))),
        ]);
        assert_eq!(
            step(holder(100, 105), &annotated, ME, s(106)),
            Step::Renew,
            "an edit that leaves the holder is none of its business"
        );
    }

    /// The end of the old holder's tenure and the beginning of the new one's never overlap, and a write that the old one
    /// began last has had its time: whatever the clocks of the two say, and however late each sees what the other did.
    #[test]
    fn no_two_write_at_a_time() {
        for delay in 0..60 {
            // The last renewal is sent at 0, lands up to 6 s later, and is seen up to 54 s after that.
            let (landed, looked) = (s(delay.min(6)), s(delay));
            let mut sight = Sight::default();
            sight.see(Some(record("1", Some("old"))), landed.max(looked));
            let mut now = landed.max(looked);
            let begins = loop {
                match step(Role::Candidate, &sight, ME, now) {
                    Step::Wait(wait) => now += wait,
                    Step::Acquire { quiet } => break now + quiet,
                    other => panic!("{other:?}"),
                }
            };
            let last_write_lands = GIVEN_UP_AFTER + s(12);
            assert!(begins > last_write_lands, "seen after {delay} s: {begins:?}");
        }
    }
}
