//! What is counted. Everybody may count here, and the counters know nobody: they take plain facts.
//!
//! Labels are bounded: reasons, operations and codes from fixed sets, never an object's name.

mod calendars;

pub use calendars::{CalendarMetrics, CalendarSays};

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use crate::names::ObjectKey;

/// How a reconcile ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum ReconcileResult {
    /// Nothing had to be done.
    Unchanged,
    /// The Secret was written.
    Written,
    /// Something stands in the way, and status says what.
    Refused,
    /// The status could not be written, or the reconcile was cut short.
    Failed,
}

/// Why a Secret was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteKind {
    /// It was not there.
    Create,
    /// What somebody else did to it was undone.
    Repair,
    /// Something new came.
    Update,
}

impl WriteKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Repair => "repair",
            Self::Update => "update",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReconcileLabels {
    result: ReconcileResult,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    operation: &'static str,
    code: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RegionLabels {
    region: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WriteLabels {
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabels {
    ready: &'static str,
    reason: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WatchLabels {
    resource: &'static str,
}

/// What is watched: its series are there from the start, so that the first failure is an increase.
const WATCHED: [&str; 7] = [
    "secrets",
    "namespaces",
    "parameterstores",
    "clusterparameterstores",
    "changecalendars",
    "clusterchangecalendars",
    "parametersyncs",
];

/// All of the operator's metrics.
pub struct Metrics {
    /// Of calendars.
    pub calendars: CalendarMetrics,
    registry: Registry,
    reconciles: Family<ReconcileLabels, Counter>,
    durations: Histogram,
    requests: Family<RequestLabels, Counter>,
    decrypted: Counter,
    throttled: Counter,
    coalesced: Counter,
    rate: Family<RegionLabels, Gauge<f64, std::sync::atomic::AtomicU64>>,
    secret_writes: Family<WriteLabels, Counter>,
    status_writes: Counter,
    objects: Family<ReasonLabels, Gauge>,
    object_reasons: Mutex<HashMap<ObjectKey, ReasonLabels>>,
    watch_failures: Family<WatchLabels, Counter>,
    malformed: Counter,
    panics: Counter,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            calendars: CalendarMetrics::default(),
            registry: Registry::with_prefix("paramsync"),
            reconciles: Family::default(),
            durations: Histogram::new([0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 30.0]),
            requests: Family::default(),
            decrypted: Counter::default(),
            throttled: Counter::default(),
            coalesced: Counter::default(),
            rate: Family::default(),
            secret_writes: Family::default(),
            status_writes: Counter::default(),
            objects: Family::default(),
            object_reasons: Mutex::default(),
            watch_failures: Family::default(),
            malformed: Counter::default(),
            panics: Counter::default(),
        };
        metrics.register();
        for resource in WATCHED {
            drop(metrics.watch_failures.get_or_create(&WatchLabels { resource }));
        }
        metrics
    }
}

impl Metrics {
    fn register(&mut self) {
        let registry = &mut self.registry;
        self.calendars.register(registry);
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The running version", build);
        registry.register(
            "reconciles",
            "Reconciles of ParameterSyncs by result",
            self.reconciles.clone(),
        );
        registry.register_with_unit(
            "reconcile_duration",
            "How long a reconcile took, waiting for the limiter included",
            Unit::Seconds,
            self.durations.clone(),
        );
        registry.register(
            "aws_requests",
            "Requests to AWS by operation and error code, OK for none",
            self.requests.clone(),
        );
        registry.register(
            "parameters_decrypted",
            "SecureStrings returned decrypted, each a KMS call",
            self.decrypted.clone(),
        );
        registry.register(
            "aws_throttles",
            "Requests that AWS throttled",
            self.throttled.clone(),
        );
        registry.register(
            "reads_coalesced",
            "Parameters handed to a caller without a read of their own",
            self.coalesced.clone(),
        );
        registry.register(
            "limiter_rate",
            "Requests a second that the limiter lets through now",
            self.rate.clone(),
        );
        registry.register(
            "secret_writes",
            "Secrets written by kind",
            self.secret_writes.clone(),
        );
        registry.register("status_writes", "Status writes", self.status_writes.clone());
        registry.register(
            "objects",
            "ParameterSyncs by Ready condition and reason",
            self.objects.clone(),
        );
        registry.register(
            "watch_failures",
            "Watches that failed and were started again",
            self.watch_failures.clone(),
        );
        registry.register(
            "malformed_objects",
            "Objects that could not be read and were passed over",
            self.malformed.clone(),
        );
        registry.register(
            "reconcile_panics",
            "Reconciles that panicked",
            self.panics.clone(),
        );
    }

    /// All metrics in the OpenMetrics text format.
    pub fn encode(&self) -> String {
        let mut text = String::new();
        // Writing to a String does not fail.
        let _ = prometheus_client::encoding::text::encode(&mut text, &self.registry);
        text
    }

    /// A reconcile ended.
    pub fn reconciled(&self, result: ReconcileResult, took: Duration) {
        self.reconciles.get_or_create(&ReconcileLabels { result }).inc();
        self.durations.observe(took.as_secs_f64());
    }

    /// A reconcile panicked.
    pub fn panicked(&self) {
        self.panics.inc();
    }

    /// A Secret was written.
    pub fn secret_written(&self, kind: WriteKind) {
        let kind = kind.as_str();
        self.secret_writes.get_or_create(&WriteLabels { kind }).inc();
    }

    /// A status was written.
    pub fn status_written(&self) {
        self.status_writes.inc();
    }

    /// An object's Ready condition says this now.
    pub fn object_is(&self, object: &ObjectKey, ready: &'static str, reason: &str) {
        let labels = ReasonLabels {
            ready,
            reason: reason.to_owned(),
        };
        let mut known = self.object_reasons.lock().unwrap_or_else(PoisonError::into_inner);
        if known.get(object) == Some(&labels) {
            return;
        }
        self.objects.get_or_create(&labels).inc();
        if let Some(before) = known.insert(object.clone(), labels) {
            self.objects.get_or_create(&before).dec();
        }
    }

    /// An object is gone.
    pub fn object_gone(&self, object: &ObjectKey) {
        let mut known = self.object_reasons.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = known.remove(object) {
            self.objects.get_or_create(&before).dec();
        }
    }

    /// A watch failed and is started again.
    pub fn watch_failed(&self, resource: &'static str) {
        self.watch_failures.get_or_create(&WatchLabels { resource }).inc();
    }

    /// An object could not be read.
    pub fn malformed(&self) {
        self.malformed.inc();
    }
}

/// What is counted of requests to AWS.
impl Metrics {
    /// One request was answered: AWS's operation, and `OK` or AWS's error code.
    pub fn request_answered(&self, operation: &'static str, code: &str) {
        self.requests
            .get_or_create(&RequestLabels {
                operation,
                code: code.to_owned(),
            })
            .inc();
    }

    /// SecureStrings that came decrypted: each is a call to KMS.
    pub fn parameters_decrypted(&self, count: usize) {
        self.decrypted.inc_by(count as u64);
    }

    /// AWS throttled a request.
    pub fn request_throttled(&self) {
        self.throttled.inc();
    }

    /// The rate that the limiter of this region's account allows now, in requests a second.
    pub fn limiter_rate(&self, region: &str, per_second: f64) {
        self.rate
            .get_or_create(&RegionLabels {
                region: region.to_owned(),
            })
            .set(per_second);
    }

    /// Reads that were shared with a caller who waited already.
    pub fn reads_coalesced(&self, count: usize) {
        self.coalesced.inc_by(count as u64);
    }
}
