//! A Parameter Store in memory that counts, and fails as it is told.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use jiff::Timestamp;

use crate::clock::{Clock, TestClock};
use crate::decide::{FetchRequest, Purpose, SourceRead};
use crate::names::{
    NameFilter, ObjectKey, Origin, ParameterName, ParameterPath, ParameterRef, PathRead, Selector,
};
use crate::record::{Entry, ParameterKind, SourceError, Stamp, Upstream};
use crate::resolve::Readable;
use crate::resolve::{Auth, Limits, StoreIdentity};
use crate::source::budget::Budgets;
use crate::source::call::{Answer, Call, Decryption, Fault, Found, ParameterApi};
use crate::source::connect::Connect;
use crate::source::engine::{Engine, Surroundings};
use crate::source::metrics::NoMetrics;
use crate::source::stores::Stores;
use crate::source::types::{Fetched, ParameterStores, Sweeping, Wanted};
use crate::value::SecretValue;

/// Parameters, faults to come, and what was asked.
pub struct World {
    /// By name: the stamps of all versions.
    pub parameters: BTreeMap<String, Vec<Stamp>>,
    /// By name and label: the version that carries it.
    pub labels: BTreeMap<(String, String), usize>,
    /// Names that so many decrypted answers give as they were one version before, or not at all.
    pub stale: BTreeMap<String, usize>,
    pub hidden: BTreeMap<String, usize>,
    pub denied: BTreeSet<String>,
    pub undecryptable: BTreeSet<String>,
    pub page_size: usize,
    pub empty_pages: bool,
    pub circle: bool,
    pub origin: Origin,
    pub calls: Vec<String>,
    /// How often credentials were to be read anew.
    pub renewed: usize,
    pub decrypted: usize,
    faults: Vec<Fault>,
    seconds: i64,
}

impl World {
    pub fn put(&mut self, name: &str) {
        self.seconds += 1;
        let versions = self.parameters.entry(name.into()).or_default();
        versions.push(Stamp {
            version: versions.len() as i64 + 1,
            last_modified: Timestamp::from_second(1_700_000_000 + self.seconds).unwrap(),
        });
    }

    pub fn put_many(&mut self, prefix: &str, count: usize) -> Vec<ParameterRef> {
        let names: Vec<String> = (0..count).map(|n| format!("{prefix}{n}")).collect();
        for name in &names {
            self.put(name);
        }
        names.iter().map(|name| latest(name)).collect()
    }

    pub fn remove(&mut self, name: &str) -> Vec<Stamp> {
        self.parameters.remove(name).unwrap()
    }

    pub fn stamps(&self, names: &[ParameterRef]) -> BTreeMap<ParameterName, Stamp> {
        let stamp = |name: &ParameterRef| *self.parameters[name.name.as_str()].last().unwrap();
        names
            .iter()
            .map(|name| (name.name.clone(), stamp(name)))
            .collect()
    }

    pub fn fail_next(&mut self, count: usize, code: &str) {
        let fault = match code {
            "ThrottlingException" => Fault::Throttled(code.into()),
            "ExpiredTokenException" => Fault::Credentials(code.into()),
            _ => Fault::Unavailable(code.into()),
        };
        self.faults.extend(std::iter::repeat_n(fault, count));
    }

    /// No fault is left.
    pub fn forgive(&mut self) {
        self.faults.clear();
    }

