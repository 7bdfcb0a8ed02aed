//! What becomes of reading when AWS refuses, throttles, fails or is not there.

use std::time::Duration;

use harness::{Case, Quota};

use super::kept::{LastGood, becomes, force, force_and_wait, not_ready, nothing_is_decrypted, told};
use super::support::suite;

/// Twelve names below `/web`, as sources.
fn twelve() -> String {
    let sources: Vec<String> = (0..12).map(|n| format!("{{name: /web/V{n:02}}}")).collect();
    format!("sources: [{}]\ninterval: 10s", sources.join(", "))
}

async fn eventually_ready(case: &Case<'_>, name: &str) {
    case.eventually(
        Duration::from_secs(90),
        "Ready and up to date again",
        async || {
            let up_to_date = case.condition("ParameterSync", name, "UpToDate").await?;
            let ready = case.condition("ParameterSync", name, "Ready").await?;
            (ready.status == "True" && up_to_date.status == "True").then_some(())
        },
    )
    .await;
}

#[tokio::test]
async fn one_denied_parameter_of_twelve_stops_its_own_secret_and_no_other() {
    let case = suite().await.case("denied").await;
    case.put_many("/web", 12).await;
    case.sync("twelve", &twelve()).await;
    case.sync(
        "two",
        "sources: [{name: /web/V00}, {name: /web/V01}]\ninterval: 10s",
    )
    .await;
    case.wait_ready("twelve").await;
    case.wait_ready("two").await;
    let kept = LastGood::of(&case, "twelve").await;
    case.gate().deny_name("/web/V05");
    case.put("/web/V01", "changed").await;
    becomes(&case, "two", "V01", "changed").await;
    let says = ["/web/V05", "AccessDeniedException", "ssm:GetParameters"];
    told(&case, "twelve", ("UpToDate", "False", "AccessDenied"), &says).await;
    // The Secret holds what it held; whether that is the newest is another question.
    told(&case, "twelve", ("Ready", "True", "Synced"), &["12 keys"]).await;
    kept.holds(&case).await;
    case.wait_ready("two").await;
    // The other names of the twelve go on being swept.
    case.put("/web/V00", "too").await;
    becomes(&case, "two", "V00", "too").await;

    case.gate().allow_name("/web/V05");
    force(&case, "twelve", "allowed").await;
    becomes(&case, "twelve", "V01", "changed").await;
    eventually_ready(&case, "twelve").await;
}

#[tokio::test]
async fn a_parameter_that_is_denied_from_the_start_is_named_and_tried_seldom() {
    let case = suite().await.case("denied-first").await;
    case.put_many("/web", 12).await;
    case.gate().deny_name("/web/V05");
    case.sync("twelve", &twelve()).await;
    case.sync("two", "sources: [{name: /web/V00}, {name: /web/V01}]")
        .await;
    not_ready(
        &case,
        "twelve",
        "AccessDenied",
        &["/web/V05", "ssm:GetParameters"],
    )
    .await;
    assert_eq!(case.secret("twelve").await, None);
    case.wait_ready("two").await;
    case.gate().allow_name("/web/V05");
    force(&case, "twelve", "allowed").await;
    eventually_ready(&case, "twelve").await;
}

#[tokio::test]
async fn a_path_that_is_denied_is_named() {
    let case = suite().await.case("denied-path").await;
    case.put_many("/web", 2).await;
    case.put_many("/other", 2).await;
    case.gate().deny_path("/web");
    case.sync("web", "sources: [{path: /web}]").await;
    case.sync("other", "sources: [{path: /other}]").await;
    not_ready(&case, "web", "AccessDenied", &["/web", "ssm:GetParametersByPath"]).await;
    case.wait_ready("other").await;
    case.gate().allow_path("/web");
    force(&case, "web", "allowed").await;
    eventually_ready(&case, "web").await;
}

#[tokio::test]
async fn access_that_aws_takes_away_leaves_the_secret_and_says_so() {
    let case = suite().await.case("revoked").await;
    case.put_many("/web", 2).await;
    case.sync("web", "sources: [{path: /web}]\ninterval: 10s").await;
    case.wait_ready("web").await;
    let kept = LastGood::of(&case, "web").await;
    case.gate().deny_path("/web");
    for n in 0..2 {
        case.gate().deny_name(&format!("/web/V{n:02}"));
    }
    force(&case, "web", "revoked").await;
    let says = ["/web", "AccessDeniedException"];
    told(&case, "web", ("UpToDate", "Unknown", "AccessDenied"), &says).await;
    told(&case, "web", ("Ready", "True", "Synced"), &["2 keys"]).await;
    kept.holds(&case).await;
    case.gate().allow_path("/web");
    for n in 0..2 {
        case.gate().allow_name(&format!("/web/V{n:02}"));
    }
    case.put("/web/V00", "changed").await;
    force(&case, "web", "allowed").await;
    becomes(&case, "web", "V00", "changed").await;
    eventually_ready(&case, "web").await;
}

