//! The operator is killed between two steps of a change: after the announcement, after the Secret, after the record. In a
//! freeze nothing may then come back that is older, or get in that is newer, than what was applied last; where it is not
//! known what that was, nothing is written. Open, it comes right.

use std::collections::BTreeMap;

use harness::{Act, Case, Rule, Which};
use serde_json::{Value, json};

use super::support::{LONG, assert_no_panic, suite, turn, wait_value, wait_within};
use super::tenant::{calendar, order};

/// Longer than a repair takes.
const AFTERWARDS: std::time::Duration = std::time::Duration::from_secs(4);
/// What had been done of a change when the operator was killed.
const STEPS: [&str; 4] = ["announced", "written", "recorded", "first"];
/// What somebody does to the Secret before it is there again.
const DEEDS: [&str; 3] = ["left", "edited", "deleted"];

type Data = BTreeMap<String, Vec<u8>>;

/// What a Secret of two parameters holds.
pub fn two(first: &str, second: &str) -> Data {
    let keys = [("V00", first), ("V01", second)];
    let data = keys.map(|(key, value)| (key.to_owned(), value.as_bytes().to_vec()));
    data.into()
}

/// ParameterSyncs of these names, each of which reads two parameters below a path of its own name; Ready.
pub async fn each(case: &Case<'_>, names: &[String]) {
    make(case, names).await;
    for name in names {
        case.wait_ready(name).await;
    }
}

async fn make(case: &Case<'_>, names: &[String]) {
    let mut all = Vec::new();
    for name in names {
        case.put_many(&format!("/{name}"), 2).await;
        all.push(case.sync_yaml(name, &spec(name)));
    }
    case.apply(&all.join("---\n")).await;
}

pub fn spec(name: &str) -> String {
    format!("interval: 24h\nsources: [{{path: /{name}}}]")
}

/// Asks all of the namespace for a sync now.
pub async fn ask_all(case: &Case<'_>, token: &str) {
    let annotation = format!("paramsync.dev/sync-requested-at={token}");
    case.kubectl(&["annotate", "parametersync", "--all", &annotation, "--overwrite"])
        .await;
}

/// Writes a new version of the second parameter of each.
pub async fn put_all(case: &Case<'_>, names: &[String], value: &str) {
    for name in names {
        case.put(&format!("/{name}/V01"), value).await;
    }
}

/// `status.secret` and the version of the second parameter that status says is applied; 0 where it says nothing.
pub async fn recorded(case: &Case<'_>, name: &str) -> (Value, i64) {
    let mut object = case.get_json("ParameterSync", name).await.unwrap();
    let status = object["status"].take();
    let mut parameters = status["parameters"].as_array().into_iter().flatten();
    let entry = parameters.find(|entry| entry["key"] == "V01");
    let version = entry.map_or(0, |entry| entry["version"].as_i64().unwrap());
    (status["secret"].clone(), version)
}

/// Sets the first key of a Secret by hand.
pub async fn edit(case: &Case<'_>, name: &str) {
    let patch = json!({"stringData": {"V00": "by hand"}}).to_string();
    case.kubectl(&["patch", "secret", name, "--type=merge", "-p", &patch])
        .await;
}

fn names() -> Vec<String> {
    let names = STEPS
        .iter()
        .flat_map(|step| DEEDS.map(|deed| format!("{step}-{deed}")));
    names.collect()
}

/// Kills the operator with nine changes, three at each of the steps, and three first writes whose record is not there yet;
/// then the deeds are done, and there is a version that is newer still. Gives the Secrets as they are then.
async fn killed(case: &Case<'_>) -> BTreeMap<String, Option<Data>> {
    let (operator, namespace) = (case.operator(), case.namespace());
    let (firsts, changes): (Vec<_>, Vec<_>) =
        names().into_iter().partition(|name| name.starts_with("first-"));
    each(case, &changes).await;
    put_all(case, &changes, "newer").await;
    let proxy = operator.proxy();
    let secrets = Which::patch(&format!("/namespaces/{namespace}/secrets/announced-"));
    let records =
        Which::patch(&format!("/namespaces/{namespace}/parametersyncs/written-")).body("\"version\":2");
    let first = Which::patch(&format!("/namespaces/{namespace}/parametersyncs/first-")).body("\"version\":1");
    let [secrets, records, first] = [secrets, records, first].map(|which| proxy.rule(which, Act::Hold));
    make(case, &firsts).await;
    ask_all(case, "newer").await;
    case.eventually(LONG, "each change has come to its step", async || {
        let held = [&secrets, &records, &first].map(Rule::met) == [3; 3];
        for deed in DEEDS {
            if recorded(case, &format!("recorded-{deed}")).await.1 != 2 {
                return None;
            }
        }
        held.then_some(())
    })
    .await;
    operator.kill().unwrap();
    drop([secrets, records, first]);

    let mut now = BTreeMap::new();
    for name in names() {
        let (secret, version) = recorded(case, &name).await;
        let (step, deed) = name.split_once('-').unwrap();
        let (value, stands) = match step {
            "announced" => ("value-1", (true, 1)),
            "written" => ("newer", (true, 1)),
            "first" => ("value-1", (false, 0)),
            _ => ("newer", (false, 2)),
        };
        assert_eq!((secret["writing"].is_i64(), version), stands, "{name}: {secret}");
        assert!(case.secret(&name).await == Some(two("value-0", value)), "{name}");
        match deed {
            "edited" => edit(case, &name).await,
            "deleted" => drop(case.kubectl(&["delete", "secret", &name]).await),
            _ => {}
        }
        let data = case.secret(&name).await;
        now.insert(name, data);
    }
    put_all(case, &names(), "newest").await;
    now
}

