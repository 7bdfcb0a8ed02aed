//! What the engine answers: to an object, and of the store as a whole. Pure.

use super::Core;
use crate::names::{ObjectKey, ParameterRef};
use crate::record::Upstream;
use crate::source::catalog::Fact;
use crate::source::engine::subscribers;
use crate::source::plan::Item;
use crate::source::types::{StoreStanding, Wanted};

impl Core {
    /// What is known of all that `object` wants, for a report.
    pub fn look(&mut self, object: &ObjectKey) -> Upstream {
        let upstream = self.upstream(object);
        if self.subscribers.get(object).is_some() {
            self.looks.mark(object, &upstream);
        }
        upstream
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
        // What a wider path of others shows is swept by itself as soon as that one fails: its fault is not told here.
        let mut items = subscribers::items(wanted);
        let fault = self
            .refusal
            .fault()
            .or_else(|| items.find_map(|item| self.sweeps.fault(&item)));
        Upstream {
            origin: self.catalog.origin().filter(|_| reads_own(wanted)).cloned(),
            listings: listings.collect(),
            parameters: parameters.collect(),
            fault: fault.cloned(),
            effective_interval: self.pace.told().map(|stretch| wanted.interval.mul_f64(stretch)),
            forced: self.forced.done(object).map(ToOwned::to_owned),
        }
    }

    /// What is known of all that is read as this identity.
    pub fn standing(&self) -> StoreStanding {
        let plan = self.sweeps.plan();
        let shortest = plan.items.values().min().filter(|_| plan.stretch > 1.0);
        StoreStanding {
            origin: self.catalog.origin().cloned(),
            fault: self.refusal.fault().cloned(),
            interval: shortest.copied(),
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
}

/// Whether an object reads anything of the store's own account: what is named by ARN has the ARN's.
pub(super) fn reads_own(wanted: &Wanted) -> bool {
    let mut named = wanted.parameters.iter();
    !wanted.paths.is_empty() || named.any(|reference| reference.name.shared_from().is_none())
}
