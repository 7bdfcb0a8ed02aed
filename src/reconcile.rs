//! One pass over one ParameterSync: the sentence, in order.
//!
//! watch -> resolve -> decide -> fetch -> transform -> decide again -> apply -> report

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kube::ResourceExt;
use kube::runtime::controller::Action as Requeue;

use crate::api::{ParameterSync, ParameterSyncStatus};
use crate::apply::SecretSink;
use crate::clock::Clock;
use crate::context::{Context, Doom, SOON, World, answered};
use crate::decide::{Action, Blocked, Decision, FetchRequest, PendingChange, Purpose, Why, decide, permit};
use crate::metrics::ReconcileResult;
use crate::names::ObjectKey;
use crate::record::Provenance;
use crate::report::{Facts, Held, Outcome, StatusError, StatusSink, report, written};
use crate::resolve::{Refusal, Resolved};
use crate::source::{Fetched, ParameterStores};
use crate::transform::{DesiredSecret, TransformError, transform};

/// Brings one Secret to what it should be, or says why not. Never sleeps; only here is a wake turned into a requeue.
pub async fn reconcile<S, K, R, C>(
    object: Arc<ParameterSync>,
    context: Arc<Context<S, K, R, C>>,
) -> Result<Requeue, StatusError>
where
    S: ParameterStores,
    K: SecretSink,
    R: StatusSink,
    C: Clock,
{
    let started = context.clock.monotonic();
    let key = ObjectKey::new(object.namespace().unwrap_or_default(), object.name_any());
    if context.is_behind_own_write(&key, &object) {
        return Ok(Requeue::requeue(SOON));
    }
    let now = context.clock.now();
    let mut pass = match context.resolve(&object) {
        Err(refusal) => context.refused(&key, &object, refusal),
        Ok(resolved) => sync(&context, &object, resolved, now).await,
    };
    let Some(outcome) = pass.outcome.take() else {
        context.forget(&key);
        return Ok(Requeue::await_change());
    };
    if outcome.is_overtaken() {
        tracing::debug!(object = %key, "overtaken; deciding anew");
        return Ok(context.requeue(&key, &outcome, [None, None], now));
    }
    let mut said = report(&Facts {
        object: &object,
        target: &pass.target,
        applied: pass.applied.as_ref(),
        intact: pass.intact,
        outcome: &outcome,
        pending: &pass.pending,
        gate: pass.resolved.as_ref().map(|resolved| &resolved.gate),
        effective_interval: pass.effective_interval,
        handled: pass.handled.as_deref(),
        now,
    });
    said.notes.extend(
        pass.repaired
            .as_ref()
            .and_then(|repaired| written(repaired, pass.applied.as_ref(), &pass.target)),
    );
    context.wait(&key, held(&outcome, &said.status, now));
    let requeue = context.requeue(&key, &outcome, [pass.wake, said.recheck], now);
    let wrote = context.status.write(&object, &said).await?;
    context.said(&key, &said, wrote);
    let took = context.clock.monotonic().saturating_sub(started);
    let main = pass.repaired.as_ref().unwrap_or(&outcome);
    context.metrics.reconciled(result(main), took);
    let known = context.is_known(&key, &outcome);
    for outcome in pass.repaired.iter().chain([&outcome]) {
        log(&key, outcome, took, known);
    }
    Ok(requeue)
}

/// What one pass found out, for the report.
pub(crate) struct Pass {
    /// What came of it; none where the object goes.
    pub outcome: Option<Outcome>,
    /// A repair that was made beside it.
    pub repaired: Option<Outcome>,
    pub target: String,
    /// The object; none where it was refused.
    pub resolved: Option<Arc<Resolved>>,
    pub applied: Option<Provenance>,
    pub intact: bool,
    pub pending: Vec<PendingChange>,
    pub wake: Option<Timestamp>,
    pub effective_interval: Option<Duration>,
    pub handled: Option<String>,
}

