//! What is answered, to programs (serialised) and to people.

use std::fmt::Write as _;
use std::iter;

use anyhow::Context as _;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::calendar::{Calendar, CalendarError, OverBudget, Span, State, Warning};

const DAY: SignedDuration = SignedDuration::from_hours(24);
/// How much of a window is evaluated at once.
const CHUNK: SignedDuration = SignedDuration::from_hours(31 * 24);
/// A window is evaluated no further once it has so many intervals: its horizon is then before its end.
const MAX_INTERVALS: usize = 100_000;
/// The week for people: what a character stands for, and how many there are a day.
const CELL: SignedDuration = SignedDuration::from_mins(30);
const CELLS: usize = 48;
/// What stands above them.
const HOURS: &str = "0     3     6     9     12    15    18    21";

/// What holds at a time.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StateAnswer {
    state: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<String>,
    /// Absent where there is none within two years.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_transition: Option<Timestamp>,
    #[serde(skip)]
    at: Timestamp,
    /// Seven days in UTC, from the one in which `at` lies.
    #[serde(skip)]
    week: Vec<Span>,
}

/// What holds in a window.
#[derive(Serialize)]
pub(super) struct WindowAnswer {
    /// From the window's begin to the horizon, without gaps; neighbours differ in state.
    intervals: Vec<Interval>,
    /// Up to when the window was evaluated: to its end, unless it has more than [`MAX_INTERVALS`].
    horizon: Timestamp,
    #[serde(skip)]
    to: Timestamp,
}

#[derive(Serialize)]
struct Interval {
    from: Timestamp,
    to: Timestamp,
    state: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<String>,
}

/// What is odd.
#[derive(Serialize)]
pub(super) struct LintAnswer {
    warnings: Vec<Oddity>,
}

#[derive(Serialize)]
struct Oddity {
    field: String,
    message: String,
}

pub(super) fn state(calendar: &Calendar, at: Timestamp) -> anyhow::Result<StateAnswer> {
    let timeline = calendar.timeline(at).map_err(CalendarError::from)?;
    let moment = timeline
        .at(at)
        .context("the calendar does not tell its own present")?;
    let utc = at.to_zoned(TimeZone::UTC);
    let midnight = utc.start_of_day().context("the day has no begin")?.timestamp();
    let week = calendar.spans(midnight, midnight + DAY * 7);
    Ok(StateAnswer {
        state: moment.state,
        event: moment.event.map(|name| name.to_string()),
        next_transition: moment.next.map(|next| next.at),
        at,
        week: week.map_err(CalendarError::from)?,
    })
}

/// Evaluates [from, to), chunk by chunk: a dense calendar in a wide window must not fill the memory.
pub(super) fn window(
    calendar: &Calendar,
    from: Timestamp,
    to: Timestamp,
) -> Result<WindowAnswer, OverBudget> {
    let mut intervals: Vec<Interval> = Vec::new();
    let mut horizon = from;
    while horizon < to && intervals.len() < MAX_INTERVALS {
        let end = to.min(horizon + CHUNK);
        for span in calendar.spans(horizon, end)? {
            match intervals.last_mut() {
                Some(last) if last.state == span.state => last.to = span.to,
                _ => intervals.push(span.into()),
            }
        }
        horizon = end;
    }
    Ok(WindowAnswer {
        intervals,
        horizon,
        to,
    })
}

impl From<Span> for Interval {
    fn from(span: Span) -> Self {
        Self {
            from: span.from,
            to: span.to,
            state: span.state,
            event: span.event.map(|name| name.to_string()),
        }
    }
}

impl From<Vec<Warning>> for LintAnswer {
    fn from(warnings: Vec<Warning>) -> Self {
        let oddities = warnings.into_iter().map(|warning| Oddity {
            field: warning.field,
            message: warning.message,
        });
        Self {
            warnings: oddities.collect(),
        }
    }
}

impl StateAnswer {
    /// A row, and the week as bars.
    pub(super) fn text(&self) -> String {
        let next = match self.next_transition {
            Some(next) => next.to_string(),
            None => "none in 2 years".to_owned(),
        };
        let row = [
            self.at.to_string(),
            self.state.to_string(),
            next,
            shown(self.event.as_deref()),
        ];
        let mut text = table(&["AT", "STATE", "UNTIL", "EVENT"], &[row]);
        text.push_str("\nThe week in UTC, half an hour a character: # closed, . open, + both\n");
        let _ = writeln!(text, "{:16}{HOURS}", "");
        let begin = self.week.first().map_or(self.at, |span| span.from);
        for day in (0..7).map(|day| begin + DAY * day) {
            let date = TimeZone::UTC.to_datetime(day).date().strftime("%a %F");
            let _ = writeln!(text, "{date}  {}", self.bar(day));
        }
        text
    }

    fn bar(&self, day: Timestamp) -> String {
        let cells = iter::successors(Some(day), |cell| Some(*cell + CELL)).take(CELLS);
        cells.map(|cell| self.mark(cell, cell + CELL)).collect()
    }

    fn mark(&self, from: Timestamp, to: Timestamp) -> char {
        let begun = self.week.partition_point(|span| span.to <= from);
        let mut states = self.week[begun..]
            .iter()
            .take_while(|span| span.from < to)
            .map(|span| span.state);
        match (states.next(), states.next()) {
            (Some(_), Some(_)) => '+',
            (Some(State::Closed), None) => '#',
            _ => '.',
        }
    }
}

impl WindowAnswer {
    /// A row an interval.
    pub(super) fn text(&self) -> String {
        let rows: Vec<_> = self
            .intervals
            .iter()
            .map(|interval| {
                [
                    interval.from.to_string(),
                    interval.to.to_string(),
                    interval.state.to_string(),
                    shown(interval.event.as_deref()),
                ]
            })
            .collect();
        let mut text = table(&["FROM", "TO", "STATE", "EVENT"], &rows);
        if self.horizon < self.to {
            let _ = writeln!(text, "\nevaluated until {0}; go on with --from {0}", self.horizon);
        }
        text
    }
}

impl LintAnswer {
    /// A line a warning, its field first.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for odd in &self.warnings {
            let _ = writeln!(text, "{}: {}", odd.field, odd.message);
        }
        text
    }
}

/// A name on one line: SUMMARY may hold line breaks.
fn shown(event: Option<&str>) -> String {
    event.unwrap_or("-").replace(char::is_control, " ")
}

/// Columns as wide as their widest cell, but for the last.
fn table(heads: &[&str; 4], rows: &[[String; 4]]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.fold(heads[column].len(), usize::max)
    };
    let widths = [width(0), width(1), width(2)];
    let line = |cells: [&str; 4]| {
        let [first, second, third, last] = cells;
        format!(
            "{first:0$}  {second:1$}  {third:2$}  {last}\n",
            widths[0], widths[1], widths[2]
        )
    };
    let mut text = line(*heads);
    for row in rows {
        text.push_str(&line(row.each_ref().map(String::as_str)));
    }
    text
}
