//! One pass over one ParameterSync: the sentence, in order.
//!
//! watch -> resolve -> decide -> fetch -> transform -> decide again -> apply -> report

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kube::ResourceExt;

use super::context::Shared;
use super::memory::{Attempt, Attempted, QUIET};
use super::owner::{own, refused, target};
use super::pass::Pass;
use super::tell::tell;
use super::world::World;
use crate::api::{HeldKey, ParameterSync};
use crate::apply::{ApplyError, SecretSink};
use crate::clock::Clock;
use crate::decide::{Action, Blocked, FetchRequest, Passage, Permit, Purpose, Why, decide, permit};
use crate::names::{ObjectKey, SecretKey};
use crate::record::Record;
use crate::report::{Outcome, StatusError, StatusSink};
use crate::resolve::Resolved;
use crate::source::{Fetched, ParameterStores};
use crate::transform::{DesiredSecret, TransformError, transform};

/// How long a write of a Secret may take, until there is an answer or none.
const LONGEST_WRITE: Duration = Duration::from_secs(12);
/// How soon it is looked again whether a write that was sent for another object was answered.
const LAND_AGAIN: Duration = Duration::from_secs(1);

/// Brings one Secret to what it should be, or says why not. Gives after how long it is looked at again if nothing asks
/// for it before. Never sleeps; only here is a wake turned into a requeue.
pub async fn reconcile<S, K, R, C>(
    key: &ObjectKey,
    context: &Shared<S, K, R, C>,
) -> Result<Option<Duration>, StatusError>
where
    S: ParameterStores,
    K: SecretSink,
    R: StatusSink,
    C: Clock,
{
    let started = context.clock.monotonic();
    let Some(object) = context.indexes.objects().get(key).cloned() else {
        context.forget(key);
        return Ok(None);
    };
    let quiet = context.life(key, object.uid().as_deref(), |life| life.memory.quiet(started));
    if let Some(until) = quiet {
        // What a write without an answer was for is seen first.
        return Ok(Some(until.saturating_sub(started)));
    }
    if let Some(until) = context.quiet().until(&target(key, &object), started) {
        // It was sent for another object of this Secret, or an earlier life; its answer may come at any moment.
        return Ok(Some(until.saturating_sub(started).min(LAND_AGAIN)));
    }
    let now = context.clock.now();
    let pass = match context.resolve(&object) {
        Err(refusal) => Some(refused(context, key, &object, refusal).await),
        Ok(resolved) => sync(context, &object, resolved, now).await,
    };
    let Some(pass) = pass else {
        context.forget(key);
        return Ok(None);
    };
    tell(context, key, &object, &pass, started, now).await
}

/// The pass of an object that can be acted on; none where it goes.
async fn sync<S, K, R, C>(
    context: &Shared<S, K, R, C>,
    object: &Arc<ParameterSync>,
    resolved: Arc<Resolved>,
    now: Timestamp,
) -> Option<Pass>
where
    S: ParameterStores,
    K: SecretSink,
    R: StatusSink,
    C: Clock,
{
    let key = resolved.object.clone();
    let mut world = match context.look(object, resolved.clone(), None).await {
        Ok(world) => world,
        Err(error) => {
            let target = resolved.target.name.clone();
            return Some(Pass::blind(target, Outcome::ApplyFailed(error)));
        }
    };
    context.subscribe(object, &mut world, now);
    context.refresh_for_retry(&key, object, now);
    let mut decision = decide(&world.view(), now);
    let request = match &decision.action {
        Action::Release => {
            own(context, &mut world, &mut decision, now).await;
            return None;
        }
        Action::Leave(why) => {
            let outcome = Outcome::Left {
                why: why.clone(),
                fault: world.upstream.fault.clone(),
            };
            own(context, &mut world, &mut decision, now).await;
            return Some(Pass::left(world, decision, outcome));
        }
        Action::Write(request) => request.clone(),
    };
    let result = match context.doomed(&world, &request) {
        Some(outcome) => Err(outcome),
        None => write(context, object, &world, &request)
            .await
            .inspect_err(|outcome| {
                let broken = world.record().is_some() && !world.view().is_intact();
                if context.remember_doom(&world, &request, outcome) && broken {
                    // What can be put back is put back, now that the newest values are known to be no way.
                    decision.wake = Some(now);
                }
            }),
    };
    match result {
        Err(outcome) => {
            // Nothing is written where a write may land yet.
            if !outcome.is_unknown() {
                own(context, &mut world, &mut decision, now).await;
            }
            Some(Pass::left(world, decision, outcome))
        }
        Ok(done) => {
            // What is so once the Secret was written: what waited before may wait still.
            let after = context.look_again(object, &world).await.ok().flatten();
            let mut world = after.map_or(world, |(_, world)| world).recorded();
            let mut decision = decide(&world.view(), now);
            own(context, &mut world, &mut decision, now).await;
            Some(Pass::written(
                world,
                decision,
                done.outcome,
                done.unrecorded,
                done.held_by_others,
            ))
        }
    }
}

/// A Secret that was written.
struct Done {
    outcome: Outcome,
    /// What has to get into status; none after a repair, which wrote what stands there.
    unrecorded: Option<Record>,
    held_by_others: Option<Vec<HeldKey>>,
}