    fn answer(&mut self, call: Call) -> Result<Answer, Fault> {
        self.calls.push(match &call {
            Call::Page { key, .. } => format!("Page {}", key.path),
            Call::Names { references, .. } => format!("Names {references:?}"),
        });
        if let Some(fault) = self.faults.pop() {
            return Err(fault);
        }
        match call {
            Call::Page {
                key,
                decryption,
                token,
            } => {
                if self.denied.contains(key.path.as_str()) {
                    return Err(Fault::Denied("AccessDeniedException".into()));
                }
                let near = self
                    .parameters
                    .range(key.path.to_string()..)
                    .map(|(name, _)| name);
                let near = near.take_while(|name| name.starts_with(key.path.as_str()));
                let near = near.filter(|name| !name.starts_with("arn:"));
                let names = near.map(|name| named(name));
                let all: Vec<ParameterName> = names.filter(|name| key.shows(name)).collect();
                let from: usize = token.as_deref().map_or(0, |token| token.parse().unwrap());
                if self.empty_pages && from.is_multiple_of(2) && !self.circle {
                    return Ok(Answer {
                        next: Some((from + 1).to_string()),
                        ..Answer::default()
                    });
                }
                let start = from / 2 * self.page_size;
                let page = all
                    .iter()
                    .skip(start)
                    .take(self.page_size)
                    .cloned()
                    .map(ParameterRef::latest);
                let next = (start + self.page_size < all.len()).then(|| (from / 2 * 2 + 2).to_string());
                let next = if self.circle { Some("0".into()) } else { next };
                let found = page
                    .map(|name| self.find(&name, decryption))
                    .collect::<Result<Vec<_>, _>>()?;
                self.count(decryption, found.len());
                Ok(Answer {
                    found: found.into_iter().flatten().collect(),
                    missing: vec![],
                    next,
                })
            }
            Call::Names {
                references,
                decryption,
            } => {
                assert!(references.len() <= 10);
                let (mut found, mut missing) = (vec![], vec![]);
                for reference in references {
                    if self.denied.contains(reference.name.as_str()) {
                        return Err(Fault::Denied("AccessDeniedException".into()));
                    }
                    match self.find(&reference, decryption)? {
                        Some(one) => found.push(one),
                        None => missing.push(reference),
                    }
                }
                self.count(decryption, found.len());
                Ok(Answer {
                    found,
                    missing,
                    next: None,
                })
            }
        }
    }

    fn count(&mut self, decryption: Decryption, count: usize) {
        if decryption == Decryption::On {
            self.decrypted += count;
        }
    }

    fn find(&mut self, reference: &ParameterRef, decryption: Decryption) -> Result<Option<Found>, Fault> {
        let name = reference.name.as_str();
        if decryption == Decryption::On && lags(&mut self.hidden, name) {
            return Ok(None);
        }
        let behind = usize::from(decryption == Decryption::On && lags(&mut self.stale, name));
        if decryption == Decryption::On && self.undecryptable.contains(name) {
            return Err(Fault::Undecryptable("KMS.DisabledException".into()));
        }
        let versions = self.parameters.get(name);
        let stamp = versions.and_then(|versions| match &reference.selector {
            Selector::Version(version) => versions.get(*version as usize - 1),
            Selector::Label(label) => {
                let version = self.labels.get(&(name.to_owned(), label.to_string()))?;
                versions.get(version - 1 - behind)
            }
            Selector::Latest => versions.get(versions.len() - 1 - behind),
        });
        let value = || SecretValue::new(format!("value of {name}").into_bytes());
        Ok(stamp.map(|stamp| Found {
            reference: reference.clone(),
            entry: Entry {
                stamp: *stamp,
                kind: ParameterKind::SecureString,
            },
            origin: Some(match reference.name.shared_from() {
                None => self.origin.clone(),
                Some((region, account)) => Origin {
                    account: account.into(),
                    region: region.into(),
                },
            }),
            value: (decryption == Decryption::On).then(value),
        }))
    }
}

/// Whether this answer lags; counts it.
fn lags(left: &mut BTreeMap<String, usize>, name: &str) -> bool {
    let Some(left) = left.get_mut(name).filter(|left| **left > 0) else {
        return false;
    };
    *left -= 1;
    true
}

/// The scripted API: 20 ms a call.
pub struct Script(Arc<Mutex<World>>);

impl ParameterApi for Script {
    async fn call(&self, call: Call) -> Result<Answer, Fault> {
        tokio::time::sleep(Duration::from_millis(20)).await;
        self.0.lock().unwrap().answer(call)
    }

    fn renew(&self) {
        self.0.lock().unwrap().renewed += 1;
    }
}

impl Connect for Script {
    type Api = Self;

