//! What Parameter Store is known to hold, without values.

use std::collections::BTreeMap;
use std::time::Duration;

use super::provenance::{ParameterKind, Stamp};
use super::source_error::SourceError;
use crate::names::{Origin, ParameterName, ParameterRef, PathRead};

/// What is known of a parameter without its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    /// Its newest version (or the one that the selector names).
    pub stamp: Stamp,
    /// Its type.
    pub kind: ParameterKind,
}

/// The confirmed facts about all that one object wants. What has not been swept yet is not in it.
///
/// An object is sent for a pass when this is not what its last report was made of, so whatever a report depends on is
/// here, and nothing that comes and goes by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Upstream {
    /// The account and region that answered; none before the first answer that held an ARN, nor for an object that
    /// names all its parameters by ARN: those have the ARN's.
    pub origin: Option<Origin>,
    /// What lies below each path, filtered. No entry: not swept yet.
    pub listings: BTreeMap<PathRead, BTreeMap<ParameterName, Entry>>,
    /// Parameters wanted by name; `None`: confirmed missing. No entry: not swept yet.
    pub parameters: BTreeMap<ParameterRef, Option<Entry>>,
    /// Why the facts are not as fresh as wanted, where they are not.
    pub fault: Option<SourceError>,
    /// The interval that the budget allows, where for half an hour now it has been twice the one wanted or more. What it
    /// is at present the store tells, once for all.
    pub effective_interval: Option<Duration>,
    /// The token of the last forced sync, once all was looked at for it.
    pub forced: Option<String>,
}
