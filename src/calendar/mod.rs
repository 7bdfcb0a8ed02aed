//! From what is written about freezes to the state at a time and its next change. Pure.
//!
//! In: structured events or iCalendar text, both of which compile to [`Series`]. Out: a [`CalendarError`] that
//! names the field, or what is open and closed when.

mod error;
mod rule;
mod series;
pub mod zone;

pub use error::CalendarError;
pub use rule::Rule;
pub use series::{End, Exception, Extra, Moved, Replacement, Series, Start, Zone};
