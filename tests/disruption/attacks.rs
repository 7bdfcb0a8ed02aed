//! What a Secret says of itself is believed in nothing: not by which names it was made, not at which versions, not of
//! which spec, not whose it is. Each attacker is a ServiceAccount bound to the built-in `edit`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use harness::{Account, Case, ControlPlane};
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use serde_json::{Value, json};

use super::support::{LONG, ask_for_sync, assert_no_panic, suite, turn, wait_value, wait_within};
use super::tenant::{
    APPLIED, Known, SEAL, allow, annotate, annotations, calendar, calls_for, suspend, tenant,
};

/// Longer than a repair takes.
const AFTERWARDS: Duration = Duration::from_secs(4);

/// Without an owner reference nothing of the Secret tells one life of its ParameterSync from another.
const RETAIN: &str = "target: {deletionPolicy: Retain}";

type Data = BTreeMap<String, Vec<u8>>;

fn data(pairs: &[(&str, &str)]) -> Data {
    let pairs = pairs.iter();
    pairs
        .map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec()))
        .collect()
}

/// Takes a key out of the Secret: a repair must follow.
async fn damage(tenant: &Account<'_>, secret: &str, key: &str) {
    let patch = json!({"data": {key: null}});
    tenant.patch_secret(secret, patch).await.unwrap();
}

/// A shop that may read below /shop only, and what it is not to read.
async fn shop(case: &Case<'_>, rest: &str) -> Data {
    allow(case, &[case.namespace()], &["/shop/"]).await;
    case.put("/shop/DB_HOST", "db.internal").await;
    case.put("/shop/DB_USER", "shop").await;
    case.put("/payments/DB_PASSWORD", "not for the shop").await;
    let spec = format!("interval: 24h\nsources: [{{path: /shop{rest}}}]\n{RETAIN}");
    case.sync("web", &spec).await;
    case.wait_ready("web").await;
    data(&[("DB_HOST", "db.internal"), ("DB_USER", "shop")])
}

/// Forges the annotation so that the Secret seems to hold `foreign` too, with field ownership that tells nothing; then breaks
/// the Secret. What is put back must be what was there, and nobody may have asked for the foreign name.
async fn forge_a_name(case: &Case<'_>, whole: &Data, foreign: &str) {
    let tenant = tenant(case).await;
    let before = annotations(&tenant, "web").await;
    let (old, new) = (
        Known::applied(case, "web", "/shop/DB_HOST").await,
        Known::newest(case, foreign).await,
    );
    let forged = old.joined(&before, &new);
    let from = case.gate().calls().len();
    suspend(case, &tenant, "web", true).await;
    tenant
        .forge("web", |secret| annotate(secret, &forged))
        .await
        .unwrap();
    damage(&tenant, "web", "DB_USER").await;
    suspend(case, &tenant, "web", false).await;
    put_back(case, &tenant, from, (whole, foreign)).await;
    let after = annotations(&tenant, "web").await;
    assert_eq!(
        after[APPLIED], before[APPLIED],
        "the annotation is put back like any other drift"
    );
}

async fn put_back(case: &Case<'_>, tenant: &Account<'_>, from: usize, (whole, foreign): (&Data, &str)) {
    case.eventually(LONG, "DB_USER is put back", async || {
        assert_eq!(calls_for(case, from, foreign), Vec::<String>::new());
        (case.secret_value("web", "DB_USER").await? == "shop").then_some(())
    })
    .await;
    tokio::time::sleep(AFTERWARDS).await;
    assert_eq!(calls_for(case, from, foreign), Vec::<String>::new());
    let keys = tenant.secret("web").await.unwrap()["data"].clone();
    assert_eq!(case.secret("web").await.as_ref(), Some(whole), "{keys}");
    case.wait_condition("web", "Ready", "True", "Synced").await;
    assert_no_panic(case.operator());
}

#[tokio::test]
async fn a_foreign_name_in_a_forged_annotation_is_never_asked_for() {
    let _turn = turn().await;
    let case = suite().await.case_alone("foreign-name").await;
    let whole = shop(&case, "").await;
    forge_a_name(&case, &whole, "/payments/DB_PASSWORD").await;
}

