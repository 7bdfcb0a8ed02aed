//! Freezes that hold: what a closed calendar stops, what is seen of it, and how it ends.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use harness::{Case, DefaultState};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::kept::{LastGood, becomes, force, force_and_wait, not_ready, told};
use super::support::suite;
use super::writes::Writes;

const SOME: Duration = Duration::from_secs(30);
pub(super) const QUIET: &str = "interval: 24h\nsources: [{path: /web}]";
/// The goal is 2 s; the machine that runs the tests may be busy.
const SOON: Duration = Duration::from_secs(6);

pub(super) fn from_now(seconds: i64) -> Timestamp {
    let at = Timestamp::now() + SignedDuration::from_secs(seconds);
    Timestamp::from_second(at.as_second()).unwrap()
}

/// A ClusterChangeCalendar of the case's name that binds its namespace; `rest` is the rest of its spec.
pub(super) fn calendar(case: &Case<'_>, rest: &str) -> String {
    let name = case.namespace();
    format!(
        "apiVersion: paramsync.dev/v1alpha1\nkind: ClusterChangeCalendar\nmetadata: {{name: {name}}}\nspec:\n  \
         namespaceSelector: {{matchLabels: {{kubernetes.io/metadata.name: {name}}}}}\n  {}\n",
        rest.trim_matches('\n').replace('\n', "\n  ")
    )
}

pub(super) fn event(from: Timestamp, to: Timestamp) -> String {
    format!("events: [{{name: freeze, start: \"{from}\", end: \"{to}\"}}]")
}

/// Binds the case's namespace by a calendar that is closed for an hour, and waits until it is.
pub(super) async fn close(case: &Case<'_>, rest: &str) {
    let event = event(from_now(-3600), from_now(3600));
    case.apply(&calendar(case, &format!("{event}\n{rest}"))).await;
    calendar_is(case, "Closed").await;
}

pub(super) async fn calendar_is(case: &Case<'_>, state: &str) {
    case.eventually(SOME, &format!("the calendar is {state}"), async || {
        let object = case.get_json("ClusterChangeCalendar", case.namespace()).await?;
        let current = object["status"]["observedGeneration"] == object["metadata"]["generation"];
        (current && object["status"]["state"] == state).then_some(())
    })
    .await;
}

/// Ends the freeze so many seconds from now; gives the moment.
pub(super) async fn open_in(case: &Case<'_>, seconds: i64) -> Timestamp {
    let end = from_now(seconds);
    case.apply(&calendar(case, &event(from_now(-3600), end))).await;
    end
}

pub(super) async fn status(case: &Case<'_>, name: &str) -> Value {
    case.get_json("ParameterSync", name).await.unwrap()["status"].clone()
}

/// Waits until a condition is False for a calendar's sake, and says all of `says`. What it says follows the calendar,
/// while its reason stays.
async fn waits(case: &Case<'_>, name: &str, kind: &str, says: &[&str]) {
    let what = format!("{kind} of {name} is FrozenByCalendar and says {says:?}");
    case.eventually(SOME, &what, async || {
        let condition = case.condition("ParameterSync", name, kind).await?;
        let said = says.iter().all(|word| condition.message.contains(word));
        (condition.status == "False" && condition.reason == "FrozenByCalendar" && said).then_some(())
    })
    .await;
}

pub(super) async fn frozen(case: &Case<'_>, name: &str, says: &[&str]) {
    waits(case, name, "UpToDate", says).await;
}

/// Waits until a calendar's Ready condition is False for this reason; gives its message.
async fn not_evaluated(case: &Case<'_>, kind: &str, name: &str, reason: &str) -> String {
    let what = format!("{kind} {name} is not Ready: {reason}");
    case.eventually(SOME, &what, async || {
        let ready = case.condition(kind, name, "Ready").await?;
        (ready.status == "False" && ready.reason == reason).then_some(ready.message)
    })
    .await
}

