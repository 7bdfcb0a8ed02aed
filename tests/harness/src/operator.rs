//! The paramsync binary as a process beside the cluster, with the rights that the chart gives it.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use jiff::SignedDuration;

use crate::api_proxy::ApiProxy;
use crate::control_plane::ControlPlane;
use crate::http::{self, Answer};
use crate::ports::free_port;
use crate::process::{Child, Signal, tail};

/// The namespace and the ServiceAccount that the chart is installed with.
pub(crate) const NAMESPACE: &str = "paramsync-system";
pub(crate) const SERVICE_ACCOUNT: &str = "paramsync";
/// How long a file's reader may need to see its new content.
const NOTICED: Duration = Duration::from_millis(20);
/// Linux counts processor time in hundredths of a second on every architecture that we run on.
const TICKS_PER_SECOND: f64 = 100.0;

/// How the operator is started.
#[derive(Debug, Clone, Default)]
pub struct OperatorConfig {
    /// The paramsync binary.
    pub binary: PathBuf,
    /// Arguments after `run`, but for `--admin-address`.
    pub args: Vec<String>,
    /// Environment beside `KUBECONFIG`, `HOME` and `AWS_EC2_METADATA_DISABLED=true`.
    pub env: Vec<(String, String)>,
    /// Where it runs, as ServiceAccount `paramsync`; `None`: paramsync-system. One leads in each namespace.
    pub namespace: Option<String>,
    /// Whether an [`ApiProxy`] stands between it and the API server: [`Operator::proxy`].
    pub through_proxy: bool,
    /// Whether its wall clock can be moved: [`Operator::move_clock`].
    pub movable_clock: bool,
}

impl OperatorConfig {
    /// The namespace that it runs in.
    pub fn namespace(&self) -> &str {
        self.namespace.as_deref().unwrap_or(NAMESPACE)
    }
}

/// A running operator; dropping it kills it.
#[derive(Debug)]
pub struct Operator {
    config: OperatorConfig,
    kubeconfig: PathBuf,
    admin: Admin,
    clock: Option<Clock>,
    proxy: Option<ApiProxy>,
    home: PathBuf,
    log: PathBuf,
    admin_port: u16,
    process: Mutex<Option<Child>>,
}

impl Operator {
    /// Starts the operator with a token of ServiceAccount paramsync in its namespace, which must exist. Does not wait
    /// until it is ready.
    pub async fn start(plane: &ControlPlane, config: OperatorConfig) -> anyhow::Result<Self> {
        let namespace = config.namespace();
        let token = [
            "create",
            "token",
            SERVICE_ACCOUNT,
            "-n",
            namespace,
            "--duration",
            "24h",
        ];
        let token = plane.kubectl(&token).await?;
        let admin_port = free_port()?;
        let proxy = config.through_proxy.then(|| ApiProxy::start(plane)).transpose()?;
        let server = proxy.as_ref().map(ApiProxy::url);
        let text = plane.kubeconfig_with(token.trim(), server.as_deref())?;
        let scratch = plane.scratch();
        let kubeconfig = scratch.write(&format!("operator-{admin_port}.kubeconfig"), &text)?;
        let clock = Clock {
            library: plane.tools().faketime.clone(),
            file: scratch.path().join(format!("operator-{admin_port}.clock")),
        };
        let operator = Self {
            clock: config.movable_clock.then_some(clock),
            config,
            kubeconfig,
            admin: Admin {
                kubectl: plane.tools().kubectl.clone(),
                kubeconfig: plane.kubeconfig().to_owned(),
                home: scratch.path().to_owned(),
            },
            proxy,
            home: scratch.path().join("operator-home"),
            log: scratch.path().join(format!("operator-{admin_port}.log")),
            admin_port,
            process: Mutex::new(None),
        };
        if let Some(clock) = &operator.clock {
            clock.set(SignedDuration::ZERO)?;
        }
        *operator.process() = Some(operator.spawn()?);
        Ok(operator)
    }

