//! Another evaluation of the same events, as slow as it is plain: it walks every day from the start, tells instants
//! by asking what the clock shows at each minute, and knows nothing of seeking, budgets or merging.

use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

/// How far, in minutes, any clock of the tests is from UTC, and a little more.
const FARTHEST: i64 = 16 * 60;

/// A rule as its parts, and its text.
#[derive(Clone, Debug)]
pub struct PlainRule {
    pub frequency: &'static str,
    pub interval: i64,
    pub months: Vec<i64>,
    pub month_days: Vec<i64>,
    pub year_days: Vec<i64>,
    /// An ordinal (0 is each) and a day from 0, which is Monday.
    pub weekdays: Vec<(i64, usize)>,
    pub hours: Vec<i64>,
    pub positions: Vec<i64>,
    pub count: Option<usize>,
    pub week_start: usize,
}

const DAYS: [&str; 7] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];

impl PlainRule {
    pub fn text(&self) -> String {
        let mut parts = vec![
            format!("FREQ={}", self.frequency),
            format!("INTERVAL={}", self.interval),
            format!("WKST={}", DAYS[self.week_start]),
        ];
        let lists = [
            ("BYMONTH", &self.months),
            ("BYMONTHDAY", &self.month_days),
            ("BYYEARDAY", &self.year_days),
            ("BYHOUR", &self.hours),
            ("BYSETPOS", &self.positions),
        ];
        for (name, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
            let numbers: Vec<String> = list.iter().map(ToString::to_string).collect();
            parts.push(format!("{name}={}", numbers.join(",")));
        }
        if !self.weekdays.is_empty() {
            let days = self.weekdays.iter().map(|(ordinal, day)| match ordinal {
                0 => DAYS[*day].to_owned(),
                ordinal => format!("{ordinal}{}", DAYS[*day]),
            });
            parts.push(format!("BYDAY={}", days.collect::<Vec<_>>().join(",")));
        }
        parts.extend(self.count.map(|count| format!("COUNT={count}")));
        parts.join(";")
    }

    /// The rule's local times from its start up to and including `to`, found by walking.
    pub fn times(&self, start: DateTime, to: DateTime) -> Vec<DateTime> {
        let mut times: Vec<DateTime> = Vec::new();
        let mut period: Vec<DateTime> = Vec::new();
        let mut day = self.period_start(start.date());
        let first = self.label(day);
        loop {
            if (self.label(day) - first) % self.interval == 0 && self.has(day, start) {
                period.extend(
                    self.hours_of(start)
                        .iter()
                        .map(|hour| day.at(*hour as i8, start.minute(), 0, 0)),
                );
            }
            let next = day.tomorrow().unwrap();
            if self.label(next) != self.label(day) {
                times.extend(self.chosen(&period).into_iter().filter(|time| *time >= start));
                period.clear();
                if next > to.date() || self.count.is_some_and(|count| times.len() >= count) {
                    break;
                }
            }
            day = next;
        }
        times.truncate(self.count.unwrap_or(usize::MAX));
        times.retain(|time| *time <= to);
        times
    }

    fn hours_of(&self, start: DateTime) -> Vec<i64> {
        let mut hours = self.hours.clone();
        if hours.is_empty() {
            hours.push(start.hour().into());
        }
        hours.sort_unstable();
        hours
    }

    fn period_start(&self, day: Date) -> Date {
        match self.frequency {
            "DAILY" => day,
            "WEEKLY" => (0..7)
                .map(|back| day - back.days())
                .find(|day| number(day.weekday()) == self.week_start)
                .unwrap(),
            "MONTHLY" => day.first_of_month(),
            _ => day.first_of_year(),
        }
    }

    /// Which period a day is in, such that those that follow each other have numbers that do.
    fn label(&self, day: Date) -> i64 {
        let days = day.duration_since(jiff::civil::date(1900, 1, 1)).as_hours() / 24;
        match self.frequency {
            "DAILY" => days,
            // The first of January 1900 was a Monday.
            "WEEKLY" => (days - self.week_start as i64).div_euclid(7),
            "MONTHLY" => i64::from(day.year()) * 12 + i64::from(day.month()),
            _ => day.year().into(),
        }
    }