async fn reasons(case: &Case<'_>, kind: &str, name: &str) -> Vec<String> {
    let events = case.list_json("Event").await;
    let of =
        |event: &&Value| event["involvedObject"]["kind"] == kind && event["involvedObject"]["name"] == name;
    events
        .iter()
        .filter(of)
        .filter_map(|event| event["reason"].as_str().map(str::to_owned))
        .collect()
}

/// A case whose Secret `web` holds 3 keys, and which is closed then.
pub(super) async fn closed<'a>(name: &str, rest: &str) -> Case<'a> {
    let case = suite().await.case(name).await;
    case.put_many("/web", 3).await;
    case.sync("web", QUIET).await;
    case.wait_ready("web").await;
    close(&case, rest).await;
    case
}

#[tokio::test]
async fn nothing_new_slips_in_while_a_calendar_is_closed_and_status_says_what_waits_until_when() {
    let case = closed("holds", "").await;
    let kept = LastGood::of(&case, "web").await;
    case.put("/web/V01", "new").await;
    // A forced sync looks, says so, and opens nothing.
    force_and_wait(&case, "web", "one").await;
    let calendar = format!("ClusterChangeCalendar/{}", case.namespace());
    frozen(&case, "web", &["1 change waits for", &calendar, " until "]).await;
    assert_eq!(case.wait_ready("web").await.message, "3 keys from 3 parameters");
    let told = status(&case, "web").await;
    assert_eq!(
        told["pending"]["changes"],
        json!([{"name": "/web/V01", "from": 1, "to": 2}])
    );
    assert!(
        told["pending"]["nextOpen"].is_string() && told["pending"]["since"].is_string(),
        "{told}"
    );
    let gate = &told["gates"][0];
    assert_eq!(
        (
            &gate["kind"],
            &gate["name"],
            &gate["boundBy"],
            &gate["state"],
            &gate["until"]
        ),
        (
            &json!("ClusterChangeCalendar"),
            &json!(case.namespace()),
            &json!("Selector"),
            &json!("Closed"),
            &told["pending"]["nextOpen"]
        )
    );
    let line = case.kubectl(&["get", "psync", "web"]).await;
    assert!(
        line.contains("NEXT-OPEN") && line.contains(told["pending"]["nextOpen"].as_str().unwrap()),
        "{line}"
    );

    // Nor does an edit, another annotation, or a name that is added or goes.
    case.sync("web", "interval: 24h\nsources: [{path: /web, exclude: [V00]}]")
        .await;
    case.kubectl(&["annotate", "psync", "web", "example.com/note=now"])
        .await;
    case.put("/web/V99", "added").await;
    case.store().delete("/web/V02").await.unwrap();
    force_and_wait(&case, "web", "two").await;
    case.eventually(SOME, "all that waits is told", async || {
        (status(&case, "web").await["pending"]["total"] == 3).then_some(())
    })
    .await;
    kept.holds(&case).await;
    let waits = reasons(&case, "ParameterSync", "web").await;
    let told = waits
        .iter()
        .filter(|reason| *reason == "FrozenByCalendar")
        .count();
    assert_eq!(told, 1, "{waits:?}");
}

