//! As whom Parameter Store is asked.

use super::support::suite;

fn store(name: &str, url: &str, auth: &str) -> String {
    format!(
        "apiVersion: paramsync.dev/v1alpha1
kind: ClusterParameterStore
metadata: {{name: {name}-identity}}
spec:
  region: ap-northeast-1
  endpointURL: {url}
  auth: {auth}
  access: [{{namespaceSelector: {{matchLabels: {{kubernetes.io/metadata.name: {name}}}}}, prefixes: [/]}}]
"
    )
}

fn sync(name: &str) -> String {
    format!(
        "apiVersion: paramsync.dev/v1alpha1
kind: ParameterSync
metadata: {{name: web}}
spec: {{storeRef: {{name: {name}-identity}}, sources: [{{path: /web}}]}}
"
    )
}

#[tokio::test]
async fn a_store_without_auth_reads_as_the_operator() {
    let case = suite().await.case("own").await;
    let name = case.namespace().to_owned();
    case.put_many("/web", 3).await;
    case.apply(&store(&name, &case.store().url(), "{}")).await;
    case.apply(&sync(&name)).await;
    assert_eq!(case.wait_ready("web").await.message, "3 keys from 3 parameters");
}

#[tokio::test]
async fn a_role_is_assumed_at_sts_and_its_account_is_the_origin() {
    let case = suite().await.case("role").await;
    let name = case.namespace().to_owned();
    let auth = "{roleARN: \"arn:aws:iam::444455556666:role/reader\", externalID: shop}";
    // STS and the role's parameters live in one server here, as they do at AWS.
    let shared = suite().await.tenant_store();
    shared
        .put("/web/OF_THE_OPERATOR", "x")
        .await
        .expect("a parameter");
    case.apply(&store(&name, &shared.url(), auth)).await;
    case.apply(&sync(&name)).await;
    let refused = case
        .wait_condition("web", "Ready", "False", Some("SourceEmpty"))
        .await;
    assert!(
        refused.message.contains("/web"),
        "another account has other parameters: {}",
        refused.message
    );
    assert!(case.secret("web").await.is_none());
}
