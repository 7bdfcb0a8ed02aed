//! A Secret without its values, reduced to what decisions need.

use std::fmt;
use std::sync::Arc;

/// The Secret, as its metadata shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretState {
    /// There is none of that name.
    Absent,
    /// There is one.
    Present(SecretMeta),
}

impl SecretState {
    /// Its metadata, where it is there.
    pub fn meta(&self) -> Option<&SecretMeta> {
        match self {
            Self::Absent => None,
            Self::Present(meta) => Some(meta),
        }
    }
}

/// A Secret's metadata, reduced: small, whatever others write into it. None of it is believed to say what is applied;
/// the seal, which nobody else can make, says whose it is and as which revision it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretMeta {
    /// Its uid.
    pub uid: Uid,
    /// Its resource version. That these are decimal numbers which grow is part of the API since Kubernetes 1.35 and true
    /// of every server before; 0 for any other.
    pub version: u64,
    /// What its seal says; none where there is no seal of ours.
    pub seal: Option<Sealed>,
    /// Which ParameterSyncs its owner references name.
    pub owner: OwnedBy,
    /// A controller that is no ParameterSync.
    pub controller: Option<Box<Controller>>,
    /// A fingerprint of the fields that `managedFields` gives to our apply; 0 where it gives none.
    pub fields: u64,
    /// Whether the label `paramsync.dev/managed` is `true`.
    pub managed: bool,
    /// Whether it is being deleted.
    pub deleting: bool,
    /// Whether others wrote a key of ours by `stringData` as late as we wrote, or later: that changes a value and moves
    /// no field.
    pub overwritten: bool,
}

/// What a seal that holds says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// The name of the ParameterSync for which the Secret was written.
    pub sync: Arc<str>,
    /// The revision as which it was written.
    pub revision: i64,
}

/// Which ParameterSyncs own a Secret, by its owner references.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnedBy {
    /// None.
    Nobody,
    /// The one of this uid.
    One(Uid),
    /// More than one.
    Several,
}

/// A controlling owner reference of another kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Controller {
    /// The owner's kind.
    pub kind: String,
    /// The owner's name.
    pub name: String,
}

/// An object's uid, in the 16 bytes that it has where it is a UUID, as Kubernetes makes them.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Uid {
    /// A UUID.
    Uuid([u8; 16]),
    /// Anything else.
    Text(Box<str>),
}

impl From<&str> for Uid {
    fn from(text: &str) -> Self {
        let canonical = |uid: &Self| uid.to_string() == text;
        uuid(text)
            .map(Self::Uuid)
            .filter(canonical)
            .unwrap_or_else(|| Self::Text(text.into()))
    }
}

fn uuid(text: &str) -> Option<[u8; 16]> {
    let digits: String = text.split('-').collect();
    if digits.len() != 32 || !digits.is_ascii() {
        return None;
    }
    let mut bytes = [0; 16];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Uuid(bytes) => {
                for (at, byte) in bytes.iter().enumerate() {
                    if matches!(at, 4 | 6 | 8 | 10) {
                        f.write_str("-")?;
                    }
                    write!(f, "{byte:02x}")?;
                }
                Ok(())
            }
        }
    }
}

impl fmt::Debug for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uid_gives_back_its_text() {
        for text in [
            "4f6c2c0e-7d5b-4a53-9f0d-0f5a3d6f2b11",
            "4F6C2C0E-7d5b-4a53-9f0d-0f5a3d6f2b11",
            "4f6c2c0e7d5b4a539f0d0f5a3d6f2b11",
            "u-1",
            "",
        ] {
            assert_eq!(Uid::from(text).to_string(), text);
        }
        let small = |text| matches!(Uid::from(text), Uid::Uuid(_));
        assert!(small("4f6c2c0e-7d5b-4a53-9f0d-0f5a3d6f2b11") && !small("u-1"));
    }
}
