//! Putting back what others changed, at the versions that are applied.

use jiff::{SignedDuration, Timestamp};

use super::decision::Decision;
use super::difference::Difference;
use super::request::{self, Purpose};
use super::view::View;
use super::why::{Blocked, Why};
use crate::record::{Record, Scope};
use crate::resolve::Closure;
use crate::watch::SecretState;

/// How long a repair is remembered.
pub const CONTEST_WINDOW: SignedDuration = SignedDuration::from_mins(10);
/// How many repairs within the window are made at once.
const PROMPT_REPAIRS: usize = 2;
/// How long every further one waits after the last.
const CONTEST_PAUSE: SignedDuration = SignedDuration::from_mins(5);

/// The Secret is gone, or something of ours in it is not ours any more.
///
/// Where new values may get in and there are any, the newest are written, which mends the Secret as well. Else it is
/// put back at exactly the applied versions, for a repair must not be a way in for anything new.
pub(super) fn repair(
    view: &View<'_>,
    record: &Record,
    differs: &Difference,
    closure: Option<&Closure>,
    now: Timestamp,
) -> Decision {
    let resolved = view.resolved;
    if let Some(closure) = closure.filter(|closure| closure.freeze.scope == Scope::All) {
        return Decision::leave(Why::held(closure));
    }
    if !differs.is_none() {
        let newest = || Decision::write(Purpose::Change, request::latest(resolved, view.upstream));
        match differs.obstacle(closure) {
            None if !view.newest_refused || differs.origin_changed || differs.spec_changed => {
                return newest();
            }
            Some(_) if differs.origin_changed => {
                return Decision::leave(Why::RepairBlocked(Blocked::OriginChanged));
            }
            Some(_) if differs.spec_changed => {
                return Decision::leave(Why::RepairBlocked(Blocked::SpecChanged));
            }
            _ => {}
        }
    }
    if let Some(until) = contested_until(view.repairs, now) {
        let fields = match view.secret {
            SecretState::Present(_) => view.drift.lost.clone(),
            SecretState::Absent => vec!["the Secret itself".to_owned()],
        };
        let rivals = view.drift.rivals.clone();
        return Decision::leave(Why::Contested {
            rivals,
            fields,
            until,
        })
        .wake_at(Some(until));
    }
    match request::pinned(resolved, &record.provenance) {
        Some(reads) => Decision::write(Purpose::Repair, reads),
        None => Decision::leave(Why::RepairBlocked(Blocked::SpecChanged)),
    }
}

/// When the next repair may be made, where that is not now.
fn contested_until(repairs: &[Timestamp], now: Timestamp) -> Option<Timestamp> {
    let recent = repairs
        .iter()
        .filter(|at| now.duration_since(**at) < CONTEST_WINDOW)
        .count();
    let last = repairs.last().copied()?;
    let next = last + CONTEST_PAUSE;
    (recent >= PROMPT_REPAIRS && next > now).then_some(next)
}