#[tokio::test]
async fn nor_is_a_name_below_the_path_that_the_globs_leave_out() {
    let _turn = turn().await;
    let case = suite().await.case_alone("globs").await;
    case.put("/shop/ROOT_PASSWORD", "left out").await;
    let whole = shop(&case, ", include: [\"*\"], exclude: [\"ROOT_*\"]").await;
    forge_a_name(&case, &whole, "/shop/ROOT_PASSWORD").await;
}

#[tokio::test]
async fn nor_is_one_that_is_swapped_in_while_a_repair_gathers_its_values() {
    let _turn = turn().await;
    let case = suite().await.case_alone("swapped").await;
    let whole = shop(&case, "").await;
    let tenant = tenant(&case).await;
    let before = annotations(&tenant, "web").await;
    let foreign = "/payments/DB_PASSWORD";
    let (old, new) = (
        Known::applied(&case, "web", "/shop/DB_HOST").await,
        Known::newest(&case, foreign).await,
    );
    let forged = old.joined(&before, &new);
    let (from, reads) = (case.gate().calls().len(), case.gate().counts().reads());
    case.gate().latency(Duration::from_secs(3));
    damage(&tenant, "web", "DB_USER").await;
    case.eventually(LONG, "the repair's read is on its way", async || {
        (case.gate().counts().reads() > reads).then_some(())
    })
    .await;
    let swapped = tenant.forge("web", |secret| annotate(secret, &forged)).await;
    case.gate().latency(Duration::ZERO);
    swapped.unwrap();
    put_back(&case, &tenant, from, (&whole, foreign)).await;
}

/// The chart's policy that protects managed Secrets, in force until this is dropped.
struct Protected<'a>(&'a ControlPlane, PathBuf);

impl<'a> Protected<'a> {
    async fn on(plane: &'a ControlPlane) -> Self {
        let args = [
            "template",
            "paramsync",
            "charts/paramsync",
            "-n",
            "paramsync-system",
            "--set",
            "admissionPolicies.protectSecrets.enabled=true",
            "--show-only",
            "templates/policy-protect-secrets.yaml",
        ];
        let objects = plane.helm(&args).await.unwrap();
        let file = plane.scratch().write("protect.yaml", &objects).unwrap();
        plane
            .kubectl_stdin(&["apply", "-f", "-"], &objects)
            .await
            .unwrap();
        Self(plane, file)
    }
}

impl Drop for Protected<'_> {
    fn drop(&mut self) {
        let file = self.1.display().to_string();
        let _ = self.0.kubectl_blocking(&["delete", "-f", &file]);
    }
}

#[tokio::test]
async fn a_secret_made_beforehand_is_not_ours_for_what_it_says_of_itself() {
    let _turn = turn().await;
    let case = suite().await.case_alone("beforehand").await;
    let foreign = "/payments/DB_PASSWORD";
    shop(&case, "").await;
    let tenant = tenant(&case).await;
    // As the operator writes it, with another name in the annotation, and without the label and the seal.
    let mut secret = tenant.secret("web").await.unwrap();
    let (old, new) = (
        Known::applied(&case, "web", "/shop/DB_HOST").await,
        Known::newest(&case, foreign).await,
    );
    let forged = old.joined(&annotations(&tenant, "web").await, &new);
    annotate(&mut secret, &forged);
    let metadata = secret["metadata"].as_object_mut().unwrap();
    for field in [
        "uid",
        "resourceVersion",
        "creationTimestamp",
        "ownerReferences",
        "labels",
    ] {
        metadata.remove(field);
    }
    metadata["annotations"].as_object_mut().unwrap().remove(SEAL);
    case.kubectl(&["delete", "parametersync", "web"]).await;
    case.kubectl(&["delete", "secret", "web"]).await;

    let protected = Protected::on(case.plane()).await;
    let from = case.gate().calls().len();
    tenant.create_secret(case.namespace(), secret).await.unwrap();
    let before = case.secret("web").await;
    let sync = case.sync_yaml(
        "web",
        &format!("interval: 24h\nsources: [{{path: /shop}}]\n{RETAIN}"),
    );
    tenant.kubectl_stdin(&["apply", "-f", "-"], &sync).await.unwrap();
    tokio::time::sleep(AFTERWARDS).await;
    assert_eq!(calls_for(&case, from, foreign), Vec::<String>::new());
    case.wait_condition("web", "Ready", "False", "SecretNotOurs")
        .await;
    assert!(case.secret("web").await == before, "it is left as it was");
    drop(protected);
}

