//! From parameters to keys: what each source gives, in the order of the spec.

use std::collections::{BTreeMap, BTreeSet};

use crate::decide::{FetchRequest, Purpose, SourceRead};
use crate::names::{ParameterName, ParameterRef, SecretKey};
use crate::record::{Applied, ParameterKind};
use crate::resolve::{
    Decode, Extract, NamedSource, OnCollision, ParameterTypes, PathSource, Resolved, Source,
};
use crate::source::{Fetched, FetchedParameter};
use crate::value::SecretValue;

use super::decode::{NoBase64, decoded};
use super::error::{Fault, Faults, Giver, TransformError};
use super::json::Node;
use super::keys::name_key;

/// All keys, and the parameters they come from.
pub(super) struct Gathered {
    pub(super) data: BTreeMap<SecretKey, SecretValue>,
    pub(super) parameters: Vec<Applied>,
}

/// Who gave the keys of `applied`.
pub(super) fn giver(applied: &Applied) -> Giver {
    Giver {
        parameter: applied.name.clone(),
        source: applied.source,
    }
}

/// Turns everything that was fetched into keys.
pub(super) fn gather(
    resolved: &Resolved,
    request: &FetchRequest,
    fetched: &Fetched,
) -> Result<Gathered, TransformError> {
    if request.reads.len() != resolved.sources.len() {
        return Err(mismatch("spec.sources").into());
    }
    let mut gathering = Gathering {
        fetched,
        types: resolved.parameter_types,
        on_collision: resolved.on_collision,
        repair: request.purpose == Purpose::Repair,
        given: BTreeMap::new(),
        parameters: Vec::new(),
        missing: Vec::new(),
        faults: Faults::default(),
    };
    for (at, (source, read)) in resolved.sources.iter().zip(&request.reads).enumerate() {
        match source {
            Source::Path(path) => gathering.path(at, path, read),
            Source::Named(named) => gathering.named(at, named, read),
        }
    }
    gathering.settle()
}

fn mismatch(what: &(impl ToString + ?Sized)) -> Fault {
    Fault::Mismatch {
        what: what.to_string(),
    }
}

struct Gathering<'a> {
    fetched: &'a Fetched,
    types: ParameterTypes,
    on_collision: OnCollision,
    repair: bool,
    /// Values by key, and the index of the parameter that gave each.
    given: BTreeMap<SecretKey, (SecretValue, usize)>,
    parameters: Vec<Applied>,
    missing: Vec<ParameterRef>,
    faults: Faults,
}

impl<'a> Gathering<'a> {
    fn settle(self) -> Result<Gathered, TransformError> {
        let mut faults = Faults::default();
        if !self.missing.is_empty() {
            faults.add(Fault::ParameterMissing {
                references: self.missing,
            });
        }
        faults.append(self.faults);
        faults.settle()?;
        Ok(Gathered {
            data: self
                .given
                .into_iter()
                .map(|(key, (value, _))| (key, value))
                .collect(),
            parameters: self.parameters,
        })
    }

    fn path(&mut self, source: usize, path: &PathSource, read: &SourceRead) {
        let references: BTreeSet<ParameterRef> = match read {
            SourceRead::Parameters(references) => references.iter().cloned().collect(),
            SourceRead::Path(read) => match self.fetched.listings.get(read) {
                Some(names) => names.iter().cloned().map(ParameterRef::latest).collect(),
                None => return self.faults.add(mismatch(&read.path)),
            },
        };
        for reference in &references {
            let Some((at, parameter)) = self.take(source, reference, Absence::IsFault) else {
                continue;
            };
            let Some(relative) = path.read.path.relative(&reference.name) else {
                self.faults.add(mismatch(reference));
                continue;
            };
            match name_key(&path.keys, relative) {
                Ok(key) => self.give(key, parameter.value.clone(), at),
                Err(error) => self.faults.add(Fault::InvalidKey {
                    parameter: reference.name.clone(),
                    error,
                }),
            }
        }
    }

