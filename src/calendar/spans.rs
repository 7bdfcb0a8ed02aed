//! A whole window of a calendar, for people who look at a year.

use std::sync::Arc;

use jiff::Timestamp;

use super::State;
use super::budget::{Budget, OverBudget};
use super::compile::{Calendar, Window};
use super::occurrence::DAY;
use super::timeline::{Merged, later};

/// How much of a window is computed from one budget.
const CHUNK_DAYS: i32 = 31;

/// A part of a window in which the state does not change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// From when.
    pub from: Timestamp,
    /// Until when, exclusive.
    pub to: Timestamp,
    /// Whether change is allowed.
    pub state: State,
    /// The name of the event with which it begins, where it is not the calendar's default state.
    pub event: Option<Arc<str>>,
}

impl Calendar {
    /// The spans that cover [from, to) whole, in order; neighbours differ in state. The window may be any from 1970
    /// to 2200: each month of it has a budget of its own.
    pub fn spans(&self, from: Timestamp, to: Timestamp) -> Result<Vec<Span>, OverBudget> {
        let mut spans = Vec::new();
        let mut done = from;
        for interval in self.merged(from, to)?.intervals {
            if done < interval.from {
                spans.push(self.span(done, interval.from, None));
            }
            let begin = interval.from.max(from);
            done = interval.to.min(to);
            spans.push(self.span(begin, done, Some(interval.name)));
        }
        if done < to {
            spans.push(self.span(done, to, None));
        }
        Ok(spans)
    }

    /// The intervals that overlap [from, to).
    fn merged(&self, from: Timestamp, to: Timestamp) -> Result<Merged, OverBudget> {
        let mut merged = Merged::default();
        let mut begin = from;
        while begin < to {
            let end = later(begin, DAY * CHUNK_DAYS).min(to);
            let window = if begin == from {
                Window::Overlapping(begin, end)
            } else {
                Window::Beginning(begin, end)
            };
            merged.add(&self.collect(window, &mut Budget::new())?)?;
            begin = end;
        }
        Ok(merged)
    }

    fn span(&self, from: Timestamp, to: Timestamp, name: Option<u32>) -> Span {
        Span {
            from,
            to,
            state: if name.is_some() {
                self.default_state.other()
            } else {
                self.default_state
            },
            event: name.and_then(|name| self.names.get(name as usize).cloned()),
        }
    }
}
