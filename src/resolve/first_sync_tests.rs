//! Who may make a Secret that was never there while a calendar is closed.

use std::sync::Arc;

use super::*;
use crate::calendar::{Record, State, Timeline};
use crate::resolve::BoundBy;
use crate::watch::{Answered, CalendarFault, Evaluated, Standing};

const HOUR: i64 = 3_600;
const NEW: Freeze = Freeze::OF_CLUSTER;
const ALLOW: Freeze = Freeze {
    scope: Scope::Updates,
    first_sync: FirstSync::Allow,
};
const HOLD: Freeze = Freeze {
    scope: Scope::Updates,
    first_sync: FirstSync::Hold,
};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

/// A calendar whose state changes at these seconds, and which is open before.
fn calendar(name: &str, freeze: Freeze, transitions: &[i64]) -> Bond {
    let record = Record {
        from: at(-100 * HOUR),
        state: State::Open,
        transitions: transitions.iter().map(|second| at(*second)).collect(),
        until: at(1_000 * HOUR),
    };
    bond(
        name,
        freeze,
        Standing::Evaluated(Arc::new(Evaluated {
            generation: 1,
            default_state: State::Open,
            timeline: Timeline::restore(&record),
            calendar: None,
        })),
    )
}

fn bond(name: &str, freeze: Freeze, standing: Standing) -> Bond {
    Bond {
        calendar: CalendarKey::cluster(name),
        bound_by: BoundBy::Selector,
        freeze,
        standing,
    }
}

fn past(made: i64) -> Past {
    Past {
        namespace_made: Some(at(made)),
        former: Former::Unknown,
    }
}

/// `made`, or why it waits.
fn short(own: Freeze, past: &Past, closed: &[Bond], doubt: Option<&Doubt>, now: i64) -> String {
    let closed: Vec<&Bond> = closed.iter().collect();
    match held(own, past, &closed, doubt, at(now)) {
        None => "made".to_owned(),
        Some(FirstSyncHeld::NotNew(calendar, why)) => format!("{} {why:?}", calendar.name()),
        Some(why) => format!("{why:?}").split('(').next().unwrap().to_owned(),
    }
}

#[test]
fn a_new_namespace_is_one_of_this_closing_and_of_the_last_day() {
    let closed = |transitions: &[i64]| vec![calendar("a", NEW, transitions)];
    let week = closed(&[0, 168 * HOUR]);
    let unknown = |standing| vec![bond("a", NEW, standing)];
    let fault = CalendarFault {
        reason: "CalendarInvalid",
        message: "wrong".into(),
    };
    let aws = Standing::Answered(Answered {
        state: State::Closed,
        next: Some(at(9 * HOUR)),
        until: at(9 * HOUR),
    });
    let rows: Vec<(&str, Past, Vec<Bond>, i64, &str)> = vec![
        (
            "made an hour after the closing",
            past(HOUR),
            week.clone(),
            2 * HOUR,
            "made",
        ),
        ("made this moment", past(2 * HOUR), week.clone(), 2 * HOUR, "made"),
        ("made as it closed", past(0), week.clone(), HOUR, "made"),
        ("made ten minutes before", past(-600), week.clone(), HOUR, "made"),
        (
            "made a second earlier",
            past(-601),
            week.clone(),
            HOUR,
            "a BeforeClosing",
        ),
        (
            "made in the last ten minutes, in the first moment",
            past(-300),
            week.clone(),
            0,
            "made",
        ),
        (
            "made long before",
            past(-20 * HOUR),
            week.clone(),
            HOUR,
            "a BeforeClosing",
        ),
        (
            "just younger than a day",
            past(0),
            week.clone(),
            24 * HOUR - 1,
            "made",
        ),
        ("a day old", past(0), week.clone(), 24 * HOUR, "a NamespaceOld"),
        (
            "made in a week-long closing, on its fifth day",
            past(100 * HOUR),
            week.clone(),
            101 * HOUR,
            "made",
        ),
        (
            "made in a closing before this one",
            past(HOUR),
            closed(&[0, 2 * HOUR, 3 * HOUR, 9 * HOUR]),
            4 * HOUR,
            "a BeforeClosing",
        ),
        (
            "open for a moment meanwhile",
            past(HOUR),
            closed(&[0, 2 * HOUR, 2 * HOUR + 1, 9 * HOUR]),
            4 * HOUR,
            "a BeforeClosing",
        ),
        (
            "made in the ten minutes of another closing",
            past(-300),
            closed(&[-400, -200, 0, 9 * HOUR]),
            HOUR,
            "made",
        ),
        ("closed for ever", past(HOUR), closed(&[0]), 2 * HOUR, "made"),
        (
            "nobody knows when it was made",
            Past::default(),
            week.clone(),
            HOUR,
            "a NamespaceUnknown",
        ),
        (
            "an object of that name was there",
            Past {
                former: Former::Possible,
                ..past(HOUR)
            },
            week.clone(),
            2 * HOUR,
            "a Former",
        ),
        (
            "a calendar at fault",
            past(HOUR),
            unknown(Standing::Unknown(fault)),
            2 * HOUR,
            "a ClosingUnknown",
        ),
        (
            "a calendar of AWS",
            past(HOUR),
            unknown(aws),
            2 * HOUR,
            "a ClosingUnknown",
        ),
    ];
    for (case, past, closed, now, expected) in rows {
        assert_eq!(short(ALLOW, &past, &closed, None, now), expected, "{case}");
    }
}

