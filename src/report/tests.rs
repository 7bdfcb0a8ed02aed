//! What is said of each outcome.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::*;
use crate::apply::ApplyError;
use crate::decide::{Blocked, Ownership, Why};
use crate::names::{CalendarKey, ObjectKey, Origin, ParameterName, ParameterRef, SecretKey};
use crate::record::{Applied, Freeze, ParameterKind, Provenance, Record, Shape, SourceError, Stamp};
use crate::resolve::{Closure, Gate, Refusal};
use crate::transform::TransformError;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn name(text: &str) -> ParameterName {
    ParameterName::parse(text).unwrap()
}

fn object() -> ParameterSync {
    let json = serde_json::json!({
        "apiVersion": "paramsync.dev/v1alpha1", "kind": "ParameterSync",
        "metadata": {"name": "web", "namespace": "shop", "generation": 3, "uid": "u-1"},
        "spec": {"sources": [{"path": "/web"}]},
    });
    serde_json::from_value(json).unwrap()
}

fn provenance() -> Provenance {
    let applied = |text: &str, keys: &[&str]| Applied {
        source: 0,
        name: name(text),
        stamp: Stamp {
            version: 7,
            last_modified: Timestamp::from_millisecond(1_700_000_000_123).unwrap(),
        },
        kind: ParameterKind::SecureString,
        keys: keys.iter().map(|key| SecretKey::parse(key).unwrap()).collect(),
    };
    Provenance {
        origin: Origin {
            account: "111122223333".into(),
            region: "eu-west-1".into(),
        },
        endpoint: None,
        shape: Shape("1.s1".into()),
        secret_type: "Opaque".into(),
        parameters: vec![applied("/web/A", &["A"]), applied("/web/T", &[])],
        template_keys: vec![],
        labels: vec![],
        annotations: vec![],
    }
}

/// One pass: what came of it, and whether the Secret holds what is applied.
struct Pass {
    object: ParameterSync,
    outcome: Outcome,
    holds: bool,
    pending: Vec<PendingChange>,
    gate: Gate,
    handled: Option<&'static str>,
    takes_back: bool,
}

impl Pass {
    fn of(outcome: Outcome) -> Self {
        Self {
            object: object(),
            outcome,
            holds: true,
            pending: Vec::new(),
            gate: Gate::default(),
            handled: None,
            takes_back: false,
        }
    }

    fn broken(self) -> Self {
        Self { holds: false, ..self }
    }

    fn pending(self) -> Self {
        let change = PendingChange {
            name: name("/web/A"),
            from: Some(7),
            to: Some(9),
        };
        Self {
            pending: vec![change],
            ..self
        }
    }

    /// The status of an earlier report.
    fn after(mut self, before: &Report) -> Self {
        self.object.status = Some(before.status.clone());
        self
    }

    fn at(&self, second: i64) -> Report {
        let applied = provenance();
        let record = Record {
            uid: "u-1".into(),
            revision: 7,
            provenance: provenance(),
        };
        let reason = self.outcome.describe().0;
        report(&Facts {
            object: &self.object,
            target: "web",
            applied: Some(&applied),
            record: match &self.outcome {
                Outcome::Applied {
                    purpose: Purpose::FirstSync | Purpose::Change,
                    ..
                } => Recording::Is(&record),
                _ if self.takes_back => Recording::TakesBack,
                _ => Recording::Stays,
            },
            held_by_others: &[],
            present: true,
            fault_since: said_since(&self.object, reason).unwrap_or(at(second)),
            intact: self.holds,
            outcome: &self.outcome,
            pending: &self.pending,
            gate: Some(&self.gate),
            effective_interval: None,
            handled: self.handled,
            now: at(second),
        })
    }
}

