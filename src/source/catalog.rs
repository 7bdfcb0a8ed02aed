//! What is known of Parameter Store: which parameters there are and at which version; never a value. Pure.
//!
//! Reads lag behind writes at AWS, so a sighting that goes back behind what is known (a name that is missing, a stamp
//! that is earlier) is a *suspect*: the fact before it stands until a second, later read says the same.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::time::Duration;

use crate::names::{Origin, ParameterName, ParameterRef, PathRead, Selector};
use crate::record::{Entry, Stamp};
use crate::source::call::PathKey;

/// How far apart two sightings must be to count as two.
pub const SECOND_SIGHTING: Duration = Duration::from_secs(5);

/// One answer, complete: all that lies below a path, or what became of some names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sweep {
    /// All pages of a listing.
    Listing(PathKey, BTreeMap<ParameterName, Entry>),
    /// Names that were asked for; `None`: they do not exist.
    Names(BTreeMap<ParameterRef, Option<Entry>>),
}

/// What one sweep changed in what is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Facts that differ from the fact before, or are the first.
    pub changed: BTreeSet<ParameterRef>,
    /// Sightings that must be seen again.
    pub suspects: BTreeSet<ParameterRef>,
    /// A path was listed for the first time.
    pub listed: Option<PathKey>,
    /// The account or region is known for the first time, or is another one than before.
    pub origin: bool,
    /// It is another one: all that was known is void.
    pub voided: bool,
}

/// Whether a sighting goes back behind a stamp that was seen: by the time of the last change first, for a parameter
/// that was made anew counts from 1 again.
pub fn goes_back(known: Stamp, sighting: Option<Stamp>) -> bool {
    let order = |stamp: Stamp| (stamp.last_modified, stamp.version);
    sighting.is_none_or(|sighting| order(sighting) < order(known))
}

/// What is known of one reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    /// It was not read yet.
    Unknown,
    /// It does not exist; confirmed.
    Missing,
    /// It exists.
    Exists(Entry),
}

impl From<Option<Entry>> for Fact {
    fn from(sighting: Option<Entry>) -> Self {
        sighting.map_or(Self::Missing, Self::Exists)
    }
}

#[derive(Clone, Debug)]
struct Suspect {
    since: Duration,
    sighting: Option<Entry>,
    look_again: Duration,
}

/// Facts about the parameters that somebody wants.
#[derive(Debug, Default)]
pub struct Catalog {
    origin: Option<Origin>,
    facts: BTreeMap<ParameterRef, Option<Entry>>,
    suspects: BTreeMap<ParameterRef, Suspect>,
    seeds: BTreeMap<ParameterName, Stamp>,
    swept: BTreeSet<PathKey>,
}

