//! Tells others of health, readiness and metrics. I/O shell.

mod server;

pub use server::serve;
