//! Why the state of a calendar at AWS is not known. Pure.

use jiff::Timestamp;
use thiserror::Error;

use super::answer::Unusable;
use crate::error::{Class, Classified};
use crate::source::call::Fault;

/// Why AWS's answer is missing or old. AWS's own texts carry ARNs of roles: only its code is kept, and the documents as
/// the user wrote them.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CalendarError {
    /// The first answer has not come yet.
    #[error("AWS has not been heard yet; it is being asked")]
    NotHeard,
    /// The last answer holds no more, and the next one has not come yet.
    #[error("what AWS said at {fetched} held until {until}; it is being asked again")]
    Lapsed {
        /// When AWS was asked.
        fetched: Timestamp,
        /// Since when its answer does not count.
        until: Timestamp,
    },
    /// AWS refuses this identity the state.
    #[error(
        "AWS refuses to tell the state of {documents} ({code}); allow the store's identity ssm:GetCalendarState on the document"
    )]
    Denied {
        /// The documents.
        documents: String,
        /// AWS's error code.
        code: String,
    },
    /// At least one document does not exist for this identity.
    #[error(
        "AWS finds no document {documents} ({code}); check name, account and region, and share it if it is of another account"
    )]
    NotFound {
        /// The documents.
        documents: String,
        /// AWS's error code.
        code: String,
    },
    /// At least one document is something else.
    #[error("{documents} is no document of the type ChangeCalendar ({code}); name a change calendar")]
    NoCalendar {
        /// The documents.
        documents: String,
        /// AWS's error code.
        code: String,
    },
    /// AWS cannot evaluate an entry.
    #[error("{documents} holds an entry that AWS does not support ({code}); correct the calendar at AWS")]
    Unsupported {
        /// The documents.
        documents: String,
        /// AWS's error code.
        code: String,
    },
    /// Too fast for a quota that AWS does not publish.
    #[error("AWS throttles GetCalendarState ({code}); trying again")]
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
        "AWS refuses the time of this request ({code}): set the clock of the node that the operator runs on by NTP"
    )]
    Clock {
        /// AWS's error code.
        code: String,
    },
    /// The certificate of the endpoint, or of a proxy before it, is not trusted.
    #[error(
        "TLS: the certificate of AWS's endpoint, or of a proxy before it, is not trusted ({code}); give the operator the CA by SSL_CERT_FILE"
    )]
    Untrusted {
        /// What TLS found, as `UnknownIssuer`.
        code: String,
    },
    /// Network, time-out, 5xx.
    #[error("AWS cannot be asked for the state of calendars ({code}); trying again")]
    Unavailable {
        /// AWS's error code, or `connection` or `timeout`.
        code: String,
    },
    /// AWS calls the request invalid.
    #[error("AWS refuses the request for {documents} ({code}); check the names of the documents")]
    Refused {
        /// The documents.
        documents: String,
        /// AWS's error code.
        code: String,
    },
    /// AWS answered, and the answer cannot be used.
    #[error("AWS's answer about {documents} cannot be used: {why}; trying again")]
    Unusable {
        /// The documents.
        documents: String,
        /// What is wrong with it.
        why: Unusable,
    },
}

impl CalendarError {
    /// The error for those who asked for `documents`. AWS does not say by its code which one of several it means.
    pub(super) fn of(fault: Fault, documents: &[String]) -> Self {
        let documents = documents.join(", ");
        match fault {
            Fault::Denied(code) | Fault::Undecryptable(code) => Self::Denied { documents, code },
            Fault::Throttled(code) => Self::Throttled { code },
            Fault::Credentials(detail) => Self::Credentials { detail },
            Fault::Clock(code) => Self::Clock { code },
            Fault::Untrusted(code) => Self::Untrusted { code },
            Fault::Unavailable(code) => Self::Unavailable { code },
            Fault::Refused(code) => match code.as_str() {
                "InvalidDocument" => Self::NotFound { documents, code },
                "InvalidDocumentType" => Self::NoCalendar { documents, code },
                "UnsupportedCalendarException" => Self::Unsupported { documents, code },
                _ => Self::Refused { documents, code },
            },
        }
    }

    /// The error for those who asked for `documents` and got what cannot be used.
    pub(super) fn unusable(why: Unusable, documents: &[String]) -> Self {
        let documents = documents.join(", ");
        Self::Unusable { documents, why }
    }
}

impl Classified for CalendarError {
    fn class(&self) -> Class {
        match self {
            Self::NotHeard | Self::Lapsed { .. } | Self::Unavailable { .. } | Self::Unusable { .. } => {
                Class::Transient
            }
            Self::Denied { .. } | Self::Credentials { .. } | Self::Clock { .. } | Self::Untrusted { .. } => {
                Class::Denied
            }
            Self::NotFound { .. } => Class::NotFound,
            Self::Throttled { .. } => Class::Throttled,
            Self::NoCalendar { .. } | Self::Unsupported { .. } | Self::Refused { .. } => Class::Invalid,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::NotHeard => "CalendarNotHeard",
            Self::Lapsed { .. } => "CalendarLapsed",
            Self::Denied { .. } => "AccessDenied",
            Self::NotFound { .. } => "DocumentNotFound",
            Self::NoCalendar { .. } => "DocumentIsNoCalendar",
            Self::Unsupported { .. } => "CalendarUnsupported",
            Self::Throttled { .. } => "Throttled",
            Self::Credentials { .. } => "CredentialsRejected",
            Self::Clock { .. } => "ClockSkew",
            Self::Untrusted { .. } => "CertificateNotTrusted",
            Self::Unavailable { .. } => "SourceUnavailable",
            Self::Refused { .. } => "SourceRefused",
            Self::Unusable { .. } => "AnswerUnusable",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_has_a_class_a_reason_and_says_which_documents_as_they_were_written() {
        use Class::{Denied, Invalid, NotFound, Throttled, Transient};
        let code = || "SomeCode".to_owned();
        for (fault, class, reason, named) in [
            (Fault::Denied(code()), Denied, "AccessDenied", true),
            (Fault::Throttled(code()), Throttled, "Throttled", false),
            (Fault::Credentials(code()), Denied, "CredentialsRejected", false),
            (Fault::Clock(code()), Denied, "ClockSkew", false),
            (Fault::Untrusted(code()), Denied, "CertificateNotTrusted", false),
            (Fault::Unavailable(code()), Transient, "SourceUnavailable", false),
            (Fault::Refused(code()), Invalid, "SourceRefused", true),
            (
                Fault::Refused("InvalidDocument".into()),
                NotFound,
                "DocumentNotFound",
                true,
            ),
            (
                Fault::Refused("InvalidDocumentType".into()),
                Invalid,
                "DocumentIsNoCalendar",
                true,
            ),
            (
                Fault::Refused("UnsupportedCalendarException".into()),
                Invalid,
                "CalendarUnsupported",
                true,
            ),
        ] {
            let documents = [
                "freeze".to_owned(),
                "arn:aws:ssm:eu-west-1:111122223333:document/year-end".to_owned(),
            ];
            let code = match &fault {
                Fault::Credentials(detail) => detail.clone(),
                other => other.code().to_owned(),
            };
            let error = CalendarError::of(fault, &documents);
            assert_eq!((error.class(), error.reason()), (class, reason), "{error}");
            let message = error.to_string();
            assert!(message.contains(&code), "{message}");
            assert_eq!(message.contains(&documents.join(", ")), named, "{message}");
        }
    }
}
