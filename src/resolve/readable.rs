//! What may be read: only what the spec wants and access allows.

use std::ops::Deref;

use super::types::{Resolved, Source};
use crate::names::{ParameterRef, PathRead};

/// Something that the spec wants and access allows. Only a [`Resolved`], whose sources were held against access, makes
/// one; nothing else is ever fetched, whatever a record, a Secret or an answer names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Readable<T>(T);

impl<T> Deref for Readable<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

#[cfg(test)]
impl<T> Readable<T> {
    /// For tests of what comes after: one that nobody checked.
    pub fn unchecked(read: T) -> Self {
        Self(read)
    }
}

impl Resolved {
    /// The path of source `at`, less what the spec leaves out of it: names that are left out are listed without values
    /// and never asked for. None where the source is no path.
    pub fn read_path(&self, at: usize) -> Option<Readable<PathRead>> {
        match self.sources.get(at)? {
            Source::Path(source) => Some(Readable(source.read.clone())),
            Source::Named(_) => None,
        }
    }

    /// One parameter, at any version; none where source `at` does not want that name.
    pub fn read(&self, at: usize, reference: ParameterRef) -> Option<Readable<ParameterRef>> {
        let wants = match self.sources.get(at)? {
            Source::Path(source) => source.read.wants(&reference.name),
            Source::Named(source) => source.reference.name == reference.name,
        };
        wants.then_some(Readable(reference))
    }
}
