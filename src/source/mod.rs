//! Parameter Store: what is there (without decryption), and values (decrypted, for those who were told to write); and
//! Change Calendar.
//!
//! I/O shell round a pure planner. In: what each object wants, and [`FetchRequest`](crate::decide::FetchRequest)s.
//! Out: [`Upstream`](crate::record::Upstream) facts, triggers for objects in whose parameters something differs, and [`Fetched`] values.
//!
//! [`Stores`] keeps an engine for each identity. An engine's decisions are pure (`limiter`, `batch`, `plan`, `catalog`,
//! and all below `engine` but its loop); `ssm` and `credentials` speak to AWS. No value is kept: one lives from AWS's
//! answer to the caller's hand. [`CalendarReader`] follows calendars beside the engines.

mod access_keys;
mod batch;
mod budget;
mod calendars;
mod call;
mod catalog;
mod connect;
mod credentials;
mod engine;
mod kept;
mod limiter;
mod metrics;
mod now;
mod plan;
mod ssm;
mod stores;
mod types;

pub use calendars::{
    CalendarAnswer, CalendarApi, CalendarError, CalendarReader, CalendarReply, Followed, Standing, Unusable,
};
pub use call::{Answer, Call, Decryption, Fault, Found, ParameterApi, PathKey};
pub use catalog::SECOND_SIGHTING;
pub use connect::Connect;
pub use credentials::Aws;
pub use metrics::{NoMetrics, SourceMetrics};
pub use ssm::Ssm;
pub use stores::Stores;
pub use types::{Fetched, FetchedParameter, ParameterStores, StoreStanding, Sweeping, Wanted};
