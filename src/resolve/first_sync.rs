//! Whether a closed gate lets a first sync through. Pure.
//!
//! Each closed calendar is asked by its own `firstSync`, and one No holds. `NewNamespaces` lets nobody get a new value in by
//! making an object anew, for which the rights of an editor suffice, and yet a cluster can be rebuilt in the middle of a
//! freeze: its namespaces are made during the closing.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use super::bond::Bond;
use crate::names::CalendarKey;
use crate::record::{FirstSync, Freeze, Scope};
use crate::watch::Doubt;

/// How long before a closing a namespace may have been made: who makes one fills it within minutes.
const BEFORE: SignedDuration = SignedDuration::from_mins(10);
/// How old a namespace may be.
const YOUNG: SignedDuration = SignedDuration::from_hours(24);

/// What is known of an object's past that its first sync may hang on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// When its namespace was made; none where that is not known.
    pub namespace_made: Option<Timestamp>,
    /// Whether another object of its name may have been in that namespace.
    pub former: Former,
}

/// Whether another object of the name may have been there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Former {
    /// None is known.
    #[default]
    Unknown,
    /// One was, or what is remembered is not whole.
    Possible,
}

/// Why a first sync waits for the opening.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FirstSyncHeld {
    /// The operator does not know what is closed.
    Doubt,
    /// `spec.changes.scope` is All.
    OwnScope,
    /// `spec.changes.firstSync` is Hold.
    Own,
    /// A calendar's scope is All.
    Scope(CalendarKey),
    /// A calendar's `firstSync` is Hold.
    Hold(CalendarKey),
    /// A calendar's `firstSync` is NewNamespaces, and this namespace or name is not new.
    NotNew(CalendarKey, NotNew),
}

/// Why a namespace, or a name in it, does not count as new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotNew {
    /// When it was made is not known.
    NamespaceUnknown,
    /// It is older than 24 h.
    NamespaceOld,
    /// It was made before the calendar closed.
    BeforeClosing,
    /// When the calendar closed is not known.
    ClosingUnknown,
    /// An object of that name was there before.
    Former,
}

/// Why the first sync of an object with this wish and this past waits while `closed` are closed at `now`; none where it need
/// not. `doubt` is why nothing that the calendars say can be relied on.
pub(super) fn held(
    own: Freeze,
    past: &Past,
    closed: &[&Bond],
    doubt: Option<&Doubt>,
    now: Timestamp,
) -> Option<FirstSyncHeld> {
    let calendar = |bond: &&Bond| bond.calendar.clone();
    if own.scope == Scope::All {
        return Some(FirstSyncHeld::OwnScope);
    }
    if own.first_sync == FirstSync::Hold {
        return Some(FirstSyncHeld::Own);
    }
    if let Some(bond) = closed.iter().find(|bond| bond.freeze.scope == Scope::All) {
        return Some(FirstSyncHeld::Scope(calendar(bond)));
    }
    let holding = |bond: &&&Bond| bond.freeze.first_sync == FirstSync::Hold;
    if let Some(bond) = closed.iter().find(holding) {
        return Some(FirstSyncHeld::Hold(calendar(bond)));
    }
    // A calendar that is not known yet may hold it.
    if doubt.is_some_and(|doubt| doubt.reason() == "ContactLost") {
        return Some(FirstSyncHeld::Doubt);
    }
    closed
        .iter()
        .filter(|bond| bond.freeze.first_sync == FirstSync::NewNamespaces)
        .find_map(|bond| {
            let why = match doubt {
                Some(_) => NotNew::ClosingUnknown,
                None => not_new(past, bond, now)?,
            };
            Some(FirstSyncHeld::NotNew(calendar(bond), why))
        })
}

fn not_new(past: &Past, bond: &Bond, now: Timestamp) -> Option<NotNew> {
    let Some(made) = past.namespace_made else {
        return Some(NotNew::NamespaceUnknown);
    };
    if now.duration_since(made) >= YOUNG {
        return Some(NotNew::NamespaceOld);
    }
    if past.former == Former::Possible {
        return Some(NotNew::Former);
    }
    // It was made after the closing began, or at most so long before, if the calendar is closed from so long after it was
    // made.
    let from = made.checked_add(BEFORE).unwrap_or(now).min(now);
    match bond.standing.closed_throughout(from, now) {
        Some(true) => None,
        Some(false) => Some(NotNew::BeforeClosing),
        None => Some(NotNew::ClosingUnknown),
    }
}

/// Says why, and what would help beside the opening. Follows `the first sync waits for ... until ...; `.
impl fmt::Display for FirstSyncHeld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Doubt => f.write_str("no first sync is made while it is not known what is closed"),
            Self::OwnScope => f.write_str("spec.changes.scope is All"),
            Self::Own => f.write_str("spec.changes.firstSync is Hold"),
            Self::Scope(calendar) => write!(f, "scope of {calendar} is All"),
            Self::Hold(calendar) => write!(
                f,
                "firstSync of {calendar} is Hold; who may edit that calendar can allow first syncs"
            ),
            Self::NotNew(calendar, why) => {
                write!(f, "firstSync of {calendar} is NewNamespaces, and {why}; ")?;
                match why {
                    NotNew::Former | NotNew::ClosingUnknown => {}
                    _ => f.write_str("a namespace made during the closing would do, and ")?,
                }
                f.write_str("who may edit that calendar can set firstSync to Allow")
            }
        }
    }
}

impl fmt::Display for NotNew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NamespaceUnknown => "it is not known when this namespace was made",
            Self::NamespaceOld => "this namespace is older than 24 hours",
            Self::BeforeClosing => "this namespace was made more than 10 minutes before the closing",
            Self::ClosingUnknown => "it is not known when that calendar closed",
            Self::Former => "a ParameterSync of this name was in this namespace before",
        })
    }
}

#[cfg(test)]
#[path = "first_sync_tests.rs"]
mod tests;
