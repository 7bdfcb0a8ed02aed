//! What AWS, Google, Outlook and iCloud write.

use crate::calendar::State;
use crate::calendar::ics::{self, Contents};

use super::describe;

fn export(text: &[u8]) -> Contents {
    assert!(
        text.windows(2).any(|end| end == b"\r\n"),
        "exports end their lines with CR LF"
    );
    ics::read(text, None, None).unwrap_or_else(|error| panic!("{error}"))
}

fn described(contents: &Contents) -> Vec<String> {
    contents.series.iter().map(describe).collect()
}

#[test]
fn the_empty_document_of_aws_has_no_events() {
    let contents = export(include_bytes!("../testdata/aws.ics"));
    assert_eq!(described(&contents), Vec::<String>::new());
    assert_eq!(contents.default_state, Some(State::Open));
    assert_eq!(contents.description.as_deref(), Some("test"));
    assert!(contents.zone.is_none() && contents.name.is_none() && contents.warnings.is_empty());
}

#[test]
fn an_advisory_event_of_aws_is_none() {
    let contents = export(include_bytes!("../testdata/aws-windows.ics"));
    assert_eq!(
        described(&contents),
        ["Deployment window: 2026-01-05T10:00:00 Asia/Tokyo to 2026-01-05T12:00:00 recurs"]
    );
    assert_eq!(contents.default_state, Some(State::Closed));
    assert_eq!(contents.warnings, []);
}

#[test]
fn google_marks_whole_days_as_free_and_writes_exceptions_as_events() {
    let contents = export(include_bytes!("../testdata/google.ics"));
    assert_eq!(
        described(&contents),
        [
            "Year-end freeze: 2026-12-19 Europe/Berlin to 2027-01-04",
            "Nightly batch: 2026-01-05T22:00:00 Europe/Berlin to 2026-01-06T06:00:00 recurs \
             but 2026-12-24T21:00:00Z but 2026-12-31T21:00:00Z \
             for 2026-03-31T20:00:00Z 2026-03-31T23:00:00 Europe/Berlin to 2026-04-01T08:00:00",
        ]
    );
    assert_eq!(contents.name.as_deref(), Some("Change freezes"));
    assert_eq!(
        contents.description.as_deref(),
        Some("When production must not change, and why")
    );
    assert_eq!(
        contents.zone.as_ref().map(|zone| &*zone.name),
        Some("Europe/Berlin")
    );
    assert_eq!(contents.default_state, None);
    assert_eq!(contents.warnings, []);
}

#[test]
fn outlook_names_zones_as_windows_does_and_defines_its_own() {
    let contents = export(include_bytes!("../testdata/outlook.ics"));
    assert_eq!(
        described(&contents),
        [
            "Patch Tuesday: 2026-01-13T20:00:00 W. Europe Standard Time to 2026-01-14T04:00:00 recurs",
            "Quarter close: 2026-03-30T17:00:00 Customized Time Zone to 2026-04-01T09:00:00",
            "Company holiday: 2026-05-01 W. Europe Standard Time to 2026-05-02",
        ]
    );
    assert_eq!(contents.warnings, []);
    let close = &contents.series[1];
    let instant = close
        .start
        .instant(&close.zone)
        .map(|instant| instant.to_string());
    assert_eq!(
        instant.as_deref(),
        Some("2026-03-30T21:00:00Z"),
        "summer time in New York's manner"
    );
}

#[test]
fn icloud_cancels_single_occurrences_by_status() {
    let contents = export(include_bytes!("../testdata/icloud.ics"));
    assert_eq!(
        described(&contents),
        [
            "Trading opens: 2026-03-02T09:00:00 America/New_York to 2026-03-02T11:00:00 recurs \
             but 2026-04-03T13:00:00Z for 2026-03-09T13:00:00Z nothing",
            "Thanksgiving: 2026-11-26 America/New_York to 2026-11-28 recurs",
            "Launch: 2026-09-15T12:00:00 America/New_York for 6h",
        ]
    );
    assert_eq!(contents.warnings, []);
}
