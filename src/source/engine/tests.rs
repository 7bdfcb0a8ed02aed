//! The engine against a scripted Parameter Store, in paused time.

mod fetching;
mod lagging;
mod sharing;
mod sweeping;
mod world;

use std::time::Duration;

const MINUTE: Duration = Duration::from_mins(1);