#[test]
fn a_token_that_is_too_long_for_its_answer_is_told_once_and_the_rest_goes_on() {
    let mut pass = Pass::of(left(Why::InSync));
    let with = |pass: &mut Pass, token: String| {
        let annotations = pass.object.metadata.annotations.get_or_insert_default();
        annotations.insert("paramsync.dev/sync-requested-at".to_owned(), token);
    };
    // Characters count, not bytes: as the schema counts them.
    with(&mut pass, "é".repeat(256));
    let fits = pass.at(10);
    assert_eq!(find(&fits, "Ready").unwrap().message, "1 key from 2 parameters");
    assert!(fits.notes.is_empty(), "{:?}", fits.notes);

    with(&mut pass, "é".repeat(300));
    let said = pass.at(20);
    let ready = find(&said, "Ready").unwrap();
    assert_eq!((ready.status.as_str(), ready.reason.as_str()), ("True", "Synced"));
    for part in [
        "1 key from 2 parameters; ",
        "paramsync.dev/sync-requested-at",
        "300 characters",
        "room for 256",
    ] {
        assert!(ready.message.contains(part), "{part} is not in {}", ready.message);
    }
    assert_eq!(said.status.observed_generation, Some(3));
    assert_eq!(said.status.last_handled_sync_request, None);
    let reasons: Vec<&str> = said.notes.iter().map(|note| note.reason.as_str()).collect();
    assert_eq!(reasons, ["SyncRequestInvalid"]);
    let again = pass.after(&said);
    assert!(again.at(30).notes.is_empty());
    assert_eq!(again.at(30).status, said.status);
    // A longer fault of its own does not hide it.
    let refusal = Refusal::StoreInvalid {
        store: "s".into(),
        field: "f".into(),
        why: "é".repeat(2000),
    };
    let mut pass = Pass::of(Outcome::Refused(refusal));
    with(&mut pass, "x".repeat(257));
    let said = pass.at(40);
    let ready = find(&said, "Ready").unwrap();
    assert!(
        ready.message.ends_with("write a shorter one") && ready.message.len() <= 1024,
        "{}",
        ready.message
    );
    assert_eq!(ready.reason, "StoreInvalid");
}

fn left(why: Why) -> Outcome {
    Outcome::Left { why, fault: None }
}

fn applied(purpose: Purpose, created: bool) -> Outcome {
    Outcome::Applied {
        purpose,
        created,
        repaired: vec!["data.A".into()],
        rivals: vec!["kubectl-edit".into()],
        changed: vec![name("/web/A")],
    }
}

fn find<'a>(report: &'a Report, kind: &str) -> Option<&'a Condition> {
    report
        .status
        .conditions
        .iter()
        .flatten()
        .find(|it| it.type_ == kind)
}

/// A condition as `True Synced`.
fn short(report: &Report, kind: &str) -> String {
    find(report, kind).map_or("-".into(), |it| format!("{} {}", it.status, it.reason))
}

fn secret() -> ObjectKey {
    ObjectKey::new("shop", "web")
}

fn denied() -> SourceError {
    SourceError::Denied {
        name: "/web/A".into(),
        code: "AccessDeniedException".into(),
    }
}

fn throttled() -> SourceError {
    SourceError::Throttled {
        code: "ThrottlingException".into(),
    }
}

fn missing() -> Outcome {
    left(Why::ParameterMissing(vec![ParameterRef::latest(name("/web/A"))]))
}

