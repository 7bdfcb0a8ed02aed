use super::*;
use crate::names::Origin;
use crate::record::{Provenance, Shape};

fn record(revision: i64) -> Record {
    Record {
        uid: "u-1".into(),
        revision,
        provenance: Provenance {
            origin: Origin {
                account: "1".into(),
                region: "r".into(),
            },
            endpoint: None,
            shape: Shape("1.s".into()),
            secret_type: "Opaque".into(),
            parameters: vec![],
            template_keys: vec![],
            labels: vec![],
            annotations: vec![],
        },
    }
}

fn secret(resource_version: &str) -> Precondition {
    Precondition::Unchanged {
        uid: "s-1".into(),
        resource_version: resource_version.into(),
    }
}

fn unanswered(kind: Attempted) -> Memory {
    let mut memory = Memory::default();
    memory.announces(8);
    let attempt = Attempt {
        record: record(8),
        kind,
        onto: secret("70"),
    };
    memory.attempts(attempt, Duration::from_secs(90), Duration::from_secs(12));
    memory.unanswered(Duration::from_secs(100));
    memory
}

#[test]
fn a_pass_that_is_cut_off_leaves_a_write_of_which_nobody_knows() {
    let mut memory = Memory::default();
    memory.announces(8);
    let attempt = Attempt {
        record: record(8),
        kind: Attempted::Change,
        onto: secret("70"),
    };
    memory.attempts(attempt, Duration::from_secs(90), Duration::from_secs(12));
    assert_eq!(memory.announced(), None);
    assert_eq!(
        memory.quiet(Duration::from_secs(100)),
        Some(Duration::from_secs(112))
    );
}

#[test]
fn a_write_that_was_refused_leaves_its_announcement_as_one_that_came_to_nothing() {
    let mut memory = unanswered(Attempted::Change);
    memory.refused();
    assert_eq!((memory.announced(), memory.attempt()), (Some(8), None));
    assert_eq!(memory.quiet(Duration::from_secs(100)), None);
}

const AFTER: Duration = Duration::from_secs(110);

#[test]
fn nothing_is_settled_before_the_api_server_has_given_the_write_up() {
    let mut memory = unanswered(Attempted::Change);
    assert_eq!(memory.announced(), None, "what came of it is not known");
    assert_eq!(memory.quiet(Duration::from_secs(109)), Some(AFTER));
    memory.settle(&secret("70"), Some(7), Duration::from_secs(109));
    assert!(memory.attempt().is_some());
    assert_eq!(memory.quiet(AFTER), None);
}

#[test]
fn a_write_that_is_found_to_have_landed_is_a_write() {
    for kind in [Attempted::First, Attempted::Change] {
        let mut memory = unanswered(kind);
        memory.settle(&secret("71"), Some(8), AFTER);
        assert_eq!(memory.unrecorded(), Some(&record(8)), "{kind:?}");
        assert_eq!(memory.attempt(), None);
    }
}

#[test]
fn a_write_that_did_not_land_leaves_an_announcement_that_came_to_nothing() {
    let mut memory = unanswered(Attempted::Change);
    memory.settle(&secret("70"), Some(7), AFTER);
    assert_eq!((memory.unrecorded(), memory.announced()), (None, Some(8)));
    let mut memory = unanswered(Attempted::First);
    memory.settle(&Precondition::Absent, None, AFTER);
    assert_eq!(memory.unrecorded(), None);
}

#[test]
fn a_write_that_may_have_landed_and_been_undone_since_stays_a_doubt() {
    for (found, sealed) in [
        (Precondition::Absent, None),
        (secret("72"), Some(7)),
        (secret("72"), None),
    ] {
        let mut memory = unanswered(Attempted::Change);
        memory.settle(&found, sealed, AFTER);
        let left = (memory.unrecorded(), memory.announced(), memory.attempt());
        assert_eq!(left, (None, None, None), "{found:?}");
    }
}

#[test]
fn what_is_taken_back_is_no_longer_announced() {
    let mut memory = unanswered(Attempted::Change);
    memory.refused();
    memory.took_back();
    assert_eq!(memory.announced(), None);
}

#[test]
fn a_record_is_kept_until_status_says_as_much() {
    let mut memory = Memory::default();
    memory.announces(8);
    memory.wrote(Some(record(8)));
    assert_eq!(
        (memory.unrecorded(), memory.announced()),
        (Some(&record(8)), None)
    );
    memory.recorded(7);
    assert!(memory.unrecorded().is_some());
    memory.recorded(8);
    assert!(memory.unrecorded().is_none());
}

#[test]
fn a_fault_lasts_from_when_it_is_that_fault() {
    let mut memory = Memory::default();
    let at = |second| Timestamp::from_second(second).unwrap();
    assert_eq!(memory.fault("A", at(1)), (at(1), false));
    assert_eq!(memory.fault("A", at(2)), (at(1), true));
    assert_eq!(memory.fault("B", at(3)), (at(3), false));
    assert_eq!(memory.fault("A", at(4)), (at(4), false));
}

#[test]
fn conflicts_are_told_when_they_go_on() {
    let mut memory = Memory::default();
    let told: Vec<bool> = (0..6).map(|_| memory.conflicted()).collect();
    assert_eq!(told, [false, false, false, false, true, true]);
    memory.agreed();
    assert!(!memory.conflicted());
}
