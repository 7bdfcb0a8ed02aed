//! From a ParameterSync and the indexes to [`Resolved`], or a refusal that names the field. Pure.
//!
//! Everything that can be refused without asking AWS is refused here: names, globs, keys, stores and who may use
//! them, the claim on the target.

mod access;
mod allowed;
mod bond;
mod first_sync;
mod gate;
mod readable;
mod refusal;
mod secret;
mod shape;
mod sources;
mod store;
mod surroundings;
mod target;
#[cfg(test)]
mod tests;
mod types;

pub use allowed::Allowance;
pub use bond::{Bond, BoundBy};
pub use first_sync::{FirstSyncHeld, Former, NotNew, Past};
pub use gate::{Closure, Gate};
pub use readable::Readable;
pub use refusal::Refusal;
pub use secret::Target;
pub use store::{check_store, identify, store_identity};
pub use surroundings::{EndpointPolicy, Surroundings};
pub use types::{
    Auth, Decode, Extract, KeyNaming, KeyStyle, Limits, NamedSource, OnCollision, OnMissing, ParameterTypes,
    PathSource, Resolved, SecretKeyPair, Source, StoreIdentity,
};

use std::time::Duration;

use jiff::SignedDuration;
use kube::ResourceExt;

use crate::api::{self, ParameterSync};
use crate::names::ObjectKey;
use crate::watch::{SyncIndex, store_of, sync_request};

/// How stale a value may get where the spec does not say.
pub const DEFAULT_INTERVAL: Duration = Duration::from_mins(10);

/// Parses a ParameterSync, follows its references, and checks all that can be checked without AWS.
pub fn resolve(object: &ParameterSync, around: &Surroundings<'_>) -> Result<Resolved, Refusal> {
    let spec = &object.spec;
    let key = ObjectKey::new(object.namespace().unwrap_or_default(), object.name_any());
    let uid = object.uid().unwrap_or_default();
    let target = target::parse(&key, spec.target.as_ref())?;
    check_claim(&key, &target.name, around.syncs)?;
    let sources = sources::parse(&spec.sources)?;
    target::check_keys(&target, &sources)?;
    let (store, limits, parameter_types) =
        store::resolve(&key, &store_of(object), around, &sources, &target)?;
    Ok(Resolved {
        shape: shape::shape(spec, &target),
        legacy_shape: shape::legacy(spec, &target, &uid),
        uid: uid.into(),
        generation: object.metadata.generation.unwrap_or_default(),
        store,
        limits,
        parameter_types,
        sources,
        on_collision: match spec.on_collision.unwrap_or_default() {
            api::OnCollision::Fail => OnCollision::Fail,
            api::OnCollision::LastWins => OnCollision::LastWins,
        },
        target,
        interval: interval(spec.interval.as_deref())?,
        suspended: spec.suspend.unwrap_or_default(),
        gate: Gate::of(object, around),
        // One that cannot be answered asks for nothing; `report` says so.
        sync_request: sync_request(object).ok().flatten().map(str::to_owned),
        object: key,
    })
}

fn check_claim(object: &ObjectKey, target: &str, syncs: &SyncIndex) -> Result<(), Refusal> {
    match syncs.holder(&ObjectKey::new(object.namespace.clone(), target)) {
        Some(holder) if holder != object => Err(Refusal::TargetClaimed {
            target: target.to_owned(),
            holder: holder.name.to_string(),
        }),
        _ => Ok(()),
    }
}

fn interval(text: Option<&str>) -> Result<Duration, Refusal> {
    let Some(text) = text else {
        return Ok(DEFAULT_INTERVAL);
    };
    let bounds = Duration::from_secs(10)..=Duration::from_hours(24);
    text.parse::<SignedDuration>()
        .ok()
        .and_then(|duration| Duration::try_from(duration).ok())
        .filter(|duration| bounds.contains(duration))
        .ok_or_else(|| {
            Refusal::field(
                "interval",
                format!("{text:?} is not a duration from 10s to 24h, such as 10m"),
            )
        })
}
