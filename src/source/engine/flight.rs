//! One unit of a fetch on its way. Pure.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::decide::Purpose;
use crate::schedule;
use crate::source::call::Fault;
use crate::source::engine::observed::Ticket;

/// How long the first caller waits for others.
pub const WINDOW: Duration = Duration::from_millis(50);
/// How often in a row a request may go without an answer before its callers are told so.
const SILENT_TRIES: u32 = 4;
const RETRY_BASE: Duration = Duration::from_millis(200);
const RETRY_CAP: Duration = Duration::from_secs(5);

/// One unit on its way, and who waits for it.
pub struct Flight {
    /// The most urgent reason.
    pub purpose: Purpose,
    /// Who waits.
    pub jobs: BTreeSet<Ticket>,
    /// When it may be asked for.
    pub ready: Duration,
    /// How often in a row there was no answer.
    pub failures: u32,
    /// Why there was none.
    pub last: Option<Fault>,
    /// Whether it goes without others, whom it might fail.
    pub alone: bool,
}

impl Flight {
    /// Whether it waits for nothing but the window in which callers gather.
    pub fn is_soon(&self, now: Duration) -> bool {
        self.failures == 0 && self.ready <= now + WINDOW
    }

    /// Whether this is one failure too many. A throttling says that the answer will come; silence does not, and a
    /// caller who waits for it holds a place that others could use.
    pub fn is_spent(&self, fault: &Fault) -> bool {
        matches!(fault, Fault::Unavailable(_)) && self.failures + 1 >= SILENT_TRIES
    }

    /// There was no answer: it is asked for again a little later.
    pub fn delay(&mut self, fault: Fault, now: Duration) {
        self.failures += 1;
        let seed = u64::try_from(now.as_nanos()).unwrap_or_default();
        // After a throttling the limiter waits for all.
        self.ready = match fault {
            Fault::Throttled(_) => now,
            _ => now + schedule::backoff(self.failures, RETRY_BASE, RETRY_CAP, seed),
        };
        self.last = Some(fault);
    }
}
