//! `expand` and `pointer`: parts of a JSON value, exactly as they are written.
//!
//! serde_json says whether the text is JSON. It does not hand out values: it would turn `1.10` into
//! `1.1`, round large integers, and leave copies behind unwiped. What is valid is then only cut up here.

use serde::de::IgnoredAny;
use serde_json::error::Category;
use thiserror::Error;

use super::wiped::Wiped;
use crate::names::JsonPointer;
use crate::value::SecretValue;

/// What is wrong with a value that should be JSON. Never where: a place in a value tells of the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum JsonFault {
    /// Bytes that are no UTF-8.
    #[error("is not UTF-8 text")]
    NotText,
    /// It ends in the middle.
    #[error("is JSON that ends too early")]
    CutOff,
    /// It breaks JSON's grammar (RFC 8259).
    #[error("is no valid JSON")]
    Syntax,
    /// An object was asked for.
    #[error("is JSON, but no object")]
    NotAnObject,
    /// A value that is `null`, which no key can hold.
    #[error("has a null, which no key can hold")]
    Null,
    /// A name that the same object has already.
    #[error("has a member's name twice in one object")]
    DuplicateMember,
    /// An escape that stands for half a character.
    #[error("has an escape that is no whole character")]
    LoneSurrogate,
}

/// A part of a valid JSON text.
#[derive(Clone, Copy)]
pub(super) struct Node<'a> {
    text: &'a str,
}

/// A member of an object.
pub(super) struct Member<'a> {
    name: Wiped,
    pub(super) node: Node<'a>,
}

impl Member<'_> {
    /// The name's text, unescaped.
    pub(super) fn name(&self) -> &str {
        std::str::from_utf8(self.name.as_bytes()).unwrap_or_default()
    }
}

impl<'a> Node<'a> {
    /// Checks a whole value.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, JsonFault> {
        let whole = std::str::from_utf8(bytes).map_err(|_| JsonFault::NotText)?;
        serde_json::from_str::<IgnoredAny>(whole).map_err(|error| match error.classify() {
            Category::Eof => JsonFault::CutOff,
            _ => JsonFault::Syntax,
        })?;
        Ok(Self {
            text: whole.trim_matches(WHITE),
        })
    }

    /// Whether it is an object.
    pub(super) fn is_object(&self) -> bool {
        self.text.starts_with('{')
    }

    /// The members of an object, in their order; no name twice.
    pub(super) fn members(&self) -> Result<Vec<Member<'a>>, JsonFault> {
        if !self.is_object() {
            return Err(JsonFault::NotAnObject);
        }
        let mut members = Vec::new();
        let mut cursor = Cursor::inside(self);
        while let Some(name) = cursor.value() {
            let node = cursor.value().ok_or(JsonFault::Syntax)?;
            members.push(Member {
                name: name.unescaped()?,
                node,
            });
        }
        let mut names: Vec<&str> = members.iter().map(Member::name).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(JsonFault::DuplicateMember);
        }
        Ok(members)
    }

    /// The part that `pointer` names, if there is one (RFC 6901, section 4).
    pub(super) fn at(self, pointer: &JsonPointer) -> Result<Option<Self>, JsonFault> {
        let mut node = self;
        for token in pointer.tokens() {
            let next = if node.is_object() {
                let members = node.members()?;
                members
                    .into_iter()
                    .find(|member| member.name() == token)
                    .map(|m| m.node)
            } else if node.text.starts_with('[') {
                index(token).and_then(|at| Cursor::inside(&node).nth(at))
            } else {
                None
            };
            match next {
                Some(found) => node = found,
                None => return Ok(None),
            }
        }
        Ok(Some(node))
    }

    /// What goes into a key: a string's text; of everything else the JSON as written, without the white space
    /// between. `null` is refused: neither "null" nor an empty key is what anybody meant.
    pub(super) fn value(&self) -> Result<SecretValue, JsonFault> {
        match self.text.as_bytes().first() {
            Some(b'"') => self.unescaped().map(Wiped::into_value),
            Some(b'n') => Err(JsonFault::Null),
            _ => Ok(self.compact().into_value()),
        }
    }

    fn compact(&self) -> Wiped {
        let mut out = Wiped::with_capacity(self.text.len());
        let mut rest = self.text;
        while let Some(first) = rest.chars().next() {
            let length = if first == '"' {
                string_length(rest)
            } else {
                first.len_utf8()
            };
            let (part, tail) = rest.split_at(length);
            if !WHITE.contains(&first) {
                out.push(part.as_bytes());
            }
            rest = tail;
        }
        out
    }

    fn unescaped(&self) -> Result<Wiped, JsonFault> {
        let mut rest = self
            .text
            .get(1..self.text.len().saturating_sub(1))
            .unwrap_or_default();
        let mut out = Wiped::with_capacity(rest.len());
        while let Some(at) = rest.find('\\') {
            out.push(&rest.as_bytes()[..at]);
            let (c, length) = escape(&rest[at..]).ok_or(JsonFault::LoneSurrogate)?;
            out.push_char(c);
            rest = &rest[at + length..];
        }
        out.push(rest.as_bytes());
        Ok(out)
    }
}

