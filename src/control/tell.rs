//! What is said of a pass, and when the next is.

use std::time::Duration;

use jiff::Timestamp;
use kube::ResourceExt;

use super::context::{Shared, answered};
use super::memory::QUIET;
use super::pass::{Pass, log};
use crate::api::ParameterSync;
use crate::apply::SecretSink;
use crate::clock::Clock;
use crate::decide::Why;
use crate::error::Classified as _;
use crate::names::ObjectKey;
use crate::report::{self, Facts, Outcome, Recording, Report, StatusError, StatusSink, report, written};
use crate::schedule;
use crate::source::{ParameterStores, SECOND_SIGHTING};

/// How soon a pass that was overtaken by a change is made again.
const SOON: Duration = Duration::from_millis(200);

/// Says what came of the pass, and when the next is.
pub(super) async fn tell<S, K, R, C>(
    context: &Shared<S, K, R, C>,
    key: &ObjectKey,
    object: &ParameterSync,
    pass: &Pass,
    started: Duration,
    now: Timestamp,
) -> Result<Option<Duration>, StatusError>
where
    S: ParameterStores,
    K: SecretSink,
    R: StatusSink,
    C: Clock,
{
    let uid = object.uid();
    let uid = uid.as_deref();
    let outcome = &pass.outcome;
    if outcome.is_overtaken() {
        tracing::debug!(object = %key, "overtaken; deciding anew");
        return Ok(Some(SOON));
    }
    let conflicts = context.life(key, uid, |life| {
        if outcome.is_conflict() {
            !life.memory.conflicted()
        } else {
            life.memory.agreed();
            false
        }
    });
    if conflicts {
        return Ok(Some(SOON));
    }
    let Some(newest) = context.newest(key, object) else {
        return Ok(Some(SOON));
    };
    let reason = outcome.describe().0;
    let since = report::said_since(&newest, reason).unwrap_or(now);
    let (fault_since, known) = context.life(key, uid, |life| life.memory.fault(reason, since));
    let announced = context.life(key, uid, |life| life.memory.announced());
    let handled = pass.world.as_ref().and_then(|world| answered(&newest, world));
    let mut said = report(&Facts {
        object: &newest,
        target: &pass.target,
        applied: pass.applied(),
        record: pass.recording(announced),
        held_by_others: pass.held_by_others(),
        intact: pass.is_intact(),
        present: pass.is_present(),
        fault_since,
        outcome,
        pending: &pass.pending,
        gate: pass.gate(),
        effective_interval: pass.effective_interval(),
        handled: handled.as_deref(),
        now,
    });
    let wrote = pass.wrote.as_ref();
    said.notes
        .extend(wrote.and_then(|wrote| written(wrote, pass.applied(), &pass.target)));
    context.wait(key, pass.held(&said.status, now));
    let next = when(context, key, uid, pass, said.recheck, now);
    let put_there = put(context, key, &newest, &said).await;
    let took_back = pass.recording(announced) == Recording::TakesBack;
    if took_back && matches!(put_there, Ok(()) | Err(StatusError::Unknown { .. })) {
        context.life(key, uid, |life| life.memory.took_back());
    }
    let refused = match put_there {
        Ok(()) => None,
        Err(error @ (StatusError::Refused { .. } | StatusError::CrdOutdated { .. })) => Some(error),
        Err(StatusError::Overtaken { .. }) => return Ok(Some(SOON)),
        Err(error) => {
            if let StatusError::Unknown { .. } = error {
                context.hush(key, uid);
                return Ok(Some(QUIET));
            }
            return Err(error);
        }
    };
    let took = context.clock.monotonic().saturating_sub(started);
    context.metrics.reconciled(pass.result(), took);
    for outcome in wrote.into_iter().chain([outcome]) {
        log(key, outcome, took, known);
    }
    if let Some(error) = refused {
        tracing::warn!(object = %key, %error, "its status says so instead");
        put(context, key, &newest, &report::refused(&newest, &error, now)).await?;
        let seed = schedule::stable_hash(&[&key.namespace, &key.name]);
        let class = Some(error.class());
        return Ok(context.life(key, uid, |life| life.memory.retry(class, seed)));
    }
    Ok(next)
}

/// Writes what is said, where it is news, and takes in the answer.
async fn put<S, K, R, C>(
    context: &Shared<S, K, R, C>,
    key: &ObjectKey,
    object: &ParameterSync,
    said: &Report,
) -> Result<(), StatusError>
where
    S: ParameterStores,
    K: SecretSink,
    R: StatusSink,
    C: Clock,
{
    if let Some(answer) = context.status.write(object, said).await? {
        context.metrics.status_written();
        context.fold(key, answer);
    }
    let ready = said
        .status
        .conditions
        .iter()
        .flatten()
        .find(|condition| condition.type_ == "Ready");
    if let Some(ready) = ready {
        let status = if ready.status == "True" { "True" } else { "False" };
        context.metrics.object_is(key, status, &ready.reason);
    }
    Ok(())
}

/// When to look again: at a wake, after a fault by a backoff that doubles up to five minutes, and where only somebody
/// else can help and no watch tells, at the interval of `--recheck`.
fn when<S, K, R, C>(
    context: &Shared<S, K, R, C>,
    key: &ObjectKey,
    uid: Option<&str>,
    pass: &Pass,
    recheck: Option<Timestamp>,
    now: Timestamp,
) -> Option<Duration>
where
    S: ParameterStores,
    K: SecretSink,
    C: Clock,
{
    let outcome = &pass.outcome;
    if let Outcome::Left {
        why: Why::Unrecorded, ..
    } = outcome
    {
        return Some(SOON);
    }
    let seed = schedule::stable_hash(&[&key.namespace, &key.name]);
    let class = outcome.class().filter(|_| !outcome.ends_by_itself());
    let retry = context.life(key, uid, |life| {
        let retry = life.memory.retry(class, seed);
        let retry = if outcome.is_rechecked() {
            Some(context.recheck)
        } else if outcome.is_lagging() {
            retry.map(|after| after.max(2 * SECOND_SIGHTING))
        } else {
            retry
        };
        let refresh = retry.filter(|_| outcome.wants_fresh_facts());
        life.memory
            .refresh_at(refresh.and_then(|after| now.checked_add(after).ok()));
        retry
    });
    let wakes = [pass.wake, recheck].into_iter().flatten().min();
    let wake = wakes.map(|wake| schedule::until(now, wake));
    retry.into_iter().chain(wake).min()
}
