//! Why nothing is known of Parameter Store, or nothing new.

use thiserror::Error;

use crate::error::{Class, Classified};

/// Why Parameter Store gave no answer. AWS's own texts carry ARNs of roles and keys: only its code is kept.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SourceError {
    /// AWS refuses this identity one parameter or path.
    #[error(
        "AWS refuses to read {name} ({code}); allow the store's identity ssm:GetParameters and ssm:GetParametersByPath on it"
    )]
    Denied {
        /// The parameter or path.
        name: String,
        /// AWS's error code.
        code: String,
    },
    /// The KMS key of a parameter is disabled, pending deletion, or may not be used.
    #[error(
        "{name} cannot be decrypted ({code}); enable its KMS key and allow the store's identity kms:Decrypt on it"
    )]
    Undecryptable {
        /// The parameter or path.
        name: String,
        /// AWS's error code.
        code: String,
    },
    /// The account's quota is used up.
    #[error("Parameter Store throttles this account ({code}); reading goes on as the quota allows")]
    Throttled {
        /// AWS's error code.
        code: String,
    },
    /// No credentials, or refused ones.
    #[error("no valid AWS credentials for the store: {detail}")]
    Credentials {
        /// AWS's error code, or which part of the configuration gave none.
        detail: String,
    },
    /// AWS says that our time is wrong.
    #[error(
        "AWS refuses the time of this request ({code}): the clock of the node that the operator runs on is wrong; set it by NTP"
    )]
    Clock {
        /// AWS's error code.
        code: String,
    },
    /// The certificate of the endpoint, or of a proxy before it, is not trusted.
    #[error(
        "TLS: the certificate of Parameter Store's endpoint, or of a proxy before it, is not trusted ({code}); give the operator the CA by SSL_CERT_FILE"
    )]
    Untrusted {
        /// What TLS found, as `UnknownIssuer`.
        code: String,
    },
    /// Network, time-out, 5xx.
    #[error("Parameter Store cannot be reached ({code}); trying again")]
    Unavailable {
        /// AWS's error code, or `connection` or `timeout`.
        code: String,
    },
    /// An answer that contradicts what was seen before, or a name AWS calls invalid.
    #[error("Parameter Store refuses the request for {name} ({code})")]
    Refused {
        /// The parameter or path.
        name: String,
        /// AWS's error code.
        code: String,
    },
}

impl Classified for SourceError {
    fn class(&self) -> Class {
        match self {
            Self::Denied { .. }
            | Self::Undecryptable { .. }
            | Self::Credentials { .. }
            | Self::Clock { .. }
            | Self::Untrusted { .. } => Class::Denied,
            Self::Throttled { .. } => Class::Throttled,
            Self::Unavailable { .. } => Class::Transient,
            Self::Refused { .. } => Class::Invalid,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Denied { .. } => "AccessDenied",
            Self::Undecryptable { .. } => "DecryptionFailed",
            Self::Throttled { .. } => "Throttled",
            Self::Credentials { .. } => "CredentialsRejected",
            Self::Clock { .. } => "ClockSkew",
            Self::Untrusted { .. } => "CertificateNotTrusted",
            Self::Unavailable { .. } => "SourceUnavailable",
            Self::Refused { .. } => "SourceRefused",
        }
    }
}

impl SourceError {
    /// The parameter or path that it is about, where it is about one.
    pub fn subject(&self) -> Option<&str> {
        match self {
            Self::Denied { name, .. } | Self::Undecryptable { name, .. } | Self::Refused { name, .. } => {
                Some(name)
            }
            Self::Throttled { .. }
            | Self::Credentials { .. }
            | Self::Clock { .. }
            | Self::Untrusted { .. }
            | Self::Unavailable { .. } => None,
        }
    }
}
