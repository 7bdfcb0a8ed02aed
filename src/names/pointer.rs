//! JSON pointers.

use std::fmt;

/// A JSON pointer (RFC 6901), as it is written and as the unescaped names on the way.
#[derive(Clone, PartialEq, Eq)]
pub struct JsonPointer {
    text: String,
    tokens: Vec<String>,
}

impl JsonPointer {
    /// Parses a pointer; none where it breaks RFC 6901, section 3.
    pub fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self {
                text: String::new(),
                tokens: Vec::new(),
            });
        }
        let strange = |token: &str| {
            token
                .split('~')
                .skip(1)
                .any(|after| !after.starts_with(['0', '1']))
        };
        let tokens = text
            .strip_prefix('/')?
            .split('/')
            .map(|token| (!strange(token)).then(|| token.replace("~1", "/").replace("~0", "~")))
            .collect::<Option<_>>()?;
        Some(Self {
            text: text.to_owned(),
            tokens,
        })
    }

    /// The unescaped names on the way, outermost first.
    pub fn tokens(&self) -> &[String] {
        &self.tokens
    }
}

impl fmt::Display for JsonPointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for JsonPointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_pointer_is_told_apart() {
        for (text, tokens) in [
            ("", Some(vec![])),
            ("/", Some(vec![""])),
            ("/a~0~1", Some(vec!["a~/"])),
            ("/~01", Some(vec!["~1"])),
            ("/a/0", Some(vec!["a", "0"])),
            ("a", None),
            ("/a~", None),
            ("/~2", None),
        ] {
            let pointer = JsonPointer::parse(text);
            assert_eq!(
                pointer.as_ref().map(|found| found.tokens().to_vec()),
                tokens.map(|all| { all.into_iter().map(str::to_owned).collect() }),
                "{text:?}"
            );
            assert!(pointer.is_none_or(|found| found.to_string() == text));
        }
    }
}
