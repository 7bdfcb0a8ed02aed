//! The behaviour, as tables. Each row: a world, and what is done in it.

mod behaviour;
mod freezes;
mod permits;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::calendar::{Record, State, Timeline};
use crate::names::{
    CalendarKey, NameFilter, ObjectKey, Origin, ParameterName, ParameterPath, ParameterRef, PathRead,
    SecretKey,
};
use crate::record::{Applied, Entry, FirstSync, Freeze, ParameterKind, Provenance, Shape, Stamp, Upstream};
use crate::resolve::{
    Auth, Bond, BoundBy, Decode, Extract, Former, Gate, KeyNaming, KeyStyle, Limits, NamedSource,
    OnCollision, OnMissing, ParameterTypes, Past, PathSource, Resolved, Source, StoreIdentity, Target,
};
use crate::watch::{Controller, Evaluated, SecretMeta, SecretState, Standing};

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
    recorded: Option<Provenance>,
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
        owner: "web".into(),
        origin: origin(),
        shape: Shape("s1".into()),
        secret_type: "Opaque".into(),
        owner_uid: Some("u-1".into()),
        parameters: parameters.iter().map(applied).collect(),
        template_keys: vec![],
        labels: vec![],
        annotations: vec![],
    }
}

fn meta(provenance: Option<Provenance>) -> SecretMeta {
    SecretMeta {
        uid: "s-1".into(),
        resource_version: "70".into(),
        managed: true,
        deleting: false,
        trusted: provenance.is_some(),
        provenance,
        lost: vec![],
        rivals: vec![],
        controller: None,
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
        Self {
            resolved: resolved(path_source(OnMissing::Prune)),
            secret: SecretState::Present(meta(Some(provenance(&parameters)))),
            recorded: Some(provenance(&parameters)),
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
            recorded: None,
            upstream: Upstream::default(),
            ..Self::in_sync()
        }
    }

    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
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
            recorded: self.recorded.as_ref(),
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
        sync_request: None,
    }
}

fn closed() -> Gate {
    frozen(Freeze::default())
}

/// A gate that a cluster calendar closes until 5000.
fn frozen(freeze: Freeze) -> Gate {
    let record = Record {
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
                    SourceRead::Parameters(all) => all.iter().map(ToString::to_string).collect(),
                })
                .collect();
            format!("write {:?} {}", request.purpose, reads.join(" "))
        }
    };
    action + pending
}

/// The same world, with a key changed by somebody else.
fn broken(world: &mut World) {
    let meta = world.secret();
    meta.lost = vec!["data.A".into()];
    meta.rivals = vec!["kubectl-edit".into()];
}

fn gone(world: &mut World) {
    world.secret = SecretState::Absent;
}

fn newer(world: &mut World) {
    world.upstream = upstream(&[("/web/A", 7), ("/web/B", 9)]);
}