#[test]
fn each_closed_calendar_is_asked_by_its_own_rule_and_one_no_holds() {
    let early = |freeze| calendar("early", freeze, &[0, 168 * HOUR]);
    let late = |freeze| calendar("late", freeze, &[5 * HOUR, 168 * HOUR]);
    let all = Freeze {
        scope: Scope::All,
        first_sync: FirstSync::Allow,
    };
    let made = HOUR;
    for (case, own, closed, expected) in [
        ("allowed", ALLOW, vec![early(ALLOW), late(ALLOW)], "made"),
        ("new to the early one", ALLOW, vec![early(NEW)], "made"),
        (
            "old to the late one",
            ALLOW,
            vec![late(NEW)],
            "late BeforeClosing",
        ),
        (
            "new to one, old to the other",
            ALLOW,
            vec![early(NEW), late(NEW)],
            "late BeforeClosing",
        ),
        (
            "new to one, and the other allows",
            ALLOW,
            vec![early(NEW), late(ALLOW)],
            "made",
        ),
        (
            "new to one, and the other holds",
            ALLOW,
            vec![early(NEW), late(HOLD)],
            "Hold",
        ),
        ("everything is stopped", ALLOW, vec![early(all)], "Scope"),
        ("its own wish", HOLD, vec![early(ALLOW)], "Own"),
        ("its own scope", all, vec![early(ALLOW)], "OwnScope"),
    ] {
        assert_eq!(
            short(own, &past(made), &closed, None, 6 * HOUR),
            expected,
            "{case}"
        );
    }
}

#[test]
fn in_doubt_what_hangs_on_time_is_held_and_without_contact_everything() {
    let lost = Doubt::Unheard {
        resource: "namespaces",
    };
    let off = Doubt::ClockSet;
    let calendar = |freeze| vec![calendar("a", freeze, &[0, 168 * HOUR])];
    for (doubt, closed, expected) in [
        (&lost, vec![], "Doubt"),
        (&lost, calendar(ALLOW), "Doubt"),
        (&off, calendar(ALLOW), "made"),
        (&off, calendar(NEW), "a ClosingUnknown"),
        (&off, calendar(HOLD), "Hold"),
    ] {
        assert_eq!(
            short(ALLOW, &past(HOUR), &closed, Some(doubt), 2 * HOUR),
            expected
        );
    }
}

#[test]
fn what_is_told_names_the_calendar_and_what_would_help() {
    let held = |why| FirstSyncHeld::NotNew(CalendarKey::cluster("year-end"), why).to_string();
    assert_eq!(
        held(NotNew::BeforeClosing),
        "firstSync of ClusterChangeCalendar/year-end is NewNamespaces, and this namespace was made more than 10 minutes \
         before the closing; a namespace made during the closing would do, and who may edit that calendar can set \
         firstSync to Allow"
    );
    assert_eq!(
        held(NotNew::Former),
        "firstSync of ClusterChangeCalendar/year-end is NewNamespaces, and a ParameterSync of this name was in this \
         namespace before; who may edit that calendar can set firstSync to Allow"
    );
}
