//! What is read although it could be written better, and how.

use super::{calendar, event, events, read};
use crate::calendar::State;
use crate::calendar::ics;

const DAY: &str = "DTSTART:20260105";
const NIGHT: &str = "DTSTART:20260105T220000\nDTEND:20260106T060000";

/// The one event of a calendar whose event has these properties, without its name.
fn one(properties: &str) -> String {
    let all = events(&event(properties));
    assert_eq!(all.len(), 1, "{properties}: {all:?}");
    all[0].strip_prefix("a: ").unwrap().to_owned()
}

#[test]
fn times_are_read_on_the_clock_that_they_name() {
    for (properties, read) in [
        (
            "DTSTART;VALUE=DATE:20260105",
            "2026-01-05 Europe/Berlin to 2026-01-06",
        ),
        (DAY, "2026-01-05 Europe/Berlin to 2026-01-06"),
        (
            "DTSTART:20260105\nDURATION:P2W",
            "2026-01-05 Europe/Berlin to 2026-01-19",
        ),
        (
            "DTSTART:20260105\nDTEND:20260108",
            "2026-01-05 Europe/Berlin to 2026-01-08",
        ),
        (NIGHT, "2026-01-05T22:00:00 Europe/Berlin to 2026-01-06T06:00:00"),
        (
            "DTSTART;VALUE=DATE-TIME:20260105T220000Z\nDURATION:P1DT2H",
            "2026-01-05T22:00:00 UTC for 26h",
        ),
        (
            "DTSTART;tzid=Asia/Tokyo:20260105T220000\ndtend;TZID=\"Asia/Seoul\":20260106T060000",
            "2026-01-05T22:00:00 Asia/Tokyo to 2026-01-06T06:00:00 Asia/Seoul",
        ),
        (
            "DTSTART;TZID=Asia/Tokyo:20260105T220000\nDTEND:20260106T060000",
            "2026-01-05T22:00:00 Asia/Tokyo to 2026-01-06T06:00:00",
        ),
        (
            "DTSTART;TZID=Asia/Tokyo:20260105T220000\nDTEND:20260105T230000Z",
            "2026-01-05T22:00:00 Asia/Tokyo to 2026-01-05T23:00:00 UTC",
        ),
        (
            "DTSTART:20260105T220060\nDTEND:20260106T060000",
            "2026-01-05T22:00:59 Europe/Berlin to 2026-01-06T06:00:00",
        ),
    ] {
        assert_eq!(one(properties), read, "{properties}");
    }
}

#[test]
fn dates_beside_the_rule_come_in_lists_and_on_several_lines() {
    let night = "2026-01-05T22:00:00 Europe/Berlin to 2026-01-06T06:00:00";
    let day = "2026-01-05 Europe/Berlin to 2026-01-06";
    for (start, dates, read) in [
        (NIGHT, "RRULE:FREQ=DAILY", format!("{night} recurs")),
        (
            NIGHT,
            "EXDATE:20260106T220000,20260107T220000\nEXDATE;TZID=Asia/Tokyo:20260109T060000\nEXDATE:20260110T210000Z",
            format!(
                "{night} but 2026-01-06T21:00:00Z but 2026-01-07T21:00:00Z but 2026-01-08T21:00:00Z but 2026-01-10T21:00:00Z"
            ),
        ),
        (
            NIGHT,
            "EXDATE;VALUE=DATE:20260106,20260107",
            format!("{night} but 2026-01-06 but 2026-01-07"),
        ),
        (
            DAY,
            "EXDATE:20260106\nEXDATE:20260107T000000",
            format!("{day} but 2026-01-06 but 2026-01-06T23:00:00Z"),
        ),
        (
            NIGHT,
            "RDATE:20260201T100000\nRDATE;TZID=Asia/Tokyo:20260202T100000,20260203T100000",
            format!(
                "{night} and 2026-02-01T10:00:00 Europe/Berlin and 2026-02-02T10:00:00 Asia/Tokyo \
                 and 2026-02-03T10:00:00 Asia/Tokyo"
            ),
        ),
        (
            NIGHT,
            "RDATE;VALUE=PERIOD:20260201T100000/20260201T120000,20260202T100000Z/PT90M",
            format!(
                "{night} and 2026-02-01T10:00:00 Europe/Berlin to 2026-02-01T12:00:00 and 2026-02-02T10:00:00 UTC for 1h 30m"
            ),
        ),
        (
            DAY,
            "RDATE;VALUE=DATE:20260201",
            format!("{day} and 2026-02-01 Europe/Berlin"),
        ),
    ] {
        assert_eq!(one(&format!("{start}\n{dates}")), read, "{dates}");
    }
}

