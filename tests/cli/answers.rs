//! What `state`, `eval` and `lint` answer.

use serde_json::{Value, json};

use crate::{alternating, asked, calendar, evaluated, file, given, manifest, paramsync};

fn freeze() -> String {
    let freeze = json!([{"name": "freeze", "start": "2026-01-10T00:00:00", "end": "2026-01-12T00:00:00"}]);
    calendar("Open", "UTC", &freeze)
}

fn state(calendar: &str, at: &str) -> Value {
    asked(&["state", "-o", "json", "--at", at], calendar).json()
}

#[test]
fn an_event_closes_from_its_first_instant_and_no_longer_at_its_last() {
    for (at, expected) in [
        (
            "2026-01-09T23:59:59.999Z",
            json!({"state": "Open", "nextTransition": "2026-01-10T00:00:00Z"}),
        ),
        (
            "2026-01-10T00:00:00Z",
            json!({"state": "Closed", "event": "freeze", "nextTransition": "2026-01-12T00:00:00Z"}),
        ),
        (
            "2026-01-12T08:59:59+09:00",
            json!({"state": "Closed", "event": "freeze", "nextTransition": "2026-01-12T00:00:00Z"}),
        ),
        ("2026-01-12", json!({"state": "Open"})),
    ] {
        assert_eq!(state(&freeze(), at), expected, "{at}");
    }
}

#[test]
fn a_transition_beyond_two_years_is_none() {
    assert_eq!(state(&freeze(), "2023-12-31"), json!({"state": "Open"}));
    assert_eq!(
        state(&freeze(), "2024-01-11"),
        json!({"state": "Open", "nextTransition": "2026-01-10T00:00:00Z"})
    );
}

#[test]
fn without_a_time_the_state_is_that_of_now() {
    let year = "2026-01-01";
    let always = json!([{"name": "always", "start": year, "recurrence": "FREQ=DAILY"}]);
    let answer = asked(&["state", "-o", "json"], calendar("Open", "UTC", &always)).json();
    assert_eq!(answer, json!({"state": "Closed", "event": "always"}));
}

#[test]
fn touching_and_overlapping_events_are_one_interval() {
    let events = json!([
        {"name": "a", "start": "2026-01-10T00:00:00", "end": "2026-01-11T00:00:00"},
        {"name": "b", "start": "2026-01-11T00:00:00", "end": "2026-01-12T00:00:00"},
        {"name": "c", "start": "2026-01-11T12:00:00", "end": "2026-01-13T00:00:00"},
    ]);
    let window = ["2026-01-09T00:00:00Z", "2026-01-14T00:00:00Z"];
    let answer = asked(
        &["eval", "-o", "json", "--from", window[0], "--to", window[1]],
        calendar("Open", "UTC", &events),
    );
    assert_eq!(
        answer.json(),
        json!({
            "intervals": [
                {"from": "2026-01-09T00:00:00Z", "to": "2026-01-10T00:00:00Z", "state": "Open"},
                {"from": "2026-01-10T00:00:00Z", "to": "2026-01-13T00:00:00Z", "state": "Closed", "event": "a"},
                {"from": "2026-01-13T00:00:00Z", "to": "2026-01-14T00:00:00Z", "state": "Open"},
            ],
            "horizon": "2026-01-14T00:00:00Z",
        })
    );
}

#[test]
fn a_window_that_an_event_covers_is_one_interval_and_edges_belong_to_what_begins() {
    for (from, to, first, edges) in [
        ("2026-01-10T00:00:00Z", "2026-01-12T00:00:00Z", "Closed", &[][..]),
        ("2026-01-11T00:00:00Z", "2026-01-11T00:00:01Z", "Closed", &[]),
        ("2026-01-12T00:00:00Z", "2026-01-13T00:00:00Z", "Open", &[]),
        ("2026-01-09T00:00:00Z", "2026-01-10T00:00:00Z", "Open", &[]),
        (
            "2026-01-11T00:00:00Z",
            "2026-01-12T00:00:01Z",
            "Closed",
            &["2026-01-12T00:00:00Z"],
        ),
    ] {
        let answer = asked(&["eval", "-o", "json", "--from", from, "--to", to], freeze());
        let edges = [&[from], edges, &[to]].concat();
        assert_eq!(evaluated(answer, from, to), alternating(first, &edges));
    }
}

#[test]
fn two_centuries_of_nights_are_told_whole() {
    let nights = json!([{"name": "night", "start": "1970-01-01T22:00:00Z", "duration": "PT8H", "recurrence": "FREQ=DAILY"}]);
    let (from, to) = ("1970-01-01T00:00:00Z", "2100-01-01T00:00:00Z");
    let answer = asked(
        &["eval", "-o", "json", "--from", from, "--to", to],
        calendar("Open", "UTC", &nights),
    );
    let days = 130 * 365 + 32;
    // The last night is cut at the window's end.
    assert_eq!(evaluated(answer, from, to).len(), 2 * days);
}

