//! What is done in which world.

use super::*;

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
        (
            "a type that the store has come to refuse is looked at again",
            base().with(|w| {
                w.resolved.parameter_types = ParameterTypes::SecureStringOnly;
                w.record().provenance.parameters[0].kind = ParameterKind::String;
            }),
            "write Change /web/A /web/B",
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
                w.applies(record_of(applied));
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
            base().with(gone).with(|w| w.stated().record = None),
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
            base().with(|w| w.secret().managed = false),
            "write Repair /web/A:7 /web/B:7",
        ),
        (
            "cleared managedFields",
            base().with(|w| w.secret().fields = 0),
            "write Repair /web/A:7 /web/B:7",
        ),
        (
            "a key written by stringData, which moves no field",
            base().with(|w| w.secret().overwritten = true),
            "write Repair /web/A:7 /web/B:7",
        ),
        (
            "a seal that is gone",
            base().with(|w| w.secret().seal = None),
            "write Repair /web/A:7 /web/B:7",
        ),
        (
            "a Secret put back as it was two revisions ago, seal and managedFields too",
            base().with(|w| w.secret().seal.as_mut().unwrap().revision = APPLIED - 2),
            "write Repair /web/A:7 /web/B:7",
        ),
        (
            "another Secret in the place of ours",
            base().with(|w| *w.secret() = foreign()),
            "write Repair /web/A:7 /web/B:7",
        ),
        (
            "what the record has and the spec does not want is not read, whatever the shape says",
            base().with(broken).with(|w| {
                w.record().provenance.parameters[0].name = name("/pay/A");
                w.resolved.gate = closed();
            }),
            "leave RepairBlocked SpecChanged +pending",
        ),
        // The record
        (
            "no record, and a Secret with our seal: written anew, whole",
            base().with(|w| w.stated().record = None),
            "write FirstSync /web/A /web/B",
        ),
        (
            "what was written and is not recorded comes first",
            base().with(newer).with(|w| {
                let mut record = record_of(provenance(&[("/web/A", 7), ("/web/B", 8)]));
                record.revision = APPLIED + 1;
                w.unrecorded = Some(record);
            }),
            "leave Unrecorded",
        ),
        (
            "what an earlier life wrote is nothing of this one's",
            base().with(|w| {
                let mut record = record_of(provenance(&[("/web/A", 9)]));
                (record.uid, record.revision) = ("u-0".into(), APPLIED + 1);
                w.unrecorded = Some(record);
            }),
            "leave InSync",
        ),
        (
            "a record of a newer format",
            base().with(newer).with(|w| {
                w.stated = Err(RecordTooNew { found: "2".into() });
            }),
            "leave RecordTooNew",
        ),
        (
            "a record of release 0.1 whose Secret has no seal",
            base().with(|w| {
                let mut record = record_of(provenance(&[("/web/A", 7), ("/web/B", 7)]));
                record.revision = LEGACY;
                record.provenance.shape = Shape("legacy".into());
                w.secret().seal = None;
                w.secret().fields = expected_fields(&record.provenance, Stamped::Unsealed);
                w.stated = Ok(stated(Some(record)));
            }),
            "leave InSync",
        ),
        // Doubt
        (
            "an announcement of which nobody knows what came of it: written once, whole",
            base().with(|w| w.announces(APPLIED + 1)),
            "write Change /web/A /web/B",
        ),
        (
            "an announcement that came to nothing is no doubt",
            base().with(|w| {
                w.announces(APPLIED + 1);
                w.announced = Some(APPLIED + 1);
            }),
            "leave InSync",
        ),
        (
            "one that inherited a doubt is",
            base().with(|w| {
                w.announces(APPLIED + 2);
                w.announced = Some(APPLIED + 2);
            }),
            "write Change /web/A /web/B",
        ),
        (
            "a Secret that is newer than its record",
            base().with(|w| w.secret().seal.as_mut().unwrap().revision = APPLIED + 3),
            "write Change /web/A /web/B",
        ),
        (
            "newest values that make no Secret do not keep a broken one broken",
            base().with(broken).with(newer).with(|w| w.newest_refused = true),
            "write Repair /web/A:7 /web/B:7",
        ),
        (
            "but an edited spec that makes no Secret says so",
            base().with(broken).with(|w| {
                w.resolved.shape = Shape("s2".into());
                w.newest_refused = true;
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
                w.secret = SecretState::Present(foreign());
            }),
            "leave NotOurs",
        ),
        (
            "a foreign Secret that may be adopted",
            World::new().with(|w| {
                w.secret = SecretState::Present(foreign());
                w.resolved.target.adopt = true;
            }),
            "write FirstSync /web/*",
        ),
        (
            "a Secret that another controller owns is not adopted",
            World::new().with(|w| {
                let controller = Controller {
                    kind: "Certificate".into(),
                    name: "web".into(),
                };
                w.secret = SecretState::Present(SecretMeta {
                    controller: Some(Box::new(controller)),
                    ..foreign()
                });
                w.resolved.target.adopt = true;
            }),
            "leave NotOurs",
        ),
        (
            "another ParameterSync's Secret",
            World::new().with(|w| {
                let mut meta = written(&record_of(provenance(&[("/web/A", 7)])));
                meta.seal.as_mut().unwrap().sync = "other".into();
                w.secret = SecretState::Present(meta);
            }),
            "leave NotOurs",
        ),
        (
            "a copy: all as we write it, but for the seal, which is of another place",
            World::new().with(|w| {
                let meta = written(&record_of(provenance(&[("/web/A", 7)])));
                w.secret = SecretState::Present(SecretMeta { seal: None, ..meta });
            }),
            "leave NotOurs",
        ),
        (
            "a Secret that is going is waited for",
            base().with(|w| w.secret().deleting = true),
            "leave SecretTerminating",
        ),
        (
            "a type that cannot change",
            base().with(|w| {
                w.resolved.target.secret_type = "kubernetes.io/tls".into();
                w.resolved.shape = Shape("s2".into());
            }),
            "leave TypeImmutable",
        ),
        (
            "a deleted Secret lets a new type in",
            base().with(gone).with(|w| {
                w.resolved.target.secret_type = "kubernetes.io/tls".into();
                w.resolved.shape = Shape("s2".into());
            }),
            "write Change /web/A /web/B",
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
            "a record that status cannot hold any more stops no end",
            base()
                .with(|w| w.stated = Err(RecordTooNew { found: "2".into() }))
                .with(|w| w.deleting = true),
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
    let Action::Leave(Why::Held(closure)) = decision.action else {
        panic!("held");
    };
    assert_eq!(closure.by, Some(CalendarKey::cluster("year-end")));
    assert_eq!(closure.until, Some(at(5000)));
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
