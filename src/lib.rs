//! paramsync keeps Kubernetes Secrets equal to AWS Systems Manager Parameter Store, and never changes one at a moment
//! when change is forbidden.
//!
//! Data flows one way through the rooms: watch, resolve, decide, fetch (`source`), transform, decide again, apply,
//! report. Each room is pure or a thin shell round I/O, and returns a type that only the next one accepts.

pub mod admin;
pub mod api;
pub mod app;
pub mod apply;
pub mod calendar;
pub mod cli;
pub mod clock;
pub mod control;
pub mod decide;
pub mod error;
pub mod lease;
pub mod metrics;
pub mod names;
pub mod record;
pub mod report;
pub mod resolve;
pub mod schedule;
pub mod source;
pub mod transform;
pub mod value;
pub mod watch;
pub mod write;
