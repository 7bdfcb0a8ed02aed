//! The engine's decisions, without its network: what to ask next, and what an answer means for whom. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::decide::FetchRequest;
use crate::names::{ObjectKey, Origin, ParameterName, ParameterRef};
use crate::record::{SourceError, Stamp, Upstream};
use crate::resolve::StoreIdentity;
use crate::source::batch;
use crate::source::call::{Answer, Call, Decryption, Fault, PathKey};
use crate::source::catalog::{Catalog, Changes, Fact, Sweep};
use crate::source::engine::fetches::Fetches;
use crate::source::engine::job::Unit;
use crate::source::engine::subscribers::{self, Subscribers};
use crate::source::engine::sweeps::{self, Sweeps};
use crate::source::engine::{CallId, Now, Observed, Ticket};
use crate::source::limiter::Lane;
use crate::source::plan::Item;
use crate::source::types::{Fetched, Tell, Wanted};

/// How long changes of subscriptions are gathered before a new plan is made.
const GATHER: Duration = Duration::from_millis(100);
/// What is about to be fetched for the first time is not swept before.
const FIRST_SYNC: Duration = Duration::from_secs(30);
/// The limit while nobody has named one: the store's default, half of AWS's.
const DEFAULT_LIMIT: u32 = 20;

/// One engine's state.
pub struct Core {
    identity: StoreIdentity,
    label: String,
    subscribers: Subscribers,
    catalog: Catalog,
    fetches: Fetches,
    sweeps: Sweeps,
    /// The lowest that subscribers allow, as of the last plan.
    limit: u32,
    replan: Option<Duration>,
    probed: bool,
    calls: CallId,
    triggers: BTreeSet<ObjectKey>,
    /// What is still to be seen for each object that wants to be told.
    refreshing: BTreeMap<ObjectKey, BTreeSet<Item>>,
    refreshes: BTreeMap<ObjectKey, u64>,
}

