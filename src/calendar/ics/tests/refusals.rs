//! What is refused: by the line, with what was found and what would do.

use super::{calendar, event, refusal};
use crate::calendar::ics;

const NIGHT: &str = "DTSTART:20260105T220000\nDTEND:20260106T060000";

/// Refusals of an event, which begins on line 5: the properties behind its UID, and how the message begins.
#[test]
fn events_are_refused_by_property() {
    for (properties, message) in [
        ("SUMMARY:x", "line 5: VEVENT: has no DTSTART"),
        (
            "DTSTART:2026-01-05",
            r#"line 7: DTSTART: "2026-01-05" is no date or time; write 20260105"#,
        ),
        (
            "DTSTART:20260230",
            r#"line 7: DTSTART: "20260230" is no date or time"#,
        ),
        (
            "DTSTART:20260105T250000",
            r#"line 7: DTSTART: "20260105T250000" is no date"#,
        ),
        (
            "DTSTART:20260105T2200",
            r#"line 7: DTSTART: "20260105T2200" is no date"#,
        ),
        (
            "DTSTART:20260105T220000ZZ",
            r#"line 7: DTSTART: "20260105T220000ZZ" is no date"#,
        ),
        ("DTSTART:20260105 ", r#"line 7: DTSTART: "20260105 " is no date"#),
        ("DTSTART:", r#"line 7: DTSTART: "" is no date"#),
        (
            "DTSTART;VALUE=DATE:20260105T220000",
            r#"line 7: DTSTART: "DATE" is not the VALUE of what follows; write VALUE=DATE-TIME"#,
        ),
        (
            "DTSTART;VALUE=DATE-TIME:20260105",
            r#"line 7: DTSTART: "DATE-TIME" is not the VALUE of what follows; write VALUE=DATE, or"#,
        ),
        (
            "DTSTART;VALUE=TEXT:20260105",
            r#"line 7: DTSTART: "TEXT" is not the VALUE"#,
        ),
        (
            "DTSTART;VALUE=PERIOD:20260105T220000",
            r#"line 7: DTSTART: "PERIOD" is not the VALUE"#,
        ),
        (
            "DTSTART;VALUE=DATE;VALUE=DATE:20260105",
            r#"line 7: DTSTART: "VALUE" stands there twice"#,
        ),
        (
            "DTSTART;TZID=Europe/Berlin:20260105T220000Z",
            r#"line 7: DTSTART: "20260105T220000Z" ends with Z and has a TZID"#,
        ),
        (
            "DTSTART;TZID=Europe/Berlin:20260105",
            r#"line 7: DTSTART: "20260105" is a date and has a TZID"#,
        ),
        (
            "DTSTART;TZID=Mars/Olympus:20260105T220000",
            r#"line 7: DTSTART: time zone "Mars/Olympus" is unknown"#,
        ),
        (
            "DTSTART:20260105\nDTSTART:20260106",
            r#"line 8: DTSTART: "20260106" is the second of its name, after line 7"#,
        ),
        (
            "DTSTART:20260105T220000",
            "line 5: VEVENT: begins at a time and has no end; add DTEND or DURATION",
        ),
        (
            "DTSTART:20260105T220000\nDTEND:20260106",
            r#"line 8: DTEND: "20260106" must be a date where the start is"#,
        ),
        (
            "DTSTART:20260105\nDTEND:20260106T000000",
            r#"line 8: DTEND: "20260106T000000" must be a date where"#,
        ),
        (
            "DTSTART:20260105\nDTEND:20260106\nDURATION:P1D",
            r#"line 9: DURATION: "P1D" stands beside a DTEND"#,
        ),
        (
            "DTSTART:20260105T220000\nDURATION:-PT8H",
            r#"line 8: DURATION: "-PT8H" leaves nothing of the event"#,
        ),
        (
            "DTSTART:20260105T220000\nDURATION:PT0S",
            r#"line 8: DURATION: "PT0S" leaves nothing of the event"#,
        ),
        (
            "DTSTART:20260105T220000\nDURATION:8H",
            r#"line 8: DURATION: "8H" is no duration; write PT8H"#,
        ),
        (
            "DTSTART:20260105T220000\nDURATION:PT",
            r#"line 8: DURATION: "PT" is no duration"#,
        ),
        (
            "DTSTART:20260105T220000\nDURATION:P",
            r#"line 8: DURATION: "P" is no duration"#,
        ),
        (
            "DTSTART:20260105T220000\nDURATION:P1DT",
            r#"line 8: DURATION: "P1DT" is no duration"#,
        ),
        (
            "DTSTART:20260105T220000\nDURATION:PT1H30S",
            r#"line 8: DURATION: "PT1H30S" is no duration"#,
        ),
        (
            "DTSTART:20260105T220000\nDURATION:PT30M1H",
            r#"line 8: DURATION: "PT30M1H" is no duration"#,
        ),
        (
            "DTSTART:20260105T220000\nDURATION:P1M",
            r#"line 8: DURATION: "P1M" is no duration"#,
        ),
        (
            "DTSTART:20260105T220000\nDURATION:P1W2D",
            r#"line 8: DURATION: "P1W2D" is no duration"#,
        ),
        (
            "DTSTART:20260105T220000\nDURATION:PT99999999999999999999H",
            r#"line 8: DURATION: "PT9999999999"#,
        ),
        (
            "DTSTART:20260105\nDURATION:PT24H",
            r#"line 8: DURATION: "PT24H" must be whole days"#,
        ),
        (
            "DTSTART:99991231",
            r#"line 7: DTSTART: "99991231" has no day after it"#,
        ),
        (
            "DTSTART:20260105\nSTATUS:CANCELED",
            r#"line 8: STATUS: "CANCELED" is no status of an event"#,
        ),
        (
            "DTSTART:20260105\nRRULLE:FREQ=DAILY",
            r#"line 8: RRULLE: "FREQ=DAILY" belongs to a property that is unknown"#,
        ),
        (
            "DTSTART:20260105\nTZOFFSETTO:+0100",
            r#"line 8: TZOFFSETTO: "+0100" belongs to a property that is unknown"#,
        ),
    ] {
        check(properties, message);
    }
}

#[test]
fn recurrences_are_refused_by_property() {
    for (properties, message) in [
        (
            "RRULE:FREQ=DAILY\nRRULE:FREQ=WEEKLY",
            r#"line 10: RRULE: "FREQ=WEEKLY" is the second of its name, after line 9"#,
        ),
        ("EXRULE:FREQ=DAILY", r#"line 9: EXRULE: "FREQ=DAILY" is obsolete"#),
        ("RRULE:FREQ=DALY", "line 9: RRULE: "),
        ("RRULE:FREQ=HOURLY", "line 9: RRULE: "),
        ("EXDATE:", r#"line 9: EXDATE: "" is no date"#),
        ("EXDATE:20260107T220000,", r#"line 9: EXDATE: "" is no date"#),
        (
            "EXDATE;VALUE=PERIOD:20260107T220000/PT1H",
            r#"line 9: EXDATE: "20260107T220000/PT1H" is no date"#,
        ),
        (
            "RDATE:20260107",
            r#"line 9: RDATE: "20260107" must be dates where DTSTART is"#,
        ),
        (
            "RDATE;VALUE=PERIOD:20260107/P1D",
            r#"line 9: RDATE: "20260107/P1D" begins a period with a date"#,
        ),
        (
            "RDATE:20260107/P1D",
            r#"line 9: RDATE: "20260107/P1D" begins a period with a date"#,
        ),
        (
            "RDATE;VALUE=PERIOD:20260107T220000/-PT1H",
            r#"line 9: RDATE: "20260107T220000/-PT1H" leaves nothing"#,
        ),
        (
            "RDATE;VALUE=PERIOD:20260107T220000/20260108",
            r#"line 9: RDATE: "20260107T220000/20260108" must be a date where"#,
        ),
        (
            "RECURRENCE-ID;RANGE=THISANDFUTURE:20260107T220000",
            r#"line 9: RECURRENCE-ID: "20260107T220000" has a RANGE"#,
        ),
        (
            "RECURRENCE-ID:yesterday",
            r#"line 9: RECURRENCE-ID: "yesterday" is no date"#,
        ),
    ] {
        check(&format!("{NIGHT}\n{properties}"), message);
    }
}

fn check(properties: &str, message: &str) {
    let refusal = refusal(&event(properties));
    assert!(
        refusal.starts_with(message),
        "{properties}\n  found {refusal}\n  for   {message}"
    );
}

#[test]
fn calendars_are_refused_by_line() {
    let day = "DTSTART:20260105";
    for (text, message) in [
        (
            String::new(),
            "line 1: there is no calendar; begin with BEGIN:VCALENDAR",
        ),
        ("\n\r\n".into(), "line 1: there is no calendar"),
        (
            "hello".into(),
            r#"line 1: "hello" is no content line; write it as NAME:value"#,
        ),
        (
            "VERSION:2.0".into(),
            r#"line 1: VERSION: "2.0" stands outside of the calendar"#,
        ),
        (
            "BEGIN:VEVENT\nEND:VEVENT".into(),
            r#"line 1: BEGIN: "VEVENT" is no calendar; begin with BEGIN:VCALENDAR"#,
        ),
        (
            "END:VCALENDAR".into(),
            r#"line 1: END: "VCALENDAR" ends what has not begun"#,
        ),
        (
            "BEGIN:VCALENDAR".into(),
            "line 1: the text ends, but the VCALENDAR of line 1 does not; add END:VCALENDAR",
        ),
        (
            format!("BEGIN:VCALENDAR\nBEGIN:VEVENT\n{day}\nEND:VCALENDAR"),
            r#"line 4: END: "VCALENDAR" ends the wrong component; the VEVENT of line 2 is still open"#,
        ),
        (
            format!("BEGIN:VCALENDAR\nBEGIN:VEVENT\n{day}"),
            "line 3: the text ends, but the VEVENT of line 2 does not",
        ),
        (
            format!("{}{}", calendar(""), calendar("")),
            r#"line 7: BEGIN: "VCALENDAR" begins a second calendar; give each its own text"#,
        ),
        (
            format!("{}DTSTART:x", calendar("")),
            r#"line 7: DTSTART: "x" stands outside of the calendar"#,
        ),
        (
            calendar("BEGIN:VEVNT\nEND:VEVNT"),
            r#"line 5: BEGIN: "VEVNT" has no place in the VCALENDAR of line 1"#,
        ),
        (
            calendar("BEGIN:VEVENT\nBEGIN:VEVENT\nEND:VEVENT\nEND:VEVENT"),
            r#"line 6: BEGIN: "VEVENT" has no place in the VEVENT of line 5"#,
        ),
        (
            calendar("BEGIN:VTODO\nBEGIN:VEVENT\nEND:VEVENT\nEND:VTODO"),
            r#"line 6: BEGIN: "VEVENT" has no place in the VTODO of line 5"#,
        ),
        (
            calendar("BEGIN:VTODO\nBEGIN:VALARM\nEND:VTODO\nEND:VALARM"),
            r#"line 7: END: "VTODO" ends the wrong component; the VALARM of line 6 is still open"#,
        ),
        (
            calendar("BEGIN:VEVENT\nBEGIN:VALARM\nBEGIN:VALARM"),
            r#"line 7: BEGIN: "VALARM" lies deeper than 3 components"#,
        ),
        (
            calendar("RRULE:FREQ=DAILY"),
            r#"line 5: RRULE: "FREQ=DAILY" belongs to a property that is unknown there"#,
        ),
        (
            calendar("CALSCALE:HEBREW"),
            r#"line 5: CALSCALE: "HEBREW" cannot be read; only GREGORIAN can"#,
        ),
        (
            calendar("").replace("VERSION:2.0", "VERSION:1.0"),
            r#"line 2: VERSION: "1.0" cannot be read; only 2.0 can"#,
        ),
        (
            calendar("X-CALENDAR-TYPE:OPEN"),
            r#"line 5: X-CALENDAR-TYPE: "OPEN" is no type of calendar"#,
        ),
        (
            calendar("").replace("Europe/Berlin", "Nowhere"),
            r#"line 4: X-WR-TIMEZONE: time zone "Nowhere" is unknown"#,
        ),
        (
            calendar("BEGIN:VEVENT\nRECURRENCE-ID:20260105\nDTSTART:20260105\nEND:VEVENT"),
            r#"line 6: RECURRENCE-ID: "20260105" is an occurrence of nothing, as the event has no UID"#,
        ),
        (
            calendar(
                "BEGIN:VEVENT\nUID:a\nDTSTART:20260105\nEND:VEVENT\nBEGIN:VEVENT\nUID:a\nDTSTART:20260107\nEND:VEVENT",
            ),
            r#"line 9: VEVENT: "a" is the UID of line 5, too; give each its own, or the newer a higher SEQUENCE"#,
        ),
        (
            calendar(
                "BEGIN:VEVENT\nUID:a\nDTSTART:20260105\nSEQUENCE:-1\nEND:VEVENT\nBEGIN:VEVENT\nUID:a\nEND:VEVENT",
            ),
            r#"line 8: SEQUENCE: "-1" is no number of a revision; write 0 or more"#,
        ),
        (
            event(&format!(
                "{NIGHT}\nRRULE:FREQ=DAILY\nEND:VEVENT\nBEGIN:VEVENT\nUID:a\nRECURRENCE-ID:20260107\n{NIGHT}"
            )),
            r#"line 13: RECURRENCE-ID: "20260107" is a date, but its series begins at a time"#,
        ),
        (
            format!(" {}", calendar("")),
            r#"line 1: " BEGIN:VCALENDAR" is indented, but continues no line"#,
        ),
        (
            calendar("SUMMARY\u{7}:x"),
            r#"line 5: "SUMMARY\u{7}:x" holds a control character"#,
        ),
        (
            calendar("X-A:b\rX-B:c"),
            r#"line 5: "X-A:b\rX-B:c" holds a control character"#,
        ),
        (
            calendar("X-A;B:c"),
            r#"line 5: "B:c" is no parameter; write it as NAME=value"#,
        ),
        (calendar("X-A;B=\"c:d"), r#"line 5: "B=\"c:d" is no parameter"#),
        (
            calendar("X-A;B=\"c\"d:e"),
            r#"line 5: "B=\"c\"d:e" is no parameter"#,
        ),
        (
            calendar("X-A;B=c\"d\":e"),
            r#"line 5: "B=c\"d\":e" is no parameter"#,
        ),
        (calendar("X-A;=c:d"), r#"line 5: "=c:d" is no parameter"#),
        (calendar("X_A:b"), r#"line 5: "X_A:b" is no content line"#),
        (calendar(":b"), r#"line 5: ":b" is no content line"#),
    ] {
        let refusal = refusal(&text);
        assert!(
            refusal.starts_with(message),
            "{text}\n  found {refusal}\n  for   {message}"
        );
    }
}

#[test]
fn other_encodings_are_refused() {
    let latin = [
        b"BEGIN:VCALENDAR\nX-WR-CALNAME:Gr".as_slice(),
        b"\xF6\xDFe\nEND:VCALENDAR\n",
    ]
    .concat();
    let utf16: Vec<u8> = calendar("").encode_utf16().flat_map(u16::to_le_bytes).collect();
    for text in [latin, utf16] {
        let error = ics::read(&text, None, None).unwrap_err().to_string();
        assert!(
            error.contains("UTF-8") || error.contains("control character"),
            "{error}"
        );
    }
}

#[test]
fn messages_repeat_only_the_beginning_of_what_was_found() {
    let refusal = refusal(&event(&format!("DTSTART:{}", "9".repeat(5000))));
    assert!(refusal.len() < 250, "{refusal}");
}

#[test]
fn bounds_are_refused_by_what_there_is_too_much_of() {
    let many = |count: usize, text: &str| vec![text; count].join("\n");
    let line = |length: usize| format!("X-A:{}", "b".repeat(length - 4));
    for (within, beyond, message) in [
        (line(8192), line(8193), "line 5: is longer than 8192 octets"),
        (
            format!("X-A{}:b", ";C=d".repeat(32)),
            format!("X-A{}:b", ";C=d".repeat(33)),
            "line 5: has more than 32 parameters",
        ),
        (
            many(500, "BEGIN:VEVENT\nDTSTART:20260105\nEND:VEVENT"),
            many(501, "BEGIN:VEVENT\nDTSTART:20260105\nEND:VEVENT"),
            "line 1505: BEGIN: the calendar has more than 500 events",
        ),
        (
            format!(
                "BEGIN:VEVENT\nDTSTART:20260105\n{}\nEND:VEVENT",
                many(1000, "EXDATE:20260105")
            ),
            format!(
                "BEGIN:VEVENT\nDTSTART:20260105\n{}\nEND:VEVENT",
                many(1001, "RDATE:20260105")
            ),
            "line 1007: RDATE: the calendar has more than 1000 EXDATE and RDATE dates",
        ),
    ] {
        assert!(
            super::read(&calendar(&within)).is_ok(),
            "{message}: {:?}",
            super::read(&calendar(&within)).err()
        );
        let refusal = refusal(&calendar(&beyond));
        assert!(refusal.starts_with(message), "found {refusal}\n  for {message}");
    }
    let long = |length: usize| {
        let text = calendar("");
        let filler = "X-A:b\n".repeat((length - text.len()) / 6);
        let padded = text.replace("END:", &format!("{filler}END:"));
        format!("{padded}{}", "\n".repeat(length - padded.len()))
    };
    assert!(super::read(&long(64 * 1024)).is_ok());
    assert!(refusal(&long(64 * 1024 + 1)).starts_with("text: is 65537 octets long, and may be 65536"));
}
