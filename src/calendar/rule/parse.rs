//! The text of an RRULE. Everything outside of the subset on which calendars agree is refused by name: a part that
//! one of them reads otherwise would open or close at other times than its author saw.

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::TimeZone;

use super::super::error::CalendarError;
use super::super::series::Start;
use super::{Bound, Frequency, Numbers, OrdinalDay, Rule};

/// The longest step of a rule.
const MAX_INTERVAL: u32 = 1000;
/// The most occurrences that a rule may count.
const MAX_COUNT: u32 = 10_000;

const ALLOWED_PARTS: &str = "FREQ, INTERVAL, COUNT, UNTIL, WKST, BYMONTH, BYMONTHDAY, BYDAY, BYYEARDAY, BYHOUR, \
                             BYMINUTE and BYSETPOS";
const MONTHLY_OR_YEARLY: &[Frequency] = &[Frequency::Monthly, Frequency::Yearly];

impl Rule {
    /// Reads the text of an RRULE, with or without that word, for an event that begins at `start`. `field`
    /// is where the text stands, for messages.
    pub fn parse(field: &str, text: &str, start: Start) -> Result<Self, CalendarError> {
        let parts = Parts::split(field, text)?;
        let frequency = parts.frequency()?;
        parts.check_places(frequency, start)?;
        let local = start.local();
        let mut rule = Self {
            frequency,
            interval: parts.number("INTERVAL", MAX_INTERVAL)?.unwrap_or(1).into(),
            bound: parts.bound()?,
            start: local,
            week_start: parts.week_start()?,
            months: parts.numbers("BYMONTH", 1, 12, Sign::Plus)?,
            month_days: parts.numbers("BYMONTHDAY", 1, 31, Sign::Either)?,
            year_days: parts.numbers("BYYEARDAY", 1, 366, Sign::Either)?,
            weekdays: parts.weekdays(frequency)?,
            times: parts.times(local.time())?,
            positions: parts.numbers("BYSETPOS", 1, 366, Sign::Either)?.0,
        };
        rule.complete();
        Ok(rule)
    }

    /// Fills in from the start which days are meant where the text does not say (RFC 5545, 3.3.10: "information
    /// missing from the rule is taken from DTSTART").
    fn complete(&mut self) {
        let day = Numbers::new(vec![self.start.day().into()]);
        let names_days =
            !(self.month_days.is_empty() && self.year_days.is_empty() && self.weekdays.is_empty());
        match self.frequency {
            Frequency::Weekly if self.weekdays.is_empty() => self.weekdays.push(OrdinalDay {
                ordinal: 0,
                weekday: self.start.weekday(),
            }),
            Frequency::Monthly if !names_days => self.month_days = day,
            Frequency::Yearly if !names_days => {
                self.month_days = day;
                if self.months.is_empty() {
                    self.months = Numbers::new(vec![self.start.month().into()]);
                }
            }
            _ => {}
        }
    }
}

/// Whether numbers may count from the end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sign {
    Plus,
    Either,
}

/// The parts of a rule, each there once, with names in upper case.
struct Parts<'a> {
    field: &'a str,
    parts: Vec<(String, &'a str)>,
}

impl<'a> Parts<'a> {
    fn split(field: &'a str, text: &'a str) -> Result<Self, CalendarError> {
        let text = match text.get(..6) {
            Some(word) if word.eq_ignore_ascii_case("RRULE:") => &text[6..],
            _ => text,
        };
        let mut parts: Vec<(String, &str)> = Vec::new();
        for part in text.split(';') {
            let Some((name, value)) = part.split_once('=').filter(|(_, value)| !value.is_empty()) else {
                return Err(CalendarError::invalid(
                    field,
                    part,
                    "is no part of a rule; write NAME=VALUE",
                ));
            };
            let name = name.to_ascii_uppercase();
            if let Some(advice) = refused(&name) {
                return Err(CalendarError::invalid(field, part, advice));
            }
            if parts.iter().any(|(known, _)| *known == name) {
                return Err(CalendarError::invalid(
                    field,
                    part,
                    "comes twice; write each part once",
                ));
            }
            parts.push((name, value));
        }
        Ok(Self { field, parts })
    }

