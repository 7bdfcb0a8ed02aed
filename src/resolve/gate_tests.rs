//! When the gate is closed, by what, and until when.

use std::sync::Arc;

use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;
use crate::calendar::{Record, Timeline};
use crate::clock::Moment;
use crate::watch::{Answered, CalendarFault, Contact, Evaluated, STRICT, Standing};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

/// A calendar that is closed in these periods of seconds, and says so until 10,000.
fn closed_in(name: &str, periods: &[(i64, i64)]) -> Bond {
    let record = Record {
        from: at(0),
        state: State::Open,
        transitions: periods
            .iter()
            .flat_map(|(from, to)| [at(*from), at(*to)])
            .collect(),
        until: at(10_000),
    };
    bond(
        name,
        Standing::Evaluated(Arc::new(Evaluated {
            generation: 1,
            default_state: State::Open,
            timeline: Timeline::restore(&record),
            calendar: None,
        })),
    )
}

fn answered(name: &str, state: State, next: Option<i64>, until: i64) -> Bond {
    bond(
        name,
        Standing::Answered(Answered {
            state,
            next: next.map(at),
            until: at(until),
        }),
    )
}

fn missing(name: &str) -> Bond {
    bond(
        name,
        Standing::Unknown(CalendarFault {
            reason: "CalendarNotFound",
            message: "it does not exist".into(),
        }),
    )
}

fn bond(name: &str, standing: Standing) -> Bond {
    Bond {
        calendar: CalendarKey::cluster(name),
        bound_by: BoundBy::Selector,
        freeze: Freeze::default(),
        standing,
    }
}

fn gate(bonds: Vec<Bond>) -> Gate {
    Gate {
        bonds,
        ..Gate::default()
    }
}

/// `open`, or what closes and until which second.
fn short(gate: &Gate, now: i64) -> String {
    short_at(gate, at(now))
}

fn short_at(gate: &Gate, now: Timestamp) -> String {
    let Some(closure) = gate.closure(now) else {
        return "open".to_owned();
    };
    let by = closure
        .by
        .map_or("operator".to_owned(), |by| by.name().to_owned());
    let until = closure.until.map_or("?".to_owned(), |until| {
        (until.as_second() - 1_800_000_000).to_string()
    });
    format!("{by} until {until}")
}

#[test]
fn open_only_while_all_are_open() {
    let rows: Vec<(&str, Vec<Bond>, i64, &str)> = vec![
        ("nothing binds", vec![], 50, "open"),
        ("before", vec![closed_in("a", &[(100, 200)])], 99, "open"),
        (
            "from the first moment",
            vec![closed_in("a", &[(100, 200)])],
            100,
            "a until 200",
        ),
        (
            "to the last",
            vec![closed_in("a", &[(100, 200)])],
            199,
            "a until 200",
        ),
        (
            "and not a moment longer",
            vec![closed_in("a", &[(100, 200)])],
            200,
            "open",
        ),
        (
            "another goes on",
            vec![closed_in("a", &[(100, 200)]), closed_in("b", &[(150, 300)])],
            160,
            "b until 300",
        ),
        (
            "another takes over where the first ends",
            vec![closed_in("a", &[(100, 200)]), closed_in("b", &[(200, 300)])],
            150,
            "a until 300",
        ),
        (
            "by turns and never together",
            vec![
                closed_in("a", &[(0, 200), (300, 9_000)]),
                closed_in("b", &[(200, 300)]),
            ],
            100,
            "a until 9000",
        ),
        ("one that is missing", vec![missing("a")], 50, "a until ?"),
        (
            "one that is missing beside one that will open",
            vec![closed_in("a", &[(0, 200)]), missing("b")],
            50,
            "b until ?",
        ),
        (
            "beyond what is known",
            vec![closed_in("a", &[])],
            10_000,
            "a until ?",
        ),
        (
            "AWS says open",
            vec![answered("a", State::Open, None, 3_600)],
            50,
            "open",
        ),
        (
            "AWS said open, and no newer answer came",
            vec![answered("a", State::Open, None, 3_600)],
            3_600,
            "a until ?",
        ),
        (
            "AWS says closed and until when",
            vec![answered("a", State::Closed, Some(200), 200)],
            50,
            "a until 200",
        ),
        (
            "what AWS said would open is not open before it says so",
            vec![answered("a", State::Closed, Some(200), 200)],
            200,
            "a until ?",
        ),
        (
            "AWS and one of our own",
            vec![
                answered("a", State::Closed, Some(200), 200),
                closed_in("b", &[(150, 300)]),
            ],
            50,
            "a until 300",
        ),
    ];
    for (case, bonds, now, expected) in rows {
        assert_eq!(short(&gate(bonds), now), expected, "{case}");
    }
}

