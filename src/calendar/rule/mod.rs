//! Recurrence rules (RFC 5545, section 3.3.10), as far as independent calendars agree about them.
//!
//! In: the text of an RRULE and the start of its event. Out: a [`Rule`], which tells the local times near any other
//! without walking there from the start, or a refusal that names the part.

mod expand;
mod parse;

pub(super) use expand::LATEST;

use jiff::Timestamp;
use jiff::civil::{DateTime, Time, Weekday};

/// How an event recurs. What the text leaves out is filled in from the start, so that a day belongs to the rule if
/// every set that is not empty has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    frequency: Frequency,
    /// Every how many days, weeks, months or years: 1 to 1000.
    interval: i64,
    bound: Bound,
    /// The local time of the event's start, which anchors the periods. Nothing before it belongs to the rule.
    start: DateTime,
    /// On which day a week begins.
    week_start: Weekday,
    months: Numbers,
    month_days: Numbers,
    year_days: Numbers,
    weekdays: Vec<OrdinalDay>,
    /// The times of a day, in order; never empty.
    times: Vec<Time>,
    /// Which of a period's times count, from 1 or, from its end, from -1.
    positions: Vec<i16>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Frequency {
    Daily,
    Weekly,
    Monthly,
    Yearly,
}

impl Frequency {
    fn as_str(self) -> &'static str {
        match self {
            Self::Daily => "DAILY",
            Self::Weekly => "WEEKLY",
            Self::Monthly => "MONTHLY",
            Self::Yearly => "YEARLY",
        }
    }
}

/// Where a rule ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bound {
    /// Nowhere.
    Never,
    /// After so many times.
    Count(u32),
    /// With the last time that is not after this instant.
    UntilInstant(Timestamp),
    /// With the last time that is not after this local time.
    UntilLocal(DateTime),
}

/// A day of the week: each, or the first, the last but one and so on of a month or year.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct OrdinalDay {
    /// From 1, or from -1 counted from the end; 0 is each.
    ordinal: i16,
    weekday: Weekday,
}

/// A small set of numbers between -366 and 366, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Numbers(Vec<i16>);

impl Numbers {
    fn new(mut numbers: Vec<i16>) -> Self {
        numbers.sort_unstable();
        numbers.dedup();
        Self(numbers)
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn has(&self, number: i16) -> bool {
        self.0.binary_search(&number).is_ok()
    }

    /// Whether the empty set, which stands for all, or one with the `number`th of `length`, counted from either end.
    fn admits(&self, number: i16, length: i16) -> bool {
        self.is_empty() || self.has(number) || self.has(number - length - 1)
    }
}

impl Rule {
    /// Where it ends.
    pub(super) fn bound(&self) -> Bound {
        self.bound
    }

    /// Makes an end of known place out of one that counts.
    pub(super) fn set_bound(&mut self, bound: Bound) {
        self.bound = bound;
    }
}
