//! `make demo`: from a ParameterSync to a Secret, a change, a repair, a freeze, on real parts. Each step is checked; the first
//! that does not hold ends the demo with exit code 1.
//!
//! Without arguments it starts a control plane of its own; the environment variable `DEMO_KUBECONFIG` names a cluster
//! that is there already, where the demo removes what it made, also after Ctrl-C. No Secret's value is printed.

// It runs in real time.
#![allow(clippy::disallowed_methods)]

mod freeze;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use harness::{
    ACCESS_KEY_ID, ControlPlane, Operator, OperatorConfig, ParameterStore, REGION, SECRET_ACCESS_KEY, Tools,
};
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use tokio::signal::unix::{SignalKind, signal};

const NAMESPACE: &str = "paramsync-demo";
const SYSTEM: &str = "paramsync-system";
const PARAMETERS: usize = 12;
const INTERVAL: Duration = Duration::from_secs(10);
/// The interval, and twice the time that a change may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(40);
const POLL: Duration = Duration::from_millis(20);

const SYNC: &str = "apiVersion: paramsync.dev/v1alpha1
kind: ParameterSync
metadata: {name: web, namespace: paramsync-demo}
spec:
  sources:
    - path: /web
  interval: 10s
";

fn main() -> ExitCode {
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.into()),
    };
    match runtime.block_on(demo()) {
        Ok(End::Done) => ExitCode::SUCCESS,
        Ok(End::Interrupted) => {
            println!("\ninterrupted");
            ExitCode::from(130)
        }
        Err(error) => failed(&error),
    }
}

fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("\nThe demo FAILED: {error:#}");
    ExitCode::FAILURE
}

enum End {
    Done,
    Interrupted,
}

async fn demo() -> anyhow::Result<End> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let mut stop = std::pin::pin!(async {
        tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
    });
    let stage = tokio::select! {
        stage = Stage::set() => stage?,
        () = &mut stop => return Ok(End::Interrupted),
    };
    let end = tokio::select! {
        result = stage.play() => result.map(|()| End::Done),
        () = &mut stop => Ok(End::Interrupted),
    };
    let cleared = stage.clear().await;
    if let Ok(End::Done) = end {
        cleared?;
        println!(
            "\nAll steps held, in {:.0} s.",
            stage.started.elapsed().as_secs_f64()
        );
    }
    end
}

/// Everything that the demo runs on, and how to undo what it does to the cluster.
struct Stage {
    started: Instant,
    plane: ControlPlane,
    plane_stays: bool,
    store: ParameterStore,
    steps: Mutex<usize>,
    /// Commands that take back what was made, in the order in which it was made.
    undo: Mutex<Vec<Vec<&'static str>>>,
}

/// What Parameter Store was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cost {
    plain: u64,
    decrypting: u64,
    decrypts: u64,
}

impl Stage {
    async fn set() -> anyhow::Result<Self> {
        let started = Instant::now();
        let tools = Tools::locate()?;
        let existing = std::env::var_os("DEMO_KUBECONFIG").filter(|path| !path.is_empty());
        let plane_stays = existing.is_some();
        let plane = if let Some(path) = existing {
            println!("1. Use the cluster of {}", path.display());
            ControlPlane::existing(&tools, Path::new(&path))?
        } else {
            println!("1. Start etcd, kube-apiserver and kube-controller-manager on free ports of 127.0.0.1");
            ControlPlane::start(&tools).await?
        };
        let stage = Self {
            started,
            plane,
            plane_stays,
            store: ParameterStore::start(&tools).await?,
            steps: Mutex::new(1),
            undo: Mutex::default(),
        };
        stage.kubectl(&["version"]).await?;
        Ok(stage)
    }

    async fn play(&self) -> anyhow::Result<()> {
        let operator = self.install().await?;
        self.acts().await.map_err(|error| {
            error.context(format!(
                "the operator's log ends with:\n{}\n",
                operator.log_tail(15)
            ))
        })
    }

    async fn acts(&self) -> anyhow::Result<()> {
        let mut wanted = self.seed().await?;
        self.first_sync(&wanted).await?;
        self.quiet().await?;
        self.change(&mut wanted).await?;
        self.repair(&wanted).await?;
        self.freeze(&mut wanted).await?;
        self.total();
        self.delete().await
    }

