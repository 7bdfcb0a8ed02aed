//! Values of RFC 5545, section 3.3: dates, times, durations, offsets and text, each read to its last character.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;

/// A date or a date with time, as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// `20260105`: the whole day.
    Day(Date),
    /// `20260105T220000`: a time of some zone's clock.
    Local(DateTime),
    /// `20260105T220000Z`.
    Utc(DateTime),
}

/// A duration as it is written: days on the calendar, and time on the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WrittenDuration {
    pub negative: bool,
    /// Weeks and days.
    pub days: i64,
    /// Hours, minutes and seconds; none where only days were written.
    pub seconds: Option<i64>,
}

/// A DATE or a DATE-TIME.
pub(super) fn moment(text: &str) -> Option<Moment> {
    let Some((day, time)) = text.split_once(['T', 't']) else {
        return Some(Moment::Day(date(text)?));
    };
    let day = date(day)?;
    match time.strip_suffix(['Z', 'z']) {
        Some(time) => Some(Moment::Utc(day.to_datetime(clock(time)?))),
        None => Some(Moment::Local(day.to_datetime(clock(time)?))),
    }
}

fn date(text: &str) -> Option<Date> {
    let [year, month, day] = digits(text, [4, 2, 2])?;
    Date::new(
        i16::try_from(year).ok()?,
        month.try_into().ok()?,
        day.try_into().ok()?,
    )
    .ok()
}

/// A leap second is the second before it (RFC 5545, section 3.3.12).
fn clock(text: &str) -> Option<Time> {
    let [hour, minute, second] = digits(text, [2, 2, 2])?;
    let second = if second == 60 { 59 } else { second };
    Time::new(
        hour.try_into().ok()?,
        minute.try_into().ok()?,
        second.try_into().ok()?,
        0,
    )
    .ok()
}

/// Numbers of fixed widths that make up the whole of `text`.
fn digits<const N: usize>(text: &str, widths: [usize; N]) -> Option<[i32; N]> {
    if text.len() != widths.iter().sum::<usize>() || !text.bytes().all(|octet| octet.is_ascii_digit()) {
        return None;
    }
    let mut rest = text;
    let mut numbers = [0; N];
    for (number, width) in numbers.iter_mut().zip(widths) {
        let (head, tail) = rest.split_at(width);
        *number = head.parse().ok()?;
        rest = tail;
    }
    Some(numbers)
}

/// A DURATION (RFC 5545, section 3.3.6).
pub(super) fn duration(text: &str) -> Option<WrittenDuration> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let text = text.strip_prefix('P')?;
    if let Some(weeks) = text.strip_suffix('W') {
        return Some(WrittenDuration {
            negative,
            days: amount(weeks)?.checked_mul(7)?,
            seconds: None,
        });
    }
    let (days, time) = match text.split_once('T') {
        Some((days, time)) => (days, Some(time)),
        None => (text, None),
    };
    let days = match (days, time) {
        ("", Some(_)) => 0,
        (days, _) => amount(days.strip_suffix('D')?)?,
    };
    Some(WrittenDuration {
        negative,
        days,
        seconds: match time {
            Some(time) => Some(time_of_duration(time)?),
            None => None,
        },
    })
}

/// Hours, minutes and seconds in this order, without a hole: `1H30M`, but not `1H30S`.
fn time_of_duration(mut text: &str) -> Option<i64> {
    let mut total: i64 = 0;
    let mut expected: &[(char, i64)] = &[('H', 3600), ('M', 60), ('S', 1)];
    let mut begun = false;
    while !text.is_empty() {
        let (unit_at, unit) = text.char_indices().find(|(_, c)| !c.is_ascii_digit())?;
        let skipped = expected.iter().position(|(known, _)| *known == unit)?;
        if begun && skipped > 0 {
            return None;
        }
        total = total.checked_add(amount(&text[..unit_at])?.checked_mul(expected[skipped].1)?)?;
        expected = &expected[skipped + 1..];
        begun = true;
        text = &text[unit_at + 1..];
    }
    begun.then_some(total)
}

/// Digits alone, and few enough of them that sums cannot overflow.
fn amount(text: &str) -> Option<i64> {
    let plain = (1..=9).contains(&text.len()) && text.bytes().all(|octet| octet.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

/// A UTC-OFFSET (RFC 5545, section 3.3.14): `+0100`, `-023000`; never `-0000`.
pub(super) fn offset(text: &str) -> Option<Offset> {
    let (sign, clock) = match text.split_at_checked(1)? {
        ("+", clock) => (1, clock),
        ("-", clock) => (-1, clock),
        _ => return None,
    };
    let [hours, minutes, seconds] = match clock.len() {
        4 => digits(clock, [2, 2]).map(|[hours, minutes]| [hours, minutes, 0])?,
        _ => digits(clock, [2, 2, 2])?,
    };
    let total = hours * 3600 + minutes * 60 + seconds;
    if minutes > 59 || seconds > 59 || (sign < 0 && total == 0) {
        return None;
    }
    Offset::from_seconds(sign * total).ok()
}

/// A TEXT without its escapes (RFC 5545, section 3.3.11); a backslash before anything else stands for itself.
pub(super) fn text(value: &str) -> String {
    let mut plain = String::with_capacity(value.len());
    let mut characters = value.chars().peekable();
    while let Some(character) = characters.next() {
        let escaped =
            characters.next_if(|next| character == '\\' && matches!(next, '\\' | ';' | ',' | 'n' | 'N'));
        plain.push(match escaped {
            Some('n' | 'N') => '\n',
            Some(other) => other,
            None => character,
        });
    }
    plain
}
