//! Which requests a rule is about, and what becomes of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;
use tokio::sync::watch;

use super::{Asked, Shared};

/// How long [`Rule::held`] waits.
const PATIENCE: Duration = Duration::from_mins(1);

/// Which requests: all that is said must hold.
#[derive(Clone, Default)]
pub struct Which {
    /// Any if empty.
    methods: Vec<&'static str>,
    path: Vec<String>,
    body: Vec<String>,
    #[allow(clippy::type_complexity, reason = "it is named nowhere else")]
    when: Option<Arc<dyn Fn(&Asked) -> bool + Send + Sync>>,
}

impl Which {
    /// All requests.
    pub fn any() -> Self {
        Self::default()
    }

    fn of(methods: &[&'static str], path: &str) -> Self {
        Self {
            methods: methods.to_vec(),
            ..Self::any().path(path)
        }
    }

    /// GET: single objects, lists and watches, whose path and query hold this text, such as `/secrets/web` (which
    /// `/secrets/web2` holds too: `/secrets/web?` where a query follows).
    pub fn get(path: &str) -> Self {
        Self::of(&["GET"], path)
    }

    /// PATCH: what applies and patches are.
    pub fn patch(path: &str) -> Self {
        Self::of(&["PATCH"], path)
    }

    /// Any verb that changes something.
    pub fn write(path: &str) -> Self {
        Self::of(&["PATCH", "POST", "PUT", "DELETE"], path)
    }

    /// Whose path and query hold this text, too.
    #[must_use]
    pub fn path(mut self, part: &str) -> Self {
        self.path.push(part.to_owned());
        self
    }

    /// Whose body holds this text, too, such as `"writing"`.
    #[must_use]
    pub fn body(mut self, part: &str) -> Self {
        self.body.push(part.to_owned());
        self
    }

    /// Of which this holds; the last one counts.
    #[must_use]
    pub fn when(mut self, holds: impl Fn(&Asked) -> bool + Send + Sync + 'static) -> Self {
        self.when = Some(Arc::new(holds));
        self
    }

    /// Whether a request is one of these.
    pub fn matches(&self, asked: &Asked) -> bool {
        (self.methods.is_empty() || self.methods.contains(&asked.method.as_str()))
            && self.path.iter().all(|part| asked.path.contains(part))
            && (self.body.is_empty() || {
                let body = asked.body();
                self.body.iter().all(|part| body.contains(part))
            })
            && self.when.as_ref().is_none_or(|holds| holds(asked))
    }
}

/// What becomes of a request.
#[derive(Debug, Clone)]
pub enum Act {
    /// It is kept back until [`Rule::release`], then forwarded. If its client goes meanwhile, it never is.
    Hold,
    /// It is forwarded and carried out, whether or not its client is still there; the answer is kept back until
    /// [`Rule::release`].
    HoldAnswer,
    /// It is forwarded after this time.
    Delay(Duration),
    /// The connection is cut, and nothing is forwarded.
    Cut,
    /// It is forwarded and carried out, whether or not its client is still there; then the connection is cut.
    LoseAnswer,
    /// The proxy answers with this status and JSON; nothing is forwarded.
    Answer(u16, String),
}

impl Act {
    /// An answer that refuses, as the API server would word it: a status such as 422, a reason such as `Invalid`.
    pub fn refuse(code: u16, reason: &str, message: &str) -> Self {
        let status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": message, "reason": reason, "code": code,
        });
        Self::Answer(code, status.to_string())
    }
}

/// A rule as the server sees it.
pub(super) struct Active {
    which: Which,
    act: Act,
    left: AtomicUsize,
    met: AtomicUsize,
    /// How many requests, or answers, are kept back now.
    held: watch::Sender<usize>,
    released: watch::Sender<bool>,
}

impl Active {
    pub(super) fn new(which: Which, act: Act, times: usize) -> Self {
        Self {
            which,
            act,
            left: AtomicUsize::new(times),
            met: AtomicUsize::new(0),
            held: watch::Sender::new(0),
            released: watch::Sender::new(false),
        }
    }

    /// This rule's part in a request, if it is about it and not used up.
    pub(super) fn take(rule: &Arc<Self>, asked: &Asked) -> Option<Part> {
        if !rule.which.matches(asked) {
            return None;
        }
        let one_less = |left: usize| left.checked_sub(1);
        rule.left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less)
            .ok()?;
        rule.met.fetch_add(1, Ordering::Relaxed);
        Some(Part(Arc::clone(rule)))
    }
}

/// What a rule does to one request.
pub(super) struct Part(Arc<Active>);

impl Part {
    pub(super) fn act(&self) -> &Act {
        &self.0.act
    }

    /// Waits until the rule is released.
    pub(super) async fn hold(&self) {
        let _counted = Held::new(&self.0.held);
        // It fails only where the sender is gone, and we hold it.
        let _ = self.0.released.subscribe().wait_for(|released| *released).await;
    }
}

/// One more is held, until this is dropped: a client that goes takes its request along.
struct Held<'a>(&'a watch::Sender<usize>);

impl<'a> Held<'a> {
    fn new(held: &'a watch::Sender<usize>) -> Self {
        held.send_modify(|held| *held += 1);
        Self(held)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|held| *held -= 1);
    }
}

/// A rule in force. When it is dropped it ends, and lets go what it holds.
pub struct Rule {
    active: Arc<Active>,
    shared: Arc<Shared>,
}

impl Rule {
    pub(super) fn new(active: Arc<Active>, shared: Arc<Shared>) -> Self {
        Self { active, shared }
    }

    /// Waits until something is held; panics after a minute.
    pub async fn held(&self) {
        let mut held = self.active.held.subscribe();
        let some = held.wait_for(|held| *held > 0);
        assert!(
            tokio::time::timeout(PATIENCE, some).await.is_ok(),
            "nothing was held within {PATIENCE:?}; the rule met {} requests",
            self.met()
        );
    }

    /// How many requests it was applied to.
    pub fn met(&self) -> usize {
        self.active.met.load(Ordering::Relaxed)
    }

    /// Lets go what is held, and ends the rule.
    pub fn release(self) {}
}

impl Drop for Rule {
    fn drop(&mut self) {
        self.shared.forget(&self.active);
        self.active.released.send_replace(true);
    }
}
