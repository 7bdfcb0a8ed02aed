//! What holds of all texts.

use std::fmt::Write;

use jiff::ToSpan;
use jiff::civil::{DateTime, date};
use proptest::prelude::*;
use proptest::sample::Index;

use super::{describe, event, events};
use crate::calendar::ics::{self, Contents};
use crate::calendar::{Calendar, State};

const EXPORTS: [&str; 4] = [
    include_str!("../testdata/aws-windows.ics"),
    include_str!("../testdata/google.ics"),
    include_str!("../testdata/outlook.ics"),
    include_str!("../testdata/icloud.ics"),
];

/// All that a text says, but not on which line.
fn said(text: &[u8]) -> (Vec<String>, Contents) {
    let mut contents = ics::read(text, None, None).unwrap_or_else(|error| panic!("{error}"));
    let series = contents.series.iter().map(describe).collect();
    contents.series.clear();
    (series, contents)
}

/// Texts that are nearly calendars: lines of exports, cut and shuffled.
fn scraps() -> impl Strategy<Value = Vec<u8>> {
    let lines: Vec<&str> = EXPORTS
        .iter()
        .flat_map(|text| text.split_inclusive('\n'))
        .collect();
    let scrap = (
        prop::sample::select(lines),
        any::<Index>(),
        any::<Index>(),
        0u8..8,
    )
        .prop_map(|(line, from, to, whole)| {
            let (from, to) = (from.index(line.len()), to.index(line.len()));
            let octets = line.as_bytes();
            if whole > 0 {
                octets.to_vec()
            } else {
                octets[from.min(to)..from.max(to)].to_vec()
            }
        });
    prop::collection::vec(scrap, 0..60).prop_map(|scraps| scraps.concat())
}

/// Texts that are calendars but for one place, where some octets stand instead of others.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let replacement = prop::collection::vec(any::<u8>(), 0..4);
    (
        prop::sample::select(EXPORTS.to_vec()),
        any::<Index>(),
        0usize..4,
        replacement,
    )
        .prop_map(|(text, at, removed, replacement)| {
            let mut octets = text.as_bytes().to_vec();
            let at = at.index(octets.len());
            let end = octets.len().min(at + removed);
            octets.splice(at..end, replacement);
            octets
        })
}

fn minutes(offset: i64) -> DateTime {
    date(2026, 1, 1).at(0, 0, 0, 0) + offset.minutes()
}

fn written(time: DateTime) -> String {
    time.strftime("%Y%m%dT%H%M%S").to_string()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_text_makes_us_panic(
        text in prop_oneof![prop::collection::vec(any::<u8>(), 0..400), scraps(), damaged()]
    ) {
        if let Ok(contents) = ics::read(&text, None, None) {
            let _ = Calendar::compile(State::Open, &contents.series);
        }
    }

    #[test]
    fn an_error_names_its_line(text in damaged()) {
        if let Err(error) = ics::read(&text, None, None) {
            let message = error.to_string();
            prop_assert!(message.starts_with("line "), "{}", message);
            prop_assert!(message.len() < 400 && !message.contains(char::is_control), "{}", message);
        }
    }

    #[test]
    fn folding_anywhere_changes_nothing(
        text in prop::sample::select(EXPORTS.to_vec()),
        folds in prop::collection::vec((any::<Index>(), prop::sample::select(vec!["\r\n ", "\n ", "\r\n\t"])), 0..40),
    ) {
        let mut folded = text.as_bytes().to_vec();
        for (at, fold) in folds {
            let at = at.index(folded.len());
            // Between the octets of a line, and not before what a fold has to stand behind.
            let inside = at > 0 && !b"\r\n".contains(&folded[at - 1]) && folded[at] != b'\n';
            if inside {
                folded.splice(at..at, fold.bytes());
            }
        }
        prop_assert_eq!(said(text.as_bytes()).0, said(&folded).0);
    }

    #[test]
    fn line_ends_of_both_kinds_read_alike(text in prop::sample::select(EXPORTS.to_vec())) {
        let (one, other) = (said(text.as_bytes()), said(text.replace("\r\n", "\n").as_bytes()));
        prop_assert_eq!(format!("{one:?}"), format!("{other:?}"));
    }

    #[test]
    fn a_written_event_reads_back_the_same(
        name in "[ -~äß€]{1,40}",
        begin in 0i64..2_000_000,
        length in 1i64..500_000,
        zone in prop::sample::select(vec!["Asia/Tokyo", "America/New_York", "W. Europe Standard Time"]),
        extras in prop::collection::vec(0i64..2_000_000, 0..5),
    ) {
        let (start, end) = (minutes(begin), minutes(begin + length));
        let escaped = name.replace('\\', "\\\\").replace(';', "\\;").replace(',', "\\,");
        let dates: Vec<_> = extras.iter().map(|offset| minutes(*offset)).collect();
        let mut properties = format!(
            "SUMMARY:{escaped}\nDTSTART;TZID={zone}:{}\nDTEND;TZID={zone}:{}",
            written(start),
            written(end),
        );
        let mut expected = format!("{start} {zone} to {end}");
        if !dates.is_empty() {
            let list: Vec<_> = dates.iter().map(|time| written(*time)).collect();
            write!(properties, "\nRDATE;TZID={zone}:{}", list.join(",")).unwrap();
            expected.extend(dates.iter().map(|time| format!(" and {time} {zone}")));
        }
        let words: Vec<_> = name.split_whitespace().collect();
        let shown = if words.is_empty() { "a".to_owned() } else { words.join(" ") };
        prop_assert_eq!(events(&event(&properties)), [format!("{shown}: {expected}")]);
    }
}