async fn sync<S, K, R, C>(
    context: &Arc<Context<S, K, R, C>>,
    object: &ParameterSync,
    resolved: Arc<Resolved>,
    now: Timestamp,
) -> Pass
where
    S: ParameterStores,
    K: SecretSink,
    R: StatusSink,
    C: Clock,
{
    let mut world = match context.look(object, resolved.clone()).await {
        Ok(world) => world,
        Err(error) => return Pass::without_world(&resolved, Outcome::ApplyFailed(error)),
    };
    context.subscribe(object, &mut world, now);
    context.refresh_for_retry(&resolved.object, now);
    let handled = answered(object, &world);
    let Decision {
        action,
        pending,
        wake,
    } = decide(&world.view(), now);
    let mut pass = Pass::of(&world, pending, wake);
    pass.outcome = match action {
        Action::Release => None,
        Action::Leave(why) => Some(Outcome::Left {
            why,
            fault: world.upstream.fault.clone(),
        }),
        Action::Write(request) => match context.doomed(&world, &request) {
            Some(outcome) => Some(outcome),
            None => match write(context, object, &world, &request).await {
                Ok((outcome, provenance)) => {
                    pass.applied = Some(provenance);
                    pass.intact = true;
                    // A repair leaves what waits beside it to be told of.
                    match world.refused.clone() {
                        Some(refused) => {
                            pass.pending = world.pending();
                            pass.repaired = Some(outcome);
                            Some(refused)
                        }
                        None if request.purpose == Purpose::Repair => {
                            Some(after_repair(context, object, &world, &mut pass, outcome, now).await)
                        }
                        None => Some(outcome),
                    }
                }
                Err(outcome) => {
                    let broken = pass.applied.is_some() && !pass.intact;
                    if context.remember_doom(Doom::new(&world, &request), &outcome) && broken {
                        // What can be put back is put back, now that the newest values are known to be no way.
                        pass.wake = Some(now);
                    }
                    pass.pending = pending_of(&world, &request);
                    Some(outcome)
                }
            },
        },
    };
    pass.handled = handled;
    pass
}

/// What is so once the Secret was put back: what waited before waits still.
async fn after_repair<S, K, R, C>(
    context: &Context<S, K, R, C>,
    object: &ParameterSync,
    world: &World,
    pass: &mut Pass,
    repaired: Outcome,
    now: Timestamp,
) -> Outcome
where
    S: ParameterStores,
    K: SecretSink,
    R: StatusSink,
    C: Clock,
{
    let Ok(whole) = context.look(object, world.resolved.clone()).await else {
        return repaired;
    };
    let decision = decide(&whole.view(), now);
    let Action::Leave(why) = decision.action else {
        // Something happened meanwhile, which triggers by itself.
        return repaired;
    };
    (pass.pending, pass.wake, pass.repaired) = (decision.pending, decision.wake, Some(repaired));
    Outcome::Left {
        why,
        fault: whole.upstream.fault.clone(),
    }
}

/// Fetch, transform, decide again, apply.
async fn write<S, K, R, C>(
    context: &Arc<Context<S, K, R, C>>,
    object: &ParameterSync,
    world: &World,
    request: &FetchRequest,
) -> Result<(Outcome, Provenance), Outcome>
where
    S: ParameterStores,
    K: SecretSink,
    R: StatusSink,
    C: Clock,
{
    let fetched = tokio::select! {
        fetched = context.stores.fetch(&world.resolved.object, &world.resolved.store, request) => {
            fetched.map_err(Outcome::FetchFailed)?
        }
        // Nobody wants the values any more: they are not asked for.
        () = context.gone(&world.resolved.object, object) => return Err(left(Why::Overtaken)),
    };
    if !fetched.lagging.is_empty() {
        return Err(left(Why::Lagging(fetched.lagging.into_iter().collect())));
    }
    check_versions(request, &fetched)?;
    let desired = shape(world.resolved.clone(), request.clone(), fetched).await?;

    let fresh = context
        .look_again(object)
        .await
        .map_err(Outcome::ApplyFailed)?
        .ok_or(left(Why::Overtaken))?;
    let permit = permit(&fresh.view(), request, desired.provenance(), context.clock.now()).map_err(left)?;

    let provenance = desired.provenance().clone();
    let applied = context
        .secrets
        .write(permit, &fresh.resolved, desired)
        .await
        .map_err(Outcome::ApplyFailed)?;
    context.applied(&world.resolved.object, &applied);
    let (repaired, rivals) = fresh.drift();
    let changed = fresh.changed_names(&provenance);
    let outcome = Outcome::Applied {
        purpose: applied.purpose,
        created: applied.created,
        repaired,
        rivals,
        changed,
    };
    Ok((outcome, provenance))
}

fn left(why: Why) -> Outcome {
    Outcome::Left { why, fault: None }
}

