//! The calendars that the documentation shows.

use std::fs;

use crate::{alternating, evaluated, file, given, paramsync};

#[test]
fn nothing_is_odd_about_any() {
    let folder = fs::read_dir(file("examples/calendars")).expect("a folder");
    let files: Vec<_> = folder.map(|entry| entry.expect("a file").path()).collect();
    assert!(files.len() >= 4, "{files:?}");
    for path in files {
        let ended = given(
            paramsync()
                .args(["calendar", "lint", "--strict", "--at", "2026-12-01", "-f"])
                .arg(&path),
            b"",
        );
        assert_eq!(
            (ended.code, ended.stdout.as_str(), ended.stderr.as_str()),
            (0, "", ""),
            "{path:?}"
        );
    }
}

/// Worked out by hand.
#[test]
fn each_says_what_its_comment_says() {
    for (name, first, edges) in [
        (
            "year-end",
            "Open",
            &[
                "2026-12-01T00:00:00Z",
                "2026-12-18T23:00:00Z",
                "2027-01-10T23:00:00Z",
                "2027-12-18T23:00:00Z",
                "2027-12-31T00:00:00Z",
            ][..],
        ),
        (
            // 10:00 in Tokyo is 01:00 in UTC; the 28th of December is a Monday.
            "business-hours",
            "Closed",
            &[
                "2026-12-25T00:00:00Z",
                "2026-12-25T01:00:00Z",
                "2026-12-25T07:00:00Z",
                "2026-12-28T01:00:00Z",
                "2026-12-28T07:00:00Z",
                "2027-01-04T01:00:00Z",
                "2027-01-04T07:00:00Z",
                "2027-01-05T00:00:00Z",
            ],
        ),
        (
            // Summer time begins on 8 March; the first two days of April lie between two nights.
            "nightly-batch",
            "Open",
            &[
                "2026-03-07T12:00:00Z",
                "2026-03-08T03:00:00Z",
                "2026-03-08T08:30:00Z",
                "2026-03-09T02:00:00Z",
                "2026-03-09T08:30:00Z",
                "2026-03-09T12:00:00Z",
            ],
        ),
        (
            "nightly-batch",
            "Closed",
            &[
                "2026-03-31T08:00:00Z",
                "2026-03-31T08:30:00Z",
                "2026-04-01T02:00:00Z",
                "2026-04-03T08:30:00Z",
                "2026-04-04T02:00:00Z",
                "2026-04-04T04:00:00Z",
            ],
        ),
        (
            "from-icalendar",
            "Open",
            &[
                "2026-02-01T00:00:00Z",
                "2026-02-13T16:00:00Z",
                "2026-02-13T20:00:00Z",
                "2026-03-01T00:00:00Z",
            ],
        ),
    ] {
        let (from, to) = (edges[0], edges[edges.len() - 1]);
        let path = file(&format!("examples/calendars/{name}.yaml"));
        let question = [
            "calendar", "eval", "-o", "json", "--from", from, "--to", to, "-f", &path,
        ];
        let answer = given(paramsync().args(question), b"");
        assert_eq!(evaluated(answer, from, to), alternating(first, edges), "{name}");
    }
}
