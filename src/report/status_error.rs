//! Why a status could not be written.

use thiserror::Error;

use crate::error::{Class, Classified};
use crate::write::WriteError;

/// The status could not be written. The API server's own words are not repeated: they may hold the whole object.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StatusError {
    /// The object is gone, or its status is not the one that this would replace: all is decided anew.
    #[error("the status of {object} was changed meanwhile")]
    Overtaken {
        /// The object.
        object: String,
    },
    /// The schema refuses it.
    #[error("the API server refuses the status of {object} because of {fields}")]
    Refused {
        /// The object.
        object: String,
        /// The fields that it names.
        fields: String,
    },
    /// The API server drops a field: the CustomResourceDefinition is older than this program.
    #[error(
        "the CustomResourceDefinition of {object} does not know all of status.secret; install the CRDs of this release"
    )]
    CrdOutdated {
        /// The object.
        object: String,
    },
    /// It may have been written, and may be yet.
    #[error("the API server gave no answer to a write of the status of {object} ({detail})")]
    Unknown {
        /// The object.
        object: String,
        /// Why.
        detail: String,
    },
    /// It was not written.
    #[error("the status of {object} cannot be written: {detail}")]
    Failed {
        /// The object.
        object: String,
        /// Why.
        detail: String,
    },
}

impl StatusError {
    pub(super) fn of(object: String, error: &WriteError) -> Self {
        let detail = error.to_string();
        match error {
            WriteError::Refused(status) => {
                let details = status.details.as_ref();
                let causes = details
                    .map(|details| details.causes.as_slice())
                    .unwrap_or_default();
                let fields: Vec<&str> = causes.iter().map(|cause| cause.field.as_str()).collect();
                match status.code {
                    404 | 409 => Self::Overtaken { object },
                    // A condition that does not hold names no cause; the schema names fields.
                    422 if fields.is_empty() => Self::Overtaken { object },
                    400 | 413 | 422 => Self::Refused {
                        object,
                        fields: if fields.is_empty() {
                            status.reason.clone()
                        } else {
                            fields.join(", ")
                        },
                    },
                    _ => Self::Failed { object, detail },
                }
            }
            WriteError::Unknown(_) => Self::Unknown { object, detail },
            WriteError::NotSent(_) | WriteError::NotHolder(_) => Self::Failed { object, detail },
        }
    }
}

impl Classified for StatusError {
    fn class(&self) -> Class {
        match self {
            Self::Refused { .. } | Self::CrdOutdated { .. } => Class::Invalid,
            Self::Overtaken { .. } | Self::Unknown { .. } | Self::Failed { .. } => Class::Transient,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Overtaken { .. } => "Overtaken",
            Self::Refused { .. } => "StatusRefused",
            Self::CrdOutdated { .. } => "CrdOutdated",
            Self::Unknown { .. } => "OutcomeUnknown",
            Self::Failed { .. } => "ClusterUnavailable",
        }
    }
}
