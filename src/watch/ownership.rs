//! From a Secret's metadata to what decisions need of it. Pure.

use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};

use super::fields::{self, Drift, LeftBehind, Stamped};
use super::secret_meta::{Controller, OwnedBy, Sealed, SecretMeta, Uid};
use crate::api::GROUP;
use crate::names::{ObjectKey, SecretKey};
use crate::record::{MANAGED_LABEL, Provenance, SEAL, SealKey};

/// Reduces a Secret's metadata, as a watch or a read shows it; the rest, `managedFields` above all, is dropped.
pub fn reduce(secret: &ObjectKey, meta: &ObjectMeta, key: &SealKey) -> SecretMeta {
    let entries = meta.managed_fields.as_deref().unwrap_or_default();
    SecretMeta {
        overwritten: fields::overwritten_by_string_data(entries),
        ..reduce_answer(secret, meta, key)
    }
}

/// The same for the answer to our own apply: in what it shows nobody wrote after us.
pub fn reduce_answer(secret: &ObjectKey, meta: &ObjectMeta, key: &SealKey) -> SecretMeta {
    let entries = meta.managed_fields.as_deref().unwrap_or_default();
    let owners = meta.owner_references.as_deref().unwrap_or_default();
    let seal = meta.annotations.as_ref().and_then(|all| all.get(SEAL));
    let sealed = seal.and_then(|text| key.verify(secret, text)).map(|seal| Sealed {
        // Mostly the Secret's own name: one text for both.
        sync: if *seal.sync == *secret.name {
            secret.name.clone()
        } else {
            Arc::from(seal.sync)
        },
        revision: seal.revision,
    });
    SecretMeta {
        uid: Uid::from(meta.uid.as_deref().unwrap_or_default()),
        version: version(meta),
        seal: sealed,
        owner: owned_by(owners),
        controller: owners
            .iter()
            .find(|owner| owner.controller == Some(true) && !is_sync(owner))
            .map(|owner| {
                Box::new(Controller {
                    kind: owner.kind.clone(),
                    name: owner.name.clone(),
                })
            }),
        fields: fields::fields_of_ours(entries),
        managed: meta
            .labels
            .as_ref()
            .and_then(|all| all.get(MANAGED_LABEL))
            .is_some_and(|value| value == "true"),
        deleting: meta.deletion_timestamp.is_some(),
        overwritten: false,
    }
}

/// The resource version as a number; 0 where it is none.
pub fn version(meta: &ObjectMeta) -> u64 {
    let version = meta.resource_version.as_ref();
    version
        .and_then(|version| version.parse().ok())
        .unwrap_or_default()
}

/// Whether an owner reference names a ParameterSync.
pub fn is_sync(owner: &OwnerReference) -> bool {
    let group = owner.api_version.split_once('/').map(|(group, _)| group);
    owner.kind == "ParameterSync" && group == Some(GROUP)
}

fn owned_by(owners: &[OwnerReference]) -> OwnedBy {
    let mut syncs = owners.iter().filter(|owner| is_sync(owner));
    match (syncs.next(), syncs.next()) {
        (None, _) => OwnedBy::Nobody,
        (Some(owner), None) => OwnedBy::One(Uid::from(owner.uid.as_str())),
        (Some(_), Some(_)) => OwnedBy::Several,
    }
}

/// What others changed of what we set, and who: read from the whole metadata when there is drift, and not kept.
pub fn drift(meta: &ObjectMeta, provenance: &Provenance, stamped: Stamped) -> Drift {
    let entries = meta.managed_fields.as_deref().unwrap_or_default();
    fields::drift(entries, provenance, stamped)
}

/// What became of keys that our apply left out, by the answer to it.
pub fn left_behind<'a>(meta: &ObjectMeta, removed: impl IntoIterator<Item = &'a SecretKey>) -> LeftBehind {
    let entries = meta.managed_fields.as_deref().unwrap_or_default();
    fields::left_behind(entries, removed)
}

#[cfg(test)]
#[path = "ownership_tests.rs"]
mod tests;
