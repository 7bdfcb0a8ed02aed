//! The engine's decisions, without its network: what to ask next, and what an answer means for whom. Pure.

mod answer;
mod planning;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::decide::FetchRequest;
use crate::names::{ObjectKey, Origin, ParameterName, ParameterRef};
use crate::record::SourceError;
use crate::resolve::StoreIdentity;
use crate::source::batch;
use crate::source::budget::{DEFAULT_LIMIT, Share};
use crate::source::call::{Answer, Call, Decryption, Fault, PathKey};
use crate::source::catalog::{Catalog, Fact, Sweep};
use crate::source::engine::doubts::Doubts;
use crate::source::engine::fetches::Fetches;
use crate::source::engine::forced::Forced;
use crate::source::engine::job::Unit;
use crate::source::engine::looks::Looks;
use crate::source::engine::observed::{CallId, Observed, Ticket};
use crate::source::engine::pace::Pace;
use crate::source::engine::refusal::Refusal;
use crate::source::engine::subscribers::{self, Subscribers};
use crate::source::engine::sweeps::Sweeps;
use crate::source::limiter::Lane;
use crate::source::now::Now;
use crate::source::plan::{self, Item};
use crate::source::types::{Fetched, StoreStanding, Wanted};

/// One engine's state.
pub struct Core {
    identity: StoreIdentity,
    label: String,
    subscribers: Subscribers,
    catalog: Catalog,
    fetches: Fetches,
    /// For whom values are fetched.
    callers: BTreeMap<Ticket, ObjectKey>,
    sweeps: Sweeps,
    refusal: Refusal,
    forced: Forced,
    doubts: Doubts,
    pace: Pace,
    looks: Looks,
    /// Objects whose answer may be another than they looked at.
    concerned: BTreeSet<ObjectKey>,
    /// The lowest that subscribers allow, as of the last plan.
    limit: u32,
    replan: Option<Duration>,
    probed: bool,
    calls: CallId,
    /// Credentials are to be read anew.
    renew: bool,
    /// What the store was last told of.
    told: StoreStanding,
    retold: bool,
}

/// What callers and objects must be told.
#[derive(Default)]
pub struct Effects {
    /// Answers for callers of `fetch`.
    pub replies: Vec<(Ticket, Result<Fetched, SourceError>)>,
    /// Objects of whose last report something is different.
    pub triggers: BTreeSet<ObjectKey>,
    /// How many reads were shared.
    pub coalesced: usize,
    /// Whether credentials are to be read anew.
    pub renew: bool,
    /// Whether the standing of the store is another.
    pub standing: bool,
}

impl Core {
    /// An engine that knows nothing.
    pub fn new(identity: StoreIdentity) -> Self {
        // Ticks follow from this text: it must not change from one process to the next.
        let StoreIdentity { endpoint, auth, .. } = &identity;
        let keys = auth.keys.as_ref().map(|keys| keys.secret.to_string());
        let parts = [
            endpoint.as_ref(),
            auth.role_arn.as_ref(),
            auth.external_id.as_ref(),
            keys.as_ref(),
        ];
        let label = parts.map(|part| part.map_or("", String::as_str)).join("|");
        Self {
            identity,
            label,
            subscribers: Subscribers::default(),
            catalog: Catalog::default(),
            fetches: Fetches::default(),
            callers: BTreeMap::new(),
            sweeps: Sweeps::default(),
            refusal: Refusal::default(),
            forced: Forced::default(),
            doubts: Doubts::default(),
            pace: Pace::default(),
            looks: Looks::default(),
            concerned: BTreeSet::new(),
            limit: DEFAULT_LIMIT,
            replan: None,
            probed: false,
            calls: 0,
            renew: false,
            told: StoreStanding::default(),
            retold: false,
        }
    }

    /// The rate that all subscribers allow, in requests a second.
    pub fn limit(&self) -> u32 {
        self.limit
    }

