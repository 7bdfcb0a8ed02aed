//! What is said of the calendars that bind a ParameterSync. Pure.

use jiff::Timestamp;

use super::calendars::written;
use super::time::seconds;
use crate::api::{self, CalendarKind, GateStatus};
use crate::calendar::State;
use crate::resolve::{BoundBy, Gate};
use crate::watch::Doubt;

/// How many calendars are listed.
const MAX_GATES: usize = 20;

/// Whether something waits for the gate, so that its state is worth telling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waiting {
    /// Something does.
    Something,
    /// Nothing does: the gate may open and close, and no status is rewritten for it.
    Nothing,
}

/// The calendars, those first that close. Where nothing that they say can be relied on, each counts as closed, and why is
/// told in place of what it says.
pub(super) fn gates(gate: &Gate, waiting: Waiting, now: Timestamp) -> Option<Vec<GateStatus>> {
    let doubt = gate.doubt(now).filter(|_| waiting == Waiting::Something);
    let mut gates: Vec<GateStatus> = gate
        .bonds
        .iter()
        .map(|bond| {
            let stands = bond.standing.at(now);
            let told = waiting == Waiting::Something || stands.fault.is_some();
            GateStatus {
                kind: match bond.calendar.namespace() {
                    Some(_) => CalendarKind::ChangeCalendar,
                    None => CalendarKind::ClusterChangeCalendar,
                },
                name: bond.calendar.name().to_owned(),
                bound_by: match bond.bound_by {
                    BoundBy::Reference => api::BoundBy::Reference,
                    BoundBy::Selector => api::BoundBy::Selector,
                },
                state: match doubt {
                    Some(_) => Some(api::CalendarState::Closed),
                    None => told.then(|| written(stands.state)),
                },
                // An open gate moves its next closing with each period: what waits for another one need not know.
                until: (told && doubt.is_none() && stands.state == State::Closed)
                    .then(|| stands.until.map(seconds))
                    .flatten(),
                reason: doubt
                    .map(Doubt::reason)
                    .or(stands.fault.map(|fault| fault.reason))
                    .map(str::to_owned),
            }
        })
        .collect();
    gates.sort_by_key(|gate| gate.state != Some(api::CalendarState::Closed));
    gates.truncate(MAX_GATES);
    (!gates.is_empty()).then_some(gates)
}
