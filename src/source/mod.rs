//! Parameter Store: what is there (without decryption), and values (decrypted, for those who were told to write).
//!
//! I/O shell round a pure planner. In: what each object wants, and [`FetchRequest`](crate::decide::FetchRequest)s.
//! Out: [`Upstream`] facts, triggers for objects in whose parameters something differs, and [`Fetched`] values.

mod batch;
mod call;
mod catalog;
pub mod limiter;
mod plan;
mod types;

pub use types::{Entry, Fetched, FetchedParameter, ParameterStores, SourceError, Upstream, Wanted};
