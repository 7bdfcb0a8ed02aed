//! What the operator asks of the API server: how often, and never for what a managed Secret holds.

use std::time::Duration;

use harness::{Asked, Case, Which};

use super::support::{assert_no_panic, suite, turn, wait_value};

/// Longer than what follows a write takes.
const AFTERWARDS: Duration = Duration::from_secs(3);

/// Reads of the Secret, writes of it, and writes of status since the last time.
async fn asked(case: &Case<'_>) -> (usize, usize, usize) {
    tokio::time::sleep(AFTERWARDS).await;
    let (namespace, proxy) = (case.namespace(), case.operator().proxy());
    let secret = format!("/namespaces/{namespace}/secrets/web");
    let status = format!("/namespaces/{namespace}/parametersyncs/web/status");
    (
        proxy.count(&Which::get(&secret)),
        proxy.count(&Which::write(&secret)),
        proxy.count(&Which::write(&status)),
    )
}

/// Whether a request is about Secrets that the operator manages: all but the keys of stores, and the seal's.
fn is_about_managed_secrets(asked: &Asked) -> bool {
    let (path, _) = asked.path.split_once('?').unwrap_or((&asked.path, ""));
    let keys = path.ends_with("/secrets/aws") || path.contains("/namespaces/paramsync-system/");
    path.contains("/secrets") && !keys
}

#[tokio::test]
async fn a_first_write_reads_the_secret_once_a_change_never_and_nobody_asks_for_its_data() {
    let _turn = turn().await;
    let case = suite().await.case_alone("asked").await;
    let operator = case.operator();
    case.put_many("/web", 3).await;
    operator.stop().unwrap();
    operator.proxy().reset();
    operator.start_again().unwrap();
    operator.wait_ready().await.unwrap();

    case.sync("web", "interval: 10s\nsources: [{path: /web}]").await;
    case.wait_ready("web").await;
    assert_eq!(asked(&case).await, (1, 1, 1), "a first sync");
    case.put("/web/V01", "newer").await;
    wait_value(&case, "web", "V01", "newer").await;
    assert_eq!(asked(&case).await, (1, 2, 3), "and a change: announced, recorded");
    let broken = r#"{"stringData":{"V00":"by hand"}}"#;
    case.kubectl(&["patch", "secret", "web", "--type=merge", "-p", broken])
        .await;
    wait_value(&case, "web", "V00", "value-0").await;
    let (_, secret, status) = asked(&case).await;
    assert_eq!((secret, status), (3, 3), "and a repair");

    let all = operator.proxy().asked();
    let reads: Vec<_> = all
        .iter()
        .filter(|asked| is_about_managed_secrets(asked))
        .collect();
    // The list or watch of all, the first write's read, and each write's answer.
    assert!(reads.len() >= 5, "{reads:?}");
    for read in reads {
        let metadata = read
            .accept
            .split(',')
            .all(|form| form.contains("PartialObjectMetadata"));
        assert!(metadata, "{read:?} asks for {:?}", read.accept);
    }
    assert_no_panic(operator);
}
