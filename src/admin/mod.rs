//! Health, readiness and metrics. I/O shell round plain state.

mod calendar_metrics;
mod metrics;
mod readiness;
mod server;

pub use metrics::{Metrics, ReconcileResult};
pub use readiness::{Pending, Readiness};
pub use server::serve;