/// What callers and objects must be told.
#[derive(Default)]
pub struct Effects {
    /// Answers for callers of `fetch`.
    pub replies: Vec<(Ticket, Result<Fetched, SourceError>)>,
    /// Objects in whose parameters something differs.
    pub triggers: BTreeSet<ObjectKey>,
    /// How many reads were shared.
    pub coalesced: usize,
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
            sweeps: Sweeps::default(),
            limit: DEFAULT_LIMIT,
            replan: None,
            probed: false,
            calls: 0,
            triggers: BTreeSet::new(),
            refreshing: BTreeMap::new(),
            refreshes: BTreeMap::new(),
        }
    }

    /// The rate that all subscribers allow, in requests a second.
    pub fn limit(&self) -> u32 {
        self.limit
    }

    /// The account and region that answer.
    pub fn origin(&self) -> Option<&Origin> {
        self.catalog.origin()
    }

    /// Says what `object` wants.
    pub fn subscribe(&mut self, object: &ObjectKey, wanted: Wanted, now: Now) {
        for (name, stamp) in &wanted.applied {
            if self.catalog.fact(&ParameterRef::latest(name.clone())) == Fact::Unknown {
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
        let before = self.subscribers.set(object, wanted);
        if before.is_none_or(|before| asks(&before) != new) {
            self.forgive(object);
            self.replan_soon(now);
        }
    }

    /// Forgets `object`.
    pub fn unsubscribe(&mut self, object: &ObjectKey, now: Now) {
        self.refreshing.remove(object);
        self.refreshes.remove(object);
        if self.subscribers.remove(object).is_some() {
            self.triggers.remove(object);
            self.replan_soon(now);
        }
    }

    fn replan_soon(&mut self, now: Now) {
        self.replan.get_or_insert(now.monotonic + GATHER);
    }

    /// All subscribers.
    pub fn objects(&self) -> Vec<ObjectKey> {
        self.subscribers.all().map(|(object, _)| object.clone()).collect()
    }

    /// What is known of all that `object` wants.
    pub fn upstream(&self, object: &ObjectKey) -> Upstream {
        let Some(wanted) = self.subscribers.get(object) else {
            return Upstream::default();
        };
        let listings = wanted.paths.iter();
        let listings = listings.filter_map(|read| Some((read.clone(), self.catalog.listing(read)?)));
        let parameters = wanted.parameters.iter();
        let parameters = parameters.filter_map(|name| match self.known(name) {
            Fact::Unknown => None,
            Fact::Missing => Some((name.clone(), None)),
            Fact::Exists(entry) => Some((name.clone(), Some(entry))),
        });
        let mut roots = subscribers::items(wanted).map(|item| self.sweeps.root(&item));
        let stretch = self.sweeps.plan().stretch;
        Upstream {
            origin: self.catalog.origin().cloned(),
            listings: listings.collect(),
            parameters: parameters.collect(),
            fault: roots.find_map(|root| self.sweeps.fault(&root).cloned()),
            effective_interval: (stretch > 1.0).then(|| wanted.interval.mul_f64(stretch)),
        }
    }

    /// A name's fact; one that a swept path would show and does not is missing.
    fn known(&self, name: &ParameterRef) -> Fact {
        let fact = self.catalog.fact(name);
        let path = self.sweeps.plan().covered.get(&Item::Name(name.clone()));
        match (fact, path) {
            (Fact::Unknown, Some(path)) if self.catalog.is_swept(path) && !self.catalog.is_in_doubt(name) => {
                Fact::Missing
            }
            _ => fact,
        }
    }

    /// Asks for fresh facts about all that `object` wants.
    pub fn refresh(&mut self, object: &ObjectKey, tell: Tell, now: Now) {
        if self.replan.is_some() {
            self.make_plan(now);
        }
        self.forgive(object);
        let Some(wanted) = self.subscribers.get(object) else {
            return;
        };
        let roots: BTreeSet<Item> = subscribers::items(wanted)
            .map(|item| self.sweeps.root(&item))
            .collect();
        for root in &roots {
            self.sweeps.hurry(root, now.monotonic);
        }
        if tell == Tell::WhenDone {
            self.refreshing.insert(object.clone(), roots);
            self.tell_refreshed();
        }
    }

    /// How many told refreshes of `object` are answered.
    pub fn refreshes(&self, object: &ObjectKey) -> u64 {
        self.refreshes.get(object).copied().unwrap_or_default()
    }

    /// Triggers those of whose refresh nothing is left to see: because it was seen, or is no longer swept.
    fn tell_refreshed(&mut self) {
        let fresh = self.sweeps.take_fresh();
        for roots in self.refreshing.values_mut() {
            roots.retain(|root| !fresh.contains(root) && self.sweeps.is_swept(root));
        }
        let done: Vec<ObjectKey> = self
            .refreshing
            .extract_if(.., |_, roots| roots.is_empty())
            .map(|(object, _)| object)
            .collect();
        for object in done {
            *self.refreshes.entry(object.clone()).or_default() += 1;
            self.triggers.insert(object);
        }
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

    /// A caller asks for values.
    pub fn fetch(&mut self, ticket: Ticket, request: &FetchRequest, now: Now) {
        self.fetches.start(ticket, request, now.monotonic);
    }

    /// A caller is gone.
    pub fn cancel(&mut self, ticket: Ticket) {
        self.fetches.cancel(ticket);
    }

    /// Does what the passing of time asks for.
    pub fn tick(&mut self, now: Now) {
        self.fetches.expire(now.monotonic);
        if self.replan.is_some_and(|at| at <= now.monotonic) {
            self.make_plan(now);
        }
    }

    /// In which lane there is something to ask for now.
    pub fn ready(&self, now: Now) -> Option<Lane> {
        if self.fetches.is_ready(now.monotonic) {
            return Some(Lane::Fetch);
        }
        self.sweeps
            .is_ready(&self.catalog, now.monotonic)
            .then_some(Lane::Sweep)
    }

    /// The next request of a lane.
    pub fn next(&mut self, lane: Lane, now: Now) -> Option<(CallId, Call)> {
        self.calls += 1;
        let call = match lane {
            Lane::Fetch => self.fetches.next(self.calls, now.monotonic),
            Lane::Sweep => self.sweeps.next(self.calls, &mut self.catalog, now.monotonic),
        };
        Some((self.calls, call?))
    }

    /// The next moment at which [`Core::tick`] or [`Core::ready`] may have something new.
    pub fn next_event(&self, now: Now) -> Option<Duration> {
        let fetches = self.fetches.next_event(now.monotonic);
        let sweeps = self.sweeps.next_event(&self.catalog, now.monotonic);
        fetches.into_iter().chain(sweeps).chain(self.replan).min()
    }

    /// Whether nobody needs this engine.
    pub fn is_idle(&self) -> bool {
        self.subscribers.is_empty() && self.fetches.is_idle() && self.sweeps.is_idle()
    }

    /// An answer came.
    pub fn answered(&mut self, id: CallId, result: Result<Answer, Fault>, now: Now) {
        match self.fetches.answered(id, result, now.monotonic) {
            Ok(observed) => {
                if let Some(observed) = observed {
                    self.seen_by_fetch(&observed.sweep, now);
                    self.fold(observed, now);
                }
            }
            Err(result) => {
                if let Some(observed) = self.sweeps.answered(id, result, &mut self.catalog, now) {
                    self.fold(observed, now);
                }
            }
        }
        self.tell_refreshed();
        for item in self.sweeps.take_turned() {
            let covered = self.sweeps.plan().covered.iter();
            let below = covered
                .filter(|(_, path)| Item::Path((*path).clone()) == item)
                .map(|(item, _)| item);
            for item in below.chain([&item]) {
                let objects = self
                    .subscribers
                    .asking_for(item)
                    .map(|(object, _)| object.clone());
                self.triggers.extend(objects);
            }
            self.replan_soon(now);
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
        if changes.origin_changed {
            self.sweeps.hurry_all(now.monotonic);
            self.triggers
                .extend(self.subscribers.all().map(|(object, _)| object.clone()));
        }
        if changes.origin_learned {
            let elsewhere = self.subscribers.all().filter(|(_, wanted)| {
                wanted.applied_origin.is_some() && wanted.applied_origin.as_ref() != self.catalog.origin()
            });
            self.triggers.extend(elsewhere.map(|(object, _)| object.clone()));
        }
        self.trigger(&changes);
        if let Some((key, count)) = listed {
            self.mark_covered(Some(&key));
            if batch::calls(count) > self.sweeps.calls(&Item::Path(key)) {
                self.replan_soon(now);
            }
        }
    }

    fn trigger(&mut self, changes: &Changes) {
        for name in &changes.changed {
            let unit = Unit::Name(name.clone());
            self.fetches.forgive(|held| *held == unit);
            self.triggers
                .extend(self.subscribers.wanting(name).into_keys().cloned());
        }
        for name in &changes.first {
            let stamp = match self.catalog.fact(name) {
                Fact::Exists(entry) => Some(entry.stamp),
                Fact::Missing | Fact::Unknown => None,
            };
            let wanting = self.subscribers.wanting(name).into_iter();
            let differing = wanting.filter(|(_, wanted)| differs(wanted, &name.name, stamp));
            self.triggers.extend(differing.map(|(object, _)| object.clone()));
        }
    }

    /// A path that a wider one shows is known as soon as that one is.
    fn mark_covered(&mut self, by: Option<&PathKey>) {
        let covered = self.sweeps.plan().covered.iter();
        let newly: Vec<PathKey> = covered
            .filter(|(_, wide)| by.is_none_or(|by| by == *wide) && self.catalog.is_swept(wide))
            .filter_map(|(item, _)| match item {
                Item::Path(key) if !self.catalog.is_swept(key) => Some(key.clone()),
                _ => None,
            })
            .collect();
        for key in newly {
            self.catalog.mark_swept(key.clone());
            let objects = self.subscribers.asking_for(&Item::Path(key));
            let differing = objects.filter(|(_, wanted)| {
                let mut listings = wanted.paths.iter().filter_map(|read| self.catalog.listing(read));
                listings.any(|names| {
                    names
                        .iter()
                        .any(|(name, entry)| differs(wanted, name, Some(entry.stamp)))
                })
            });
            self.triggers.extend(differing.map(|(object, _)| object.clone()));
        }
    }

    fn make_plan(&mut self, now: Now) {
        self.replan = None;
        self.limit = self.subscribers.limit().unwrap_or(DEFAULT_LIMIT);
        let (sweeps, catalog) = (&self.sweeps, &self.catalog);
        let plan = self.subscribers.demand().plan(
            |key| sweeps.is_healthy(&Item::Path(key.clone())),
            |key| {
                sweeps
                    .calls(&Item::Path(key.clone()))
                    .max(batch::calls(catalog.count(key)))
            },
            f64::from(self.limit()) / 2.0,
        );
        let subscribers = &self.subscribers;
        let catalog = &self.catalog;
        let (region, label) = (&self.identity.region, &self.label);
        self.sweeps.follow(
            plan,
            now,
            |item, interval| item.phase(region, label, interval),
            |item, interval, phase| {
                let known = match item {
                    Item::Path(key) => catalog.is_swept(key),
                    Item::Name(name) => catalog.fact(name) != Fact::Unknown,
                };
                let applied = subscribers
                    .asking_for(item)
                    .any(|(_, wanted)| !wanted.applied.is_empty());
                let due = sweeps::tick(now, interval, phase);
                let grace = now.monotonic + FIRST_SYNC.min(interval);
                if known || applied || due >= grace {
                    due
                } else {
                    due + interval
                }
            },
        );
        self.catalog.retain(
            |key| subscribers.is_listed(key),
            |name| subscribers.is_shown(name),
        );
        self.mark_covered(None);
        self.tell_refreshed();
        self.probe_origin(now);
    }

    /// Learns the account at once when objects say where their values came from: it may be another one by now.
    fn probe_origin(&mut self, now: Now) {
        let asked = self
            .subscribers
            .all()
            .any(|(_, wanted)| wanted.applied_origin.is_some());
        if self.probed || !asked || self.catalog.origin().is_some() {
            return;
        }
        if let Some(item) = self.sweeps.probe() {
            self.probed = true;
            self.sweeps.hurry(&item, now.monotonic);
        }
    }

    /// What happened since the last time.
    pub fn take_effects(&mut self) -> Effects {
        Effects {
            replies: self.fetches.take_replies(),
            triggers: std::mem::take(&mut self.triggers),
            coalesced: self.fetches.take_coalesced(),
        }
    }
}

/// Whether a first sighting is news to an object: only to one that has something else applied.
fn differs(wanted: &Wanted, name: &ParameterName, stamp: Option<Stamp>) -> bool {
    !wanted.applied.is_empty() && wanted.applied.get(name).copied() != stamp
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