    fn get(&self, name: &str) -> Option<&'a str> {
        self.parts
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| *value)
    }

    /// What is wrong with a part, which is shown as it reads in the rule.
    fn invalid(&self, name: &str, advice: impl Into<String>) -> CalendarError {
        let found = format!("{name}={}", self.get(name).unwrap_or_default());
        CalendarError::invalid(self.field, &found, advice)
    }

    fn frequency(&self) -> Result<Frequency, CalendarError> {
        let Some(value) = self.get("FREQ") else {
            return Err(CalendarError::missing(
                self.field,
                "FREQ is missing; write FREQ=DAILY, WEEKLY, MONTHLY or YEARLY",
            ));
        };
        [
            Frequency::Daily,
            Frequency::Weekly,
            Frequency::Monthly,
            Frequency::Yearly,
        ]
        .into_iter()
        .find(|frequency| value.eq_ignore_ascii_case(frequency.as_str()))
        .ok_or_else(|| self.invalid("FREQ", "is not allowed; write DAILY, WEEKLY, MONTHLY or YEARLY"))
    }

    /// Refuses parts where calendars read them differently, or where they say nothing.
    fn check_places(&self, frequency: Frequency, start: Start) -> Result<(), CalendarError> {
        let refuse = |name: &str, advice: &str| match self.get(name) {
            Some(_) => Err(self.invalid(name, advice)),
            None => Ok(()),
        };
        if frequency == Frequency::Weekly {
            refuse(
                "BYMONTHDAY",
                "is not allowed with FREQ=WEEKLY; use FREQ=DAILY or MONTHLY",
            )?;
        }
        if frequency == Frequency::Yearly && self.get("BYMONTH").is_none() {
            refuse(
                "BYMONTHDAY",
                "needs BYMONTH with FREQ=YEARLY; name the months, or use FREQ=MONTHLY",
            )?;
        }
        if frequency != Frequency::Yearly {
            refuse("BYYEARDAY", "is allowed with FREQ=YEARLY only")?;
        }
        if !MONTHLY_OR_YEARLY.contains(&frequency) {
            refuse("BYSETPOS", "is allowed with FREQ=MONTHLY and YEARLY only")?;
        }
        if !self
            .parts
            .iter()
            .any(|(name, _)| name.starts_with("BY") && name != "BYSETPOS")
        {
            refuse("BYSETPOS", "needs another BY part to choose from, such as BYDAY")?;
        }
        if matches!(start, Start::On(_)) {
            refuse(
                "BYHOUR",
                "is not allowed where the event starts with a day; give its start a time",
            )?;
            refuse(
                "BYMINUTE",
                "is not allowed where the event starts with a day; give its start a time",
            )?;
        }
        if self.get("COUNT").is_some() {
            refuse("UNTIL", "stands beside COUNT; write one of them")?;
        }
        Ok(())
    }

    /// A number from 1 to `most`.
    fn number(&self, name: &str, most: u32) -> Result<Option<u32>, CalendarError> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        match digits(value) {
            Some(number) if (1..=most).contains(&number) => Ok(Some(number)),
            _ => Err(self.invalid(name, format!("is not allowed; write a number from 1 to {most}"))),
        }
    }

    /// A list of numbers from `least` to `most`, in front of which a sign may stand.
    fn numbers(&self, name: &str, least: i16, most: i16, sign: Sign) -> Result<Numbers, CalendarError> {
        let Some(value) = self.get(name) else {
            return Ok(Numbers::default());
        };
        let numbers = value.split(',').map(|item| {
            let number = match sign {
                Sign::Plus => digits(item),
                Sign::Either => digits(item.strip_prefix(['+', '-']).unwrap_or(item)),
            };
            let number = number.and_then(|number| i16::try_from(number).ok())?;
            let negative = item.starts_with('-');
            (least..=most)
                .contains(&number)
                .then_some(if negative { -number } else { number })
        });
        numbers
            .collect::<Option<Vec<_>>>()
            .map(Numbers::new)
            .ok_or_else(|| {
                let signs = if sign == Sign::Either {
                    ", or from its negative"
                } else {
                    ""
                };
                self.invalid(
                    name,
                    format!("is not allowed; write numbers from {least} to {most}{signs}"),
                )
            })
    }

    fn week_start(&self) -> Result<Weekday, CalendarError> {
        match self.get("WKST") {
            None => Ok(Weekday::Monday),
            Some(value) => weekday(value)
                .ok_or_else(|| self.invalid("WKST", "is no day; write one of MO, TU, WE, TH, FR, SA, SU")),
        }
    }

    fn weekdays(&self, frequency: Frequency) -> Result<Vec<OrdinalDay>, CalendarError> {
        let Some(value) = self.get("BYDAY") else {
            return Ok(Vec::new());
        };
        let most = match frequency {
            Frequency::Daily | Frequency::Weekly => 0,
            Frequency::Yearly if self.get("BYMONTH").is_none() => 53,
            Frequency::Monthly | Frequency::Yearly => 5,
        };
        let mut days: Vec<OrdinalDay> = Vec::new();
        for item in value.split(',') {
            let day = self.weekday(item, most)?;
            if !days.contains(&day) {
                days.push(day);
            }
        }
        Ok(days)
    }

    /// A day of the week, before which a number of up to `most` may stand.
    fn weekday(&self, item: &str, most: i16) -> Result<OrdinalDay, CalendarError> {
        let letters = item.len().saturating_sub(2);
        let day = item.get(letters..).and_then(weekday);
        let (Some(weekday), Some(ordinal)) = (day, item.get(..letters)) else {
            return Err(self.invalid("BYDAY", "has no such day; write MO, TU, WE, TH, FR, SA or SU"));
        };
        if ordinal.is_empty() {
            return Ok(OrdinalDay { ordinal: 0, weekday });
        }
        if most == 0 {
            return Err(self.invalid(
                "BYDAY",
                "may have numbers with FREQ=MONTHLY and YEARLY only; write MO, not 1MO",
            ));
        }
        let number = digits(ordinal.strip_prefix(['+', '-']).unwrap_or(ordinal));
        match number.and_then(|number| i16::try_from(number).ok()) {
            Some(number) if (1..=most).contains(&number) => Ok(OrdinalDay {
                ordinal: if ordinal.starts_with('-') { -number } else { number },
                weekday,
            }),
            _ => Err(self.invalid(
                "BYDAY",
                format!("has a number that no day has; write 1 to {most}, or -1 to -{most}"),
            )),
        }
    }

    /// The times of a day: each hour with each minute, at the second of the start.
    fn times(&self, start: Time) -> Result<Vec<Time>, CalendarError> {
        let or_start = |numbers: Numbers, start: i8| match numbers.0.as_slice() {
            [] => vec![start.into()],
            _ => numbers.0,
        };
        let hours = or_start(self.numbers("BYHOUR", 0, 23, Sign::Plus)?, start.hour());
        let minutes = or_start(self.numbers("BYMINUTE", 0, 59, Sign::Plus)?, start.minute());
        let times = hours
            .iter()
            .flat_map(|hour| minutes.iter().map(move |minute| (*hour, *minute)));
        Ok(times
            .filter_map(|(hour, minute)| {
                let (hour, minute) = (i8::try_from(hour).ok()?, i8::try_from(minute).ok()?);
                Time::new(hour, minute, start.second(), start.subsec_nanosecond()).ok()
            })
            .collect())
    }

    fn bound(&self) -> Result<Bound, CalendarError> {
        if let Some(count) = self.number("COUNT", MAX_COUNT)? {
            return Ok(Bound::Count(count));
        }
        let Some(value) = self.get("UNTIL") else {
            return Ok(Bound::Never);
        };
        let bound = match value.strip_suffix(['Z', 'z']) {
            Some(utc) => date_time(utc)
                .and_then(|time| TimeZone::UTC.to_timestamp(time).ok())
                .map(Bound::UntilInstant),
            None => date_time(value)
                .or_else(|| date(value).map(|day| day.at(23, 59, 59, 999_999_999)))
                .map(Bound::UntilLocal),
        };
        bound.ok_or_else(|| self.invalid("UNTIL", "is no time; write 20261231T235959Z, or 20261231"))
    }
}

