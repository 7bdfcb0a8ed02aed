//! `make bench`: what the operator costs at 1,000 ParameterSyncs of 10 parameters each.
//!
//! `bench BINARY`: the release binary of paramsync. `BENCH_OBJECTS` (1000) makes it smaller.
//!
//! The gate answers reads from its own copy, after 20 ms, and throttles above 40 a second, AWS's default. The store
//! has the default limit of 20 requests a second, as a user would have it, of which sweeps take at most half: 1,000
//! paths are swept in 100 s. The interval is a fifth longer than that, 120 s, so that no interval must be stretched.
//! All objects are made while the operator is stopped, so that a first sync measures the operator and not kubectl.
//!
//! Ends with exit code 1 if a figure is over its target.

// It runs in real time.
#![allow(clippy::disallowed_methods)]

mod freeze;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, bail, ensure};
use gate::{Counts, Quota};
use harness::{ACCESS_KEY_ID, Operator, OperatorConfig, REGION, SECRET_ACCESS_KEY, Suite, SuiteConfig};
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::{ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams, PostParams};
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

const PARAMETERS: usize = 10;
const QUOTA: f64 = 40.0;
const LATENCY: Duration = Duration::from_millis(20);
/// The store's default, in requests a second.
const LIMIT: f64 = 20.0;
const QUIET_INTERVALS: u32 = 3;
const REPAIRS: usize = 5;
const MIB: f64 = 1024.0 * 1024.0;
/// How much longer than the limiter alone a first sync may take.
const SLACK: f64 = 1.2;
/// Process start, list of everything, the last writes.
const STARTUP_SECONDS: f64 = 5.0;
const POLL: Duration = Duration::from_millis(100);

