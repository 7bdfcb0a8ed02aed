//! Conditions, by the rules of `metav1.Condition` and kstatus.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::Resource;

use super::Facts;
use super::outcome::{Fault, Outcome};
use crate::decide::Why;
use crate::error::Class;

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
        Some(fault) if !(holds && fault.ready_if_intact) => (false, fault.reason, unready(facts, fault)),
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
        let stalls = all[0].last_transition_time.0 + STALL_AFTER;
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
                why: Why::Held(_), ..
            },
            None,
        ) => format!("the first sync waits for {}", fault.message),
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

fn synced(facts: &Facts<'_>) -> String {
    let (keys, parameters) = facts.applied.map_or((0, 0), |applied| {
        (applied.keys().count(), applied.parameters.len())
    });
    let plural = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    format!("{} from {}", plural(keys, "key"), plural(parameters, "parameter"))
}

fn up_to_date(facts: &Facts<'_>, fault: Option<&Fault>) -> (&'static str, &'static str, String) {
    let Some(fault) = fault else {
        return ("True", "Synced", "nothing newer is known".to_owned());
    };
    let known = !facts.pending.is_empty();
    let stale_only = matches!(facts.outcome, Outcome::Left { why: Why::InSync, .. })
        || (!known && matches!(fault.class, Class::Transient | Class::Throttled));
    let held = matches!(
        facts.outcome,
        Outcome::Left {
            why: Why::Held(_),
            ..
        }
    );
    let message = match (facts.pending.len(), held) {
        (0, true) if facts.applied.is_none() => format!("the first sync waits for {}", fault.message),
        (0, true) if !facts.intact => format!("the repair of the Secret waits for {}", fault.message),
        (0, true) => format!("a change of spec or store waits for {}", fault.message),
        (1, true) => format!("1 change waits for {}", fault.message),
        (total, true) => format!("{total} changes wait for {}", fault.message),
        (0, false) => fault.message.clone(),
        (1, false) => format!("1 change waits: {}", fault.message),
        (total, false) => format!("{total} changes wait: {}", fault.message),
    };
    (
        if stale_only { "Unknown" } else { "False" },
        fault.reason,
        message,
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
