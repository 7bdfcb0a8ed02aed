//! What AWS, Google, Outlook and iCloud export. What is expected was worked out by hand.

use serde_json::json;

use crate::{alternating, asked, evaluated, file, given, paramsync};

/// AWS's own sample of a calendar without events (CloudFormation, `AWS::SSM::Document`).
const SAMPLE: &str = "BEGIN:VCALENDAR
PRODID:-//AWS//Change Calendar 1.0//EN
VERSION:2.0
X-CALENDAR-TYPE:DEFAULT_OPEN
X-WR-CALDESC:test
BEGIN:VTODO
DTSTAMP:20200320T004207Z
UID:3b5af39a-d0b3-4049-a839-d7bb8af01f92
SUMMARY:Add events to this calendar.
END:VTODO
END:VCALENDAR
";

#[test]
fn the_sample_of_aws_is_always_open_and_its_contrary_always_closed() {
    let closed = SAMPLE.replace("DEFAULT_OPEN", "DEFAULT_CLOSED");
    for (text, state) in [
        (SAMPLE.to_owned(), "Open"),
        (SAMPLE.replace('\n', "\r\n"), "Open"),
        (closed, "Closed"),
    ] {
        let answer = asked(&["state", "-o", "json", "--at", "2026-01-01"], &text).json();
        assert_eq!(answer, json!({"state": state}));
        let (from, to) = ("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z");
        let answer = asked(&["eval", "-o", "json", "--from", from, "--to", to], &text);
        assert_eq!(evaluated(answer, from, to), alternating(state, &[from, to]));
    }
}

#[test]
fn exports_close_and_open_as_worked_out_by_hand() {
    for (name, first, edges) in [
        (
            "aws",
            "Open",
            &["2026-01-01T00:00:00Z", "2028-01-01T00:00:00Z"][..],
        ),
        (
            // Weekdays from 10:00 to 12:00 in Tokyo; the 9th is a Friday.
            "aws-windows",
            "Closed",
            &[
                "2026-01-09T00:00:00Z",
                "2026-01-09T01:00:00Z",
                "2026-01-09T03:00:00Z",
                "2026-01-12T01:00:00Z",
                "2026-01-12T03:00:00Z",
                "2026-01-13T00:00:00Z",
            ],
        ),
        (
            // Nights from 22:00 to 06:00 in Berlin, Monday to Friday, over the change to summer time on Sunday the
            // 29th; that of the 31st begins at 23:00 and lasts until 08:00.
            "google",
            "Closed",
            &[
                "2026-03-27T00:00:00Z",
                "2026-03-27T05:00:00Z",
                "2026-03-27T21:00:00Z",
                "2026-03-28T05:00:00Z",
                "2026-03-30T20:00:00Z",
                "2026-03-31T04:00:00Z",
                "2026-03-31T21:00:00Z",
                "2026-04-01T06:00:00Z",
                "2026-04-01T20:00:00Z",
                "2026-04-02T00:00:00Z",
            ],
        ),
        (
            // The freeze of whole days, free in Google's eyes, begins in the night of Friday the 18th.
            "google",
            "Open",
            &[
                "2026-12-17T12:00:00Z",
                "2026-12-17T21:00:00Z",
                "2026-12-18T05:00:00Z",
                "2026-12-18T21:00:00Z",
                "2027-01-03T23:00:00Z",
                "2027-01-04T21:00:00Z",
                "2027-01-05T05:00:00Z",
                "2027-01-05T21:00:00Z",
                "2027-01-06T00:00:00Z",
            ],
        ),
        (
            // The close of the quarter in a zone of Outlook's own, second Tuesdays, and a holiday in Berlin.
            "outlook",
            "Open",
            &[
                "2026-03-30T00:00:00Z",
                "2026-03-30T21:00:00Z",
                "2026-04-01T13:00:00Z",
                "2026-04-14T18:00:00Z",
                "2026-04-15T02:00:00Z",
                "2026-04-30T22:00:00Z",
                "2026-05-01T22:00:00Z",
                "2026-05-12T18:00:00Z",
                "2026-05-13T00:00:00Z",
            ],
        ),
        (
            // Mornings from 9 to 11 in New York over the change to summer time on the 8th; the 9th is cancelled.
            "icloud",
            "Open",
            &[
                "2026-03-07T00:00:00Z",
                "2026-03-07T14:00:00Z",
                "2026-03-07T16:00:00Z",
                "2026-03-08T13:00:00Z",
                "2026-03-08T15:00:00Z",
                "2026-03-10T13:00:00Z",
                "2026-03-10T15:00:00Z",
                "2026-03-11T00:00:00Z",
            ],
        ),
        (
            // The 60th morning is that of 30 April.
            "icloud",
            "Open",
            &[
                "2026-04-29T00:00:00Z",
                "2026-04-29T13:00:00Z",
                "2026-04-29T15:00:00Z",
                "2026-04-30T13:00:00Z",
                "2026-04-30T15:00:00Z",
                "2026-09-15T16:00:00Z",
                "2026-09-15T22:00:00Z",
                "2026-11-26T05:00:00Z",
                "2026-11-28T05:00:00Z",
                "2027-11-25T05:00:00Z",
                "2027-11-27T05:00:00Z",
                "2027-12-01T00:00:00Z",
            ],
        ),
    ] {
        let (from, to) = (edges[0], edges[edges.len() - 1]);
        let path = file(&format!("src/calendar/ics/testdata/{name}.ics"));
        let question = [
            "calendar", "eval", "-o", "json", "--from", from, "--to", to, "-f", &path,
        ];
        let answer = given(paramsync().args(question), b"");
        assert_eq!(evaluated(answer, from, to), alternating(first, edges), "{name}");
    }
}