    fn named(&mut self, source: usize, named: &NamedSource, read: &SourceRead) {
        let SourceRead::Parameters(references) = read else {
            return self.faults.add(mismatch(&named.reference));
        };
        if references.is_empty() && !named.optional {
            self.missing.push(named.reference.clone());
        }
        // A repair puts back what was there: then nothing is optional.
        let absence = if named.optional && !self.repair {
            Absence::IsFine
        } else {
            Absence::IsFault
        };
        for reference in references {
            if let Some((at, parameter)) = self.take(source, reference, absence)
                && let Err(fault) = self.extract(named, &reference.name, parameter, at)
            {
                self.faults.add(fault);
            }
        }
    }

    /// Notes a parameter as read, and gives its place in the list; none where it is missing or refused.
    fn take(
        &mut self,
        source: usize,
        reference: &ParameterRef,
        absence: Absence,
    ) -> Option<(usize, &'a FetchedParameter)> {
        let Some(parameter) = self.fetched.parameters.get(reference) else {
            if !self.fetched.missing.contains(reference) {
                self.faults.add(mismatch(reference));
            } else if absence == Absence::IsFault {
                self.missing.push(reference.clone());
            }
            return None;
        };
        if self.types == ParameterTypes::SecureStringOnly && parameter.kind != ParameterKind::SecureString {
            self.faults.add(Fault::TypeRefused {
                parameter: reference.name.clone(),
                kind: parameter.kind,
            });
            return None;
        }
        self.parameters.push(Applied {
            source,
            name: reference.name.clone(),
            stamp: parameter.stamp,
            kind: parameter.kind,
            keys: Vec::new(),
        });
        Some((self.parameters.len() - 1, parameter))
    }

    fn extract(
        &mut self,
        named: &NamedSource,
        name: &ParameterName,
        parameter: &FetchedParameter,
        at: usize,
    ) -> Result<(), Fault> {
        let value = decode(name, &parameter.value, named.decode)?;
        let in_json = |error| Fault::InvalidJson {
            parameter: name.clone(),
            error,
        };
        match &named.extract {
            Extract::Whole(key) => self.give(key.clone(), value, at),
            Extract::Members => {
                let node = Node::parse(value.expose()).map_err(in_json)?;
                for member in node.members().map_err(in_json)? {
                    let Ok(key) = SecretKey::parse(member.name()) else {
                        self.faults.add(Fault::InvalidMember {
                            parameter: name.clone(),
                        });
                        continue;
                    };
                    match member.node.value() {
                        Ok(value) => self.give(key, value, at),
                        Err(error) => self.faults.add(in_json(error)),
                    }
                }
            }
            Extract::Pointer { pointer, key } => {
                let node = Node::parse(value.expose()).map_err(in_json)?;
                let found = node.at(pointer).map_err(in_json)?;
                let found = found.ok_or_else(|| Fault::PointerMissing {
                    parameter: name.clone(),
                    pointer: pointer.clone(),
                })?;
                self.give(key.clone(), found.value().map_err(in_json)?, at);
            }
        }
        Ok(())
    }

    /// Gives `key` the value of parameter `at`. Between sources the spec says who wins; within one nobody does.
    fn give(&mut self, key: SecretKey, value: SecretValue, at: usize) {
        if let Some((_, before)) = self.given.get(&key) {
            let before = *before;
            let one_source = self.parameters[before].source == self.parameters[at].source;
            if one_source || self.on_collision == OnCollision::Fail {
                return self.faults.add(Fault::KeyCollision {
                    first: giver(&self.parameters[before]),
                    second: giver(&self.parameters[at]),
                    key,
                });
            }
            self.parameters[before].keys.retain(|other| *other != key);
        }
        self.parameters[at].keys.push(key.clone());
        self.given.insert(key, (value, at));
    }
}

/// What it means that a parameter does not exist.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Absence {
    IsFine,
    IsFault,
}

fn decode(name: &ParameterName, value: &SecretValue, decode: Decode) -> Result<SecretValue, Fault> {
    decoded(value, decode).map_err(|NoBase64| Fault::InvalidBase64 {
        parameter: name.clone(),
    })
}