    async fn install(&self) -> anyhow::Result<Operator> {
        self.step("Install the chart with Helm, and start the operator");
        println!(
            "   The operator runs beside the cluster, with a token of the ServiceAccount that the chart makes and no\n   \
             right beyond the chart's; so the Deployment gets no replica."
        );
        let install = [
            "install",
            "paramsync",
            "charts/paramsync",
            "--namespace",
            SYSTEM,
            "--create-namespace",
            "--set",
            "replicas=0,crds.keep=false",
        ];
        let existing = self
            .plane
            .kubectl(&[
                "get",
                "namespace",
                SYSTEM,
                NAMESPACE,
                "--ignore-not-found",
                "-o",
                "name",
            ])
            .await?;
        ensure!(
            existing.trim().is_empty(),
            "the demo makes and removes the namespaces {SYSTEM} and {NAMESPACE}, but there is: {}",
            existing.trim().replace('\n', ", ")
        );
        println!("   $ helm {}", install.join(" "));
        self.undoing(&["kubectl", "delete", "namespace", SYSTEM, "--ignore-not-found"]);
        self.undoing(&[
            "helm",
            "uninstall",
            "paramsync",
            "--namespace",
            SYSTEM,
            "--ignore-not-found",
        ]);
        self.plane.helm(&install).await?;
        let here = std::env::current_exe()?;
        let config = OperatorConfig {
            binary: here.with_file_name("paramsync"),
            env: vec![
                ("AWS_ACCESS_KEY_ID".to_owned(), ACCESS_KEY_ID.to_owned()),
                ("AWS_SECRET_ACCESS_KEY".to_owned(), SECRET_ACCESS_KEY.to_owned()),
            ],
            ..OperatorConfig::default()
        };
        let operator = Operator::start(&self.plane, config).await?;
        operator.wait_ready().await?;
        println!("   The operator is ready.");
        Ok(operator)
    }

    async fn seed(&self) -> anyhow::Result<BTreeMap<String, String>> {
        self.step("Put SecureString parameters under /web into Parameter Store");
        let mut wanted = BTreeMap::new();
        let speaking = ["DB_HOST", "DB_PASSWORD", "DB_USER"].map(str::to_owned);
        let numbered = (speaking.len()..PARAMETERS).map(|n| format!("TOKEN_{n:02}"));
        for key in speaking.into_iter().chain(numbered) {
            let value = format!("first value of {key}");
            self.store.put(&format!("/web/{key}"), &value).await?;
            wanted.insert(key, value);
        }
        let names: Vec<_> = wanted.keys().map(|key| format!("/web/{key}")).collect();
        println!("   {}", names.join(" "));
        Ok(wanted)
    }

    async fn first_sync(&self, wanted: &BTreeMap<String, String>) -> anyhow::Result<()> {
        self.step("Apply a ClusterParameterStore and a ParameterSync");
        let store = format!(
            "apiVersion: paramsync.dev/v1alpha1
kind: ClusterParameterStore
metadata: {{name: default}}
spec:
  region: {REGION}
  endpointURL: {}   # the local Parameter Store; leave it out on AWS
  access:
    - namespaceSelector: {{matchLabels: {{kubernetes.io/metadata.name: {NAMESPACE}}}}}
      prefixes: [/web]
",
            self.store.url()
        );
        self.kubectl(&["create", "namespace", NAMESPACE]).await?;
        self.undoing(&["kubectl", "delete", "namespace", NAMESPACE, "--ignore-not-found"]);
        self.undoing(&[
            "kubectl",
            "delete",
            "clusterparameterstore",
            "default",
            "--ignore-not-found",
        ]);
        let mark = self.mark();
        let applied = Instant::now();
        self.apply(&store).await?;
        self.apply(SYNC).await?;
        self.kubectl(&[
            "wait",
            "--for=condition=Ready",
            "psync/web",
            "-n",
            NAMESPACE,
            "--timeout=30s",
        ])
        .await?;
        println!(
            "   Ready {:.1} s after `kubectl apply`.",
            applied.elapsed().as_secs_f64()
        );
        self.kubectl(&["get", "psync", "-n", NAMESPACE]).await?;
        let cost = self.cost(mark);
        Self::told(cost);
        let tens = PARAMETERS.div_ceil(10) as u64;
        ensure!(
            cost.decrypting == tens && cost.decrypts == PARAMETERS as u64,
            "a first sync of {PARAMETERS} parameters should take {tens} decrypting calls and {PARAMETERS} decrypts"
        );

        self.step("Look at the Secret: its keys, and where each comes from");
        let template = "go-template={{range $key, $value := .data}}{{$key}}{{\"\\n\"}}{{end}}";
        self.kubectl(&["get", "secret", "web", "-n", NAMESPACE, "-o", template])
            .await?;
        let versions =
            "jsonpath={range .status.parameters[*]}{.key} = {.name} version {.version}{\"\\n\"}{end}";
        self.kubectl(&["get", "psync", "web", "-n", NAMESPACE, "-o", versions])
            .await?;
        ensure!(
            self.secret().await? == *wanted,
            "the Secret does not hold what Parameter Store holds"
        );
        println!("   All {PARAMETERS} values are those of Parameter Store (compared, not printed).");
        Ok(())
    }

