//! Keys of a Secret's `data`.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use thiserror::Error;

/// Why a string is no key of a Secret (the API server's own rule: a "config map key").
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum KeyError {
    /// Empty, or longer than 253 characters.
    #[error("key is {length} characters long; Kubernetes allows 1 to 253")]
    Length {
        /// How long it is.
        length: usize,
    },
    /// A character outside the set, or `.`, `..`, or a key that begins with `..`.
    #[error(
        "key {text:?} is refused by Kubernetes; only a-z, A-Z, 0-9, '_', '.' and '-', and not '.' or '..'"
    )]
    Character {
        /// What was given.
        text: String,
    },
}

/// A valid key of a Secret.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretKey(Arc<str>);

impl SecretKey {
    /// Parses a key.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        if text.is_empty() || text.len() > 253 {
            return Err(KeyError::Length { length: text.len() });
        }
        let allowed = text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'));
        if !allowed || text == "." || text.starts_with("..") {
            return Err(KeyError::Character {
                text: text.to_owned(),
            });
        }
        Ok(Self(text.into()))
    }

    /// The key's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for SecretKey {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The keys that the API server demands of a Secret of this type: of each group, one. It refuses the Secret
/// otherwise, so what can be known of the keys is held against it before anything is decrypted.
pub fn required_keys(secret_type: &str) -> &'static [&'static [&'static str]] {
    match secret_type {
        "kubernetes.io/tls" => &[&["tls.crt"], &["tls.key"]],
        "kubernetes.io/dockerconfigjson" => &[&[".dockerconfigjson"]],
        "kubernetes.io/basic-auth" => &[&["username", "password"]],
        "kubernetes.io/ssh-auth" => &[&["ssh-privatekey"]],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_follow_the_api_servers_rule() {
        for good in ["DB_PASSWORD", "tls.crt", "a", ".dockerconfigjson", "a..b"] {
            assert!(SecretKey::parse(good).is_ok(), "{good}");
        }
        let long = "a".repeat(254);
        for bad in ["", ".", "..", "..x", "a/b", "a b", "é", long.as_str()] {
            assert!(SecretKey::parse(bad).is_err(), "{bad}");
        }
    }
}
