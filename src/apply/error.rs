//! What can go wrong with a write.

use thiserror::Error;

use crate::error::{Class, Classified};
use crate::names::ObjectKey;

/// Why a Secret could not be read or written. The API server's own message is not repeated: it may quote what was
/// sent.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ApplyError {
    /// Somebody changed the Secret in between, or made one of that name.
    #[error("Secret {secret} was changed by others while it was written; trying again")]
    Conflict {
        /// The Secret.
        secret: ObjectKey,
    },
    /// RBAC or an admission policy forbids it.
    #[error(
        "the API server forbids writing Secret {secret}; check the operator's RBAC and the admission policies"
    )]
    Forbidden {
        /// The Secret.
        secret: ObjectKey,
    },
    /// The type of an existing Secret cannot be changed.
    #[error(
        "Secret {secret} exists with another type, and Kubernetes does not let it change; delete the Secret or set target.type back"
    )]
    TypeImmutable {
        /// The Secret.
        secret: ObjectKey,
    },
    /// The Secret says `immutable: true`.
    #[error("Secret {secret} is marked immutable; delete it to let it be made anew")]
    Immutable {
        /// The Secret.
        secret: ObjectKey,
    },
    /// The API server refuses the object.
    #[error("the API server refuses Secret {secret} because of {fields}")]
    Refused {
        /// The Secret.
        secret: ObjectKey,
        /// The fields that it names.
        fields: String,
    },
    /// The namespace is going.
    #[error("namespace {} is being deleted", secret.namespace)]
    NamespaceTerminating {
        /// The Secret.
        secret: ObjectKey,
    },
    /// No answer, or a fault of the API server's own.
    #[error("the API server gave no answer about Secret {secret} ({code}); trying again")]
    Unavailable {
        /// The Secret.
        secret: ObjectKey,
        /// The HTTP code, or `connection` or `timeout`.
        code: String,
    },
}

impl ApplyError {
    /// Sorts an error of the client's by what it means here.
    pub(super) fn from_kube(secret: &ObjectKey, error: &kube::Error) -> Self {
        let secret = secret.clone();
        let kube::Error::Api(status) = error else {
            return Self::Unavailable {
                secret,
                code: "connection".to_owned(),
            };
        };
        let causes = status
            .details
            .as_ref()
            .map(|details| details.causes.as_slice())
            .unwrap_or_default();
        let fields: Vec<&str> = causes.iter().map(|cause| cause.field.as_str()).collect();
        let says = |word: &str| causes.iter().any(|cause| cause.message.contains(word));
        match status.code {
            409 => Self::Conflict { secret },
            403 if causes.iter().any(|cause| cause.reason == "NamespaceTerminating") => {
                Self::NamespaceTerminating { secret }
            }
            403 | 401 => Self::Forbidden { secret },
            422 if fields == ["type"] => Self::TypeImmutable { secret },
            422 if says("immutable") => Self::Immutable { secret },
            400 | 413 | 422 => {
                let fields = if fields.is_empty() {
                    status.reason.clone()
                } else {
                    fields.join(", ")
                };
                Self::Refused { secret, fields }
            }
            code => Self::Unavailable {
                secret,
                code: code.to_string(),
            },
        }
    }
}

impl Classified for ApplyError {
    fn class(&self) -> Class {
        match self {
            Self::Conflict { .. } | Self::NamespaceTerminating { .. } | Self::Unavailable { .. } => {
                Class::Transient
            }
            Self::Forbidden { .. } => Class::Denied,
            Self::TypeImmutable { .. } | Self::Immutable { .. } | Self::Refused { .. } => Class::Invalid,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Conflict { .. } => "WriteConflict",
            Self::Forbidden { .. } => "WriteForbidden",
            Self::TypeImmutable { .. } => "SecretTypeImmutable",
            Self::Immutable { .. } => "SecretImmutable",
            Self::Refused { .. } => "SecretRefused",
            Self::NamespaceTerminating { .. } => "NamespaceTerminating",
            Self::Unavailable { .. } => "ClusterUnavailable",
        }
    }
}