#[tokio::test]
async fn credentials_that_aws_rejects_are_told_and_the_secret_stays() {
    let case = suite().await.case("rejected").await;
    case.put_many("/web", 2).await;
    case.sync("web", "sources: [{path: /web}]\ninterval: 10s").await;
    case.wait_ready("web").await;
    let kept = LastGood::of(&case, "web").await;
    case.gate().fail_next(1_000, "UnrecognizedClientException");
    let says = ["credentials", "UnrecognizedClientException"];
    told(
        &case,
        "web",
        ("UpToDate", "Unknown", "CredentialsRejected"),
        &says,
    )
    .await;
    told(&case, "web", ("Ready", "True", "Synced"), &["2 keys"]).await;
    case.sync("late", "sources: [{path: /web}]").await;
    not_ready(&case, "late", "CredentialsRejected", &says).await;
    kept.holds(&case).await;
    case.gate().fail_next(0, "");
    force(&case, "web", "mended").await;
    force(&case, "late", "mended").await;
    eventually_ready(&case, "web").await;
    eventually_ready(&case, "late").await;
    kept.holds(&case).await;
}

#[tokio::test]
async fn a_disabled_key_is_told_of_its_parameter_and_the_secret_stays() {
    let case = suite().await.case("kms").await;
    case.put_many("/web", 3).await;
    case.put_many("/other", 2).await;
    case.sync("web", "sources: [{path: /web}]\ninterval: 10s").await;
    case.sync("other", "sources: [{path: /other}]\ninterval: 10s")
        .await;
    case.wait_ready("web").await;
    case.wait_ready("other").await;
    let kept = LastGood::of(&case, "web").await;
    case.gate().disable_key_of("/web/V01");
    case.put("/web/V00", "changed").await;
    case.put("/other/V00", "changed").await;
    let says = ["/web/V01", "cannot be decrypted", "kms:Decrypt"];
    told(&case, "web", ("UpToDate", "False", "DecryptionFailed"), &says).await;
    told(&case, "web", ("Ready", "True", "Synced"), &["3 keys"]).await;
    becomes(&case, "other", "V00", "changed").await;
    kept.holds(&case).await;
    nothing_is_decrypted(&case).await;
    case.gate().enable_key_of("/web/V01");
    force(&case, "web", "enabled").await;
    becomes(&case, "web", "V00", "changed").await;
    eventually_ready(&case, "web").await;
}

#[tokio::test]
async fn throttling_costs_time_and_few_calls_and_nothing_else() {
    // All cases read the same account, whose limiter they share.
    let case = suite().await.case_alone("throttled").await;
    case.put_many("/web", 10).await;
    case.sync("web", "sources: [{path: /web}]\ninterval: 10s").await;
    case.wait_ready("web").await;
    let kept = LastGood::of(&case, "web").await;
    case.gate().reset_counts();
    case.gate().throttle_all(true);
    case.put("/web/V00", "changed").await;
    told(
        &case,
        "web",
        ("UpToDate", "Unknown", "Throttled"),
        &["throttles this account"],
    )
    .await;
    case.sync("late", "sources: [{path: /web}]").await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    told(&case, "web", ("Ready", "True", "Synced"), &["10 keys"]).await;
    kept.holds(&case).await;
    let counts = case.gate().counts();
    // Each refusal halves the rate and is followed by a pause of one to two seconds.
    assert!(counts.throttled >= 2 && counts.throttled <= 30, "{counts:?}");
    assert_eq!(counts.decrypted, 0);

    case.gate().throttle_all(false);
    case.gate().quota(Some(Quota {
        per_second: 2.0,
        burst: 1.0,
    }));
    becomes(&case, "web", "V00", "changed").await;
    eventually_ready(&case, "web").await;
    eventually_ready(&case, "late").await;
}

#[tokio::test]
async fn while_aws_is_down_the_secret_is_ready_and_its_freshness_is_unknown() {
    let case = suite().await.case("down").await;
    case.put_many("/web", 3).await;
    case.sync("web", "sources: [{path: /web}]\ninterval: 10s").await;
    case.wait_ready("web").await;
    let kept = LastGood::of(&case, "web").await;
    case.gate().down(true);
    // A forced sync cannot be answered, and says so by staying unanswered.
    force(&case, "web", "down").await;
    told(
        &case,
        "web",
        ("UpToDate", "Unknown", "SourceUnavailable"),
        &["cannot be reached"],
    )
    .await;
    told(&case, "web", ("Ready", "True", "Synced"), &["3 keys"]).await;
    case.sync("late", "sources: [{path: /web}]").await;
    not_ready(&case, "late", "SourceUnavailable", &["cannot be reached"]).await;
    kept.holds(&case).await;
    case.gate().down(false);
    case.put("/web/V02", "after").await;
    becomes(&case, "web", "V02", "after").await;
    eventually_ready(&case, "web").await;
    eventually_ready(&case, "late").await;
}

#[tokio::test]
async fn an_error_of_aws_once_is_no_news() {
    let case = suite().await.case("once").await;
    case.put_many("/web", 3).await;
    case.gate().fail_next(1, "InternalServerError");
    case.sync("web", "sources: [{path: /web}]\ninterval: 10s").await;
    case.wait_ready("web").await;
    let (kept, status) = (
        LastGood::of(&case, "web").await,
        case.resource_version("ParameterSync", "web").await,
    );
    let before = case.gate().counts();
    case.gate().fail_next(1, "InternalServerError");
    // The sweep that fails, and the one after it.
    case.eventually(Duration::from_secs(30), "two sweeps", async || {
        (case.gate().counts().reads() >= before.reads() + 2).then_some(())
    })
    .await;
    kept.holds(&case).await;
    assert_eq!(
        case.resource_version("ParameterSync", "web").await,
        status,
        "one failed sweep is no news"
    );
    force_and_wait(&case, "web", "1").await;
    told(&case, "web", ("UpToDate", "True", "Synced"), &[]).await;
}