#[tokio::test]
async fn a_newer_version_in_a_forged_annotation_does_not_get_into_a_freeze() {
    let _turn = turn().await;
    let case = suite().await.case_alone("newer").await;
    case.put_many("/web", 3).await;
    case.sync("web", "interval: 24h\nsources: [{path: /web}]").await;
    case.wait_ready("web").await;
    let whole = case.secret("web").await;
    let tenant = tenant(&case).await;
    calendar(&case, "Closed").await;
    let old = Known::applied(&case, "web", "/web/V01").await;
    case.put("/web/V01", "newer").await;
    let new = Known::newest(&case, "/web/V01").await;
    assert_ne!(old, new);
    let before = annotations(&tenant, "web").await;
    let forged = old.replaced(&before, &new);
    suspend(&case, &tenant, "web", true).await;
    tenant
        .forge("web", |secret| annotate(secret, &forged))
        .await
        .unwrap();
    damage(&tenant, "web", "V02").await;
    suspend(&case, &tenant, "web", false).await;
    stays_as_it_was(&case, whole.as_ref(), ("V02", "value-2")).await;
    assert_eq!(annotations(&tenant, "web").await[APPLIED], before[APPLIED]);

    calendar(&case, "Open").await;
    wait_value(&case, "web", "V01", "newer").await;
    assert_no_panic(case.operator());
}

/// The key that was taken out is put back, nothing else changes, and what waits is told to wait.
async fn stays_as_it_was(case: &Case<'_>, whole: Option<&Data>, (key, value): (&str, &str)) {
    wait_value(case, "web", key, value).await;
    tokio::time::sleep(AFTERWARDS).await;
    assert!(case.secret("web").await.as_ref() == whole, "something got in");
    ask_for_sync(case, "web", "in the freeze").await;
    wait_within(case, LONG, "web", "UpToDate", "False", "FrozenByCalendar").await;
    tokio::time::sleep(AFTERWARDS).await;
    assert!(case.secret("web").await.as_ref() == whole, "something got in");
    case.wait_condition("web", "Ready", "True", "Synced").await;
}

#[tokio::test]
async fn an_edited_specs_own_annotation_of_an_earlier_day_does_not_get_it_into_a_freeze() {
    let _turn = turn().await;
    let case = suite().await.case_alone("edited").await;
    case.put_many("/web", 2).await;
    case.put("/web/EXTRA", "of another day").await;
    let with = "interval: 24h\nsources: [{name: /web/V00}, {name: /web/V01}, {name: /web/EXTRA}]";
    let without = "interval: 24h\nsources: [{name: /web/V00}, {name: /web/V01}]";
    let tenant = tenant(&case).await;
    case.sync("web", with).await;
    wait_value(&case, "web", "EXTRA", "of another day").await;
    case.wait_ready("web").await;
    let another_day = annotations(&tenant, "web").await;
    case.sync("web", without).await;
    case.eventually(LONG, "EXTRA is gone", async || {
        (!case.secret("web").await?.contains_key("EXTRA")).then_some(())
    })
    .await;
    case.wait_ready("web").await;
    let whole = case.secret("web").await;

    calendar(&case, "Closed").await;
    suspend(&case, &tenant, "web", true).await;
    let edited =
        json!({"spec": {"sources": [{"name": "/web/V00"}, {"name": "/web/V01"}, {"name": "/web/EXTRA"}]}});
    tenant.patch_sync("web", edited).await.unwrap();
    tenant
        .forge("web", |secret| annotate(secret, &another_day))
        .await
        .unwrap();
    damage(&tenant, "web", "V00").await;
    suspend(&case, &tenant, "web", false).await;
    // The edit is held, and with it what the repair would need: the record's sources are not the spec's any more.
    tokio::time::sleep(AFTERWARDS).await;
    let now = case.secret("web").await.unwrap();
    assert!(
        !now.contains_key("EXTRA"),
        "the edit got in: {:?}",
        now.keys().collect::<Vec<_>>()
    );
    case.wait_condition("web", "UpToDate", "False", None).await;
    let back = json!({"spec": {"sources": [{"name": "/web/V00"}, {"name": "/web/V01"}]}});
    tenant.patch_sync("web", back).await.unwrap();
    wait_value(&case, "web", "V00", "value-0").await;
    assert!(case.secret("web").await == whole);
    assert_no_panic(case.operator());
}