    fn has(&self, day: Date, start: DateTime) -> bool {
        let in_month = i64::from(day.month());
        let bare = self.month_days.is_empty() && self.year_days.is_empty() && self.weekdays.is_empty();
        let by_start = !bare
            || match self.frequency {
                "DAILY" => true,
                "WEEKLY" => day.weekday() == start.weekday(),
                "MONTHLY" => day.day() == start.day(),
                _ => day.day() == start.day() && (!self.months.is_empty() || day.month() == start.month()),
            };
        let counted = |list: &[i64], from_front: i64, length: i64| {
            let from_back = from_front - 1 - length;
            list.is_empty()
                || list
                    .iter()
                    .any(|wanted| *wanted == from_front || *wanted == from_back)
        };
        by_start
            && (self.months.is_empty() || self.months.contains(&in_month))
            && counted(&self.month_days, day.day().into(), day.days_in_month().into())
            && counted(
                &self.year_days,
                day.day_of_year().into(),
                day.days_in_year().into(),
            )
            && (self.weekdays.is_empty() || self.weekdays.iter().any(|wanted| self.is(*wanted, day)))
    }

    /// Looks a day up in the list of all days of its name in its month or year.
    fn is(&self, (ordinal, wanted): (i64, usize), day: Date) -> bool {
        if number(day.weekday()) != wanted {
            return false;
        }
        let of_year = self.frequency == "YEARLY" && self.months.is_empty();
        let (mut each, last) = if of_year {
            (day.first_of_year(), day.last_of_year())
        } else {
            (day.first_of_month(), day.last_of_month())
        };
        let mut alike = Vec::new();
        while each <= last {
            if number(each.weekday()) == wanted {
                alike.push(each);
            }
            each = each.tomorrow().unwrap();
        }
        match ordinal {
            0 => true,
            ordinal if ordinal > 0 => alike.get(ordinal as usize - 1) == Some(&day),
            ordinal => alike.iter().rev().nth(-ordinal as usize - 1) == Some(&day),
        }
    }

    fn chosen(&self, period: &[DateTime]) -> Vec<DateTime> {
        if self.positions.is_empty() {
            return period.to_vec();
        }
        let mut chosen: Vec<DateTime> = Vec::new();
        for position in &self.positions {
            let index = if *position > 0 {
                position - 1
            } else {
                period.len() as i64 + position
            };
            chosen.extend(usize::try_from(index).ok().and_then(|index| period.get(index)));
        }
        chosen.sort_unstable();
        chosen.dedup();
        chosen
    }
}

fn number(day: Weekday) -> usize {
    day.to_monday_zero_offset() as usize
}

/// The instants at which a clock shows a time, found by looking at it every minute.
pub fn shown(zone: &TimeZone, time: DateTime) -> Vec<Timestamp> {
    let middle = TimeZone::UTC.to_timestamp(time).unwrap();
    let minutes = (-FARTHEST..FARTHEST).map(|minute| middle + SignedDuration::from_mins(minute));
    minutes
        .filter(|instant| zone.to_datetime(*instant) == time)
        .collect()
}

/// The instant of a local time: the first or the last that shows it, or, where none does, what it would have been
/// had the clock not been put forward.
pub fn instant_of(zone: &TimeZone, time: DateTime, last: bool) -> Timestamp {
    let shown = shown(zone, time);
    let found = if last { shown.last() } else { shown.first() };
    if let Some(instant) = found {
        return *instant;
    }
    let middle = TimeZone::UTC.to_timestamp(time).unwrap();
    let minutes = (-FARTHEST..FARTHEST).map(|minute| middle + SignedDuration::from_mins(minute));
    let before = minutes
        .take_while(|instant| zone.to_datetime(*instant) < time)
        .last()
        .unwrap();
    before + time.duration_since(zone.to_datetime(before))
}
