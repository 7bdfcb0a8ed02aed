//! A Secret without its values.

use crate::record::Provenance;

/// The Secret, as its metadata shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "one a pass, never kept in numbers")]
pub enum SecretState {
    /// There is none of that name.
    Absent,
    /// There is one.
    Present(SecretMeta),
}

/// A Secret's metadata, reduced to what matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretMeta {
    /// Its uid.
    pub uid: String,
    /// Its resource version.
    pub resource_version: String,
    /// Whether the label `paramsync.dev/managed` is `true`.
    pub managed: bool,
    /// Whether it is being deleted.
    pub deleting: bool,
    /// What it says of itself, where that can be read.
    pub provenance: Option<Provenance>,
    /// Whether field ownership says that the annotation is still as we wrote it.
    pub trusted: bool,
    /// What we set and no longer own, as `data.DB_PASSWORD` or `metadata.labels.team`.
    pub lost: Vec<String>,
    /// The field managers that own any of it now.
    pub rivals: Vec<String>,
    /// Its controller, where it has one.
    pub controller: Option<Controller>,
}

/// A controlling owner reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Controller {
    /// The owner's kind.
    pub kind: String,
    /// The owner's name.
    pub name: String,
    /// The owner's uid.
    pub uid: String,
}
