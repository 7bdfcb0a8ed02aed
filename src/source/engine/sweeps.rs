//! Looking whether something changed: which undecrypted read is due, and how the last ones went. Pure.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use crate::names::ParameterRef;
use crate::record::SourceError;
use crate::schedule;
use crate::source::batch;
use crate::source::call::{Answer, Call, Decryption, Fault};
use crate::source::catalog::{Catalog, SECOND_SIGHTING, Sweep};
use crate::source::engine::fetches::listing;
use crate::source::engine::job::own_origin;
use crate::source::engine::observed::{CallId, Observed};
use crate::source::engine::pages::{Pages, Turn};
use crate::source::engine::quarantine;
use crate::source::now::Now;
use crate::source::plan::{Item, Plan};

/// One failed sweep says little; two in a row are told.
const TELLING: u32 = 2;
const RETRY_BASE: Duration = Duration::from_secs(5);
const RETRY_CAP: Duration = Duration::from_mins(5);
/// When a second look is repeated if no answer comes.
const LOOK_LOST: Duration = Duration::from_mins(1);

/// What is known of one item's sweeps.
struct State {
    interval: Duration,
    phase: Duration,
    /// None while it is under way.
    due: Option<Duration>,
    /// Somebody asked for fresh facts while it was under way.
    again: bool,
    failures: u32,
    error: Option<SourceError>,
    /// Refused by AWS the last time: asked for alone, so that it does not fail others.
    alone: bool,
    calls: usize,
}

enum Running {
    Names(Vec<ParameterRef>),
    Path(Pages),
}

/// All sweeps of one engine.
#[derive(Default)]
pub struct Sweeps {
    plan: Plan,
    states: BTreeMap<Item, State>,
    due: BTreeSet<(Duration, Item)>,
    halves: VecDeque<Vec<ParameterRef>>,
    pages: VecDeque<Pages>,
    running: BTreeMap<CallId, Running>,
    /// Items whose fault appeared or ended since the last time.
    turned: BTreeSet<Item>,
    /// Items that were seen since the last time, with nobody asking for them anew meanwhile.
    fresh: BTreeSet<Item>,
}

impl Sweeps {
    /// Takes a new plan. `first` says when an item that is new here is due; `phase` where its ticks lie.
    pub fn follow(
        &mut self,
        plan: Plan,
        now: Now,
        phase: impl Fn(&Item, Duration) -> Duration,
        first: impl Fn(&Item, Duration, Duration) -> Duration,
    ) {
        let gone: Vec<Item> = self
            .states
            .keys()
            .filter(|item| !plan.items.contains_key(item))
            .cloned()
            .collect();
        for item in gone {
            self.set_due(&item, None);
            if self
                .states
                .remove(&item)
                .is_some_and(|state| state.failures >= TELLING)
            {
                self.turned.insert(item);
            }
        }
        for (item, interval) in &plan.items {
            let ticks = phase(item, *interval);
            match self.states.get_mut(item) {
                Some(state) if state.interval == *interval => {}
                Some(state) => {
                    (state.interval, state.phase) = (*interval, ticks);
                    if let Some(due) = state.due.filter(|_| state.failures == 0) {
                        // Never later than planned: a plan that keeps changing must not put a sweep off for ever.
                        self.set_due(item, Some(due.min(tick(now, *interval, ticks))));
                    }
                }
                None => {
                    let state = State {
                        interval: *interval,
                        phase: ticks,
                        due: None,
                        again: false,
                        failures: 0,
                        error: None,
                        alone: false,
                        calls: 1,
                    };
                    self.states.insert(item.clone(), state);
                    self.set_due(item, Some(first(item, *interval, ticks)));
                }
            }
        }
        self.plan = plan;
    }

    /// What shows `item`.
    pub fn root(&self, item: &Item) -> Item {
        self.plan.root(item)
    }

    /// The plan that is followed.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Whether an item is swept without fault, as far as is known.
    pub fn is_healthy(&self, item: &Item) -> bool {
        self.states.get(item).is_none_or(|state| state.failures < TELLING)
    }

    /// How many calls an item took the last time.
    pub fn calls(&self, item: &Item) -> usize {
        self.states.get(item).map_or(1, |state| state.calls)
    }

    /// Why what an item shows is not fresh, after two failures in a row.
    pub fn fault(&self, item: &Item) -> Option<&SourceError> {
        let state = self.states.get(item)?;
        state.error.as_ref().filter(|_| state.failures >= TELLING)
    }

    /// Sweeps an item as soon as can be.
    pub fn hurry(&mut self, item: &Item, now: Duration) {
        let Some(state) = self.states.get_mut(item) else {
            return;
        };
        if state.due.is_some() {
            self.set_due(item, Some(now));
        } else {
            state.again = true;
        }
    }

