//! The one type that holds a secret's value. Pure.

use zeroize::Zeroizing;

/// A decrypted value, alive from fetch to apply and nowhere else.
///
/// It has no `Debug`, `Display` or `Serialize`, so it cannot reach a log, a status or a metric by mistake, and its
/// bytes are wiped when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretValue(Zeroizing<Vec<u8>>);

impl SecretValue {
    /// Takes the bytes over.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes, for those who must: `transform` and `apply`.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// How many bytes there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
