//! Who may read what, through which store and with whose credentials; and what a refusal leaves alone.

use std::time::Duration;

use harness::{ACCESS_KEY_ID, Case, REGION, SECRET_ACCESS_KEY};

use super::kept::{LastGood, becomes, force, is_never_said, not_ready, nothing_is_decrypted, told};
use super::support::suite;

/// Longer than the interval of the objects here: a sweep would have come.
const LONGER_THAN_INTERVAL: Duration = Duration::from_secs(12);

/// A ParameterSync that reads from another store than the case's own.
fn sync_from(case: &Case<'_>, kind: &str, store: &str, spec: &str) -> String {
    let own = format!(
        "storeRef: {{kind: ClusterParameterStore, name: {}}}",
        case.namespace()
    );
    let other = format!("storeRef: {{kind: {kind}, name: {store}}}");
    case.sync_yaml("web", spec).replace(&own, &other)
}

/// A ClusterParameterStore beside the case's own, on the same Parameter Store; credentials in the Secret `keys`.
fn cluster_store(case: &Case<'_>, name: &str, keys: &str) -> String {
    let (namespace, url) = (case.namespace(), case.store().url());
    format!(
        r#"apiVersion: paramsync.dev/v1alpha1
kind: ClusterParameterStore
metadata: {{name: {name}}}
spec:
  region: {REGION}
  endpointURL: {url}
  auth: {{secretRef: {{name: {keys}, namespace: {namespace}, accessKeyIDKey: id, secretAccessKeyKey: key}}}}
  access: [{{namespaceSelector: {{}}, prefixes: ["/"]}}]
"#
    )
}

/// A ParameterStore of the namespace, with the credentials that every case has.
fn tenant_store(url: &str) -> String {
    format!(
        r"apiVersion: paramsync.dev/v1alpha1
kind: ParameterStore
metadata: {{name: own}}
spec:
  region: {REGION}
  endpointURL: {url}
  auth: {{secretRef: {{name: aws, accessKeyIDKey: id, secretAccessKeyKey: key}}}}
"
    )
}