impl Catalog {
    /// The account and region that answered.
    pub fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }

    /// What somebody has applied of `name`, to compare the first sighting with.
    pub fn seed(&mut self, name: &ParameterName, stamp: Stamp) {
        let seed = self.seeds.entry(name.clone()).or_insert(stamp);
        *seed = (*seed).max(stamp);
    }

    /// Whether a path was listed.
    pub fn is_swept(&self, key: &PathKey) -> bool {
        self.swept.contains(key)
    }

    /// Notes that another listing shows all of this path.
    pub fn mark_swept(&mut self, key: PathKey) {
        self.swept.insert(key);
    }

    /// Whether a name waits for its second sighting.
    pub fn is_in_doubt(&self, reference: &ParameterRef) -> bool {
        self.suspects.contains_key(reference)
    }

    /// Folds one answer in. `origin` is what its ARNs said, `now` is monotonic.
    pub fn fold(&mut self, sweep: Sweep, origin: Option<&Origin>, now: Duration) -> Changes {
        let mut changes = Changes::default();
        self.fold_origin(origin, &mut changes);
        match sweep {
            Sweep::Names(names) => {
                for (reference, sighting) in names {
                    self.see(reference, sighting, now, &mut changes);
                }
            }
            Sweep::Listing(key, entries) => {
                changes.listed = self.swept.insert(key.clone()).then(|| key.clone());
                for name in self.expected_below(&key) {
                    if !entries.contains_key(&name) {
                        self.see(ParameterRef::latest(name), None, now, &mut changes);
                    }
                }
                for (name, entry) in entries {
                    self.see(ParameterRef::latest(name), Some(entry), now, &mut changes);
                }
            }
        }
        changes
    }

    fn fold_origin(&mut self, origin: Option<&Origin>, changes: &mut Changes) {
        let Some(origin) = origin else { return };
        match &self.origin {
            Some(known) if known == origin => return,
            Some(_) => {
                changes.voided = true;
                self.facts.clear();
                self.suspects.clear();
                self.seeds.clear();
                self.swept.clear();
            }
            None => {}
        }
        changes.origin = true;
        self.origin = Some(origin.clone());
    }

    fn see(
        &mut self,
        reference: ParameterRef,
        sighting: Option<Entry>,
        now: Duration,
        changes: &mut Changes,
    ) {
        let fact = self.fact(&reference);
        if self.undoes(&reference, fact, sighting) && !self.seen_before(&reference, sighting, now) {
            let suspect = Suspect {
                since: now,
                sighting,
                look_again: now + SECOND_SIGHTING,
            };
            match self.suspects.get(&reference) {
                Some(known) if known.sighting == sighting => {}
                _ => {
                    self.suspects.insert(reference.clone(), suspect);
                }
            }
            changes.suspects.insert(reference);
            return;
        }
        self.suspects.remove(&reference);
        if reference.selector == Selector::Latest {
            self.seeds.remove(&reference.name);
        }
        if fact != sighting.into() {
            changes.changed.insert(reference.clone());
            self.facts.insert(reference, sighting);
        }
    }

    /// Whether a sighting goes back behind what is known or applied.
    fn undoes(&self, reference: &ParameterRef, fact: Fact, sighting: Option<Entry>) -> bool {
        let stamp = sighting.map(|entry| entry.stamp);
        match fact {
            Fact::Exists(entry) => goes_back(entry.stamp, stamp),
            Fact::Missing => false,
            Fact::Unknown => match (self.seeds.get(&reference.name), &reference.selector) {
                (None, _) => false,
                // What is applied of the name may be its newest version, which says nothing of a pinned one's time.
                (Some(_), Selector::Version(_)) => stamp.is_none(),
                (Some(seed), _) => goes_back(*seed, stamp),
            },
        }
    }

    /// Whether a sighting, which was folded in, waits for its second look: what it shows must not be acted on.
    pub fn is_behind(&self, reference: &ParameterRef, sighting: Option<Stamp>) -> bool {
        match self.fact(reference) {
            Fact::Exists(entry) => goes_back(entry.stamp, sighting),
            Fact::Missing => false,
            Fact::Unknown => self
                .suspects
                .get(reference)
                .is_some_and(|suspect| suspect.sighting.map(|entry| entry.stamp) == sighting),
        }
    }

    /// Names that are known below a path, as [`Catalog::listing`] without waiting for all of it.
    pub fn known_below(&self, read: &PathRead) -> Vec<ParameterName> {
        let key = PathKey::from(read);
        let names = self.below(&key).map(|(name, _)| name);
        names.filter(|name| read.wants(name)).cloned().collect()
    }

    fn seen_before(&self, reference: &ParameterRef, sighting: Option<Entry>, now: Duration) -> bool {
        self.suspects.get(reference).is_some_and(|suspect| {
            suspect.sighting == sighting && now.saturating_sub(suspect.since) >= SECOND_SIGHTING
        })
    }

    /// Names below a path that are known to exist, or applied by somebody.
    fn expected_below(&self, key: &PathKey) -> BTreeSet<ParameterName> {
        let known = self.below(key).map(|(name, _)| name);
        let seeded = near(&self.seeds, first_below(key), key, |name| name)
            .map(|(name, _)| name)
            .filter(|name| !self.facts.contains_key(&ParameterRef::latest((*name).clone())));
        known.chain(seeded).cloned().collect()
    }

    /// Parameters below a path that exist.
    fn below<'a>(&'a self, key: &'a PathKey) -> impl Iterator<Item = (&'a ParameterName, &'a Entry)> {
        let first = first_below(key).map(ParameterRef::latest);
        near(&self.facts, first, key, |reference| &reference.name).filter_map(|(reference, fact)| {
            let latest = reference.selector == Selector::Latest;
            Some((&reference.name, fact.as_ref().filter(|_| latest)?))
        })
    }

    /// Suspects that are due for a second look.
    pub fn to_look_at_again(&self, now: Duration) -> impl Iterator<Item = &ParameterRef> {
        self.suspects
            .iter()
            .filter(move |(_, suspect)| suspect.look_again <= now)
            .map(|(reference, _)| reference)
    }

    /// When the next suspect is due.
    pub fn next_look(&self) -> Option<Duration> {
        self.suspects.values().map(|suspect| suspect.look_again).min()
    }

    /// Puts the second look off: it is under way, or it failed.
    pub fn look_again_at(&mut self, reference: &ParameterRef, at: Duration) {
        if let Some(suspect) = self.suspects.get_mut(reference) {
            suspect.look_again = at;
        }
    }

    /// What lies below a path, filtered. None until it was listed and no applied name is in doubt.
    pub fn listing(&self, read: &PathRead) -> Option<BTreeMap<ParameterName, Entry>> {
        let key = PathKey::from(read);
        let doubt = self.suspects.keys().any(|suspect| {
            suspect.selector == Selector::Latest
                && !self.facts.contains_key(suspect)
                && read.wants(&suspect.name)
        });
        (self.swept.contains(&key) && !doubt).then(|| {
            self.below(&key)
                .filter(|(name, _)| read.wants(name))
                .map(|(name, entry)| (name.clone(), *entry))
                .collect()
        })
    }

    /// What is known of one reference.
    pub fn fact(&self, reference: &ParameterRef) -> Fact {
        self.facts
            .get(reference)
            .map_or(Fact::Unknown, |fact| (*fact).into())
    }

    /// How many parameters a listing of `key` shows.
    pub fn count(&self, key: &PathKey) -> usize {
        self.below(key).count()
    }

    /// Forgets what nobody wants any more.
    pub fn retain(&mut self, path: impl Fn(&PathKey) -> bool, reference: impl Fn(&ParameterRef) -> bool) {
        self.swept.retain(|key| path(key));
        self.facts.retain(|key, _| reference(key));
        self.suspects.retain(|key, _| reference(key));
        self.seeds
            .retain(|name, _| reference(&ParameterRef::latest(name.clone())));
    }
}

/// The name that sorts before all those below a path.
fn first_below(key: &PathKey) -> Option<ParameterName> {
    ParameterName::parse(key.path.as_str()).ok()
}

/// The part of an ordered map that a listing of `key` shows, without a walk over all the rest.
fn near<'a, K: Ord, V>(
    map: &'a BTreeMap<K, V>,
    first: Option<K>,
    key: &'a PathKey,
    name: impl Fn(&K) -> &ParameterName + Copy + 'a,
) -> impl Iterator<Item = (&'a K, &'a V)> {
    let from = first.map_or(Bound::Unbounded, Bound::Included);
    map.range((from, Bound::Unbounded))
        .take_while(move |(k, _)| name(k).as_str().starts_with(key.path.as_str()))
        .filter(move |(k, _)| key.shows(name(k)))
}

#[cfg(test)]
#[path = "catalog_tests.rs"]
mod tests;
