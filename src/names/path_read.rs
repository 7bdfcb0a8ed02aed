//! Which names below a path are read.

use globset::GlobSet;

use super::parameter::{ParameterName, ParameterPath};

/// What is read of a path: which names, before any renaming.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PathRead {
    /// The path.
    pub path: ParameterPath,
    /// Whether deeper levels are read too.
    pub recursive: bool,
    /// Which names below it.
    pub filter: NameFilter,
}

impl PathRead {
    /// Whether `name` is one of those read: below the path, at an allowed depth, and wanted by the filter.
    pub fn wants(&self, name: &ParameterName) -> bool {
        self.path.relative(name).is_some_and(|relative| {
            (self.recursive || !relative.contains('/')) && self.filter.wants(relative)
        })
    }
}

/// `include` and `exclude`: globs on the name relative to the path. `*` does not cross a `/`.
#[derive(Clone, Debug)]
pub struct NameFilter {
    include: Vec<String>,
    exclude: Vec<String>,
    included: GlobSet,
    excluded: GlobSet,
}

impl NameFilter {
    /// Compiles the globs. With no `include`, everything is included.
    pub fn new(include: Vec<String>, exclude: Vec<String>) -> Result<Self, globset::Error> {
        let set = |globs: &[String]| {
            let mut builder = globset::GlobSetBuilder::new();
            for glob in globs {
                builder.add(globset::GlobBuilder::new(glob).literal_separator(true).build()?);
            }
            builder.build()
        };
        Ok(Self {
            included: set(&include)?,
            excluded: set(&exclude)?,
            include,
            exclude,
        })
    }

    /// Whether nothing is filtered out.
    pub fn is_all(&self) -> bool {
        self.include.is_empty() && self.exclude.is_empty()
    }

    /// Whether a name, relative to the path, is wanted.
    pub fn wants(&self, relative: &str) -> bool {
        (self.include.is_empty() || self.included.is_match(relative)) && !self.excluded.is_match(relative)
    }

    fn globs(&self) -> (&[String], &[String]) {
        (&self.include, &self.exclude)
    }
}

impl PartialEq for NameFilter {
    fn eq(&self, other: &Self) -> bool {
        self.globs() == other.globs()
    }
}

impl Eq for NameFilter {}

impl PartialOrd for NameFilter {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for NameFilter {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.globs().cmp(&other.globs())
    }
}

impl std::hash::Hash for NameFilter {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.globs().hash(state);
    }
}
