//! From events to a [`Calendar`]: what happens once becomes intervals, what recurs is checked and made ready to
//! seek in.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};

use super::State;
use super::budget::{Budget, Exhausted, MAX_DATES, MAX_EVENT_DAYS, MAX_EVENTS, OverBudget};
use super::error::{CalendarError, clip};
use super::occurrence::{Clocks, DAY, Times, check_year};
use super::rule::{Bound, LATEST, Rule};
use super::series::{Exception, Extra, Series, Start};
use super::warning::Warning;

/// A calendar that was read and checked, ready to be asked.
#[derive(Clone, Debug)]
pub struct Calendar {
    pub(super) default_state: State,
    /// What takes place once, in order of begin.
    single: Vec<Interval>,
    recurring: Vec<Recurring>,
    /// What intervals are called.
    pub(super) names: Arc<[Arc<str>]>,
    pub(super) last_ends: Vec<LastEnd>,
}

/// When something takes place, from `from` up to but not at `to`, and the index of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Interval {
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    pub(super) name: u32,
}

/// When nothing of an event is left.
#[derive(Clone, Debug)]
pub(super) struct LastEnd {
    pub(super) field: String,
    /// Absent where it recurs for ever.
    pub(super) at: Option<Timestamp>,
}

/// Which intervals are asked for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Window {
    /// Those that have any part in it.
    Overlapping(Timestamp, Timestamp),
    /// Those that begin in it.
    Beginning(Timestamp, Timestamp),
}

impl Window {
    fn takes(self, interval: Interval) -> bool {
        interval.from < interval.to
            && match self {
                Self::Overlapping(from, to) => from < interval.to && interval.from < to,
                Self::Beginning(from, to) => (from..to).contains(&interval.from),
            }
    }
}

/// An event that recurs.
#[derive(Clone, Debug)]
struct Recurring {
    field: String,
    name: u32,
    times: Times,
    rule: Rule,
    absent: Absent,
}

/// Occurrences that do not take place, or not at their time.
#[derive(Clone, Debug, Default)]
struct Absent {
    instants: HashSet<Timestamp>,
    days: HashSet<Date>,
}

impl Absent {
    fn of(series: &Series) -> Self {
        let mut absent = Self::default();
        for exception in &series.exceptions {
            match exception {
                Exception::At(instant) => absent.instants.insert(*instant),
                Exception::On(day) => absent.days.insert(*day),
            };
        }
        absent
            .instants
            .extend(series.replacements.iter().map(|replaced| replaced.original));
        absent
    }

    fn has(&self, local: DateTime, begin: Timestamp) -> bool {
        self.instants.contains(&begin) || self.days.contains(&local.date())
    }
}

impl Calendar {
    /// Checks events and makes them ready. What is suspicious but clear comes back beside the calendar.
    pub fn compile(default_state: State, series: &[Series]) -> Result<(Self, Vec<Warning>), CalendarError> {
        check_amounts(series)?;
        let mut compiler = Compiler::new(default_state);
        for one in series {
            compiler.add(one)?;
        }
        compiler.single.sort_unstable();
        let calendar = Self {
            default_state,
            single: compiler.single,
            recurring: compiler.recurring,
            names: compiler.names.into(),
            last_ends: compiler.last_ends,
        };
        Ok((calendar, compiler.warnings))
    }

    /// The state outside of all events.
    pub fn default_state(&self) -> State {
        self.default_state
    }

    /// The intervals that a window takes, in order of begin.
    pub(super) fn collect(&self, window: Window, budget: &mut Budget) -> Result<Vec<Interval>, OverBudget> {
        let (from, to) = match window {
            Window::Overlapping(from, to) => (before(from), to),
            Window::Beginning(from, to) => (from, to),
        };
        let first = self.single.partition_point(|interval| interval.from < from);
        let single = self.single[first..]
            .iter()
            .take_while(|interval| interval.from < to);
        let mut found: Vec<Interval> = single
            .copied()
            .filter(|interval| window.takes(*interval))
            .collect();
        for recurring in &self.recurring {
            recurring
                .collect(window, self.default_state.other(), budget, &mut found)
                .map_err(|exhausted| OverBudget::of(exhausted, &recurring.field))?;
        }
        found.sort_unstable();
        Ok(found)
    }
}

