//! The owner reference, put right by itself, and objects of which nothing else can be done.

use std::time::Duration;

use jiff::Timestamp;
use kube::ResourceExt;

use super::context::Shared;
use super::pass::Pass;
use super::world::World;
use crate::api::{DeletionPolicy, ParameterSync};
use crate::apply::SecretSink;
use crate::clock::Clock;
use crate::decide::{Decision, OwnerPatch, owner_patch};
use crate::names::ObjectKey;
use crate::record::stated;
use crate::resolve::Refusal;
use crate::source::ParameterStores;
use crate::watch::SecretState;

/// How soon an owner reference that could not be put right is tried again.
const OWN_AGAIN: Duration = Duration::from_secs(5);

/// Puts the owner reference right where it alone is wrong.
pub(super) async fn own<S, K, R, C>(
    context: &Shared<S, K, R, C>,
    world: &mut World,
    decision: &mut Decision,
    now: Timestamp,
) where
    S: ParameterStores,
    K: SecretSink,
    C: Clock,
{
    let Some(patch) = decision.owner else { return };
    let resolved = world.resolved.clone();
    let secret = ObjectKey::new(resolved.object.namespace.clone(), resolved.target.name.as_str());
    if let Some(state) = own_as(context, &secret, &resolved.object.name, &resolved.uid, patch).await {
        world.secret = state;
    } else {
        let again = now.checked_add(OWN_AGAIN).ok();
        decision.wake = decision.wake.into_iter().chain(again).min();
    }
}

/// The Secret after its owner reference was put right; none where that failed.
async fn own_as<S, K, R, C>(
    context: &Shared<S, K, R, C>,
    secret: &ObjectKey,
    sync: &str,
    uid: &str,
    patch: OwnerPatch,
) -> Option<SecretState>
where
    S: ParameterStores,
    K: SecretSink,
    C: Clock,
{
    match context.secrets.own(secret, sync, uid, patch).await {
        Ok(None) => Some(SecretState::Absent),
        Ok(Some(meta)) => {
            let meta = context.indexes.secrets_mut().read(secret, meta);
            Some(SecretState::Present(meta))
        }
        Err(error) => {
            tracing::warn!(%secret, %error, "the owner reference could not be put right; trying again");
            None
        }
    }
}

/// The Secret that an object asks for.
pub(super) fn target(key: &ObjectKey, object: &ParameterSync) -> ObjectKey {
    let spec = object.spec.target.as_ref();
    let name = spec.and_then(|spec| spec.name.as_deref()).unwrap_or(&key.name);
    ObjectKey::new(key.namespace.clone(), name)
}

/// The pass of an object that cannot be acted on. What it wanted is no longer asked for: access may be what it lost. What
/// is wrong with the owner reference of its Secret is put right all the same.
pub(super) async fn refused<S, K, R, C>(
    context: &Shared<S, K, R, C>,
    key: &ObjectKey,
    object: &ParameterSync,
    refusal: Refusal,
) -> Pass
where
    S: ParameterStores,
    K: SecretSink,
    C: Clock,
{
    context.stores.unsubscribe(key);
    let spec = object.spec.target.clone().unwrap_or_default();
    let secret = target(key, object);
    let name = secret.name.to_string();
    let holds = context.indexes.syncs().holder(&secret) == Some(key);
    let known = context.indexes.secrets().get(&secret).cloned().filter(|_| holds);
    if let (Some(meta), Some(uid)) = (known, object.uid()) {
        let recorded = stated(object, &name).is_ok_and(|stated| stated.record.is_some());
        let sealed = meta.seal.as_ref().is_some_and(|seal| *seal.sync == *key.name);
        let owned = spec.deletion_policy.unwrap_or_default() == DeletionPolicy::Delete;
        if let Some(patch) = owner_patch(&meta, &uid, owned).filter(|_| recorded || sealed) {
            own_as(context, &secret, &key.name, &uid, patch).await;
        }
    }
    Pass::refused(name, refusal)
}