    fn process(&self) -> MutexGuard<'_, Option<Child>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn spawn(&self) -> anyhow::Result<Child> {
        let admin = format!("127.0.0.1:{}", self.admin_port);
        let mut args = vec!["run", "--admin-address", &admin];
        args.extend(self.config.args.iter().map(String::as_str));
        let (kubeconfig, home) = (self.kubeconfig.to_string_lossy(), self.home.to_string_lossy());
        let mut env = vec![
            ("KUBECONFIG", kubeconfig.as_ref()),
            ("HOME", home.as_ref()),
            // As in the chart's Deployment.
            ("POD_NAMESPACE", self.config.namespace()),
            ("AWS_EC2_METADATA_DISABLED", "true"),
        ];
        env.extend(
            self.config
                .env
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str())),
        );
        let binary = &self.config.binary;
        let Some(clock) = &self.clock else {
            return Child::start(binary, &args, &env, &self.log);
        };
        // Not by our own environment: the shell between us and the operator keeps its clock.
        let mut with_clock = clock.env();
        with_clock.push(binary.to_string_lossy().into_owned());
        with_clock.extend(args.into_iter().map(str::to_owned));
        Child::start(Path::new("/usr/bin/env"), &with_clock, &env, &self.log)
    }

    /// The proxy between it and the API server; panics if it was not asked for.
    pub fn proxy(&self) -> &ApiProxy {
        match &self.proxy {
            Some(proxy) => proxy,
            None => panic!("this operator was started without through_proxy"),
        }
    }

    /// Puts the operator's wall clock so far before or after ours, also for later processes; it runs on from there, and
    /// its monotonic clock notices nothing. Fails if it was not started with a clock that can be moved.
    pub fn move_clock(&self, by: SignedDuration) -> anyhow::Result<()> {
        let clock = self.clock.as_ref().context("started without movable_clock")?;
        clock.set(by)?;
        std::thread::sleep(NOTICED);
        Ok(())
    }

    /// Ends the operator by SIGTERM, by SIGKILL after 15 s; returns its exit code. `None`: it was not running.
    pub fn stop(&self) -> anyhow::Result<Option<i32>> {
        let Some(mut process) = self.process().take() else {
            return Ok(None);
        };
        if process.exit_code()?.is_none() {
            process.signal(Signal::Term)?;
        }
        let code = process.wait(Duration::from_secs(15)).map(Some);
        self.clean(process);
        code
    }

    /// Ends the operator at once, as a crash would, also while it is halted. Whoever writes next has to wait for its Lease,
    /// for 25 s: see [`Operator::kill`].
    pub fn crash(&self) {
        let process = self.process().take();
        if let Some(process) = process {
            self.clean(process);
        }
    }

    /// Ends a process, and takes away what its clock shared with nobody.
    fn clean(&self, process: Child) {
        let pid = process.pid();
        drop(process);
        if self.clock.is_some() {
            for file in ["faketime_shm", "sem.faketime_sem"] {
                let _ = std::fs::remove_file(format!("/dev/shm/{file}_{pid}"));
            }
        }
    }

    /// Ends the operator at once, and deletes its Lease once it is dead, as an administrator may: for tests that are about
    /// what it was doing, not about who writes next.
    pub fn kill(&self) -> anyhow::Result<()> {
        self.crash();
        self.admin.delete_lease(self.config.namespace())
    }

    /// Halts all of it, as a machine without processor time would; see [`Operator::resume`].
    pub fn pause(&self) -> anyhow::Result<()> {
        self.signal(Signal::Stop)
    }

    /// Lets it run again.
    pub fn resume(&self) -> anyhow::Result<()> {
        self.signal(Signal::Continue)
    }

    /// Starts it if it was stopped or killed, with the same arguments and the same log.
    pub fn start_again(&self) -> anyhow::Result<()> {
        let process = self.spawn()?;
        *self.process() = Some(process);
        Ok(())
    }

    /// Ends the operator with notice and starts it again, with the same arguments and the same log.
    pub fn restart(&self) -> anyhow::Result<()> {
        self.stop()?;
        self.start_again()
    }

    /// Sends a signal, such as [`Signal::Stop`].
    pub fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        self.process()
            .as_ref()
            .context("the operator is not running")?
            .signal(signal)
    }

    /// GET of a path such as `/readyz` on the admin address.
    pub async fn get(&self, path: &str) -> anyhow::Result<Answer> {
        http::get(&format!("http://127.0.0.1:{}{path}", self.admin_port)).await
    }

    /// The text of `/metrics`.
    pub async fn metrics(&self) -> anyhow::Result<String> {
        let answer = self.get("/metrics").await?;
        if answer.status != 200 {
            bail!("/metrics: HTTP {}", answer.status);
        }
        Ok(answer.body)
    }

    /// The sum of a metric's samples whose labels hold all of these; 0 if there is none. `name` is as exposed,
    /// such as `paramsync_aws_requests_total`.
    pub async fn metric(&self, name: &str, labels: &[(&str, &str)]) -> anyhow::Result<f64> {
        Ok(sum_of_samples(&self.metrics().await?, name, labels))
    }

    /// Waits until `/readyz` says 200, at most 30 s; fails with the end of the log.
    pub async fn wait_ready(&self) -> anyhow::Result<()> {
        let start = Instant::now();
        loop {
            let said = match self.get("/readyz").await {
                Ok(answer) if answer.status == 200 => return Ok(()),
                Ok(answer) => format!("HTTP {} {}", answer.status, answer.body),
                Err(error) => format!("{error:#}"),
            };
            let exit = self
                .process()
                .as_mut()
                .map(Child::exit_code)
                .transpose()?
                .flatten();
            if exit.is_some() || start.elapsed() > Duration::from_secs(30) {
                let exit = exit.map_or(String::new(), |code| format!(" (it ended with code {code})"));
                bail!("the operator is not ready: {said}{exit}\n{}", self.log_tail(30));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Everything that it wrote since it was first started.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// The last `lines` lines of the log.
    pub fn log_tail(&self, lines: usize) -> String {
        tail(&self.log, lines)
    }

    /// Its process id.
    pub fn pid(&self) -> anyhow::Result<u32> {
        self.process()
            .as_ref()
            .map(Child::pid)
            .context("the operator is not running")
    }

    /// Resident memory in bytes.
    pub fn rss_bytes(&self) -> anyhow::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid()?))?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .context("no VmRSS")?;
        let kibibytes: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
        Ok(kibibytes * 1024)
    }

    /// Processor time used since its start, in seconds.
    pub fn cpu_seconds(&self) -> anyhow::Result<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid()?))?;
        // The name, in parentheses, may hold anything; utime and stime are the 12th and 13th fields after it.
        let (_, fields) = stat.rsplit_once(')').context("no name in stat")?;
        let ticks: Vec<f64> = fields
            .split_whitespace()
            .skip(11)
            .take(2)
            .flat_map(str::parse)
            .collect();
        Ok(ticks.iter().sum::<f64>() / TICKS_PER_SECOND)
    }
}

