//! `paramsync run`.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use clap::{Args, ValueEnum};
use tracing_subscriber::EnvFilter;

use crate::app::{self, Settings};
use crate::resolve::{Allowance, EndpointPolicy};

/// Flags of the operator; each can be set by its environment variable as well.
#[derive(Args)]
pub struct RunArgs {
    /// Where /livez, /readyz and /metrics are served.
    #[arg(long, env = "PARAMSYNC_ADMIN_ADDRESS", default_value = "0.0.0.0:8080")]
    admin_address: SocketAddr,
    /// The operator's own namespace, where its Lease is; the kubeconfig's, or the Pod's, if absent.
    #[arg(long, env = "POD_NAMESPACE")]
    namespace: Option<String>,
    /// How many ParameterSyncs are reconciled at once.
    #[arg(long, env = "PARAMSYNC_CONCURRENCY", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=1024))]
    concurrency: u16,
    /// How often a fault is tried again whose end no watch tells, such as an admission policy or a used up quota, in
    /// seconds.
    #[arg(long, env = "PARAMSYNC_RECHECK", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=3600))]
    recheck: u64,
    /// An endpoint that ParameterStores of namespaces may name, as https://host or http://127.0.0.1:* ; repeatable.
    #[arg(
        long = "allow-endpoint",
        env = "PARAMSYNC_ALLOW_ENDPOINTS",
        value_delimiter = ',',
        value_name = "URL"
    )]
    allow_endpoints: Vec<String>,
    /// A type that Secrets read through ParameterStores of namespaces may have beside Opaque and Kubernetes' own four
    /// plain ones: a glob such as example.com/* ; repeatable. ClusterParameterStores list theirs in spec.access.
    #[arg(
        long = "allow-secret-type",
        env = "PARAMSYNC_ALLOW_SECRET_TYPES",
        value_delimiter = ',',
        value_name = "TYPE"
    )]
    allow_secret_types: Vec<String>,
    /// A domain that labels and annotations of such Secrets may have: a glob such as example.com or *.example.com ;
    /// repeatable.
    #[arg(
        long = "allow-metadata-domain",
        env = "PARAMSYNC_ALLOW_METADATA_DOMAINS",
        value_delimiter = ',',
        value_name = "DOMAIN"
    )]
    allow_metadata_domains: Vec<String>,
    /// Log level: error, warn, info, debug or trace, or a filter such as info,paramsync=debug.
    #[arg(long, env = "PARAMSYNC_LOG_LEVEL", default_value = "info")]
    log_level: String,
    /// Log format.
    #[arg(long, env = "PARAMSYNC_LOG_FORMAT", value_enum, default_value = "text")]
    log_format: LogFormat,
}

#[derive(Clone, Copy, ValueEnum)]
enum LogFormat {
    /// A line for people.
    Text,
    /// A JSON object a line.
    Json,
}

impl RunArgs {
    pub(super) fn execute(self) -> anyhow::Result<()> {
        for endpoint in &self.allow_endpoints {
            ensure!(
                endpoint.starts_with("https://") || endpoint.starts_with("http://"),
                "--allow-endpoint: {endpoint:?} is no URL; write it as https://host or http://127.0.0.1:*"
            );
        }
        for domain in &self.allow_metadata_domains {
            ensure!(
                !domain.contains('/'),
                "--allow-metadata-domain: {domain:?} is no domain; write what stands before the '/', such as example.com"
            );
        }
        let listed = Allowance::new(self.allow_secret_types, self.allow_metadata_domains)
            .context("--allow-secret-type or --allow-metadata-domain is no glob")?;
        init_logs(&self.log_level, self.log_format)?;
        let settings = Settings {
            admin_address: self.admin_address,
            concurrency: self.concurrency,
            recheck: Duration::from_secs(self.recheck),
            endpoints: EndpointPolicy::new(self.allow_endpoints),
            namespace: self.namespace.filter(|namespace| !namespace.is_empty()),
            pod: pod(),
            listed,
        };
        // The Lease, and what else must go on whatever the passes do, has this thread to itself.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("the async runtime cannot be started")?;
        runtime.block_on(app::run(settings))
    }
}

/// The Pod's name, which is its host's name too, unless it runs in the network of its node.
fn pod() -> String {
    ["POD_NAME", "HOSTNAME"]
        .into_iter()
        .filter_map(|name| std::env::var(name).ok())
        .find(|name| !name.is_empty())
        .unwrap_or_else(|| "paramsync".to_owned())
}

/// Ours at the level that was asked; the libraries below us, whose logs at debug and trace can hold what was sent and
/// received, never beyond info.
fn init_logs(level: &str, format: LogFormat) -> anyhow::Result<()> {
    const CAPPED: [&str; 11] = [
        "aws_config",
        "aws_runtime",
        "aws_sdk_ssm",
        "aws_sdk_sts",
        "aws_smithy_http_client",
        "aws_smithy_runtime",
        "aws_smithy_runtime_api",
        "hyper",
        "hyper_util",
        "kube_client",
        "tower",
    ];
    let mut filter = EnvFilter::try_new(level).with_context(|| {
        format!("--log-level: {level:?} is none of error, warn, info, debug, trace, or a filter")
    })?;
    let quiet = matches!(level.to_ascii_lowercase().as_str(), "error" | "warn" | "off");
    for target in CAPPED {
        let directive = format!("{target}={}", if quiet { level } else { "info" });
        filter = filter.add_directive(directive.parse().context("a log filter of ours cannot be read")?);
    }
    // Its span round each pass repeats what our own line says.
    filter = filter.add_directive(
        "kube_runtime=warn"
            .parse()
            .context("a log filter of ours cannot be read")?,
    );
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false);
    match format {
        LogFormat::Text => logs.init(),
        LogFormat::Json => logs.json().flatten_event(true).init(),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Run {
        #[command(flatten)]
        args: RunArgs,
    }

    #[test]
    fn what_no_watch_tells_is_looked_at_again_within_six_minutes_unless_told_otherwise() {
        let recheck = |args: &[&str]| Run::try_parse_from(args).map(|run| run.args.recheck);
        // A minute is left for what is asked then.
        assert_eq!(recheck(&["run"]).unwrap(), 5 * 60);
        assert_eq!(recheck(&["run", "--recheck=5"]).unwrap(), 5);
        assert!(
            recheck(&["run", "--recheck=0"]).is_err(),
            "that would be without end"
        );
    }
}
