//! Why a ParameterSync cannot be acted on.

use thiserror::Error;

use crate::error::{Class, Classified};

/// Why a ParameterSync cannot be acted on, found without asking AWS. The message names the field and what would do.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// A field of the spec says something impossible.
    #[error("spec.{field}: {why}")]
    Invalid {
        /// The field, below `spec`.
        field: String,
        /// What was found, and what would do.
        why: String,
    },
    /// The store does not exist.
    #[error("spec.storeRef: {store} does not exist; create it, or name another store")]
    StoreNotFound {
        /// The store.
        store: String,
    },
    /// The store says something impossible.
    #[error("{store}: spec.{field}: {why}")]
    StoreInvalid {
        /// The store.
        store: String,
        /// The field of the store.
        field: String,
        /// What was found, and what would do.
        why: String,
    },
    /// The store lets nobody in this namespace read.
    #[error(
        "{store} gives namespace {namespace} no access; an entry of its spec.access must select the namespace"
    )]
    NamespaceNotAllowed {
        /// The store.
        store: String,
        /// The namespace.
        namespace: String,
    },
    /// The store does not let this namespace read that.
    #[error("spec.{field}: {store} does not let namespace {namespace} read {name}; it allows {allowed}")]
    NotAllowed {
        /// The field.
        field: String,
        /// The store.
        store: String,
        /// The namespace.
        namespace: String,
        /// What was asked for.
        name: String,
        /// What the store allows instead.
        allowed: String,
    },
    /// The Secret would be, or say, what steers other programs, and nobody allowed that.
    #[error("spec.target.{field}: {why}")]
    TargetNotAllowed {
        /// The field, below `spec.target`.
        field: &'static str,
        /// What was found, and what would do.
        why: String,
    },
    /// Another ParameterSync has the Secret.
    #[error(
        "spec.target.name: Secret {target} belongs to ParameterSync {holder}; name another target, or delete that one"
    )]
    TargetClaimed {
        /// The Secret.
        target: String,
        /// Who has it.
        holder: String,
    },
}

impl Refusal {
    /// A fault of one field.
    pub(super) fn field(field: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Invalid {
            field: field.into(),
            why: why.into(),
        }
    }

    /// Something that the target must not be or say.
    pub(super) fn target(field: &'static str, why: String) -> Self {
        Self::TargetNotAllowed { field, why }
    }
}

impl Classified for Refusal {
    fn class(&self) -> Class {
        match self {
            Self::Invalid { .. } | Self::StoreInvalid { .. } => Class::Invalid,
            Self::StoreNotFound { .. } => Class::NotFound,
            Self::NamespaceNotAllowed { .. } | Self::NotAllowed { .. } | Self::TargetNotAllowed { .. } => {
                Class::Denied
            }
            Self::TargetClaimed { .. } => Class::Conflict,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Invalid { .. } => "InvalidSpec",
            Self::StoreNotFound { .. } => "StoreNotFound",
            Self::StoreInvalid { .. } => "StoreInvalid",
            Self::NamespaceNotAllowed { .. } => "NamespaceNotAllowed",
            Self::NotAllowed { .. } => "PathNotAllowed",
            Self::TargetNotAllowed { .. } => "TargetNotAllowed",
            Self::TargetClaimed { .. } => "TargetClaimed",
        }
    }
}
