//! What the product is given: objects, a gate, what is known of Parameter Store; and back from its types to the state's.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use paramsync::api::{ParameterSync, StoreStatus};
use paramsync::calendar::{self, Timeline};
use paramsync::clock::Moment;
use paramsync::decide::{FetchRequest, Precondition, Purpose, SourceRead};
use paramsync::names::{CalendarKey, Origin, ParameterName, ParameterRef, Selector};
use paramsync::record::{
    Entry, FirstSync, Freeze, ParameterKind, Provenance, Scope, SealKey, Stamp, Upstream,
};
use paramsync::resolve::{
    Allowance, Bond, BoundBy, EndpointPolicy, Former, Past, Resolved, Source, Surroundings, resolve,
};
use paramsync::watch::{
    CalendarIndex, Contact, ContactFacts, Evaluated, NamespaceIndex, Standing, StoreEntry, StoreIndex,
    StoreKey, StoreSpec, SyncIndex,
};
use serde_json::json;

use crate::product::{First, Gate, Read};
use crate::state::{Params, Sync, Version};

/// The first second of the search. The n-th life of the ParameterSync is 10 n seconds later, so that its revisions are
/// above those of the lives before.
const BEGIN: i64 = 1_800_000_000;
/// When the calendar turns by its own time.
pub const TRANSITION: i64 = BEGIN + 5000;
const NAMES: [&str; 2] = ["/web/p", "/web/q"];

/// The Secret that is there now, or one that was before.
pub fn secret(now: bool) -> Precondition {
    Precondition::Unchanged {
        uid: "s-1".into(),
        resource_version: if now { "70" } else { "69" }.into(),
    }
}

pub const OPEN: Gate = Gate {
    closed: false,
    contact: true,
    first: First::Hold,
    young: false,
};

pub fn plain(shape: u8) -> Sync {
    Sync {
        uid: 0,
        name: 0,
        shape,
        adopt: false,
        suspended: false,
        padded: false,
    }
}

pub fn object(sync: Sync) -> ParameterSync {
    let source = match sync.shape {
        0 => json!({"path": "/web"}),
        1 => json!({"path": "/web", "exclude": ["q"]}),
        _ => json!({"path": "/web", "keys": {"prefix": "X_"}}),
    };
    let adopt = if sync.adopt { "Always" } else { "Never" };
    let object = json!({
        "apiVersion": "paramsync.dev/v1alpha1", "kind": "ParameterSync",
        "metadata": {"name": name(sync.name), "namespace": "shop", "uid": uid(sync.uid), "generation": 1,
                     "creationTimestamp": "2026-11-01T00:00:00Z"},
        "spec": {"sources": [source], "target": {"name": "web", "adopt": adopt}, "suspend": sync.suspended},
    });
    serde_json::from_value(object).unwrap()
}

/// The object against a cluster with one store that allows all of `/web`.
pub fn resolved(sync: Sync) -> Resolved {
    let mut stores = StoreIndex::default();
    let spec = json!({"region": "eu-west-1", "access": [{"namespaceSelector": {}, "prefixes": ["/web"]}]});
    let entry = StoreEntry {
        spec: StoreSpec::Cluster(Arc::new(serde_json::from_value(spec).unwrap())),
        status: StoreStatus::default(),
        generation: Some(1),
    };
    stores.apply(
        StoreKey::Cluster {
            name: "default".into(),
        },
        entry,
    );
    let mut namespaces = NamespaceIndex::default();
    namespaces.apply("shop", BTreeMap::new(), false, None);
    let around = Surroundings {
        syncs: &SyncIndex::default(),
        stores: &stores,
        namespaces: &namespaces,
        endpoints: &EndpointPolicy::default(),
        listed: &Allowance::default(),
        calendars: &CalendarIndex::default(),
        contact: &ContactFacts::default(),
    };
    resolve(&object(sync), &around).unwrap()
}

/// A gate with one calendar of the cluster.
pub fn gated(gate: Gate) -> paramsync::resolve::Gate {
    let record = calendar::Record {
        from: second(BEGIN - 1_000_000),
        state: if gate.closed {
            calendar::State::Closed
        } else {
            calendar::State::Open
        },
        transitions: vec![second(TRANSITION)],
        until: second(BEGIN + 1_000_000),
    };
    let evaluated = Evaluated {
        generation: 1,
        default_state: calendar::State::Open,
        timeline: Timeline::restore(&record),
        calendar: None,
    };
    let first_sync = match gate.first {
        First::Allow => FirstSync::Allow,
        First::New => FirstSync::NewNamespaces,
        First::Hold => FirstSync::Hold,
    };
    let made = if gate.young { BEGIN - 60 } else { BEGIN - 100_000 };
    paramsync::resolve::Gate {
        bonds: vec![Bond {
            calendar: CalendarKey::cluster("freeze"),
            bound_by: BoundBy::Selector,
            freeze: Freeze {
                scope: Scope::Updates,
                first_sync,
            },
            standing: Standing::Evaluated(Arc::new(evaluated)),
        }],
        past: Past {
            namespace_made: Some(second(made)),
            former: Former::Unknown,
        },
        contact: if gate.contact {
            ContactFacts::default()
        } else {
            // Nothing was heard of the API server yet.
            Contact::default().facts(moment(second(BEGIN), 0))
        },
        ..paramsync::resolve::Gate::default()
    }
}

