//! AWS Change Calendar: the state of documents, by GetCalendarState.
//!
//! In: which calendars are followed ([`Followed`]). Out: what stands of each at a moment ([`Standing`]), and a word to
//! whoever acts on it when that changes. One request for all documents of a calendar, cached up to the transition that AWS
//! names and at most ten minutes; what is not known counts as closed.
//!
//! `answer`, `following` and `book` decide and know neither network nor clock; this file asks, sleeps and tells. It has no
//! limiter: GetCalendarState does not share the quota of reads, and its own is not published. One request at a time for
//! each identity, and pauses after failures, keep below it.

mod answer;
mod book;
mod error;
mod following;

use std::collections::{BTreeMap, HashMap};
use std::fmt::Display;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};

pub use self::answer::{CalendarAnswer, CalendarReply, Unusable};
use self::book::{Book, Question};
pub use self::error::CalendarError;
pub use self::following::{Followed, Standing};
use crate::clock::Clock;
use crate::resolve::StoreIdentity;
use crate::source::call::Fault;
use crate::source::connect::Connect;
use crate::source::credentials::Aws;
use crate::source::metrics::SourceMetrics;
use crate::source::now::Now;

/// How long one request may take, credentials and all. An identity that waits for one asks nothing else.
const PATIENCE: Duration = Duration::from_secs(20);
/// The longest sleep: the wall clock may be put forward, and sleeping does not notice.
const REST: Duration = Duration::from_secs(30);

/// Change Calendar as one identity sees it. One request, one try.
pub trait CalendarApi: Send + Sync + 'static {
    /// GetCalendarState of all `documents` together, at present.
    fn calendar_state(
        &self,
        documents: &[String],
    ) -> impl Future<Output = Result<CalendarReply, Fault>> + Send;
}

/// All followed calendars. Cheap to clone; asking stops when the last clone is dropped.
pub struct CalendarReader<K, C: Connect = Aws> {
    shared: Arc<Shared<K, C>>,
    task: Arc<Task>,
}

impl<K, C: Connect> Clone for CalendarReader<K, C> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            task: Arc::clone(&self.task),
        }
    }
}

/// Ends the loop with the last reader.
struct Task(AbortHandle);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<K, C> CalendarReader<K, C>
where
    K: Clone + Ord + Display + Send + 'static,
    C: Connect<Api: CalendarApi>,
{
    /// Makes a reader that follows nothing yet, inside a tokio runtime. `changed` is called for each calendar of which
    /// something else stands than before: another state or transition, or why none is known. It must not block.
    pub fn new(
        connect: C,
        clock: Arc<dyn Clock>,
        metrics: Arc<dyn SourceMetrics>,
        changed: impl Fn(K) + Send + Sync + 'static,
    ) -> Self {
        let shared = Arc::new(Shared {
            connect,
            clock,
            metrics,
            changed: Box::new(changed),
            book: Mutex::new(Book::new()),
            wake: Notify::new(),
        });
        let task = tokio::spawn(Arc::clone(&shared).run());
        Self {
            shared,
            task: Arc::new(Task(task.abort_handle())),
        }
    }

    /// Follows a calendar from now on. Idempotent; a changed `followed` is asked about anew, and what was known of the
    /// old one is dropped.
    pub fn follow(&self, key: K, followed: Followed) {
        let now = self.shared.now();
        self.shared.lock().follow(key, followed, now);
        self.shared.wake.notify_one();
    }

    /// Forgets a calendar.
    pub fn forget(&self, key: &K) {
        self.shared.lock().forget(key);
        self.shared.wake.notify_one();
    }

    /// What is known of a calendar at `now`; of one that is not followed, nothing. Never waits for AWS.
    pub fn standing(&self, key: &K, now: Timestamp) -> Standing {
        self.shared.lock().standing(key, now)
    }
}

struct Shared<K, C> {
    connect: C,
    clock: Arc<dyn Clock>,
    metrics: Arc<dyn SourceMetrics>,
    changed: Box<dyn Fn(K) + Send + Sync>,
    book: Mutex<Book<K>>,
    wake: Notify,
}

/// The requests under way, and the clients that make them: one for each identity as long as it is needed.
struct Asking<K, A> {
    calls: JoinSet<Result<CalendarReply, Fault>>,
    questions: HashMap<Id, Question<K>>,
    clients: BTreeMap<StoreIdentity, Arc<A>>,
}

impl<K, C> Shared<K, C>
where
    K: Clone + Ord + Display + Send + 'static,
    C: Connect<Api: CalendarApi>,
{
    /// Asks AWS whatever must be asked, for ever.
    async fn run(self: Arc<Self>) {
        let mut asking = Asking {
            calls: JoinSet::new(),
            questions: HashMap::new(),
            clients: BTreeMap::new(),
        };
        loop {
            self.ask(&mut asking);
            let rest = self.tell();
            tokio::select! {
                Some(done) = asking.calls.join_next_with_id() => self.answered(done, &mut asking.questions),
                () = self.wake.notified() => {}
                () = tokio::time::sleep(rest) => {}
            }
        }
    }

    /// Makes the requests that are due.
    fn ask(&self, asking: &mut Asking<K, C::Api>) {
        let now = self.now();
        let mut book = self.lock();
        asking.clients.retain(|store, _| book.needs(store));
        while let Some(question) = book.ask(now) {
            let client = asking
                .clients
                .entry(question.store.clone())
                .or_insert_with(|| Arc::new(self.connect.connect(&question.store)));
            let (client, documents) = (Arc::clone(client), question.documents.clone());
            let call = async move {
                tokio::time::timeout(PATIENCE, client.calendar_state(&documents))
                    .await
                    .unwrap_or_else(|_| Err(Fault::Unavailable("timeout".into())))
            };
            let task = asking.calls.spawn(call);
            asking.questions.insert(task.id(), question);
        }
    }

    /// Tells what is news, outside the lock; gives how long to sleep at most.
    fn tell(&self) -> Duration {
        let now = self.now();
        let mut book = self.lock();
        let news = book.news(now.wall);
        let rest = book.rest(now).unwrap_or(REST);
        drop(book);
        for key in news {
            (self.changed)(key);
        }
        rest.clamp(Duration::from_millis(1), REST)
    }

    fn answered(
        &self,
        done: Result<(Id, Result<CalendarReply, Fault>), JoinError>,
        questions: &mut HashMap<Id, Question<K>>,
    ) {
        let (task, result) = match done {
            Ok((task, result)) => (task, result),
            Err(error) => (error.id(), Err(Fault::Unavailable("Panic".into()))),
        };
        let Some(question) = questions.remove(&task) else {
            return;
        };
        let code = result.as_ref().map_or_else(Fault::code, |_| "OK");
        self.metrics.request("GetCalendarState", code);
        if let Err(Fault::Throttled(_)) = &result {
            self.metrics.throttled(&question.store.region);
        }
        let now = self.now();
        self.lock().answered(&question, result, now);
    }
}

impl<K, C> Shared<K, C> {
    fn now(&self) -> Now {
        Now {
            monotonic: self.clock.monotonic(),
            wall: self.clock.now(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Book<K>> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
