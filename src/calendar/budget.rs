//! How much a calendar may cost. What goes beyond is an error, never a loop and never a cut that nobody sees.

use thiserror::Error;

/// The most events of a calendar.
pub(super) const MAX_EVENTS: usize = 500;
/// The most exceptions and extra dates of a calendar.
pub(super) const MAX_DATES: usize = 1000;
/// The longest event.
pub(super) const MAX_EVENT_DAYS: i32 = 400;
/// The years in which an event may begin.
pub(super) const START_YEARS: std::ops::RangeInclusive<i16> = 1970..=2199;
/// After so many periods of a rule in a row that yield nothing, it is given up.
pub(super) const MAX_EMPTY_PERIODS: u32 = 500;
/// The most periods of rules that one answer about a calendar may look at.
const MAX_PERIODS: u32 = 50_000;
/// How many times a period may have before it costs as much as two.
const TIMES_OF_A_PERIOD: usize = 64;
/// The most times that those may yield: a period of one day may yield 1,440.
const MAX_TIMES: u32 = 100_000;
/// The most intervals that one answer may be made of.
pub(super) const MAX_INTERVALS: usize = 10_000;

/// What is left to spend on one answer.
#[derive(Debug)]
pub(super) struct Budget {
    periods: u32,
    times: u32,
}

impl Budget {
    pub(super) fn new() -> Self {
        Self {
            periods: MAX_PERIODS,
            times: MAX_TIMES,
        }
    }

    /// Spends a period in which there were so many times to choose from; many cost as much as further periods.
    pub(super) fn spend_period(&mut self, times: usize) -> Result<(), Exhausted> {
        let cost = u32::try_from(1 + times / TIMES_OF_A_PERIOD).map_err(|_| Exhausted::Periods)?;
        self.periods = self.periods.checked_sub(cost).ok_or(Exhausted::Periods)?;
        Ok(())
    }

    pub(super) fn spend_times(&mut self, times: usize) -> Result<(), Exhausted> {
        let times = u32::try_from(times).map_err(|_| Exhausted::Times)?;
        self.times = self.times.checked_sub(times).ok_or(Exhausted::Times)?;
        Ok(())
    }
}

/// Why a rule was not walked to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exhausted {
    /// So many periods in a row yielded nothing that it may never yield anything.
    EmptyPeriods,
    /// The calendar's periods are spent.
    Periods,
    /// The calendar's times are spent.
    Times,
}

/// An answer would cost more than a calendar may. It counts as closed then.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OverBudget {
    /// A rule yields nothing for too long.
    #[error(
        "{field}: the rule yields nothing in {MAX_EMPTY_PERIODS} periods in a row; make it recur more often, or write \
         its dates as events of their own"
    )]
    EmptyPeriods {
        /// The event.
        field: String,
    },
    /// All rules together have too many periods.
    #[error(
        "{field}: the rules up to here have more than {MAX_PERIODS} periods to look at; use fewer events, or merge \
         those that recur alike"
    )]
    Periods {
        /// The event at which it was noticed.
        field: String,
    },
    /// All rules together yield too many times.
    #[error(
        "{field}: the rules up to here yield more than {MAX_TIMES} times to look at; use fewer of BYHOUR and \
         BYMINUTE, or longer events"
    )]
    Times {
        /// The event at which it was noticed.
        field: String,
    },
    /// There are too many intervals.
    #[error("the events make more than {MAX_INTERVALS} intervals; use fewer, or longer ones")]
    Intervals,
}

impl OverBudget {
    pub(super) fn of(exhausted: Exhausted, field: &str) -> Self {
        let field = field.to_owned();
        match exhausted {
            Exhausted::EmptyPeriods => Self::EmptyPeriods { field },
            Exhausted::Periods => Self::Periods { field },
            Exhausted::Times => Self::Times { field },
        }
    }

    /// One word for the condition, the event and the metric.
    pub fn reason(&self) -> &'static str {
        "CalendarTooExpensive"
    }
}
