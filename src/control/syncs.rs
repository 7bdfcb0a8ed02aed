//! One pass over one ParameterSync: the sentence, in order.
//!
//! watch -> resolve -> decide -> fetch -> transform -> decide again -> apply -> report

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kube::ResourceExt;

use super::context::{Context, answered};
use super::memory::{Attempt, Attempted, QUIET};
use super::pass::{Pass, log};
use super::world::World;
use crate::api::{DeletionPolicy, HeldKey, ParameterSync};
use crate::apply::{ApplyError, SecretSink};
use crate::clock::Clock;
use crate::decide::{
    Action, Blocked, Decision, FetchRequest, OwnerPatch, Passage, Permit, Purpose, Why, decide, owner_patch,
    permit,
};
use crate::names::{ObjectKey, SecretKey};
use crate::record::{Record, stated};
use crate::report::{self, Facts, Outcome, Report, StatusError, StatusSink, report, written};
use crate::resolve::{Refusal, Resolved};
use crate::schedule;
use crate::source::{Fetched, ParameterStores, SECOND_SIGHTING};
use crate::transform::{DesiredSecret, TransformError, transform};
use crate::watch::SecretState;

/// How soon a pass that was overtaken by a change is made again.
pub const SOON: Duration = Duration::from_millis(200);
/// How long a write of a Secret may take, until there is an answer or none.
const LONGEST_WRITE: Duration = Duration::from_secs(12);
/// How soon an owner reference that could not be put right is tried again.
const OWN_AGAIN: Duration = Duration::from_secs(5);

/// What all passes are made with.
type Shared<S, K, R, C> = Arc<Context<S, K, R, C>>;

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
                hush(context, key, uid.as_deref());
            }
            Err(Outcome::AnnounceFailed(error))
        }
    }
}

fn hush<S, K, R, C>(context: &Shared<S, K, R, C>, key: &ObjectKey, uid: Option<&str>)
where
    S: ParameterStores,
    K: SecretSink,
    C: Clock,
{
    let now = context.clock.monotonic();
    context.life(key, uid, |life| life.memory.hush(now));
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
    };
    let changed = fresh.changed_names(desired.provenance());
    let started = context.clock.monotonic();
    context.life(key, uid, |life| {
        life.memory.attempts(attempt, started, LONGEST_WRITE);
    });
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
            context.life(key, uid, |life| {
                if error.is_unknown() {
                    life.memory.unanswered(now);
                } else {
                    life.memory.refused();
                }
            });
            return Err(match error {
                ApplyError::PermitOver { .. } => left(Why::Overtaken),
                error => Outcome::ApplyFailed(error),
            });
        }
    };
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

/// Puts the owner reference right where it alone is wrong.
async fn own<S, K, R, C>(
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
            if meta.managed {
                context.indexes.secrets_mut().apply(secret.clone(), meta.clone());
            }
            Some(SecretState::Present(meta))
        }
        Err(error) => {
            tracing::warn!(%secret, %error, "the owner reference could not be put right; trying again");
            None
        }
    }
}

/// The pass of an object that cannot be acted on. What it wanted is no longer asked for: access may be what it lost. What
/// is wrong with the owner reference of its Secret is put right all the same.
async fn refused<S, K, R, C>(
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
    let name = spec.name.unwrap_or_else(|| key.name.to_string());
    let secret = ObjectKey::new(key.namespace.clone(), name.as_str());
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

/// Says what came of the pass, and when the next is.
async fn tell<S, K, R, C>(
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
    let refused = match put(context, key, &newest, &said).await {
        Ok(()) => None,
        Err(error @ (StatusError::Refused { .. } | StatusError::CrdOutdated { .. })) => Some(error),
        Err(StatusError::Overtaken { .. }) => return Ok(Some(SOON)),
        Err(error) => {
            if let StatusError::Unknown { .. } = error {
                hush(context, key, uid);
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
        let class = Some(crate::error::Classified::class(&error));
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