    /// The item that costs least to learn the account from, when nothing is known of it.
    pub fn probe(&self) -> Option<Item> {
        let own = |item: &&Item| !matches!(item, Item::Name(name) if name.name.shared_from().is_some());
        self.states.keys().rev().find(own).cloned()
    }

    /// All items, to sweep them anew.
    pub fn hurry_all(&mut self, now: Duration) {
        let items: Vec<Item> = self.states.keys().cloned().collect();
        for item in items {
            self.hurry(&item, now);
        }
    }

    /// An item was seen whole, by a sweep or by a fetch: it is due at its next tick.
    pub fn seen(&mut self, item: &Item, now: Now) {
        let Some(state) = self.states.get_mut(item) else {
            return;
        };
        if state.failures >= TELLING {
            self.turned.insert(item.clone());
        }
        (state.failures, state.error, state.alone) = (0, None, false);
        let due = if std::mem::take(&mut state.again) {
            now.monotonic
        } else {
            self.fresh.insert(item.clone());
            tick(now, state.interval, state.phase)
        };
        self.set_due(item, Some(due));
    }

    /// Whether there is something to ask for now.
    pub fn is_ready(&self, catalog: &Catalog, now: Duration) -> bool {
        !self.halves.is_empty()
            || !self.pages.is_empty()
            || self.due.first().is_some_and(|(due, _)| *due <= now)
            || catalog.next_look().is_some_and(|look| look <= now)
    }

    /// The next request: what was begun, second looks, then what is due longest.
    pub fn next(&mut self, id: CallId, catalog: &mut Catalog, now: Duration) -> Option<Call> {
        if let Some(half) = self.halves.pop_front() {
            return Some(self.send_names(id, half, catalog, now));
        }
        if let Some(pages) = self.pages.pop_front() {
            return Some(self.send_page(id, pages));
        }
        let looks: Vec<ParameterRef> = catalog.to_look_at_again(now).cloned().collect();
        let first = self
            .due
            .first()
            .filter(|(due, _)| *due <= now)
            .map(|(_, item)| item.clone());
        match first {
            Some(Item::Path(key)) if looks.is_empty() => {
                self.set_due(&Item::Path(key.clone()), None);
                Some(self.send_page(id, Pages::new(key, Decryption::Off)))
            }
            Some(Item::Name(name)) if looks.is_empty() && self.is_alone(&name) => {
                Some(self.send_names(id, vec![name], catalog, now))
            }
            _ => {
                let due = self.due.iter().take_while(|(due, _)| *due <= now);
                let names = due.filter_map(|(_, item)| match item {
                    Item::Name(name) if !self.is_alone(name) => Some(name),
                    _ => None,
                });
                let batch = batch::pack(looks.iter().chain(names));
                (!batch.is_empty()).then(|| self.send_names(id, batch, catalog, now))
            }
        }
    }

    fn is_alone(&self, name: &ParameterRef) -> bool {
        self.states
            .get(&Item::Name(name.clone()))
            .is_some_and(|state| state.alone)
    }

    fn send_names(
        &mut self,
        id: CallId,
        batch: Vec<ParameterRef>,
        catalog: &mut Catalog,
        now: Duration,
    ) -> Call {
        for name in &batch {
            self.set_due(&Item::Name(name.clone()), None);
            catalog.look_again_at(name, now + LOOK_LOST);
        }
        self.running.insert(id, Running::Names(batch.clone()));
        Call::Names {
            references: batch,
            decryption: Decryption::Off,
        }
    }

    fn send_page(&mut self, id: CallId, pages: Pages) -> Call {
        let call = pages.call();
        self.running.insert(id, Running::Path(pages));
        call
    }

    /// An answer came. Gives what it shows to the catalog.
    pub fn answered(
        &mut self,
        id: CallId,
        result: Result<Answer, Fault>,
        catalog: &mut Catalog,
        now: Now,
    ) -> Option<Observed> {
        match (self.running.remove(&id)?, result) {
            (Running::Names(batch), Ok(answer)) => Some(self.names_came(&batch, &answer, now)),
            (Running::Names(batch), Err(fault)) => {
                self.names_failed(batch, &fault, catalog, now.monotonic);
                None
            }
            (Running::Path(pages), Ok(answer)) => self.page_came(pages, answer, now),
            (Running::Path(pages), Err(fault)) => {
                self.page_failed(pages, &fault, now.monotonic);
                None
            }
        }
    }

    fn names_came(&mut self, batch: &[ParameterRef], answer: &Answer, now: Now) -> Observed {
        let mut seen = BTreeMap::new();
        for name in batch {
            let found = answer.found.iter().find(|one| one.reference == *name);
            let item = Item::Name(name.clone());
            if found.is_none() && !answer.missing.contains(name) {
                let fault = Fault::Unavailable("IncompleteAnswer".into());
                self.failed(&item, &fault, now.monotonic);
                continue;
            }
            self.seen(&item, now);
            seen.insert(name.clone(), found.map(|one| one.entry));
        }
        Observed {
            sweep: Sweep::Names(seen),
            origin: answer.found.iter().find_map(own_origin).cloned(),
            tickets: vec![],
        }
    }

