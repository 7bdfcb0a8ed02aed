//! What is allowed in a calendar, and yet hardly meant.

use std::fmt;

use jiff::civil::DateTime;

use super::series::Series;

/// Something that is allowed, and yet hardly meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Where it is written: `spec.events[3]`, `line 12: VEVENT`, or `calendar` for all of it.
    pub field: String,
    /// What is odd, and what would do.
    pub message: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

impl Warning {
    /// A warning about one field.
    pub fn about(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            message: message.into(),
        }
    }

    pub(super) fn local_until(series: &Series) -> Self {
        let zone = &series.zone.name;
        let message =
            format!("UNTIL is read as local time in {zone}; write it in UTC, such as 20261231T235959Z");
        Self::about(&series.field, message)
    }

    pub(super) fn start_not_in_rule(series: &Series, first: Option<DateTime>) -> Self {
        let start = series.start.local();
        let instead = match first {
            Some(first) => format!("the first occurrence is at {first}; write that as the start"),
            None => "there is no occurrence at all; check UNTIL".to_owned(),
        };
        Self::about(
            &series.field,
            format!("the rule does not yield the start {start}; {instead}"),
        )
    }
}