/// How often a Secret was written since the proxy was reset.
pub fn writes(case: &Case<'_>, name: &str) -> usize {
    let path = format!("/namespaces/{}/secrets/{name}?", case.namespace());
    case.operator().proxy().count(&Which::write(&path))
}

/// Each holds the newest values, and status says so.
async fn all_come_right(case: &Case<'_>) {
    for name in names() {
        wait_value(case, &name, "V01", "newest").await;
        let newest = if name.starts_with("first-") { 2 } else { 3 };
        case.eventually(LONG, &format!("{name} is recorded"), async || {
            let (secret, version) = recorded(case, &name).await;
            (secret["writing"].is_null() && version == newest).then_some(())
        })
        .await;
        wait_within(case, LONG, &name, "Ready", "True", "Synced").await;
        wait_within(case, LONG, &name, "UpToDate", "True", "Synced").await;
        assert!(
            case.secret(&name).await == Some(two("value-0", "newest")),
            "{name} is whole"
        );
    }
}

#[tokio::test]
async fn killed_at_each_step_of_a_change_and_frozen_nothing_older_or_newer_gets_in() {
    let _turn = turn().await;
    let case = suite().await.case_alone("killed-closed").await;
    let (operator, proxy) = (case.operator(), case.operator().proxy());
    let before = killed(&case).await;
    order(&case, "Closed").await;
    proxy.reset();
    operator.start_again().unwrap();
    operator.wait_ready().await.unwrap();
    for name in before.keys() {
        match name.split_once('-').unwrap() {
            // What is applied is known: it is put back.
            ("recorded", _) => wait_value(&case, name, "V00", "value-0").await,
            ("first", "deleted") => {
                wait_within(&case, LONG, name, "Ready", "False", "FrozenByCalendar").await;
            }
            ("first", _) => {
                wait_within(&case, LONG, name, "Ready", "True", "RecordLost").await;
                wait_within(&case, LONG, name, "UpToDate", "Unknown", "RecordLost").await;
            }
            _ => drop(wait_within(&case, LONG, name, "UpToDate", "Unknown", "InDoubt").await),
        }
    }
    for round in ["one", "two"] {
        ask_all(&case, round).await;
        for deed in DEEDS {
            let name = format!("recorded-{deed}");
            wait_within(&case, LONG, &name, "UpToDate", "False", "FrozenByCalendar").await;
        }
        tokio::time::sleep(AFTERWARDS).await;
        for (name, before) in &before {
            let now = case.secret(name).await;
            if name.starts_with("recorded-") {
                assert!(
                    now == Some(two("value-0", "newer")),
                    "{name}, what was applied last"
                );
                let repairs = usize::from(!name.ends_with("-left"));
                assert_eq!(writes(&case, name), repairs, "{name}");
            } else {
                assert!(now == *before, "{name} is left as it was");
                assert_eq!(writes(&case, name), 0, "{name}");
                let ready = case.condition("ParameterSync", name, "Ready").await.unwrap();
                let is = if before.is_some() { "True" } else { "False" };
                assert_eq!(ready.status, is, "{name}: {ready:?}");
            }
        }
    }

    proxy.reset();
    calendar(&case, "Open").await;
    all_come_right(&case).await;
    for name in before.keys() {
        assert_eq!(writes(&case, name), 1, "{name} is written once, whole");
    }
    assert_no_panic(operator);
}

#[tokio::test]
async fn killed_at_each_step_of_a_change_and_open_each_comes_right() {
    let _turn = turn().await;
    let case = suite().await.case_alone("killed-open").await;
    let (operator, proxy) = (case.operator(), case.operator().proxy());
    let before = killed(&case).await;
    proxy.reset();
    operator.start_again().unwrap();
    operator.wait_ready().await.unwrap();
    ask_all(&case, "newest").await;
    all_come_right(&case).await;
    for name in before.keys() {
        // A repair may come before it is known that there is something newer.
        let most = if name.starts_with("recorded-") { 2 } else { 1 };
        let writes = writes(&case, name);
        assert!((1..=most).contains(&writes), "{name} was written {writes} times");
    }
    assert_no_panic(operator);
}
