//! Conditions, by the rules of `metav1.Condition` and kstatus.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::Resource;

use super::facts::Facts;
use super::outcome::{Fault, Outcome, ReadyIf, list};
use crate::api::HeldKey;
use crate::decide::Why;
use crate::error::Class;
use crate::resolve::Closure;

/// How long a fault that needs a person lasts before it is called `Stalled`. Helm and Flux give up at the first
/// `Stalled`, and a store or a role that is being made is often a matter of seconds.
pub const STALL_AFTER: SignedDuration = SignedDuration::from_mins(5);

/// The longest message of a condition; the API allows 32,768.
pub(super) const MAX_MESSAGE: usize = 1024;

pub(super) struct Conditions {
    pub all: Vec<Condition>,
    pub recheck: Option<Timestamp>,
}

pub(super) fn conditions(facts: &Facts<'_>, before: &[Condition]) -> Conditions {
    let fault = facts.outcome.fault();
    let holds = facts.applied.is_some() && facts.intact;
    let ready = match &fault {
        Some(fault) if fault.ready == ReadyIf::Present && facts.present => (
            true,
            fault.reason,
            "the Secret is there, and not touched".to_owned(),
        ),
        Some(fault) if !(holds && fault.ready == ReadyIf::Intact) => {
            (false, fault.reason, unready(facts, fault))
        }
        _ if !holds => (false, "Pending", "the Secret is not written yet".to_owned()),
        _ => (true, "Synced", synced(facts)),
    };
    let up_to_date = up_to_date(facts, fault.as_ref());
    let generation = facts.object.meta().generation;
    let make = |kind: &str, status: &str, reason: &str, message: String| {
        condition(before, generation, facts.now, kind, status, reason, message)
    };
    let mut all = vec![
        make("Ready", truth(ready.0), ready.1, ready.2),
        make("UpToDate", up_to_date.0, up_to_date.1, up_to_date.2),
    ];
    let mut recheck = None;
    if let Some(fault) = fault.filter(|fault| !ready.0 && fault.class.needs_a_person()) {
        let stalls = facts.fault_since + STALL_AFTER;
        if stalls <= facts.now {
            all.push(make("Stalled", "True", fault.reason, fault.message));
        } else {
            recheck = Some(stalls);
        }
    }
    Conditions { all, recheck }
}

/// Why the Secret is not what it should be.
fn unready(facts: &Facts<'_>, fault: &Fault) -> String {
    match (facts.outcome, facts.applied) {
        (
            Outcome::Left {
                why: Why::Held(closure),
                ..
            },
            None,
        ) => first_sync(closure, fault),
        (
            Outcome::Left {
                why: Why::Held(_), ..
            },
            Some(_),
        ) => {
            format!(
                "the Secret was changed by others, and its repair waits for {}",
                fault.message
            )
        }
        _ => fault.message.clone(),
    }
}

/// What a first sync waits for, and what holds it: there may be a way for it before the opening.
fn first_sync(closure: &Closure, fault: &Fault) -> String {
    let why = closure.first_sync.as_ref();
    let why = why.map_or(String::new(), |why| format!("; {why}"));
    format!("the first sync waits for {}{why}", fault.message)
}

fn synced(facts: &Facts<'_>) -> String {
    let (keys, parameters) = facts.applied.map_or((0, 0), |applied| {
        (applied.keys().count(), applied.parameters.len())
    });
    let plural = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    format!("{} from {}", plural(keys, "key"), plural(parameters, "parameter"))
}

fn up_to_date(facts: &Facts<'_>, fault: Option<&Fault>) -> (&'static str, &'static str, String) {
    let Some(fault) = fault else {
        return match facts.held_by_others {
            [] => ("True", "Synced", "nothing newer is known".to_owned()),
            held => ("False", "KeyHeldByOthers", held_by_others(held)),
        };
    };
    let known = !facts.pending.is_empty();
    let stale_only = matches!(facts.outcome, Outcome::Left { why: Why::InSync, .. })
        || fault.ready == ReadyIf::Present
        || (!known && matches!(fault.class, Class::Transient | Class::Throttled));
    let held = match facts.outcome {
        Outcome::Left {
            why: Why::Held(closure),
            ..
        } => Some(closure),
        _ => None,
    };
    let message = match (facts.pending.len(), held) {
        (0, Some(closure)) if facts.applied.is_none() => first_sync(closure, fault),
        (0, Some(_)) if !facts.intact => format!("the repair of the Secret waits for {}", fault.message),
        (0, Some(_)) => format!("a change of spec or store waits for {}", fault.message),
        (1, Some(_)) => format!("1 change waits for {}", fault.message),
        (total, Some(_)) => format!("{total} changes wait for {}", fault.message),
        (0, None) => fault.message.clone(),
        (1, None) => format!("1 change waits: {}", fault.message),
        (total, None) => format!("{total} changes wait: {}", fault.message),
    };
    (
        if stale_only { "Unknown" } else { "False" },
        fault.reason,
        message,
    )
}

/// What stays in the Secret although nobody asks for it any more.
fn held_by_others(held: &[HeldKey]) -> String {
    let keys: Vec<&str> = held.iter().map(|held| held.key.as_str()).collect();
    let mut managers: Vec<&str> = held.iter().map(|held| held.manager.as_str()).collect();
    managers.sort_unstable();
    managers.dedup();
    managers.retain(|manager| !manager.is_empty());
    let by = if managers.is_empty() {
        "others".to_owned()
    } else {
        list(&managers)
    };
    format!(
        "{} is not asked for any more and stays in the Secret, because {by} sets it too; take it away there",
        list(&keys)
    )
}

fn truth(yes: bool) -> &'static str {
    if yes { "True" } else { "False" }
}

/// A condition; `lastTransitionTime` moves only with its status.
pub(super) fn condition(
    before: &[Condition],
    generation: Option<i64>,
    now: Timestamp,
    kind: &str,
    status: &str,
    reason: &str,
    mut message: String,
) -> Condition {
    let since = before
        .iter()
        .find(|known| known.type_ == kind && known.status == status)
        .map_or(Timestamp::from_second(now.as_second()).unwrap_or(now), |known| {
            known.last_transition_time.0
        });
    if message.len() > MAX_MESSAGE {
        let end = (0..=MAX_MESSAGE - 3)
            .rev()
            .find(|at| message.is_char_boundary(*at))
            .unwrap_or_default();
        message.truncate(end);
        message.push_str("...");
    }
    Condition {
        type_: kind.to_owned(),
        status: status.to_owned(),
        reason: reason.to_owned(),
        message,
        observed_generation: generation,
        last_transition_time: Time(since),
    }
}
