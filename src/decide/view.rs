//! What a decision is made from.

use jiff::Timestamp;

use crate::provenance::Provenance;
use crate::resolve::Resolved;
use crate::source::Upstream;

/// One ParameterSync and all that is known about it.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The object.
    pub resolved: &'a Resolved,
    /// The Secret of the target's name.
    pub secret: &'a SecretState,
    /// What the object's status says is applied; stands in where the Secret cannot say.
    pub recorded: Option<&'a Provenance>,
    /// What Parameter Store has.
    pub upstream: &'a Upstream,
    /// Whether the ParameterSync is being deleted.
    pub deleting: bool,
    /// Whether its namespace is being deleted.
    pub namespace_terminating: bool,
    /// When this object's Secret was repaired lately, oldest first.
    pub repairs: &'a [Timestamp],
}

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

impl<'a> View<'a> {
    /// What the Secret should hold if nothing changed: by its own word while that can be trusted, else by status.
    pub fn applied(&self) -> Option<&'a Provenance> {
        match self.secret {
            SecretState::Present(meta) if meta.trusted => meta.provenance.as_ref().or(self.recorded),
            _ => self.recorded,
        }
    }

    /// Whether the Secret is there and all that we set is still ours.
    pub fn is_intact(&self) -> bool {
        matches!(self.secret, SecretState::Present(meta) if meta.managed && meta.trusted && meta.lost.is_empty())
    }
}
