//! Who wants what: from objects to parameters, and back from a parameter to the objects that must hear of it. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::names::{ObjectKey, ParameterRef};
use crate::source::call::PathKey;
use crate::source::plan::{self, Demand, Item};
use crate::source::types::{Sweeping, Wanted};

/// All objects of one engine.
#[derive(Default)]
pub struct Subscribers {
    objects: BTreeMap<ObjectKey, Wanted>,
    by_item: BTreeMap<Item, BTreeSet<ObjectKey>>,
}

impl Subscribers {
    /// Sets what `object` wants; gives back what it wanted before.
    pub fn set(&mut self, object: &ObjectKey, wanted: Wanted) -> Option<Wanted> {
        let before = self.remove(object);
        for item in items(&wanted) {
            self.by_item.entry(item).or_default().insert(object.clone());
        }
        self.objects.insert(object.clone(), wanted);
        before
    }

    /// Forgets `object`.
    pub fn remove(&mut self, object: &ObjectKey) -> Option<Wanted> {
        let wanted = self.objects.remove(object)?;
        for item in items(&wanted) {
            if let Some(objects) = self.by_item.get_mut(&item) {
                objects.remove(object);
                if objects.is_empty() {
                    self.by_item.remove(&item);
                }
            }
        }
        Some(wanted)
    }

    /// What `object` wants.
    pub fn get(&self, object: &ObjectKey) -> Option<&Wanted> {
        self.objects.get(object)
    }

    /// Everybody.
    pub fn all(&self) -> impl Iterator<Item = (&ObjectKey, &Wanted)> {
        self.objects.iter()
    }

    /// Whether nobody is left.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// The lowest rate that anybody allows, in requests a second.
    pub fn limit(&self) -> Option<u32> {
        self.objects
            .values()
            .map(|wanted| wanted.limits.requests_per_second)
            .min()
    }

    /// Those who asked for exactly this path or name.
    pub fn asking_for<'a>(
        &'a self,
        item: &Item,
    ) -> impl Iterator<Item = (&'a ObjectKey, &'a Wanted)> + use<'a> {
        let objects = self.by_item.get(item).into_iter().flatten();
        objects.filter_map(|object| self.objects.get_key_value(object))
    }

    /// Those who want to hear of `reference`: by name, or by a path and filter that show it.
    pub fn wanting(&self, reference: &ParameterRef) -> BTreeMap<&ObjectKey, &Wanted> {
        let mut found: BTreeMap<_, _> = self.asking_for(&Item::Name(reference.clone())).collect();
        for key in plan::shown_by(reference) {
            let listing = self.asking_for(&Item::Path(key));
            found.extend(listing.filter(|(_, w)| w.paths.iter().any(|read| read.wants(&reference.name))));
        }
        found
    }

    /// Whether anybody wants to hear of `reference`, filters aside.
    pub fn is_shown(&self, reference: &ParameterRef) -> bool {
        self.by_item.contains_key(&Item::Name(reference.clone()))
            || plan::shown_by(reference)
                .into_iter()
                .any(|key| self.by_item.contains_key(&Item::Path(key)))
    }

    /// Whether anybody wants a path.
    pub fn is_listed(&self, key: &PathKey) -> bool {
        self.by_item.contains_key(&Item::Path(key.clone()))
    }

    /// All that is wanted now, at the shortest intervals.
    pub fn demand(&self) -> Demand {
        let mut demand = Demand::default();
        let swept = |wanted: &&Wanted| wanted.sweeping == Sweeping::On;
        for wanted in self.objects.values().filter(swept) {
            for item in items(wanted) {
                match item {
                    Item::Path(key) => demand.path(key, wanted.interval),
                    Item::Name(reference) => demand.name(reference, wanted.interval),
                }
            }
        }
        demand
    }
}

/// What one object wants swept.
pub fn items(wanted: &Wanted) -> impl Iterator<Item = Item> {
    let paths = wanted.paths.iter().map(|read| Item::Path(PathKey::from(read)));
    paths.chain(wanted.parameters.iter().cloned().map(Item::Name))
}