    async fn quiet(&self) -> anyhow::Result<()> {
        self.step("Wait for the next look at Parameter Store, where nothing has changed");
        let (mark, before) = (self.mark(), self.resource_version().await?);
        let sweep = PARAMETERS.div_ceil(10) as u64;
        self.until("a look without decryption", async || {
            Ok(self.cost(mark).plain >= sweep)
        })
        .await?;
        // Time for a write that should not be.
        tokio::time::sleep(Duration::from_millis(500)).await;
        let cost = self.cost(mark);
        Self::told(cost);
        ensure!(
            cost.decrypting == 0 && cost.decrypts == 0,
            "nothing changed, and yet something was decrypted"
        );
        ensure!(
            before == self.resource_version().await?,
            "nothing changed, and yet the Secret was written"
        );
        println!("   Nothing was decrypted and the Secret was not written.");
        Ok(())
    }

    async fn change(&self, wanted: &mut BTreeMap<String, String>) -> anyhow::Result<()> {
        self.step("Change /web/DB_PASSWORD and see the Secret follow");
        let mark = self.mark();
        let value = "second value of DB_PASSWORD";
        let version = self.store.put("/web/DB_PASSWORD", value).await?;
        wanted.insert("DB_PASSWORD".to_owned(), value.to_owned());
        println!("   /web/DB_PASSWORD has version {version} now.");
        let took = self
            .until("the Secret holds the new value", async || {
                Ok(self.secret().await? == *wanted)
            })
            .await?;
        println!(
            "   The Secret holds the new value after {took:.1} s; the interval is {} s.",
            INTERVAL.as_secs()
        );
        let filter = "jsonpath={range .status.parameters[?(@.key==\"DB_PASSWORD\")]}{.key} = {.name} version {.version}{\"\\n\"}{end}";
        self.until("the status names the new version", async || {
            let said = self
                .plane
                .kubectl(&["get", "psync", "web", "-n", NAMESPACE, "-o", filter])
                .await?;
            Ok(said.trim_end().ends_with(&format!("version {version}")))
        })
        .await?;
        self.kubectl(&["get", "psync", "web", "-n", NAMESPACE, "-o", filter])
            .await?;
        let cost = self.cost(mark);
        Self::told(cost);
        ensure!(
            cost.decrypts == PARAMETERS as u64,
            "one changed parameter of {PARAMETERS} should take {PARAMETERS} decrypts"
        );
        Ok(())
    }

    async fn repair(&self, wanted: &BTreeMap<String, String>) -> anyhow::Result<()> {
        self.step("Break the Secret by hand and see the repair");
        let mark = self.mark();
        let before = self.resource_version().await?;
        let patch = r#"{"stringData":{"DB_PASSWORD":"broken by hand"}}"#;
        self.kubectl(&[
            "patch",
            "secret",
            "web",
            "-n",
            NAMESPACE,
            "--type=merge",
            "-p",
            patch,
        ])
        .await?;
        let took = self
            .until("the Secret is whole again", async || {
                Ok(self.resource_version().await? != before && self.secret().await? == *wanted)
            })
            .await?;
        println!("   Repaired after {took:.1} s.");
        let events = [
            "get",
            "events",
            "-n",
            NAMESPACE,
            "--field-selector",
            "reason=Repaired",
        ];
        self.until("an event tells of the repair", async || {
            Ok(self.plane.kubectl(&events).await?.contains("DB_PASSWORD"))
        })
        .await?;
        let columns = [
            &events[..],
            &[
                "-o",
                "custom-columns=TYPE:.type,REASON:.reason,OBJECT:.involvedObject.name,MESSAGE:.message",
            ],
        ]
        .concat();
        self.kubectl(&columns).await?;
        let cost = self.cost(mark);
        Self::told(cost);
        ensure!(
            cost.decrypts == PARAMETERS as u64,
            "a repair should decrypt the {PARAMETERS} parameters of this Secret and no others"
        );
        Ok(())
    }

    async fn delete(&self) -> anyhow::Result<()> {
        self.step("Delete the ParameterSync; the Secret goes with it");
        println!(
            "   (Kubernetes' garbage collector learns of new kinds every 30 s: the first time takes that long.)"
        );
        self.kubectl(&["delete", "psync", "web", "-n", NAMESPACE]).await?;
        self.kubectl(&[
            "wait",
            "--for=delete",
            "secret/web",
            "-n",
            NAMESPACE,
            "--timeout=30s",
        ])
        .await?;
        self.step("Clean up");
        Ok(())
    }

