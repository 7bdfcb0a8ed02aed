//! What time it is, by both clocks. Pure.

use std::time::Duration;

use jiff::Timestamp;

/// What time it is, by both clocks.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// For intervals and waits.
    pub monotonic: Duration,
    /// For ticks.
    pub wall: Timestamp,
}
