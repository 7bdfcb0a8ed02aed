//! The suite that all cases share.

use harness::{OperatorConfig, Suite, SuiteConfig};

/// One control plane and one operator, started by the first case.
pub async fn suite() -> &'static Suite {
    Suite::shared(|| SuiteConfig {
        operator: OperatorConfig {
            binary: env!("CARGO_BIN_EXE_paramsync").into(),
            args: [
                "--log-level=debug",
                "--recheck=5",
                "--allow-secret-type=helm.sh/release.v1",
                "--allow-metadata-domain=argocd.argoproj.io",
            ]
            .map(str::to_owned)
            .to_vec(),
            ..OperatorConfig::default()
        },
        chart_values: Vec::new(),
    })
    .await
}
