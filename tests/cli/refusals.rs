//! What is refused: with 2, by the field's name, at once, and without much memory.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{Ended, calendar, given, manifest, paramsync};

/// For a busy machine; what is quadratic takes minutes.
const LIMIT: Duration = Duration::from_secs(10);
/// Of address space, in KiB; the program itself takes most of it.
const MEMORY: &str = "786432";

/// Asks `state` of a calendar, in bounded memory.
fn refused(text: impl AsRef<[u8]>) -> Ended {
    let mut shell = Command::new("sh");
    shell.args(["-c", "ulimit -v \"$0\" && exec \"$@\"", MEMORY]);
    shell
        .arg(paramsync().get_program())
        .args(["calendar", "state", "-f", "-"]);
    let begun = Instant::now();
    let ended = given(&mut shell, text.as_ref());
    let took = begun.elapsed();
    assert!(took < LIMIT, "{took:?}: {}", ended.stderr);
    ended
}

fn assert_refused(what: &str, text: impl AsRef<[u8]>, expected: &str) {
    let ended = refused(text);
    assert_eq!(
        (ended.code, ended.stdout.as_str()),
        (2, ""),
        "{what}: {}",
        ended.stderr
    );
    let message = ended.stderr.strip_prefix("paramsync: ").unwrap_or_default();
    assert!(
        message.starts_with(expected),
        "{what}: {}instead of {expected}",
        ended.stderr
    );
    assert!(
        message.len() < 500 && message.lines().count() == 1,
        "{what}: {message}"
    );
}

/// A calendar of one event that is right but for these fields.
fn event(change: Value) -> String {
    let mut event = json!({"name": "a", "start": "2026-01-05T22:00:00", "end": "2026-01-06T06:00:00"});
    let (Value::Object(event_fields), Value::Object(changes)) = (&mut event, change) else {
        panic!("fields");
    };
    event_fields.extend(changes);
    calendar("Open", "Asia/Tokyo", &json!([event]))
}

fn ics(event: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:a\r\n{}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
        event.replace('\n', "\r\n")
    )
}

