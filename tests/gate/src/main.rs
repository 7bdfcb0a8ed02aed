//! Gate binary.
fn main() {}
