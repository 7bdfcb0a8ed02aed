//! How long a permit counts. Pure.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::clock::Moment;

/// The longest time from a permit to the request that it is for.
const LONGEST: Duration = Duration::from_secs(10);
/// A wall clock that is tended goes back by less than this.
const TENDED: SignedDuration = SignedDuration::from_secs(1);

/// The time for which a permit counts: 10 s by both of this computer's clocks, and no longer than what the gate said
/// then. A process that was stopped sees both clocks go on; on a machine that slept only the wall clock did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    given: Moment,
    gate: Option<Timestamp>,
}

impl Term {
    /// Begins at `given`. `gate` is the gate's next transition, in gate time; none where it has none.
    pub fn new(given: Moment, gate: Option<Timestamp>) -> Self {
        Self { given, gate }
    }

    /// Whether it still counts, asked when the request is handed to the client. `gate_now` is the time by the API server.
    pub fn is_running(&self, now: Moment, gate_now: Timestamp) -> bool {
        let monotonic = now.monotonic.checked_sub(self.given.monotonic);
        let wall = now.wall.duration_since(self.given.wall);
        monotonic.is_some_and(|passed| passed < LONGEST)
            && (-TENDED..SignedDuration::from_secs(10)).contains(&wall)
            && self.gate.is_none_or(|end| gate_now < end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(1_800_000_000_000 + milliseconds).unwrap()
    }

    #[test]
    fn it_ends_by_the_first_of_three_clocks() {
        let given = Moment {
            wall: at(0),
            monotonic: Duration::from_secs(100),
        };
        // What happened; passed by monotonic, wall and gate time, in ms; the gate's next transition; whether it counts.
        for (case, monotonic, wall, gate, end, counts) in [
            ("at once", 0, 0, 0, None, true),
            ("an open end", 9_999, 9_999, 9_999, None, true),
            ("ten seconds", 10_000, 10_000, 10_000, None, false),
            ("before the gate closes", 2_000, 2_000, 2_000, Some(2_001), true),
            ("as the gate closes", 2_000, 2_000, 2_000, Some(2_000), false),
            (
                "stopped across a closing",
                3_000,
                3_000,
                3_000,
                Some(1_000),
                false,
            ),
            ("stopped for long", 60_000, 60_000, 60_000, None, false),
            ("the machine slept", 5, 60_000, 5, None, false),
            ("the wall clock was put forward", 5, 7_200_000, 5, None, false),
            ("the wall clock was put back", 5, -7_200_000, 5, None, false),
            ("the wall clock is tended", 5, -500, 5, None, true),
            (
                "the API server says that it is later",
                5,
                5,
                9_000,
                Some(8_000),
                false,
            ),
        ] {
            let term = Term::new(given, end.map(at));
            let now = Moment {
                wall: at(wall),
                monotonic: given.monotonic + Duration::from_millis(monotonic),
            };
            assert_eq!(term.is_running(now, at(gate)), counts, "{case}");
        }
    }

    #[test]
    fn a_monotonic_clock_that_went_back_is_another_ones() {
        let given = Moment {
            wall: at(0),
            monotonic: Duration::from_secs(100),
        };
        let other = Moment {
            monotonic: Duration::from_secs(1),
            ..given
        };
        assert!(!Term::new(given, None).is_running(other, at(0)));
    }
}
