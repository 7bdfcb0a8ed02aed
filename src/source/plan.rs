//! What is swept, and how often. Pure.
//!
//! A path that lies below another swept path, and a name that a swept path shows, are not asked for again. Names share
//! ticks by interval so that they pack in full tens. When half of the rate is too little for all of it, every interval
//! is stretched by the same factor.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::names::{ParameterPath, ParameterRef, Selector};
use crate::schedule;
use crate::source::batch;
use crate::source::call::PathKey;

/// A demand that is over the budget by less is rounding.
const ROUNDING: f64 = 1e-6;

/// One thing to sweep.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Item {
    /// A listing.
    Path(PathKey),
    /// A name, packed with others.
    Name(ParameterRef),
}

/// What subscribers want, before anything is saved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Demand {
    /// Paths, at the shortest interval wanted.
    pub paths: BTreeMap<PathKey, Duration>,
    /// Names, at the shortest interval wanted.
    pub names: BTreeMap<ParameterRef, Duration>,
}

/// What is really swept.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// At which interval, the stretch included.
    pub items: BTreeMap<Item, Duration>,
    /// What shows the rest.
    pub covered: BTreeMap<Item, PathKey>,
    /// By how much intervals are stretched: 1 or more, in steps of a half.
    pub stretch: f64,
}

impl Demand {
    /// Raises the demand for an item to `interval`.
    pub fn path(&mut self, key: PathKey, interval: Duration) {
        let wanted = self.paths.entry(key).or_insert(interval);
        *wanted = (*wanted).min(interval);
    }

    /// Raises the demand for a name to `interval`.
    pub fn name(&mut self, reference: ParameterRef, interval: Duration) {
        let wanted = self.names.entry(reference).or_insert(interval);
        *wanted = (*wanted).min(interval);
    }

    /// Makes the plan. `healthy`: whether a path can be listed, so that it may stand in for others; `pages`: how
    /// many calls a listing takes; `budget`: sweeps a second.
    pub fn plan(
        &self,
        healthy: impl Fn(&PathKey) -> bool,
        pages: impl Fn(&PathKey) -> usize,
        budget: f64,
    ) -> Plan {
        let mut plan = Plan {
            stretch: 1.0,
            ..Plan::default()
        };
        let stands_in = |key: &PathKey, interval: Duration| {
            self.paths.get(key).is_some_and(|swept| *swept <= interval) && healthy(key)
        };
        for (key, interval) in &self.paths {
            let cover = covers(&key.path, key.recursive).find(|above| stands_in(above, *interval));
            match cover {
                Some(above) if above != *key => plan.covered.insert(Item::Path(key.clone()), above).map(drop),
                _ => plan.items.insert(Item::Path(key.clone()), *interval).map(drop),
            };
        }
        for (reference, interval) in &self.names {
            let cover = listed_by(reference)
                .into_iter()
                .flat_map(|parent| covers(&parent, false).collect::<Vec<_>>())
                .find(|above| stands_in(above, *interval));
            let item = Item::Name(reference.clone());
            match cover {
                Some(above) => plan.covered.insert(item, above).map(drop),
                None => plan.items.insert(item, *interval).map(drop),
            };
        }
        plan.stretch(pages, budget);
        plan
    }
}

impl Plan {
    /// What shows `item`: itself, or the path above it.
    pub fn root(&self, item: &Item) -> Item {
        match self.covered.get(item) {
            Some(above) => Item::Path(above.clone()),
            None => item.clone(),
        }
    }

    fn stretch(&mut self, pages: impl Fn(&PathKey) -> usize, budget: f64) {
        let mut names: BTreeMap<Duration, usize> = BTreeMap::new();
        let mut demand = 0.0;
        for (item, interval) in &self.items {
            match item {
                Item::Path(key) => demand += pages(key).max(1) as f64 / seconds(*interval),
                Item::Name(_) => *names.entry(*interval).or_default() += 1,
            }
        }
        for (interval, count) in names {
            demand += batch::calls(count) as f64 / seconds(interval);
        }
        if demand > budget + ROUNDING {
            self.stretch = (demand / budget * 2.0 - ROUNDING).ceil() / 2.0;
            for interval in self.items.values_mut() {
                *interval = interval.mul_f64(self.stretch);
            }
        }
    }
}

impl Item {
    /// Where in its interval its ticks lie: paths spread, names of one interval meet.
    pub fn phase(&self, region: &str, identity: &str, interval: Duration) -> Duration {
        match self {
            Self::Path(key) => {
                let depth = if key.recursive { "deep" } else { "flat" };
                schedule::phase(&[identity, region, key.path.as_str(), depth], interval)
            }
            Self::Name(_) => schedule::phase(&[identity, region, "names"], interval),
        }
    }
}

/// The path whose own level shows `reference`; none for versions, labels and shared parameters.
fn listed_by(reference: &ParameterRef) -> Option<ParameterPath> {
    if reference.selector != Selector::Latest || reference.name.shared_from().is_some() {
        return None;
    }
    parent(reference.name.path())
}

/// Listings that show all that one of `path` shows, the widest first.
fn covers(path: &ParameterPath, recursive: bool) -> impl Iterator<Item = PathKey> {
    let wide = ancestors(path).into_iter().map(|path| PathKey {
        path,
        recursive: true,
    });
    let own = (!recursive).then(|| PathKey {
        path: path.clone(),
        recursive: false,
    });
    wide.chain(own)
}

