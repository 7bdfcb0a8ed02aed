//! Objects go, one by one, all at once, or with their namespace.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::{Duration, Instant, SystemTime};

use harness::{Case, REGION};

use super::support::{LONG, ask_for_sync, assert_no_panic, log_since, objects, suite, turn, wait_value};

async fn managed_secrets(case: &Case<'_>, namespace: &str) -> BTreeSet<String> {
    let names = [
        "get",
        "secrets",
        "-n",
        namespace,
        "-l",
        "paramsync.dev/managed=true",
        "-o",
        "jsonpath={.items[*].metadata.name}",
    ];
    let names = case.plane().kubectl(&names).await.unwrap();
    names.split_whitespace().map(str::to_owned).collect()
}

#[tokio::test]
async fn a_hundred_objects_deleted_while_they_sync_leave_nothing_behind() {
    const SYNCS: usize = 100;
    let _turn = turn().await;
    let case = suite().await.case_alone("all-gone").await;
    let operator = case.operator();
    case.gate().serve_reads_itself(true);
    let mut yaml = String::new();
    for sync in 0..SYNCS {
        case.gate()
            .seed(&format!("/app{sync}/K"), "value", "SecureString");
        let object = case.sync_yaml(&format!("app{sync}"), &format!("sources: [{{path: /app{sync}}}]"));
        let _ = write!(yaml, "---\n{object}");
    }
    case.gate().latency(Duration::from_millis(50));
    // A hundred calls take twenty seconds then.
    let limits = r#"{"spec": {"limits": {"requestsPerSecond": 5}}}"#;
    case.kubectl(&[
        "patch",
        "clusterparameterstore",
        case.namespace(),
        "--type=merge",
        "-p",
        limits,
    ])
    .await;
    case.apply(&yaml).await;
    let some = case
        .eventually(LONG, "some are synced", async || {
            let written = managed_secrets(&case, case.namespace()).await.len();
            (written >= 10).then_some(written)
        })
        .await;
    assert!(
        some < SYNCS,
        "all were synced before any was deleted: this shows nothing"
    );
    case.kubectl(&["delete", "parametersyncs", "--all", "--wait=false"])
        .await;

    case.eventually(LONG, "the Secrets go", async || {
        managed_secrets(&case, case.namespace())
            .await
            .is_empty()
            .then_some(())
    })
    .await;
    case.eventually(LONG, "the operator counts no object", async || {
        (objects(operator).await == 0.0).then_some(())
    })
    .await;
    // Fetches that were on their way have ended by now; none of them wrote.
    tokio::time::sleep(Duration::from_secs(3)).await;
    case.gate().reset_counts();
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(managed_secrets(&case, case.namespace()).await.is_empty());
    assert!(objects(operator).await == 0.0);
    assert_eq!(case.gate().counts().reads(), 0, "nobody asks any more");
    assert_no_panic(operator);
}

/// A second namespace with a store of its own on the same Parameter Store, and 10 ParameterSyncs.
async fn doomed_namespace(case: &Case<'_>, doomed: &str) {
    let (own, url) = (case.namespace(), case.store().url());
    let mut yaml = format!(
        r"apiVersion: v1
kind: Namespace
metadata: {{name: {doomed}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: hold, namespace: {doomed}, finalizers: [example.com/hold]}}
---
apiVersion: paramsync.dev/v1alpha1
kind: ClusterParameterStore
metadata: {{name: {doomed}}}
spec:
  region: {REGION}
  endpointURL: {url}
  auth: {{secretRef: {{name: aws, namespace: {own}, accessKeyIDKey: id, secretAccessKeyKey: key}}}}
  access: [{{namespaceSelector: {{matchLabels: {{kubernetes.io/metadata.name: {doomed}}}}}, prefixes: [/doomed/]}}]
"
    );
    for n in 0..10 {
        yaml += &doomed_sync(doomed, &format!("early{n}"));
    }
    case.plane()
        .kubectl_stdin(&["apply", "-f", "-"], &yaml)
        .await
        .unwrap();
}

