//! By how much intervals are stretched, and since when. Pure.

use std::time::Duration;

/// How long a stretch must last before each object tells of it in its own status.
const LASTING: Duration = Duration::from_mins(30);
/// How much at least.
const MUCH: f64 = 2.0;

/// The stretch of the present plan.
pub struct Pace {
    stretch: f64,
    since: Duration,
    told: bool,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            stretch: 1.0,
            since: Duration::ZERO,
            told: false,
        }
    }
}

impl Pace {
    /// Takes in the stretch of a new plan; says whether what objects tell is another by that.
    pub fn follow(&mut self, stretch: f64, now: Duration) -> bool {
        if (self.stretch - stretch).abs() < f64::EPSILON {
            return false;
        }
        (self.stretch, self.since) = (stretch, now);
        std::mem::take(&mut self.told)
    }

    /// Whether it has just lasted long enough for objects to tell of it.
    pub fn tick(&mut self, now: Duration) -> bool {
        let due = self.next_event().is_some_and(|at| at <= now);
        self.told |= due;
        due
    }

    /// When [`Pace::tick`] has something new.
    pub fn next_event(&self) -> Option<Duration> {
        (self.stretch >= MUCH && !self.told).then(|| self.since + LASTING)
    }

    /// The stretch that each object tells of.
    pub fn told(&self) -> Option<f64> {
        self.told.then_some(self.stretch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_tell_of_twice_their_interval_after_half_an_hour_and_of_its_end_at_once() {
        let minutes = |n: u64| Duration::from_mins(n);
        let mut pace = Pace::default();
        assert!(!pace.follow(1.5, minutes(0)));
        assert_eq!(pace.next_event(), None, "not twice");
        assert!(!pace.follow(3.0, minutes(5)));
        assert!(!pace.tick(minutes(34)));
        assert_eq!(pace.told(), None);
        assert!(pace.tick(minutes(35)));
        assert_eq!((pace.told(), pace.next_event()), (Some(3.0), None));
        assert!(!pace.tick(minutes(36)), "once");
        assert!(!pace.follow(3.0, minutes(40)));
        assert!(pace.follow(1.0, minutes(41)));
        assert_eq!(pace.told(), None);
    }
}
