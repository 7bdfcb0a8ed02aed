//! Which clock a TZID names.

use jiff::Timestamp;

use super::{calendar, read, refusal};

/// An observance: its parts as Exchange writes them.
fn part(kind: &str, start: &str, from: &str, to: &str, more: &str) -> String {
    format!("BEGIN:{kind}\nDTSTART:{start}\nTZOFFSETFROM:{from}\nTZOFFSETTO:{to}\n{more}\nEND:{kind}")
}

fn defined(name: &str, more: &str, parts: &[String]) -> String {
    format!(
        "BEGIN:VTIMEZONE\nTZID:{name}\n{more}\n{}\nEND:VTIMEZONE",
        parts.join("\n")
    )
}

/// A calendar in which events begin at 12:00 of this zone in January and in July.
fn noons(name: &str, definitions: &str) -> String {
    let noon = |day: &str| {
        format!("BEGIN:VEVENT\nUID:{day}\nDTSTART;TZID=\"{name}\":{day}T120000\nDURATION:PT1H\nEND:VEVENT")
    };
    calendar(&format!(
        "{definitions}\n{}\n{}",
        noon("20260115"),
        noon("20260715")
    ))
}

/// The hours of UTC at which those events begin.
fn hours(name: &str, definitions: &str) -> [String; 2] {
    let contents = read(&noons(name, definitions)).unwrap_or_else(|error| panic!("{name}: {error}"));
    let hour = |index: usize| {
        let series = &contents.series[index];
        let instant: Timestamp = series.start.instant(&series.zone).unwrap();
        instant.strftime("%H:%M").to_string()
    };
    [hour(0), hour(1)]
}

fn berlin() -> [String; 2] {
    [
        part(
            "STANDARD",
            "16010101T030000",
            "+0200",
            "+0100",
            "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10",
        ),
        part(
            "DAYLIGHT",
            "16010101T020000",
            "+0100",
            "+0200",
            "RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=3",
        ),
    ]
}

#[test]
fn a_zone_is_looked_for_by_name_and_then_made_from_its_definition() {
    let fixed = |offset: &str| [part("STANDARD", "16010101T000000", offset, offset, "")];
    let southern = [
        part(
            "STANDARD",
            "19700101T030000",
            "+1100",
            "+1000",
            "RRULE:FREQ=YEARLY;BYMONTH=4;BYDAY=1SU",
        ),
        part(
            "DAYLIGHT",
            "19700101T020000",
            "+1000",
            "+1100",
            "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=1SU",
        ),
    ];
    let western = [
        part(
            "DAYLIGHT",
            "20070311T020000",
            "-0330",
            "-0230",
            "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU",
        ),
        part(
            "STANDARD",
            "20071104T020000",
            "-0230",
            "-0330",
            "RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU",
        ),
    ];
    for (what, name, definitions, begins) in [
        ("tz database", "Asia/Tokyo", String::new(), ["03:00", "03:00"]),
        (
            "tz database in any case",
            "europe/BERLIN",
            String::new(),
            ["11:00", "10:00"],
        ),
        (
            "Windows",
            "W. Europe Standard Time",
            String::new(),
            ["11:00", "10:00"],
        ),
        (
            "a path",
            "/citadel.org/20210210_1/Europe/Berlin",
            String::new(),
            ["11:00", "10:00"],
        ),
        (
            "the database before the definition",
            "Europe/Berlin",
            defined("Europe/Berlin", "", &fixed("+0300")),
            ["11:00", "10:00"],
        ),
        (
            "X-LIC-LOCATION before the rules",
            "Our Zone",
            defined("Our Zone", "X-LIC-LOCATION:Asia/Tokyo", &fixed("+0300")),
            ["03:00", "03:00"],
        ),
        (
            "the rules where X-LIC-LOCATION is unknown",
            "Our Zone",
            defined("Our Zone", "X-LIC-LOCATION:Mars", &fixed("+0300")),
            ["09:00", "09:00"],
        ),
        (
            "one offset",
            "Customized Time Zone",
            defined("Customized Time Zone", "", &fixed("+0530")),
            ["06:30", "06:30"],
        ),
        (
            "one offset, said twice",
            "Our Zone",
            defined("Our Zone", "", &[fixed("-0800"), fixed("-0800")].concat()),
            ["20:00", "20:00"],
        ),
        (
            "two rules",
            "Customized Time Zone",
            defined("Customized Time Zone", "", &berlin()),
            ["11:00", "10:00"],
        ),
        (
            "two rules in the south",
            "Our Zone",
            defined("Our Zone", "", &southern),
            ["01:00", "02:00"],
        ),
        (
            "two rules in the west",
            "Our Zone",
            defined("Our Zone", "", &western),
            ["15:30", "14:30"],
        ),
        (
            "a name with commas and colons",
            "(UTC+01:00) Amsterdam, Berlin",
            defined("(UTC+01:00) Amsterdam\\, Berlin", "", &berlin()),
            ["11:00", "10:00"],
        ),
    ] {
        assert_eq!(hours(name, &definitions), begins, "{what}");
    }
}

