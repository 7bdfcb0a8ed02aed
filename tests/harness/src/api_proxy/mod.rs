//! A proxy between one client, such as the operator, and the API server: it makes the moments in which something goes
//! wrong, and counts what was asked.
//!
//! It answers with the API server's own certificate on a port of its own, so that a client needs no other trust than
//! before. What no rule is about passes through, watches too. [`Which`] names requests, [`Act`] says what becomes of
//! them, and a [`Rule`] is the two together for as long as it is kept.

mod rule;
mod server;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use anyhow::Context as _;
use hyper::body::Bytes;
use tokio::sync::{oneshot, watch};

pub use self::rule::{Act, Rule, Which};
use self::rule::{Active, Part};
use self::server::Upstream;
use crate::control_plane::ControlPlane;

/// How many requests are kept; the oldest go first.
const KEPT: usize = 20_000;
/// How much of a request's body is kept, for [`Which::body`].
const BODY_KEPT: usize = 256 * 1024;

/// One request. Its body is never printed: it may hold a Secret's data.
#[derive(Clone)]
pub struct Asked {
    /// When it came in.
    pub at: Instant,
    /// Such as `PATCH`.
    pub method: String,
    /// Path and query, percent-encoded as sent: `/api/v1/namespaces/shop/secrets/web?fieldManager=paramsync`.
    pub path: String,
    /// The forms of answer that are asked for, such as `application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1`.
    pub accept: String,
    /// The API server's answer, or the proxy's own; `None` while there is none, and where the connection was cut.
    pub status: Option<u16>,
    body: Bytes,
}

impl Asked {
    /// The beginning of the body as text.
    pub fn body(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl std::fmt::Debug for Asked {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let status = self.status.map_or("-".to_owned(), |status| status.to_string());
        write!(out, "{} {} -> {status}", self.method, self.path)
    }
}

/// Everything that changes while the proxy runs.
#[derive(Default)]
struct State {
    rules: Vec<Arc<Active>>,
    asked: Vec<Asked>,
    /// The number of the first request that is kept.
    dropped: usize,
}

/// What handle, rules and server share.
pub(crate) struct Shared {
    upstream: Upstream,
    state: Mutex<State>,
}

impl Shared {
    /// A poisoned lock only means that some test failed while it held it: the state is whole.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a request that came in, and finds the newest rule about it.
    fn begin(&self, asked: Asked) -> (usize, Option<Part>) {
        let mut state = self.state();
        let part = state
            .rules
            .iter()
            .rev()
            .find_map(|rule| Active::take(rule, &asked));
        if state.asked.len() == KEPT {
            state.asked.remove(0);
            state.dropped += 1;
        }
        state.asked.push(asked);
        (state.dropped + state.asked.len() - 1, part)
    }

    fn end(&self, number: usize, status: u16) {
        let mut state = self.state();
        let dropped = state.dropped;
        let asked = number
            .checked_sub(dropped)
            .and_then(|index| state.asked.get_mut(index));
        if let Some(asked) = asked {
            asked.status = Some(status);
        }
    }

    fn forget(&self, rule: &Arc<Active>) {
        self.state().rules.retain(|other| !Arc::ptr_eq(other, rule));
    }
}

/// A running proxy; dropping it stops it and cuts its connections. Rules may come and go while it runs.
pub struct ApiProxy {
    shared: Arc<Shared>,
    address: SocketAddr,
    down: watch::Sender<bool>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for ApiProxy {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "ApiProxy({})", self.address)
    }
}

impl ApiProxy {
    /// Starts a proxy on a free port of 127.0.0.1, on a thread of its own. Fails if the API server is not ours: its key
    /// is needed.
    pub fn start(plane: &ControlPlane) -> anyhow::Result<Self> {
        let (certificate, key) = plane.certificate().context("this API server's key is not ours")?;
        let listener = std::net::TcpListener::bind("127.0.0.1:0").context("no free port for the proxy")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let acceptor = server::acceptor(&certificate, &key)?;
        let shared = Arc::new(Shared {
            upstream: Upstream::new(plane.apiserver_port()?, &certificate)?,
            state: Mutex::default(),
        });
        let (down, is_down) = watch::channel(false);
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let for_server = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("api-proxy".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        () = server::serve(listener, acceptor, for_server, is_down) => {}
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

    /// Where it listens: `https://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// From now on, `act` becomes of these requests, until the rule is dropped. Of several rules about one request the
    /// newest counts.
    #[must_use = "a rule ends when it is dropped"]
    pub fn rule(&self, which: Which, act: Act) -> Rule {
        self.rule_times(usize::MAX, which, act)
    }

    /// As [`ApiProxy::rule`], for the next `times` of them.
    #[must_use = "a rule ends when it is dropped"]
    pub fn rule_times(&self, times: usize, which: Which, act: Act) -> Rule {
        let active = Arc::new(Active::new(which, act, times));
        self.shared.state().rules.push(Arc::clone(&active));
        Rule::new(active, Arc::clone(&self.shared))
    }

    /// The requests since the start or the last [`ApiProxy::reset`], oldest first.
    pub fn asked(&self) -> Vec<Asked> {
        self.shared.state().asked.clone()
    }

    /// How many of [`ApiProxy::asked`] are such, whatever became of them.
    pub fn count(&self, which: &Which) -> usize {
        let state = self.shared.state();
        state.asked.iter().filter(|asked| which.matches(asked)).count()
    }

    /// Forgets the requests so far; rules stay.
    pub fn reset(&self) {
        let mut state = self.shared.state();
        state.dropped += state.asked.len();
        state.asked.clear();
    }

    /// While `down`, open connections are cut and new ones are cut at once.
    pub fn down(&self, down: bool) {
        self.down.send_replace(down);
    }
}

impl Drop for ApiProxy {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            // A panic in the server's thread was printed by itself.
            let _ = thread.join();
        }
    }
}
