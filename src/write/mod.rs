//! Writing to the API server. I/O.
//!
//! Every write passes here, so that four things hold of all of them: only who holds the Lease writes, the API server gives
//! up before we do, what a write without an answer means is decided once, and nobody mistakes "no answer" for "not
//! written".

mod call;
mod fence;
mod tenure;

pub use call::{NoAnswer, WriteError, send, send_within};
pub use fence::Fence;
pub use tenure::{GIVEN_UP_AFTER, NotHolder, Tenure, Writing};
