//! A gate in front of the local Parameter Store (roto-server): it does what no local server does.
//!
//! It counts calls, names and decrypts, imposes quotas and latency, refuses names, disables keys, cuts pages
//! short, lets reads lag behind writes, answers for Change Calendar, and puts right what roto answers otherwise than
//! AWS. It never keeps a value in its log.
//!
//! - [`Gate`]: starts, stops, and is told what to do (each method is synchronous and takes effect at once);
//! - [`log`]: counts and calls; `faults`: what is imposed, and the token bucket;
//! - `calendars`: GetCalendarState, from a table;
//! - `copy`: the parameters put through the gate, with history; `own`: answers from it;
//! - `protocol`: AWS's JSON 1.1, in and out; `server`: sockets;
//! - `call`: what becomes of one request; `shape`: how an answer is put right.

// The gate is a server of its own: its clock is the machine's.
#![allow(clippy::disallowed_methods)]

mod calendars;
mod call;
mod copy;
mod faults;
pub mod log;
mod own;
mod protocol;
mod server;
mod shape;

use std::net::SocketAddr;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use jiff::Timestamp;
use tokio::sync::{oneshot, watch};

use crate::calendars::Calendars;
pub use crate::calendars::DefaultState;
use crate::copy::{Copy, Write};
pub use crate::faults::{Failure, Quota};
use crate::faults::{Faults, Lag, Reads};
pub use crate::log::{CallRecord, Counts};

/// What the gate says about itself in ARNs and messages.
#[derive(Debug, Clone)]
pub struct GateConfig {
    /// The account in ARNs that the gate makes itself; roto's default account.
    pub account: String,
    /// The region of parameters that are [seeded](Gate::seed).
    pub region: String,
    /// The role in the messages of refused calls.
    pub role: String,
}

impl Default for GateConfig {
    fn default() -> Self {
        Self {
            account: "123456789012".to_owned(),
            region: "ap-northeast-1".to_owned(),
            role: "reader".to_owned(),
        }
    }
}

/// Everything that changes while the gate runs.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) faults: Faults,
    pub(crate) log: log::Log,
    pub(crate) copy: Copy,
    pub(crate) calendars: Calendars,
}

/// What the handle and the server share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: GateConfig,
    /// `http://host:port` of the server behind.
    pub(crate) upstream: String,
    state: Mutex<State>,
}

