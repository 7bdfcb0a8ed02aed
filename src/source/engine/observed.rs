//! What goes between the engine's parts. Pure.

use crate::names::Origin;
use crate::source::catalog::Sweep;

/// Names a request under way.
pub type CallId = u64;
/// Names a caller of `fetch`.
pub type Ticket = u64;

/// What an answer shows, without values.
pub struct Observed {
    /// Names and versions.
    pub sweep: Sweep,
    /// The account and region in the ARNs.
    pub origin: Option<Origin>,
    /// The callers for whom it was asked; none of a sweep.
    pub tickets: Vec<Ticket>,
}