    fn connect(&self, _identity: &StoreIdentity) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// A world and the stores that read it.
pub struct Stage {
    pub stores: Stores<Script>,
    world: Arc<Mutex<World>>,
    triggers: Arc<Mutex<Vec<String>>>,
    standings: Arc<Mutex<usize>>,
    clock: Arc<TestClock>,
}

impl Stage {
    pub fn new() -> Self {
        let world = Arc::new(Mutex::new(World {
            parameters: BTreeMap::new(),
            labels: BTreeMap::new(),
            stale: BTreeMap::new(),
            hidden: BTreeMap::new(),
            denied: BTreeSet::new(),
            undecryptable: BTreeSet::new(),
            page_size: 10,
            empty_pages: false,
            circle: false,
            origin: Origin {
                account: "111122223333".into(),
                region: "eu-west-1".into(),
            },
            calls: vec![],
            renewed: 0,
            decrypted: 0,
            faults: vec![],
            seconds: 0,
        }));
        let triggers = Arc::new(Mutex::new(vec![]));
        let told = Arc::clone(&triggers);
        let standings = Arc::new(Mutex::new(0));
        let retold = Arc::clone(&standings);
        let clock = Arc::new(TestClock::running(Timestamp::from_second(1_800_000_000).unwrap()));
        let stores = Stores::new(
            Script(Arc::clone(&world)),
            Arc::clone(&clock) as Arc<dyn Clock>,
            Arc::new(NoMetrics),
            move |object: ObjectKey| told.lock().unwrap().push(object.name.to_string()),
            move |_: &StoreIdentity| *retold.lock().unwrap() += 1,
        );
        Self {
            stores,
            world,
            triggers,
            standings,
            clock,
        }
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    /// What a pass does: says what an object wants, and looks at what is known of it.
    pub fn subscribe(&self, object: &ObjectKey, wanted: Wanted) -> Upstream {
        self.stores.subscribe(object, wanted);
        self.stores.look(object)
    }

    /// Who was told to look since the last time, each once, and looks now.
    pub fn triggers(&self) -> Vec<String> {
        let mut told = std::mem::take(&mut *self.triggers.lock().unwrap());
        told.sort_unstable();
        told.dedup();
        for name in &told {
            self.stores.look(&object(name));
        }
        told
    }

    /// How often the store was told that its standing is another.
    pub fn standings(&self) -> usize {
        std::mem::take(&mut *self.standings.lock().unwrap())
    }

    pub fn clock(&self) -> Duration {
        self.clock.monotonic()
    }

    pub fn since(&self, began: Duration) -> Duration {
        self.clock().saturating_sub(began)
    }

    /// An engine of its own beside the stores, which tells the same ones.
    pub fn engine(&self) -> Arc<Engine<Script>> {
        let told = Arc::clone(&self.triggers);
        let around = Surroundings {
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            metrics: Arc::new(NoMetrics),
            triggers: Box::new(move |object| told.lock().unwrap().push(object.name.to_string())),
            standings: Box::new(|_| {}),
            budgets: Budgets::default(),
        };
        Engine::new(identity(), Script(Arc::clone(&self.world)), Arc::new(around))
    }

    /// Fetches as the object `a`.
    pub fn fetch(&self, request: FetchRequest) -> impl Future<Output = Result<Fetched, SourceError>> + use<> {
        self.fetch_as("a", request)
    }

    pub fn fetch_as(
        &self,
        name: &str,
        request: FetchRequest,
    ) -> impl Future<Output = Result<Fetched, SourceError>> + use<> {
        let (stores, object) = (self.stores.clone(), object(name));
        async move { stores.fetch(&object, &identity(), &request).await }
    }
}

pub fn identity() -> StoreIdentity {
    StoreIdentity {
        region: "eu-west-1".into(),
        endpoint: None,
        auth: Auth::default(),
        only_of: None,
    }
}

pub fn object(name: &str) -> ObjectKey {
    ObjectKey::new("shop", name)
}

pub fn named(text: &str) -> ParameterName {
    ParameterName::parse(text).unwrap()
}

pub fn latest(text: &str) -> ParameterRef {
    ParameterRef::latest(named(text))
}

pub fn path(text: &str) -> PathRead {
    PathRead {
        path: ParameterPath::parse(text).unwrap(),
        recursive: false,
        filter: NameFilter::new(vec![], vec![]).unwrap(),
    }
}

pub fn wanted(paths: &[PathRead], names: &[ParameterRef]) -> Wanted {
    Wanted {
        sweeping: Sweeping::On,
        store: identity(),
        limits: Limits {
            requests_per_second: 20,
        },
        interval: Duration::from_mins(1),
        paths: paths.iter().cloned().collect(),
        parameters: names.iter().cloned().collect(),
        applied: BTreeMap::new(),
        applied_origin: None,
        forced: None,
    }
}

pub fn request(purpose: Purpose, reads: Vec<SourceRead>) -> FetchRequest {
    FetchRequest { purpose, reads }
}

pub fn read_path(text: &str) -> FetchRequest {
    request(
        Purpose::FirstSync,
        vec![SourceRead::Path(Readable::unchecked(path(text)))],
    )
}

pub fn read_names(names: &[ParameterRef]) -> FetchRequest {
    let names = names.iter().cloned().map(Readable::unchecked).collect();
    request(Purpose::FirstSync, vec![SourceRead::Parameters(names)])
}
