//! The behaviour table. Each row: a world, and what is done in it.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::names::{ObjectKey, Origin, ParameterName, ParameterPath, ParameterRef, SecretKey};
use crate::provenance::{Applied, ParameterKind, Provenance, Shape, Stamp};
use crate::resolve::{
    Auth, Closure, Decode, Extract, Gate, KeyNaming, KeyStyle, Limits, NameFilter, NamedSource, OnCollision,
    OnMissing, ParameterTypes, PathRead, PathSource, Resolved, Source, StoreIdentity, Target,
};
use crate::source::{Entry, Upstream};

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
    repairs: Vec<Timestamp>,
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
            repairs: vec![],
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
            repairs: &self.repairs,
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
        interval: Duration::from_secs(600),
        suspended: false,
        gate: Gate::default(),
        shape: Shape("s1".into()),
        sync_request: None,
    }
}

fn closed() -> Gate {
    Gate {
        closed: Some(Closure {
            by: "ClusterChangeCalendar/year-end".into(),
            until: Some(at(5000)),
        }),
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

#[test]
fn the_behaviour_table() {
    let base = World::in_sync;
    let rows: Vec<(&str, World, &str)> = vec![
        // First sync
        (
            "a new object reads its path whole",
            World::new(),
            "write FirstSync /web/*",
        ),
        (
            "a new object whose names are known reads the names",
            World::new().with(|w| w.upstream = upstream(&[("/web/A", 1)])),
            "write FirstSync /web/A",
        ),
        (
            "a new object under a closed gate waits",
            World::new().with(|w| w.resolved.gate = closed()),
            "leave Held",
        ),
        (
            "a new suspended object waits",
            World::new().with(|w| w.resolved.suspended = true),
            "leave Suspended",
        ),
        // Nothing to do
        ("nothing differs", base(), "leave InSync"),
        (
            "after a restart nothing is known to differ",
            base().with(|w| w.upstream = Upstream::default()),
            "leave InSync",
        ),
        (
            "a restart without a status trusts the Secret",
            base().with(|w| w.recorded = None),
            "leave InSync",
        ),
        // Changes upstream
        (
            "a newer version",
            base().with(newer),
            "write Change /web/A /web/B",
        ),
        (
            "a new name",
            base().with(|w| w.upstream = upstream(&[("/web/A", 7), ("/web/B", 7), ("/web/C", 1)])),
            "write Change /web/A /web/B /web/C",
        ),
        (
            "deleted and made anew with the same version",
            base().with(|w| {
                let listing = w.upstream.listings.get_mut(&read()).unwrap();
                listing.get_mut(&name("/web/A")).unwrap().stamp.last_modified = at(99);
            }),
            "write Change /web/A /web/B",
        ),
        (
            "a vanished name is pruned",
            base().with(|w| w.upstream = upstream(&[("/web/A", 7)])),
            "write Change /web/A",
        ),
        (
            "a vanished name is held where the source says so",
            base().with(|w| {
                w.resolved.sources = vec![path_source(OnMissing::Hold)];
                w.upstream = upstream(&[("/web/A", 7)]);
            }),
            "leave RemovalHeld +pending",
        ),
        (
            "everything gone removes nothing",
            base().with(|w| w.upstream = upstream(&[])),
            "leave SourceEmpty +pending",
        ),
        (
            "a newer version under a closed gate waits",
            base().with(newer).with(|w| w.resolved.gate = closed()),
            "leave Held +pending",
        ),
        (
            "a newer version of a suspended object waits",
            base().with(newer).with(|w| w.resolved.suspended = true),
            "leave Suspended +pending",
        ),
        (
            "another account answers",
            base().with(|w| w.upstream.origin.as_mut().unwrap().account = "444455556666".into()),
            "write Change /web/A /web/B",
        ),
        (
            "the store names another region",
            base().with(|w| {
                w.resolved.store.region = "eu-west-1".into();
                w.upstream = Upstream::default();
            }),
            "write Change /web/*",
        ),
        // Spec edits
        (
            "a spec edit",
            base().with(|w| w.resolved.shape = Shape("s2".into())),
            "write Change /web/A /web/B",
        ),
        (
            "a spec edit under a closed gate waits",
            base().with(|w| {
                w.resolved.shape = Shape("s2".into());
                w.resolved.gate = closed();
            }),
            "leave Held",
        ),
        // Named parameters
        (
            "a named parameter that is confirmed missing leaves the Secret as it is",
            base().with(|w| {
                w.resolved.sources = vec![named_source("/web/A", false)];
                w.upstream
                    .parameters
                    .insert(ParameterRef::latest(name("/web/A")), None);
            }),
            "leave ParameterMissing +pending",
        ),
        (
            "an optional one that is missing while others stay is taken out",
            base().with(|w| {
                w.resolved.sources = vec![path_source(OnMissing::Prune), named_source("/other/X", true)];
                let mut applied = provenance(&[("/web/A", 7), ("/web/B", 7), ("/other/X", 1)]);
                applied.parameters[2].source = 1;
                *w.secret() = meta(Some(applied));
                w.upstream
                    .parameters
                    .insert(ParameterRef::latest(name("/other/X")), None);
            }),
            "write Change /web/A /web/B /other/X",
        ),
        // Drift
        (
            "a broken Secret is put back at the applied versions",
            base().with(broken),
            "write Repair /web/A:7 /web/B:7",
        ),
        (
            "also when nothing is known of upstream",
            base().with(broken).with(|w| w.upstream = Upstream::default()),
            "write Repair /web/A:7 /web/B:7",
        ),
        (
            "a deleted Secret is made anew by what status recorded",
            base().with(gone),
            "write Repair /web/A:7 /web/B:7",
        ),
        (
            "a deleted Secret without a record is a first sync",
            base().with(gone).with(|w| w.recorded = None),
            "write FirstSync /web/A /web/B",
        ),
        (
            "an open gate lets a newer version mend it",
            base().with(broken).with(newer),
            "write Change /web/A /web/B",
        ),
        (
            "a closed gate mends at the applied versions even if a newer one waits",
            base()
                .with(broken)
                .with(newer)
                .with(|w| w.resolved.gate = closed()),
            "write Repair /web/A:7 /web/B:7",
        ),
        (
            "a closed gate makes a deleted Secret anew at the applied versions",
            base().with(gone).with(newer).with(|w| w.resolved.gate = closed()),
            "write Repair /web/A:7 /web/B:7",
        ),
        (
            "a closed gate and a changed spec: no repair",
            base().with(broken).with(|w| {
                w.resolved.shape = Shape("s2".into());
                w.resolved.gate = closed();
            }),
            "leave RepairBlocked SpecChanged",
        ),
        (
            "a closed gate and another account: no repair",
            base().with(broken).with(|w| {
                w.upstream.origin.as_mut().unwrap().account = "444455556666".into();
                w.resolved.gate = closed();
            }),
            "leave RepairBlocked OriginChanged",
        ),
        (
            "everything gone upstream and broken: put back",
            base().with(broken).with(|w| w.upstream = upstream(&[])),
            "write Repair /web/A:7 /web/B:7",
        ),
        (
            "suspension stops repair, too",
            base().with(broken).with(|w| w.resolved.suspended = true),
            "leave Suspended",
        ),
        (
            "the label taken away is drift",
            base().with(|w| {
                w.secret().managed = false;
                w.secret().lost = vec!["metadata.labels.paramsync.dev/managed".into()];
            }),
            "write Repair /web/A:7 /web/B:7",
        ),
        (
            "cleared managedFields: the record stands in",
            base().with(|w| {
                w.secret().trusted = false;
                w.recorded = Some(provenance(&[("/web/A", 6), ("/web/B", 7)]));
                w.upstream = Upstream::default();
            }),
            "write Repair /web/A:6 /web/B:7",
        ),
        (
            "an annotation that cannot be read and no record: write anew",
            base().with(|w| {
                *w.secret() = meta(None);
                w.recorded = None;
                w.resolved.target.adopt = true;
            }),
            "write Change /web/A /web/B",
        ),
        // Contest
        (
            "a second repair is prompt",
            base().with(broken).with(|w| w.repairs = vec![at(990)]),
            "write Repair /web/A:7 /web/B:7",
        ),
        (
            "a third within ten minutes waits",
            base().with(broken).with(|w| w.repairs = vec![at(980), at(990)]),
            "leave Contested",
        ),
        (
            "and is made after a pause",
            base().with(broken).with(|w| w.repairs = vec![at(500), at(600)]),
            "write Repair /web/A:7 /web/B:7",
        ),
        (
            "a contest does not hold back a new version",
            base()
                .with(broken)
                .with(newer)
                .with(|w| w.repairs = vec![at(980), at(990)]),
            "write Change /web/A /web/B",
        ),
        // Ownership
        (
            "a foreign Secret",
            World::new().with(|w| {
                w.secret = SecretState::Present(SecretMeta {
                    managed: false,
                    ..meta(None)
                });
            }),
            "leave NotOurs",
        ),
        (
            "a foreign Secret that may be adopted",
            World::new().with(|w| {
                w.secret = SecretState::Present(SecretMeta {
                    managed: false,
                    ..meta(None)
                });
                w.resolved.target.adopt = true;
            }),
            "write Change /web/*",
        ),
        (
            "a Secret that another controller owns is not adopted",
            World::new().with(|w| {
                let controller = Controller {
                    kind: "Certificate".into(),
                    name: "web".into(),
                    uid: "c".into(),
                };
                w.secret = SecretState::Present(SecretMeta {
                    controller: Some(controller),
                    ..meta(None)
                });
                w.resolved.target.adopt = true;
            }),
            "leave NotOurs",
        ),
        (
            "another ParameterSync's Secret",
            World::new().with(|w| {
                let theirs = Provenance {
                    owner: "other".into(),
                    ..provenance(&[("/web/A", 7)])
                };
                w.secret = SecretState::Present(meta(Some(theirs)));
            }),
            "leave NotOurs",
        ),
        (
            "a retained Secret is found again by a ParameterSync made anew",
            base()
                .with(|w| w.recorded = None)
                .with(|w| w.resolved.uid = "u-2".into()),
            "leave InSync",
        ),
        (
            "the predecessor's Secret goes with it first",
            base().with(|w| {
                w.resolved.uid = "u-2".into();
                let uid = "u-1".into();
                w.secret().controller = Some(Controller {
                    kind: "ParameterSync".into(),
                    name: "web".into(),
                    uid,
                });
            }),
            "leave SecretTerminating",
        ),
        (
            "a Secret that is going is waited for",
            base().with(|w| w.secret().deleting = true),
            "leave SecretTerminating",
        ),
        // Ends
        (
            "deletion is never blocked",
            base()
                .with(|w| w.deleting = true)
                .with(|w| w.resolved.gate = closed()),
            "release",
        ),
        (
            "a namespace that goes is left alone",
            World::new().with(|w| w.namespace_terminating = true),
            "leave NamespaceTerminating",
        ),
    ];
    for (case, world, expected) in rows {
        assert_eq!(short(&world.decide()), expected, "{case}");
    }
}

#[test]
fn what_waits_says_until_when_and_from_which_version_to_which() {
    let world = World::in_sync().with(newer).with(|w| w.resolved.gate = closed());
    let decision = world.decide();
    assert_eq!(decision.wake, Some(at(5000)));
    assert_eq!(
        decision.pending,
        [PendingChange {
            name: name("/web/B"),
            from: Some(7),
            to: Some(9)
        }]
    );
}

#[test]
fn a_contest_names_the_rival_and_the_field() {
    let world = World::in_sync()
        .with(broken)
        .with(|w| w.repairs = vec![at(980), at(990)]);
    let Action::Leave(Why::Contested {
        rivals,
        fields,
        until,
    }) = world.decide().action
    else {
        panic!("contested");
    };
    assert_eq!(
        (rivals, fields),
        (vec!["kubectl-edit".to_owned()], vec!["data.A".to_owned()])
    );
    assert_eq!(until, at(990) + SignedDuration::from_mins(5));
}

fn write(world: &World) -> FetchRequest {
    match world.decide().action {
        Action::Write(request) => request,
        other => panic!("a write, not {other:?}"),
    }
}

#[test]
fn the_permit_table() {
    let first = World::new();
    let change = World::in_sync().with(newer);
    let repair = World::in_sync().with(broken);
    let both = provenance(&[("/web/A", 7), ("/web/B", 9)]);
    let applied = provenance(&[("/web/A", 7), ("/web/B", 7)]);
    let remade = {
        let mut remade = applied.clone();
        remade.parameters[0].stamp.last_modified = at(99);
        remade
    };
    let seeded = first
        .clone()
        .with(|w| w.upstream = upstream(&[("/web/A", 7), ("/web/B", 7)]));
    let rows: Vec<(&str, &World, World, Provenance, &str)> = vec![
        (
            "a first sync, now that the catalog knows",
            &first,
            seeded,
            applied.clone(),
            "ok",
        ),
        ("a change", &change, change.clone(), both.clone(), "ok"),
        (
            "a change that brought more than was known",
            &change,
            World::in_sync().with(newer),
            provenance(&[("/web/A", 8), ("/web/B", 9)]),
            "ok",
        ),
        (
            "an answer older than what was seen",
            &change,
            change.clone(),
            applied.clone(),
            "Lagging",
        ),
        (
            "an answer without a name that was seen",
            &change,
            change.clone(),
            provenance(&[("/web/A", 7)]),
            "Lagging",
        ),
        (
            "a name that is applied and missing for the first time",
            &change,
            World::in_sync().with(|w| {
                w.upstream = Upstream::default();
                w.resolved.shape = Shape("s1".into());
                w.resolved.store.region = "eu-west-1".into();
            }),
            provenance(&[("/web/A", 7)]),
            "Lagging",
        ),
        (
            "the gate closed meanwhile",
            &change,
            change.clone().with(|w| w.resolved.gate = closed()),
            both.clone(),
            "Held",
        ),
        (
            "suspended meanwhile",
            &change,
            change.clone().with(|w| w.resolved.suspended = true),
            both.clone(),
            "Suspended",
        ),
        (
            "deleted meanwhile",
            &change,
            change.clone().with(|w| w.deleting = true),
            both.clone(),
            "Overtaken",
        ),
        (
            "the namespace goes meanwhile",
            &change,
            change.clone().with(|w| w.namespace_terminating = true),
            both.clone(),
            "NamespaceTerminating",
        ),
        (
            "another spec meanwhile",
            &change,
            change.clone().with(|w| w.resolved.shape = Shape("s2".into())),
            both.clone(),
            "Overtaken",
        ),
        ("a repair", &repair, repair.clone(), applied.clone(), "ok"),
        (
            "a repair that brings a newer version",
            &repair,
            repair.clone(),
            both.clone(),
            "RepairBlocked",
        ),
        (
            "a repair whose version was made anew",
            &repair,
            repair.clone(),
            remade.clone(),
            "RepairBlocked",
        ),
        (
            "a repair that lacks one",
            &repair,
            repair.clone(),
            provenance(&[("/web/A", 7)]),
            "RepairBlocked",
        ),
        (
            "mended by somebody else meanwhile",
            &repair,
            World::in_sync(),
            applied.clone(),
            "InSync",
        ),
        (
            "a newer version turned up during a repair",
            &repair,
            repair.clone().with(newer),
            applied.clone(),
            "Overtaken",
        ),
    ];
    for (case, before, after, desired, expected) in rows {
        let request = write(before);
        let got = match permit(&after.view(), &request, &desired, at(1000)) {
            Ok(_) => "ok".to_owned(),
            Err(why) => format!("{why:?}").split(['(', ' ']).next().unwrap().to_owned(),
        };
        assert_eq!(got, expected, "{case}");
    }
}

#[test]
fn a_permit_holds_for_exactly_the_object_that_was_seen() {
    let world = World::in_sync().with(newer);
    let desired = provenance(&[("/web/A", 7), ("/web/B", 9)]);
    let permit = permit(&world.view(), &write(&world), &desired, at(1000)).unwrap();
    assert_eq!(permit.target(), &ObjectKey::new("shop", "web"));
    let precondition = Precondition::Unchanged {
        uid: "s-1".into(),
        resource_version: "70".into(),
    };
    assert_eq!(permit.precondition(), &precondition);
}