    /// What it asks of the account's budget.
    pub fn share(&self) -> Share {
        Share {
            limit: self.identity.only_of.is_none().then_some(self.limit),
            waiting: self.fetches.waiting(),
        }
    }

    /// The account and region that answer.
    pub fn origin(&self) -> Option<&Origin> {
        self.catalog.origin()
    }

    /// Says what `object` wants.
    pub fn subscribe(&mut self, object: &ObjectKey, wanted: Wanted, now: Now) {
        for (name, stamp) in &wanted.applied {
            if self.is_unseen(name) {
                self.catalog.seed(name, *stamp);
            }
        }
        let asks = |wanted: &Wanted| {
            (
                wanted.limits,
                wanted.interval,
                wanted.sweeping,
                wanted.paths.clone(),
                wanted.parameters.clone(),
            )
        };
        let new = asks(&wanted);
        if self.subscribers.is_empty() || wanted.limits.requests_per_second < self.limit {
            self.limit = wanted.limits.requests_per_second;
        }
        let forced = wanted.forced.clone();
        let before = self.subscribers.set(object, wanted);
        if before.is_none_or(|before| asks(&before) != new) {
            self.forgive(object);
            self.replan_soon(now);
        }
        match forced {
            Some(token) if self.forced.is_new(object, &token) => self.force(object, token, now),
            Some(_) => {}
            None => self.forced.forget(object),
        }
    }

    /// Whether nothing was read that would show a parameter.
    fn is_unseen(&self, name: &ParameterName) -> bool {
        let reference = ParameterRef::latest(name.clone());
        let mut shown_by = plan::shown_by(&reference).into_iter();
        self.catalog.fact(&reference) == Fact::Unknown && !shown_by.any(|key| self.catalog.is_swept(&key))
    }

    /// Forgets `object`.
    pub fn unsubscribe(&mut self, object: &ObjectKey, now: Now) {
        self.forced.forget(object);
        self.looks.forget(object);
        if self.subscribers.remove(object).is_some() {
            self.replan_soon(now);
        }
    }

    /// All subscribers.
    pub fn objects(&self) -> Vec<ObjectKey> {
        self.subscribers.all().map(|(object, _)| object.clone()).collect()
    }

    fn note_standing(&mut self) {
        let standing = self.standing();
        if standing != self.told {
            self.told = standing;
            self.retold = true;
        }
    }

    /// Asks for fresh facts about all that `object` wants.
    pub fn refresh(&mut self, object: &ObjectKey, now: Now) {
        if self.replan.is_some() {
            self.make_plan(now);
        }
        self.forgive(object);
        for root in self.roots(object).into_values() {
            self.sweeps.hurry(&root, now.monotonic);
        }
    }

    /// What `object` wants swept, each with what shows it.
    fn roots(&self, object: &ObjectKey) -> BTreeMap<Item, Item> {
        let wanted = self.subscribers.get(object).into_iter();
        let items = wanted.flat_map(subscribers::items);
        items
            .map(|item| {
                let root = self.sweeps.root(&item);
                (item, root)
            })
            .collect()
    }

    /// The same, because a user asks for it: credentials are part of it, and its end is told.
    fn force(&mut self, object: &ObjectKey, token: String, now: Now) {
        self.renew = true;
        self.refusal.hurry(now.monotonic);
        self.refresh(object, now);
        let items = self.roots(object);
        self.forced.ask(object, token, items);
        self.settle_forced();
    }

    /// Notes for which forced syncs nothing is left to see: because it was seen, or is no longer swept.
    fn settle_forced(&mut self) {
        let fresh = self.sweeps.take_fresh();
        let sweeps = &self.sweeps;
        let done = self.forced.seen(&fresh, |root| sweeps.is_swept(root));
        self.concerned.extend(done);
    }

