//! From what `-f` names to a calendar that can be asked.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use anyhow::Context as _;

use super::manifest;
use crate::api::{CalendarFirstSync, ClusterChangeCalendarSpec};
use crate::calendar::{Calendar, CalendarError, Warning};
use crate::watch;

/// The API server takes no longer object, and iCalendar text may be much shorter only.
const MAX_FILE: usize = 3 * 1024 * 1024;

/// Reads and compiles the calendar of a file. A [`CalendarError`] is the calendar's fault; any other, the file's.
pub(super) fn read(path: &Path) -> anyhow::Result<(Calendar, Vec<Warning>)> {
    let octets = octets(path).with_context(|| format!("{} cannot be read", path.display()))?;
    if octets.len() > MAX_FILE {
        let advice = format!(
            "is longer than {MAX_FILE} octets, the most that the API server takes; leave out old events, or split it"
        );
        return Err(CalendarError::too_many("--file", advice).into());
    }
    Ok(compile(path, &octets)?)
}

/// At most one octet more than there may be, so that no file costs more than that.
fn octets(path: &Path) -> io::Result<Vec<u8>> {
    let source: Box<dyn Read> = if path == Path::new("-") {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(path)?)
    };
    let mut octets = Vec::new();
    source.take(MAX_FILE as u64 + 1).read_to_end(&mut octets)?;
    Ok(octets)
}

fn compile(path: &Path, octets: &[u8]) -> Result<(Calendar, Vec<Warning>), CalendarError> {
    if is_icalendar(path, octets) {
        return watch::compile_text(octets, None, None);
    }
    let text = std::str::from_utf8(octets).map_err(|error| {
        let line = octets[..error.valid_up_to()]
            .split(|octet| *octet == b'\n')
            .count();
        CalendarError::missing(
            "--file",
            format!("is not UTF-8 from line {line} on; save it as UTF-8"),
        )
    })?;
    let spec = manifest::read(text)?;
    let (calendar, mut warnings) = watch::compile(&spec)?;
    warnings.extend(holds_rebuilding(&spec));
    Ok((calendar, warnings))
}

/// Whoever writes Hold should know what a cluster that is rebuilt in the freeze comes to.
fn holds_rebuilding(spec: &ClusterChangeCalendarSpec) -> Option<Warning> {
    let first_sync = spec.freeze.and_then(|freeze| freeze.first_sync);
    (first_sync == Some(CalendarFirstSync::Hold)).then(|| {
        Warning::about(
            "spec.freeze.firstSync",
            "is Hold: in a cluster that is rebuilt while this calendar is closed no Secret is made before the opening; \
             NewNamespaces, the default, makes those of namespaces that are made during the closing",
        )
    })
}

/// By the end of its name, or by its first words.
fn is_icalendar(path: &Path, octets: &[u8]) -> bool {
    const FIRST_WORDS: &[u8] = b"BEGIN:VCALENDAR";
    let named = path
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("ics"));
    let text = octets
        .strip_prefix(b"\xEF\xBB\xBF")
        .unwrap_or(octets)
        .trim_ascii_start();
    let begins = text
        .get(..FIRST_WORDS.len())
        .is_some_and(|words| words.eq_ignore_ascii_case(FIRST_WORDS));
    named || begins
}