#[test]
fn only_advisory_and_cancelled_make_an_event_none() {
    for (property, counts) in [
        ("X-EVENT-TYPE:ADVISORY", false),
        ("X-EVENT-TYPE:advisory", false),
        ("X-EVENT-TYPE:STANDARD", true),
        ("X-EVENT-TYPE:ADVISROY", true),
        ("STATUS:CANCELLED", false),
        ("STATUS:CONFIRMED", true),
        ("STATUS:TENTATIVE", true),
        ("TRANSP:TRANSPARENT", true),
        ("X-MICROSOFT-CDO-BUSYSTATUS:FREE", true),
        ("CLASS:PRIVATE", true),
    ] {
        let found = events(&event(&format!("{NIGHT}\n{property}")));
        assert_eq!(found.len(), usize::from(counts), "{property}");
    }
    assert_eq!(
        events(&event("STATUS:CANCELLED")),
        Vec::<String>::new(),
        "a cancellation needs no times"
    );
}

/// Events of one UID, each with the properties of a row.
fn family(members: &[&str]) -> String {
    let component = |properties: &&str| format!("BEGIN:VEVENT\nUID:u\n{properties}\nEND:VEVENT");
    calendar(&members.iter().map(component).collect::<Vec<_>>().join("\n"))
}

#[test]
fn overrides_replace_by_uid_and_instant() {
    let master = "SUMMARY:m\nDTSTART:20260105T220000\nDTEND:20260106T060000\nRRULE:FREQ=DAILY";
    let night = "m: 2026-01-05T22:00:00 Europe/Berlin to 2026-01-06T06:00:00 recurs";
    let moved = "DTSTART:20260107T100000\nDTEND:20260107T110000\nSUMMARY:o";
    let own = "o: 2026-01-07T10:00:00 Europe/Berlin to 2026-01-07T11:00:00";
    let replaced = "for 2026-01-07T21:00:00Z 2026-01-07T10:00:00 Europe/Berlin to 2026-01-07T11:00:00";
    let dropped = "for 2026-01-07T21:00:00Z nothing";
    let at = "RECURRENCE-ID:20260107T220000";
    for (name, members, read) in [
        (
            "a local time",
            vec![master.into(), format!("{at}\n{moved}")],
            vec![format!("{night} {replaced}")],
        ),
        (
            "the same instant in UTC",
            vec![master.into(), format!("RECURRENCE-ID:20260107T210000Z\n{moved}")],
            vec![format!("{night} {replaced}")],
        ),
        (
            "the same instant in another zone",
            vec![
                master.into(),
                format!("RECURRENCE-ID;TZID=Asia/Tokyo:20260108T060000\n{moved}"),
            ],
            vec![format!("{night} {replaced}")],
        ),
        (
            "before its series",
            vec![format!("{at}\n{moved}"), master.into()],
            vec![format!("{night} {replaced}")],
        ),
        (
            "without a series",
            vec![format!("{at}\n{moved}")],
            vec![own.into()],
        ),
        (
            "cancelled",
            vec![master.into(), format!("{at}\nSTATUS:CANCELLED")],
            vec![format!("{night} {dropped}")],
        ),
        (
            "advisory",
            vec![master.into(), format!("{at}\n{moved}\nX-EVENT-TYPE:ADVISORY")],
            vec![format!("{night} {dropped}")],
        ),
        (
            "cancelled without a series",
            vec![format!("{at}\nSTATUS:CANCELLED")],
            vec![],
        ),
        (
            "of a cancelled series",
            vec![format!("{master}\nSTATUS:CANCELLED"), format!("{at}\n{moved}")],
            vec![],
        ),
        (
            "of an advisory series",
            vec![
                format!("{master}\nX-EVENT-TYPE:ADVISORY"),
                format!("{at}\n{moved}"),
            ],
            vec![own.into()],
        ),
        (
            "with a higher sequence",
            vec![
                master.into(),
                format!("{at}\nSEQUENCE:2\n{moved}"),
                format!("RECURRENCE-ID:20260107T210000Z\nSEQUENCE:1\nSTATUS:CANCELLED"),
            ],
            vec![format!("{night} {replaced}")],
        ),
        (
            "its rule counts for nothing",
            vec![master.into(), format!("{at}\nRRULE:FREQ=DAILY\n{moved}")],
            vec![format!("{night} {replaced}")],
        ),
    ] {
        let members: Vec<_> = members.iter().map(String::as_str).collect();
        assert_eq!(events(&family(&members)), read, "{name}");
    }
    let other = calendar(&format!(
        "BEGIN:VEVENT\nUID:u\n{master}\nEND:VEVENT\nBEGIN:VEVENT\nUID:v\n{at}\n{moved}\nEND:VEVENT"
    ));
    assert_eq!(events(&other), [night, own], "another UID replaces nothing");
}

#[test]
fn the_higher_sequence_of_a_series_counts() {
    let old = "SUMMARY:old\nDTSTART:20260105";
    let new = "SUMMARY:new\nSEQUENCE:1\nDTSTART:20260106";
    for members in [[old, new], [new, old]] {
        let text = family(&members);
        assert_eq!(events(&text), ["new: 2026-01-06 Europe/Berlin to 2026-01-07"]);
        let warnings = read(&text).unwrap().warnings;
        assert!(
            warnings.len() == 1 && warnings[0].message.contains("higher SEQUENCE"),
            "{warnings:?}"
        );
    }
}

