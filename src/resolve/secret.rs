//! The Secret that is asked for.

use std::collections::BTreeMap;

use crate::names::SecretKey;

/// The Secret to write.
#[derive(Clone, Debug)]
pub struct Target {
    /// Its name.
    pub name: String,
    /// Its `type`.
    pub secret_type: String,
    /// Labels beside the managed ones.
    pub labels: BTreeMap<String, String>,
    /// Annotations beside the managed one.
    pub annotations: BTreeMap<String, String>,
    /// minijinja templates by key.
    pub templates: BTreeMap<SecretKey, String>,
    /// Whether only rendered keys are kept.
    pub templates_only: bool,
    /// Whether the Secret goes with its ParameterSync.
    pub owned: bool,
    /// Whether a Secret that exists already and is not ours may be taken over.
    pub adopt: bool,
}
