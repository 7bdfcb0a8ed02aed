//! A change that waits.

use crate::names::ParameterName;

/// A change that is known upstream and not in the Secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingChange {
    /// The parameter.
    pub name: ParameterName,
    /// The version in the Secret; none for a new parameter.
    pub from: Option<i64>,
    /// The version upstream; none for one that is gone.
    pub to: Option<i64>,
}
