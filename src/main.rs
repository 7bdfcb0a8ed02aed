//! The paramsync binary.
fn main() {}