fn main() -> ExitCode {
    let result = tokio::runtime::Runtime::new()
        .map_err(Into::into)
        .and_then(|runtime| runtime.block_on(bench()));
    match result {
        Ok(0) => ExitCode::SUCCESS,
        Ok(over) => {
            eprintln!("{over} figures are over their targets");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("the bench FAILED: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs it all; returns how many figures are over their targets.
async fn bench() -> anyhow::Result<usize> {
    let binary = PathBuf::from(std::env::args().nth(1).context("usage: bench BINARY")?);
    let objects = match std::env::var("BENCH_OBJECTS") {
        Ok(text) if !text.is_empty() => text.parse().context("BENCH_OBJECTS is no number")?,
        _ => 1000,
    };
    ensure!(objects > 0, "BENCH_OBJECTS must be 1 or more");
    let mut table = Table::default();
    let size = std::fs::metadata(&binary)
        .with_context(|| binary.display().to_string())?
        .len();

    println!("starting a control plane, the chart and the operator ...");
    let suite = Suite::start(SuiteConfig {
        operator: OperatorConfig {
            binary,
            env: vec![
                ("AWS_ACCESS_KEY_ID".to_owned(), ACCESS_KEY_ID.to_owned()),
                ("AWS_SECRET_ACCESS_KEY".to_owned(), SECRET_ACCESS_KEY.to_owned()),
            ],
            ..OperatorConfig::default()
        },
        chart_values: Vec::new(),
    })
    .await?;
    let run = Run::new(&suite, objects).await?;
    Table::title("at rest, without any object");
    tokio::time::sleep(Duration::from_secs(5)).await;
    table.at_most("binary, stripped (MB)", size as f64 / 1e6, 30.0);
    table.at_most(
        "resident memory (MiB)",
        run.operator().rss_bytes()? as f64 / MIB,
        30.0,
    );
    run.operator().stop()?;

    println!("making {objects} ParameterSyncs of {PARAMETERS} parameters each ...");
    run.make_objects().await?;
    println!("first sync ...");
    run.first_sync(&mut table).await?;
    println!(
        "{QUIET_INTERVALS} quiet intervals of {} s ...",
        run.interval.as_secs()
    );
    run.quiet(&mut table).await?;
    println!("repairs ...");
    run.repairs(&mut table).await?;
    println!("restart ...");
    run.restart(&mut table).await?;
    println!("a calendar ...");
    run.freeze(&mut table).await?;
    Ok(table.over)
}

/// One bench.
struct Run<'a> {
    suite: &'a Suite,
    client: kube::Client,
    objects: usize,
    interval: Duration,
}

/// What had been used at a moment; metrics start anew with the process.
struct Mark {
    at: Instant,
    wall: SystemTime,
    cpu: f64,
    secret_writes: f64,
    status_writes: f64,
    counts: Counts,
}

impl<'a> Run<'a> {
    async fn new(suite: &'a Suite, objects: usize) -> anyhow::Result<Self> {
        // Sweeps may take half of the limit; a fifth is left over.
        let seconds = (objects as f64 / (LIMIT / 2.0) * 1.2).ceil().max(10.0);
        let gate = suite.tenant_store().gate();
        gate.serve_reads_itself(true);
        gate.latency(LATENCY);
        gate.quota(Some(Quota {
            per_second: QUOTA,
            burst: QUOTA,
        }));
        Ok(Self {
            suite,
            client: suite.plane().client().await?,
            objects,
            interval: Duration::from_secs(seconds as u64),
        })
    }

    fn operator(&self) -> &Operator {
        self.suite.operator()
    }

    async fn make_objects(&self) -> anyhow::Result<()> {
        let store = self.suite.tenant_store();
        for object in 0..self.objects {
            for parameter in 0..PARAMETERS {
                let name = format!("/bench/o{object:05}/KEY_{parameter:02}");
                store.gate().seed(
                    &name,
                    &format!("value {parameter} of object {object}"),
                    "SecureString",
                );
            }
        }
        let yaml = format!(
            "apiVersion: v1
kind: Namespace
metadata: {{name: bench}}
---
apiVersion: paramsync.dev/v1alpha1
kind: ClusterParameterStore
metadata: {{name: default}}
spec:
  region: {REGION}
  endpointURL: {}
  access: [{{namespaceSelector: {{}}, prefixes: [/bench]}}]
",
            store.url()
        );
        self.suite
            .plane()
            .kubectl_stdin(&["apply", "-f", "-"], &yaml)
            .await?;
        let kind = GroupVersionKind::gvk("paramsync.dev", "v1alpha1", "ParameterSync");
        let resource = ApiResource::from_gvk(&kind);
        let api: Api<DynamicObject> = Api::namespaced_with(self.client.clone(), "bench", &resource);
        let (turns, mut tasks) = (Arc::new(Semaphore::new(16)), JoinSet::new());
        for object in 0..self.objects {
            let (api, turns) = (api.clone(), Arc::clone(&turns));
            let sync = DynamicObject::new(&name_of(object), &resource).data(json!({"spec": {
                "sources": [{"path": format!("/bench/o{object:05}")}],
                "interval": format!("{}s", self.interval.as_secs()),
            }}));
            tasks.spawn(async move {
                let _turn = turns.acquire().await?;
                anyhow::Ok(api.create(&PostParams::default(), &sync).await?)
            });
        }
        while let Some(made) = tasks.join_next().await {
            made??;
        }
        Ok(())
    }

    async fn first_sync(&self, table: &mut Table) -> anyhow::Result<()> {
        let start = self.start()?;
        let floor = self.objects as f64 / LIMIT;
        self.all_ready(Duration::from_secs_f64(floor * 4.0 + 60.0))
            .await?;
        let used = self.used(&start).await?;
        let fetches = self.decrypting_calls(start.wall);
        Table::title("first sync");
        table.at_most("calls with decryption", fetches as f64, self.objects as f64);
        // Of those that were synced first, when their interval came round.
        Table::figure(
            "calls without, to look again",
            used.counts.reads() as f64 - fetches as f64,
        );
        table.at_most(
            "decrypts",
            used.counts.decrypted as f64,
            (self.objects * PARAMETERS) as f64,
        );
        table.at_most("throttled", used.counts.throttled as f64, 0.0);
        table.at_most(
            "seconds (the limiter alone: 20 calls/s)",
            used.at.elapsed().as_secs_f64(),
            floor * SLACK + STARTUP_SECONDS,
        );
        table.at_most("Secret writes", used.secret_writes, self.objects as f64);
        table.at_most("status writes", used.status_writes, 2.0 * self.objects as f64);
        self.machine(&used)
    }

    async fn quiet(&self, table: &mut Table) -> anyhow::Result<()> {
        // Fetches go before sweeps: those that became due during the first sync are made up for first.
        tokio::time::sleep(self.interval).await;
        let start = self.mark().await?;
        tokio::time::sleep(self.interval * QUIET_INTERVALS).await;
        let used = self.used(&start).await?;
        Table::title(&format!(
            "{QUIET_INTERVALS} quiet intervals of {} s",
            self.interval.as_secs()
        ));
        // What the limiter holds back at the edges may fall on either side.
        let sweeps = self.objects as f64 * f64::from(QUIET_INTERVALS);
        table.at_most("calls", used.counts.reads() as f64, (sweeps * 1.02).ceil() + 10.0);
        table.at_most("decrypts", used.counts.decrypted as f64, 0.0);
        table.at_most("throttled", used.counts.throttled as f64, 0.0);
        Table::figure("seconds", used.at.elapsed().as_secs_f64());
        table.at_most("Secret writes", used.secret_writes, 0.0);
        table.at_most("status writes", used.status_writes, 0.0);
        self.machine(&used)
    }

    async fn restart(&self, table: &mut Table) -> anyhow::Result<()> {
        self.operator().stop()?;
        let start = self.start()?;
        self.all_ready(self.interval * 3).await?;
        let ready = start.at.elapsed().as_secs_f64();
        // All that was due while it was down, and one sweep of everything.
        if let Some(rest) = self.interval.checked_sub(start.at.elapsed()) {
            tokio::time::sleep(rest).await;
        }
        let used = self.used(&start).await?;
        Table::title("restart, and one interval after it");
        table.at_most(
            "calls",
            used.counts.reads() as f64,
            (self.objects as f64 * 1.1).ceil() + 1.0,
        );
        table.at_most("decrypts", used.counts.decrypted as f64, 0.0);
        table.at_most("throttled", used.counts.throttled as f64, 0.0);
        Table::figure("seconds until all are known as Ready", ready);
        table.at_most("Secret writes", used.secret_writes, 0.0);
        table.at_most("status writes", used.status_writes, 0.0);
        self.machine(&used)
    }

    async fn repairs(&self, table: &mut Table) -> anyhow::Result<()> {
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), "bench");
        let start = self.mark().await?;
        let mut seconds = Vec::new();
        for object in (0..REPAIRS).map(|n| n % self.objects) {
            let name = name_of(object);
            let before = secrets.get(&name).await?.data;
            let broken = json!({"stringData": {"KEY_00": "broken by hand"}});
            secrets
                .patch(&name, &PatchParams::default(), &Patch::Merge(&broken))
                .await?;
            let since = Instant::now();
            while secrets.get(&name).await?.data != before {
                ensure!(
                    since.elapsed() < Duration::from_secs(30),
                    "Secret {name} is not repaired"
                );
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            seconds.push(since.elapsed().as_secs_f64());
        }
        seconds.sort_by(f64::total_cmp);
        let used = self.used(&start).await?;
        Table::title(&format!(
            "{REPAIRS} Secrets broken by hand, among {}",
            self.objects
        ));
        table.at_most("seconds until repaired, median", seconds[REPAIRS / 2], 2.0);
        table.at_most("seconds until repaired, longest", seconds[REPAIRS - 1], 2.0);
        table.at_most(
            "decrypts",
            used.counts.decrypted as f64,
            (REPAIRS * PARAMETERS) as f64,
        );
        Ok(())
    }

    /// Starts the operator; everything counts from here.
    fn start(&self) -> anyhow::Result<Mark> {
        let mark = Mark {
            at: Instant::now(),
            wall: SystemTime::now(),
            cpu: 0.0,
            secret_writes: 0.0,
            status_writes: 0.0,
            counts: Counts::default(),
        };
        self.suite.tenant_store().gate().reset_counts();
        self.operator().restart()?;
        Ok(mark)
    }

    async fn mark(&self) -> anyhow::Result<Mark> {
        self.suite.tenant_store().gate().reset_counts();
        Ok(Mark {
            at: Instant::now(),
            wall: SystemTime::now(),
            cpu: self.operator().cpu_seconds()?,
            secret_writes: self
                .operator()
                .metric("paramsync_secret_writes_total", &[])
                .await?,
            status_writes: self
                .operator()
                .metric("paramsync_status_writes_total", &[])
                .await?,
            counts: Counts::default(),
        })
    }

    /// What was used since; `at` is that moment still.
    async fn used(&self, since: &Mark) -> anyhow::Result<Mark> {
        let counts = self.suite.tenant_store().gate().counts();
        let (at, cpu) = (since.at, self.operator().cpu_seconds()? - since.cpu);
        let operator = self.operator();
        Ok(Mark {
            at,
            wall: since.wall,
            cpu,
            secret_writes: operator.metric("paramsync_secret_writes_total", &[]).await? - since.secret_writes,
            status_writes: operator.metric("paramsync_status_writes_total", &[]).await? - since.status_writes,
            counts,
        })
    }

    /// Calls since then that asked for decryption, of the last 2,000 calls.
    fn decrypting_calls(&self, since: SystemTime) -> usize {
        let calls = self.suite.tenant_store().gate().calls();
        calls
            .iter()
            .filter(|call| call.decrypt && call.at >= since)
            .count()
    }

    fn machine(&self, used: &Mark) -> anyhow::Result<()> {
        Table::figure("CPU seconds", used.cpu);
        Table::figure("resident memory (MiB)", self.operator().rss_bytes()? as f64 / MIB);
        Ok(())
    }

    async fn all_ready(&self, patience: Duration) -> anyhow::Result<()> {
        let start = Instant::now();
        loop {
            // Not listening yet is no fault.
            let ready = self
                .operator()
                .metric("paramsync_objects", &[("ready", "True")])
                .await
                .unwrap_or(0.0);
            if ready >= self.objects as f64 {
                return Ok(());
            }
            if start.elapsed() > patience {
                bail!(
                    "only {ready} of {} are Ready after {patience:?}\n{}",
                    self.objects,
                    self.operator().log_tail(20)
                );
            }
            tokio::time::sleep(POLL).await;
        }
    }
}

fn name_of(object: usize) -> String {
    format!("o{object:05}")
}

/// What was measured, with its target.
#[derive(Default)]
struct Table {
    over: usize,
}

impl Table {
    fn title(what: &str) {
        println!("\n{what}\n{:44} {:>10} {:>10}", "", "measured", "at most");
    }

    fn at_most(&mut self, what: &str, measured: f64, target: f64) {
        let over = measured > target;
        self.over += usize::from(over);
        let verdict = if over { "OVER" } else { "ok" };
        println!(
            "  {what:42} {:>10} {:>10}  {verdict}",
            number(measured),
            number(target)
        );
    }

    fn figure(what: &str, measured: f64) {
        println!("  {what:42} {:>10}", number(measured));
    }
}

fn number(value: f64) -> String {
    // A difference may be minus zero.
    let value = value + 0.0;
    if value.fract() == 0.0 {
        format!("{value:.0}")
    } else if value < 1.0 {
        format!("{value:.3}")
    } else {
        format!("{value:.1}")
    }
}