/// So much earlier that no event that began before lasts until `instant`.
fn before(instant: Timestamp) -> Timestamp {
    instant
        .checked_sub(DAY * (MAX_EVENT_DAYS + 1))
        .unwrap_or(Timestamp::MIN)
}

fn check_amounts(series: &[Series]) -> Result<(), CalendarError> {
    if let Some(beyond) = series.get(MAX_EVENTS) {
        let advice =
            format!("a calendar has at most {MAX_EVENTS} events; split it in two, which may bind together");
        return Err(CalendarError::too_many(&beyond.field, advice));
    }
    let mut dates = 0;
    for one in series {
        dates += one.exceptions.len() + one.extras.len() + one.replacements.len();
        if dates > MAX_DATES {
            let advice = format!(
                "the events up to here have more than {MAX_DATES} exceptions, extra dates and replacements; a \
                 rule with UNTIL, and another after it, needs none"
            );
            return Err(CalendarError::too_many(&one.field, advice));
        }
    }
    Ok(())
}

impl Recurring {
    fn interval(&self, clocks: &mut Clocks<'_>, local: DateTime, during: State) -> Option<Interval> {
        let from = clocks.begin(local)?;
        if self.absent.has(local, from) {
            return None;
        }
        if let Bound::UntilInstant(until) = self.rule.bound()
            && from > until
        {
            return None;
        }
        Some(Interval {
            from,
            to: clocks.end(local, from, during)?,
            name: self.name,
        })
    }

    /// Adds the intervals that a window takes. The clocks can put a start a day further than it reads, and show it
    /// later than it is, so that a day more is looked at on both sides.
    fn collect(
        &self,
        window: Window,
        during: State,
        budget: &mut Budget,
        found: &mut Vec<Interval>,
    ) -> Result<(), Exhausted> {
        let local = |instant| self.times.zone().rules.to_datetime(instant);
        let (from, mut to) = match window {
            Window::Overlapping(from, to) => (local(from).saturating_sub(self.times.longest()), to),
            Window::Beginning(from, to) => (local(from), to),
        };
        if let Bound::UntilInstant(until) = self.rule.bound() {
            to = to.min(until);
        }
        let mut clocks = self.times.clocks();
        self.rule.walk(
            from.saturating_sub(DAY),
            local(to).saturating_add(DAY),
            budget,
            |local| {
                found.extend(
                    self.interval(&mut clocks, local, during)
                        .filter(|interval| window.takes(*interval)),
                );
                ControlFlow::Continue(())
            },
        )
    }

    fn last_end(&self) -> Option<Timestamp> {
        let last_begin = match self.rule.bound() {
            Bound::UntilInstant(until) => until,
            Bound::UntilLocal(until) => self.times.clocks().begin(until)?,
            Bound::Never | Bound::Count(_) => return None,
        };
        last_begin.checked_add(self.times.longest()).ok()
    }
}

/// A calendar while its events are added.
struct Compiler {
    during: State,
    budget: Budget,
    single: Vec<Interval>,
    recurring: Vec<Recurring>,
    names: Vec<Arc<str>>,
    last_ends: Vec<LastEnd>,
    warnings: Vec<Warning>,
}

impl Compiler {
    fn new(default_state: State) -> Self {
        Self {
            during: default_state.other(),
            budget: Budget::new(),
            single: Vec::new(),
            recurring: Vec::new(),
            names: Vec::new(),
            last_ends: Vec::new(),
            warnings: Vec::new(),
        }
    }

    fn add(&mut self, series: &Series) -> Result<(), CalendarError> {
        let times = Times::new(&series.field, series.start, &series.zone, &series.end)?;
        let absent = Absent::of(series);
        let name = self.name(&series.name);
        let singles_before = self.single.len();
        for extra in &series.extras {
            self.add_extra(series, extra, &times, &absent, name)?;
        }
        for moved in series
            .replacements
            .iter()
            .filter_map(|replaced| replaced.moved.as_ref())
        {
            let name = moved.name.as_ref().map_or(name, |own| self.name(own));
            let times = Times::new(&series.field, moved.start, &moved.zone, &moved.end)?;
            if let Some(begin) = moved.start.instant(&moved.zone) {
                self.add_single(&times, moved.start.local(), begin, name);
            }
        }
        let rule_end = if let Some(rule) = &series.rule {
            let recurring = self.prepare(series, rule.clone(), times, absent, name)?;
            let end = recurring.last_end();
            self.recurring.push(recurring);
            end
        } else {
            let local = series.start.local();
            let begin = series.start.instant(&series.zone);
            if let Some(begin) = begin.filter(|begin| !absent.has(local, *begin)) {
                self.add_single(&times, local, begin, name);
            }
            Some(Timestamp::MIN)
        };
        let ends = self.single[singles_before..].iter().map(|interval| interval.to);
        self.last_ends.push(LastEnd {
            field: series.field.clone(),
            at: rule_end.map(|end| ends.fold(end, Timestamp::max)),
        });
        Ok(())
    }

