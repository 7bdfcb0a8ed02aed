//! What one caller of `fetch` waits for, and what it has so far. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::decide::{FetchRequest, Purpose, SourceRead};
use crate::names::{Origin, ParameterRef, PathRead, Selector};
use crate::record::SourceError;
use crate::source::call::{Decryption, Found, PathKey};
use crate::source::types::{Fetched, FetchedParameter};

/// The smallest thing that callers share.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unit {
    /// All that lies below a path.
    Listing(PathKey, Decryption),
    /// One parameter, decrypted.
    Name(ParameterRef),
}

impl Unit {
    /// Its path or name, for messages.
    pub fn label(&self) -> String {
        match self {
            Self::Listing(key, _) => key.path.to_string(),
            Self::Name(reference) => reference.to_string(),
        }
    }
}

/// One call of `fetch`.
pub struct Job {
    /// Why.
    pub purpose: Purpose,
    /// When it must end, monotonic.
    pub deadline: Duration,
    paths: BTreeSet<PathRead>,
    named: BTreeSet<ParameterRef>,
    waiting: BTreeSet<Unit>,
    fetched: Fetched,
}

impl Job {
    /// What `request` asks for.
    pub fn new(request: &FetchRequest, deadline: Duration) -> Self {
        let (mut paths, mut named) = (BTreeSet::new(), BTreeSet::new());
        for read in &request.reads {
            match read {
                SourceRead::Path(read) => drop(paths.insert((**read).clone())),
                SourceRead::Parameters(references) => {
                    named.extend(references.iter().map(|reference| (**reference).clone()));
                }
            }
        }
        Self {
            purpose: request.purpose,
            deadline,
            paths,
            named,
            waiting: BTreeSet::new(),
            fetched: Fetched {
                origin: None,
                listings: BTreeMap::new(),
                parameters: BTreeMap::new(),
                missing: BTreeSet::new(),
                lagging: BTreeSet::new(),
            },
        }
    }

    /// Whether `unit` is part of what it needs, now or later.
    pub fn needs(&self, unit: &Unit) -> bool {
        match unit {
            Unit::Listing(key, Decryption::Off) => self.keys().contains(key),
            Unit::Listing(_, Decryption::On) => false,
            Unit::Name(reference) => {
                self.named.contains(reference)
                    || reference.selector == Selector::Latest
                        && self.paths.iter().any(|read| read.wants(&reference.name))
            }
        }
    }

    /// What to ask for first. A path without a filter is read with its values at once, unless `apart` says that one of
    /// them is known to fail; one with a filter is listed first, so that nothing unwanted is decrypted.
    pub fn begin(&mut self, apart: impl Fn(&PathKey) -> bool) -> BTreeSet<Unit> {
        for key in self.keys() {
            let whole = self.of(&key).any(|read| read.filter.is_all()) && !apart(&key);
            let decryption = if whole { Decryption::On } else { Decryption::Off };
            self.waiting.insert(Unit::Listing(key, decryption));
        }
        let listed: Vec<PathKey> = self.listed_whole().cloned().collect();
        let apart = |reference: &&ParameterRef| !listed.iter().any(|key| shows(key, reference));
        let named: Vec<Unit> = self.named.iter().filter(apart).cloned().map(Unit::Name).collect();
        self.waiting.extend(named);
        self.waiting.clone()
    }

    /// A decrypted listing failed as a whole: what to ask for in its place.
    pub fn take_apart(&mut self, key: &PathKey) -> Vec<Unit> {
        self.waiting.remove(&Unit::Listing(key.clone(), Decryption::On));
        let mut instead = vec![Unit::Listing(key.clone(), Decryption::Off)];
        instead.extend(self.named_below(key).into_iter().map(Unit::Name));
        self.waiting.extend(instead.iter().cloned());
        instead
    }

