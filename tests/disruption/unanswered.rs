//! Writes whose answer is lost, or that are lost themselves: nobody knows whether they landed. For 10 s nothing is written
//! for their object, until they can no longer land; then what came of them is seen.

use std::time::{Duration, Instant};

use harness::{Act, Asked, Case, Rule, Which};

use super::doubts::{ask_all, each, edit, put_all, recorded, spec, two};
use super::support::{LONG, assert_no_panic, suite, turn, wait_value, wait_within};
use super::tenant::{annotate, annotations, calendar, order, tenant};

/// Longer than a repair takes.
const AFTERWARDS: Duration = Duration::from_secs(4);
/// How long nothing is written; what the clocks of two processes may be apart is off.
const QUIET: Duration = Duration::from_millis(9_900);

fn secret_of(case: &Case<'_>, name: &str) -> Which {
    Which::patch(&format!("/namespaces/{}/secrets/{name}?", case.namespace()))
}

fn status_of(case: &Case<'_>, name: &str) -> Which {
    let path = format!("/namespaces/{}/parametersyncs/{name}/status", case.namespace());
    Which::patch(&path)
}

/// What was written of an object since the proxy was reset: its Secret and its status.
fn written(case: &Case<'_>, name: &str) -> Vec<Asked> {
    let (secret, status) = (secret_of(case, name), status_of(case, name));
    let all = case.operator().proxy().asked().into_iter();
    all.filter(|asked| secret.matches(asked) || status.matches(asked))
        .collect()
}

/// One write that goes wrong.
struct Wrong {
    name: &'static str,
    which: Which,
    rule: Rule,
    /// Writes of the Secret, and announcements of one, until all is right again.
    writes: (usize, usize),
}

#[tokio::test]
async fn a_write_that_is_lost_or_whose_answer_is_lost_is_followed_by_none_for_ten_seconds() {
    let _turn = turn().await;
    let case = suite().await.case_alone("lost").await;
    let proxy = case.operator().proxy();
    let firsts = ["first-lost", "first-cut"];
    let changes = [
        "change-lost",
        "change-cut",
        "change-silent",
        "word-lost",
        "word-cut",
        "record-lost",
        "record-cut",
    ];
    let repairs = ["repair-lost", "repair-cut"];
    let known: Vec<String> = changes.iter().chain(&repairs).map(ToString::to_string).collect();
    each(&case, &known).await;
    put_all(&case, &known[..changes.len()], "newer").await;

    let secret = |name| secret_of(&case, name);
    let word = |name| status_of(&case, name).body("{\"op\":\"add\",\"path\":\"/status/secret/writing\"");
    let record = |name| status_of(&case, name).body("\"version\":2");
    let wrong = |name, which: Which, act: Act, writes| Wrong {
        name,
        rule: proxy.rule_times(1, which.clone(), act),
        which,
        writes,
    };
    let all = [
        wrong("first-lost", secret("first-lost"), Act::LoseAnswer, (1, 0)),
        wrong("first-cut", secret("first-cut"), Act::Cut, (2, 0)),
        wrong("change-lost", secret("change-lost"), Act::LoseAnswer, (1, 1)),
        wrong("change-cut", secret("change-cut"), Act::Cut, (2, 1)),
        // Held until it is given up.
        wrong("change-silent", secret("change-silent"), Act::Hold, (2, 1)),
        wrong("word-lost", word("word-lost"), Act::LoseAnswer, (1, 1)),
        wrong("word-cut", word("word-cut"), Act::Cut, (1, 2)),
        wrong("record-lost", record("record-lost"), Act::LoseAnswer, (1, 1)),
        wrong("record-cut", record("record-cut"), Act::Cut, (1, 1)),
        wrong("repair-lost", secret("repair-lost"), Act::LoseAnswer, (1, 0)),
        wrong("repair-cut", secret("repair-cut"), Act::Cut, (2, 0)),
    ];
    proxy.reset();
    for name in firsts {
        case.put_many(&format!("/{name}"), 2).await;
        case.sync(name, &spec(name)).await;
    }
    for name in repairs {
        edit(&case, name).await;
    }
    ask_all(&case, "newer").await;
    case.eventually(LONG, "each went wrong", async || {
        all.iter().all(|one| one.rule.met() == 1).then_some(())
    })
    .await;
    for Wrong { name, .. } in &all {
        let second = if changes.contains(name) {
            "newer"
        } else {
            "value-1"
        };
        wait_value(&case, name, "V01", second).await;
        wait_within(&case, LONG, name, "Ready", "True", "Synced").await;
        let what = format!("status of {name} says what is applied");
        let version = if changes.contains(name) { 2 } else { 1 };
        case.eventually(LONG, &what, async || {
            let (secret, stands) = recorded(&case, name).await;
            (secret["writing"].is_null() && stands == version).then_some(())
        })
        .await;
        assert!(
            case.secret(name).await == Some(two("value-0", second)),
            "{name} is whole"
        );
    }
    tokio::time::sleep(AFTERWARDS).await;
    for one in &all {
        let all = written(&case, one.name);
        let lost = all.iter().position(|asked| one.which.matches(asked)).unwrap();
        // What is told at once says only that it is not known.
        let next = all[lost + 1..]
            .iter()
            .find(|asked| !asked.body().contains("OutcomeUnknown"));
        if let Some(next) = next {
            let after = next.at - all[lost].at;
            assert!(
                after > QUIET,
                "{} was written after {after:?}: {all:#?}",
                one.name
            );
        }
        let count = |which: Which| all.iter().filter(|asked| which.matches(asked)).count();
        let writes = (count(secret(one.name)), count(word(one.name)));
        assert_eq!(writes, one.writes, "{}: {all:#?}", one.name);
    }
    assert_no_panic(case.operator());
}

