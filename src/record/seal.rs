//! The seal of a Secret: that it is ours, and as which revision it was written. Pure.
//!
//! Whoever may write a Secret may write its annotations, its labels and its `managedFields`; without the key nobody
//! makes a seal. It says no more than that: which parameters are in the Secret is told by status alone.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::names::ObjectKey;

/// The annotation that holds the seal.
pub const SEAL: &str = "paramsync.dev/seal";
/// How many bytes a key has.
pub const KEY_BYTES: usize = 32;
/// What a MAC of ours begins with, so that it is never taken for one that is about something else.
const DOMAIN: &[u8] = b"paramsync.dev/seal/v1";
const VERSION: &str = "v1";
const REVISION_BYTES: usize = 8;

/// What a seal that holds says of its Secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    /// The name of the ParameterSync, in the Secret's own namespace.
    pub sync: Box<str>,
    /// The revision as which the Secret was written.
    pub revision: i64,
}

/// The key that seals.
#[derive(Clone)]
pub struct SealKey(Zeroizing<[u8; KEY_BYTES]>);

impl SealKey {
    /// The key of these bytes; none where they are not 32.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        <[u8; KEY_BYTES]>::try_from(bytes)
            .ok()
            .map(|bytes| Self(Zeroizing::new(bytes)))
    }

    /// Its bytes, to be kept.
    pub fn expose(&self) -> &[u8] {
        &*self.0
    }

    /// The seal of the Secret `secret`, written for the ParameterSync `sync` of its namespace as `revision`.
    pub fn seal(&self, secret: &ObjectKey, sync: &str, revision: i64) -> String {
        let mut sealed = revision.to_be_bytes().to_vec();
        if let Some(mac) = self.mac(secret, sync, revision) {
            sealed.extend_from_slice(&mac.finalize().into_bytes());
        }
        format!("{VERSION}.{sync}.{}", URL_SAFE_NO_PAD.encode(sealed))
    }

    /// What the annotation's text says of the Secret `secret`; none where it is not a seal of this key and this Secret.
    pub fn verify(&self, secret: &ObjectKey, text: &str) -> Option<Seal> {
        // A name may hold dots; the rest may not.
        let (version, rest) = text.split_once('.')?;
        let (sync, sealed) = rest.rsplit_once('.')?;
        if version != VERSION {
            return None;
        }
        let sealed = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (revision, mac) = sealed.split_at_checked(REVISION_BYTES)?;
        let revision = i64::from_be_bytes(revision.try_into().ok()?);
        self.mac(secret, sync, revision)?.verify_slice(mac).ok()?;
        Some(Seal {
            sync: sync.into(),
            revision,
        })
    }

    fn mac(&self, secret: &ObjectKey, sync: &str, revision: i64) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.expose()).ok()?;
        let revision = revision.to_be_bytes();
        let parts: [&[u8]; 5] = [
            DOMAIN,
            secret.namespace.as_bytes(),
            secret.name.as_bytes(),
            sync.as_bytes(),
            &revision,
        ];
        for part in parts {
            // With its length before it, no part can be taken for the beginning of the next.
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        Some(mac)
    }
}

/// Its bytes stay out of logs.
impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> SealKey {
        SealKey::new(&[byte; KEY_BYTES]).unwrap()
    }

    #[test]
    fn a_seal_holds_for_its_own_secret_name_and_revision_and_key() {
        let web = ObjectKey::new("shop", "web");
        let text = key(1).seal(&web, "web.v2", 1_764_518_404);
        let seal = Seal {
            sync: "web.v2".into(),
            revision: 1_764_518_404,
        };
        assert_eq!(key(1).verify(&web, &text), Some(seal));
        assert!(text.starts_with("v1.web.v2."), "{text}");
        let elsewhere = [
            ("another key", key(2), web.clone(), text.clone()),
            (
                "another namespace",
                key(1),
                ObjectKey::new("pay", "web"),
                text.clone(),
            ),
            (
                "another Secret",
                key(1),
                ObjectKey::new("shop", "api"),
                text.clone(),
            ),
            (
                "another ParameterSync",
                key(1),
                web.clone(),
                text.replace("web.v2", "api"),
            ),
            (
                "another version",
                key(1),
                web.clone(),
                text.replacen("v1", "v2", 1),
            ),
            ("nothing", key(1), web.clone(), String::new()),
            ("no MAC", key(1), web.clone(), "v1.web.AAAAAAAAAAA".into()),
        ];
        for (what, key, secret, text) in elsewhere {
            assert_eq!(key.verify(&secret, &text), None, "{what}");
        }
    }

    #[test]
    fn another_revision_cannot_be_written_into_a_seal() {
        let web = ObjectKey::new("shop", "web");
        let text = key(1).seal(&web, "web", 5);
        let (head, sealed) = text.rsplit_once('.').unwrap();
        let mut bytes = URL_SAFE_NO_PAD.decode(sealed).unwrap();
        bytes[7] = 6;
        let forged = format!("{head}.{}", URL_SAFE_NO_PAD.encode(bytes));
        assert_eq!(key(1).verify(&web, &forged), None);
    }

    #[test]
    fn what_is_next_to_each_other_is_not_taken_together() {
        let seal = key(1).seal(&ObjectKey::new("a", "bc"), "d", 1);
        assert_eq!(key(1).verify(&ObjectKey::new("ab", "c"), &seal), None);
    }

    #[test]
    fn a_key_has_32_bytes_and_is_not_printed() {
        assert!(SealKey::new(&[0; 31]).is_none() && SealKey::new(&[0; 33]).is_none());
        assert_eq!(format!("{:?}", key(7)), "SealKey");
    }
}
