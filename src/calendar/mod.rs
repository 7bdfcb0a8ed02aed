//! From what is written about freezes to the state at a time and its next change. Pure.
//!
//! In: structured events ([`read_events`]) or iCalendar text ([`ics`]), both of which compile to [`Series`]; a time.
//! Out: a [`CalendarError`] that names the field, or a [`Calendar`] with [`Warning`]s. A calendar answers through a
//! [`Timeline`], which is computed once and asked often, or in whole windows of [`Span`]s. Intervals are half-open,
//! those that touch are one, and every change that is told is a change of state.
//!
//! Nothing here loops for longer than its budget allows: what costs too much is [`OverBudget`].

mod budget;
mod combine;
mod compile;
mod error;
pub mod ics;
mod lint;
mod occurrence;
mod rule;
mod series;
mod spans;
mod structured;
#[cfg(test)]
mod tests;
mod timeline;
mod warning;
pub mod zone;

pub use budget::OverBudget;
pub use combine::{Ahead, Reader, opening};
pub use compile::Calendar;
pub use error::CalendarError;
pub use rule::Rule;
pub use series::{End, Exception, Extra, Moved, Replacement, Series, Start, Zone};
pub use spans::Span;
pub use structured::{StructuredEvent, read_events};
pub use timeline::{Moment, Record, Timeline, Transition, Upcoming};
pub use warning::Warning;

use std::fmt;

use serde::{Deserialize, Serialize};

/// Whether change is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum State {
    /// It is.
    Open,
    /// It is not.
    Closed,
}

impl State {
    /// The other one. A calendar's events turn its default state into that.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Open => Self::Closed,
            Self::Closed => Self::Open,
        }
    }

    /// As it reads in status and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "Open",
            Self::Closed => "Closed",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