#[test]
fn ready_and_up_to_date_for_each_outcome() {
    let closure = Closure {
        by: Some(CalendarKey::namespaced("shop", "x")),
        doubt: None,
        fault: None,
        until: Some(at(9_000)),
        open_for: None,
        freeze: Freeze::default(),
        first_sync: None,
    };
    let stale = |fault| Outcome::Left {
        why: Why::InSync,
        fault: Some(fault),
    };
    let blocked = Why::RepairBlocked(Blocked::SpecChanged);
    let contested = Why::Contested {
        rivals: vec!["rival".into()],
        fields: vec!["data.A".into()],
        until: at(9_000),
    };
    let not_ours = || left(Why::NotOurs(Ownership::Foreign));
    let store = Refusal::StoreNotFound {
        store: "ClusterParameterStore/x".into(),
    };
    let type_immutable = ApplyError::TypeImmutable { secret: secret() };
    let unavailable = ApplyError::Unavailable {
        secret: secret(),
        code: "503".into(),
    };
    // (what came of it, Ready, UpToDate, whether it may become Stalled)
    #[rustfmt::skip]
    let rows = vec![
        ("in sync", Pass::of(left(Why::InSync)), "True Synced", "True Synced", false),
        ("written", Pass::of(applied(Purpose::Change, false)), "True Synced", "True Synced", false),
        ("repaired", Pass::of(applied(Purpose::Repair, false)), "True Synced", "True Synced", false),
        ("in sync, the sweep throttled", Pass::of(stale(throttled())), "True Synced", "Unknown Throttled", false),
        ("in sync, the sweep denied", Pass::of(stale(denied())), "True Synced", "Unknown AccessDenied", false),
        ("held by a calendar", Pass::of(left(Why::Held(Box::new(closure.clone())))).pending(), "True Synced", "False FrozenByCalendar", false),
        ("suspended", Pass::of(left(Why::Suspended)), "True Synced", "Unknown Suspended", false),
        ("suspended while a change waits", Pass::of(left(Why::Suspended)).pending(), "True Synced", "False Suspended", false),
        ("suspended and broken", Pass::of(left(Why::Suspended)).broken(), "False Suspended", "Unknown Suspended", false),
        ("a fetch denied", Pass::of(Outcome::FetchFailed(denied())).pending(), "True Synced", "False AccessDenied", false),
        ("a first fetch denied", Pass::of(Outcome::FetchFailed(denied())).broken(), "False AccessDenied", "False AccessDenied", true),
        ("a first fetch throttled", Pass::of(Outcome::FetchFailed(throttled())).broken(), "False Throttled", "Unknown Throttled", false),
        ("a parameter missing", Pass::of(missing()), "False ParameterMissing", "False ParameterMissing", true),
        ("everything gone", Pass::of(left(Why::SourceEmpty)), "False SourceEmpty", "False SourceEmpty", true),
        ("a removal held", Pass::of(left(Why::RemovalHeld(vec![name("/web/A")]))), "True Synced", "False RemovalHeld", false),
        ("a lagging answer", Pass::of(left(Why::Lagging(vec![name("/web/A")]))), "True Synced", "Unknown SourceLagging", false),
        ("a foreign Secret", Pass::of(not_ours()).broken(), "False SecretNotOurs", "False SecretNotOurs", true),
        ("a repair that cannot be", Pass::of(left(blocked)).broken(), "False RepairBlocked", "False RepairBlocked", true),
        ("a contest", Pass::of(left(contested)).broken(), "False Contested", "False Contested", true),
        ("refused", Pass::of(Outcome::Refused(store)).broken(), "False StoreNotFound", "False StoreNotFound", true),
        ("no Secret of it", Pass::of(Outcome::TransformFailed(TransformError::interrupted())), "False", "False", true),
        ("another type", Pass::of(Outcome::ApplyFailed(type_immutable)).broken(), "False SecretTypeImmutable", "False SecretTypeImmutable", true),
        ("the API server away", Pass::of(Outcome::ApplyFailed(unavailable)).broken(), "False ClusterUnavailable", "Unknown ClusterUnavailable", false),
    ];
    for (what, pass, ready, up_to_date, stalls) in rows {
        let first = pass.at(1_000);
        assert!(
            short(&first, "Ready").starts_with(ready),
            "{what}: {}",
            short(&first, "Ready")
        );
        let found = short(&first, "UpToDate");
        assert!(found.starts_with(up_to_date), "{what}: UpToDate {found}");
        for condition in first.status.conditions.iter().flatten() {
            assert_eq!(condition.observed_generation, Some(3), "{what}");
        }
        assert_eq!(short(&first, "Stalled"), "-", "{what}: not at once");
        assert_eq!(first.recheck.is_some(), stalls, "{what}: {:?}", first.recheck);
        let late = pass.after(&first).at(1_000 + STALL_AFTER.as_secs());
        assert_eq!(
            short(&late, "Stalled") != "-",
            stalls,
            "{what}: after five minutes"
        );
    }
}

#[test]
fn stalled_comes_after_five_minutes_of_one_fault_and_goes_with_it() {
    let first = Pass::of(missing()).at(1_000);
    assert_eq!(first.recheck, Some(at(1_300)));
    let just_before = Pass::of(missing()).after(&first).at(1_299);
    assert_eq!(short(&just_before, "Stalled"), "-");
    let then = Pass::of(missing()).after(&just_before).at(1_300);
    assert_eq!(short(&then, "Stalled"), "True ParameterMissing");
    assert_eq!(then.recheck, None);
    assert!(STALL_AFTER == SignedDuration::from_mins(5));
    let healed = Pass::of(applied(Purpose::Change, false)).after(&then).at(1_400);
    assert_eq!(short(&healed, "Stalled"), "-");
    // The next fault starts anew.
    let again = Pass::of(missing()).after(&healed).at(2_000);
    assert_eq!(
        (short(&again, "Stalled"), again.recheck),
        ("-".into(), Some(at(2_300)))
    );
}

#[test]
fn last_transition_time_moves_with_the_status_and_not_with_the_reason() {
    let time = |report: &Report| find(report, "Ready").unwrap().last_transition_time.0;
    let first = Pass::of(missing()).at(1_000);
    let other = Pass::of(left(Why::SourceEmpty)).after(&first).at(1_100);
    assert_eq!(
        (short(&other, "Ready").as_str(), time(&other)),
        ("False SourceEmpty", at(1_000))
    );
    let well = Pass::of(left(Why::InSync)).after(&other).at(1_200);
    assert_eq!(time(&well), at(1_200));
}