impl Shared {
    /// A poisoned lock only means that some test failed while it held it: the state is whole.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running gate; dropping it stops it and closes its connections.
#[derive(Debug)]
pub struct Gate {
    shared: Arc<Shared>,
    address: SocketAddr,
    down: watch::Sender<bool>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Gate {
    /// Starts a gate on a free port of 127.0.0.1, on a thread of its own, in front of the server at `upstream`
    /// (`http://host:port`). Fails if no port or no thread is to be had.
    pub fn start(upstream: impl Into<String>, config: GateConfig) -> anyhow::Result<Self> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").context("no free port for the gate")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let upstream = upstream.into().trim_end_matches('/').to_owned();
        let shared = Arc::new(Shared {
            config,
            upstream,
            state: Mutex::default(),
        });
        let (down, is_down) = watch::channel(false);
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let for_server = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("gate".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        () = server::serve(listener, for_server, is_down) => {}
                        _ = stopped => {}
                    }
                });
            })?;
        Ok(Self {
            shared,
            address,
            down,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Where the gate listens: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What was counted since the start, or since [`Gate::reset_counts`].
    pub fn counts(&self) -> Counts {
        self.shared.state().log.counts.clone()
    }

    /// Sets all counts to zero; the list of calls stays.
    pub fn reset_counts(&self) {
        self.shared.state().log.counts = Counts::default();
    }

    /// The last calls, oldest first; at most [`log::CALLS_KEPT`]. Never a value.
    pub fn calls(&self) -> Vec<CallRecord> {
        self.shared.state().log.calls()
    }

    /// Limits the three reads together by a token bucket; `None` takes the limit away.
    pub fn quota(&self, quota: Option<Quota>) {
        self.shared.state().faults.set_quota(quota);
    }

    /// Throttles each read while `on`.
    pub fn throttle_all(&self, on: bool) {
        self.shared.state().faults.throttle_all = on;
    }

    /// How long each read, of parameters or calendars, waits before it is answered.
    pub fn latency(&self, latency: Duration) {
        self.shared.state().faults.latency = latency;
    }

    /// Refuses each GetParameter and GetParameters that asks for this name, as a whole, as IAM does.
    pub fn deny_name(&self, name: &str) {
        let name = protocol::canonical(name);
        self.shared.state().faults.denied_names.insert(name);
    }

    /// Takes [`Gate::deny_name`] back.
    pub fn allow_name(&self, name: &str) {
        self.shared
            .state()
            .faults
            .denied_names
            .remove(&protocol::canonical(name));
    }

    /// Refuses each GetParametersByPath of exactly this path: IAM looks at the requested path only.
    pub fn deny_path(&self, path: &str) {
        let path = protocol::canonical(path.trim_end_matches('/'));
        self.shared.state().faults.denied_paths.insert(path);
    }

    /// Takes [`Gate::deny_path`] back.
    pub fn allow_path(&self, path: &str) {
        let path = protocol::canonical(path.trim_end_matches('/'));
        self.shared.state().faults.denied_paths.remove(&path);
    }

    /// Fails each decrypting call whose answer would hold this SecureString with InvalidKeyId, as a whole.
    pub fn disable_key_of(&self, name: &str) {
        let name = protocol::canonical(name);
        self.shared.state().faults.disabled_keys.insert(name);
    }

    /// Takes [`Gate::disable_key_of`] back.
    pub fn enable_key_of(&self, name: &str) {
        self.shared
            .state()
            .faults
            .disabled_keys
            .remove(&protocol::canonical(name));
    }

    /// Lets GetParametersByPath give at most `max` parameters a page (with a NextToken); `None`: as asked.
    pub fn page_size(&self, max: impl Into<Option<usize>>) {
        self.shared.state().faults.page_size = max.into();
    }

    /// Answers the first page of each GetParametersByPath empty, with a NextToken, while `on`.
    pub fn empty_page_first(&self, on: bool) {
        self.shared.state().faults.empty_page_first = on;
    }

    /// Gives a NextToken after an exactly full last page too, while `on`. AWS may do either; off at first.
    pub fn trailing_token(&self, on: bool) {
        self.shared.state().faults.trailing_token = on;
    }

    /// Leaves this name out of the next `answers` answers that would hold it: reads lag behind writes.
    pub fn hide_name(&self, name: &str, answers: usize) {
        self.lag(name, Lag::Hidden(answers), Reads::All);
    }

    /// Gives the version before the latest in the next `answers` answers that would hold this name. It must
    /// have been put through this gate twice.
    pub fn stale_version(&self, name: &str, answers: usize) {
        self.lag(name, Lag::Stale(answers), Reads::All);
    }

    /// As [`Gate::hide_name`], in answers that would hold the decrypted value only: sweeps see it.
    pub fn hide_value(&self, name: &str, answers: usize) {
        self.lag(name, Lag::Hidden(answers), Reads::Decrypting);
    }

    /// As [`Gate::stale_version`], in answers that would hold the decrypted value only: sweeps see the latest. One that
    /// is asked for by a label is given at the version before, too.
    pub fn stale_value(&self, name: &str, answers: usize) {
        self.lag(name, Lag::Stale(answers), Reads::Decrypting);
    }

    fn lag(&self, name: &str, lag: Lag, reads: Reads) {
        let name = protocol::canonical(name);
        self.shared.state().faults.lags.insert(name, (lag, reads));
    }

    /// Lets one access key in and rejects all others as unknown; `None`: takes every key.
    pub fn only_key(&self, id: Option<&str>) {
        self.shared.state().faults.only_key = id.map(str::to_owned);
    }

    /// Fails the next `calls` reads with `code`, such as `InternalServerError` (HTTP 500) or
    /// `ExpiredTokenException` (HTTP 400).
    pub fn fail_next(&self, calls: usize, code: &str) {
        self.shared.state().faults.failure = Some(Failure {
            calls,
            code: code.to_owned(),
        });
    }

    /// Makes a change calendar, or replaces it, that is in its default state outside `events` and in the other one inside
    /// them: `[start, end)`, in whole seconds as at AWS, what is below a second is cut off. It is found by the document's
    /// name, and by each ARN that ends in it.
    pub fn calendar(
        &self,
        document: &str,
        default: DefaultState,
        events: impl IntoIterator<Item = Range<Timestamp>>,
    ) {
        self.shared.state().calendars.put(document, default, events);
    }

    /// Takes [`Gate::calendar`] back: GetCalendarState answers InvalidDocument.
    pub fn remove_calendar(&self, document: &str) {
        self.shared.state().calendars.remove(document);
    }

    /// Fails the next `calls` GetCalendarState with `code`, such as `UnsupportedCalendarException`.
    pub fn fail_calendars(&self, calls: usize, code: &str) {
        self.shared.state().faults.calendar_failure = Some(Failure {
            calls,
            code: code.to_owned(),
        });
    }

    /// While `down`, open connections are closed and new ones are closed at once.
    pub fn down(&self, down: bool) {
        self.down.send_replace(down);
    }

    /// While `on`, reads and writes are answered from the gate's own copy and nothing is forwarded: for
    /// benches, where roto's scans would be what is measured.
    pub fn serve_reads_itself(&self, on: bool) {
        self.shared.state().faults.serve_itself = on;
    }

    /// Puts a parameter into the gate's copy without any call; `kind` is `SecureString`, `String` or
    /// `StringList`. Returns its version.
    pub fn seed(&self, name: &str, value: &str, kind: &str) -> u64 {
        let write = Write {
            name,
            value,
            kind,
            at: SystemTime::now(),
            version: None,
        };
        self.shared.state().copy.put(&self.shared.config.region, &write)
    }

    /// The newest value of a parameter in the gate's copy.
    pub fn value(&self, name: &str) -> Option<String> {
        self.shared.state().copy.value(&self.shared.config.region, name)
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            // A panic in the server thread was printed by itself.
            let _ = thread.join();
        }
    }
}