/// `path` itself and all above it, the root first.
fn ancestors(path: &ParameterPath) -> Vec<ParameterPath> {
    let mut all = vec![path.clone()];
    while let Some(above) = all.last().and_then(|last| parent(last.as_str())) {
        all.push(above);
    }
    all.reverse();
    all
}

fn parent(path: &str) -> Option<ParameterPath> {
    if path == "/" {
        return None;
    }
    let above = &path[..path.rfind('/')?];
    ParameterPath::parse(if above.is_empty() { "/" } else { above }).ok()
}

/// All listings that show `reference`.
pub fn shown_by(reference: &ParameterRef) -> Vec<PathKey> {
    let Some(own) = listed_by(reference) else {
        return vec![];
    };
    let wide = ancestors(&own).into_iter().map(|path| PathKey {
        path,
        recursive: true,
    });
    wide.chain([PathKey {
        path: own.clone(),
        recursive: false,
    }])
    .collect()
}

fn seconds(interval: Duration) -> f64 {
    interval.as_secs_f64().max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::ParameterName;

    const MINUTE: Duration = Duration::from_mins(1);

    fn deep(path: &str) -> PathKey {
        PathKey {
            path: ParameterPath::parse(path).unwrap(),
            recursive: true,
        }
    }

    fn flat(path: &str) -> PathKey {
        PathKey {
            recursive: false,
            ..deep(path)
        }
    }

    fn latest(name: &str) -> ParameterRef {
        ParameterRef::latest(ParameterName::parse(name).unwrap())
    }

    fn plan(demand: &Demand) -> Plan {
        demand.plan(|_| true, |_| 1, 10.0)
    }

    #[test]
    fn what_a_swept_path_shows_is_not_asked_for_again() {
        let other = ParameterRef::version(ParameterName::parse("/web/x").unwrap(), 7);
        let shared = latest("arn:aws:ssm:eu-west-1:111122223333:parameter/web/x");
        // (paths, what is asked for, whether it is covered)
        for (paths, item, covered) in [
            (vec![deep("/web")], Item::Path(flat("/web")), true),
            (vec![deep("/web")], Item::Path(deep("/web/api")), true),
            (vec![deep("/")], Item::Path(deep("/web/api")), true),
            (vec![flat("/web")], Item::Path(flat("/web/api")), false),
            (vec![flat("/web")], Item::Path(deep("/web")), false),
            (vec![deep("/web")], Item::Path(flat("/website")), false),
            (vec![flat("/web")], Item::Name(latest("/web/x")), true),
            (vec![flat("/web")], Item::Name(latest("/web/a/x")), false),
            (vec![deep("/")], Item::Name(latest("/x")), true),
            (vec![flat("/web")], Item::Name(other), false),
            (vec![deep("/web")], Item::Name(shared), false),
        ] {
            let mut demand = Demand::default();
            for path in paths {
                demand.path(path, MINUTE);
            }
            match item.clone() {
                Item::Path(key) => demand.path(key, MINUTE),
                Item::Name(reference) => demand.name(reference, MINUTE),
            }
            let plan = plan(&demand);
            assert_eq!(plan.covered.contains_key(&item), covered, "{item:?}");
            assert_eq!(plan.items.contains_key(&item), !covered, "{item:?}");
        }
    }

    #[test]
    fn a_path_swept_less_often_or_refused_stands_in_for_nobody() {
        let mut demand = Demand::default();
        demand.path(deep("/web"), MINUTE * 10);
        demand.name(latest("/web/x"), MINUTE);
        assert!(plan(&demand).covered.is_empty());
        demand.name(latest("/web/y"), MINUTE * 10);
        assert_eq!(plan(&demand).covered.len(), 1);
        assert!(demand.plan(|_| false, |_| 1, 10.0).covered.is_empty());
    }

    #[test]
    fn the_widest_path_covers_all_below_it() {
        let mut demand = Demand::default();
        for path in ["/", "/a", "/a/b", "/a/b/c"] {
            demand.path(deep(path), MINUTE);
        }
        let plan = plan(&demand);
        assert_eq!(plan.items.len(), 1);
        assert!(plan.covered.values().all(|above| *above == deep("/")));
    }

    #[test]
    fn intervals_stretch_when_half_of_the_rate_is_too_little() {
        let mut demand = Demand::default();
        for n in 0..1000 {
            demand.path(flat(&format!("/team{n}")), Duration::from_secs(30));
        }
        // 1,000 calls each 30 s are 33.3 a second; 10 are allowed.
        let stretched = plan(&demand);
        assert!((stretched.stretch - 3.5).abs() < f64::EPSILON);
        assert!(stretched.items.values().all(|i| *i == Duration::from_secs(105)));
        assert!((demand.plan(|_| true, |_| 1, 50.0).stretch - 1.0).abs() < f64::EPSILON);
    }

    #[test]
    fn ten_names_cost_one_call() {
        let mut demand = Demand::default();
        for n in 0..100 {
            demand.name(latest(&format!("/n{n}")), Duration::from_secs(10));
        }
        assert!((demand.plan(|_| true, |_| 1, 1.0).stretch - 1.0).abs() < f64::EPSILON);
    }

    #[test]
    fn names_of_one_interval_meet_and_paths_spread() {
        let phase = |item: Item| item.phase("eu-west-1", "", MINUTE);
        assert_eq!(phase(Item::Name(latest("/a"))), phase(Item::Name(latest("/b"))));
        assert_ne!(phase(Item::Path(deep("/a"))), phase(Item::Path(deep("/b"))));
    }
}
