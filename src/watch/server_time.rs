//! What time it is at the API server, by the dates of its answers. Pure.
//!
//! An answer's date is cut to whole seconds, and was set at some moment between question and answer. So each answer gives
//! bounds for what the API server's clock showed when our monotonic clock was at zero; what all answers of the last two
//! minutes agree on is believed. Where they do not agree (a clock that was set, several API servers), all of what they say
//! is held possible. Between answers only the monotonic clock counts: nothing that is done to this computer's wall clock
//! moves this time.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// Dates are cut to whole seconds.
const GRAIN: SignedDuration = SignedDuration::from_secs(1);
/// What clocks may run apart within two minutes, at both ends: a hundred times what good ones do.
const SLACK: SignedDuration = SignedDuration::from_millis(100);
/// After so long a new account of the answers is begun; the one before counts too.
const TURN: Duration = Duration::from_mins(1);

/// The time of the API server, as far as its answers tell.
#[derive(Clone, Debug, Default)]
pub struct ServerTime {
    current: Option<Account>,
    before: Option<Account>,
}

/// Between which times it is at the API server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The earliest that it may be.
    pub earliest: Timestamp,
    /// The latest that it may be.
    pub latest: Timestamp,
}

/// What the answers of one turn said of the moment at which our monotonic clock was at zero.
#[derive(Clone, Copy, Debug)]
struct Account {
    since: Duration,
    /// What they agree on; none where they do not.
    agreed: Option<Span>,
    /// From the least to the greatest of what they said.
    said: Span,
}

impl ServerTime {
    /// Takes in the date of an answer that was asked for and came at these times of the monotonic clock.
    pub fn heard(&mut self, date: Timestamp, asked: Duration, came: Duration) {
        let (Some(earliest), Some(latest)) = (back(date, came), back(date, asked)) else {
            return;
        };
        let said = Span {
            earliest: earliest.checked_sub(SLACK).unwrap_or(earliest),
            latest: latest.checked_add(GRAIN + SLACK).unwrap_or(latest),
        };
        match &mut self.current {
            Some(account) if came.saturating_sub(account.since) < TURN => account.add(said),
            _ => {
                self.before = self.current.replace(Account {
                    since: came,
                    agreed: Some(said),
                    said,
                });
            }
        }
    }

    /// What time it is when the monotonic clock shows `monotonic`; none before the first answer.
    pub fn at(&self, monotonic: Duration) -> Option<Span> {
        let current = self.current?;
        let at_zero = match self.before {
            None => current.agreed.unwrap_or(current.said),
            Some(before) => {
                let agreed = current.agreed.zip(before.agreed);
                agreed
                    .and_then(|(now, then)| now.both(then))
                    .unwrap_or_else(|| current.said.either(before.said))
            }
        };
        let passed = SignedDuration::try_from(monotonic).ok()?;
        Some(Span {
            earliest: at_zero.earliest.checked_add(passed).ok()?,
            latest: at_zero.latest.checked_add(passed).ok()?,
        })
    }
}

impl Account {
    fn add(&mut self, said: Span) {
        self.agreed = self.agreed.and_then(|agreed| agreed.both(said));
        self.said = self.said.either(said);
    }
}

impl Span {
    /// What lies in both.
    fn both(self, other: Self) -> Option<Self> {
        let both = Self {
            earliest: self.earliest.max(other.earliest),
            latest: self.latest.min(other.latest),
        };
        (both.earliest <= both.latest).then_some(both)
    }

    /// All that lies in one of them or between.
    fn either(self, other: Self) -> Self {
        Self {
            earliest: self.earliest.min(other.earliest),
            latest: self.latest.max(other.latest),
        }
    }

    /// How far `wall` is off: nothing where it may be right.
    pub fn skew(self, wall: Timestamp) -> SignedDuration {
        if wall > self.latest {
            wall.duration_since(self.latest)
        } else if wall < self.earliest {
            wall.duration_since(self.earliest)
        } else {
            SignedDuration::ZERO
        }
    }
}

/// What a clock that shows `date` at `monotonic` showed at zero.
fn back(date: Timestamp, monotonic: Duration) -> Option<Timestamp> {
    date.checked_sub(SignedDuration::try_from(monotonic).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BASE: i64 = 1_800_000_000_000;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(BASE + milliseconds).unwrap()
    }

    fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    /// The header of an answer that a server gives when its clock shows `at`.
    fn date(at: Timestamp) -> Timestamp {
        Timestamp::from_second(at.as_second()).unwrap()
    }

    fn span(time: &ServerTime, monotonic: u64) -> (i64, i64) {
        let span = time.at(ms(monotonic)).unwrap();
        let of = |at: Timestamp| at.as_millisecond() - BASE;
        (of(span.earliest), of(span.latest))
    }

    #[test]
    fn nothing_is_known_before_an_answer_and_from_one_only_what_its_date_and_its_way_leave_open() {
        let mut time = ServerTime::default();
        assert_eq!(time.at(ms(5)), None);
        time.heard(at(7_000), ms(2_000), ms(2_300));
        assert_eq!(span(&time, 2_300), (6_900, 8_400));
        assert_eq!(
            span(&time, 12_300),
            (16_900, 18_400),
            "time goes on without answers"
        );
    }

    #[test]
    fn answers_narrow_it_down_and_a_slow_one_widens_nothing() {
        let mut time = ServerTime::default();
        time.heard(at(7_000), ms(2_000), ms(2_000));
        time.heard(at(7_000), ms(2_700), ms(2_700));
        time.heard(at(8_000), ms(3_200), ms(3_200));
        time.heard(at(9_000), ms(1_000), ms(9_000));
        // At 2.0 s it was no earlier than 7, at 2.7 s no later than 8.
        assert_eq!(span(&time, 3_200), (8_100, 8_600));
    }

    #[test]
    fn a_servers_clock_that_was_set_is_believed_two_minutes_later_and_both_are_held_possible_until_then() {
        let mut time = ServerTime::default();
        time.heard(at(0), ms(0), ms(0));
        time.heard(at(3_600_000), ms(20_000), ms(20_000));
        let (earliest, latest) = span(&time, 20_000);
        assert!(earliest <= 20_000 && latest >= 3_600_000);
        for second in (40..=160).step_by(20) {
            let asked = ms(second * 1_000);
            time.heard(at(3_580_000 + second as i64 * 1_000), asked, asked);
        }
        assert_eq!(span(&time, 160_000), (3_739_900, 3_741_100));
    }

    #[test]
    fn a_wall_clock_is_off_by_what_cannot_be_explained() {
        let span = Span {
            earliest: at(0),
            latest: at(1_000),
        };
        for (wall, skew) in [(-500, -500), (0, 0), (1_000, 0), (1_500, 500)] {
            assert_eq!(span.skew(at(wall)), SignedDuration::from_millis(skew));
        }
    }

    proptest! {
        /// A true clock is never outside of what is held possible, whatever the answers' ways are.
        #[test]
        fn the_true_time_is_always_possible(
            offset in 0i64..100_000,
            answers in prop::collection::vec((0u64..30_000, 0u64..3_000, 0u64..3_000), 1..60),
            later in 0u64..100_000,
        ) {
            let mut time = ServerTime::default();
            let mut asked = 0;
            for (pause, there, back) in answers {
                asked += pause;
                let stamped = asked + there;
                time.heard(date(at(offset + stamped as i64)), ms(asked), ms(stamped + back));
            }
            let truth = offset + (asked + later) as i64;
            let (earliest, latest) = span(&time, asked + later);
            prop_assert!(earliest <= truth && truth <= latest, "{earliest} {truth} {latest}");
        }
    }
}