#[test]
fn the_changes_of_a_definition_come_at_its_own_hour() {
    let text = calendar(&format!(
        "{}\nBEGIN:VEVENT\nUID:a\nDTSTART;TZID=Our Zone:20260329T015959\nDTEND;TZID=Our Zone:20260329T030000\nEND:VEVENT",
        defined("Our Zone", "", &berlin())
    ));
    let contents = read(&text).unwrap();
    let zone = &contents.series[0].zone.rules;
    let berlin = super::named("Europe/Berlin").rules;
    let changes = |rules: &jiff::tz::TimeZone| {
        let from: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        rules
            .following(from)
            .take(4)
            .map(|change| (change.timestamp(), change.offset()))
            .collect::<Vec<_>>()
    };
    assert_eq!(changes(zone), changes(&berlin));
}

#[test]
fn a_definition_that_differs_from_the_database_is_a_warning() {
    let [standard, daylight] = berlin();
    let late = daylight.replace("DTSTART:16010101T020000", "DTSTART:16010101T030000");
    for (name, parts, warned) in [
        ("Europe/Berlin", vec![standard.clone(), daylight.clone()], false),
        (
            "W. Europe Standard Time",
            vec![standard.clone(), daylight.clone()],
            false,
        ),
        ("Europe/Berlin", vec![standard.clone(), late], true),
        ("Asia/Tokyo", vec![standard.clone(), daylight], true),
        (
            "Asia/Tokyo",
            vec![part("STANDARD", "19700101T000000", "+0900", "+0900", "")],
            false,
        ),
    ] {
        let contents = read(&calendar(&defined(name, "", &parts))).unwrap();
        let warnings: Vec<_> = contents.warnings.iter().map(ToString::to_string).collect();
        assert_eq!(warnings.len(), usize::from(warned), "{name}: {warnings:?}");
        assert!(
            warnings
                .iter()
                .all(|warning| warning.starts_with("line 5: VTIMEZONE: ")),
            "{warnings:?}"
        );
    }
}

#[test]
fn a_definition_that_cannot_be_used_is_refused_where_a_time_needs_it() {
    let [standard, daylight] = berlin();
    for (what, parts, message) in [
        (
            "nothing",
            vec![],
            "line 5: VTIMEZONE: \"Our Zone\" has a known name nowhere, and is more than",
        ),
        (
            "three changes",
            vec![standard.clone(), daylight.clone(), daylight.clone()],
            "line 5: VTIMEZONE: ",
        ),
        ("one of two", vec![daylight.clone()], "line 5: VTIMEZONE: "),
        (
            "offsets that do not meet",
            vec![standard.replace("+0200", "+0300"), daylight.clone()],
            "line 5: VTIMEZONE: ",
        ),
        (
            "an end",
            vec![standard.replace("BYDAY", "UNTIL=2030;BYDAY"), daylight.clone()],
            "line 5: VTIMEZONE: ",
        ),
        (
            "a fifth Sunday",
            vec![standard.replace("-1SU", "5SU"), daylight.clone()],
            "line 5: VTIMEZONE: ",
        ),
        (
            "single dates",
            vec![
                standard.replace("RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10", "RDATE:20261025T030000"),
                daylight.clone(),
            ],
            "line 5: VTIMEZONE: ",
        ),
        (
            "a later change for good",
            vec![part("STANDARD", "20260401T000000", "+0100", "+0200", "")],
            "line 5: VTIMEZONE: ",
        ),
        (
            "no offset",
            vec![standard.replace("TZOFFSETTO:+0100\n", ""), daylight.clone()],
            "line 8: STANDARD: has no TZOFFSETTO",
        ),
        (
            "no real offset",
            vec![standard.replace("+0100", "+9900"), daylight.clone()],
            "line 11: TZOFFSETTO: \"+9900\" is no offset",
        ),
        (
            "minus nothing",
            vec![standard.replace("+0100", "-0000"), daylight.clone()],
            "line 11: TZOFFSETTO: \"-0000\" is no offset",
        ),
        (
            "no local start",
            vec![standard.replace("T030000", "T030000Z"), daylight],
            "line 9: DTSTART: \"16010101T030000Z\" is no local",
        ),
    ] {
        let definition = defined("Our Zone", "X-A:b", &parts);
        assert!(read(&calendar(&definition)).is_ok(), "{what} is not needed");
        let found = refusal(&noons("Our Zone", &definition));
        assert!(found.starts_with(message), "{what}: {found}");
    }
}

#[test]
fn a_definition_has_a_name_of_its_own() {
    let fixed = defined(
        "Our Zone",
        "X-A:b",
        &[part("STANDARD", "16010101T000000", "+0300", "+0300", "X-A:b")],
    );
    let twice = refusal(&calendar(&format!("{fixed}\n{fixed}")));
    assert!(
        twice.starts_with("line 16: TZID: \"Our Zone\" is defined a second time"),
        "{twice}"
    );
    let nameless = refusal(&calendar(&fixed.replace("TZID:Our Zone\n", "")));
    assert!(
        nameless.starts_with("line 5: VTIMEZONE: has no TZID"),
        "{nameless}"
    );
}
