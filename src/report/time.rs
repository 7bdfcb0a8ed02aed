//! Times as people read them.

use jiff::Timestamp;

/// RFC 3339, to the second.
pub(super) fn seconds(at: Timestamp) -> String {
    Timestamp::from_second(at.as_second()).unwrap_or(at).to_string()
}
