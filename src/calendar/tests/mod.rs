//! What holds of calendars.