/// Changes the spec of the case's own store.
async fn edit_store(case: &Case<'_>, spec: &str) {
    let patch = format!(r#"{{"spec": {spec}}}"#);
    case.kubectl(&["patch", "cpstore", case.namespace(), "--type=merge", "-p", &patch])
        .await;
}

async fn delete_cluster_store(case: &Case<'_>, name: &str) {
    case.kubectl(&["delete", "cpstore", name, "--wait=false"]).await;
}

#[tokio::test]
async fn an_unknown_store_is_named_and_its_creation_is_enough() {
    let case = suite().await.case("late-store").await;
    case.put_many("/web", 2).await;
    let late = format!("{}-late", case.namespace());
    case.apply(&sync_from(
        &case,
        "ClusterParameterStore",
        &late,
        "sources: [{path: /web}]",
    ))
    .await;
    let says = format!("ClusterParameterStore/{late} does not exist");
    not_ready(
        &case,
        "web",
        "StoreNotFound",
        &[&says, "spec.storeRef", "create it"],
    )
    .await;
    assert_eq!(
        (case.secret("web").await, case.gate().counts().reads()),
        (None, 0)
    );
    case.apply(&cluster_store(&case, &late, "aws")).await;
    case.wait_ready("web").await;
    delete_cluster_store(&case, &late).await;
}

#[tokio::test]
async fn a_namespace_that_loses_access_keeps_its_secret_and_costs_no_further_call() {
    let case = suite().await.case("access").await;
    case.put_many("/web", 2).await;
    let namespace = case.namespace();
    edit_store(
        &case,
        r#"{"access": [{"namespaceSelector": {"matchLabels": {"team": "shop"}}, "prefixes": ["/"]}]}"#,
    )
    .await;
    case.sync("web", "sources: [{path: /web}]\ninterval: 10s").await;
    let says = format!("namespace {namespace} no access");
    not_ready(
        &case,
        "web",
        "NamespaceNotAllowed",
        &[&says, "spec.access must select"],
    )
    .await;
    assert_eq!(
        (case.secret("web").await, case.gate().counts().reads()),
        (None, 0)
    );

    case.kubectl(&["label", "namespace", namespace, "team=shop"])
        .await;
    case.wait_ready("web").await;
    let kept = LastGood::of(&case, "web").await;

    case.kubectl(&["label", "namespace", namespace, "team=other", "--overwrite"])
        .await;
    not_ready(&case, "web", "NamespaceNotAllowed", &[&says]).await;
    case.put("/web/V00", "changed").await;
    case.gate().reset_counts();
    tokio::time::sleep(LONGER_THAN_INTERVAL).await;
    assert_eq!(case.gate().counts().reads(), 0, "nobody may read this any more");
    kept.holds(&case).await;

    case.kubectl(&["label", "namespace", namespace, "team=shop", "--overwrite"])
        .await;
    becomes(&case, "web", "V00", "changed").await;
    case.wait_ready("web").await;
}

#[tokio::test]
async fn what_lies_outside_the_allowed_prefixes_is_refused_before_any_call() {
    let case = suite().await.case("prefixes").await;
    edit_store(
        &case,
        r#"{"access": [{"namespaceSelector": {}, "prefixes": ["/web", "/deep/only/"]}]}"#,
    )
    .await;
    let arn = |path: &str| format!("arn:aws:ssm:{REGION}:123456789012:parameter{path}");
    let other_region = "arn:aws:ssm:eu-west-1:123456789012:parameter/web/A".to_owned();
    let refused = [
        ("longer-path", "path: /website".to_owned(), "sources[0].path"),
        ("longer-name", "name: /website/A".to_owned(), "sources[0].name"),
        ("other", "name: /other/A".to_owned(), "sources[0].name"),
        ("root", "path: /".to_owned(), "sources[0].path"),
        (
            "above",
            "{path: /deep, recursive: true}".to_owned(),
            "sources[0].path",
        ),
        ("no-slash", "name: website".to_owned(), "sources[0].name"),
        (
            "by-arn",
            format!("name: '{}'", arn("/other/A")),
            "sources[0].name",
        ),
        // The prefixes speak of the store's own account; other accounts' parameters are listed one by one.
        (
            "unlisted-arn",
            format!("name: '{}'", arn("/web/A")),
            "sources[0].name",
        ),
        (
            "other-region",
            format!("name: '{other_region}'"),
            "sources[0].name",
        ),
    ];
    for (name, source, _) in &refused {
        case.sync(
            name,
            &format!(
                "sources: [{}]",
                if source.starts_with('{') {
                    source.clone()
                } else {
                    format!("{{{source}}}")
                }
            ),
        )
        .await;
    }
    for (name, _, field) in &refused {
        let field = format!("spec.{field}");
        not_ready(&case, name, "PathNotAllowed", &[&field, "/web/, /deep/only/"]).await;
    }
    for way_round in [
        "path: /web/../other",
        "name: /web/../other/A",
        "path: /web/./x",
        "path: /web//x",
    ] {
        let message = case
            .refused(&case.sync_yaml("round", &format!("sources: [{{{way_round}}}]")))
            .await;
        assert!(message.contains("spec.sources[0]"), "{message}");
    }
    assert_eq!(case.gate().counts().reads(), 0);
    // What is allowed is read, and so is it by way of a shared parameter that is listed.
    case.put("/web/A", "a").await;
    case.put("/deep/only/B", "b").await;
    case.sync("allowed", "sources: [{path: /web}, {name: /deep/only/B}]")
        .await;
    case.wait_ready("allowed").await;
}

#[tokio::test]
async fn a_store_of_a_namespace_must_bring_its_own_credentials() {
    let case = suite().await.case("borrowed").await;
    let base = format!(
        "apiVersion: paramsync.dev/v1alpha1\nkind: ParameterStore\nmetadata: {{name: own}}\nspec: {{region: {REGION}"
    );
    for (auth, says) in [
        ("}", "set auth.secretRef"),
        (
            ", auth: {roleARN: 'arn:aws:iam::111122223333:role/reader'}}",
            "set auth.secretRef",
        ),
        (
            ", auth: {secretRef: {name: aws, namespace: kube-system}}}",
            "auth.secretRef.namespace is for ClusterParameterStores",
        ),
        (
            ", auth: {secretRef: {name: aws}}, endpointURL: 'http://example.com'}",
            "must be https",
        ),
    ] {
        let message = case.refused(&format!("{base}{auth}\n")).await;
        assert!(message.contains(says), "{auth}: {message}");
    }
}

#[tokio::test]
async fn a_store_of_a_namespace_may_not_send_the_operator_anywhere() {
    let case = suite().await.case("endpoint").await;
    case.put_many("/web", 1).await;
    case.apply(&tenant_store(&case.store().url())).await;
    case.apply(&sync_from(
        &case,
        "ParameterStore",
        "own",
        "sources: [{path: /web}]",
    ))
    .await;
    let url = case.store().url();
    not_ready(
        &case,
        "web",
        "StoreInvalid",
        &["ParameterStore/own", "spec.endpointURL", &url, "--allow-endpoint"],
    )
    .await;
    assert_eq!(
        (case.secret("web").await, case.gate().counts().reads()),
        (None, 0)
    );

    // An address on the list is taken, and the case's own path is read there.
    let tenants = suite().await.tenant_store();
    let path = format!("/{}", case.namespace());
    tenants
        .put(&format!("{path}/A"), "of the tenant")
        .await
        .expect("put");
    case.apply(&tenant_store(&tenants.url())).await;
    case.apply(&sync_from(
        &case,
        "ParameterStore",
        "own",
        &format!("sources: [{{path: {path}}}]"),
    ))
    .await;
    case.wait_ready("web").await;
    assert_eq!(
        case.secret_value("web", "A").await.as_deref(),
        Some("of the tenant")
    );
    assert_eq!(case.gate().counts().reads(), 0);
}

#[tokio::test]
async fn credentials_that_are_missing_are_named_and_taken_up_once_they_are_there() {
    let case = suite().await.case("keys").await;
    case.put_many("/web", 2).await;
    let store = format!("{}-keys", case.namespace());
    case.apply(&cluster_store(&case, &store, "late-keys")).await;
    case.apply(&sync_from(
        &case,
        "ClusterParameterStore",
        &store,
        "sources: [{path: /web}]",
    ))
    .await;
    let secret = format!("{}/late-keys", case.namespace());
    not_ready(&case, "web", "CredentialsRejected", &[&secret]).await;

    let what = "the store says so, too";
    case.eventually(Duration::from_secs(30), what, async || {
        let ready = case.condition("ClusterParameterStore", &store, "Ready").await?;
        (ready.status == "False" && ready.message.contains(&secret)).then_some(())
    })
    .await;

    let keys = |data: &str| {
        format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: late-keys}}\nstringData: {data}\n")
    };
    case.apply(&keys(&format!("{{id: {ACCESS_KEY_ID}}}"))).await;
    force(&case, "web", "half").await;
    let key_is_named = async || {
        let ready = case.condition("ParameterSync", "web", "Ready").await?;
        (ready.reason == "CredentialsRejected" && ready.message.contains("key \"key\"")).then_some(())
    };
    case.eventually(
        Duration::from_secs(30),
        "the message names the missing key",
        key_is_named,
    )
    .await;

    case.apply(&keys(&format!(
        "{{id: {ACCESS_KEY_ID}, key: {SECRET_ACCESS_KEY}}}"
    )))
    .await;
    case.eventually(
        Duration::from_mins(1),
        "Ready once the keys are there",
        async || {
            let ready = case.condition("ParameterSync", "web", "Ready").await?;
            (ready.status == "True").then_some(())
        },
    )
    .await;
    case.eventually(Duration::from_secs(30), "the store is ready, too", async || {
        let ready = case.condition("ClusterParameterStore", &store, "Ready").await?;
        (ready.status == "True").then_some(())
    })
    .await;
    is_never_said(&case, SECRET_ACCESS_KEY).await;
    delete_cluster_store(&case, &store).await;
}

