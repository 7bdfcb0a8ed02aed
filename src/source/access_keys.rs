//! Access keys in a Kubernetes Secret: what is taken, and what is said of the rest. Pure.
//!
//! A message names the Secret and its key, never what is in it.

use std::fmt;

use k8s_openapi::api::core::v1::Secret;
use thiserror::Error;

use crate::names::ObjectKey;

/// Why a Secret gave no keys. Names the Secret and its key, never what is in it.
#[derive(Debug, Error)]
pub(super) enum KeysError {
    #[error("Secret {0} cannot be read: the operator is not connected to a cluster")]
    NoCluster(ObjectKey),
    #[error("Secret {0} does not exist")]
    NoSecret(ObjectKey),
    #[error("Secret {0} cannot be read ({1})")]
    Unreadable(ObjectKey, String),
    #[error("Secret {0} has no key {1:?}, or it is empty")]
    NoKey(ObjectKey, String),
    #[error("key {1:?} of Secret {0}, {2}, {3}")]
    Unusable(ObjectKey, String, Part, Flaw),
}

/// What a key of the Secret is for, as the store's spec names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    AccessKeyId,
    SecretAccessKey,
    SessionToken,
}

impl Part {
    /// The most characters that it may have. AWS says 128 of access key ids; its secrets have 40, its tokens under 2,000,
    /// and both may grow.
    fn longest(self) -> usize {
        match self {
            Self::AccessKeyId => 128,
            Self::SecretAccessKey => 256,
            Self::SessionToken => 8192,
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AccessKeyId => "the access key id",
            Self::SecretAccessKey => "the secret access key",
            Self::SessionToken => "the session token",
        })
    }
}

/// Why a text is no key of AWS's. It goes into headers and signatures, where a sign that may not stand there would end in
/// a fault that names nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(super) enum Flaw {
    #[error("ends with a line break; write it without one (printf, not echo)")]
    LineBreak,
    #[error("has a space, a control character or one beyond ASCII, which none has; write it anew")]
    Characters,
    #[error("is longer than the {0} characters that one may have; write it anew")]
    TooLong(usize),
}

/// One key of a Secret, if it can be what it is for.
pub(super) fn text(secret: &Secret, place: &ObjectKey, key: &str, part: Part) -> Result<String, KeysError> {
    let bytes = secret.data.as_ref().and_then(|data| data.get(key));
    let bytes = bytes
        .map(|bytes| bytes.0.as_slice())
        .filter(|bytes| !bytes.is_empty())
        .ok_or_else(|| KeysError::NoKey(place.clone(), key.to_owned()))?;
    usable(bytes, part.longest())
        .map_err(|flaw| KeysError::Unusable(place.clone(), key.to_owned(), part, flaw))
}

/// The text, if it has only what a key of AWS's has. Nothing is trimmed: what is said to be wrong is put right once, and
/// what is trimmed in silence is wrong for the next program.
fn usable(bytes: &[u8], longest: usize) -> Result<String, Flaw> {
    let graphic = |bytes: &[u8]| bytes.iter().all(u8::is_ascii_graphic);
    let lines = bytes.trim_ascii_end();
    if lines.len() < bytes.len() && graphic(lines) && matches!(bytes.last(), Some(b'\n' | b'\r')) {
        return Err(Flaw::LineBreak);
    }
    match std::str::from_utf8(bytes) {
        Ok(text) if graphic(bytes) && bytes.len() <= longest => Ok(text.to_owned()),
        Ok(_) if graphic(bytes) => Err(Flaw::TooLong(longest)),
        _ => Err(Flaw::Characters),
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::ByteString;

    use super::*;

    fn secret(key: &str, value: &str) -> Secret {
        Secret {
            data: Some([(key.to_owned(), ByteString(value.as_bytes().to_vec()))].into()),
            ..Secret::default()
        }
    }

    fn said(secret: &Secret, part: Part) -> String {
        let place = ObjectKey::new("ops", "aws");
        text(secret, &place, "id", part).unwrap_err().to_string()
    }

    #[test]
    fn a_key_is_taken_as_it_stands() {
        let place = ObjectKey::new("ops", "aws");
        for (part, value) in [
            (Part::AccessKeyId, "AKIAIOSFODNN7EXAMPLE"),
            (Part::AccessKeyId, "test"),
            (Part::SecretAccessKey, "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY="),
            (Part::SessionToken, &"t".repeat(8192)),
        ] {
            assert_eq!(text(&secret("id", value), &place, "id", part).unwrap(), value);
        }
    }

    #[test]
    fn a_missing_key_is_named() {
        for missing in [secret("other", "canary"), secret("id", ""), Secret::default()] {
            assert_eq!(
                said(&missing, Part::AccessKeyId),
                r#"Secret ops/aws has no key "id", or it is empty"#
            );
        }
    }

    #[test]
    fn what_cannot_be_a_key_is_refused_by_its_name_and_never_shown() {
        let long = "canary".repeat(50);
        for (what, part, value, expected) in [
            (
                "a newline",
                Part::AccessKeyId,
                "canary\n",
                "the access key id, ends with a line break",
            ),
            (
                "a newline of Windows",
                Part::SecretAccessKey,
                "canary\r\n",
                "the secret access key, ends with a line break",
            ),
            (
                "a control character",
                Part::AccessKeyId,
                "can\u{1}ary",
                "the access key id, has a space, a control",
            ),
            (
                "a line break within",
                Part::SecretAccessKey,
                "can\nary",
                "the secret access key, has a space, a control",
            ),
            (
                "a line break within and behind",
                Part::SecretAccessKey,
                "can\nary\n",
                "has a space, a control",
            ),
            (
                "a NUL",
                Part::SessionToken,
                "canary\0",
                "the session token, has a space, a control",
            ),
            (
                "a delete",
                Part::SessionToken,
                "canary\u{7f}",
                "has a space, a control",
            ),
            (
                "a space behind",
                Part::AccessKeyId,
                "canary ",
                "has a space, a control",
            ),
            (
                "a letter beyond ASCII",
                Part::AccessKeyId,
                "canäry",
                "beyond ASCII",
            ),
            (
                "white space only",
                Part::AccessKeyId,
                " ",
                "has a space, a control",
            ),
            (
                "too long an id",
                Part::AccessKeyId,
                &long,
                "longer than the 128 characters",
            ),
            (
                "too long a secret",
                Part::SecretAccessKey,
                &long,
                "longer than the 256 characters",
            ),
        ] {
            let said = said(&secret("id", value), part);
            assert!(
                said.starts_with(r#"key "id" of Secret ops/aws, "#),
                "{what}: {said}"
            );
            assert!(said.contains(expected) && !said.contains("can"), "{what}: {said}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_refused() {
        let bytes = ByteString(vec![b'A', 0xff]);
        let secret = Secret {
            data: Some([("id".to_owned(), bytes)].into()),
            ..Secret::default()
        };
        assert!(said(&secret, Part::SecretAccessKey).contains("beyond ASCII"));
    }
}
