//! What can go wrong with a write.

use kube::core::Status;
use thiserror::Error;

use crate::error::{Class, Classified};
use crate::names::ObjectKey;
use crate::write::WriteError;

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
    /// An admission policy or webhook refuses it.
    #[error(
        "Secret {secret} is refused by {policy}; let it allow what paramsync writes, or change spec.target (tried again at the interval of --recheck)"
    )]
    RefusedByPolicy {
        /// The Secret.
        secret: ObjectKey,
        /// The policy or webhook, by kind and name.
        policy: String,
    },
    /// A ResourceQuota of the namespace is used up.
    #[error(
        "namespace {} has no room for Secret {secret}: a ResourceQuota is used up; raise it, or delete Secrets (tried again at the interval of --recheck)",
        secret.namespace
    )]
    QuotaExceeded {
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
    /// A read had no answer, or a fault of the API server's own; or a write was not sent.
    #[error("the API server gave no answer about Secret {secret} ({code}); trying again")]
    Unavailable {
        /// The Secret.
        secret: ObjectKey,
        /// The HTTP code, or `connection` or `timeout`.
        code: String,
    },
    /// A write had no answer: it may have landed, and may land yet.
    #[error(
        "the API server gave no answer to a write of Secret {secret} ({code}); what came of it is seen before it is written again"
    )]
    Unknown {
        /// The Secret.
        secret: ObjectKey,
        /// The HTTP code, or `connection` or `timeout`.
        code: String,
    },
    /// Its permit was over before it was sent.
    #[error("Secret {secret} was not written in time; all is decided anew")]
    PermitOver {
        /// The Secret.
        secret: ObjectKey,
    },
    /// This process may not write now.
    #[error("Secret {secret} is not written: {why}")]
    NotHolder {
        /// The Secret.
        secret: ObjectKey,
        /// Why, by the Lease.
        why: String,
    },
}

impl ApplyError {
    /// Sorts what came of a read.
    pub(super) fn unread(secret: &ObjectKey, error: &kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => Self::refused(secret, status),
            _ => Self::unavailable(secret, "connection"),
        }
    }

    /// Sorts what came of a write.
    pub(super) fn unwritten(secret: &ObjectKey, error: &WriteError) -> Self {
        match error {
            WriteError::Refused(status) => Self::refused(secret, status),
            WriteError::Unknown(code) => Self::Unknown {
                secret: secret.clone(),
                code: code.to_string(),
            },
            WriteError::NotHolder(why) => Self::NotHolder {
                secret: secret.clone(),
                why: why.to_string(),
            },
            WriteError::NotSent(_) => Self::unavailable(secret, "not sent"),
        }
    }

    pub(super) fn unavailable(secret: &ObjectKey, code: &str) -> Self {
        Self::Unavailable {
            secret: secret.clone(),
            code: code.to_owned(),
        }
    }

    /// Sorts an answer of the API server's by what it means here.
    fn refused(secret: &ObjectKey, status: &Status) -> Self {
        let secret = secret.clone();
        let causes = status
            .details
            .as_ref()
            .map(|details| details.causes.as_slice())
            .unwrap_or_default();
        let fields: Vec<&str> = causes.iter().map(|cause| cause.field.as_str()).collect();
        let says = |word: &str| causes.iter().any(|cause| cause.message.contains(word));
        let policy = policy(&status.message);
        match status.code {
            409 => Self::Conflict { secret },
            403 if causes.iter().any(|cause| cause.reason == "NamespaceTerminating") => {
                Self::NamespaceTerminating { secret }
            }
            403 if status.message.contains("exceeded quota") => Self::QuotaExceeded { secret },
            400..=499 if policy.is_some() => Self::RefusedByPolicy {
                secret,
                policy: policy.unwrap_or_default(),
            },
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

    /// Whether it is not known what came of a write.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown { .. })
    }
}

/// The policy or webhook that refused, out of the API server's words; what the policy itself says may quote the object.
fn policy(message: &str) -> Option<String> {
    let named = |kind: &str, quote: char, before: &str| {
        let (_, rest) = message.split_once(before)?;
        let (name, _) = rest.split_once(quote)?;
        let plain = name.len() <= 253
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-._".contains(c));
        plain.then(|| format!("{kind} {name}"))
    };
    named("ValidatingAdmissionPolicy", '\'', "ValidatingAdmissionPolicy '")
        .or_else(|| named("admission webhook", '"', "admission webhook \""))
}

impl Classified for ApplyError {
    fn class(&self) -> Class {
        match self {
            Self::Conflict { .. }
            | Self::NamespaceTerminating { .. }
            | Self::Unavailable { .. }
            | Self::Unknown { .. }
            | Self::PermitOver { .. }
            | Self::NotHolder { .. } => Class::Transient,
            Self::Forbidden { .. } | Self::RefusedByPolicy { .. } | Self::QuotaExceeded { .. } => {
                Class::Denied
            }
            Self::TypeImmutable { .. } | Self::Immutable { .. } | Self::Refused { .. } => Class::Invalid,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Conflict { .. } => "WriteConflict",
            Self::Forbidden { .. } => "WriteForbidden",
            Self::RefusedByPolicy { .. } => "RefusedByPolicy",
            Self::QuotaExceeded { .. } => "QuotaExceeded",
            Self::TypeImmutable { .. } => "SecretTypeImmutable",
            Self::Immutable { .. } => "SecretImmutable",
            Self::Refused { .. } => "SecretRefused",
            Self::NamespaceTerminating { .. } => "NamespaceTerminating",
            Self::Unavailable { .. } => "ClusterUnavailable",
            Self::Unknown { .. } => "OutcomeUnknown",
            Self::PermitOver { .. } => "Overtaken",
            Self::NotHolder { .. } => "NotHolder",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_told_by_what_refused_and_never_in_its_words() {
        let secret = ObjectKey::new("shop", "web");
        let said = |code, message: &str| {
            let status = Status::failure(message, "Invalid").with_code(code);
            let error = ApplyError::refused(&secret, &status);
            (error.reason(), error.to_string())
        };
        let (reason, text) = said(
            422,
            "secrets \"web\" is forbidden: ValidatingAdmissionPolicy 'no-secrets' with binding 'all' denied request: value hunter2",
        );
        assert_eq!(reason, "RefusedByPolicy");
        assert!(
            text.contains("ValidatingAdmissionPolicy no-secrets") && !text.contains("hunter2"),
            "{text}"
        );
        let (reason, text) = said(
            403,
            "admission webhook \"check.example.com\" denied the request: hunter2",
        );
        assert_eq!(reason, "RefusedByPolicy");
        assert!(
            text.contains("webhook check.example.com") && !text.contains("hunter2"),
            "{text}"
        );
        let quota = "secrets \"web\" is forbidden: exceeded quota: few, requested: secrets=1, used: secrets=3, limited: secrets=3";
        assert_eq!(said(403, quota).0, "QuotaExceeded");
        assert_eq!(said(403, "no").0, "WriteForbidden");
    }
}