    /// Takes back what was made in a cluster that stays, last first.
    async fn clear(&self) -> anyhow::Result<()> {
        if !self.plane_stays {
            println!("   The control plane ends, and its files are removed.");
            return Ok(());
        }
        let undo = std::mem::take(&mut *self.undo.lock().unwrap_or_else(PoisonError::into_inner));
        let mut first = Ok(());
        for command in undo.iter().rev() {
            println!("   $ {}", command.join(" "));
            let done = match command.split_first() {
                Some((&"helm", args)) => self.plane.helm(args).await,
                Some((_, args)) => self.plane.kubectl(args).await,
                None => continue,
            };
            if let Err(error) = done {
                eprintln!("   {error:#}");
                first = first.and(Err(error));
            }
        }
        first
    }

    fn undoing(&self, command: &[&'static str]) {
        let mut undo = self.undo.lock().unwrap_or_else(PoisonError::into_inner);
        undo.push(command.to_vec());
    }

    fn step(&self, what: &str) {
        let mut steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        *steps += 1;
        println!("\n{steps}. {what}");
    }

    /// Runs kubectl as a person would, with the command and its output shown.
    async fn kubectl(&self, args: &[&str]) -> anyhow::Result<()> {
        let shown: Vec<_> = args.iter().map(|arg| quoted(arg)).collect();
        println!("   $ kubectl {}", shown.join(" "));
        indented(&self.plane.kubectl(args).await?);
        Ok(())
    }

    async fn apply(&self, yaml: &str) -> anyhow::Result<()> {
        println!("   $ kubectl apply -f - <<YAML");
        indented(yaml);
        println!("   YAML");
        indented(&self.plane.kubectl_stdin(&["apply", "-f", "-"], yaml).await?);
        Ok(())
    }

    async fn secret(&self) -> anyhow::Result<BTreeMap<String, String>> {
        let secrets: Api<Secret> = Api::namespaced(self.plane.client().await?, NAMESPACE);
        let data = secrets.get("web").await?.data.unwrap_or_default();
        data.into_iter()
            .map(|(key, value)| {
                Ok((
                    key,
                    String::from_utf8(value.0).map_err(|_| anyhow::anyhow!("no UTF-8"))?,
                ))
            })
            .collect()
    }

    async fn resource_version(&self) -> anyhow::Result<String> {
        let secrets: Api<Secret> = Api::namespaced(self.plane.client().await?, NAMESPACE);
        let secret = secrets.get_metadata("web").await?;
        secret.metadata.resource_version.context("no resourceVersion")
    }

    /// Asks until it holds; returns the seconds that it took.
    async fn until(&self, what: &str, holds: impl AsyncFn() -> anyhow::Result<bool>) -> anyhow::Result<f64> {
        let start = Instant::now();
        while !holds().await? {
            if start.elapsed() > PATIENCE {
                bail!("not within {PATIENCE:?}: {what}");
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(start.elapsed().as_secs_f64())
    }

    fn mark(&self) -> Cost {
        let calls = self.store.gate().calls();
        let reads = calls
            .iter()
            .filter(|call| call.action.starts_with("GetParameter"));
        let decrypting = reads.filter(|call| call.decrypt).count() as u64;
        let counts = self.store.gate().counts();
        Cost {
            plain: counts.reads() - decrypting,
            decrypting,
            decrypts: counts.decrypted,
        }
    }

    /// What was asked since a mark.
    fn cost(&self, since: Cost) -> Cost {
        let now = self.mark();
        Cost {
            plain: now.plain - since.plain,
            decrypting: now.decrypting - since.decrypting,
            decrypts: now.decrypts - since.decrypts,
        }
    }

    fn told(cost: Cost) {
        println!(
            "   Cost: {} calls to Parameter Store ({} to look, without decryption; {} to fetch), {} decrypts.",
            cost.plain + cost.decrypting,
            cost.plain,
            cost.decrypting,
            cost.decrypts
        );
    }

    fn total(&self) {
        self.step("What it cost in all");
        Self::told(self.mark());
    }
}

fn indented(text: &str) {
    for line in text.lines() {
        println!("   {line}");
    }
}

/// As it would be typed in a shell.
fn quoted(arg: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=/.,:@".contains(c);
    if arg.chars().all(plain) {
        arg.to_owned()
    } else {
        format!("'{arg}'")
    }
}
