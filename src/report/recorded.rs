//! What status says waits, read back.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use crate::api::ParameterSync;
use crate::decide::PendingChange;
use crate::names::ParameterName;

/// What the object's status says waits for a calendar; nothing where something else stands in the way, which is looked
/// at anew.
pub fn recorded_pending(object: &ParameterSync) -> Vec<PendingChange> {
    let Some(status) = &object.status else {
        return Vec::new();
    };
    let frozen =
        |condition: &Condition| condition.type_ == "UpToDate" && condition.reason == "FrozenByCalendar";
    if !status.conditions.iter().flatten().any(frozen) {
        return Vec::new();
    }
    let changes = status.pending.iter().flat_map(|pending| &pending.changes);
    changes
        .filter_map(|change| {
            Some(PendingChange {
                name: ParameterName::parse(&change.name).ok()?,
                from: change.from,
                to: change.to,
            })
        })
        .collect()
}