    /// Takes a listing in; gives the names that must be read now.
    pub fn listed(
        &mut self,
        key: &PathKey,
        decryption: Decryption,
        found: &[Found],
    ) -> Result<Vec<Unit>, SourceError> {
        self.waiting.remove(&Unit::Listing(key.clone(), decryption));
        for one in found {
            self.came_from(one)?;
        }
        let reads: Vec<PathRead> = self.of(key).cloned().collect();
        let mut more = vec![];
        for read in reads {
            let wanted = found.iter().filter(|one| read.wants(&one.reference.name));
            let mut names = vec![];
            for one in wanted {
                names.push(one.reference.name.clone());
                let unit = Unit::Name(one.reference.clone());
                if decryption == Decryption::On {
                    self.keep(one)?;
                } else if !self.fetched.parameters.contains_key(&one.reference)
                    && self.waiting.insert(unit.clone())
                {
                    more.push(unit);
                }
            }
            self.fetched.listings.insert(read, names);
        }
        if decryption == Decryption::On {
            for reference in self.named_below(key) {
                match found.iter().find(|one| one.reference == reference) {
                    Some(one) => self.keep(one)?,
                    None => drop(self.fetched.missing.insert(reference)),
                }
            }
        }
        Ok(more)
    }

    /// Takes one parameter in; `None`: it does not exist.
    pub fn read(&mut self, reference: &ParameterRef, found: Option<&Found>) -> Result<(), SourceError> {
        self.waiting.remove(&Unit::Name(reference.clone()));
        match found {
            Some(one) => {
                self.came_from(one)?;
                self.keep(one)
            }
            None if self.named.contains(reference) => {
                self.fetched.missing.insert(reference.clone());
                Ok(())
            }
            // A listing named it a moment ago: one of the two reads lags behind.
            None => Err(SourceError::Unavailable {
                code: "ListingChanged".into(),
            }),
        }
    }

    /// Whether nothing is waited for.
    pub fn is_done(&self) -> bool {
        self.waiting.is_empty()
    }

    /// What it got.
    pub fn finish(self) -> Fetched {
        self.fetched
    }

    fn keys(&self) -> BTreeSet<PathKey> {
        self.paths.iter().map(PathKey::from).collect()
    }

    fn of<'a>(&'a self, key: &'a PathKey) -> impl Iterator<Item = &'a PathRead> {
        self.paths.iter().filter(move |read| PathKey::from(*read) == *key)
    }

    fn listed_whole(&self) -> impl Iterator<Item = &PathKey> {
        self.waiting.iter().filter_map(|unit| match unit {
            Unit::Listing(key, Decryption::On) => Some(key),
            _ => None,
        })
    }

    fn named_below(&self, key: &PathKey) -> Vec<ParameterRef> {
        let below = self.named.iter().filter(|reference| shows(key, reference));
        below.cloned().collect()
    }

    fn keep(&mut self, found: &Found) -> Result<(), SourceError> {
        let value = found.value.clone().ok_or_else(|| SourceError::Unavailable {
            code: "NoValue".into(),
        })?;
        self.fetched.parameters.insert(
            found.reference.clone(),
            FetchedParameter {
                stamp: found.entry.stamp,
                kind: found.entry.kind,
                value,
            },
        );
        Ok(())
    }

    /// All of one Secret comes from one account and region.
    fn came_from(&mut self, found: &Found) -> Result<(), SourceError> {
        match (&self.fetched.origin, own_origin(found)) {
            (Some(known), Some(origin)) if known != origin => Err(SourceError::Unavailable {
                code: "OriginChanged".into(),
            }),
            (None, Some(origin)) => {
                self.fetched.origin = Some(origin.clone());
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// Where the store's own parameters come from; a parameter named by ARN says nothing about that.
pub fn own_origin(found: &Found) -> Option<&Origin> {
    found
        .origin
        .as_ref()
        .filter(|_| found.reference.name.shared_from().is_none())
}

fn shows(key: &PathKey, reference: &ParameterRef) -> bool {
    reference.selector == Selector::Latest && key.shows(&reference.name)
}
