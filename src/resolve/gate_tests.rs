//! When the gate is closed, by what, and until when.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::calendar::{Record, Timeline};
use crate::watch::{Answered, CalendarFault, Evaluated};

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
    let Some(closure) = gate.closure(at(now)) else {
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

#[test]
fn what_is_not_known_for_certain_closes_and_says_why() {
    let dead = |facts: &ContactFacts| short_with(&[], facts, 76);
    let contact = crate::watch::Contact::default();
    let answer = hyper::Response::builder().body(()).unwrap();
    contact.begun("clusterchangecalendars", &answer, at(0));
    assert_eq!(short_with(&[], &contact.facts(), 75), "open");
    // Without a watch even an object that nothing binds may be bound by something new.
    assert_eq!(dead(&contact.facts()), "operator until ?");

    let off = crate::watch::Contact::default();
    let answer = hyper::Response::builder()
        .header("date", "Fri, 15 Jan 2027 07:54:00 GMT")
        .body(())
        .unwrap();
    off.begun("namespaces", &answer, at(0));
    let facts = off.facts();
    assert_eq!(
        short_with(&[], &facts, 1),
        "open",
        "no calendar asks for the time"
    );
    let bonds = [closed_in("a", &[(100, 200)])];
    assert_eq!(short_with(&bonds, &facts, 1), "operator until ?");
    let gate = Gate {
        bonds: bonds.to_vec(),
        contact: facts,
        ..Gate::default()
    };
    let fault = gate.closure(at(1)).unwrap().fault.unwrap();
    assert!(fault.contains("360 s ahead of the API server's"), "{fault}");
}

fn short_with(bonds: &[Bond], contact: &ContactFacts, now: i64) -> String {
    let gate = Gate {
        bonds: bonds.to_vec(),
        contact: contact.clone(),
        ..Gate::default()
    };
    short(&gate, now)
}

fn closure(until: i64, open_for: Option<u64>) -> Closure {
    Closure {
        by: None,
        fault: None,
        until: Some(at(until)),
        open_for: open_for.map(Duration::from_secs),
        freeze: Freeze::default(),
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