/// A repair whose versions Parameter Store no longer has is no repair.
fn check_versions(request: &FetchRequest, fetched: &Fetched) -> Result<(), Outcome> {
    if request.purpose != Purpose::Repair || fetched.missing.is_empty() {
        return Ok(());
    }
    let gone = fetched
        .missing
        .iter()
        .map(|reference| reference.name.clone())
        .collect();
    Err(left(Why::RepairBlocked(Blocked::AppliedVersionGone(gone))))
}

/// Transforms; off the async threads where templates are rendered, for those may take a while.
async fn shape(
    resolved: Arc<Resolved>,
    request: FetchRequest,
    fetched: Fetched,
) -> Result<DesiredSecret, Outcome> {
    let work = move || transform(&resolved, &request, fetched);
    let plain = |result: Result<DesiredSecret, TransformError>| result.map_err(Outcome::TransformFailed);
    plain(
        tokio::task::spawn_blocking(work)
            .await
            .unwrap_or_else(|_| Err(TransformError::interrupted())),
    )
}

/// What waits when a write did not come about.
fn pending_of(world: &World, request: &FetchRequest) -> Vec<PendingChange> {
    if request.purpose == Purpose::Change {
        world.pending()
    } else {
        Vec::new()
    }
}

impl Pass {
    fn of(world: &World, pending: Vec<PendingChange>, wake: Option<Timestamp>) -> Self {
        let view = world.view();
        Self {
            outcome: None,
            repaired: None,
            target: world.resolved.target.name.clone(),
            resolved: Some(world.resolved.clone()),
            applied: view.applied().cloned(),
            intact: view.is_intact(),
            pending,
            wake,
            effective_interval: world.upstream.effective_interval,
            handled: None,
        }
    }

    fn without_world(resolved: &Arc<Resolved>, outcome: Outcome) -> Self {
        Self {
            outcome: Some(outcome),
            repaired: None,
            target: resolved.target.name.clone(),
            resolved: Some(resolved.clone()),
            applied: None,
            intact: false,
            pending: Vec::new(),
            wake: None,
            effective_interval: None,
            handled: None,
        }
    }

    /// The pass of an object that was refused before anything was looked at.
    pub(crate) fn refused(target: String, refusal: Refusal) -> Self {
        Self {
            outcome: Some(Outcome::Refused(refusal)),
            repaired: None,
            target,
            resolved: None,
            applied: None,
            intact: false,
            pending: Vec::new(),
            wake: None,
            effective_interval: None,
            handled: None,
        }
    }
}

/// What the object waits with, where it waits for a calendar.
fn held(outcome: &Outcome, status: &ParameterSyncStatus, now: Timestamp) -> Option<Held> {
    let Outcome::Left {
        why: Why::Held(closure),
        ..
    } = outcome
    else {
        return None;
    };
    let pending = status.pending.as_ref();
    let since = pending.and_then(|pending| pending.since.as_ref()?.parse().ok());
    Some(Held {
        by: closure.by.clone()?,
        changes: pending.map_or(0, |pending| usize::try_from(pending.total).unwrap_or_default()),
        since: since.unwrap_or(now),
    })
}

fn result(outcome: &Outcome) -> ReconcileResult {
    match outcome {
        Outcome::Applied { .. } => ReconcileResult::Written,
        Outcome::Left { why: Why::InSync, .. } => ReconcileResult::Unchanged,
        _ => ReconcileResult::Refused,
    }
}

/// One line an outcome; the same fault again is told at debug.
fn log(object: &ObjectKey, outcome: &Outcome, took: Duration, known: bool) {
    let milliseconds = took.as_millis();
    match outcome {
        Outcome::Applied { purpose, changed, .. } => {
            tracing::info!(%object, ?purpose, changed = changed.len(), milliseconds, "Secret written");
        }
        Outcome::Left {
            why: Why::InSync,
            fault: None,
        } => {
            tracing::debug!(%object, milliseconds, "in sync");
        }
        Outcome::Left {
            why: Why::NamespaceTerminating,
            ..
        } => tracing::debug!(%object, milliseconds, "the namespace is being deleted"),
        Outcome::Left {
            why: Why::Held(_), ..
        } if !known => {
            let (reason, detail) = outcome.describe();
            tracing::info!(%object, reason, "held: waits for {detail}");
        }
        other => {
            let (reason, detail) = other.describe();
            if known {
                tracing::debug!(%object, reason, detail, milliseconds, "still not synced");
            } else {
                tracing::warn!(%object, reason, detail, milliseconds, "not synced");
            }
        }
    }
}
