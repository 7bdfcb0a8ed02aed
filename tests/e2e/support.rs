//! The suite that all cases share.

use harness::{OperatorConfig, Suite, SuiteConfig};

/// One control plane and one operator, started by the first case.
pub async fn suite() -> &'static Suite {
    Suite::shared(|| SuiteConfig {
        operator: OperatorConfig {
            binary: env!("CARGO_BIN_EXE_paramsync").into(),
            args: vec!["--log-level=debug".to_owned()],
            ..OperatorConfig::default()
        },
        chart_values: Vec::new(),
    })
    .await
}
