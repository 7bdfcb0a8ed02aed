//! The behaviour, as tables. Each row: a world, and what is done in it.

mod behaviour;
mod freezes;
mod owners;
mod permits;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::calendar::{self, State, Timeline};
use crate::clock::Moment;
use crate::names::{
    CalendarKey, NameFilter, ObjectKey, Origin, ParameterName, ParameterPath, ParameterRef, PathRead,
    SecretKey,
};
use crate::record::{
    Applied, Entry, FirstSync, Freeze, LEGACY, ParameterKind, Provenance, Record, RecordTooNew, Shape, Stamp,
    Stated, Upstream,
};
use crate::resolve::{
    Auth, Bond, BoundBy, Decode, Extract, Former, Gate, KeyNaming, KeyStyle, Limits, NamedSource,
    OnCollision, OnMissing, ParameterTypes, Past, PathSource, Resolved, Source, StoreIdentity, Target,
};
use crate::watch::{
    Controller, Drift, Evaluated, OwnedBy, Sealed, SecretMeta, SecretState, Stamped, Standing,
    expected_fields,
};

const REGION: &str = "ap-northeast-1";

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn name(text: &str) -> ParameterName {
    ParameterName::parse(text).unwrap()
}

fn stamp(version: i64) -> Stamp {
    Stamp {
        version,
        last_modified: at(version),
    }
}

fn entry(version: i64) -> Entry {
    Entry {
        stamp: stamp(version),
        kind: ParameterKind::SecureString,
    }
}

fn origin() -> Origin {
    Origin {
        account: "111122223333".into(),
        region: REGION.into(),
    }
}

fn read() -> PathRead {
    PathRead {
        path: ParameterPath::parse("/web").unwrap(),
        recursive: false,
        filter: NameFilter::new(vec![], vec![]).unwrap(),
    }
}

/// A world in which `/web/A` and `/web/B` at version 7 are applied, and nothing differs.
#[derive(Clone)]
struct World {
    resolved: Resolved,
    secret: SecretState,
    stated: Result<Stated, RecordTooNew>,
    unrecorded: Option<Record>,
    announced: Option<i64>,
    drift: Drift,
    upstream: Upstream,
    deleting: bool,
    namespace_terminating: bool,
    newest_refused: bool,
    repairs: Vec<Timestamp>,
    recorded_pending: Vec<PendingChange>,
    crowd: usize,
}

fn provenance(parameters: &[(&str, i64)]) -> Provenance {
    let applied = |(text, version): &(&str, i64)| Applied {
        source: 0,
        name: name(text),
        stamp: stamp(*version),
        kind: ParameterKind::SecureString,
        keys: vec![SecretKey::parse(name(text).last_segment()).unwrap()],
    };
    Provenance {
        origin: origin(),
        endpoint: None,
        shape: Shape("s1".into()),
        secret_type: "Opaque".into(),
        parameters: parameters.iter().map(applied).collect(),
        template_keys: vec![],
        labels: vec![],
        annotations: vec![],
    }
}

/// The revision that is applied.
const APPLIED: i64 = 40;

fn record_of(provenance: Provenance) -> Record {
    Record {
        uid: "u-1".into(),
        revision: APPLIED,
        provenance,
    }
}

fn stated(record: Option<Record>) -> Stated {
    Stated {
        floor: record.as_ref().map_or(LEGACY, |record| record.revision),
        record,
        ..Stated::default()
    }
}

/// A Secret of somebody else's.
fn foreign() -> SecretMeta {
    SecretMeta {
        uid: "s-1".into(),
        version: 70,
        managed: false,
        deleting: false,
        seal: None,
        owner: OwnedBy::Nobody,
        controller: None,
        fields: 0,
        overwritten: false,
    }
}

/// The Secret as we leave it.
fn written(record: &Record) -> SecretMeta {
    SecretMeta {
        managed: true,
        seal: Some(Sealed {
            sync: "web".into(),
            revision: record.revision,
        }),
        owner: OwnedBy::One("u-1".into()),
        fields: expected_fields(&record.provenance, Stamped::Sealed),
        ..foreign()
    }
}

fn upstream(parameters: &[(&str, i64)]) -> Upstream {
    let listing = parameters
        .iter()
        .map(|(text, version)| (name(text), entry(*version)))
        .collect();
    Upstream {
        origin: Some(origin()),
        listings: BTreeMap::from([(read(), listing)]),
        ..Upstream::default()
    }
}

impl World {
    fn in_sync() -> Self {
        let parameters = [("/web/A", 7), ("/web/B", 7)];
        let record = record_of(provenance(&parameters));
        Self {
            resolved: resolved(path_source(OnMissing::Prune)),
            secret: SecretState::Present(written(&record)),
            stated: Ok(stated(Some(record))),
            unrecorded: None,
            announced: None,
            drift: Drift::default(),
            upstream: upstream(&parameters),
            deleting: false,
            namespace_terminating: false,
            newest_refused: false,
            repairs: vec![],
            recorded_pending: vec![],
            crowd: 1,
        }
    }

    fn new() -> Self {
        Self {
            secret: SecretState::Absent,
            stated: Ok(Stated::default()),
            upstream: Upstream::default(),
            ..Self::in_sync()
        }
    }

    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn stated(&mut self) -> &mut Stated {
        self.stated.as_mut().unwrap()
    }

