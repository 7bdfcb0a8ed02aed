//! One writer: the Lease `paramsync` in the operator's namespace.
//!
//! In: what the Lease says, and when we saw it. Out: a [`Tenure`] that says whether this process may write. [`step`] and
//! [`sight`] are pure: no clock of another process counts, a record is as old as we know it. [`keep`] asks, sleeps and
//! tells.

mod keep;
mod record;
mod sight;
mod step;

pub use self::keep::Keeper;