/// Fetch, transform, decide again, announce, decide again, apply.
async fn write<S, K, R, C>(
    context: &Shared<S, K, R, C>,
    object: &Arc<ParameterSync>,
    world: &World,
    request: &FetchRequest,
) -> Result<Done, Outcome>
where
    S: ParameterStores,
    K: SecretSink,
    R: StatusSink,
    C: Clock,
{
    let key = &world.resolved.object;
    let fetched = tokio::select! {
        fetched = context.stores.fetch(key, &world.resolved.store, request) => fetched.map_err(Outcome::FetchFailed)?,
        // Nobody wants the values any more: they are not asked for.
        () = context.gone(key, object) => return Err(left(Why::Overtaken)),
    };
    if !fetched.lagging.is_empty() {
        return Err(left(Why::Lagging(fetched.lagging.into_iter().collect())));
    }
    check_versions(request, &fetched)?;
    let desired = shape(world.resolved.clone(), request.clone(), fetched).await?;

    let (newest, mut fresh) = again(context, object, world).await?;
    let mut passage = pass_on(context, &fresh, request, &desired)?;
    if let Passage::Announce(revision) = passage {
        announce(context, key, &newest, revision).await?;
        (_, fresh) = again(context, object, world).await?;
        passage = pass_on(context, &fresh, request, &desired)?;
    }
    let Passage::Write(permit) = passage else {
        return Err(left(Why::Overtaken));
    };
    apply(context, &fresh, *permit, desired).await
}

async fn again<S, K, R, C>(
    context: &Shared<S, K, R, C>,
    object: &Arc<ParameterSync>,
    world: &World,
) -> Result<(Arc<ParameterSync>, World), Outcome>
where
    S: ParameterStores,
    K: SecretSink,
    C: Clock,
{
    let fresh = context.look_again(object, world).await;
    fresh.map_err(Outcome::ApplyFailed)?.ok_or(left(Why::Overtaken))
}

fn pass_on<S, K, R, C: Clock>(
    context: &Shared<S, K, R, C>,
    fresh: &World,
    request: &FetchRequest,
    desired: &DesiredSecret,
) -> Result<Passage, Outcome> {
    let (given, now) = (context.clock.moment(), context.clock.now());
    permit(&fresh.view(), request, desired.provenance(), now, given).map_err(left)
}

/// Says in status that the Secret is about to be written.
async fn announce<S, K, R, C>(
    context: &Shared<S, K, R, C>,
    key: &ObjectKey,
    object: &Arc<ParameterSync>,
    revision: i64,
) -> Result<(), Outcome>
where
    S: ParameterStores,
    K: SecretSink,
    R: StatusSink,
    C: Clock,
{
    let uid = object.uid();
    context.life(key, uid.as_deref(), |life| life.memory.announces(revision));
    match context.status.announce(object, revision).await {
        Ok(answer) => {
            context.metrics.status_written();
            context.fold(key, answer);
            Ok(())
        }
        Err(StatusError::Overtaken { .. }) => Err(left(Why::Overtaken)),
        Err(error) => {
            if let StatusError::Unknown { .. } = error {
                context.hush(key, uid.as_deref());
            }
            Err(Outcome::AnnounceFailed(error))
        }
    }
}

/// Writes the Secret.
async fn apply<S, K, R, C>(
    context: &Shared<S, K, R, C>,
    fresh: &World,
    permit: Permit,
    desired: DesiredSecret,
) -> Result<Done, Outcome>
where
    S: ParameterStores,
    K: SecretSink,
    C: Clock,
{
    let (key, uid) = (&fresh.resolved.object, Some(&*fresh.resolved.uid));
    let before = fresh.record();
    let attempt = Attempt {
        record: permit.record().clone(),
        kind: match (permit.purpose(), before) {
            (Purpose::Repair, _) => Attempted::Repair,
            (_, None) => Attempted::First,
            (_, Some(_)) => Attempted::Change,
        },
        onto: permit.precondition().clone(),
    };
    let changed = fresh.changed_names(desired.provenance());
    let started = context.clock.monotonic();
    context.life(key, uid, |life| {
        life.memory.attempts(attempt, started, LONGEST_WRITE);
    });
    let secret = permit.target().clone();
    let longest = started + LONGEST_WRITE + QUIET;
    context.quiet().keep(secret.clone(), longest, started);
    let known = before.into_iter().flat_map(|before| before.provenance.keys());
    let held = fresh.stated.iter().flat_map(|stated| &stated.held_by_others);
    let held = held.filter_map(|held| SecretKey::parse(&held.key).ok());
    let may_remain: Vec<SecretKey> = known.cloned().chain(held).collect();
    let written = context
        .secrets
        .write(permit, &fresh.resolved, desired, &may_remain);
    let applied = match written.await {
        Ok(applied) => applied,
        Err(error) => {
            let now = context.clock.monotonic();
            if error.is_unknown() {
                context.quiet().keep(secret, now + QUIET, now);
                context.life(key, uid, |life| life.memory.unanswered(now));
            } else {
                context.quiet().end(&secret);
                context.life(key, uid, |life| life.memory.refused());
            }
            return Err(match error {
                ApplyError::PermitOver { .. } => left(Why::Overtaken),
                error => Outcome::ApplyFailed(error),
            });
        }
    };
    context.quiet().end(&secret);
    context.applied(key, uid, &applied);
    let repair = applied.purpose == Purpose::Repair;
    Ok(Done {
        outcome: Outcome::Applied {
            purpose: applied.purpose,
            created: applied.created,
            repaired: fresh.drift.lost.clone(),
            rivals: fresh.drift.rivals.clone(),
            changed,
        },
        unrecorded: (!repair).then_some(applied.record),
        held_by_others: (!repair).then_some(applied.held_by_others),
    })
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