#[test]
fn events_that_cannot_be_meant() {
    for (what, change, expected) in [
        (
            "unknown zone",
            json!({"timeZone": "Europe/Atlantis"}),
            "spec.events[0].timeZone: time zone",
        ),
        (
            "a zone's offset",
            json!({"timeZone": "+09:00"}),
            "spec.events[0].timeZone: time zone",
        ),
        (
            "unknown part",
            json!({"recurrence": "FREQ=DAILY;BYEASTER=1"}),
            "spec.events[0].recurrence: \"BYEASTER",
        ),
        (
            "misspelt frequency",
            json!({"recurrence": "FREQ=DALY"}),
            "spec.events[0].recurrence: \"FREQ=DALY\"",
        ),
        (
            "interval of 0",
            json!({"recurrence": "FREQ=DAILY;INTERVAL=0"}),
            "spec.events[0].recurrence: \"INTERVAL=0\"",
        ),
        (
            "a billion times",
            json!({"recurrence": "FREQ=DAILY;COUNT=1000000000"}),
            "spec.events[0].recurrence: \"COUNT=1000000000\"",
        ),
        (
            "two rules",
            json!({"recurrence": "FREQ=DAILY\nFREQ=WEEKLY"}),
            "spec.events[0].recurrence: ",
        ),
        (
            "every second",
            json!({"recurrence": "FREQ=SECONDLY"}),
            "spec.events[0].recurrence: ",
        ),
        (
            "a day that never comes",
            json!({"recurrence": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"}),
            "spec.events[0]",
        ),
        (
            "end before start",
            json!({"end": "2026-01-05T21:00:00"}),
            "spec.events[0]: ",
        ),
        (
            "end at start",
            json!({"end": "2026-01-05T22:00:00"}),
            "spec.events[0]: ",
        ),
        (
            "no such day",
            json!({"start": "2026-02-30T22:00:00"}),
            "spec.events[0].start: ",
        ),
        (
            "end and duration",
            json!({"duration": "PT8H"}),
            "spec.events[0].duration: \"PT8H\" stands beside end",
        ),
        (
            "hours for a day",
            json!({"start": "2026-01-05", "end": "2026-01-06T00:00:00"}),
            "spec.events[0].end: ",
        ),
        (
            "misspelt field",
            json!({"exceptDate": ["2026-01-12"]}),
            "spec.events[0].exceptDate: is no field there; there are advisory, duration, end, exceptDates, name, ",
        ),
        (
            "a field in lower case",
            json!({"timezone": "UTC"}),
            "spec.events[0].timezone: is no field there",
        ),
        (
            "a list for a text",
            json!({"recurrence": ["FREQ=DAILY"]}),
            "spec.events[0].recurrence: ",
        ),
        (
            "a number for a text",
            json!({"name": 7}),
            "spec.events[0].name: \"7\" is no string; put it in quotes",
        ),
        (
            "a text for a switch",
            json!({"advisory": "no"}),
            "spec.events[0].advisory: \"\\\"no\\\"\" is no boolean",
        ),
        (
            "nothing",
            json!({"exceptDates": null}),
            "spec.events[0].exceptDates: \"null\" is nothing",
        ),
        (
            "exceptions from nothing",
            json!({"exceptDates": ["2026-01-12"]}),
            "spec.events[0].exceptDates: needs",
        ),
        (
            "no name",
            json!({"name": ""}),
            "spec.events[0].name: has 0 of at least 1",
        ),
        (
            "a long rule",
            json!({"recurrence": "FREQ=DAILY;".repeat(100)}),
            "spec.events[0].recurrence: has 1100 of at most 512",
        ),
    ] {
        assert_refused(what, event(change), expected);
    }
}

#[test]
fn objects_that_are_no_calendars() {
    let day = json!([{"name": "a", "start": "2026-01-05T00:00:00Z", "duration": "P1D"}]);
    let of = |spec: Value| manifest("ChangeCalendar", &spec);
    let right = of(json!({"events": day}));
    let sample = "BEGIN:VCALENDAR\nVERSION:2.0\nEND:VCALENDAR\n";
    for (what, text, expected) in [
        (
            "another version",
            right.replace("v1alpha1", "v1"),
            "apiVersion: \"paramsync.dev/v1\" is no calendar's",
        ),
        (
            "another kind",
            right.replace("ChangeCalendar", "ParameterSync"),
            "kind: \"ParameterSync\" is no calendar's",
        ),
        (
            "no kind",
            right.replace("\"kind\"", "\"kin\""),
            "kind: is missing",
        ),
        (
            "a field beside spec",
            right.replace("\"metadata\"", "\"meta\""),
            "meta: is no field there",
        ),
        (
            "a misspelt label",
            right.replace("\"namespace\"", "\"nameSpace\""),
            "metadata.nameSpace: is no field there",
        ),
        (
            "no spec",
            right.replace("\"spec\"", "\"status\""),
            "spec: is missing",
        ),
        (
            "no origin",
            of(json!({"timeZone": "UTC"})),
            "spec: give exactly one of events, ics and aws",
        ),
        (
            "two origins",
            of(json!({"events": day, "ics": sample})),
            "spec: give exactly one of",
        ),
        (
            "events beside AWS",
            of(json!({"events": day, "aws": {"documents": ["year-end"]}})),
            "spec: give exactly one of",
        ),
        (
            "AWS",
            of(json!({"aws": {"documents": ["year-end"]}})),
            "spec.aws: is evaluated by AWS, and cannot be told",
        ),
        (
            "no events",
            of(json!({"events": []})),
            "spec.events: has 0 of at least 1",
        ),
        (
            "a selector of the other kind",
            of(json!({"events": day, "namespaceSelector": {}})),
            "spec.namespaceSelector: is no field",
        ),
        (
            "another state",
            of(json!({"events": day, "defaultState": "Shut"})),
            "spec.defaultState: \"Shut\" is none of Open, Closed",
        ),
        (
            "one name twice",
            of(json!({"events": [day[0], day[0]]})),
            "spec.events[1].name: \"a\" stands there twice",
        ),
        (
            "a local time without a zone",
            of(json!({"events": [{"name": "a", "start": "2026-01-05"}]})),
            "spec.timeZone: is missing",
        ),
        (
            "two documents",
            format!("{right}\n---\n{right}"),
            "--file: holds 2 documents",
        ),
        ("no document", "# nothing\n".to_owned(), "--file: holds no object"),
        ("a list", format!("[{right}]"), "--file: holds no object"),
        (
            "one key twice",
            right.replace("\"spec\"", "\"kind\""),
            "--file: is no YAML and no JSON: duplicate mapping key `kind` is not allowed here",
        ),
        (
            "no YAML",
            "kind: [".to_owned(),
            "--file: is no YAML and no JSON: ",
        ),
        (
            "contradicting states",
            of(
                json!({"defaultState": "Open", "ics": sample.replace("END:", "X-CALENDAR-TYPE:DEFAULT_CLOSED\nEND:")}),
            ),
            "line 3: X-CALENDAR-TYPE: ",
        ),
    ] {
        assert_refused(what, text, expected);
    }
    let selector = json!({"matchExpressions": [{"key": "tier", "operator": "In"}]});
    assert_refused(
        "In without values",
        manifest(
            "ClusterChangeCalendar",
            &json!({"events": day, "namespaceSelector": selector}),
        ),
        "spec.namespaceSelector.matchExpressions[0].values: In and NotIn need values",
    );
    assert_refused(
        "no UTF-8",
        b"kind: a\nb: \xFF\n",
        "--file: is not UTF-8 from line 2 on",
    );
}

#[test]
fn icalendar_text_that_cannot_be_meant() {
    let times = "DTSTART;TZID=Asia/Tokyo:20260105T220000\nDTEND;TZID=Asia/Tokyo:20260106T060000\n";
    let rule = |rule: &str| ics(&format!("{times}RRULE:{rule}"));
    for (what, text, expected) in [
        (
            "unknown zone",
            ics(&times.replace("Tokyo:2026", "Atlantis:2026")),
            "line 5: DTSTART: time zone",
        ),
        (
            "unknown part",
            rule("FREQ=DAILY;BYEASTER=1"),
            "line 7: RRULE: \"BYEASTER",
        ),
        (
            "misspelt frequency",
            rule("FREQ=DALY"),
            "line 7: RRULE: \"FREQ=DALY\"",
        ),
        (
            "interval of 0",
            rule("FREQ=DAILY;INTERVAL=0"),
            "line 7: RRULE: \"INTERVAL=0\"",
        ),
        (
            "a billion times",
            rule("FREQ=DAILY;COUNT=1000000000"),
            "line 7: RRULE: \"COUNT=1000000000\"",
        ),
        (
            "two rules",
            rule("FREQ=DAILY\nRRULE:FREQ=WEEKLY"),
            "line 8: RRULE: \"FREQ=WEEKLY\" is the second",
        ),
        (
            "end before start",
            ics(&times.replace("20260106", "20260104")),
            "line 3: VEVENT: ",
        ),
        (
            "misspelt property",
            ics(&format!("{times}RULE:FREQ=DAILY")),
            "line 7: RULE: ",
        ),
    ] {
        assert_refused(what, text.trim_end(), expected);
    }
}

#[test]
fn what_is_made_to_cost() {
    let event = "BEGIN:VEVENT\nUID:a\nDTSTART:20260105T000000Z\nDURATION:P1D\nEND:VEVENT\n";
    let inside = |text: &str| format!("BEGIN:VCALENDAR\nVERSION:2.0\n{text}END:VCALENDAR\n");
    let events = |count: usize| {
        let events: Vec<_> = (0..count)
            .map(|index| json!({"name": format!("e{index}"), "start": "2026-01-05T00:00:00Z", "duration": "P1D"}))
            .collect();
        manifest("ChangeCalendar", &json!({"events": events}))
    };
    let document = |ics: &str| manifest("ChangeCalendar", &json!({"ics": ics}));
    let nested = "BEGIN:VCALENDAR\n".repeat(10_000);
    for (what, text, expected) in [
        (
            "a line of 20 MB",
            inside(&format!("X-A:{}\n", "b".repeat(20_000_000))),
            "--file: is longer than",
        ),
        (
            "a line of 50 KB",
            inside(&format!("X-A:{}\n", "b".repeat(50_000))),
            "line 3: is longer than 8192 octets",
        ),
        (
            "10,000 nested components",
            nested.clone(),
            "text: is 160000 octets long, and may be 65536",
        ),
        (
            "4,000 nested components",
            "BEGIN:VCALENDAR\n".repeat(4_000),
            "line 2: BEGIN: ",
        ),
        (
            "the same in a manifest",
            document(&"BEGIN:VCALENDAR\n".repeat(4_000)),
            "line 2: BEGIN: ",
        ),
        (
            "10,000 in a manifest",
            document(&nested),
            "spec.ics: has 160000 of at most 65536",
        ),
        (
            "100,000 events",
            inside(&event.repeat(100_000)),
            "--file: is longer than",
        ),
        ("800 events", inside(&event.repeat(800)), "line "),
        (
            "100,000 events in a manifest",
            events(100_000),
            "--file: is longer than",
        ),
        (
            "20,000 events in a manifest",
            events(20_000),
            "spec.events: has 20000 of at most 500",
        ),
        (
            "a string of 20 MB",
            document(&"b".repeat(20_000_000)),
            "--file: is longer than",
        ),
        (
            "nested lists",
            "[".repeat(100_000),
            "--file: is no YAML and no JSON: ",
        ),
        (
            "nested blocks",
            "- ".repeat(100_000),
            "--file: is no YAML and no JSON: ",
        ),
        (
            "lists that hold each other ever more often",
            (1..40).fold("a0: &a0 [x]\n".to_owned(), |text, index| {
                let below = format!("*a{}, ", index - 1).repeat(9);
                format!("{text}a{index}: &a{index} [{below}]\n")
            }),
            "--file: is no YAML and no JSON: ",
        ),
    ] {
        assert_refused(what, text, expected);
    }
}

#[test]
fn a_file_without_end() {
    let mut endless = paramsync();
    let begun = Instant::now();
    let ended = given(endless.args(["calendar", "lint", "-f", "/dev/zero"]), b"");
    assert!(begun.elapsed() < LIMIT);
    assert_eq!(ended.code, 2);
    assert!(
        ended
            .stderr
            .starts_with("paramsync: --file: is longer than 3145728 octets"),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_calendar_that_costs_too_much_to_evaluate() {
    let all: Vec<String> = (0..60).map(|number| number.to_string()).collect();
    let rule = format!(
        "FREQ=DAILY;BYHOUR={};BYMINUTE={}",
        all[..24].join(","),
        all.join(",")
    );
    let ended = refused(event(json!({"recurrence": rule, "end": "2026-01-05T22:00:30"})));
    assert_eq!(ended.code, 2, "{}", ended.stdout);
    assert!(
        ended.stderr.contains("more than 10000 intervals"),
        "{}",
        ended.stderr
    );
}
