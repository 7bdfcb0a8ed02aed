//! `decode`: a value's text to bytes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::resolve::Decode;
use crate::value::SecretValue;

/// The value is no base64. Not where: that tells of the value.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoBase64;

/// Decodes `value`.
pub(super) fn decoded(value: &SecretValue, decode: Decode) -> Result<SecretValue, NoBase64> {
    match decode {
        Decode::None => Ok(value.clone()),
        Decode::Base64 => base64(value.expose()),
    }
}

/// Standard base64 with its padding (a value that was cut off is refused), white space anywhere.
fn base64(text: &[u8]) -> Result<SecretValue, NoBase64> {
    let mut symbols = Zeroizing::new(Vec::with_capacity(text.len()));
    symbols.extend(text.iter().filter(|byte| !byte.is_ascii_whitespace()));
    let mut bytes = Zeroizing::new(vec![0; symbols.len().div_ceil(4) * 3]);
    let length = STANDARD
        .decode_slice(&*symbols, &mut bytes)
        .map_err(|_| NoBase64)?;
    bytes.truncate(length);
    Ok(SecretValue::new(std::mem::take(&mut *bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_decoded_or_refused() {
        for (what, text, expected) in [
            ("plain", "aGVsbG8=", Ok(b"hello".as_slice())),
            ("binary", "/+8AAQ==", Ok(&[0xff, 0xef, 0, 1])),
            ("lines", "aGVs\r\n bG8=\n", Ok(b"hello")),
            ("nothing", " \n", Ok(b"")),
            ("another alphabet", "_-8AAQ==", Err(&NoBase64)),
            ("a stray sign", "aGVs\nbG!=", Err(&NoBase64)),
            ("behind wider characters", "éaaa", Err(&NoBase64)),
            ("cut off", "aGVsbG8", Err(&NoBase64)),
            ("cut off in a line", "aGVs\nbG", Err(&NoBase64)),
            ("bits left over", "aGVsbG9=", Err(&NoBase64)),
        ] {
            let got = decoded(&SecretValue::new(text.into()), Decode::Base64);
            assert_eq!(got.as_ref().map(SecretValue::expose), expected, "{what}");
        }
    }

    #[test]
    fn without_decoding_bytes_stay() {
        let value = SecretValue::new(b"a b=".to_vec());
        assert!(decoded(&value, Decode::None).is_ok_and(|same| same == value));
    }
}