    fn name(&mut self, name: &str) -> u32 {
        self.names.push(clip(name).into());
        self.names.len() as u32 - 1
    }

    /// Adds what takes place once: it begins at `begin`, which reads `local` on its clock.
    fn add_single(&mut self, times: &Times, local: DateTime, begin: Timestamp, name: u32) {
        let end = times.clocks().end(local, begin, self.during);
        let interval = end.filter(|end| begin < *end).map(|to| Interval {
            from: begin,
            to,
            name,
        });
        self.single.extend(interval);
    }

    /// An extra date with an end of its own is an event by itself; without one it is an occurrence at what the
    /// event's clock shows then.
    fn add_extra(
        &mut self,
        series: &Series,
        extra: &Extra,
        times: &Times,
        absent: &Absent,
        name: u32,
    ) -> Result<(), CalendarError> {
        check_year(&series.field, extra.start)?;
        let own = extra.end.as_ref();
        let own = own
            .map(|end| Times::new(&series.field, extra.start, &extra.zone, end))
            .transpose()?;
        let same_kind = matches!(extra.start, Start::At(_)) == matches!(times.start(), Start::At(_));
        if own.is_none() && !same_kind {
            let advice =
                "is an extra date of another kind than the start; write both with a time, or both as days";
            let found = extra.start.local().to_string();
            return Err(CalendarError::invalid(&series.field, &found, advice));
        }
        let Some(begin) = extra.start.instant(&extra.zone) else {
            return Ok(());
        };
        let local = match extra.start {
            Start::At(_) if extra.zone.rules != series.zone.rules => series.zone.rules.to_datetime(begin),
            start => start.local(),
        };
        if !absent.has(local, begin) {
            match &own {
                Some(own) => self.add_single(own, extra.start.local(), begin, name),
                None => self.add_single(times, local, begin, name),
            }
        }
        Ok(())
    }

    /// Finds out where a rule that counts ends, and that it yields something at all.
    fn prepare(
        &mut self,
        series: &Series,
        mut rule: Rule,
        times: Times,
        absent: Absent,
        name: u32,
    ) -> Result<Recurring, CalendarError> {
        let over_budget = |exhausted| OverBudget::of(exhausted, &series.field);
        if let (Bound::UntilLocal(_), Start::At(_)) = (rule.bound(), series.start) {
            self.warnings.push(Warning::local_until(series));
        }
        if let Bound::Count(count) = rule.bound() {
            let last = rule.last_of(count, &mut self.budget).map_err(over_budget)?;
            rule.set_bound(last.map_or(Bound::Never, Bound::UntilLocal));
        }
        let first = first_time(&rule, &times, &mut self.budget).map_err(over_budget)?;
        if first.is_none() && rule.bound() == Bound::Never {
            let advice =
                "the rule yields no occurrence before the year 2300; correct its days, or remove the event";
            return Err(CalendarError::missing(&series.field, advice));
        }
        if first != Some(series.start.local()) {
            self.warnings.push(Warning::start_not_in_rule(series, first));
        }
        Ok(Recurring {
            field: series.field.clone(),
            name,
            times,
            rule,
            absent,
        })
    }
}

/// The first local time of a rule that is not past its end.
fn first_time(rule: &Rule, times: &Times, budget: &mut Budget) -> Result<Option<DateTime>, Exhausted> {
    let mut first = None;
    rule.walk(times.start().local(), LATEST, budget, |local| {
        first = Some(local);
        ControlFlow::Break(())
    })?;
    let until = match rule.bound() {
        Bound::UntilInstant(until) => until,
        _ => Timestamp::MAX,
    };
    Ok(first.filter(|local| times.clocks().begin(*local).is_some_and(|begin| begin <= until)))
}
