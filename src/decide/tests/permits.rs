//! What may be written, once it is fetched.

use super::*;

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
        let got = match permit(&after.view(), &request, &desired, at(1000), given()) {
            Ok(_) => "ok".to_owned(),
            Err(why) => format!("{why:?}").split(['(', ' ']).next().unwrap().to_owned(),
        };
        assert_eq!(got, expected, "{case}");
    }
}

fn given() -> Moment {
    Moment {
        wall: at(1000),
        monotonic: Duration::from_secs(1),
    }
}

fn passage(world: &World, desired: &Provenance) -> Passage {
    permit(&world.view(), &write(world), desired, at(1000), given()).unwrap()
}

fn granted(passage: Passage) -> Permit {
    match passage {
        Passage::Write(permit) => *permit,
        Passage::Announce(revision) => panic!("{revision} is to be announced first"),
    }
}

#[test]
fn a_permit_holds_for_exactly_the_object_that_was_seen() {
    let world = World::in_sync().with(broken);
    let applied = provenance(&[("/web/A", 7), ("/web/B", 7)]);
    let permit = granted(passage(&world, &applied));
    assert_eq!(permit.target(), &ObjectKey::new("shop", "web"));
    let precondition = Precondition::Unchanged {
        uid: "s-1".into(),
        resource_version: "70".into(),
    };
    assert_eq!(permit.precondition(), &precondition);
    assert_eq!(
        permit.record(),
        &record_of(applied),
        "a repair writes the record again"
    );
}

#[test]
fn a_change_is_announced_before_it_is_written_and_is_one_above_what_is_applied() {
    let desired = provenance(&[("/web/A", 7), ("/web/B", 9)]);
    let world = World::in_sync().with(newer);
    assert!(matches!(passage(&world, &desired), Passage::Announce(41)));
    let announced = world.clone().with(|w| w.announces(41));
    assert!(
        matches!(passage(&announced, &desired), Passage::Announce(42)),
        "what another process announced is a doubt, which is inherited"
    );
    let ours = announced.with(|w| w.announced = Some(41));
    let permit = granted(passage(&ours, &desired));
    assert_eq!(
        (permit.record().revision, permit.record().uid.as_str()),
        (41, "u-1")
    );
    let dropped = world.with(|w| w.announced = Some(41));
    assert!(
        matches!(passage(&dropped, &desired), Passage::Announce(41)),
        "status has to say it"
    );
}

#[test]
fn a_first_write_is_not_announced_and_is_above_every_earlier_life() {
    let desired = provenance(&[("/web/A", 7)]);
    let first = granted(passage(&World::new(), &desired));
    assert_eq!(first.precondition(), &Precondition::Absent);
    assert_eq!(first.record().revision, at(1000).as_second());
    let later = at(5000).as_second();
    let sealed = World::in_sync().with(|w| {
        w.stated().record = None;
        w.secret().seal.as_mut().unwrap().revision = later;
        w.upstream = Upstream::default();
    });
    assert_eq!(granted(passage(&sealed, &desired)).record().revision, later + 1);
    let restored = World::new().with(|w| w.stated().floor = later);
    assert_eq!(granted(passage(&restored, &desired)).record().revision, later + 1);
}

#[test]
fn a_repair_brings_back_the_whole_set_and_nothing_more() {
    let world = World::in_sync().with(broken);
    let more = provenance(&[("/web/A", 7), ("/web/B", 7), ("/web/C", 1)]);
    let refused = permit(&world.view(), &write(&world), &more, at(1000), given());
    assert!(matches!(
        refused,
        Err(Why::RepairBlocked(Blocked::AppliedVersionGone(names))) if names == [name("/web/C")]
    ));
    let elsewhere = Provenance {
        endpoint: Some("http://127.0.0.1:4566".into()),
        ..provenance(&[("/web/A", 7), ("/web/B", 7)])
    };
    let refused = permit(&world.view(), &write(&world), &elsewhere, at(1000), given());
    assert!(matches!(refused, Err(Why::RepairBlocked(Blocked::OriginChanged))));
}