#[tokio::test]
async fn a_write_without_an_answer_that_somebody_undid_is_a_doubt_and_brings_nothing_older_back() {
    let _turn = turn().await;
    let case = suite().await.case_alone("undone").await;
    let (operator, proxy) = (case.operator(), case.operator().proxy());
    let tenant = tenant(&case).await;
    let landed = ["landed-deleted", "landed-edited", "landed-replayed"];
    let names: Vec<String> = landed
        .iter()
        .chain(&["cut-deleted", "cut-left"])
        .map(ToString::to_string)
        .collect();
    calendar(&case, "Open").await;
    each(&case, &names).await;
    let old = annotations(&tenant, "landed-replayed").await;
    put_all(&case, &names, "newer").await;
    let path = |kind: &str| Which::patch(&format!("/namespaces/{}/secrets/{kind}-", case.namespace()));
    let lost = proxy.rule_times(3, path("landed"), Act::LoseAnswer);
    let cut = proxy.rule_times(2, path("cut"), Act::Cut);
    ask_all(&case, "newer").await;
    case.eventually(LONG, "each went wrong", async || {
        ((lost.met(), cut.met()) == (3, 2)).then_some(())
    })
    .await;
    let began = Instant::now();
    for name in landed {
        wait_value(&case, name, "V01", "newer").await;
    }
    order(&case, "Closed").await;
    for name in ["landed-deleted", "cut-deleted"] {
        tenant.delete_secret(name).await.unwrap();
    }
    edit(&case, "landed-edited").await;
    tenant
        .forge("landed-replayed", |secret| annotate(secret, &old))
        .await
        .unwrap();
    assert!(began.elapsed() < Duration::from_secs(8), "within the quiet");
    put_all(&case, &names, "newest").await;

    ask_all(&case, "closed").await;
    for name in ["landed-deleted", "landed-replayed", "cut-deleted"] {
        wait_within(&case, LONG, name, "UpToDate", "Unknown", "InDoubt").await;
    }
    for name in ["landed-edited", "cut-left"] {
        wait_within(&case, LONG, name, "UpToDate", "False", "FrozenByCalendar").await;
    }
    tokio::time::sleep(AFTERWARDS).await;
    for (name, holds) in [
        ("landed-deleted", None),
        ("landed-replayed", Some(two("value-0", "newer"))),
        // Its seal told that it had landed.
        ("landed-edited", Some(two("value-0", "newer"))),
        ("cut-deleted", None),
        ("cut-left", Some(two("value-0", "value-1"))),
    ] {
        assert!(case.secret(name).await == holds, "{name}");
    }

    calendar(&case, "Open").await;
    for name in &names {
        wait_value(&case, name, "V01", "newest").await;
        wait_within(&case, LONG, name, "UpToDate", "True", "Synced").await;
        assert!(
            case.secret(name).await == Some(two("value-0", "newest")),
            "{name}"
        );
    }
    assert_no_panic(operator);
}
