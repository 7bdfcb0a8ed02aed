//! Answers to fetches that go back behind what is applied, of what the catalog does not keep: the pinned versions of
//! repairs. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::names::{ParameterName, ParameterRef, Selector};
use crate::record::Stamp;
use crate::source::catalog::{Catalog, Fact, SECOND_SIGHTING, goes_back};
use crate::source::types::Fetched;

/// How long a first sighting is remembered after the last.
const MEMORY: Duration = Duration::from_mins(30);

struct Sighting {
    stamp: Option<Stamp>,
    first: Duration,
    last: Duration,
}

/// Sightings that count only once they were made twice.
#[derive(Default)]
pub struct Doubts {
    sightings: BTreeMap<ParameterRef, Sighting>,
}

impl Doubts {
    /// Notes a sighting; says whether it was made before, long enough ago to count as two.
    pub fn confirm(&mut self, reference: &ParameterRef, stamp: Option<Stamp>, now: Duration) -> bool {
        self.sightings
            .retain(|_, known| now.saturating_sub(known.last) < MEMORY);
        match self.sightings.get_mut(reference) {
            Some(known) if known.stamp == stamp => {
                known.last = now;
                now.saturating_sub(known.first) >= SECOND_SIGHTING
            }
            _ => {
                let sighting = Sighting {
                    stamp,
                    first: now,
                    last: now,
                };
                self.sightings.insert(reference.clone(), sighting);
                false
            }
        }
    }

    /// The parameters of which an answer is older than one before, which counts only once it was seen twice. `applied`
    /// is what the caller has applied; the answer was folded into the catalog.
    pub fn judge(
        &mut self,
        catalog: &Catalog,
        applied: Option<&BTreeMap<ParameterName, Stamp>>,
        fetched: &Fetched,
        now: Duration,
    ) -> BTreeSet<ParameterName> {
        let found = fetched.parameters.iter();
        let found = found.map(|(reference, parameter)| (reference, Some(parameter.stamp)));
        let missing = fetched.missing.iter().map(|reference| (reference, None));
        let mut lagging = BTreeSet::new();
        for (reference, stamp) in found.chain(missing) {
            let applied = applied.and_then(|applied| applied.get(&reference.name));
            let behind = match applied.filter(|applied| is_pinned_at(reference, **applied)) {
                Some(applied) if catalog.fact(reference) == Fact::Unknown => {
                    self.is_behind(reference, *applied, stamp, now)
                }
                _ => catalog.is_behind(reference, stamp),
            };
            if behind {
                lagging.insert(reference.name.clone());
            }
        }
        for (read, names) in &fetched.listings {
            let names: BTreeSet<&ParameterName> = names.iter().collect();
            let known = catalog.known_below(read).into_iter();
            lagging.extend(known.filter(|name| !names.contains(name)));
        }
        lagging
    }

    fn is_behind(
        &mut self,
        reference: &ParameterRef,
        applied: Stamp,
        stamp: Option<Stamp>,
        now: Duration,
    ) -> bool {
        if goes_back(applied, stamp) {
            return !self.confirm(reference, stamp, now);
        }
        self.settle(reference);
        false
    }

    /// It was seen as it should be.
    pub fn settle(&mut self, reference: &ParameterRef) {
        self.sightings.remove(reference);
    }
}

/// Whether a reference asks for exactly the version that is applied.
fn is_pinned_at(reference: &ParameterRef, applied: Stamp) -> bool {
    reference.selector == Selector::Version(applied.version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_counts_when_seen_again_five_seconds_later_and_not_when_it_was_there_between() {
        let pinned = ParameterRef::version(ParameterName::parse("/x").unwrap(), 1);
        let at = Duration::from_secs;
        let mut doubts = Doubts::default();
        assert!(!doubts.confirm(&pinned, None, at(0)));
        assert!(!doubts.confirm(&pinned, None, at(4)));
        assert!(doubts.confirm(&pinned, None, at(5)));
        assert!(doubts.confirm(&pinned, None, at(300)), "and stays so");
        doubts.settle(&pinned);
        assert!(!doubts.confirm(&pinned, None, at(310)));
        assert!(
            !doubts.confirm(&pinned, None, at(10_000)),
            "the one before is forgotten"
        );
    }
}
