//! Plans, and whom they concern. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::Core;
use super::answer::reads_own;
use crate::source::batch;
use crate::source::budget::DEFAULT_LIMIT;
use crate::source::call::PathKey;
use crate::source::catalog::Fact;
use crate::source::engine::sweeps;
use crate::source::now::Now;
use crate::source::plan::Item;

/// How long changes of subscriptions are gathered before a new plan is made.
const GATHER: Duration = Duration::from_millis(100);
/// What is about to be fetched for the first time is not swept before.
const FIRST_SYNC: Duration = Duration::from_secs(30);

impl Core {
    pub(super) fn replan_soon(&mut self, now: Now) {
        self.replan.get_or_insert(now.monotonic + GATHER);
    }

    pub(super) fn concern(&mut self, item: &Item) {
        let objects = self.subscribers.asking_for(item);
        self.concerned.extend(objects.map(|(object, _)| object.clone()));
    }

    /// What a wider path shows is known as soon as that one is.
    pub(super) fn mark_covered(&mut self, by: Option<&PathKey>) {
        let covered = self.sweeps.plan().covered.iter();
        let shown: Vec<Item> = covered
            .filter(|(_, wide)| by.is_none_or(|by| by == *wide) && self.catalog.is_swept(wide))
            .filter(|(item, _)| match item {
                Item::Path(key) => !self.catalog.is_swept(key),
                Item::Name(_) => by.is_some(),
            })
            .map(|(item, _)| item.clone())
            .collect();
        for item in shown {
            if let Item::Path(key) = &item {
                self.catalog.mark_swept(key.clone());
            }
            self.concern(&item);
        }
    }

    pub(super) fn make_plan(&mut self, now: Now) {
        self.replan = None;
        self.limit = self.subscribers.limit().unwrap_or(DEFAULT_LIMIT);
        let before = self.sweeps.plan().covered.clone();
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
        let stretch = plan.stretch;
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
        for item in turned_over(&before, &self.sweeps.plan().covered) {
            self.concern(&item);
        }
        self.hear_of_turned();
        let sweeps = &self.sweeps;
        for root in self.forced.follow(|item| sweeps.root(item)) {
            self.sweeps.hurry(&root, now.monotonic);
        }
        self.settle_forced();
        if self.pace.follow(stretch, now.monotonic) {
            self.concerned.extend(self.objects());
        }
        self.probe_origin(now);
        self.note_standing();
    }

    /// Learns the account at once when objects say where their values came from: it may be another one by now.
    pub(super) fn probe_origin(&mut self, now: Now) {
        let asked = self
            .subscribers
            .all()
            .any(|(_, wanted)| wanted.applied_origin.is_some() && reads_own(wanted));
        if self.probed || !asked || self.catalog.origin().is_some() {
            return;
        }
        if let Some(item) = self.sweeps.probe() {
            self.probed = true;
            self.sweeps.hurry(&item, now.monotonic);
        }
    }
}

/// What is shown by something else than before.
fn turned_over(before: &BTreeMap<Item, PathKey>, now: &BTreeMap<Item, PathKey>) -> BTreeSet<Item> {
    let differs = |item: &&Item| before.get(*item) != now.get(*item);
    before.keys().chain(now.keys()).filter(differs).cloned().collect()
}
