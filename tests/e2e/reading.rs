//! What is read when Parameter Store has more, less or something else than before.

use std::time::Duration;

use harness::Case;

use super::kept::{LastGood, becomes, force, force_and_wait, not_ready, nothing_is_decrypted, told};
use super::support::suite;

async fn delete(case: &Case<'_>, name: &str) {
    if let Err(error) = case.store().delete(name).await {
        panic!("{error:#}");
    }
}

async fn keys(case: &Case<'_>, secret: &str) -> Vec<String> {
    case.secret(secret)
        .await
        .unwrap_or_default()
        .into_keys()
        .collect()
}

/// Waits until a Secret has exactly these keys.
async fn has_keys(case: &Case<'_>, secret: &str, expected: &[&str]) {
    let what = format!("{secret} has the keys {expected:?}");
    case.eventually(Duration::from_secs(40), &what, async || {
        (keys(case, secret).await == expected).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_missing_parameter_is_named_and_its_creation_is_seen_within_seconds() {
    let case = suite().await.case("missing").await;
    case.put("/web/A", "a").await;
    // The default interval is ten minutes: it is not what brings the parameter in.
    case.sync("web", "sources: [{name: /web/A}, {name: /web/LATE}]")
        .await;
    not_ready(&case, "web", "ParameterMissing", &["/web/LATE", "optional"]).await;
    assert_eq!(case.secret("web").await, None);
    nothing_is_decrypted(&case).await;
    case.put("/web/LATE", "late").await;
    becomes(&case, "web", "LATE", "late").await;
    case.wait_ready("web").await;
}

#[tokio::test]
async fn a_named_parameter_that_vanishes_leaves_the_secret_alone_and_may_come_back() {
    let case = suite().await.case("vanished").await;
    case.put_many("/web", 2).await;
    case.sync(
        "web",
        "sources: [{name: /web/V00}, {name: /web/V01}]\ninterval: 10s",
    )
    .await;
    case.wait_ready("web").await;
    let kept = LastGood::of(&case, "web").await;
    delete(&case, "/web/V01").await;
    force(&case, "web", "1").await;
    not_ready(&case, "web", "ParameterMissing", &["/web/V01", "optional"]).await;
    kept.holds(&case).await;
    nothing_is_decrypted(&case).await;
    case.put("/web/V01", "anew").await;
    becomes(&case, "web", "V01", "anew").await;
    case.wait_ready("web").await;
}

#[tokio::test]
async fn an_optional_parameter_may_come_and_go() {
    let case = suite().await.case("optional").await;
    case.put("/web/A", "a").await;
    case.sync(
        "web",
        "sources: [{name: /web/A}, {name: /web/MAYBE, optional: true}]\ninterval: 10s",
    )
    .await;
    let ready = case.wait_ready("web").await;
    assert_eq!(ready.message, "1 key from 1 parameter");
    case.put("/web/MAYBE", "here").await;
    has_keys(&case, "web", &["A", "MAYBE"]).await;
    delete(&case, "/web/MAYBE").await;
    has_keys(&case, "web", &["A"]).await;
    case.wait_ready("web").await;
}

#[tokio::test]
async fn short_pages_and_empty_ones_are_read_to_their_end() {
    let case = suite().await.case("pages").await;
    case.put_many("/web", 7).await;
    case.gate().page_size(3);
    case.gate().empty_page_first(true);
    case.gate().trailing_token(true);
    case.sync("web", "sources: [{path: /web}]").await;
    assert_eq!(case.wait_ready("web").await.message, "7 keys from 7 parameters");
    // Sweeps read to the end, too: nothing is taken for gone.
    let kept = LastGood::of(&case, "web").await;
    force_and_wait(&case, "web", "1").await;
    kept.holds(&case).await;
    case.put("/web/V06", "last page").await;
    force(&case, "web", "2").await;
    becomes(&case, "web", "V06", "last page").await;
}

#[tokio::test]
async fn a_version_is_pinned_and_a_label_is_followed() {
    let case = suite().await.case("pins").await;
    for value in ["one", "two", "three"] {
        case.put("/web/A", value).await;
    }
    case.store().label("/web/A", 2, "live").await.expect("label");
    case.sync(
        "web",
        "sources:\n- {name: /web/A, key: PINNED, version: 1}\n- {name: /web/A, key: LIVE, label: live}\n- {name: /web/A, key: LATEST}\ninterval: 10s",
    )
    .await;
    case.wait_ready("web").await;
    for (key, value) in [("PINNED", "one"), ("LIVE", "two"), ("LATEST", "three")] {
        assert_eq!(
            case.secret_value("web", key).await.as_deref(),
            Some(value),
            "{key}"
        );
    }
    // Back to an older version: a label may move there, and that is no lag.
    case.store().label("/web/A", 1, "live").await.expect("label");
    force(&case, "web", "1").await;
    becomes(&case, "web", "LIVE", "one").await;
    case.store().label("/web/A", 3, "live").await.expect("label");
    force(&case, "web", "2").await;
    becomes(&case, "web", "LIVE", "three").await;
    case.put("/web/A", "four").await;
    force(&case, "web", "3").await;
    becomes(&case, "web", "LATEST", "four").await;
    assert_eq!(case.secret_value("web", "PINNED").await.as_deref(), Some("one"));
    assert_eq!(case.secret_value("web", "LIVE").await.as_deref(), Some("three"));
    // A label that nothing has is a parameter that is missing.
    case.sync("other", "sources: [{name: /web/A, label: nowhere}]")
        .await;
    not_ready(&case, "other", "ParameterMissing", &["/web/A", "nowhere"]).await;
}

#[tokio::test]
async fn when_everything_is_gone_nothing_is_removed() {
    let case = suite().await.case("empty").await;
    case.put_many("/web", 3).await;
    case.sync("web", "sources: [{path: /web}]\ninterval: 10s").await;
    case.wait_ready("web").await;
    let kept = LastGood::of(&case, "web").await;
    for n in 0..3 {
        delete(&case, &format!("/web/V{n:02}")).await;
    }
    force(&case, "web", "1").await;
    not_ready(&case, "web", "SourceEmpty", &["the Secret stays as it is"]).await;
    told(
        &case,
        "web",
        ("UpToDate", "False", "SourceEmpty"),
        &["3 changes wait"],
    )
    .await;
    nothing_is_decrypted(&case).await;
    kept.holds(&case).await;
    case.put("/web/V00", "back").await;
    becomes(&case, "web", "V00", "back").await;
    case.wait_ready("web").await;
    assert_eq!(keys(&case, "web").await, ["V00"]);
}

#[tokio::test]
async fn a_source_that_is_edited_to_where_nothing_is_removes_nothing() {
    let case = suite().await.case("typo").await;
    case.put_many("/web", 2).await;
    case.sync("web", "sources: [{path: /web}]").await;
    case.wait_ready("web").await;
    let kept = LastGood::of(&case, "web").await;
    for (edit, reason, says) in [
        ("sources: [{path: /wbe}]", "SourceEmpty", "/wbe"),
        ("sources: [{path: /web, include: [X*]}]", "SourceEmpty", "/web"),
        ("sources: [{name: /wbe/V00}]", "ParameterMissing", "/wbe/V00"),
        (
            "sources: [{name: /wbe/V00, optional: true}]",
            "SourceEmpty",
            "/wbe/V00",
        ),
    ] {
        case.sync("web", edit).await;
        not_ready(&case, "web", reason, &[says]).await;
        kept.holds(&case).await;
    }
    case.sync("web", "sources: [{path: /web}]").await;
    case.wait_ready("web").await;
    kept.holds(&case).await;
    // A source that is taken out on purpose takes its keys along.
    case.sync("web", "sources: [{name: /web/V01}]").await;
    has_keys(&case, "web", &["V01"]).await;
    case.wait_ready("web").await;
}

#[tokio::test]
async fn a_path_with_nothing_below_it_makes_no_secret_until_there_is_something() {
    let case = suite().await.case("nothing").await;
    case.sync("web", "sources: [{path: /web}]").await;
    not_ready(&case, "web", "SourceEmpty", &["/web", "Create a parameter"]).await;
    assert_eq!(case.secret("web").await, None);
    case.put("/web/A", "a").await;
    becomes(&case, "web", "A", "a").await;
}

#[tokio::test]
async fn a_vanished_parameter_is_pruned_or_holds_everything_as_its_source_says() {
    let case = suite().await.case("prune").await;
    case.put_many("/web", 3).await;
    case.sync("prune", "sources: [{path: /web}]\ninterval: 10s").await;
    case.sync("hold", "sources: [{path: /web, onMissing: Hold}]\ninterval: 10s")
        .await;
    case.wait_ready("prune").await;
    case.wait_ready("hold").await;
    let kept = LastGood::of(&case, "hold").await;
    delete(&case, "/web/V02").await;
    has_keys(&case, "prune", &["V00", "V01"]).await;
    case.wait_ready("prune").await;
    let says = ["/web/V02", "onMissing is Hold"];
    told(&case, "hold", ("UpToDate", "False", "RemovalHeld"), &says).await;
    told(&case, "hold", ("Ready", "True", "Synced"), &["3 keys"]).await;
    // What changes meanwhile waits, too: all or nothing.
    case.put("/web/V00", "changed").await;
    becomes(&case, "prune", "V00", "changed").await;
    kept.holds(&case).await;
    nothing_is_decrypted(&case).await;
    case.put("/web/V02", "back").await;
    becomes(&case, "hold", "V02", "back").await;
    becomes(&case, "hold", "V00", "changed").await;
}

#[tokio::test]
async fn a_name_that_one_answer_leaves_out_changes_nothing() {
    let case = suite().await.case("lag").await;
    case.put_many("/web", 3).await;
    case.sync("web", "sources: [{path: /web}]\ninterval: 1h").await;
    case.wait_ready("web").await;
    let kept = LastGood::of(&case, "web").await;
    let before = case.gate().counts();
    case.gate().hide_name("/web/V01", 1);
    force(&case, "web", "1").await;
    // The second look comes five seconds after the first, not with the next sweep.
    tokio::time::sleep(Duration::from_secs(8)).await;
    kept.holds(&case).await;
    let after = case.gate().counts();
    assert_eq!(after.decrypted, before.decrypted);
    assert!(
        after.of("GetParameters") > before.of("GetParameters"),
        "there was a second look: {after:?}"
    );
    told(&case, "web", ("Ready", "True", "Synced"), &["3 keys"]).await;
}

#[tokio::test]
async fn a_version_before_the_latest_changes_nothing() {
    let case = suite().await.case("stale").await;
    case.put_many("/web", 2).await;
    case.put("/web/V00", "newer").await;
    case.sync("web", "sources: [{path: /web}]\ninterval: 10s").await;
    case.wait_ready("web").await;
    let kept = LastGood::of(&case, "web").await;
    case.gate().stale_version("/web/V00", 1);
    force_and_wait(&case, "web", "1").await;
    tokio::time::sleep(Duration::from_secs(8)).await;
    kept.holds(&case).await;
}

#[tokio::test]
async fn a_recursive_source_joins_segments_and_globs_choose_names() {
    let case = suite().await.case("deep").await;
    for (name, value) in [
        ("/app/db/HOST", "h"),
        ("/app/db/PORT", "p"),
        ("/app/db/_note", "n"),
        ("/app/cache/hot/URL", "u"),
        ("/app/TOP", "t"),
    ] {
        case.put(name, value).await;
    }
    case.sync(
        "all",
        "sources: [{path: /app, recursive: true, keys: {separator: '.'}}]",
    )
    .await;
    case.sync("flat", "sources: [{path: /app/}]").await;
    case.sync(
        "some",
        "sources: [{path: /app, recursive: true, include: ['db/*', 'cache/**'], exclude: ['**/_*']}]",
    )
    .await;
    case.sync(
        "one-level",
        "sources: [{path: /app, recursive: true, include: ['*/*']}]",
    )
    .await;
    for (name, expected) in [
        (
            "all",
            &["TOP", "cache.hot.URL", "db.HOST", "db.PORT", "db._note"][..],
        ),
        ("flat", &["TOP"]),
        ("some", &["cache_hot_URL", "db_HOST", "db_PORT"]),
        ("one-level", &["db_HOST", "db_PORT", "db__note"]),
    ] {
        case.wait_ready(name).await;
        assert_eq!(keys(&case, name).await, expected, "{name}");
    }
}

/// Lets one namespace read everything in the case's store, and no other.
async fn open_to(case: &Case<'_>, namespace: &str) {
    let selector = format!(r#"{{"matchLabels": {{"kubernetes.io/metadata.name": "{namespace}"}}}}"#);
    let patch =
        format!(r#"{{"spec": {{"access": [{{"namespaceSelector": {selector}, "prefixes": ["/"]}}]}}}}"#);
    case.kubectl(&["patch", "cpstore", case.namespace(), "--type=merge", "-p", &patch])
        .await;
}

#[tokio::test]
async fn objects_that_share_names_share_the_calls() {
    let case = suite().await.case("shared").await;
    case.put_many("/shared", 20).await;
    let sources: Vec<String> = (0..20).map(|n| format!("{{name: /shared/V{n:02}}}")).collect();
    let spec = format!("sources: [{}]\ninterval: 1h", sources.join(", "));
    // Access is given last, so that all are looked at in one moment.
    open_to(&case, "other").await;
    let all: Vec<String> = (0..20)
        .map(|n| case.sync_yaml(&format!("web-{n}"), &spec))
        .collect();
    case.apply(&all.join("---\n")).await;
    for n in 0..20 {
        not_ready(&case, &format!("web-{n}"), "NamespaceNotAllowed", &[]).await;
    }
    case.gate().reset_counts();
    open_to(&case, case.namespace()).await;
    for n in 0..20 {
        case.wait_ready(&format!("web-{n}")).await;
    }
    let counts = case.gate().counts();
    assert!(
        counts.reads() <= 10,
        "20 objects of 20 names each would need 40 calls alone: {counts:?}"
    );

    // One change, swept once and fetched together.
    case.gate().reset_counts();
    case.put("/shared/V07", "changed").await;
    force(&case, "web-0", "1").await;
    for n in 0..20 {
        becomes(&case, &format!("web-{n}"), "V07", "changed").await;
    }
    let counts = case.gate().counts();
    assert!(counts.reads() <= 10, "{counts:?}");
}
