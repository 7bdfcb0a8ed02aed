//! May this Secret be written at all?

use super::view::View;
use super::why::{Ownership, Why};
use crate::watch::{SecretMeta, SecretState};

/// Refuses a Secret that is going, or is not ours and may not be adopted.
///
/// Ours is one whose annotation names this ParameterSync and that carries the managed label or is otherwise known to
/// this object's status; so a Secret that was retained is found again by a ParameterSync made anew.
pub(super) fn check(view: &View<'_>) -> Result<(), Why> {
    let SecretState::Present(meta) = view.secret else {
        return Ok(());
    };
    if meta.deleting {
        return Err(Why::SecretTerminating);
    }
    let resolved = view.resolved;
    if let Some(controller) = meta
        .controller
        .as_ref()
        .filter(|controller| *controller.uid != *resolved.uid)
    {
        let predecessor = controller.kind == "ParameterSync" && controller.name == *resolved.object.name;
        // The garbage collector takes it, for its owner is gone.
        return Err(if predecessor {
            Why::SecretTerminating
        } else {
            let controller = format!("{}/{}", controller.kind, controller.name);
            Why::NotOurs(Ownership::Controlled { controller })
        });
    }
    if is_ours(view, meta) || resolved.target.adopt {
        return check_type(view, meta);
    }
    Err(Why::NotOurs(match &meta.provenance {
        Some(provenance) if meta.managed && !provenance.belongs_to(&resolved.object) => {
            Ownership::OtherOwner {
                owner: provenance.owner.clone(),
            }
        }
        _ => Ownership::Foreign,
    }))
}

/// A type cannot be changed, so nothing is fetched in vain. What a Secret that is adopted is, only the API server knows.
fn check_type(view: &View<'_>, meta: &SecretMeta) -> Result<(), Why> {
    let wanted = &view.resolved.target.secret_type;
    match &meta.provenance {
        Some(provenance) if meta.trusted && provenance.secret_type != *wanted => Err(Why::TypeImmutable {
            is: provenance.secret_type.clone(),
            wanted: wanted.clone(),
        }),
        _ => Ok(()),
    }
}

fn is_ours(view: &View<'_>, meta: &SecretMeta) -> bool {
    let recorded = view.recorded.is_some();
    match &meta.provenance {
        Some(provenance) => {
            provenance.belongs_to(&view.resolved.object) && (meta.managed || meta.trusted || recorded)
        }
        None => meta.managed && recorded,
    }
}
