//! What the room counts.

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
