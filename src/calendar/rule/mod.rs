//! Recurrence rules (RFC 5545, section 3.3.10), as far as calendars agree about them.

use super::error::CalendarError;
use super::series::{Start, Zone};

/// How an event recurs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {}

impl Rule {
    /// Reads the text of an RRULE, with or without that word, for an event that begins at `start` in `zone`.
    /// `field` is where the text stands, for messages.
    pub fn parse(field: &str, text: &str, start: Start, zone: &Zone) -> Result<Self, CalendarError> {
        let _ = (field, text, start, zone);
        Ok(Self {})
    }
}
