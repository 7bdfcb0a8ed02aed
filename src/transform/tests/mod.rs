//! The room's specification: one row a rule. Spec in, keys or the fault's message out.

mod faults;
mod keys;
mod record;

use std::collections::BTreeSet;
use std::time::Duration;

use super::*;
use crate::decide::{Purpose, SourceRead};
use crate::names::{
    JsonPointer, NameFilter, ObjectKey, ParameterName, ParameterPath, ParameterRef, PathRead, Selector,
};
use crate::record::{ParameterKind, Shape, Stamp};
use crate::resolve::{
    Auth, Decode, Extract, Gate, KeyNaming, KeyStyle, Limits, NamedSource, OnCollision, OnMissing,
    ParameterTypes, PathSource, Readable, StoreIdentity, Target,
};
use crate::source::FetchedParameter;
use jiff::Timestamp;

fn key(text: &str) -> SecretKey {
    SecretKey::parse(text).unwrap()
}

/// `/x`, `/x:7` or `/x:live`.
fn reference(text: &str) -> ParameterRef {
    let (name, selector) = match text.split_once(':').filter(|_| !text.starts_with("arn:")) {
        None => (text, Selector::Latest),
        Some((name, version)) => match version.parse() {
            Ok(version) => (name, Selector::Version(version)),
            Err(_) => (name, Selector::Label(version.into())),
        },
    };
    ParameterRef {
        name: ParameterName::parse(name).unwrap(),
        selector,
    }
}

fn path(path: &str) -> PathSource {
    PathSource {
        read: PathRead {
            path: ParameterPath::parse(path).unwrap(),
            recursive: true,
            filter: NameFilter::new(Vec::new(), Vec::new()).unwrap(),
        },
        keys: KeyNaming {
            style: KeyStyle::Keep,
            prefix: String::new(),
            separator: "_".into(),
        },
        on_missing: OnMissing::Prune,
    }
}

fn named(name: &str) -> NamedSource {
    let reference = reference(name);
    NamedSource {
        decode: Decode::None,
        extract: Extract::Whole(key(reference.name.last_segment())),
        reference,
        optional: false,
    }
}

fn expanded(name: &str) -> Source {
    Source::Named(NamedSource {
        extract: Extract::Members,
        ..named(name)
    })
}

fn pointed(name: &str, pointer: &str) -> Source {
    Source::Named(NamedSource {
        extract: Extract::Pointer {
            pointer: JsonPointer::parse(pointer).unwrap(),
            key: key("pointed"),
        },
        ..named(name)
    })
}

/// A spec, and what is in Parameter Store.
struct Case {
    resolved: Resolved,
    upstream: Vec<(ParameterRef, ParameterKind, Vec<u8>)>,
    origin: Option<Origin>,
    reads: Option<Vec<SourceRead>>,
    purpose: Purpose,
}

fn case(sources: impl IntoIterator<Item = Source>) -> Case {
    Case {
        resolved: Resolved {
            object: ObjectKey::new("shop", "web"),
            uid: "uid".into(),
            generation: 1,
            store: StoreIdentity {
                region: "eu-west-1".into(),
                endpoint: None,
                auth: Auth::default(),
                only_of: None,
            },
            limits: Limits {
                requests_per_second: 20,
            },
            parameter_types: ParameterTypes::Any,
            sources: sources.into_iter().collect(),
            on_collision: OnCollision::Fail,
            target: Target {
                name: "web".into(),
                secret_type: "Opaque".into(),
                labels: [("team".to_owned(), "a".to_owned())].into(),
                annotations: [("note".to_owned(), "b".to_owned())].into(),
                templates: BTreeMap::new(),
                templates_only: false,
                owned: true,
                adopt: false,
            },
            interval: Duration::from_mins(10),
            suspended: false,
            gate: Gate::default(),
            shape: Shape("shape".into()),
            legacy_shape: Shape("legacy".into()),
            sync_request: None,
        },
        upstream: Vec::new(),
        origin: Some(Origin {
            account: "111122223333".into(),
            region: "eu-west-1".into(),
        }),
        reads: None,
        purpose: Purpose::FirstSync,
    }
}

impl Case {
    fn with(self, name: &str, value: &str) -> Self {
        self.with_kind(name, ParameterKind::SecureString, value.as_bytes())
    }

    fn with_kind(mut self, name: &str, kind: ParameterKind, value: &[u8]) -> Self {
        self.upstream.push((reference(name), kind, value.to_vec()));
        self
    }

    fn template(mut self, name: &str, source: &str) -> Self {
        self.resolved.target.templates.insert(key(name), source.into());
        self
    }

    fn set(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn secret_type(self, secret_type: &str) -> Self {
        self.set(|case| case.resolved.target.secret_type = secret_type.into())
    }

    fn last_wins(self) -> Self {
        self.set(|case| case.resolved.on_collision = OnCollision::LastWins)
    }

    fn run(&self) -> Result<DesiredSecret, TransformError> {
        let read = |source: &Source| match source {
            Source::Path(path) => SourceRead::Path(Readable::unchecked(path.read.clone())),
            Source::Named(named) => {
                SourceRead::Parameters(vec![Readable::unchecked(named.reference.clone())])
            }
        };
        let request = FetchRequest {
            purpose: self.purpose,
            reads: self
                .reads
                .clone()
                .unwrap_or_else(|| self.resolved.sources.iter().map(read).collect()),
        };
        let mut fetched = Fetched {
            origin: self.origin.clone(),
            listings: BTreeMap::new(),
            parameters: BTreeMap::new(),
            missing: BTreeSet::new(),
            lagging: BTreeSet::new(),
        };
        for (reference, kind, value) in &self.upstream {
            let parameter = FetchedParameter {
                stamp: stamp(),
                kind: *kind,
                value: SecretValue::new(value.clone()),
            };
            fetched.parameters.insert(reference.clone(), parameter);
        }
        for read in &request.reads {
            match read {
                SourceRead::Path(read) => {
                    let names = self.upstream.iter().map(|(reference, ..)| reference.name.clone());
                    // Backwards: AWS promises no order.
                    let mut names: Vec<_> = names.filter(|name| read.wants(name)).collect();
                    names.reverse();
                    fetched.listings.insert((**read).clone(), names);
                }
                SourceRead::Parameters(references) => {
                    let asked = references.iter().map(|reference| (**reference).clone());
                    let absent = asked.filter(|asked| !fetched.parameters.contains_key(asked));
                    fetched.missing.extend(absent.collect::<Vec<_>>());
                }
            }
        }
        transform(&self.resolved, &request, fetched)
    }

    fn fails(&self) -> TransformError {
        self.run().err().expect("a fault")
    }
}

fn stamp() -> Stamp {
    Stamp {
        version: 7,
        last_modified: Timestamp::from_millisecond(1_700_000_000_000).unwrap(),
    }
}

fn data(secret: &DesiredSecret) -> Vec<(&str, &str)> {
    secret
        .data()
        .iter()
        .map(|(key, value)| (key.as_str(), std::str::from_utf8(value.expose()).unwrap()))
        .collect()
}

fn applied(secret: &DesiredSecret) -> Vec<(usize, &str, Vec<&str>)> {
    let applied = secret.provenance().parameters.iter();
    applied
        .map(|a| {
            (
                a.source,
                a.name.as_str(),
                a.keys.iter().map(SecretKey::as_str).collect(),
            )
        })
        .collect()
}

fn optional(name: &str) -> Source {
    Source::Named(NamedSource {
        optional: true,
        ..named(name)
    })
}
