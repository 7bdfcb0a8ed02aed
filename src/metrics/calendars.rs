//! What is counted of calendars. Their series are labelled by kind, namespace and name, and go with the calendar.

use std::sync::atomic::AtomicU64;

use jiff::{SignedDuration, Timestamp};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use crate::calendar::State;
use crate::names::CalendarKey;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CalendarLabels {
    kind: &'static str,
    namespace: String,
    name: String,
}

impl From<&CalendarKey> for CalendarLabels {
    fn from(key: &CalendarKey) -> Self {
        Self {
            kind: key.kind(),
            namespace: key.namespace().unwrap_or_default().to_owned(),
            name: key.name().to_owned(),
        }
    }
}

/// What a calendar says now.
#[derive(Clone, Copy, Debug)]
pub struct CalendarSays {
    /// Whether its newest form is the one that counts.
    pub ready: bool,
    /// Open or closed.
    pub state: State,
    /// When it says that its state changes next.
    pub next: Option<Timestamp>,
    /// How many objects it binds.
    pub bound: usize,
}

type Seconds = Gauge<f64, AtomicU64>;

/// The metrics of calendars.
#[derive(Default)]
pub struct CalendarMetrics {
    open: Family<CalendarLabels, Gauge>,
    ready: Family<CalendarLabels, Gauge>,
    next_transition: Family<CalendarLabels, Seconds>,
    bound: Family<CalendarLabels, Gauge>,
    waiting: Family<CalendarLabels, Gauge>,
    pending: Family<CalendarLabels, Gauge>,
    oldest: Family<CalendarLabels, Seconds>,
    held: Family<CalendarLabels, Counter>,
    skew: Seconds,
    contact: Gauge,
}

impl CalendarMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "calendar_open",
            "Whether a calendar is open (1) or closed (0)",
            self.open.clone(),
        );
        registry.register(
            "calendar_ready",
            "Whether a calendar's newest form is the one that counts (1) or cannot be evaluated (0)",
            self.ready.clone(),
        );
        registry.register_with_unit(
            "calendar_next_transition_timestamp",
            "When a calendar's state changes next, since 1970; absent where it does not within two years",
            Unit::Seconds,
            self.next_transition.clone(),
        );
        registry.register(
            "calendar_bound_objects",
            "ParameterSyncs that a calendar binds",
            self.bound.clone(),
        );
        registry.register(
            "calendar_waiting_objects",
            "ParameterSyncs that wait for a calendar",
            self.waiting.clone(),
        );
        registry.register(
            "calendar_pending_changes",
            "Changes of parameters that wait for a calendar",
            self.pending.clone(),
        );
        registry.register_with_unit(
            "calendar_oldest_pending_timestamp",
            "Since when the oldest of what waits for a calendar does, since 1970; absent where nothing waits",
            Unit::Seconds,
            self.oldest.clone(),
        );
        registry.register(
            "writes_held",
            "Writes of Secrets that a calendar held back, once each",
            self.held.clone(),
        );
        registry.register_with_unit(
            "clock_skew",
            "The operator's clock less the API server's",
            Unit::Seconds,
            self.skew.clone(),
        );
        registry.register(
            "contact",
            "Whether the API server's word on calendars is fresh (1) or contact is lost, which counts as closed (0)",
            self.contact.clone(),
        );
    }

    /// What a calendar says now.
    pub fn says(&self, key: &CalendarKey, says: CalendarSays) {
        let labels = CalendarLabels::from(key);
        self.ready.get_or_create(&labels).set(i64::from(says.ready));
        let open = i64::from(says.state == State::Open);
        self.open.get_or_create(&labels).set(open);
        self.bound.get_or_create(&labels).set(count(says.bound));
        set(&self.next_transition, &labels, says.next);
    }

    /// How many objects wait for a calendar, with how many changes, and since when the oldest does.
    pub fn holds(&self, key: &CalendarKey, objects: usize, changes: usize, since: Option<Timestamp>) {
        let labels = CalendarLabels::from(key);
        self.waiting.get_or_create(&labels).set(count(objects));
        self.pending.get_or_create(&labels).set(count(changes));
        set(&self.oldest, &labels, since);
    }

    /// A write began to wait for a calendar.
    pub fn write_held(&self, key: &CalendarKey) {
        self.held.get_or_create(&CalendarLabels::from(key)).inc();
    }

    /// A calendar is gone.
    pub fn gone(&self, key: &CalendarKey) {
        let labels = CalendarLabels::from(key);
        self.open.remove(&labels);
        self.ready.remove(&labels);
        self.next_transition.remove(&labels);
        self.bound.remove(&labels);
        self.waiting.remove(&labels);
        self.pending.remove(&labels);
        self.oldest.remove(&labels);
        self.held.remove(&labels);
    }

    /// What is known of calendars is fresh.
    pub fn in_contact(&self) {
        self.contact.set(1);
    }

    /// It is not, and every gate counts as closed.
    pub fn contact_lost(&self) {
        self.contact.set(0);
    }

    /// How far the operator's clock is off.
    pub fn skew(&self, skew: SignedDuration) {
        self.skew.set(skew.as_secs_f64());
    }
}

fn set(family: &Family<CalendarLabels, Seconds>, labels: &CalendarLabels, at: Option<Timestamp>) {
    match at {
        Some(at) => drop(family.get_or_create(labels).set(at.as_second() as f64)),
        None => drop(family.remove(labels)),
    }
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