/// Why a part is never allowed.
fn refused(name: &str) -> Option<String> {
    match name {
        "FREQ" | "INTERVAL" | "COUNT" | "UNTIL" | "WKST" | "BYMONTH" | "BYMONTHDAY" | "BYDAY"
        | "BYYEARDAY" | "BYHOUR" | "BYMINUTE" | "BYSETPOS" => None,
        "BYWEEKNO" => {
            Some("is not allowed, as calendars number weeks differently; use BYMONTH or BYYEARDAY".to_owned())
        }
        "BYSECOND" => Some("is not allowed; the second is that of the start".to_owned()),
        "RSCALE" | "SKIP" => Some("is not allowed; rules are read in the Gregorian calendar".to_owned()),
        _ => Some(format!("is not known; allowed are {ALLOWED_PARTS}")),
    }
}

/// Digits and nothing else, as a number.
fn digits(text: &str) -> Option<u32> {
    let only_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    only_digits.then(|| text.parse().ok()).flatten()
}

fn weekday(text: &str) -> Option<Weekday> {
    match text.to_ascii_uppercase().as_str() {
        "MO" => Some(Weekday::Monday),
        "TU" => Some(Weekday::Tuesday),
        "WE" => Some(Weekday::Wednesday),
        "TH" => Some(Weekday::Thursday),
        "FR" => Some(Weekday::Friday),
        "SA" => Some(Weekday::Saturday),
        "SU" => Some(Weekday::Sunday),
        _ => None,
    }
}

/// `20261231`.
fn date(text: &str) -> Option<Date> {
    let number = digits(text).filter(|_| text.len() == 8)?;
    let part = |divisor: u32, modulus: u32| i8::try_from(number / divisor % modulus).ok();
    Date::new(
        i16::try_from(number / 10_000).ok()?,
        part(100, 100)?,
        part(1, 100)?,
    )
    .ok()
}

/// `20261231T235959`.
fn date_time(text: &str) -> Option<DateTime> {
    let (day, time) = text.split_once(['T', 't'])?;
    let number = digits(time).filter(|_| time.len() == 6)?;
    let part = |divisor: u32| i8::try_from(number / divisor % 100).ok();
    let time = Time::new(part(10_000)?, part(100)?, part(1)?, 0).ok()?;
    Some(date(day)?.to_datetime(time))
}