#[tokio::test]
async fn an_end_lets_everything_in_at_once_and_only_the_newest() {
    let case = closed("opens", "").await;
    let writes = Writes::of(&case, "Secret", "web").await;
    case.put("/web/V01", "newer").await;
    case.put("/web/V01", "newest").await;
    force_and_wait(&case, "web", "one").await;
    frozen(&case, "web", &["1 change waits for"]).await;
    let end = open_in(&case, 10).await;
    case.eventually(SOME, "the new end is told", async || {
        (status(&case, "web").await["pending"]["nextOpen"] == end.to_string()).then_some(())
    })
    .await;
    while Timestamp::now() < end {
        assert_eq!(case.secret_value("web", "V01").await.unwrap(), "value-1");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let opened = Instant::now();
    becomes(&case, "web", "V01", "newest").await;
    assert!(
        opened.elapsed() < SOON,
        "{:?} after the opening",
        opened.elapsed()
    );
    told(&case, "web", ("UpToDate", "True", "Synced"), &[]).await;
    assert_eq!(writes.count(), 1, "once, with the newest");
    case.eventually(SOME, "the release is told", async || {
        let told = reasons(&case, "ParameterSync", "web").await;
        told.contains(&"Released".to_owned()).then_some(())
    })
    .await;
    let events = case
        .plane()
        .kubectl(&["get", "events", "-A", "-o", "json"])
        .await
        .unwrap();
    let events: Value = serde_json::from_str(&events).unwrap();
    let of = |event: &&Value| {
        event["involvedObject"]["kind"] == "ClusterChangeCalendar"
            && event["involvedObject"]["name"] == case.namespace()
    };
    let told: Vec<_> = events["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(of)
        .map(|event| &event["reason"])
        .collect();
    assert_eq!(told, ["Opened"], "it was made closed, and opened once");
}

#[tokio::test]
async fn a_broken_or_deleted_secret_comes_back_as_it_was_and_brings_nothing_new_in() {
    let case = closed("repairs", "").await;
    case.put("/web/V01", "new").await;
    force_and_wait(&case, "web", "one").await;
    frozen(&case, "web", &["1 change waits for"]).await;
    case.kubectl(&[
        "patch",
        "secret",
        "web",
        "--type=merge",
        "-p",
        r#"{"stringData":{"V01":"by hand"}}"#,
    ])
    .await;
    becomes(&case, "web", "V01", "value-1").await;
    case.kubectl(&["delete", "secret", "web"]).await;
    case.eventually(SOME, "the Secret again", async || case.secret("web").await)
        .await;
    assert_eq!(case.secret_value("web", "V01").await.unwrap(), "value-1");
    case.wait_ready("web").await;
    frozen(&case, "web", &["1 change waits for"]).await;
}

#[tokio::test]
async fn an_applied_version_that_is_gone_is_not_replaced_by_another() {
    let case = closed("gone", "").await;
    // Made anew under the same number, as if the history had run out.
    case.store().delete("/web/V01").await.unwrap();
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    case.put("/web/V01", "anew").await;
    case.kubectl(&["delete", "secret", "web"]).await;
    not_ready(&case, "web", "RepairBlocked", &["AppliedVersionGone", "/web/V01"]).await;
    assert!(case.secret("web").await.is_none(), "nothing is written");
}

#[tokio::test]
async fn a_hard_freeze_stops_repair_and_every_call_to_aws() {
    let case = closed("hard", "freeze: {scope: All}").await;
    case.sync("fast", "interval: 10s\nsources: [{path: /web}]").await;
    waits(&case, "fast", "Ready", &["the first sync waits for"]).await;
    case.gate().reset_counts();
    case.put("/web/V01", "new").await;
    case.kubectl(&["delete", "secret", "web"]).await;
    waits(&case, "web", "Ready", &["repair waits for"]).await;
    tokio::time::sleep(Duration::from_secs(11)).await;
    assert_eq!(case.gate().counts().reads(), 0, "nobody asks");
    assert!(case.secret("web").await.is_none() && case.secret("fast").await.is_none());
    open_in(&case, 1).await;
    becomes(&case, "web", "V01", "new").await;
    becomes(&case, "fast", "V01", "new").await;
}

#[tokio::test]
async fn a_first_sync_in_a_namespace_made_during_the_closing_goes_through_and_made_anew_it_waits() {
    let case = suite().await.case("first-new").await;
    case.put_many("/web", 3).await;
    close(&case, "").await;
    case.sync("web", QUIET).await;
    case.wait_ready("web").await;
    case.put("/web/V01", "new").await;
    case.kubectl(&["delete", "psync", "web"]).await;
    case.eventually(SOME, "its Secret goes with it", async || {
        case.secret("web").await.is_none().then_some(())
    })
    .await;
    case.sync("web", QUIET).await;
    let anew = "a ParameterSync of this name was in this namespace before";
    waits(
        &case,
        "web",
        "Ready",
        &["the first sync waits for", "NewNamespaces", anew],
    )
    .await;
    assert!(case.secret("web").await.is_none());
    // Another one there is new.
    case.sync("other", QUIET).await;
    case.wait_ready("other").await;
    // What the calendar allows, it allows to all.
    close(&case, "freeze: {firstSync: Allow}").await;
    case.wait_ready("web").await;
}

#[tokio::test]
async fn the_first_sync_goes_through_unless_the_calendar_holds_it() {
    let case = suite().await.case("first-held").await;
    case.put_many("/web", 3).await;
    close(&case, "freeze: {firstSync: Allow}").await;
    case.sync("allowed", QUIET).await;
    case.wait_ready("allowed").await;
    close(&case, "freeze: {firstSync: Hold}").await;
    case.sync("held", QUIET).await;
    waits(&case, "held", "Ready", &["the first sync waits for", "is Hold"]).await;
    assert!(case.secret("held").await.is_none());
    // A wish of the object itself does the same, and cannot make the calendar milder.
    let own = format!("{QUIET}\nchanges: {{firstSync: Allow, scope: Updates}}");
    case.sync("own", &own).await;
    waits(&case, "own", "Ready", &["the first sync waits for"]).await;
    open_in(&case, 1).await;
    case.wait_ready("held").await;
    case.wait_ready("own").await;
}

#[tokio::test]
async fn opening_and_closing_rewrite_no_status_in_which_nothing_waits() {
    let case = suite().await.case("quiet").await;
    case.put_many("/web", 3).await;
    case.sync("web", QUIET).await;
    case.wait_ready("web").await;
    let (from, to) = (from_now(15), from_now(18));
    case.apply(&calendar(&case, &event(from, to))).await;
    calendar_is(&case, "Open").await;
    case.eventually(SOME, "status names the calendar", async || {
        status(&case, "web").await["gates"].is_array().then_some(())
    })
    .await;
    let (statuses, secrets) = (
        Writes::of(&case, "ParameterSync", "web").await,
        Writes::of(&case, "Secret", "web").await,
    );
    case.gate().reset_counts();
    assert!(
        Timestamp::now() < from,
        "the machine is too slow for this test's window"
    );
    calendar_is(&case, "Closed").await;
    calendar_is(&case, "Open").await;
    assert!(Timestamp::now() >= to);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!((statuses.count(), secrets.count()), (0, 0));
    assert_eq!(case.gate().counts().reads(), 0);
}

#[tokio::test]
async fn a_calendar_that_is_missing_wrong_or_deleted_closes_and_says_why() {
    let case = suite().await.case("missing").await;
    case.put_many("/web", 3).await;
    let spec = format!("{QUIET}\nchanges: {{calendars: [{{name: hours}}], firstSync: Hold}}");
    case.sync("web", &spec).await;
    let why = [
        "ChangeCalendar/hours",
        "counts as closed",
        "does not exist",
        "create it",
    ];
    waits(&case, "web", "Ready", &why).await;
    let gates = status(&case, "web").await["gates"].clone();
    assert_eq!(
        gates,
        json!([{"kind": "ChangeCalendar", "name": "hours", "boundBy": "Reference", "state": "Closed", "reason": "CalendarNotFound"}])
    );

    let namespaced = |spec: &str| {
        format!(
            "apiVersion: paramsync.dev/v1alpha1\nkind: ChangeCalendar\nmetadata: {{name: hours}}\nspec: {spec}\n"
        )
    };
    let wrong = namespaced(
        r#"{timeZone: Mars/Olympus, events: [{name: a, start: "2026-01-05", end: "2026-01-06"}]}"#,
    );
    case.apply(&wrong).await;
    waits(
        &case,
        "web",
        "Ready",
        &["counts as closed", "spec.timeZone", "Mars/Olympus"],
    )
    .await;
    not_evaluated(&case, "ChangeCalendar", "hours", "TimeZoneUnknown").await;

    let right =
        namespaced(r#"{timeZone: Asia/Tokyo, events: [{name: a, start: "2026-01-05", end: "2026-01-06"}]}"#);
    case.apply(&right).await;
    case.wait_ready("web").await;
    case.kubectl(&["delete", "ccal", "hours"]).await;
    case.put("/web/V01", "new").await;
    force(&case, "web", "gone").await;
    frozen(&case, "web", &["1 change waits for", "does not exist"]).await;
    // What binds by name is the object's own affair: it may let go.
    case.sync("web", QUIET).await;
    becomes(&case, "web", "V01", "new").await;
}

#[tokio::test]
async fn times_follow_the_zone_and_a_typo_closes_where_others_fall_open() {
    let case = suite().await.case("zones").await;
    case.put_many("/web", 3).await;
    // Business hours: open from an hour ago to in an hour by the clocks of Kathmandu, which no whole hour tells from UTC.
    let zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(5).saturating_add(jiff::Span::new().minutes(45)));
    let local = |seconds| from_now(seconds).to_zoned(zone.clone()).datetime();
    let hours = |recurrence: &str| {
        format!(
            "defaultState: Closed\ntimeZone: Asia/Kathmandu\nevents:\n- name: hours\n  start: \"{}\"\n  end: \"{}\"\n  \
             recurrence: {recurrence}",
            local(-24 * 3600 - 3600),
            local(-24 * 3600 + 3600)
        )
    };
    case.apply(&calendar(&case, &hours("FREQ=DAILY"))).await;
    calendar_is(&case, "Open").await;
    case.sync("web", QUIET).await;
    case.wait_ready("web").await;
    case.kubectl(&["delete", "clusterchangecalendar", case.namespace()])
        .await;
    case.apply(&calendar(&case, &hours("FREQ=DALY"))).await;
    calendar_is(&case, "Closed").await;
    let kind = "ClusterChangeCalendar";
    let ready = not_evaluated(&case, kind, case.namespace(), "CalendarInvalid").await;
    for word in [
        "spec.events[0].recurrence",
        "DALY",
        "until then it counts as closed",
    ] {
        assert!(ready.contains(word), "{ready}");
    }
    case.put("/web/V01", "new").await;
    force_and_wait(&case, "web", "one").await;
    frozen(
        &case,
        "web",
        &["1 change waits for", "counts as closed", "CalendarInvalid"],
    )
    .await;
}

#[tokio::test]
async fn a_bad_edit_keeps_the_last_valid_form_also_across_a_restart() {
    let case = suite().await.case_alone("bad-edit").await;
    let operator = case.operator();
    case.put_many("/web", 3).await;
    case.sync("web", QUIET).await;
    case.wait_ready("web").await;
    close(&case, "").await;
    let wrong = "timeZone: UTC\nevents: [{name: freeze, start: \"2026-02-30\", end: \"2026-03-05\"}]";
    case.apply(&calendar(&case, wrong)).await;
    for round in ["before", "after"] {
        let ready = case
            .eventually(SOME, "the calendar says what is wrong", async || {
                let kind = "ClusterChangeCalendar";
                let ready = case.condition(kind, case.namespace(), "Ready").await?;
                (ready.status == "False" && ready.observed_generation == 2).then_some(ready)
            })
            .await;
        for word in [
            "spec.events[0].start",
            "2026-02-30",
            "until then generation 1 counts",
        ] {
            assert!(
                ready.message.contains(word),
                "{round}: {word:?} is not in {ready:?}"
            );
        }
        calendar_is(&case, "Closed").await;
        case.put("/web/V01", round).await;
        force(&case, "web", round).await;
        frozen(&case, "web", &["1 change waits for", " until "]).await;
        assert_eq!(
            case.secret_value("web", "V01").await.unwrap(),
            "value-1",
            "{round}"
        );
        if round == "before" {
            operator.restart().unwrap();
            operator.wait_ready().await.unwrap();
        }
    }
    // An ics whose default is the other way round is a bad edit too.
    let end = open_in(&case, 2).await;
    becomes(&case, "web", "V01", "after").await;
    assert!(Timestamp::now() >= end);
}

#[tokio::test]
async fn an_icalendar_document_and_aws_itself_close_as_well() {
    let case = suite().await.case("aws").await;
    let now = Timestamp::now();
    let compact = |at: Timestamp| at.strftime("%Y%m%dT%H%M%SZ").to_string();
    let mut ics = "ics: |\n".to_owned();
    for line in [
        "BEGIN:VCALENDAR".to_owned(),
        "PRODID:-//AWS//Change Calendar 1.0//EN".to_owned(),
        "VERSION:2.0".to_owned(),
        "X-CALENDAR-TYPE:DEFAULT_OPEN".to_owned(),
        "BEGIN:VEVENT".to_owned(),
        "UID:a".to_owned(),
        "SUMMARY:Year end".to_owned(),
        format!("DTSTART:{}", compact(from_now(-60))),
        format!("DTEND:{}", compact(from_now(3600))),
        "END:VEVENT".to_owned(),
        "END:VCALENDAR".to_owned(),
    ] {
        let _ = writeln!(ics, "  {line}");
    }
    case.apply(&calendar(&case, &ics)).await;
    calendar_is(&case, "Closed").await;
    let object = case
        .get_json("ClusterChangeCalendar", case.namespace())
        .await
        .unwrap();
    assert_eq!(object["status"]["event"], "Year end");

    case.put_many("/web", 3).await;
    let hour = SignedDuration::from_hours(1);
    case.gate()
        .calendar("freeze", DefaultState::Open, [now - hour..now + hour]);
    let aws = format!(
        "aws: {{documents: [freeze], storeRef: {{name: {}}}}}",
        case.namespace()
    );
    case.kubectl(&["delete", "clusterchangecalendar", case.namespace()])
        .await;
    case.apply(&calendar(&case, &format!("{aws}\nfreeze: {{firstSync: Hold}}")))
        .await;
    calendar_is(&case, "Closed").await;
    case.sync("web", QUIET).await;
    waits(&case, "web", "Ready", &["the first sync waits for", " until "]).await;
    assert_eq!(
        case.gate().counts().of("GetCalendarState"),
        1,
        "one call a calendar"
    );

    case.gate().calendar("freeze", DefaultState::Open, []);
    case.gate().calendar("freeze2", DefaultState::Open, []);
    case.gate().fail_calendars(1, "InternalServerError");
    // An edit asks anew; the failure is passed over by a second try.
    case.apply(&calendar(
        &case,
        &format!(
            "{}\nfreeze: {{firstSync: Hold}}",
            aws.replace("[freeze]", "[freeze, freeze2]")
        ),
    ))
    .await;
    case.wait_ready("web").await;
}

#[tokio::test]
async fn metrics_tell_of_each_calendar_and_go_with_it() {
    let case = closed("metrics", "").await;
    case.put("/web/V01", "new").await;
    force_and_wait(&case, "web", "one").await;
    frozen(&case, "web", &["1 change waits for"]).await;
    let operator = case.operator();
    let labels = [("kind", "ClusterChangeCalendar"), ("name", case.namespace())];
    for (name, value) in [
        ("paramsync_calendar_open", 0.0),
        ("paramsync_calendar_bound_objects", 1.0),
        ("paramsync_calendar_waiting_objects", 1.0),
        ("paramsync_calendar_pending_changes", 1.0),
        ("paramsync_writes_held_total", 1.0),
    ] {
        let found = operator.metric(name, &labels).await.unwrap();
        assert!((found - value).abs() < f64::EPSILON, "{name} is {found}");
    }
    for name in [
        "paramsync_calendar_next_transition_timestamp_seconds",
        "paramsync_calendar_oldest_pending_timestamp_seconds",
    ] {
        assert!(operator.metric(name, &labels).await.unwrap() > 1e9, "{name}");
    }
    assert!(
        operator
            .metric("paramsync_clock_skew_seconds", &[])
            .await
            .unwrap()
            .abs()
            < 5.0
    );
    case.kubectl(&["delete", "clusterchangecalendar", case.namespace()])
        .await;
    becomes(&case, "web", "V01", "new").await;
    case.eventually(SOME, "its series are gone", async || {
        let text = operator.metrics().await.ok()?;
        let ours = format!("name=\"{}\"", case.namespace());
        (!text.contains(&ours)).then_some(())
    })
    .await;
}