    fn forgive(&mut self, object: &ObjectKey) {
        let Some(wanted) = self.subscribers.get(object) else {
            return;
        };
        self.fetches.forgive(|unit| match unit {
            Unit::Listing(key, _) => wanted.paths.iter().any(|read| PathKey::from(read) == *key),
            Unit::Name(name) => {
                wanted.parameters.contains(name) || wanted.paths.iter().any(|read| read.wants(&name.name))
            }
        });
    }

    /// `object` asks for values.
    pub fn fetch(&mut self, ticket: Ticket, object: &ObjectKey, request: &FetchRequest, now: Now) {
        self.callers.insert(ticket, object.clone());
        self.fetches.start(ticket, request, now.monotonic);
    }

    /// A caller is gone.
    pub fn cancel(&mut self, ticket: Ticket) {
        self.callers.remove(&ticket);
        self.fetches.cancel(ticket);
    }

    /// Does what the passing of time asks for.
    pub fn tick(&mut self, now: Now) {
        self.fetches.expire(now.monotonic);
        if self.replan.is_some_and(|at| at <= now.monotonic) {
            self.make_plan(now);
        }
        if self.pace.tick(now.monotonic) {
            self.concerned.extend(self.objects());
        }
    }

    /// In which lane there is something to ask for now.
    pub fn ready(&self, now: Now) -> Option<Lane> {
        if self.fetches.is_ready(now.monotonic) {
            return Some(Lane::Fetch);
        }
        let ready =
            self.refusal.lets_sweep(now.monotonic) && self.sweeps.is_ready(&self.catalog, now.monotonic);
        ready.then_some(Lane::Sweep)
    }

    /// The next request of a lane.
    pub fn next(&mut self, lane: Lane, now: Now) -> Option<(CallId, Call)> {
        self.calls += 1;
        let call = match lane {
            Lane::Fetch => self.fetches.next(self.calls, now.monotonic),
            Lane::Sweep => {
                self.refusal.probed(now.monotonic);
                self.sweeps.next(self.calls, &mut self.catalog, now.monotonic)
            }
        };
        Some((self.calls, call?))
    }

    /// The next moment at which [`Core::tick`] or [`Core::ready`] may have something new.
    pub fn next_event(&self, now: Now) -> Option<Duration> {
        let fetches = self.fetches.next_event(now.monotonic);
        let sweeps = self.sweeps.next_event(&self.catalog, now.monotonic);
        let probe = self.refusal.next_event().filter(|at| *at > now.monotonic);
        let others = [self.replan, probe, self.pace.next_event()];
        let others = others.into_iter().flatten();
        fetches.into_iter().chain(sweeps).chain(others).min()
    }

    /// Whether nobody needs this engine.
    pub fn is_idle(&self) -> bool {
        self.subscribers.is_empty() && self.fetches.is_idle() && self.sweeps.is_idle()
    }

    /// An answer came.
    pub fn answered(&mut self, id: CallId, result: Result<Answer, Fault>, now: Now) {
        let refused = self.refusal.fault().cloned();
        let fault = result.as_ref().err().cloned();
        match self.fetches.answered(id, result, now.monotonic) {
            Ok(observed) => {
                self.refusal.fetched(fault.as_ref(), now.monotonic);
                if let Some(observed) = observed {
                    self.fetched(observed, now);
                }
            }
            Err(result) => {
                self.refusal.swept(fault.as_ref(), now.monotonic);
                if let Some(observed) = self.sweeps.answered(id, result, &mut self.catalog, now) {
                    self.fold(observed, now);
                }
            }
        }
        self.settle_forced();
        if self.hear_of_turned() {
            self.replan_soon(now);
        }
        if self.refusal.fault() != refused.as_ref() {
            self.concerned.extend(self.objects());
        }
        self.note_standing();
    }

    /// Items whose fault appeared or ended concern those who ask for them.
    fn hear_of_turned(&mut self) -> bool {
        let turned = self.sweeps.take_turned();
        for item in &turned {
            let objects = self.subscribers.asking_for(item);
            self.concerned.extend(objects.map(|(object, _)| object.clone()));
        }
        !turned.is_empty()
    }

