//! `decode`: a value's text to bytes.

use base64::engine::general_purpose::STANDARD;
use base64::{DecodeError, DecodeSliceError, Engine};
use zeroize::Zeroizing;

use crate::resolve::Decode;
use crate::value::SecretValue;

/// Decodes `value`, or says at which character, from 1, it is not what it should be.
pub(super) fn decoded(value: &SecretValue, decode: Decode) -> Result<SecretValue, usize> {
    match decode {
        Decode::None => Ok(value.clone()),
        Decode::Base64 => base64(value.expose()),
    }
}

/// Standard base64 with its padding (a value that was cut off is refused), white space anywhere.
fn base64(text: &[u8]) -> Result<SecretValue, usize> {
    let mut symbols = Zeroizing::new(Vec::with_capacity(text.len()));
    symbols.extend(text.iter().filter(|byte| !byte.is_ascii_whitespace()));
    let mut bytes = Zeroizing::new(vec![0; symbols.len().div_ceil(4) * 3]);
    match STANDARD.decode_slice(&*symbols, &mut bytes) {
        Ok(length) => {
            bytes.truncate(length);
            Ok(SecretValue::new(std::mem::take(&mut *bytes)))
        }
        Err(DecodeSliceError::DecodeError(
            DecodeError::InvalidByte(at, _) | DecodeError::InvalidLastSymbol { offset: at, .. },
        )) => Err(character(text, at)),
        Err(_) => Err(character(text, symbols.len())),
    }
}

/// Which character of `text` is its `symbol`-th, from 0, that is no white space.
fn character(text: &[u8], symbol: usize) -> usize {
    let at = text
        .iter()
        .enumerate()
        .filter(|(_, byte)| !byte.is_ascii_whitespace())
        .nth(symbol)
        .map_or(text.len(), |(at, _)| at);
    String::from_utf8_lossy(&text[..at]).chars().count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_decoded_or_its_fault_is_placed() {
        for (what, text, expected) in [
            ("plain", "aGVsbG8=", Ok(b"hello".as_slice())),
            ("binary", "/+8AAQ==", Ok(&[0xff, 0xef, 0, 1])),
            ("lines", "aGVs\r\n bG8=\n", Ok(b"hello")),
            ("nothing", " \n", Ok(b"")),
            ("another alphabet", "_-8AAQ==", Err(1)),
            ("a stray sign", "aGVs\nbG!=", Err(8)),
            ("behind wider characters", "éaaa", Err(1)),
            ("cut off", "aGVsbG8", Err(8)),
            ("cut off in a line", "aGVs\nbG", Err(8)),
            ("bits left over", "aGVsbG9=", Err(7)),
        ] {
            let got = decoded(&SecretValue::new(text.into()), Decode::Base64);
            assert_eq!(
                got.as_ref().map(SecretValue::expose).map_err(|at| *at),
                expected,
                "{what}"
            );
        }
    }

    #[test]
    fn without_decoding_bytes_stay() {
        let value = SecretValue::new(b"a b=".to_vec());
        assert!(decoded(&value, Decode::None).is_ok_and(|same| same == value));
    }
}
