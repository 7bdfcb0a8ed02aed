//! A buffer for values: bounded, and wiped wherever it grows or ends.

use std::io;

use zeroize::{Zeroize, Zeroizing};

use crate::value::SecretValue;

/// Grows by copying into a new allocation and wiping the old one; a `Vec` would leave the old one behind as it was.
pub(super) struct Wiped {
    bytes: Zeroizing<Vec<u8>>,
    limit: usize,
    overflowed: bool,
}

impl Wiped {
    /// A buffer for at most `limit` bytes.
    pub(super) fn with_limit(limit: usize) -> Self {
        Self {
            bytes: Zeroizing::new(Vec::new()),
            limit,
            overflowed: false,
        }
    }

    /// A buffer that has room for `capacity` bytes at once, without a limit.
    pub(super) fn with_capacity(capacity: usize) -> Self {
        Self {
            bytes: Zeroizing::new(Vec::with_capacity(capacity)),
            limit: usize::MAX,
            overflowed: false,
        }
    }

    pub(super) fn push(&mut self, more: &[u8]) {
        let needed = self.bytes.len().saturating_add(more.len());
        if needed > self.limit {
            self.overflowed = true;
            return;
        }
        if needed > self.bytes.capacity() {
            let mut larger = Vec::with_capacity(needed.max(self.bytes.capacity() * 2));
            larger.extend_from_slice(&self.bytes);
            self.bytes.zeroize();
            self.bytes = Zeroizing::new(larger);
        }
        self.bytes.extend_from_slice(more);
    }

    pub(super) fn push_char(&mut self, c: char) {
        self.push(c.encode_utf8(&mut [0; 4]).as_bytes());
    }

    /// Whether more was written than fits.
    pub(super) fn overflowed(&self) -> bool {
        self.overflowed
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn into_value(mut self) -> SecretValue {
        SecretValue::new(std::mem::take(&mut *self.bytes))
    }
}

impl io::Write for Wiped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.push(bytes);
        if self.overflowed {
            Err(io::ErrorKind::FileTooLarge.into())
        } else {
            Ok(bytes.len())
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn what_is_written_comes_out_however_it_grew() {
        let mut buffer = Wiped::with_limit(1000);
        for part in [b"ab".as_slice(), b"", b"cde"] {
            buffer.write_all(part).unwrap();
        }
        buffer.push_char('é');
        assert_eq!(buffer.into_value().expose(), "abcdeé".as_bytes());
    }

    #[test]
    fn the_limit_holds_to_the_byte() {
        let mut buffer = Wiped::with_limit(4);
        assert!(buffer.write_all(b"abcd").is_ok());
        assert!(!buffer.overflowed());
        assert!(buffer.write_all(b"e").is_err());
        assert!(buffer.overflowed());
        assert_eq!(buffer.as_bytes(), b"abcd");
    }
}