#[test]
fn what_is_too_dense_for_its_window_is_told_up_to_a_horizon() {
    let hours: Vec<String> = (0..24).map(|hour| hour.to_string()).collect();
    let rule = format!("FREQ=DAILY;BYHOUR={};BYMINUTE=0,10,20,30,40,50", hours.join(","));
    let often =
        json!([{"name": "often", "start": "2026-01-01T00:00:00Z", "duration": "PT5M", "recurrence": rule}]);
    let question = ["eval", "--from", "2026-01-01", "--to", "2199-01-01"];
    let answer = asked(
        &[&question[..], &["-o", "json"]].concat(),
        calendar("Open", "UTC", &often),
    )
    .json();
    let intervals = answer["intervals"].as_array().unwrap();
    assert!(
        (100_000..120_000).contains(&intervals.len()),
        "{}",
        intervals.len()
    );
    let horizon = &answer["horizon"];
    assert_eq!(horizon, &intervals.last().unwrap()["to"]);
    assert!(horizon.as_str().unwrap() < "2027-06", "{horizon}");
    let text = asked(&question, calendar("Open", "UTC", &often)).told();
    let advice = format!("go on with --from {}\n", horizon.as_str().unwrap());
    assert!(text.ends_with(&advice), "{advice}");
}

#[test]
fn people_are_told_the_week_as_bars() {
    let nights = json!([{
        "name": "night",
        "start": "2026-01-05T22:15:00",
        "end": "2026-01-06T06:00:00",
        "recurrence": "FREQ=WEEKLY;BYDAY=MO,TU"
    }]);
    let text = asked(
        &["state", "--at", "2026-01-05T23:00:00Z"],
        calendar("Open", "UTC", &nights),
    )
    .told();
    let night = format!("{}+###", ".".repeat(44));
    let morning = format!("{}{}", "#".repeat(12), ".".repeat(36));
    let both = format!("{}{}+###", "#".repeat(12), ".".repeat(32));
    let open = ".".repeat(48);
    let expected = format!(
        "AT                    STATE   UNTIL                 EVENT
2026-01-05T23:00:00Z  Closed  2026-01-06T06:00:00Z  night

The week in UTC, half an hour a character: # closed, . open, + both
                0     3     6     9     12    15    18    21
Mon 2026-01-05  {night}
Tue 2026-01-06  {both}
Wed 2026-01-07  {morning}
Thu 2026-01-08  {open}
Fri 2026-01-09  {open}
Sat 2026-01-10  {open}
Sun 2026-01-11  {open}
"
    );
    assert_eq!(text, expected);
}

#[test]
fn people_are_told_intervals_as_rows() {
    let text = asked(&["eval", "--from", "2026-01-09", "--to", "2026-01-11"], freeze()).told();
    assert_eq!(
        text,
        "FROM                  TO                    STATE   EVENT
2026-01-09T00:00:00Z  2026-01-10T00:00:00Z  Open    -
2026-01-10T00:00:00Z  2026-01-11T00:00:00Z  Closed  freeze
"
    );
}

#[test]
fn yaml_json_and_icalendar_are_told_apart_by_what_they_begin_with() {
    let yaml = "\u{feff}# a comment\n---\napiVersion: paramsync.dev/v1alpha1\nkind: ClusterChangeCalendar\nspec:\n  \
                timeZone: UTC\n  events:\n    - {name: a, start: 2026-01-10}\n  namespaceSelector: {}\n---\n";
    let json = manifest(
        "ChangeCalendar",
        &json!({"events": [{"name": "a", "start": "2026-01-10T00:00:00Z", "duration": "P1D"}]}),
    );
    let tabs = "{\n\t\"apiVersion\": \"paramsync.dev/v1alpha1\",\n\t\"kind\": \"ChangeCalendar\",\n\t\"spec\": \
                {\"timeZone\": \"UTC\", \"events\": [\n\t\t{\"name\": \"a\", \"start\": \"2026-01-10\"}\n\t]}\n}\n";
    let ics = "\u{feff}\r\n\r\nBEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:a\r\nSUMMARY:a\r\n\
               DTSTART:20260110T000000Z\r\nDURATION:P1D\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    for text in [yaml, &json, tabs, ics] {
        assert_eq!(
            state(text, "2026-01-10T12:00:00Z"),
            json!({"state": "Closed", "event": "a", "nextTransition": "2026-01-11T00:00:00Z"}),
            "{text}"
        );
    }
}

#[test]
fn what_the_api_server_gives_back_is_read_too() {
    let live = json!({
        "apiVersion": "paramsync.dev/v1alpha1",
        "kind": "ChangeCalendar",
        "metadata": {
            "name": "a", "namespace": "b", "uid": "c", "resourceVersion": "7", "generation": 2,
            "creationTimestamp": "2026-01-01T00:00:00Z",
            "managedFields": [{"manager": "kubectl", "operation": "Apply", "fieldsV1": {"f:spec": {}}}],
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"},
        },
        "spec": {"events": [{"name": "a", "start": "2026-01-10T00:00:00Z", "duration": "P1D"}]},
        "status": {"observedGeneration": 2, "state": "Open", "conditions": []},
    });
    assert_eq!(state(&live.to_string(), "2026-02-01"), json!({"state": "Open"}));
}