#[test]
fn the_strictest_of_what_is_closed_counts() {
    let strict = Freeze::STRICTEST;
    let bonds = vec![
        closed_in("a", &[(100, 300)]),
        Bond {
            freeze: strict,
            ..closed_in("b", &[(200, 300)])
        },
    ];
    let gate = gate(bonds);
    assert_eq!(gate.closure(at(150)).unwrap().freeze, Freeze::default());
    assert_eq!(gate.closure(at(250)).unwrap().freeze, strict);
}

/// The operator's clocks at a second of these tests; its wall clock is off by so many seconds.
fn moment(second: i64, off: i64) -> Moment {
    Moment {
        wall: at(second + off),
        monotonic: Duration::from_secs(second as u64),
    }
}

/// A contact that heard of everything at second 0.
fn contact(off: i64) -> Contact {
    let contact = Contact::default();
    // Fri, 15 Jan 2027 08:00:00 GMT is second 0.
    let answer = hyper::Response::builder()
        .header("date", "Fri, 15 Jan 2027 08:00:00 GMT")
        .body(())
        .unwrap();
    contact.heard(&answer, Duration::ZERO, moment(0, off));
    for resource in STRICT {
        contact.watched(resource, Duration::ZERO);
        contact.listed(resource, Duration::ZERO);
    }
    contact
}

fn told(bonds: &[Bond], contact: &Contact, second: i64, off: i64) -> (String, Gate) {
    let moment = moment(second, off);
    let gate = Gate {
        bonds: bonds.to_vec(),
        contact: contact.facts(moment),
        ..Gate::default()
    };
    let now = contact.time(moment);
    (short_at(&gate, now), gate)
}

#[test]
fn what_is_not_known_for_certain_closes_and_says_why() {
    let fine = contact(0);
    assert_eq!(told(&[], &fine, 74, 0).0, "open");
    // Without a watch even an object that nothing binds may be bound by something new.
    let (lost, gate) = told(&[], &fine, 76, 0);
    assert_eq!(lost, "operator until ?");
    let closure = gate.closure(fine.time(moment(76, 0))).unwrap();
    assert!(
        closure
            .fault
            .unwrap()
            .contains("namespaces cannot be watched since")
    );
    assert_eq!(closure.first_sync, Some(FirstSyncHeld::Doubt));
    assert_eq!(
        told(&[], &Contact::default(), 0, 0).0,
        "operator until ?",
        "nothing was heard"
    );
}

