//! The CRDs come after the operator.

use std::time::{Duration, Instant};

use harness::{
    ACCESS_KEY_ID, ControlPlane, Operator, ParameterStore, REGION, SECRET_ACCESS_KEY, Tools, repository,
};

use super::support::{LONG, assert_no_panic, operator, turn};

#[tokio::test]
async fn without_crds_it_waits_and_says_so_and_works_once_they_are_there() {
    let _turn = turn().await;
    let tools = Tools::locate().unwrap();
    let plane = ControlPlane::start(&tools).await.unwrap();
    let store = ParameterStore::start(&tools).await.unwrap();
    let install =
        "install paramsync charts/paramsync -n paramsync-system --create-namespace --set crds.enabled=false";
    plane.helm(&install.split(' ').collect::<Vec<_>>()).await.unwrap();
    let operator = Operator::start(&plane, operator("debug")).await.unwrap();
    let pid = operator.pid().unwrap();

    // Not ready for a moment even: a Service would send there, and a rollout would go on.
    let start = Instant::now();
    let mut said = String::new();
    while start.elapsed() < Duration::from_secs(5) {
        if let Ok(answer) = operator.get("/readyz").await {
            assert_eq!(answer.status, 503, "{}", answer.body);
            said = answer.body;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    for resource in [
        "parameterstores",
        "clusterparameterstores",
        "changecalendars",
        "clusterchangecalendars",
        "parametersyncs",
    ] {
        assert!(said.contains(&format!("\n{resource}: ")), "{said}");
    }
    assert!(
        said.contains("CustomResourceDefinition is not installed"),
        "{said}"
    );
    assert_eq!(operator.get("/livez").await.unwrap().status, 200);
    assert_eq!(operator.pid().unwrap(), pid);
    assert!(operator.log().lines().count() < 80, "{}", operator.log());

    // One after the other: what is there already does not make it ready.
    let apply = async |crd: &str| {
        let file = repository().join(format!("crds/paramsync.dev_{crd}.yaml"));
        let args = ["apply", "--server-side", "-f", &file.to_string_lossy()];
        plane.kubectl(&args).await.unwrap();
    };
    for crd in [
        "clusterparameterstores",
        "parameterstores",
        "clusterchangecalendars",
        "changecalendars",
    ] {
        apply(crd).await;
    }
    let start = Instant::now();
    loop {
        let answer = operator.get("/readyz").await.unwrap();
        assert_eq!(answer.status, 503, "{}", answer.body);
        if answer
            .body
            .contains("parametersyncs: its CustomResourceDefinition")
            && !answer.body.contains("stores:")
            && !answer.body.contains("calendars:")
        {
            break;
        }
        assert!(start.elapsed() < LONG, "{}", answer.body);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(
        operator.stop().unwrap(),
        Some(0),
        "it ends in peace while it waits"
    );
    operator.restart().unwrap();
    apply("parametersyncs").await;
    operator.wait_ready().await.unwrap();

    store.put("/web/A", "a").await.unwrap();
    let url = store.url();
    let yaml = format!(
        r"apiVersion: v1
kind: Secret
metadata: {{name: aws, namespace: default}}
stringData: {{id: {ACCESS_KEY_ID}, key: {SECRET_ACCESS_KEY}}}
---
apiVersion: paramsync.dev/v1alpha1
kind: ClusterParameterStore
metadata: {{name: default}}
spec:
  region: {REGION}
  endpointURL: {url}
  auth: {{secretRef: {{name: aws, namespace: default, accessKeyIDKey: id, secretAccessKeyKey: key}}}}
  access: [{{namespaceSelector: {{}}, prefixes: [/web/]}}]
---
apiVersion: paramsync.dev/v1alpha1
kind: ParameterSync
metadata: {{name: web, namespace: default}}
spec: {{sources: [{{path: /web}}]}}
"
    );
    plane.kubectl_stdin(&["apply", "-f", "-"], &yaml).await.unwrap();
    let wait = "wait --for=condition=Ready parametersync/web -n default --timeout=30s";
    plane.kubectl(&wait.split(' ').collect::<Vec<_>>()).await.unwrap();
    let value = "get secret web -n default -o jsonpath={.data.A}";
    let value = plane
        .kubectl(&value.split(' ').collect::<Vec<_>>())
        .await
        .unwrap();
    assert_eq!(value, "YQ==");
    assert_no_panic(&operator);
}
