//! The custom resource types, nothing else. Pure.

mod parameter_sync;
mod status;
mod store;

pub use parameter_sync::*;
pub use status::*;
pub use store::*;
