//! The API server goes, and comes back.

use std::time::{Duration, Instant};

use harness::{Answer, Operator};

use super::support::{LONG, assert_no_panic, log_since, suite, turn, wait_value};

const OUTAGE: Duration = Duration::from_secs(30);
const MEBIBYTE: u64 = 1024 * 1024;

/// Asks again where the connection was cut: that is what the moment looks like in which it starts anew.
async fn probe(operator: &Operator, path: &str) -> Answer {
    match operator.get(path).await {
        Ok(answer) => answer,
        Err(_) => operator.get(path).await.unwrap(),
    }
}

#[tokio::test]
async fn after_half_a_minute_without_api_server_the_operator_goes_on_by_itself() {
    let _turn = turn().await;
    let case = suite().await.case_alone("outage").await;
    let operator = case.operator();
    case.put_many("/web", 12).await;
    case.sync("web", "interval: 10s\nsources: [{path: /web}]").await;
    case.wait_ready("web").await;
    let (pid, memory) = (operator.pid().unwrap(), operator.rss_bytes().unwrap());
    let said = operator.log().len();

    case.plane().stop_apiserver();
    let start = Instant::now();
    case.put("/web/V03", "changed meanwhile").await;
    while start.elapsed() < OUTAGE {
        assert_eq!(probe(operator, "/livez").await.status, 200);
        // It starts anew once its Lease is lost, and says what it waits for.
        let ready = probe(operator, "/readyz").await;
        let lost = log_since(operator, said).contains("the Lease is lost");
        assert!(
            ready.status == 200 || (lost && ready.body.starts_with("waiting for\n")),
            "{}",
            ready.body
        );
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    case.plane()
        .start_apiserver()
        .await
        .expect("the API server again");
    operator.wait_ready().await.unwrap();

    wait_value(&case, "web", "V03", "changed meanwhile").await;
    case.eventually(LONG, "status names version 2 and is Ready", async || {
        let object = case.get_json("ParameterSync", "web").await?;
        let parameters = object["status"]["parameters"].as_array()?;
        let changed = parameters.iter().find(|entry| entry["name"] == "/web/V03")?;
        (changed["version"] == 2).then_some(())
    })
    .await;
    assert_eq!(case.wait_ready("web").await.message, "12 keys from 12 parameters");
    // What is new after the outage works too: each watch is back, not only the one that the change needed.
    case.sync("more", "sources: [{name: /web/V00}]").await;
    case.wait_ready("more").await;
    case.kubectl(&["delete", "secret", "more"]).await;
    wait_value(&case, "more", "V00", "value-0").await;

    assert_eq!(operator.pid().unwrap(), pid, "it was not started again");
    assert_no_panic(operator);
    let grown = operator.rss_bytes().unwrap().saturating_sub(memory) / MEBIBYTE;
    assert!(grown < 20, "{grown} MiB more than before");
    let lines = log_since(operator, said).lines().count();
    assert!(lines < 500, "{lines} lines in the log for one outage");
}
