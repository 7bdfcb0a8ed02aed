//! What Parameter Store is known to hold, without values.

use std::collections::BTreeMap;
use std::time::Duration;

use super::provenance::{ParameterKind, Stamp};
use super::source_error::SourceError;
use crate::names::{Origin, ParameterName, ParameterRef, PathRead};

/// What is known of a parameter without its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its newest version (or the one that the selector names).
    pub stamp: Stamp,
    /// Its type.
    pub kind: ParameterKind,
}

/// The confirmed facts about all that one object wants. What has not been swept yet is not in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Upstream {
    /// The account and region that answered; none before the first answer that held an ARN.
    pub origin: Option<Origin>,
    /// What lies below each path, filtered. No entry: not swept yet.
    pub listings: BTreeMap<PathRead, BTreeMap<ParameterName, Entry>>,
    /// Parameters wanted by name; `None`: confirmed missing. No entry: not swept yet.
    pub parameters: BTreeMap<ParameterRef, Option<Entry>>,
    /// Why the facts are not as fresh as wanted, where they are not.
    pub fault: Option<SourceError>,
    /// The interval that the budget allows, where it is longer than the one wanted.
    pub effective_interval: Option<Duration>,
}
