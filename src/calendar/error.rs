//! Why a calendar cannot be acted on.

use thiserror::Error;

use super::budget::OverBudget;

/// The most characters of what was found that a message repeats.
const MAX_FOUND: usize = 64;

/// Why a calendar cannot be acted on. The message names the field (`spec.events[3].recurrence`, `line 12: RRULE`),
/// says what was found, and what would do.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CalendarError {
    /// A field says something impossible, or something that calendars disagree about.
    #[error("{field}: {found:?} {advice}")]
    Invalid {
        /// Where.
        field: String,
        /// What was found there, clipped.
        found: String,
        /// What is wrong with it, and what would do.
        advice: String,
    },
    /// A field is missing.
    #[error("{field}: {advice}")]
    Missing {
        /// Which.
        field: String,
        /// What to write there, and why.
        advice: String,
    },
    /// A zone that nobody knows.
    #[error("{field}: time zone {found:?} is unknown; write an IANA name such as Europe/Berlin")]
    UnknownZone {
        /// Where.
        field: String,
        /// The name that was found, clipped.
        found: String,
    },
    /// There is more of something than there may be.
    #[error("{field}: {advice}")]
    TooMany {
        /// Where.
        field: String,
        /// What there is too much of, and what would do.
        advice: String,
    },
    /// It would cost too much to evaluate.
    #[error(transparent)]
    OverBudget(#[from] OverBudget),
}

impl CalendarError {
    /// A fault of what was found.
    pub fn invalid(field: impl Into<String>, found: &str, advice: impl Into<String>) -> Self {
        Self::Invalid {
            field: field.into(),
            found: clip(found),
            advice: advice.into(),
        }
    }

    /// A fault of what was not found.
    pub fn missing(field: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::Missing {
            field: field.into(),
            advice: advice.into(),
        }
    }

    /// A zone that nobody knows.
    pub fn unknown_zone(field: impl Into<String>, found: &str) -> Self {
        Self::UnknownZone {
            field: field.into(),
            found: clip(found),
        }
    }

    /// More than there may be.
    pub fn too_many(field: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::TooMany {
            field: field.into(),
            advice: advice.into(),
        }
    }

    /// One word for the condition, the event and the metric.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Invalid { .. } | Self::Missing { .. } => "CalendarInvalid",
            Self::UnknownZone { .. } => "TimeZoneUnknown",
            Self::TooMany { .. } => "CalendarTooExpensive",
            Self::OverBudget(error) => error.reason(),
        }
    }
}

/// The first characters of what somebody wrote: as much as helps to find it again.
pub(super) fn clip(found: &str) -> String {
    match found.char_indices().nth(MAX_FOUND) {
        Some((end, _)) => format!("{}...", &found[..end]),
        None => found.to_owned(),
    }
}
