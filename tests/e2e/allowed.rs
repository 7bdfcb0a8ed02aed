//! What a Secret may be and say, by list; and input that is refused with words instead of stopping everything.

use std::time::Duration;

use harness::{ACCESS_KEY_ID, Case, REGION, SECRET_ACCESS_KEY};

use super::kept::{LastGood, becomes, force, not_ready, nothing_is_decrypted, told};
use super::support::suite;

const WEB: &str = "sources: [{path: /web}]";
const ANNOTATION: &str = "paramsync.dev/sync-requested-at";

fn target(target: &str) -> String {
    format!("{WEB}\ntarget: {target}")
}

/// Lets the case's namespace use these types and domains by its cluster store, as JSON lists.
async fn list(case: &Case<'_>, types: &str, domains: &str) {
    let namespace = case.namespace();
    let patch = format!(
        r#"{{"spec": {{"access": [{{
            "namespaceSelector": {{"matchLabels": {{"kubernetes.io/metadata.name": "{namespace}"}}}},
            "prefixes": ["/"], "secretTypes": {types}, "metadataDomains": {domains}
        }}]}}}}"#
    );
    case.kubectl(&["patch", "cpstore", namespace, "--type=merge", "-p", &patch])
        .await;
}

#[tokio::test]
async fn what_steers_other_programs_is_written_only_where_it_is_listed() {
    let case = suite().await.case("listed").await;
    case.put_many("/web", 1).await;
    case.gate().reset_counts();
    // The flags of the operator list both, and are not for cluster stores.
    let objects = [
        (
            "release",
            "{type: helm.sh/release.v1}",
            "spec.target.type: \"helm.sh/release.v1\"",
            "secretTypes",
        ),
        (
            "labelled",
            "{labels: {argocd.argoproj.io/instance: x}}",
            "spec.target.labels: \"argocd.argoproj.io/instance\"",
            "metadataDomains",
        ),
        (
            "annotated",
            "{annotations: {argocd.argoproj.io/sync-wave: '1'}}",
            "spec.target.annotations: \"argocd.argoproj.io/sync-wave\"",
            "metadataDomains",
        ),
    ];
    for (name, spec, ..) in objects {
        case.sync(name, &target(spec)).await;
    }
    let place = format!("spec.access of ClusterParameterStore/{}", case.namespace());
    for (name, _, field, list) in objects {
        not_ready(&case, name, "TargetNotAllowed", &[field, list, &place]).await;
        assert!(case.secret(name).await.is_none(), "{name}");
    }
    assert_eq!(
        case.gate().counts().reads(),
        0,
        "nothing is read for what is refused"
    );

    list(&case, r#"["helm.sh/*"]"#, r#"["argocd.argoproj.io"]"#).await;
    for (name, ..) in objects {
        case.wait_ready(name).await;
    }
    let secret = async |name: &str| case.get_json("Secret", name).await.expect("the Secret");
    assert_eq!(secret("release").await["type"], "helm.sh/release.v1");
    assert_eq!(
        secret("labelled").await["metadata"]["labels"]["argocd.argoproj.io/instance"],
        "x"
    );

    // Taken off the list, it is refused, and what was written stays as it is.
    let kept = LastGood::of(&case, "release").await;
    list(&case, "[]", "[]").await;
    not_ready(&case, "release", "TargetNotAllowed", &["helm.sh/release.v1"]).await;
    case.put("/web/V00", "newer").await;
    force(&case, "release", "1").await;
    nothing_is_decrypted(&case).await;
    kept.holds(&case).await;
}

#[tokio::test]
async fn stores_of_namespaces_go_by_the_operators_flags() {
    let case = suite().await.case("flags").await;
    let shared = suite().await.tenant_store();
    shared.put("/flags/A", "a").await.expect("a parameter");
    let url = shared.url();
    case.apply(&format!(
        "apiVersion: paramsync.dev/v1alpha1\nkind: ParameterStore\nmetadata: {{name: own}}\nspec:\n  region: {REGION}\n  \
         endpointURL: {url}\n  auth: {{secretRef: {{name: aws, accessKeyIDKey: id, secretAccessKeyKey: key}}}}\n"
    ))
    .await;
    let sync = |name: &str, target: &str| {
        format!(
            "apiVersion: paramsync.dev/v1alpha1\nkind: ParameterSync\nmetadata: {{name: {name}}}\nspec:\n  \
             storeRef: {{kind: ParameterStore, name: own}}\n  sources: [{{path: /flags}}]\n  target: {target}\n"
        )
    };
    case.apply(&sync(
        "listed",
        "{type: helm.sh/release.v1, labels: {argocd.argoproj.io/instance: x}}",
    ))
    .await;
    case.apply(&sync("unlisted", "{type: example.com/licence}")).await;
    case.wait_ready("listed").await;
    let says = ["spec.target.type: \"example.com/licence\"", "--allow-secret-type"];
    not_ready(&case, "unlisted", "TargetNotAllowed", &says).await;
}

#[tokio::test]
async fn a_release_of_helm_cannot_be_forged_nor_a_token_nor_the_seal() {
    let case = suite().await.case("forged").await;
    case.put_many("/web", 1).await;
    case.gate().reset_counts();
    list(&case, r#"["*", "*/*"]"#, r#"["*"]"#).await;
    for (forged, field) in [
        (
            "{name: sh.helm.release.v1.app.v2, type: helm.sh/release.v1}",
            "spec.target.name",
        ),
        ("{name: paramsync-seal}", "spec.target.name"),
        ("{labels: {owner: helm}}", "spec.target.labels"),
        ("{type: kubernetes.io/service-account-token}", "spec.target.type"),
        ("{type: bootstrap.kubernetes.io/token}", "spec.target.type"),
        ("{labels: {paramsync.dev/managed: 'false'}}", "spec.target.labels"),
    ] {
        let message = case.refused(&case.sync_yaml("web", &target(forged))).await;
        assert!(message.contains(field), "{forged}: {message}");
    }
    // The schema sees no name where the default counts; the operator does.
    for name in ["sh.helm.release.v1.app.v2", "paramsync-seal"] {
        case.sync(name, WEB).await;
        not_ready(
            &case,
            name,
            "TargetNotAllowed",
            &["spec.target.name", name, "name another target"],
        )
        .await;
        assert!(case.secret(name).await.is_none(), "{name}");
    }
    assert_eq!(case.gate().counts().reads(), 0);
}

#[tokio::test]
async fn a_sync_request_that_is_too_long_is_told_and_the_rest_goes_on() {
    let case = suite().await.case("request").await;
    case.put_many("/web", 1).await;
    case.sync("web", WEB).await;
    case.wait_ready("web").await;
    force(&case, "web", &"x".repeat(300)).await;
    case.eventually(Duration::from_secs(30), "the annotation is named", async || {
        let ready = case.condition("ParameterSync", "web", "Ready").await?;
        let parts = ["1 key from 1 parameter", ANNOTATION, "300 characters", "256"];
        parts
            .iter()
            .all(|part| ready.message.contains(part))
            .then_some(())
    })
    .await;
    told(&case, "web", ("Ready", "True", "Synced"), &[]).await;
    let status = case.get_json("ParameterSync", "web").await.expect("the object")["status"].clone();
    assert!(status["lastHandledSyncRequest"].is_null(), "{status}");
    // Said once, not at every pass.
    let version = case.resource_version("ParameterSync", "web").await;
    tokio::time::sleep(Duration::from_secs(12)).await;
    assert_eq!(case.resource_version("ParameterSync", "web").await, version);
    // A new generation is dealt with all the same.
    case.sync("web", &format!("{WEB}\ntarget: {{labels: {{team: shop}}}}"))
        .await;
    told(&case, "web", ("Ready", "True", "Synced"), &[ANNOTATION]).await;
    let secret = case.get_json("Secret", "web").await.expect("the Secret");
    assert_eq!(secret["metadata"]["labels"]["team"], "shop");
    // One that fits is answered, and nothing is said of the other any more.
    super::kept::force_and_wait(&case, "web", &"y".repeat(256)).await;
    let ready = case.wait_ready("web").await;
    assert_eq!(ready.message, "1 key from 1 parameter");
}

#[tokio::test]
async fn more_parameters_than_status_can_tell_of_are_refused_before_anything_is_written() {
    let case = suite().await.case("crowd").await;
    // The gate answers itself: so many parameters take roto long to write.
    case.gate().serve_reads_itself(true);
    let fast = r#"{"spec": {"limits": {"requestsPerSecond": 1000}}}"#;
    case.kubectl(&["patch", "cpstore", case.namespace(), "--type=merge", "-p", fast])
        .await;
    for n in 0..2_100 {
        case.gate().seed(&format!("/crowd/V{n:04}"), "v", "SecureString");
    }
    let spec = |exclude: &str| {
        format!(
            "sources: [{{path: /crowd{exclude}}}]\ninterval: 1h\ntarget: {{templates: {{x: '{{{{ V0001 }}}}'}}, templatesOnly: true}}"
        )
    };
    case.sync("crowd", &spec("")).await;
    not_ready(
        &case,
        "crowd",
        "TooManyParameters",
        &["2100 parameters", "2000", "include and exclude"],
    )
    .await;
    assert!(case.secret("crowd").await.is_none());
    nothing_is_decrypted(&case).await;
    let object = case.get_json("ParameterSync", "crowd").await.expect("the object");
    assert_eq!(
        object["status"]["observedGeneration"],
        object["metadata"]["generation"]
    );

    case.sync("crowd", &spec(", exclude: ['V20*']")).await;
    assert_eq!(
        case.wait_ready("crowd").await.message,
        "1 key from 2000 parameters"
    );
    becomes(&case, "crowd", "x", "v").await;
}

#[tokio::test]
async fn access_keys_that_cannot_be_ones_are_refused_by_name_and_temporary_ones_bring_a_token() {
    let case = suite().await.case("keys-faulty").await;
    let namespace = case.namespace();
    case.put_many("/web", 1).await;
    let secret = |name: &str, id: &str, token: &str| {
        format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: keys-{name}, namespace: {namespace}}}\n\
             stringData: {{id: \"{id}\", key: \"{SECRET_ACCESS_KEY}\", token: \"{token}\"}}\n"
        )
    };
    let store = |name: &str| {
        let url = case.store().url();
        format!(
            "apiVersion: paramsync.dev/v1alpha1\nkind: ClusterParameterStore\nmetadata: {{name: {namespace}-{name}}}\nspec:\n  \
             region: {REGION}\n  endpointURL: {url}\n  auth: {{secretRef: {{name: keys-{name}, namespace: {namespace}, \
             accessKeyIDKey: id, secretAccessKeyKey: key, sessionTokenKey: token}}}}\n  \
             access: [{{namespaceSelector: {{}}, prefixes: ['/']}}]\n"
        )
    };
    let sync = |name: &str| {
        format!(
            "apiVersion: paramsync.dev/v1alpha1\nkind: ParameterSync\nmetadata: {{name: {name}}}\n\
             spec: {{storeRef: {{name: {namespace}-{name}}}, {WEB}}}\n"
        )
    };
    let rows = [
        (
            "control",
            format!("{ACCESS_KEY_ID}\\u0001"),
            "token",
            "control character",
        ),
        (
            "newline",
            format!("{ACCESS_KEY_ID}\\n"),
            "token",
            "ends with a line break",
        ),
        (
            "token",
            ACCESS_KEY_ID.to_owned(),
            "to\\u0007ken",
            "the session token",
        ),
        ("good", ACCESS_KEY_ID.to_owned(), "token", ""),
    ];
    for (name, id, token, _) in &rows {
        case.apply(&secret(name, id, token)).await;
        case.apply(&store(name)).await;
        case.apply(&sync(name)).await;
    }
    for (name, _, _, says) in &rows {
        if says.is_empty() {
            case.wait_ready(name).await;
            continue;
        }
        let place = format!("Secret {namespace}/keys-{name}");
        let told = not_ready(&case, name, "CredentialsRejected", &[says, &place]).await;
        assert!(!told.message.contains(ACCESS_KEY_ID), "{told:?}");
    }
    assert!(
        !case.operator().log().contains("panicked"),
        "a key that is none makes nothing panic"
    );
    let came_with_token = case
        .gate()
        .calls()
        .iter()
        .any(|call| call.action.starts_with("GetP") && call.temporary);
    assert!(came_with_token, "the session token goes to AWS");
    // Written anew, they are used.
    case.apply(&secret("newline", ACCESS_KEY_ID, "token")).await;
    force(&case, "newline", "1").await;
    case.eventually(Duration::from_mins(2), "the new keys are used", async || {
        let ready = case.condition("ParameterSync", "newline", "Ready").await?;
        (ready.status == "True").then_some(())
    })
    .await;
    for (name, ..) in &rows {
        let store = format!("{namespace}-{name}");
        case.kubectl(&["delete", "cpstore", &store, "--wait=false"]).await;
    }
}