fn doomed_sync(doomed: &str, name: &str) -> String {
    format!(
        r"---
apiVersion: paramsync.dev/v1alpha1
kind: ParameterSync
metadata: {{name: {name}, namespace: {doomed}}}
spec:
  storeRef: {{kind: ClusterParameterStore, name: {doomed}}}
  interval: 10s
  sources: [{{path: /doomed/{name}}}]
"
    )
}

#[tokio::test]
async fn a_namespace_that_goes_takes_its_objects_and_no_other_along() {
    let _turn = turn().await;
    let case = suite().await.case_alone("stays").await;
    let operator = case.operator();
    let doomed = format!("{}-doomed", case.namespace());
    case.gate().serve_reads_itself(true);
    for n in 0..10 {
        for name in [format!("early{n}"), format!("late{n}")] {
            case.gate()
                .seed(&format!("/doomed/{name}/K"), "value", "SecureString");
        }
    }
    case.gate().seed("/web/K", "one", "SecureString");
    case.sync("web", "interval: 10s\nsources: [{path: /web}]").await;
    case.wait_ready("web").await;
    doomed_namespace(&case, &doomed).await;
    case.eventually(LONG, "the early ones are synced", async || {
        (managed_secrets(&case, &doomed).await.len() == 10).then_some(())
    })
    .await;

    // Ten more are fetching when the namespace goes.
    case.gate().latency(Duration::from_secs(2));
    case.gate().reset_counts();
    let late: String = (0..10)
        .map(|n| doomed_sync(&doomed, &format!("late{n}")))
        .collect();
    case.plane()
        .kubectl_stdin(&["apply", "-f", "-"], &late)
        .await
        .unwrap();
    case.eventually(LONG, "the late ones are fetching", async || {
        (case.gate().counts().reads() > 0).then_some(())
    })
    .await;
    let said = operator.log().len();
    case.plane()
        .kubectl(&["delete", "namespace", &doomed, "--wait=false"])
        .await
        .unwrap();
    // Terminating, and held there: whatever the operator would do wrong, it has time to.
    case.eventually(LONG, "its Secrets go", async || {
        managed_secrets(&case, &doomed).await.is_empty().then_some(())
    })
    .await;
    case.gate().latency(Duration::ZERO);
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(12) {
        let secrets = managed_secrets(&case, &doomed).await;
        assert!(
            secrets.is_empty(),
            "written into a namespace that goes: {secrets:?}"
        );
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    let log = log_since(operator, said);
    let complaints = log
        .lines()
        .filter(|line| line.contains(&doomed) && (line.contains("WARN") || line.contains("ERROR")))
        .count();
    assert!(
        complaints <= 40,
        "{complaints} complaints about 20 objects\n{log}"
    );

    // The others go on, and nobody asks for what is gone.
    case.gate().seed("/web/K", "two", "SecureString");
    ask_for_sync(&case, "web", "still-there").await;
    wait_value(&case, "web", "K", "two").await;
    case.eventually(LONG, "the operator counts one object", async || {
        (objects(operator).await.to_string() == "1").then_some(())
    })
    .await;
    let since = SystemTime::now();
    tokio::time::sleep(Duration::from_secs(12)).await;
    let calls = case.gate().calls();
    let asked: Vec<_> = calls.iter().filter(|call| call.at >= since).collect();
    assert!(
        asked
            .iter()
            .any(|call| call.names_or_path.iter().any(|name| name.starts_with("/web"))),
        "the other object is swept: {asked:?}"
    );
    assert!(
        !asked
            .iter()
            .any(|call| call.names_or_path.iter().any(|name| name.starts_with("/doomed"))),
        "what is gone is asked for still: {asked:?}"
    );
    let release = ["patch", "configmap", "hold", "-n", &doomed, "--type=json", "-p"];
    let patch = r#"[{"op": "remove", "path": "/metadata/finalizers"}]"#;
    let release: Vec<_> = release.iter().copied().chain([patch]).collect();
    case.plane().kubectl(&release).await.unwrap();
    let wait = [
        "wait",
        "--for=delete",
        &format!("namespace/{doomed}"),
        "--timeout=60s",
    ];
    case.plane().kubectl(&wait).await.unwrap();
    case.plane()
        .kubectl(&["delete", "clusterparameterstore", &doomed])
        .await
        .unwrap();
    assert_no_panic(operator);
}