const WHITE: [char; 4] = [' ', '\t', '\n', '\r'];

/// Walks over the values between the brackets of valid JSON; names count as values.
struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    fn inside(node: &Node<'a>) -> Self {
        Self {
            rest: node
                .text
                .get(1..node.text.len().saturating_sub(1))
                .unwrap_or_default(),
        }
    }

    fn value(&mut self) -> Option<Node<'a>> {
        let between = |c: char| WHITE.contains(&c) || c == ',' || c == ':';
        let begins = self.rest.trim_start_matches(between);
        if begins.is_empty() {
            return None;
        }
        let (text, rest) = begins.split_at(value_length(begins));
        self.rest = rest;
        Some(Node { text })
    }

    fn nth(mut self, at: usize) -> Option<Node<'a>> {
        for _ in 0..at {
            self.value()?;
        }
        self.value()
    }
}

/// How many bytes the value at the beginning of `text` has.
fn value_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => at += string_length(&text[at..]),
            b'{' | b'[' => {
                depth += 1;
                at += 1;
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                at += 1;
            }
            b',' | b':' | b' ' | b'\t' | b'\n' | b'\r' if depth == 0 => return at,
            _ => {
                at += 1;
                continue;
            }
        }
        if depth == 0 {
            return at;
        }
    }
    at
}

/// How many bytes the string at the beginning of `text` has, quotes included.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The character that the escape at the beginning of `text` stands for, and the escape's length.
fn escape(text: &str) -> Option<(char, usize)> {
    let plain = |c| Some((c, 2));
    match text.as_bytes().get(1)? {
        b'b' => plain('\u{8}'),
        b'f' => plain('\u{c}'),
        b'n' => plain('\n'),
        b'r' => plain('\r'),
        b't' => plain('\t'),
        b'u' => {
            let unit = |at: usize| u16::from_str_radix(text.get(at..at + 4)?, 16).ok();
            let first = unit(2)?;
            if let Some(c) = char::from_u32(first.into()) {
                return Some((c, 6));
            }
            text.get(6..8).filter(|begin| *begin == "\\u")?;
            let pair = char::decode_utf16([first, unit(8)?]).next()?.ok()?;
            Some((pair, 12))
        }
        other => plain(char::from(*other)),
    }
}

/// An array index: digits, without a leading zero. `-` names the element behind the last, which is never there.
fn index(token: &str) -> Option<usize> {
    let plain = token == "0" || (!token.starts_with('0') && token.bytes().all(|b| b.is_ascii_digit()));
    plain.then(|| token.parse().ok()).flatten()
}

#[cfg(test)]
#[path = "json_tests.rs"]
mod tests;
