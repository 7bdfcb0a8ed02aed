//! A cluster to play with: control plane, Parameter Store and operator run until it is interrupted. Its one argument
//! is the operator's binary.

use std::path::PathBuf;

use anyhow::Context as _;
use harness::{OperatorConfig, Suite, SuiteConfig};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let binary = std::env::args_os()
        .nth(1)
        .context("usage: sandbox PATH-OF-PARAMSYNC")?;
    let operator = OperatorConfig {
        binary: PathBuf::from(binary),
        args: vec!["--log-level=info".to_owned()],
        ..OperatorConfig::default()
    };
    let suite = Suite::start(SuiteConfig {
        operator,
        chart_values: Vec::new(),
    })
    .await?;
    let case = suite.case("sandbox").await;
    case.put_many("/web", 3).await;
    println!("export KUBECONFIG={}", suite.plane().kubeconfig().display());
    println!("namespace and ClusterParameterStore: {}", case.namespace());
    println!(
        "parameters /web/V00 to /web/V02; aws --endpoint-url {} ssm put-parameter ...",
        case.store().url()
    );
    println!(
        "operator: pid {}, log and state in {}",
        suite.operator().pid()?,
        suite.plane().scratch().path().display()
    );
    tokio::signal::ctrl_c().await?;
    Ok(())
}
