//! The whole behaviour: what to do with one ParameterSync now. Pure.

mod request;

pub use request::{FetchRequest, Purpose, SourceRead};
