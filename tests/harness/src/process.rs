//! Servers as child processes that surely end with this process, also when it is killed by SIGKILL.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

/// A shell between us and the server: it holds the reading end of a pipe whose writing end only we hold. When
/// that closes, for whatever reason, it kills the server. It says the server's pid and ends with its exit code.
/// Its own messages, such as "Terminated", are no part of the log.
const WATCHDOG: &str = r#"
exec 3<&0 </dev/null
log=$1
shift
"$@" 3<&- >>"$log" 2>&1 &
server=$!
echo "$server"
exec >&-
( trap '' INT HUP; read -r _ <&3; kill -KILL "$server" ) &
watchdog=$!
exec 3<&-
wait "$server"
code=$?
kill -KILL "$watchdog"
exit "$code"
"#;

/// How long a process may take to halt.
const HALT: Duration = Duration::from_secs(10);

/// What can be sent to a [`Child`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Ends it with notice.
    Term,
    /// Ends it without.
    Kill,
    /// Halts it until [`Signal::Continue`].
    Stop,
    /// Lets it run again.
    Continue,
}

impl Signal {
    fn name(self) -> &'static str {
        match self {
            Self::Term => "TERM",
            Self::Kill => "KILL",
            Self::Stop => "STOP",
            Self::Continue => "CONT",
        }
    }
}

/// A running server; dropping it kills it and waits for its end.
#[derive(Debug)]
pub struct Child {
    shell: std::process::Child,
    pid: u32,
    log: PathBuf,
}

impl Child {
    /// Starts a program with these arguments; its output is added to the file `log`. Of our environment it gets
    /// `PATH` only, and `env` besides.
    pub fn start<A: AsRef<str>>(
        program: &Path,
        args: &[A],
        env: &[(&str, &str)],
        log: &Path,
    ) -> anyhow::Result<Self> {
        let fault = || format!("cannot start {}", program.display());
        if !program.is_file() {
            bail!("{}: there is no such file", fault());
        }
        File::options()
            .create(true)
            .append(true)
            .open(log)
            .with_context(fault)?;
        let mut shell = Command::new("sh");
        shell.args(["-c", WATCHDOG, "sh"]).arg(log).arg(program);
        shell.args(args.iter().map(AsRef::as_ref));
        shell
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(env.iter().copied());
        shell
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut shell = shell.spawn().with_context(fault)?;
        let mut pid = String::new();
        if let Some(stdout) = shell.stdout.take() {
            BufReader::new(stdout).read_line(&mut pid).with_context(fault)?;
        }
        let pid = pid.trim().parse().with_context(fault)?;
        Ok(Self {
            shell,
            pid,
            log: log.to_owned(),
        })
    }

    /// The server's own process id.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// The last `lines` lines of what it wrote.
    pub fn log_tail(&self, lines: usize) -> String {
        tail(&self.log, lines)
    }

    /// Sends a signal; fails if the server has ended. After [`Signal::Stop`] it does nothing more: its threads are waited
    /// for, as the one that takes the signal may not be running, and the others run until it does.
    pub fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let kill = format!("kill -{} {}", signal.name(), self.pid);
        let output = Command::new("sh").args(["-c", &kill]).output()?;
        if !output.status.success() {
            bail!("{kill}: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        let start = Instant::now();
        while signal == Signal::Stop && !self.is_halted()? {
            if start.elapsed() > HALT {
                bail!("process {} does not halt", self.pid);
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    fn is_halted(&self) -> anyhow::Result<bool> {
        for task in std::fs::read_dir(format!("/proc/{}/task", self.pid))? {
            let Ok(stat) = std::fs::read_to_string(task?.path().join("stat")) else {
                continue; // That thread has ended.
            };
            // The state follows the name, which stands in parentheses and may hold anything.
            let state = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
            if !state.starts_with(['T', 't']) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The exit code if the server has ended; 128 and the signal's number if a signal ended it.
    pub fn exit_code(&mut self) -> anyhow::Result<Option<i32>> {
        Ok(self.shell.try_wait()?.map(|status| status.code().unwrap_or(-1)))
    }

    /// Waits for the server's end; fails if it has not ended after `timeout`.
    pub fn wait(&mut self, timeout: Duration) -> anyhow::Result<i32> {
        let start = Instant::now();
        loop {
            if let Some(code) = self.exit_code()? {
                return Ok(code);
            }
            if start.elapsed() > timeout {
                bail!("process {} still runs after {timeout:?}", self.pid);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.shell.stdin.take();
        let _ = self.shell.wait();
    }
}

/// The last lines of a file; what is wrong with it, if it cannot be read.
pub(crate) fn tail(file: &Path, lines: usize) -> String {
    match std::fs::read(file) {
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes);
            let all: Vec<_> = text.lines().collect();
            all[all.len().saturating_sub(lines)..].join("\n")
        }
        Err(error) => format!("{}: {error}", file.display()),
    }
}