#[tokio::test]
async fn an_older_annotation_played_back_brings_no_older_value_back() {
    let _turn = turn().await;
    let case = suite().await.case_alone("replay").await;
    case.put_many("/web", 3).await;
    case.sync("web", "interval: 24h\nsources: [{path: /web}]").await;
    case.wait_ready("web").await;
    let tenant = tenant(&case).await;
    let older = annotations(&tenant, "web").await;
    case.put("/web/V01", "second").await;
    ask_for_sync(&case, "web", "second").await;
    wait_value(&case, "web", "V01", "second").await;
    case.wait_ready("web").await;
    let newer = annotations(&tenant, "web").await;
    let whole = case.secret("web").await;

    calendar(&case, "Closed").await;
    case.put("/web/V01", "third").await;
    suspend(&case, &tenant, "web", true).await;
    tenant
        .forge("web", |secret| annotate(secret, &older))
        .await
        .unwrap();
    damage(&tenant, "web", "V02").await;
    suspend(&case, &tenant, "web", false).await;
    stays_as_it_was(&case, whole.as_ref(), ("V02", "value-2")).await;
    assert_eq!(annotations(&tenant, "web").await[APPLIED], newer[APPLIED]);
    assert_no_panic(case.operator());
}

#[tokio::test]
async fn annotations_of_another_secret_bring_nothing_of_it_in() {
    let _turn = turn().await;
    let case = suite().await.case_alone("others").await;
    case.put_many("/web", 3).await;
    case.put("/api/TOKEN", "of the other").await;
    case.sync("web", "interval: 24h\nsources: [{path: /web}]").await;
    case.sync("api", "interval: 24h\nsources: [{path: /api}]").await;
    for name in ["web", "api"] {
        case.wait_ready(name).await;
    }
    let tenant = tenant(&case).await;
    let whole = case.secret("web").await;
    calendar(&case, "Closed").await;
    let others = annotations(&tenant, "api").await;
    case.put("/web/V01", "newer").await;
    let from = case.gate().calls().len();
    suspend(&case, &tenant, "web", true).await;
    tenant
        .forge("web", |secret| annotate(secret, &others))
        .await
        .unwrap();
    damage(&tenant, "web", "V02").await;
    suspend(&case, &tenant, "web", false).await;
    stays_as_it_was(&case, whole.as_ref(), ("V02", "value-2")).await;
    assert_eq!(calls_for(&case, from, "/api/TOKEN"), Vec::<String>::new());
    assert_no_panic(case.operator());
}

#[tokio::test]
async fn a_copy_in_another_namespace_is_not_ours_there() {
    let _turn = turn().await;
    let case = suite().await.case_alone("copy").await;
    let second = case.second_namespace().await;
    allow(&case, &[case.namespace(), &second], &["/"]).await;
    case.put_many("/web", 3).await;
    let spec = "interval: 24h\nsources: [{path: /web}]";
    case.sync("web", spec).await;
    case.wait_ready("web").await;
    let tenant = tenant(&case).await;
    tenant.also_in(&second, "edit").await.unwrap();
    tenant.copy_secret("web", &second).await.unwrap();
    let secrets: Api<Secret> = Api::namespaced(case.client().clone(), &second);
    let copied = secrets.get("web").await.unwrap();
    case.put("/web/V01", "newer").await;
    case.gate().reset_counts();
    let yaml = case.sync_yaml("web", spec).replace(
        &format!("namespace: {}}}", case.namespace()),
        &format!("namespace: {second}}}"),
    );
    tenant
        .kubectl_stdin(&["apply", "-n", &second, "-f", "-"], &yaml)
        .await
        .unwrap();
    case.eventually(LONG, "SecretNotOurs in the second namespace", async || {
        let args = ["get", "parametersync", "web", "-n", &second, "-o", "json"];
        let object: Value = serde_json::from_str(&case.plane().kubectl(&args).await.ok()?).ok()?;
        let conditions = object["status"]["conditions"].as_array()?;
        let ready = conditions.iter().find(|condition| condition["type"] == "Ready")?;
        (ready["reason"] == "SecretNotOurs").then_some(())
    })
    .await;
    tokio::time::sleep(AFTERWARDS).await;
    let now = secrets.get("web").await.unwrap();
    assert_eq!(now.metadata.resource_version, copied.metadata.resource_version);
    assert!(now.data == copied.data);
    assert_eq!(case.gate().counts().decrypted, 0);
    assert_no_panic(case.operator());
}
