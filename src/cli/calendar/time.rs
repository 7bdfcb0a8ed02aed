//! Times as they are written in flags.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// The times that calendars are told of: from the first, up to but not including the last, 2201-01-01.
const FIRST: Timestamp = Timestamp::UNIX_EPOCH;
const BEYOND: Timestamp = Timestamp::constant(7_289_654_400, 0);

/// Reads a time: RFC 3339, with Z or an offset. A date is its midnight in UTC, in which answers are written too. Local
/// times are refused: there are two zones in which they could be meant, the calendar's and this machine's.
pub(super) fn instant(text: &str) -> Result<Timestamp, String> {
    let instant = written(text).ok_or(
        "no time; write 2026-12-24T18:00:00Z, 2026-12-24T18:00:00+09:00, or 2026-12-24 for midnight in UTC",
    )?;
    if (FIRST..=BEYOND).contains(&instant) {
        Ok(instant)
    } else {
        Err("calendars are told from the year 1970 to 2200".to_owned())
    }
}

fn written(text: &str) -> Option<Timestamp> {
    if text.len() == 10 {
        let date: Date = text.parse().ok()?;
        return TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok();
    }
    // A zone in brackets would be passed over, whether it agrees with the offset or not.
    text.parse().ok().filter(|_| !text.contains('['))
}