#[tokio::test]
async fn a_store_of_secure_strings_refuses_other_types_by_name() {
    let case = suite().await.case("types").await;
    case.put("/web/A", "secure").await;
    case.sync("web", "sources: [{path: /web}]\ninterval: 10s").await;
    case.wait_ready("web").await;
    edit_store(&case, r#"{"parameterTypes": "SecureStringOnly"}"#).await;
    case.store().put_string("/web/PLAIN", "plain").await.expect("put");
    let kept = LastGood::of(&case, "web").await;
    not_ready(
        &case,
        "web",
        "TypeRefused",
        &["/web/PLAIN is a String", "SecureString only"],
    )
    .await;
    kept.holds(&case).await;
    nothing_is_decrypted(&case).await;
    edit_store(&case, r#"{"parameterTypes": "Any"}"#).await;
    becomes(&case, "web", "PLAIN", "plain").await;
    case.wait_ready("web").await;
}

#[tokio::test]
async fn a_store_that_moves_to_another_region_changes_every_key() {
    let case = suite().await.case("region").await;
    for n in ["A", "B"] {
        let name = format!("/web/{n}");
        case.put(&name, "from home").await;
        // The same names, the same versions, other values.
        let put = case
            .store()
            .put_as(&name, "from abroad", "SecureString", "eu-west-1")
            .await;
        assert_eq!(put.expect("put"), 1);
    }
    case.sync("web", "sources: [{path: /web}]").await;
    case.wait_ready("web").await;
    edit_store(&case, r#"{"region": "eu-west-1"}"#).await;
    becomes(&case, "web", "A", "from abroad").await;
    assert_eq!(
        case.secret_value("web", "B").await.as_deref(),
        Some("from abroad")
    );
    told(&case, "web", ("Ready", "True", "Synced"), &["2 keys"]).await;
}

#[tokio::test]
async fn a_store_that_moves_to_a_region_with_nothing_in_it_leaves_the_secret_alone() {
    let case = suite().await.case("empty-region").await;
    case.put_many("/web", 2).await;
    case.sync("web", "sources: [{path: /web}]").await;
    case.wait_ready("web").await;
    let kept = LastGood::of(&case, "web").await;
    edit_store(&case, r#"{"region": "eu-west-1"}"#).await;
    not_ready(&case, "web", "SourceEmpty", &["/web"]).await;
    kept.holds(&case).await;
    edit_store(&case, &format!(r#"{{"region": "{REGION}"}}"#)).await;
    case.wait_ready("web").await;
    kept.holds(&case).await;
}