#[test]
fn warnings_are_told_and_fail_only_where_that_is_asked() {
    let odd = calendar(
        "Open",
        "Europe/Berlin",
        &json!([
            {"name": "gone", "start": "2025-01-01"},
            {"name": "late", "start": "2026-01-05T22:00:00", "duration": "PT1H", "recurrence": "FREQ=WEEKLY;BYDAY=TU"},
        ]),
    );
    let expected = [
        (
            "spec.events[1]",
            "the rule does not yield the start 2026-01-05T22:00:00; the first occurrence is at 2026-01-06T22:00:00; \
             write that as the start",
        ),
        ("spec.events[0]", "has no occurrence left; remove it"),
    ];
    let lines: String = expected
        .map(|(field, message)| format!("{field}: {message}\n"))
        .concat();
    let question = ["lint", "--at", "2026-01-01"];
    assert_eq!(asked(&question, &odd).told(), lines);
    assert_eq!(
        asked(&[&question[..], &["-o", "json"]].concat(), &odd).json(),
        json!({"warnings": expected.map(|(field, message)| json!({"field": field, "message": message}))})
    );
    let strict = asked(&[&question[..], &["--strict"]].concat(), &odd);
    assert_eq!(
        (strict.code, strict.stdout.as_str(), strict.stderr.as_str()),
        (1, lines.as_str(), "paramsync: --strict: there are warnings (2)\n")
    );
}

#[test]
fn each_oddity_is_warned_of() {
    let day = |start: &str, end: &str| json!([{"name": "a", "start": start, "end": end}]);
    let until = json!([{
        "name": "a", "start": "2026-01-05T22:00:00", "duration": "PT1H",
        "recurrence": "FREQ=DAILY;UNTIL=20270105T220000"
    }]);
    let short = json!([
        {"name": "a", "start": "2026-01-05T00:00:00Z", "end": "2026-01-06T00:00:00Z"},
        {"name": "b", "start": "2026-01-06T00:04:00Z", "end": "2026-01-07T00:00:00Z"},
    ]);
    for (default_state, events, expected) in [
        (
            "Closed",
            day("2026-12-01", "2026-12-02"),
            "calendar: does not open within 92 days",
        ),
        (
            "Open",
            day("2026-01-10", "2026-05-01"),
            "calendar: is closed for more than 90 days on end",
        ),
        (
            "Open",
            short,
            "calendar: opens for less than 5 minutes at 2026-01-06T00:00:00Z",
        ),
        (
            "Open",
            until,
            "spec.events[0]: UNTIL is read as local time in UTC",
        ),
    ] {
        let text = asked(
            &["lint", "--at", "2026-01-01"],
            calendar(default_state, "UTC", &events),
        )
        .told();
        assert!(text.starts_with(expected), "{text}\ninstead of {expected}");
        assert_eq!(text.lines().count(), 1, "{text}");
    }
}

#[test]
fn whoever_holds_every_first_sync_is_told_what_a_rebuilt_cluster_comes_to() {
    let manifest = |first_sync: &str| {
        json!({
            "apiVersion": "paramsync.dev/v1alpha1", "kind": "ClusterChangeCalendar",
            "spec": {
                "events": [{"name": "a", "start": "2026-01-05T00:00:00Z", "end": "2026-01-06T00:00:00Z"}],
                "freeze": {"firstSync": first_sync},
            },
        })
        .to_string()
    };
    let lint = |first_sync: &str| asked(&["lint", "--at", "2026-01-01"], manifest(first_sync)).told();
    let told = lint("Hold");
    assert!(
        told.starts_with("spec.freeze.firstSync: is Hold: in a cluster that is rebuilt"),
        "{told}"
    );
    assert_eq!(told.lines().count(), 1, "{told}");
    for quiet in ["NewNamespaces", "Allow"] {
        assert_eq!(lint(quiet), "", "{quiet}");
    }
}

#[test]
fn a_calendar_of_which_nothing_is_odd_is_told_in_no_word() {
    let plain =
        json!([{"name": "a", "start": "2026-01-05", "duration": "P1D", "recurrence": "FREQ=MONTHLY"}]);
    let plain = calendar("Open", "UTC", &plain);
    assert_eq!(
        asked(&["lint", "--strict", "--at", "2026-01-01"], &plain).told(),
        ""
    );
    let answer = asked(&["lint", "-o", "json", "--at", "2026-01-01"], &plain).json();
    assert_eq!(answer, json!({"warnings": []}));
}

#[test]
fn whoever_stops_listening_is_no_failure() {
    let mut shell = std::process::Command::new("sh");
    let command =
        "\"$0\" calendar eval -f \"$1\" --from 1970-01-01 --to 2200-01-01 | head -n 1; exec 1>&2; echo done";
    shell
        .args(["-c", command])
        .arg(paramsync().get_program())
        .arg(file("examples/calendars/business-hours.yaml"));
    let ended = given(&mut shell, b"");
    assert!(ended.stdout.starts_with("FROM "), "{}", ended.stdout);
    assert_eq!(ended.stderr, "done\n");
}
