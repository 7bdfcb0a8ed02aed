//! May this Secret be written at all, and whose does its owner reference say that it is?

use super::decision::OwnerPatch;
use super::view::View;
use super::why::{Ownership, Why};
use crate::watch::{OwnedBy, SecretMeta, Uid};

/// Refuses a Secret that is going, or is not ours and may not be adopted.
///
/// Ours means: our status has a record of it, or a seal names this ParameterSync. So a Secret that was retained is
/// found again by a ParameterSync made anew, and a copy of one is not.
pub(super) fn check(view: &View<'_>) -> Result<(), Why> {
    let Some(meta) = view.secret.meta() else {
        return Ok(());
    };
    if meta.deleting {
        return Err(Why::SecretTerminating);
    }
    if let Some(controller) = &meta.controller {
        let controller = format!("{}/{}", controller.kind, controller.name);
        return Err(Why::NotOurs(Ownership::Controlled { controller }));
    }
    if view.ours().is_some() || view.resolved.target.adopt {
        return check_type(view);
    }
    Err(Why::NotOurs(match &meta.seal {
        Some(seal) => Ownership::OtherOwner {
            owner: seal.sync.to_string(),
        },
        None => Ownership::Foreign,
    }))
}

/// A type cannot be changed, so nothing is fetched in vain. What a Secret that is adopted is, only the API server knows.
fn check_type(view: &View<'_>) -> Result<(), Why> {
    let wanted = &view.resolved.target.secret_type;
    match view.record().map(|record| &record.provenance.secret_type) {
        Some(is) if is != wanted => Err(Why::TypeImmutable {
            is: is.clone(),
            wanted: wanted.clone(),
        }),
        _ => Ok(()),
    }
}

/// What is wrong with the owner reference of a Secret that is ours.
pub(super) fn owner(view: &View<'_>) -> Option<OwnerPatch> {
    let resolved = view.resolved;
    owner_patch(view.ours()?, &resolved.uid, resolved.target.owned)
}

/// What is wrong with the owner reference of a Secret of the ParameterSync `uid`; `owned`: whether it goes with that.
pub fn owner_patch(meta: &SecretMeta, uid: &str, owned: bool) -> Option<OwnerPatch> {
    if meta.deleting {
        return None;
    }
    match (&meta.owner, owned) {
        (OwnedBy::One(known), true) if *known == Uid::from(uid) => None,
        (OwnedBy::Nobody, false) => None,
        (_, false) => Some(OwnerPatch::Clear),
        // There is room for one controller only.
        (_, true) => meta.controller.is_none().then_some(OwnerPatch::Set),
    }
}