#[test]
fn what_might_be_meant_otherwise_is_a_warning() {
    for (name, text, line, words) in [
        (
            "no UID",
            calendar(&format!("BEGIN:VEVENT\n{DAY}\nEND:VEVENT")),
            5,
            "has no UID",
        ),
        (
            "a rule of an override",
            event(&format!(
                "{NIGHT}\nRECURRENCE-ID:20260105T220000\nRRULE:FREQ=DAILY"
            )),
            5,
            "has an RRULE, which counts for nothing",
        ),
    ] {
        let contents = read(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(contents.warnings.len(), 1, "{name}");
        let warning = contents.warnings[0].to_string();
        assert!(
            warning.starts_with(&format!("line {line}: VEVENT: {words}")),
            "{name}: {warning}"
        );
        assert_eq!(contents.series.len(), 1, "{name}");
    }
}

#[test]
fn the_zone_of_the_object_counts_before_that_of_the_text() {
    let contents = ics::read(event(DAY).as_bytes(), Some("Asia/Tokyo"), None).unwrap();
    assert_eq!(&*contents.series[0].zone.name, "Asia/Tokyo");
    let text = event(DAY).replace("X-WR-TIMEZONE:Europe/Berlin\n", "");
    assert!(ics::read(text.as_bytes(), Some("Asia/Tokyo"), None).is_ok());
    assert!(
        read(&text)
            .unwrap_err()
            .to_string()
            .contains("set spec.timeZone, X-WR-TIMEZONE or a TZID")
    );
}

#[test]
fn the_type_of_the_calendar_must_agree_with_the_object() {
    let written = |kind: &str| calendar(&format!("X-CALENDAR-TYPE:{kind}"));
    for (kind, declared, agreed) in [
        ("DEFAULT_OPEN", None, Some(State::Open)),
        ("default_closed", None, Some(State::Closed)),
        ("DEFAULT_OPEN", Some(State::Open), Some(State::Open)),
        ("DEFAULT_CLOSED", Some(State::Open), None),
        ("DEFAULT_OPEN", Some(State::Closed), None),
        ("OPEN", None, None),
    ] {
        let read = ics::read(written(kind).as_bytes(), None, declared);
        assert_eq!(
            read.ok().and_then(|contents| contents.default_state),
            agreed,
            "{kind} {declared:?}"
        );
    }
    let silent = ics::read(calendar("").as_bytes(), None, Some(State::Closed)).unwrap();
    assert_eq!(silent.default_state, Some(State::Closed));
}

#[test]
fn names_are_short_and_on_one_line() {
    for (summary, name) in [
        (
            "SUMMARY:Freeze\\, all\\nof it\\; now \\\\o/",
            "Freeze, all of it; now \\o/".to_owned(),
        ),
        ("SUMMARY;LANGUAGE=de:Größe", "Größe".to_owned()),
        ("SUMMARY:\\n", "a".to_owned()),
        (&format!("SUMMARY:{}", "ä".repeat(500)), "ä".repeat(128)),
    ] {
        let contents = read(&event(&format!("{DAY}\n{summary}"))).unwrap();
        assert_eq!(&*contents.series[0].name, name, "{summary}");
    }
    let nameless = calendar(&format!("BEGIN:VEVENT\n{DAY}\nEND:VEVENT"));
    assert_eq!(&*read(&nameless).unwrap().series[0].name, "line 5: VEVENT");
}

#[test]
fn what_says_nothing_about_time_is_passed_over() {
    let text = calendar(&format!(
        "METHOD:PUBLISH\nREFRESH-INTERVAL;VALUE=DURATION:PT1H\nX-UNKNOWN;X=\"a;b:c\":d\n\n\
         BEGIN:VTODO\nDUE:tomorrow\nRRULE:FREQ=NEVER\nBEGIN:VALARM\nTRIGGER:-PT5M\nEND:VALARM\nEND:VTODO\n\
         BEGIN:VJOURNAL\nEND:VJOURNAL\nBEGIN:VFREEBUSY\nEND:VFREEBUSY\n\
         BEGIN:X-PRIVATE\nBEGIN:X-MORE\nDTSTART:x\nEND:X-MORE\nEND:X-PRIVATE\n\
         begin:vevent\nuid:a\n{DAY}\nATTENDEE;CN=\"Pat, A: B; C\";RSVP=TRUE:mailto:pat@example.com\n\
         ATTACH;ENCODING=BASE64;VALUE=BINARY:AAAA\nURL:https://example.com/?a=b;c\n\
         BEGIN:VALARM\nEND:VALARM\nend:vevent",
    ));
    assert_eq!(events(&text), ["a: 2026-01-05 Europe/Berlin to 2026-01-06"]);
}

#[test]
fn a_byte_order_mark_and_a_missing_last_line_end_are_tolerated() {
    let text = format!("\u{feff}{}", event(DAY));
    assert_eq!(events(&text), events(text.trim_end()));
}
