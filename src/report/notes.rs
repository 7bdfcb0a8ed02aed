//! Events, for what changed in this pass and never for what stays.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::facts::Facts;
use super::outcome::{Outcome, list};
use crate::decide::Purpose;
use crate::record::Provenance;

/// The longest note; the API allows 1 kB.
const MAX_NOTE: usize = 900;

/// The reason of what waits for a calendar.
const FROZEN: &str = "FrozenByCalendar";

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Whether something is wrong.
    pub warning: bool,
    /// The reason, as the condition's.
    pub reason: String,
    /// What happened.
    pub text: String,
    /// What was being done.
    pub action: &'static str,
}

pub(super) fn notes(facts: &Facts<'_>, before: &[Condition], after: &[Condition]) -> Vec<Note> {
    let mut notes: Vec<Note> = written(facts.outcome, facts.applied, facts.target)
        .into_iter()
        .collect();
    let waited = before.iter().any(|condition| condition.reason == FROZEN);
    if waited && let Some(Note { reason, text, .. }) = notes.first().filter(|note| note.reason != "Repaired")
    {
        let text = shorten(format!("what waited for a calendar is written: {reason}, {text}"));
        notes.push(Note {
            warning: false,
            reason: "Released".to_owned(),
            text,
            action: "Sync",
        });
    }
    for kind in ["Ready", "UpToDate"] {
        let of = |all: &'_ [Condition]| {
            all.iter()
                .find(|condition| condition.type_ == kind)
                .map(|found| (found.status.clone(), found.reason.clone(), found.message.clone()))
        };
        let Some((status, reason, message)) = of(after) else {
            continue;
        };
        let known = of(before).is_some_and(|(old, why, _)| (old, why) == (status.clone(), reason.clone()));
        let told = notes.iter().any(|note| note.reason == reason);
        if status != "True" && !known && !told && reason != "Pending" {
            notes.push(Note {
                // A freeze is what somebody wants.
                warning: reason != FROZEN,
                reason,
                text: shorten(message),
                action: "Sync",
            });
        }
    }
    notes
}

/// The event of a forced sync that cannot be answered, where Ready did not say so before.
pub(super) fn unanswerable(fault: String, before: &[Condition]) -> Option<Note> {
    let known = before.iter().any(|known| known.message.ends_with(&fault));
    (!known).then(|| Note {
        warning: true,
        reason: "SyncRequestInvalid".to_owned(),
        text: shorten(fault),
        action: "Sync",
    })
}

/// The event of a write; none for any other outcome.
pub fn written(outcome: &Outcome, applied: Option<&Provenance>, target: &str) -> Option<Note> {
    let Outcome::Applied {
        purpose,
        created,
        repaired,
        rivals,
        changed,
    } = outcome
    else {
        return None;
    };
    let keys = applied.map_or(0, |applied| applied.keys().count());
    let (warning, reason, text, action) = match purpose {
        Purpose::Repair => {
            let by = if rivals.is_empty() {
                String::new()
            } else {
                format!(" by {}", list(rivals))
            };
            let what = if repaired.is_empty() {
                "the Secret was gone".to_owned()
            } else {
                format!("{} was changed{by}", list(repaired))
            };
            (
                true,
                "Repaired",
                format!("{what}; put back at the applied versions"),
                "Repair",
            )
        }
        _ if *created => (
            false,
            "Created",
            format!("Secret {target} created with {keys} keys"),
            "Sync",
        ),
        Purpose::FirstSync | Purpose::Change => {
            let what = if changed.is_empty() {
                "spec or target changed".to_owned()
            } else {
                format!("changed: {}", list(changed))
            };
            (
                false,
                "Updated",
                format!("Secret {target} updated ({what})"),
                "Sync",
            )
        }
    };
    Some(Note {
        warning,
        reason: reason.to_owned(),
        text: shorten(text),
        action,
    })
}

fn shorten(mut text: String) -> String {
    if text.len() > MAX_NOTE {
        let end = (0..=MAX_NOTE)
            .rev()
            .find(|at| text.is_char_boundary(*at))
            .unwrap_or_default();
        text.truncate(end);
    }
    text
}
