//! Content lines (RFC 5545, section 3.1): octets into names, parameters and values, one line at a time.
//!
//! Lines are unfolded as octets and decoded after that, because a fold may stand inside a character. Only one line is
//! held at a time, and none may grow beyond its bound, so that a text of any size is read in bounded memory.

use crate::calendar::CalendarError;

/// The longest line after unfolding, in octets; also the most folds in one, since a fold may be empty.
pub(super) const MAX_LINE: usize = 8 * 1024;
/// The most parameters on one line.
pub(super) const MAX_PARAMETERS: usize = 32;

/// One line, unfolded and taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ContentLine {
    /// Where it begins in the text, from 1.
    pub number: usize,
    /// Its name, in capitals.
    pub name: String,
    /// Its parameters: names in capitals, values without their quotes.
    parameters: Vec<(String, String)>,
    /// What stands behind the colon, as it stands there.
    pub value: String,
}

impl ContentLine {
    /// Where it stands, as messages name it.
    pub fn field(&self) -> String {
        format!("line {}: {}", self.number, self.name)
    }

    /// Refuses what it says.
    pub fn invalid(&self, advice: impl Into<String>) -> CalendarError {
        CalendarError::invalid(self.field(), &self.value, advice)
    }

    /// The value of a parameter, which may stand here once.
    pub fn parameter(&self, name: &str) -> Result<Option<&str>, CalendarError> {
        let mut found = self.parameters.iter().filter(|(other, _)| other == name);
        let first = found.next();
        if found.next().is_some() {
            let advice = "stands there twice; leave one of them";
            return Err(CalendarError::invalid(self.field(), name, advice));
        }
        Ok(first.map(|(_, value)| value.as_str()))
    }
}

/// The lines of a text. Nothing is promised of those after an error.
pub(super) struct Lines<'a> {
    rest: &'a [u8],
    /// The number of the line that `rest` begins with.
    number: usize,
}

impl<'a> Lines<'a> {
    /// The lines of `text`, which may begin with a byte order mark.
    pub fn new(text: &'a [u8]) -> Self {
        Self {
            rest: text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text),
            number: 1,
        }
    }

    /// The next line as it is folded, without its end.
    fn physical(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let end = self.rest.iter().position(|octet| *octet == b'\n');
        let (line, rest) = match end {
            Some(end) => (&self.rest[..end], &self.rest[end + 1..]),
            None => (self.rest, &[][..]),
        };
        self.rest = rest;
        self.number += 1;
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    }

    /// The rest of a line behind its fold; none where the next line is a new one.
    fn continuation(&mut self) -> Option<&'a [u8]> {
        match self.rest.first() {
            Some(b' ' | b'\t') => self.physical()?.get(1..),
            _ => None,
        }
    }

    /// The next line that is not empty, unfolded, and where it begins. As soon as it is too long, it is left at that.
    fn unfolded(&mut self) -> Option<(usize, Result<Vec<u8>, TooLong>)> {
        let (number, first) = loop {
            let number = self.number;
            let line = self.physical()?;
            if !line.is_empty() {
                break (number, line);
            }
        };
        let mut octets = Vec::new();
        let mut part = first;
        for _ in 0..=MAX_LINE {
            if octets.len() + part.len() > MAX_LINE {
                break;
            }
            octets.extend_from_slice(part);
            match self.continuation() {
                Some(next) => part = next,
                None => return Some((number, Ok(octets))),
            }
        }
        Some((number, Err(TooLong)))
    }
}

/// A line has more octets or folds than it may have.
struct TooLong;

impl Iterator for Lines<'_> {
    type Item = Result<ContentLine, CalendarError>;

    fn next(&mut self) -> Option<Self::Item> {
        let (number, octets) = self.unfolded()?;
        Some(match octets {
            Ok(octets) => parse(number, octets),
            Err(TooLong) => Err(CalendarError::too_many(
                format!("line {number}"),
                format!("is longer than {MAX_LINE} octets; shorten it, or leave it out where it is no time"),
            )),
        })
    }
}

/// Takes an unfolded line apart.
fn parse(number: usize, octets: Vec<u8>) -> Result<ContentLine, CalendarError> {
    let invalid = |found: &str, advice: &str| CalendarError::invalid(format!("line {number}"), found, advice);
    let text = String::from_utf8(octets).map_err(|error| {
        invalid(
            &String::from_utf8_lossy(error.as_bytes()),
            "is not UTF-8; export or save the calendar as UTF-8",
        )
    })?;
    if text
        .chars()
        .any(|character| character.is_control() && character != '\t')
    {
        return Err(invalid(
            &text,
            "holds a control character; lines end with CR LF or LF, and hold none",
        ));
    }
    if text.starts_with([' ', '\t']) {
        return Err(invalid(
            &text,
            "is indented, but continues no line; begin it at the margin",
        ));
    }
    let no_line = || {
        invalid(
            &text,
            "is no content line; write it as NAME:value or NAME;PARAMETER=value:value",
        )
    };
    let (name, mut rest) = text.split_at(text.find([';', ':']).ok_or_else(no_line)?);
    if !is_token(name) {
        return Err(no_line());
    }
    let mut parameters = Vec::new();
    while let Some(after) = rest.strip_prefix(';') {
        if parameters.len() == MAX_PARAMETERS {
            return Err(CalendarError::too_many(
                format!("line {number}"),
                format!("has more than {MAX_PARAMETERS} parameters; leave some out"),
            ));
        }
        let (parameter, left) = parameter(after).ok_or_else(|| {
            invalid(
                after,
                "is no parameter; write it as NAME=value, with quotes where the value holds , ; or :",
            )
        })?;
        parameters.push(parameter);
        rest = left;
    }
    Ok(ContentLine {
        number,
        name: name.to_ascii_uppercase(),
        parameters,
        value: rest.strip_prefix(':').ok_or_else(no_line)?.to_owned(),
    })
}

/// The parameter that `text` begins with, and what is left behind it. A list comes joined, its quotes taken off.
fn parameter(text: &str) -> Option<((String, String), &str)> {
    let (name, mut rest) = text.split_once('=').filter(|(name, _)| is_token(name))?;
    let mut value = String::new();
    loop {
        let (part, left) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => rest.split_at(rest.find([',', ';', ':', '"'])?),
        };
        value.push_str(part);
        match left.strip_prefix(',') {
            Some(next) => {
                value.push(',');
                rest = next;
            }
            None if left.starts_with([';', ':']) => return Some(((name.to_ascii_uppercase(), value), left)),
            None => return None,
        }
    }
}

/// Whether it may be the name of a line or a parameter.
fn is_token(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|octet| octet.is_ascii_alphanumeric() || octet == b'-')
}
