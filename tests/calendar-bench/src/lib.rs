//! The room of calendars, built by itself: it needs nothing of the operator's.

#[path = "../../../src/calendar/mod.rs"]
pub mod calendar;
