//! Parameter Store takes connections and answers nothing.

use std::time::{Duration, Instant};

use super::support::{LONG, ask_for_sync, assert_no_panic, suite, turn, wait_value, wait_within};

#[tokio::test]
async fn a_parameter_store_that_never_answers_costs_time_outs_and_nothing_else() {
    let _turn = turn().await;
    let case = suite().await.case_alone("black-hole").await;
    let operator = case.operator();
    case.put_many("/web", 3).await;
    case.sync("web", "interval: 10s\nsources: [{path: /web}]").await;
    case.wait_ready("web").await;
    let before = case.secret_resource_version("web").await;

    case.gate().latency(Duration::from_mins(10));
    case.sync("late", "sources: [{path: /web}]").await;
    ask_for_sync(&case, "web", "into-the-void").await;
    let (sound, broken) = tokio::join!(
        wait_within(&case, LONG, "web", "UpToDate", "Unknown", "SourceUnavailable"),
        wait_within(&case, LONG, "late", "Ready", "False", "SourceUnavailable"),
    );
    for condition in [&sound, &broken] {
        assert!(
            condition.message.contains("cannot be reached (timeout)"),
            "{condition:?}"
        );
    }
    // What the Secret holds is what it should hold, as far as anybody knows.
    assert_eq!(
        case.condition("ParameterSync", "web", "Ready")
            .await
            .unwrap()
            .status,
        "True"
    );
    assert_eq!(case.secret_resource_version("web").await, before);
    let asked = Instant::now();
    assert_eq!(operator.get("/livez").await.unwrap().status, 200);
    assert_eq!(operator.get("/readyz").await.unwrap().status, 200);
    assert!(
        asked.elapsed() < Duration::from_secs(2),
        "the admin port is slow: {:?}",
        asked.elapsed()
    );

    case.gate().latency(Duration::ZERO);
    case.put("/web/V01", "at last").await;
    wait_within(&case, Duration::from_secs(90), "late", "Ready", "True", "Synced").await;
    ask_for_sync(&case, "web", "again").await;
    wait_value(&case, "web", "V01", "at last").await;
    case.wait_condition("web", "UpToDate", "True", None).await;
    assert_no_panic(operator);
}
