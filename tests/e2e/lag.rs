//! Reads that lag behind writes: what goes back is acted on only when it was seen twice.

use std::time::{Duration, Instant};

use harness::Case;

use super::kept::{becomes, not_ready};
use super::support::suite;

/// Calls that asked for the value of `name`.
fn reads_of(case: &Case<'_>, name: &str) -> usize {
    let calls = case.gate().calls();
    let wants = |names: &[String]| names.iter().any(|asked| asked.starts_with(name));
    calls
        .iter()
        .filter(|call| call.decrypt && wants(&call.names_or_path))
        .count()
}

/// Waits for a value, and looks that from the read that lagged on until it is there nothing is called up to date.
async fn comes_in_without_a_lie(case: &Case<'_>, sync: &str, name: &str, key: &str, value: &str) {
    let before = reads_of(case, name);
    let mut lagged: Option<Instant> = None;
    let what = format!("{key} of {sync} is {value}");
    case.eventually(Duration::from_mins(1), &what, async || {
        if lagged.is_none() && reads_of(case, name) > before {
            lagged = Some(Instant::now());
        }
        let up_to_date = case.condition("ParameterSync", sync, "UpToDate").await?;
        if case.secret_value(sync, key).await.as_deref() == Some(value) {
            return Some(());
        }
        // A pass takes its time from the read to the status.
        if lagged.is_some_and(|at| at.elapsed() > Duration::from_secs(2)) {
            assert_ne!(up_to_date.status, "True", "{sync}: {up_to_date:?}");
        }
        None
    })
    .await;
    assert!(
        reads_of(case, name) >= before + 2,
        "{sync}: the first read lagged"
    );
    case.wait_ready(sync).await;
}

#[tokio::test]
async fn a_value_that_lags_behind_the_sweep_is_asked_for_again() {
    let case = suite().await.case("lag").await;
    case.put("/web/A", "one").await;
    let version = case.put("/web/L", "one").await;
    case.store()
        .label("/web/L", version, "live")
        .await
        .expect("a label");
    case.put("/web/O", "one").await;
    let all = [
        ("named", "{name: /web/A}", "/web/A", "A"),
        ("labelled", "{name: /web/L, label: live}", "/web/L", "L"),
        ("maybe", "{name: /web/O, optional: true}", "/web/O", "O"),
    ];
    case.put("/web/X", "x").await;
    for (sync, source, ..) in all {
        // A second name, so that a Secret without the first one is no empty one.
        let spec = format!("sources: [{source}, {{name: /web/X}}]\ninterval: 10s");
        case.sync(sync, &spec).await;
    }
    for (sync, ..) in all {
        case.wait_ready(sync).await;
    }
    for (sync, _, name, key) in all {
        match sync {
            "maybe" => case.gate().hide_value(name, 1),
            _ => case.gate().stale_value(name, 1),
        }
        let version = case.put(name, "two").await;
        if sync == "labelled" {
            case.store().label(name, version, "live").await.expect("a label");
        }
        comes_in_without_a_lie(&case, sync, name, key, "two").await;
    }
}

#[tokio::test]
async fn a_repair_whose_version_is_not_found_once_is_made() {
    let case = suite().await.case("lag-repair").await;
    case.put_many("/web", 2).await;
    case.sync("web", "sources: [{path: /web}]\ninterval: 24h").await;
    case.wait_ready("web").await;
    let before = reads_of(&case, "/web/V00");
    case.gate().hide_value("/web/V00", 1);
    let patch = r#"{"stringData": {"V00": "by hand"}}"#;
    case.kubectl(&["patch", "secret", "web", "--type=merge", "-p", patch])
        .await;
    becomes(&case, "web", "V00", "value-0").await;
    case.wait_ready("web").await;
    assert!(reads_of(&case, "/web/V00") >= before + 2, "asked for twice");
}

#[tokio::test]
async fn a_repair_whose_version_is_gone_says_so_when_it_was_missed_twice() {
    let case = suite().await.case("lag-gone").await;
    case.put_many("/web", 2).await;
    case.sync("web", "sources: [{path: /web}]\ninterval: 24h").await;
    case.wait_ready("web").await;
    case.gate().hide_value("/web/V00", 1_000);
    let patch = r#"{"stringData": {"V01": "by hand"}}"#;
    case.kubectl(&["patch", "secret", "web", "--type=merge", "-p", patch])
        .await;
    not_ready(&case, "web", "RepairBlocked", &["AppliedVersionGone", "/web/V00"]).await;
    assert_eq!(case.secret_value("web", "V01").await.as_deref(), Some("by hand"));
}
