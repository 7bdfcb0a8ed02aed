//! The suite that these tests break by turns, and what they all ask.

use std::time::Duration;

use harness::{Case, Condition, Operator, OperatorConfig, Suite, SuiteConfig};
use tokio::sync::{Mutex, MutexGuard};

/// How long something may take that waits for a retry, a backoff or a server's start.
pub const LONG: Duration = Duration::from_mins(1);

/// The operator under test.
pub fn operator(log_level: &str) -> OperatorConfig {
    OperatorConfig {
        binary: env!("CARGO_BIN_EXE_paramsync").into(),
        args: vec![format!("--log-level={log_level}")],
        ..OperatorConfig::default()
    }
}

/// A test's turn: two control planes at once would only be slow.
pub async fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::const_new(());
    TURN.lock().await
}

/// One control plane and one operator, for one test at a time; each leaves them running.
pub async fn suite() -> &'static Suite {
    Suite::shared(|| SuiteConfig {
        operator: operator("debug"),
        chart_values: Vec::new(),
    })
    .await
}

/// Asks for a sync now.
pub async fn ask_for_sync(case: &Case<'_>, name: &str, token: &str) {
    let annotation = format!("paramsync.dev/sync-requested-at={token}");
    case.kubectl(&["annotate", "parametersync", name, &annotation, "--overwrite"])
        .await;
}

/// Waits until a key of a Secret has this value.
pub async fn wait_value(case: &Case<'_>, secret: &str, key: &str, value: &str) {
    let what = format!("Secret {secret} has the new value of {key}");
    case.eventually(LONG, &what, async || {
        (case.secret_value(secret, key).await? == value).then_some(())
    })
    .await;
}

/// ParameterSyncs that the operator counts, whatever their state.
pub async fn objects(operator: &Operator) -> f64 {
    operator
        .metric("paramsync_objects", &[])
        .await
        .expect("the operator's metrics")
}

/// The operator's log from `from` on, as a count of bytes.
pub fn log_since(operator: &Operator, from: usize) -> String {
    let log = operator.log();
    log.get(from..).unwrap_or_default().to_owned()
}

/// No pass and no task of the operator panicked, in this process or one before it.
pub fn assert_no_panic(operator: &Operator) {
    let log = operator.log();
    let panics: Vec<_> = log.lines().filter(|line| line.contains("panicked")).collect();
    assert!(panics.is_empty(), "{panics:#?}");
}

/// Waits longer than [`Case::wait_condition`] does.
pub async fn wait_within(
    case: &Case<'_>,
    timeout: Duration,
    name: &str,
    type_: &str,
    status: &str,
    reason: &str,
) -> Condition {
    let what = format!("{name} has {type_} {status} with {reason}");
    case.eventually(timeout, &what, async || {
        let condition = case.condition("ParameterSync", name, type_).await?;
        (condition.status == status && condition.reason == reason).then_some(condition)
    })
    .await
}
