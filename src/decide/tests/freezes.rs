//! What a closed gate stops, row by row, for each way to close it.

use super::*;
use crate::decide::PendingChange;

const UPDATES: Freeze = Freeze {
    scope: Scope::Updates,
    first_sync: FirstSync::Allow,
};
const UPDATES_AND_FIRST: Freeze = Freeze {
    scope: Scope::Updates,
    first_sync: FirstSync::Hold,
};
const ALL: Freeze = Freeze {
    scope: Scope::All,
    first_sync: FirstSync::Allow,
};

type Row = (&'static str, World, [&'static str; 3]);

#[test]
fn the_freeze_table() {
    let base = World::in_sync;
    let held = ["leave Held"; 3];
    let waits = ["leave Held +pending"; 3];
    let back = "write Repair /web/A:7 /web/B:7";
    let rows: Vec<Row> = vec![
        // What is done in that world: under Updates, Updates with firstSync Hold, All
        ("nothing differs", base(), ["leave InSync"; 3]),
        ("a new value", base().with(newer), waits),
        (
            "a value made anew under the same version number",
            base().with(|w| {
                let listing = w.upstream.listings.get_mut(&read()).unwrap();
                listing.get_mut(&name("/web/A")).unwrap().stamp.last_modified = at(99);
            }),
            waits,
        ),
        (
            "a new key",
            base().with(|w| w.upstream = upstream(&[("/web/A", 7), ("/web/B", 7), ("/web/C", 1)])),
            waits,
        ),
        (
            "a key to remove",
            base().with(|w| w.upstream = upstream(&[("/web/A", 7)])),
            waits,
        ),
        (
            "an edit of the spec",
            base().with(|w| w.resolved.shape = Shape("s2".into())),
            held,
        ),
        (
            "another account behind the store",
            base().with(|w| w.upstream.origin.as_mut().unwrap().account = "444455556666".into()),
            held,
        ),
        (
            "a forced sync",
            base()
                .with(newer)
                .with(|w| w.resolved.sync_request = Some("now".into())),
            waits,
        ),
        ("a broken Secret", base().with(broken), [back, back, "leave Held"]),
        (
            "a broken Secret while a newer version waits",
            base().with(broken).with(newer),
            [back, back, "leave Held +pending"],
        ),
        (
            "a deleted Secret",
            base().with(gone).with(newer),
            [back, back, "leave Held +pending"],
        ),
        (
            "a deleted Secret after an edit of the spec",
            base().with(gone).with(|w| w.resolved.shape = Shape("s2".into())),
            [
                "leave RepairBlocked SpecChanged",
                "leave RepairBlocked SpecChanged",
                "leave Held",
            ],
        ),
        (
            "a first sync",
            World::new(),
            ["write FirstSync /web/*", "leave Held", "leave Held"],
        ),
        (
            "a Secret to adopt",
            World::new().with(|w| {
                w.secret = SecretState::Present(foreign());
                w.resolved.target.adopt = true;
            }),
            ["write FirstSync /web/*", "leave Held", "leave Held"],
        ),
        (
            "a Secret of ours whose record is gone",
            base().with(|w| w.stated().record = None),
            ["leave RecordLost"; 3],
        ),
        (
            "the same, though it may be adopted",
            base().with(|w| {
                w.stated().record = None;
                w.resolved.target.adopt = true;
            }),
            ["leave RecordLost"; 3],
        ),
        (
            "a doubt about what is applied",
            base().with(|w| w.announces(APPLIED + 1)),
            ["leave InDoubt"; 3],
        ),
        (
            "the same, and the Secret deleted",
            base().with(gone).with(|w| w.announces(APPLIED + 1)),
            ["leave InDoubt"; 3],
        ),
        (
            "a Secret that is newer than its record, as after a restore of etcd",
            base()
                .with(broken)
                .with(|w| w.secret().seal.as_mut().unwrap().revision = APPLIED + 3),
            ["leave InDoubt"; 3],
        ),
        (
            "a Secret put back as it was before",
            base().with(|w| w.secret().seal.as_mut().unwrap().revision = APPLIED - 2),
            [back, back, "leave Held"],
        ),
        (
            "what waited before a restart",
            base().with(|w| {
                w.upstream = Upstream::default();
                w.recorded_pending = vec![change("/web/B", Some(7), Some(9))];
            }),
            waits,
        ),
        (
            "the end of the object",
            base().with(newer).with(|w| w.deleting = true),
            ["release"; 3],
        ),
    ];
    for (case, world, expected) in rows {
        let under = |freeze| short(&world.clone().with(|w| w.resolved.gate = frozen(freeze)).decide());
        let found = [UPDATES, UPDATES_AND_FIRST, ALL].map(under);
        assert_eq!(found, expected, "{case}");
        let own = short(&world.clone().with(|w| w.resolved.gate.own = ALL).decide());
        let open = short(&world.decide());
        assert_eq!(own, open, "{case}: a wish without a calendar closes nothing");
    }
}

