//! Texts that are made to cost. The reader itself is asked here, without the bound on the text's length: each must be
//! refused by name, at once. The limits are for a busy machine; what is quadratic takes minutes.

use std::time::{Duration, Instant};

use crate::calendar::ics::read_whole;

const LIMIT: Duration = Duration::from_secs(10);

#[allow(clippy::disallowed_methods, reason = "how long it takes is what is asked")]
fn timed(name: &str, text: &[u8]) -> Result<usize, String> {
    let begun = Instant::now();
    let read = read_whole(text, None, None);
    let took = begun.elapsed();
    assert!(took < LIMIT, "{name} took {took:?}");
    read.map(|contents| contents.series.len())
        .map_err(|error| error.to_string())
}

fn inside(text: &str) -> String {
    format!("BEGIN:VCALENDAR\nVERSION:2.0\nX-WR-TIMEZONE:UTC\n{text}\nEND:VCALENDAR\n")
}

#[test]
fn what_is_made_to_cost_is_refused_by_name() {
    let event = |text: &str| {
        inside(&format!(
            "BEGIN:VEVENT\nUID:a\nDTSTART:20260105\n{text}\nEND:VEVENT"
        ))
    };
    for (name, text, message) in [
        (
            "one line of 20 MB",
            inside(&format!("X-A:{}", "b".repeat(20_000_000))),
            "is longer than 8192 octets",
        ),
        (
            "20 MB without a line end",
            "b".repeat(20_000_000),
            "is longer than 8192 octets",
        ),
        (
            "10,000 nested calendars",
            "BEGIN:VCALENDAR\n".repeat(10_000),
            "has no place in the VCALENDAR",
        ),
        (
            "10,000 nested private parts",
            inside(&"BEGIN:X-A\n".repeat(10_000)),
            "lies deeper than 3",
        ),
        (
            "100,000 events",
            inside(&"BEGIN:VEVENT\nDTSTART:20260105\nEND:VEVENT\n".repeat(100_000)),
            "more than 500 events",
        ),
        (
            "200,000 parameters",
            inside(&format!("X-A{}:b", ";C=d".repeat(200_000))),
            "is longer than 8192 octets",
        ),
        (
            "2,000 parameters",
            inside(&format!("X-A{}:b", ";C=d".repeat(2_000))),
            "has more than 32 parameters",
        ),
        (
            "2,000,000 folds",
            inside(&format!("X-A:b{}", "\n c".repeat(2_000_000))),
            "is longer than 8192 octets",
        ),
        (
            "2,000,000 empty folds",
            inside(&format!("X-A:b{}", "\n ".repeat(2_000_000))),
            "is longer than 8192 octets",
        ),
        (
            "1,000,000 dates",
            event(&"EXDATE:20260105\n".repeat(1_000_000)),
            "more than 1000 EXDATE and RDATE dates",
        ),
        (
            "dates in one line",
            event(&format!("RDATE:{}", ",".repeat(8_000))),
            "more than 1000 EXDATE and RDATE dates",
        ),
        (
            "1,000,000 rules",
            event(&"RRULE:FREQ=DAILY\n".repeat(1_000_000)),
            "is the second of its name",
        ),
        (
            "100,000 zones",
            inside(&"BEGIN:VTIMEZONE\nEND:VTIMEZONE\n".repeat(100_000)),
            "more than 100 time zones",
        ),
        (
            "100,000 parts of a zone",
            inside(&format!(
                "BEGIN:VTIMEZONE\n{}END:VTIMEZONE",
                "BEGIN:STANDARD\nEND:STANDARD\n".repeat(100_000)
            )),
            "more than 1000 STANDARD and DAYLIGHT parts",
        ),
        (
            "a million quotes",
            inside(&"X-A;B=\"\n".repeat(1_000_000)),
            "is no parameter",
        ),
        (
            "a list of quotes",
            inside(&format!("X-A;B={}", "\"\",".repeat(2_500))),
            "is no parameter",
        ),
        (
            "only ends",
            "END:VCALENDAR\n".repeat(1_000_000),
            "ends what has not begun",
        ),
        ("zeros", "\0".repeat(5_000), "holds a control character"),
    ] {
        let refused = timed(name, text.as_bytes()).unwrap_err();
        assert!(refused.contains(message), "{name}: {refused}");
    }
}

#[test]
fn what_is_long_but_harmless_is_read_in_one_go() {
    for (name, text) in [
        ("100,000 empty lines", inside(&"\n".repeat(100_000))),
        (
            "50,000 to-dos",
            inside(&"BEGIN:VTODO\nRRULE:FREQ=DAILY\nEND:VTODO\n".repeat(50_000)),
        ),
        ("100,000 private properties", inside(&"X-A:b\n".repeat(100_000))),
    ] {
        assert_eq!(timed(name, text.as_bytes()), Ok(0), "{name}");
    }
}

#[test]
fn as_many_overrides_as_may_be_are_sorted_out_at_once() {
    let cancelled = |sequence: usize| {
        format!(
            "BEGIN:VEVENT\nUID:a\nSEQUENCE:{sequence}\nRECURRENCE-ID:20260105T220000Z\nSTATUS:CANCELLED\nEND:VEVENT\n"
        )
    };
    let overrides: String = (0..499).map(cancelled).collect();
    let master = "BEGIN:VEVENT\nUID:a\nDTSTART:20260105T220000Z\nDURATION:PT1H\nEND:VEVENT";
    assert_eq!(
        timed(
            "499 overrides",
            inside(&format!("{overrides}{master}")).as_bytes()
        ),
        Ok(1)
    );
}