#[test]
fn a_clock_that_is_off_closes_what_calendars_bind_and_one_that_is_put_forward_opens_nothing() {
    let open = [closed_in("a", &[(1_000, 2_000)])];
    let closed = [closed_in("a", &[(0, 7_000)])];
    for (off, side) in [(7_200, "ahead of"), (-7_200, "behind")] {
        let off_contact = contact(off);
        assert_eq!(
            told(&[], &off_contact, 1, off).0,
            "open",
            "no calendar asks for the time"
        );
        let (short, gate) = told(&open, &off_contact, 1, off);
        assert_eq!(short, "operator until ?");
        let fault = gate
            .closure(off_contact.time(moment(1, off)))
            .unwrap()
            .fault
            .unwrap();
        assert!(
            fault.contains("operator's clock is more than 5 minutes"),
            "{fault}"
        );
        assert!(fault.contains(side), "{fault}");
        assert_eq!(told(&closed, &off_contact, 1, off).0, "operator until ?");
    }
    // As long as nothing is said of the clock, it does not matter what it shows.
    for off in [-290, 0, 290] {
        assert_eq!(told(&closed, &contact(off), 60, off).0, "a until 7000", "{off}");
        assert_eq!(told(&open, &contact(off), 60, off).0, "open", "{off}");
    }
}

#[test]
fn a_second_that_is_not_known_is_closed_at_both_ends() {
    // One answer leaves more than a second open.
    let contact = contact(0);
    let bonds = [closed_in("a", &[(30, 60)])];
    for (second, expected) in [
        (28, "open"),
        (29, "a until 60"),
        (30, "a until 60"),
        (60, "a until 60"),
        (62, "open"),
    ] {
        let (short, gate) = told(&bonds, &contact, second, 0);
        assert_eq!(short, expected, "{second}");
        let now = contact.time(moment(second, 0));
        let certain = gate.certain_until(now).unwrap();
        assert!(certain > now, "{second}: {certain}");
        assert_eq!(
            short_at(&gate, certain - SignedDuration::from_millis(1)),
            expected,
            "{second}: what is certain until then does not change before"
        );
    }
}

#[test]
fn what_is_lost_already_ends_no_permit_of_what_a_closed_gate_lets_through() {
    let contact = contact(0);
    let lost = (60..600).find(|second| {
        let gate = told(&[], &contact, *second, 0).1;
        gate.doubt(contact.time(moment(*second, 0))).is_some()
    });
    let second = lost.expect("contact that is not renewed is lost") + 60;
    let gate = told(&[], &contact, second, 0).1;
    assert_eq!(gate.certain_until(contact.time(moment(second, 0))), None);
}

fn closure(until: i64, open_for: Option<u64>) -> Closure {
    Closure {
        by: None,
        doubt: None,
        fault: None,
        until: Some(at(until)),
        open_for: open_for.map(Duration::from_secs),
        freeze: Freeze::default(),
        first_sync: None,
    }
}

#[test]
fn one_that_waits_alone_goes_first_and_a_crowd_is_spread() {
    let turn = |n: usize, crowd| {
        let object = ObjectKey::new("shop", format!("web{n}"));
        let turn = closure(100, None).turn(&object, crowd).unwrap();
        turn.duration_since(at(100)).as_secs_f64()
    };
    assert!(turn(0, 0).abs() < f64::EPSILON && turn(0, 1).abs() < f64::EPSILON);
    let turns: Vec<f64> = (0..1000).map(|n| turn(n, 1000)).collect();
    let early = turns.iter().filter(|turn| **turn < 25.0).count();
    assert!(turns.iter().all(|turn| *turn < 49.95), "a thousand take 50 s");
    assert!((400..600).contains(&early), "{early} of 1000 in the first half");
    assert!((0..1000).map(|n| turn(n, 1_000_000)).all(|turn| turn < 300.0));
    assert_eq!(turn(7, 1000).to_bits(), turns[7].to_bits(), "the same again");
}

proptest! {
    #[test]
    fn the_spread_is_never_more_than_a_tenth_of_the_open_time(open in 1u64..100_000, crowd in 0usize..100_000, n: u16) {
        let object = ObjectKey::new("shop", format!("web{n}"));
        let turn = closure(100, Some(open)).turn(&object, crowd).unwrap();
        let after = Duration::try_from(turn.duration_since(at(100))).unwrap();
        prop_assert!(after <= Duration::from_secs(open) / 10 && after <= MAX_SPREAD);
    }
}