    fn names_failed(
        &mut self,
        batch: Vec<ParameterRef>,
        fault: &Fault,
        catalog: &mut Catalog,
        now: Duration,
    ) {
        let batch = if fault.may_be_one_names() {
            match batch::halves(batch) {
                Ok((first, second)) => {
                    self.halves.push_front(second);
                    self.halves.push_front(first);
                    return;
                }
                Err(single) => single.into_iter().collect(),
            }
        } else {
            batch
        };
        for name in batch {
            // Where names may not be read, the next sweep of the path is the second sighting.
            let wait = if fault.may_be_one_names() {
                LOOK_LOST
            } else {
                SECOND_SIGHTING
            };
            catalog.look_again_at(&name, now + wait);
            self.failed(&Item::Name(name), fault, now);
        }
    }

    fn page_came(&mut self, pages: Pages, answer: Answer, now: Now) -> Option<Observed> {
        let item = Item::Path(pages.key.clone());
        if !self.states.contains_key(&item) {
            return None;
        }
        let key = pages.key.clone();
        match pages.turn(answer) {
            Turn::More(pages) => {
                self.pages.push_back(pages);
                None
            }
            Turn::Broken(fault) => {
                self.failed(&item, &fault, now.monotonic);
                None
            }
            Turn::Complete(found, calls) => {
                self.seen(&item, now);
                if let Some(state) = self.states.get_mut(&item) {
                    state.calls = calls;
                }
                Some(listing(key, &found))
            }
        }
    }

    fn page_failed(&mut self, pages: Pages, fault: &Fault, now: Duration) {
        let item = Item::Path(pages.key.clone());
        if matches!(fault, Fault::Throttled(_)) && self.states.contains_key(&item) {
            // The limiter waits; what was listed so far is kept.
            self.count_failure(&item, fault);
            self.pages.push_back(pages);
        } else {
            self.failed(&item, fault, now);
        }
    }

    fn failed(&mut self, item: &Item, fault: &Fault, now: Duration) {
        if fault.is_of_the_identity() {
            // No fault of the item: it is due still, and [`Refusal`](super::refusal::Refusal) says when.
            return self.set_due(item, Some(now));
        }
        let Some(failures) = self.count_failure(item, fault) else {
            return;
        };
        let seed = u64::try_from(now.as_nanos()).unwrap_or_default();
        let wait = match fault {
            Fault::Throttled(_) => Duration::ZERO,
            fault if fault.may_be_one_names() => quarantine::wait(failures, seed),
            _ => schedule::backoff(failures, RETRY_BASE, RETRY_CAP, seed),
        };
        self.set_due(item, Some(now + wait));
    }

    fn count_failure(&mut self, item: &Item, fault: &Fault) -> Option<u32> {
        let state = self.states.get_mut(item)?;
        state.failures = state.failures.saturating_add(1);
        state.alone = fault.may_be_one_names();
        state.error = Some(fault.clone().about(&label(item)));
        if state.failures == TELLING {
            self.turned.insert(item.clone());
        }
        Some(state.failures)
    }

    fn set_due(&mut self, item: &Item, due: Option<Duration>) {
        let Some(state) = self.states.get_mut(item) else {
            return;
        };
        if let Some(before) = state.due.take() {
            self.due.remove(&(before, item.clone()));
        }
        state.due = due;
        if let Some(due) = due {
            self.due.insert((due, item.clone()));
        }
    }

    /// The next moment after `now` at which something is due.
    pub fn next_event(&self, catalog: &Catalog, now: Duration) -> Option<Duration> {
        let due = self.due.iter().map(|(due, _)| *due).find(|due| *due > now);
        due.into_iter()
            .chain(catalog.next_look().filter(|look| *look > now))
            .min()
    }

    /// Items whose fault appeared or ended since the last time.
    pub fn take_turned(&mut self) -> BTreeSet<Item> {
        std::mem::take(&mut self.turned)
    }

    /// Items that were seen since the last time.
    pub fn take_fresh(&mut self) -> BTreeSet<Item> {
        std::mem::take(&mut self.fresh)
    }

    /// Whether an item is swept at all.
    pub fn is_swept(&self, item: &Item) -> bool {
        self.states.contains_key(item)
    }

    /// Whether no sweep is under way.
    pub fn is_idle(&self) -> bool {
        self.running.is_empty()
    }
}

/// The next tick after now, on the monotonic clock.
pub fn tick(now: Now, interval: Duration, phase: Duration) -> Duration {
    now.monotonic + schedule::until(now.wall, schedule::next_due(now.wall, interval, phase))
}

fn label(item: &Item) -> String {
    match item {
        Item::Path(key) => key.path.to_string(),
        Item::Name(name) => name.to_string(),
    }
}
