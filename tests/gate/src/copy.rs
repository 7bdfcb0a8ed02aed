//! The gate's copy of what was put through it: parameters by region, with versions and labels.
//!
//! It gives write times in milliseconds as AWS does (roto has whole seconds), older versions for lagging
//! reads, and whole answers when the gate serves by itself.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::time::SystemTime;

use crate::protocol::{Asked, canonical};

/// AWS keeps this many versions of a parameter.
const VERSIONS_KEPT: usize = 100;

/// One parameter's write.
#[derive(Clone, Copy)]
pub struct Write<'a> {
    /// As the client gave it.
    pub name: &'a str,
    /// The secret.
    pub value: &'a str,
    /// `SecureString`, `String` or `StringList`.
    pub kind: &'a str,
    /// When it was written.
    pub at: SystemTime,
    /// The version that the server behind gave it; `None`: one more than the last.
    pub version: Option<u64>,
}

/// One version of a parameter, as an answer holds it. No `Debug`: it holds the value.
#[derive(Clone)]
pub(crate) struct Found {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) version: u64,
    pub(crate) value: String,
    /// Seconds since 1970, to the millisecond.
    pub(crate) modified: f64,
}

struct Version {
    number: u64,
    kind: String,
    value: String,
    modified: f64,
}

struct Parameter {
    name: String,
    versions: Vec<Version>,
    labels: BTreeMap<String, u64>,
}

impl Parameter {
    fn found(&self, version: &Version) -> Found {
        Found {
            name: self.name.clone(),
            kind: version.kind.clone(),
            version: version.number,
            value: version.value.clone(),
            modified: version.modified,
        }
    }
}

/// A page of parameters below a path.
pub(crate) struct Page {
    pub(crate) found: Vec<Found>,
    /// The last name on this page, if more follow.
    pub(crate) next: Option<String>,
}

/// Parameters by region and canonical name.
#[derive(Default)]
pub struct Copy {
    regions: BTreeMap<String, BTreeMap<String, Parameter>>,
}

impl std::fmt::Debug for Copy {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Copy").finish_non_exhaustive()
    }
}

impl Copy {
    /// Adds a version; returns its number.
    pub(crate) fn put(&mut self, region: &str, write: &Write<'_>) -> u64 {
        let parameters = self.regions.entry(region.to_owned()).or_default();
        let parameter = parameters
            .entry(canonical(write.name))
            .or_insert_with(|| Parameter {
                name: write.name.to_owned(),
                versions: Vec::new(),
                labels: BTreeMap::new(),
            });
        let last = parameter.versions.last().map_or(0, |version| version.number);
        let number = write.version.unwrap_or(last + 1);
        let since = write
            .at
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let modified = since.as_millis() as f64 / 1000.0;
        let (kind, value) = (write.kind.to_owned(), write.value.to_owned());
        parameter.versions.push(Version {
            number,
            kind,
            value,
            modified,
        });
        if parameter.versions.len() > VERSIONS_KEPT {
            parameter.versions.remove(0);
        }
        number
    }

    /// Forgets a parameter with its history; whether there was one.
    pub(crate) fn delete(&mut self, region: &str, name: &str) -> bool {
        self.regions
            .get_mut(region)
            .is_some_and(|region| region.remove(&canonical(name)).is_some())
    }

    /// Moves labels to a version, the latest if `None`; returns the version.
    pub(crate) fn label(
        &mut self,
        region: &str,
        name: &str,
        version: Option<u64>,
        labels: &[String],
    ) -> Option<u64> {
        let parameter = self.regions.get_mut(region)?.get_mut(&canonical(name))?;
        let latest = parameter.versions.last()?.number;
        let version = version.unwrap_or(latest);
        parameter
            .labels
            .extend(labels.iter().map(|label| (label.clone(), version)));
        Some(version)
    }

    /// The type of a parameter's latest version.
    pub(crate) fn kind(&self, region: &str, name: &str) -> Option<&str> {
        let parameter = self.regions.get(region)?.get(&canonical(name))?;
        parameter.versions.last().map(|version| version.kind.as_str())
    }

    /// The version that a name with its selector asks for.
    pub(crate) fn get(&self, region: &str, asked: &Asked) -> Option<Found> {
        let parameter = self.regions.get(region)?.get(&asked.name)?;
        let version = match &asked.selector {
            None => parameter.versions.last(),
            Some(selector) => {
                let number = selector
                    .parse()
                    .ok()
                    .or_else(|| parameter.labels.get(selector).copied())?;
                parameter.versions.iter().find(|version| version.number == number)
            }
        };
        version.map(|version| parameter.found(version))
    }

    /// The newest value of a canonical name.
    pub(crate) fn value(&self, region: &str, name: &str) -> Option<String> {
        let parameter = self.regions.get(region)?.get(name)?;
        parameter.versions.last().map(|version| version.value.clone())
    }

    /// One version of a canonical name.
    pub(crate) fn version(&self, region: &str, name: &str, number: u64) -> Option<Found> {
        let parameter = self.regions.get(region)?.get(name)?;
        let version = parameter
            .versions
            .iter()
            .find(|version| version.number == number)?;
        Some(parameter.found(version))
    }

    /// At most `max` parameters below `path` whose canonical names come after `after`, by name.
    pub(crate) fn below(
        &self,
        region: &str,
        path: &str,
        recursive: bool,
        after: Option<&str>,
        max: usize,
    ) -> Page {
        let prefix = format!("{}/", path.trim_end_matches('/'));
        let from = after.filter(|after| *after > prefix.as_str()).unwrap_or(&prefix);
        let mut found = Vec::new();
        let mut last = None;
        let parameters = self.regions.get(region).into_iter();
        let later = parameters.flat_map(|all| all.range::<str, _>((Bound::Excluded(from), Bound::Unbounded)));
        for (name, parameter) in later {
            let Some(rest) = name.strip_prefix(&prefix) else {
                break;
            };
            if !recursive && rest.contains('/') {
                continue;
            }
            if found.len() == max {
                return Page { found, next: last };
            }
            if let Some(version) = parameter.versions.last() {
                found.push(parameter.found(version));
                last = Some(name.clone());
            }
        }
        Page { found, next: None }
    }
}