/// The administrator's kubectl.
#[derive(Debug)]
struct Admin {
    kubectl: PathBuf,
    kubeconfig: PathBuf,
    /// Where kubectl keeps its cache; without one that is the working directory.
    home: PathBuf,
}

impl Admin {
    fn delete_lease(&self, namespace: &str) -> anyhow::Result<()> {
        let mut kubectl = std::process::Command::new(&self.kubectl);
        kubectl
            .args([
                "delete",
                "lease",
                "paramsync",
                "--ignore-not-found",
                "-n",
                namespace,
            ])
            .env_clear()
            .env("HOME", &self.home)
            .env("KUBECONFIG", &self.kubeconfig);
        let output = kubectl.output().context("cannot run kubectl")?;
        if !output.status.success() {
            bail!(
                "the Lease cannot be deleted: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        Ok(())
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        self.crash();
    }
}

/// A wall clock of its own for one process: libfaketime, which asks a file at each call.
#[derive(Debug)]
struct Clock {
    library: PathBuf,
    file: PathBuf,
}

impl Clock {
    fn set(&self, by: SignedDuration) -> anyhow::Result<()> {
        // Moved into place: a file that is being written would show the true time.
        let new = self.file.with_extension("new");
        std::fs::write(&new, format!("{:+}\n", by.as_secs()))?;
        std::fs::rename(&new, &self.file)?;
        Ok(())
    }

    /// What `env` is told.
    fn env(&self) -> Vec<String> {
        vec![
            format!("LD_PRELOAD={}", self.library.display()),
            format!("FAKETIME_TIMESTAMP_FILE={}", self.file.display()),
            "FAKETIME_NO_CACHE=1".to_owned(),
            "DONT_FAKE_MONOTONIC=1".to_owned(),
        ]
    }
}

fn sum_of_samples(metrics: &str, name: &str, labels: &[(&str, &str)]) -> f64 {
    let samples = metrics
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let (series, value) = line.rsplit_once(' ')?;
            let (found, found_labels) = series.split_once('{').unwrap_or((series, ""));
            let wanted =
                |(label, value): &(&str, &str)| found_labels.contains(&format!("{label}=\"{value}\""));
            (found == name && labels.iter().all(wanted))
                .then(|| value.parse::<f64>().ok())
                .flatten()
        });
    samples.sum()
}

#[cfg(test)]
mod tests {
    use super::sum_of_samples;

    #[test]
    fn samples_are_summed_over_the_labels_that_are_not_named() {
        let text = "# TYPE a counter\na_total{op=\"x\",code=\"OK\"} 2\na_total{op=\"y\",code=\"OK\"} 3\n\
                    a_total{op=\"x\",code=\"Throttled\"} 5\nb 7\n";
        assert!((sum_of_samples(text, "a_total", &[("code", "OK")]) - 5.0).abs() < f64::EPSILON);
        assert!((sum_of_samples(text, "a_total", &[("op", "x")]) - 7.0).abs() < f64::EPSILON);
        assert!((sum_of_samples(text, "b", &[]) - 7.0).abs() < f64::EPSILON);
        assert!(sum_of_samples(text, "c", &[]).abs() < f64::EPSILON);
    }
}
