//! The local times of a rule, found near any time at the same cost.
//!
//! A rule divides the calendar into periods (days, weeks, months or years, every so many of them), numbered from
//! the one that holds the start. Which period holds a day is arithmetic, and what a period yields depends on
//! nothing before it, so no walk begins at the start.

use std::ops::ControlFlow;

use jiff::SignedDuration;
use jiff::civil::{Date, DateTime};

use super::super::budget::{Budget, Exhausted, MAX_EMPTY_PERIODS};
use super::{Bound, Frequency, OrdinalDay, Rule};

/// Later than anybody asks for.
pub(in crate::calendar) const LATEST: DateTime = DateTime::constant(2300, 1, 1, 0, 0, 0, 0);

impl Rule {
    /// Shows each local time of the rule from `from` up to and including `to`, in order, until `visit` breaks.
    /// A bound that counts or is an instant is not looked at: the first is turned into a local time when the
    /// calendar is compiled, the second takes a zone.
    pub(in crate::calendar) fn walk(
        &self,
        from: DateTime,
        to: DateTime,
        budget: &mut Budget,
        mut visit: impl FnMut(DateTime) -> ControlFlow<()>,
    ) -> Result<(), Exhausted> {
        let from = from.max(self.start);
        let to = match self.bound {
            Bound::UntilLocal(until) => to.min(until),
            _ => to,
        };
        let mut found = Vec::new();
        let mut empty = 0;
        for period in self.period_of(from.date()).. {
            let Some(first) = self.first_day(period).filter(|day| *day <= to.date()) else {
                return Ok(());
            };
            found.clear();
            self.expand(first, budget, &mut found)?;
            empty = if found.is_empty() { empty + 1 } else { 0 };
            if empty >= MAX_EMPTY_PERIODS {
                return Err(Exhausted::EmptyPeriods);
            }
            for time in found.iter().filter(|time| (from..=to).contains(*time)) {
                if visit(*time).is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// The last local time of a rule that ends after `count` of them. None where that is later than anybody asks
    /// for, or where there are never as many.
    pub(in crate::calendar) fn last_of(
        &self,
        count: u32,
        budget: &mut Budget,
    ) -> Result<Option<DateTime>, Exhausted> {
        let (from, mut left) = self.skip_full_periods(count, budget)?;
        let mut last = None;
        self.walk(from, LATEST, budget, |time| {
            left -= 1;
            if left > 0 {
                return ControlFlow::Continue(());
            }
            last = Some(time);
            ControlFlow::Break(())
        })?;
        Ok(last)
    }

    /// From where, and how many from there, it is `count` times from the start. Where each period yields as much as
    /// the next, all but the last are skipped by arithmetic.
    fn skip_full_periods(&self, count: u32, budget: &mut Budget) -> Result<(DateTime, u32), Exhausted> {
        let from_start = (self.start, count);
        let (Some(each), Some(first)) = (self.times_of_each_period(), self.first_day(0)) else {
            return Ok(from_start);
        };
        let mut found = Vec::new();
        self.expand(first, budget, &mut found)?;
        let of_first = found.iter().filter(|time| **time >= self.start).count() as u32;
        let Some(later) = count.checked_sub(of_first + 1) else {
            return Ok(from_start);
        };
        let skipped = later / each;
        let from = self
            .first_day(1 + i64::from(skipped))
            .map_or(LATEST, |day| day.at(0, 0, 0, 0));
        Ok((from, count - of_first - skipped * each))
    }

    /// How many times every period but the first yields, where that is always the same.
    fn times_of_each_period(&self) -> Option<u32> {
        let of_a_day = self.times.len() as u32;
        match self.frequency {
            Frequency::Daily
                if self.months.is_empty() && self.month_days.is_empty() && self.weekdays.is_empty() =>
            {
                Some(of_a_day)
            }
            Frequency::Weekly if self.months.is_empty() => Some(self.weekdays.len() as u32 * of_a_day),
            _ => None,
        }
    }

    /// The number of the period that holds a day, or of the last one before it; a day before the start counts to
    /// the first.
    fn period_of(&self, day: Date) -> i64 {
        let start = self.start.date();
        let units = match self.frequency {
            Frequency::Daily => days_between(start, day),
            Frequency::Weekly => days_between(self.week_of(start), day).div_euclid(7),
            Frequency::Monthly => month_number(day) - month_number(start),
            Frequency::Yearly => i64::from(day.year()) - i64::from(start.year()),
        };
        units.div_euclid(self.interval).max(0)
    }

    /// The first day of a period. None beyond the years that can be told.
    fn first_day(&self, period: i64) -> Option<Date> {
        let units = period.checked_mul(self.interval)?;
        let start = self.start.date();
        match self.frequency {
            Frequency::Daily => add_days(start, units),
            Frequency::Weekly => add_days(self.week_of(start), units.checked_mul(7)?),
            Frequency::Monthly => {
                let month = month_number(start) + units;
                let year = i16::try_from(month.div_euclid(12)).ok()?;
                Date::new(year, i8::try_from(month.rem_euclid(12) + 1).ok()?, 1).ok()
            }
            Frequency::Yearly => Date::new(i16::try_from(i64::from(start.year()) + units).ok()?, 1, 1).ok(),
        }
    }

    /// The first day of the week that holds `day`. Starts lie in 1970 or later, so there is one.
    fn week_of(&self, day: Date) -> Date {
        let into_week = day.weekday().since(self.week_start);
        add_days(day, -i64::from(into_week)).unwrap_or(day)
    }

    /// What the period that begins with `first` yields, in order. A year costs as much as its months that are
    /// looked at.
    fn expand(&self, first: Date, budget: &mut Budget, found: &mut Vec<DateTime>) -> Result<(), Exhausted> {
        match self.frequency {
            Frequency::Daily => self.expand_days(first, 1, budget, found)?,
            Frequency::Weekly => self.expand_days(first, 7, budget, found)?,
            Frequency::Monthly => self.expand_month(first, budget, found)?,
            Frequency::Yearly => {
                let months = (1..=12).filter(|month| self.months.admits(*month, 12));
                for month in
                    months.filter_map(|month| Date::new(first.year(), i8::try_from(month).ok()?, 1).ok())
                {
                    self.expand_month(month, budget, found)?;
                }
            }
        }
        if !self.positions.is_empty() {
            self.choose_positions(found);
        }
        budget.spend_times(found.len())
    }

    fn expand_month(
        &self,
        first: Date,
        budget: &mut Budget,
        found: &mut Vec<DateTime>,
    ) -> Result<(), Exhausted> {
        let days = if self.months.admits(first.month().into(), 12) {
            first.days_in_month()
        } else {
            0
        };
        self.expand_days(first, days, budget, found)
    }

    fn expand_days(
        &self,
        first: Date,
        days: i8,
        budget: &mut Budget,
        found: &mut Vec<DateTime>,
    ) -> Result<(), Exhausted> {
        let known = found.len();
        let mut day = first;
        for _ in 0..days {
            if self.takes(day) {
                found.extend(self.times.iter().map(|time| day.to_datetime(*time)));
            }
            match day.tomorrow() {
                Ok(next) => day = next,
                Err(_) => break,
            }
        }
        budget.spend_period(found.len() - known)
    }

    /// Whether a day passes every set that the rule names.
    fn takes(&self, day: Date) -> bool {
        self.months.admits(day.month().into(), 12)
            && self
                .month_days
                .admits(day.day().into(), day.days_in_month().into())
            && (self.year_days.is_empty() || self.year_days.admits(day.day_of_year(), day.days_in_year()))
            && (self.weekdays.is_empty() || self.weekdays.iter().any(|wanted| self.is_weekday(*wanted, day)))
    }

    /// Whether `day` is the wanted day of the week, counted in its month, or in its year where a yearly rule names
    /// no months.
    fn is_weekday(&self, wanted: OrdinalDay, day: Date) -> bool {
        if wanted.weekday != day.weekday() {
            return false;
        }
        let by_year = self.frequency == Frequency::Yearly && self.months.is_empty();
        let (number, length) = if by_year {
            (day.day_of_year(), day.days_in_year())
        } else {
            (day.day().into(), day.days_in_month().into())
        };
        match wanted.ordinal {
            0 => true,
            ordinal if ordinal > 0 => (number - 1) / 7 + 1 == ordinal,
            ordinal => (length - number) / 7 + 1 == -ordinal,
        }
    }

    /// Keeps the times at the positions of BYSETPOS.
    fn choose_positions(&self, found: &mut Vec<DateTime>) {
        let length = i16::try_from(found.len()).unwrap_or(i16::MAX);
        let mut position = 0;
        found.retain(|_| {
            position += 1;
            self.positions.contains(&position) || self.positions.contains(&(position - length - 1))
        });
    }
}

fn days_between(from: Date, to: Date) -> i64 {
    to.duration_since(from).as_hours() / 24
}

fn add_days(day: Date, days: i64) -> Option<Date> {
    let hours = SignedDuration::try_from_hours(days.checked_mul(24)?)?;
    day.checked_add(hours).ok()
}

fn month_number(day: Date) -> i64 {
    i64::from(day.year()) * 12 + i64::from(day.month()) - 1
}
