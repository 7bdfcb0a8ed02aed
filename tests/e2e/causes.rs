//! Faults whose end no watch tells: found gone by looking again, at the interval of `--recheck`, which is 5 s here.

use std::time::{Duration, Instant};

use harness::Case;
use serde_json::json;

use super::freezes::QUIET;
use super::kept::{force, is_never_said, not_ready, told};
use super::support::suite;

const SOME: Duration = Duration::from_secs(30);
/// `--recheck`, and what a pass takes on a busy machine.
const AGAIN: Duration = Duration::from_secs(15);

/// Waits until the key has this value, with no help but that of the clock.
async fn comes_by_itself(case: &Case<'_>, name: &str, key: &str, value: &str) {
    let since = Instant::now();
    case.eventually(AGAIN, &format!("{name}: {key} is {value}"), async || {
        (case.secret_value(name, key).await.as_deref() == Some(value)).then_some(())
    })
    .await;
    println!(
        "measured: {name} is tried again {:?} after the cause's end",
        since.elapsed()
    );
    case.wait_condition(name, "Ready", "True", "Synced").await;
    told(case, name, ("UpToDate", "True", "Synced"), &[]).await;
}

#[tokio::test]
async fn a_secret_to_adopt_that_is_immutable_or_of_another_type_is_written_soon_after_it_is_gone() {
    let case = suite().await.case("adopt-refused").await;
    case.put_many("/web", 2).await;
    let spec = format!("{QUIET}\ntarget: {{adopt: Always}}");
    let foreign = [
        ("fixed", "immutable: true", "SecretImmutable", "immutable"),
        ("typed", "type: example.com/theirs", "SecretTypeImmutable", "type"),
    ];
    for (name, how, reason, says) in foreign {
        case.apply(&format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}}}\nstringData: {{V00: theirs}}\n{how}\n"
        ))
        .await;
        case.sync(name, &spec).await;
        not_ready(&case, name, reason, &[says, "delete"]).await;
        let theirs = case.secret_value(name, "V00").await;
        assert_eq!(theirs.as_deref(), Some("theirs"));
        // It is not ours, so nobody watches it.
        case.kubectl(&["delete", "secret", name]).await;
        comes_by_itself(&case, name, "V00", "value-0").await;
    }
}

#[tokio::test]
async fn a_write_that_an_admission_policy_refuses_names_the_policy_and_comes_soon_after_it_is_gone() {
    let case = suite().await.case("policy-refuses").await;
    case.put_many("/web", 2).await;
    case.sync("web", QUIET).await;
    case.wait_ready("web").await;
    let name = case.namespace();
    let secret_words = "words-of-the-policy-that-quote-the-object";
    case.apply(&format!(
        r#"apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {{name: {name}}}
spec:
  matchConstraints:
    namespaceSelector: {{matchLabels: {{kubernetes.io/metadata.name: {name}}}}}
    resourceRules:
    - {{apiGroups: [""], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [secrets]}}
  validations:
  - {{expression: "!object.metadata.name.startsWith('web')", message: {secret_words}}}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {{name: {name}}}
spec: {{policyName: {name}, validationActions: [Deny]}}
"#
    ))
    .await;
    // The API server learns of its policies by a watch.
    let probe = format!(
        r#"{{"apiVersion":"v1","kind":"Secret","metadata":{{"name":"web-probe","namespace":"{name}"}}}}"#
    );
    case.eventually(SOME, "the policy counts", async || {
        let args = ["create", "--dry-run=server", "-f", "-"];
        case.plane().kubectl_stdin(&args, &probe).await.err().map(drop)
    })
    .await;

    case.put("/web/V01", "new").await;
    force(&case, "web", "now").await;
    let policy = format!("ValidatingAdmissionPolicy {name}");
    let refused = ("UpToDate", "False", "RefusedByPolicy");
    told(&case, "web", refused, &[&policy, "--recheck"]).await;
    // It holds what is applied; a first one is not there.
    case.wait_ready("web").await;
    case.sync("web-first", QUIET).await;
    not_ready(&case, "web-first", "RefusedByPolicy", &[&policy]).await;
    is_never_said(&case, secret_words).await;

    for kind in ["validatingadmissionpolicybinding", "validatingadmissionpolicy"] {
        case.kubectl(&["delete", kind, name]).await;
    }
    comes_by_itself(&case, "web", "V01", "new").await;
    comes_by_itself(&case, "web-first", "V01", "new").await;
    let said = case.get_json("ParameterSync", "web").await.expect("web");
    assert!(said["status"]["secret"]["writing"].is_null(), "{said}");
}

#[tokio::test]
async fn a_quota_that_is_used_up_is_named_and_the_secret_comes_soon_after_there_is_room() {
    let case = suite().await.case("quota").await;
    case.put_many("/web", 2).await;
    let quota = |hard: u32| {
        format!(
            "apiVersion: v1\nkind: ResourceQuota\nmetadata: {{name: few}}\nspec: {{hard: {{secrets: \"{hard}\"}}}}\n"
        )
    };
    // The store's keys are in the one.
    case.apply(&quota(1)).await;
    case.eventually(SOME, "the quota counts", async || {
        let quota = case.get_json("ResourceQuota", "few").await?;
        (quota["status"]["used"]["secrets"] == json!("1")).then_some(())
    })
    .await;
    case.sync("web", QUIET).await;
    not_ready(
        &case,
        "web",
        "QuotaExceeded",
        &[case.namespace(), "ResourceQuota"],
    )
    .await;
    assert!(case.secret("web").await.is_none());
    case.apply(&quota(2)).await;
    comes_by_itself(&case, "web", "V01", "value-1").await;
}
