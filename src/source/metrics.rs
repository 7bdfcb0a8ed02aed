//! What the room counts.

use crate::metrics::Metrics;

/// Where counts go. Labels are from small, fixed sets; none names an object or a parameter.
pub trait SourceMetrics: Send + Sync + 'static {
    /// One request was answered: AWS's operation, and `OK` or AWS's error code.
    fn request(&self, operation: &'static str, code: &str);
    /// SecureStrings that came decrypted: each is a call to KMS.
    fn decrypted(&self, count: usize);
    /// AWS throttled a request in this region.
    fn throttled(&self, region: &str);
    /// The rate that the limiter of this region's account allows now, in requests a second.
    fn rate(&self, region: &str, per_second: f64);
    /// Reads that were shared with a caller who waited already.
    fn coalesced(&self, count: usize);
}

impl SourceMetrics for Metrics {
    fn request(&self, operation: &'static str, code: &str) {
        self.request_answered(operation, code);
    }

    fn decrypted(&self, count: usize) {
        self.parameters_decrypted(count);
    }

    fn throttled(&self, _region: &str) {
        self.request_throttled();
    }

    fn rate(&self, region: &str, per_second: f64) {
        self.limiter_rate(region, per_second);
    }

    fn coalesced(&self, count: usize) {
        self.reads_coalesced(count);
    }
}

/// Counts nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoMetrics;

impl SourceMetrics for NoMetrics {
    fn request(&self, _operation: &'static str, _code: &str) {}
    fn decrypted(&self, _count: usize) {}
    fn throttled(&self, _region: &str) {}
    fn rate(&self, _region: &str, _per_second: f64) {}
    fn coalesced(&self, _count: usize) {}
}