pub fn upstream(resolved: &Resolved, known: Option<Params>) -> Upstream {
    let Some(known) = known else {
        return Upstream::default();
    };
    let listings = resolved.sources.iter().filter_map(|source| match source {
        Source::Path(source) => {
            let entry = |(name, version)| {
                let stamp = stamp(version);
                let kind = ParameterKind::SecureString;
                (name, Entry { stamp, kind })
            };
            let below = each(known)
                .filter(|(name, _)| source.read.wants(name))
                .map(entry)
                .collect();
            Some((source.read.clone(), below))
        }
        Source::Named(_) => None,
    });
    Upstream {
        origin: Some(origin()),
        listings: listings.collect(),
        ..Upstream::default()
    }
}

pub fn request(resolved: &Resolved, purpose: Purpose, read: [Read; 2]) -> FetchRequest {
    let reads = [0, 1].into_iter().filter_map(|at| {
        let name = parameter(at);
        let reference = match read[at] {
            Read::No => return None,
            Read::Latest => ParameterRef::latest(name),
            Read::At(version) => ParameterRef::version(name, version.into()),
        };
        resolved.read(0, reference)
    });
    FetchRequest {
        purpose,
        reads: vec![SourceRead::Parameters(reads.collect())],
    }
}

/// What a request asks for, by name. A path is all that it wants there.
pub fn reads(request: &FetchRequest) -> [Read; 2] {
    let mut reads = [Read::No; 2];
    for read in &request.reads {
        match read {
            SourceRead::Path(read) => {
                for at in (0..2).filter(|at| read.wants(&parameter(*at))) {
                    reads[at] = Read::Latest;
                }
            }
            SourceRead::Parameters(references) => {
                for reference in references {
                    let at = usize::from(reference.name != parameter(0));
                    reads[at] = match &reference.selector {
                        Selector::Version(version) => Read::At(u8::try_from(*version).unwrap()),
                        _ => Read::Latest,
                    };
                }
            }
        }
    }
    reads
}

pub fn params(provenance: &Provenance) -> Params {
    let mut params = [None; 2];
    for applied in &provenance.parameters {
        let at = usize::from(applied.name != parameter(0));
        let made = applied.stamp.last_modified.as_second() - BEGIN;
        params[at] = Some(Version {
            made: u8::try_from(made / 100).unwrap(),
            number: u8::try_from(applied.stamp.version).unwrap(),
        });
    }
    params
}

pub fn each(params: Params) -> impl Iterator<Item = (ParameterName, Version)> {
    (0..2).filter_map(move |at| Some((parameter(at), params[at]?)))
}

pub fn parameter(at: usize) -> ParameterName {
    ParameterName::parse(NAMES[at]).unwrap()
}

/// A parameter made anew counts from 1 again, and later.
pub fn stamp(version: Version) -> Stamp {
    Stamp {
        version: version.number.into(),
        last_modified: second(BEGIN + 100 * i64::from(version.made) + i64::from(version.number)),
    }
}

pub fn origin() -> Origin {
    Origin {
        account: "111122223333".into(),
        region: "eu-west-1".into(),
    }
}

pub fn sealing(key: u8) -> SealKey {
    SealKey::new(&[key; 32]).unwrap()
}

pub fn name(sync: u8) -> &'static str {
    ["a", "b"][usize::from(sync)]
}

pub fn uid(life: u8) -> String {
    format!("u-{life}")
}

pub fn at(born: u8) -> Timestamp {
    second(BEGIN + 10 * i64::from(born))
}

pub fn second(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

pub fn moment(wall: Timestamp, passed: u64) -> Moment {
    let passed = Duration::from_secs(passed);
    Moment {
        wall: wall + passed,
        monotonic: Duration::from_secs(1000) + passed,
    }
}

pub fn large(revision: u8) -> i64 {
    BEGIN + i64::from(revision)
}

pub fn small(revision: i64) -> u8 {
    u8::try_from(revision - BEGIN).unwrap()
}