#[test]
fn a_pass_in_which_nothing_changed_says_exactly_the_same_later() {
    for outcome in [left(Why::InSync), missing(), Outcome::FetchFailed(throttled())] {
        let first = Pass::of(outcome.clone()).at(1_000);
        let later = Pass::of(outcome).after(&first).at(1_200);
        assert_eq!(first.status, later.status);
        assert_eq!(later.notes, []);
    }
}

#[test]
fn events_tell_of_what_changed_once() {
    let reasons = |report: &Report| -> Vec<(String, bool)> {
        let notes = report.notes.iter();
        notes.map(|note| (note.reason.clone(), note.warning)).collect()
    };
    let one = |reason: &str, warning| vec![(reason.to_owned(), warning)];
    let created = Pass::of(applied(Purpose::FirstSync, true)).at(1_000);
    assert_eq!(reasons(&created), one("Created", false));
    let updated = Pass::of(applied(Purpose::Change, false))
        .after(&created)
        .at(1_010);
    assert_eq!(reasons(&updated), one("Updated", false));
    assert!(updated.notes[0].text.contains("/web/A"), "{:?}", updated.notes);
    let repaired = Pass::of(applied(Purpose::Repair, false))
        .after(&updated)
        .at(1_020);
    assert_eq!(reasons(&repaired), one("Repaired", true));
    let text = &repaired.notes[0].text;
    assert!(text.contains("data.A") && text.contains("kubectl-edit"), "{text}");
    // Ready and UpToDate fail for one reason: one event.
    let failed = Pass::of(missing()).after(&repaired).at(1_030);
    assert_eq!(reasons(&failed), one("ParameterMissing", true));
    let still = Pass::of(missing()).after(&failed).at(1_040);
    assert_eq!(reasons(&still), []);
    let otherwise = Pass::of(left(Why::SourceEmpty)).after(&still).at(1_050);
    assert_eq!(reasons(&otherwise), one("SourceEmpty", true));
}

#[test]
fn last_changed_moves_with_content_and_not_with_a_repair() {
    let created = Pass::of(applied(Purpose::FirstSync, true)).at(1_000);
    assert_eq!(created.status.last_changed, Some(at(1_000).to_string()));
    let repaired = Pass::of(applied(Purpose::Repair, false))
        .after(&created)
        .at(1_100);
    assert_eq!(repaired.status.last_changed, created.status.last_changed);
    let changed = Pass::of(applied(Purpose::Change, false))
        .after(&repaired)
        .at(1_200);
    assert_eq!(changed.status.last_changed, Some(at(1_200).to_string()));
}

#[test]
fn pending_says_since_when_and_is_absent_when_nothing_waits() {
    let waits = || Pass::of(left(Why::Suspended)).pending();
    let first = waits().at(1_000);
    let second = waits().after(&first).at(1_100);
    let pending = second.status.pending.clone().unwrap();
    assert_eq!((pending.since, pending.total), (Some(at(1_000).to_string()), 1));
    assert_eq!(
        (pending.changes[0].from, pending.changes[0].to),
        (Some(7), Some(9))
    );
    let done = Pass::of(applied(Purpose::Change, false)).after(&second).at(1_200);
    assert_eq!(done.status.pending, None);
}

#[test]
fn an_answered_request_stays_in_status() {
    let mut asked = Pass::of(left(Why::InSync));
    asked.handled = Some("one");
    let answered = asked.at(1_000);
    let later = Pass::of(left(Why::InSync)).after(&answered).at(1_100);
    assert_eq!(later.status.last_handled_sync_request.as_deref(), Some("one"));
}

#[test]
fn what_is_written_is_recorded_and_what_is_not_leaves_the_record_as_it_is() {
    let first = Pass::of(applied(Purpose::FirstSync, true)).at(1_000);
    let mut object = object();
    object.status = Some(first.status.clone());
    let record = crate::record::stated(&object, "web").unwrap().record.unwrap();
    assert_eq!((record.revision, record.provenance), (7, provenance()));
    let mut announced = first.clone();
    announced.status.secret.as_mut().unwrap().writing = Some(8);
    let later = Pass::of(left(Why::InSync)).after(&announced).at(1_100).status;
    assert_eq!(later.secret, announced.status.secret, "what was announced stays");
    assert_eq!(later.parameters, first.status.parameters);
    let mut nothing = Pass::of(left(Why::InSync)).after(&announced);
    nothing.takes_back = true;
    assert_eq!(nothing.at(1_100).status.secret, first.status.secret);
}
