//! The operator in the moments that other tests make: behind a proxy, with another clock, in another namespace, halted.

use std::time::{Duration, Instant};

use harness::{Operator, OperatorConfig, Which};
use jiff::{SignedDuration, Timestamp};

use super::support::{LONG, ask_for_sync, assert_no_panic, operator, suite, turn, wait_value};

const TWO_HOURS: SignedDuration = SignedDuration::from_hours(2);

/// How far the operator's clock is from ours, by the last line of its log.
fn skew(operator: &Operator) -> Option<SignedDuration> {
    let log = operator.log();
    let line = log.lines().last()?;
    // Colours may stand before the time.
    let from = line.find("20")?;
    let time = line[from..].split(['Z', ' ']).next()?;
    let time: Timestamp = format!("{time}Z").parse().ok()?;
    Some(time.duration_since(Timestamp::now()))
}

#[tokio::test]
async fn its_clock_can_be_moved_while_it_runs_and_nothing_else_about_it() {
    let _turn = turn().await;
    let case = suite().await.case_alone("clock").await;
    case.operator().stop().unwrap();
    let config = OperatorConfig {
        namespace: Some("paramsync-clock".to_owned()),
        through_proxy: true,
        movable_clock: true,
        ..operator("debug")
    };
    let second = case.suite().another_operator(config).await.unwrap();
    second.wait_ready().await.unwrap();
    case.put_many("/web", 3).await;
    case.sync("web", "interval: 24h\nsources: [{path: /web}]").await;
    case.wait_ready("web").await;
    let secret = format!("/namespaces/{}/secrets/web?", case.namespace());
    assert_eq!(second.proxy().count(&Which::patch(&secret)), 1);
    for (n, by) in [-TWO_HOURS, TWO_HOURS, SignedDuration::ZERO]
        .into_iter()
        .enumerate()
    {
        second.move_clock(by).unwrap();
        ask_for_sync(&case, "web", &format!("moved-{n}")).await;
        case.eventually(LONG, &format!("a line of the log at {by:#}"), async || {
            let off = (skew(&second)? - by).abs();
            (off < SignedDuration::from_mins(1)).then_some(())
        })
        .await;
    }
    // What sleeps by the monotonic clock goes on: a clock that stood still, or jumped, would not let it.
    case.put("/web/V01", "new").await;
    ask_for_sync(&case, "web", "again").await;
    wait_value(&case, "web", "V01", "new").await;
    assert_no_panic(&second);
    drop(second);
    case.operator().start_again().unwrap();
    case.operator().wait_ready().await.unwrap();
}

#[tokio::test]
async fn halted_it_answers_nothing_and_then_goes_on_and_killed_while_halted_it_starts_again() {
    let _turn = turn().await;
    let case = suite().await.case_alone("halted").await;
    let operator = case.operator();
    let alive = async || {
        let answer = tokio::time::timeout(Duration::from_secs(2), operator.get("/livez"));
        answer
            .await
            .is_ok_and(|answer| answer.is_ok_and(|answer| answer.status == 200))
    };
    let pid = operator.pid().unwrap();
    operator.pause().unwrap();
    assert!(!alive().await);
    operator.resume().unwrap();
    assert!(alive().await);
    operator.pause().unwrap();
    operator.kill().unwrap();
    let killed = Instant::now();
    operator.start_again().unwrap();
    operator.wait_ready().await.unwrap();
    println!("measured: ready {:?} after a kill", killed.elapsed());
    assert_ne!(operator.pid().unwrap(), pid);
    case.put_many("/web", 2).await;
    case.sync("web", "sources: [{path: /web}]").await;
    case.wait_ready("web").await;
}