    fn record(&mut self) -> &mut Record {
        self.stated().record.as_mut().unwrap()
    }

    /// Another record, and the Secret as it was written by that.
    fn applies(&mut self, record: Record) {
        self.secret = SecretState::Present(written(&record));
        self.stated = Ok(stated(Some(record)));
    }

    /// A write as `revision` was announced.
    fn announces(&mut self, revision: i64) {
        self.stated().writing = Some(revision);
        self.stated().floor = revision;
    }

    fn secret(&mut self) -> &mut SecretMeta {
        match &mut self.secret {
            SecretState::Present(meta) => meta,
            SecretState::Absent => panic!("this world has no Secret"),
        }
    }

    fn view(&self) -> View<'_> {
        View {
            resolved: &self.resolved,
            secret: &self.secret,
            stated: self.stated.as_ref(),
            unrecorded: self.unrecorded.as_ref(),
            announced: self.announced,
            drift: &self.drift,
            upstream: &self.upstream,
            deleting: self.deleting,
            namespace_terminating: self.namespace_terminating,
            newest_refused: self.newest_refused,
            repairs: &self.repairs,
            recorded_pending: &self.recorded_pending,
            crowd: self.crowd,
        }
    }

    fn decide(&self) -> Decision {
        decide(&self.view(), at(1000))
    }
}

fn path_source(on_missing: OnMissing) -> Source {
    let keys = KeyNaming {
        style: KeyStyle::Keep,
        prefix: String::new(),
        separator: "_".into(),
    };
    Source::Path(PathSource {
        read: read(),
        keys,
        on_missing,
    })
}

fn named_source(text: &str, optional: bool) -> Source {
    Source::Named(NamedSource {
        reference: ParameterRef::latest(name(text)),
        optional,
        decode: Decode::None,
        extract: Extract::Whole(SecretKey::parse(name(text).last_segment()).unwrap()),
    })
}

fn resolved(source: Source) -> Resolved {
    Resolved {
        object: ObjectKey::new("shop", "web"),
        uid: "u-1".into(),
        generation: 1,
        store: StoreIdentity {
            region: REGION.into(),
            endpoint: None,
            auth: Auth::default(),
            only_of: None,
        },
        limits: Limits {
            requests_per_second: 20,
        },
        parameter_types: ParameterTypes::Any,
        sources: vec![source],
        on_collision: OnCollision::Fail,
        target: Target {
            name: "web".into(),
            secret_type: "Opaque".into(),
            labels: BTreeMap::new(),
            annotations: BTreeMap::new(),
            templates: BTreeMap::new(),
            templates_only: false,
            owned: true,
            adopt: false,
        },
        interval: Duration::from_mins(10),
        suspended: false,
        gate: Gate::default(),
        shape: Shape("s1".into()),
        legacy_shape: Shape("legacy".into()),
        sync_request: None,
    }
}

fn closed() -> Gate {
    frozen(Freeze::default())
}

/// A gate that a cluster calendar closes until 5000.
fn frozen(freeze: Freeze) -> Gate {
    let record = calendar::Record {
        from: at(0),
        state: State::Closed,
        transitions: vec![at(5000)],
        until: at(1_000_000),
    };
    let evaluated = Evaluated {
        generation: 1,
        default_state: State::Open,
        timeline: Timeline::restore(&record),
        calendar: None,
    };
    let bond = Bond {
        calendar: CalendarKey::cluster("year-end"),
        bound_by: BoundBy::Selector,
        freeze,
        standing: Standing::Evaluated(Arc::new(evaluated)),
    };
    Gate {
        bonds: vec![bond],
        ..Gate::default()
    }
}

/// What a decision comes to, short enough for a table.
fn short(decision: &Decision) -> String {
    let pending = if decision.pending.is_empty() {
        ""
    } else {
        " +pending"
    };
    let action = match &decision.action {
        Action::Release => "release".to_owned(),
        Action::Leave(Why::RepairBlocked(blocked)) => {
            let blocked = format!("{blocked:?}");
            format!("leave RepairBlocked {}", blocked.split('(').next().unwrap())
        }
        Action::Leave(why) => {
            let why = format!("{why:?}");
            format!("leave {}", why.split(['(', ' ']).next().unwrap())
        }
        Action::Write(request) => {
            let reads: Vec<String> = request
                .reads
                .iter()
                .flat_map(|read| match read {
                    SourceRead::Path(read) => vec![format!("{}/*", read.path)],
                    SourceRead::Parameters(all) => all.iter().map(|one| one.to_string()).collect(),
                })
                .collect();
            format!("write {:?} {}", request.purpose, reads.join(" "))
        }
    };
    action + pending
}

/// The same world, with a key changed by somebody else.
fn broken(world: &mut World) {
    world.secret().fields = 1;
    world.drift = Drift {
        lost: vec!["data.A".into()],
        rivals: vec!["kubectl-edit".into()],
    };
}

fn gone(world: &mut World) {
    world.secret = SecretState::Absent;
}

fn newer(world: &mut World) {
    world.upstream = upstream(&[("/web/A", 7), ("/web/B", 9)]);
}