    /// What a fetch brings is news to all but those whose reports are made of it.
    fn fetched(&mut self, observed: Observed, now: Now) {
        let callers = observed.tickets.iter();
        let callers = callers.filter_map(|ticket| self.callers.get(ticket));
        let callers = callers.filter(|object| self.looks.matches(object, &self.upstream(object)));
        let callers: BTreeSet<ObjectKey> = callers.cloned().collect();
        self.seen_by_fetch(&observed.sweep, now);
        self.fold(observed, now);
        for object in callers {
            let upstream = self.upstream(&object);
            self.looks.mark(&object, &upstream);
        }
    }

    /// What a fetch has seen need not be swept before its next tick.
    fn seen_by_fetch(&mut self, sweep: &Sweep, now: Now) {
        match sweep {
            Sweep::Listing(key, _) => self.sweeps.seen(&Item::Path(key.clone()), now),
            Sweep::Names(names) => {
                for name in names.keys() {
                    self.sweeps.seen(&Item::Name(name.clone()), now);
                }
            }
        }
    }

    fn fold(&mut self, mut observed: Observed, now: Now) {
        // A repair reads old versions, and a caller may have gone: only what is subscribed is kept.
        match &mut observed.sweep {
            Sweep::Names(names) => names.retain(|name, _| self.subscribers.is_shown(name)),
            Sweep::Listing(key, _) if !self.subscribers.is_listed(key) => {
                observed.sweep = Sweep::Names(BTreeMap::new());
            }
            Sweep::Listing(..) => {}
        }
        let listed = match &observed.sweep {
            Sweep::Listing(key, entries) => Some((key.clone(), entries.len())),
            Sweep::Names(_) => None,
        };
        let changes = self
            .catalog
            .fold(observed.sweep, observed.origin.as_ref(), now.monotonic);
        if changes.voided {
            self.sweeps.hurry_all(now.monotonic);
        }
        if changes.origin {
            self.concerned.extend(self.objects());
        }
        for name in &changes.changed {
            let unit = Unit::Name(name.clone());
            self.fetches.forgive(|held| *held == unit);
            let wanting = self.subscribers.wanting(name);
            self.concerned.extend(wanting.into_keys().cloned());
        }
        if let Some(key) = changes.listed {
            self.concern(&Item::Path(key.clone()));
            self.mark_covered(Some(&key));
        }
        if let Some((key, count)) = listed
            && batch::calls(count) > self.sweeps.calls(&Item::Path(key))
        {
            self.replan_soon(now);
        }
    }

    /// What happened since the last time.
    pub fn take_effects(&mut self, now: Now) -> Effects {
        let mut replies = self.fetches.take_replies();
        for (ticket, result) in &mut replies {
            if let (Some(object), Ok(fetched)) = (self.callers.remove(ticket), result) {
                let applied = self.subscribers.get(&object).map(|wanted| &wanted.applied);
                fetched.lagging = self.doubts.judge(&self.catalog, applied, fetched, now.monotonic);
            }
        }
        let concerned = std::mem::take(&mut self.concerned).into_iter();
        let triggers = concerned.filter(|object| self.looks.differs(object, &self.upstream(object)));
        Effects {
            triggers: triggers.collect(),
            replies,
            coalesced: self.fetches.take_coalesced(),
            renew: std::mem::take(&mut self.renew),
            standing: std::mem::take(&mut self.retold),
        }
    }
}

/// Whether a call asks for values, so that each SecureString in its answer costs a call to KMS.
pub fn decrypts(call: &Call) -> bool {
    matches!(
        call,
        Call::Page {
            decryption: Decryption::On,
            ..
        } | Call::Names {
            decryption: Decryption::On,
            ..
        }
    )
}