#[test]
fn a_first_sync_goes_through_in_a_namespace_that_was_made_during_the_closing() {
    let made = |second: i64, former| {
        World::new().with(|w| {
            w.resolved.gate = frozen(Freeze::OF_CLUSTER);
            w.resolved.gate.past = Past {
                namespace_made: Some(at(second)),
                former,
            };
        })
    };
    let adopted = |w: &mut World| {
        w.secret = SecretState::Present(foreign());
        w.resolved.target.adopt = true;
    };
    for (case, world, expected) in [
        (
            "a new namespace",
            made(500, Former::Unknown),
            "write FirstSync /web/*",
        ),
        (
            "a namespace of before",
            made(-100_000, Former::Unknown),
            "leave Held",
        ),
        (
            "an object that is made anew",
            made(500, Former::Possible),
            "leave Held",
        ),
        (
            "a namespace of which nothing is known",
            World::new().with(|w| w.resolved.gate = frozen(Freeze::OF_CLUSTER)),
            "leave Held",
        ),
        (
            "a Secret to adopt in it",
            made(500, Former::Unknown).with(adopted),
            "write FirstSync /web/*",
        ),
        (
            "its own wish",
            made(500, Former::Unknown).with(|w| w.resolved.gate.own = UPDATES_AND_FIRST),
            "leave Held",
        ),
    ] {
        assert_eq!(short(&world.decide()), expected, "{case}");
    }
}

fn change(text: &str, from: Option<i64>, to: Option<i64>) -> PendingChange {
    PendingChange {
        name: name(text),
        from,
        to,
    }
}

#[test]
fn the_own_wish_makes_a_calendar_stricter_and_never_milder() {
    for (own, calendar, expected) in [
        (ALL, UPDATES, ALL),
        (UPDATES, ALL, ALL),
        (UPDATES, UPDATES_AND_FIRST, UPDATES_AND_FIRST),
        (ALL, UPDATES_AND_FIRST, Freeze::STRICTEST),
    ] {
        let mut gate = frozen(calendar);
        gate.own = own;
        assert_eq!(gate.closure(at(1000)).unwrap().freeze, expected);
    }
}

#[test]
fn an_object_with_nothing_that_waits_need_not_know_of_openings_and_closings() {
    let quiet = |freeze| {
        World::in_sync()
            .with(|w| w.resolved.gate = frozen(freeze))
            .decide()
    };
    assert_eq!(quiet(UPDATES).wake, None);
    // Under All nobody looks at Parameter Store: something may wait, and only the opening tells.
    assert!(quiet(ALL).wake.is_some());
}

#[test]
fn what_waits_is_looked_at_at_the_opening_and_every_five_minutes() {
    let wake = |now: i64| {
        let world = World::in_sync()
            .with(newer)
            .with(|w| w.resolved.gate = frozen(UPDATES));
        decide(&world.view(), at(now)).wake
    };
    assert_eq!(wake(1000), Some(at(1300)));
    assert_eq!(wake(4701), Some(at(5000)));
    assert_eq!(wake(4999), Some(at(5000)));
    assert_eq!(wake(5000), None, "open");
}

#[test]
fn what_waited_before_a_restart_gets_in_at_the_opening_though_nothing_was_swept_yet() {
    let world = World::in_sync().with(|w| {
        w.upstream = Upstream::default();
        w.recorded_pending = vec![change("/web/B", Some(7), Some(9))];
        w.resolved.gate = frozen(UPDATES);
    });
    assert_eq!(short(&decide(&world.view(), at(5000))), "write Change /web/*");
    for stale in [
        change("/web/B", Some(6), Some(7)),
        change("/other/B", Some(7), Some(9)),
    ] {
        let world = world.clone().with(|w| w.recorded_pending = vec![stale]);
        assert_eq!(short(&decide(&world.view(), at(5000))), "leave InSync");
    }
    let swept = world.with(|w| w.upstream = upstream(&[("/web/A", 7), ("/web/B", 7)]));
    assert_eq!(
        short(&decide(&swept.view(), at(5000))),
        "leave InSync",
        "it was taken back"
    );
}
