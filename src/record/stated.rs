//! What status states, and how a record is written there. Pure.

use jiff::Timestamp;
use thiserror::Error;

use super::{Applied, ParameterKind, Provenance, Record, Shape, Stamp};
use crate::api::{HeldKey, OriginStatus, ParameterStatus, ParameterSync, SecretStatus};
use crate::names::{Origin, ParameterName, SecretKey};

/// What `shape` begins with in the format that this release writes. The mark is in a field that every release knows: a
/// CRD of an older release drops a newer field even when it is read.
pub const FORMAT: &str = "1.";
/// The revision of a record that release 0.1 wrote, which had none.
pub const LEGACY: i64 = 0;

/// What an object's status states of its Secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stated {
    /// What is applied, as far as status says it under this object's own uid.
    pub record: Option<Record>,
    /// The revision as which the Secret is being written; nobody knows yet what came of it.
    pub writing: Option<i64>,
    /// The highest revision that stands there, whoever's: the next is above it.
    pub floor: i64,
    /// Keys that are no longer ours and that others keep in the Secret.
    pub held_by_others: Vec<HeldKey>,
}

/// Status holds a record that this release cannot read, so that nothing may be written.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "status.secret has the format {found:?}, which this release of paramsync cannot read; run the release that wrote it, or a newer one"
)]
pub struct RecordTooNew {
    /// The mark that was found.
    pub found: String,
}

/// Reads what status states of the Secret `target`. A record is believed under its own uid only; one of release 0.1,
/// which has none, is taken as the object's.
pub fn stated(object: &ParameterSync, target: &str) -> Result<Stated, RecordTooNew> {
    let Some(status) = &object.status else {
        return Ok(Stated::default());
    };
    let Some(secret) = &status.secret else {
        return Ok(Stated::default());
    };
    let record = match secret.revision {
        None => legacy(object, secret),
        Some(revision) => {
            let format = secret.shape.as_deref().unwrap_or_default();
            if !format.starts_with(FORMAT) {
                let found = format.split_once('.').map_or(format, |(mark, _)| mark);
                return Err(RecordTooNew {
                    found: found.chars().take(16).collect(),
                });
            }
            let own = secret.uid.is_some() && secret.uid == object.metadata.uid;
            if own {
                Some(current(object, secret, revision).ok_or(RecordTooNew {
                    found: format!("{FORMAT}?"),
                })?)
            } else {
                None
            }
        }
    };
    Ok(Stated {
        record: record.filter(|_| secret.name == target),
        writing: secret.writing,
        floor: secret
            .revision
            .unwrap_or(LEGACY)
            .max(secret.writing.unwrap_or(LEGACY)),
        held_by_others: secret.held_by_others.clone().unwrap_or_default(),
    })
}

/// A record of this release's format; none where it is not whole.
fn current(object: &ParameterSync, secret: &SecretStatus, revision: i64) -> Option<Record> {
    let origin = secret.origin.as_ref()?;
    let keys = |names: &Option<Vec<String>>| -> Option<Vec<SecretKey>> {
        names
            .iter()
            .flatten()
            .map(|name| SecretKey::parse(name).ok())
            .collect()
    };
    Some(Record {
        uid: secret.uid.clone()?,
        revision,
        provenance: Provenance {
            origin: Origin {
                account: origin.account.clone(),
                region: origin.region.clone(),
            },
            endpoint: origin.endpoint.clone(),
            shape: Shape(secret.shape.clone()?),
            secret_type: secret.secret_type.clone()?,
            parameters: parameters(object)?,
            template_keys: keys(&secret.template_keys)?,
            labels: secret.labels.clone().unwrap_or_default(),
            annotations: secret.annotations.clone().unwrap_or_default(),
        },
    })
}

/// A record as release 0.1 wrote it; one that is incomplete says nothing. Which labels, annotations and templates the
/// Secret has is not in it.
fn legacy(object: &ParameterSync, secret: &SecretStatus) -> Option<Record> {
    Some(Record {
        uid: object.metadata.uid.clone()?,
        revision: LEGACY,
        provenance: Provenance {
            origin: Origin {
                account: secret.account.clone()?,
                region: secret.region.clone()?,
            },
            endpoint: None,
            shape: Shape(secret.shape.clone()?),
            secret_type: secret.secret_type.clone()?,
            parameters: parameters(object)?,
            template_keys: Vec::new(),
            labels: Vec::new(),
            annotations: Vec::new(),
        },
    })
}

fn parameters(object: &ParameterSync) -> Option<Vec<Applied>> {
    let status = object.status.as_ref()?;
    let mut parameters: Vec<Applied> = Vec::new();
    for entry in status.parameters.as_ref()? {
        let (applied, key) = parameter(entry)?;
        let same = |known: &Applied| {
            (known.source, &known.name, known.stamp) == (applied.source, &applied.name, applied.stamp)
        };
        // An entry a key: those of one parameter stand together.
        match parameters.last_mut().filter(|known| same(known)) {
            Some(known) => known.keys.extend(key),
            None => parameters.push(Applied {
                keys: key.into_iter().collect(),
                ..applied
            }),
        }
    }
    Some(parameters)
}

fn parameter(entry: &ParameterStatus) -> Option<(Applied, Option<SecretKey>)> {
    let kind = match entry.parameter_type.as_str() {
        "SecureString" => ParameterKind::SecureString,
        "String" => ParameterKind::String,
        "StringList" => ParameterKind::StringList,
        _ => return None,
    };
    let applied = Applied {
        source: usize::try_from(entry.source).ok()?,
        name: ParameterName::parse(&entry.name).ok()?,
        stamp: Stamp {
            version: entry.version,
            last_modified: entry.last_modified.parse().ok()?,
        },
        kind,
        keys: Vec::new(),
    };
    let key = match &entry.key {
        Some(key) => Some(SecretKey::parse(key).ok()?),
        None => None,
    };
    Some((applied, key))
}

/// A record as status has it, beside [`parameter_entries`].
pub fn secret_status(record: &Record, name: &str, held_by_others: &[HeldKey]) -> SecretStatus {
    let provenance = &record.provenance;
    let named = |names: Vec<String>| (!names.is_empty()).then_some(names);
    SecretStatus {
        name: name.to_owned(),
        keys: i32::try_from(provenance.keys().count()).unwrap_or(i32::MAX),
        uid: Some(record.uid.clone()),
        revision: Some(record.revision),
        writing: None,
        origin: Some(OriginStatus {
            account: provenance.origin.account.clone(),
            region: provenance.origin.region.clone(),
            endpoint: provenance.endpoint.clone(),
        }),
        shape: Some(provenance.shape.0.clone()),
        secret_type: Some(provenance.secret_type.clone()),
        template_keys: named(provenance.template_keys.iter().map(ToString::to_string).collect()),
        labels: named(provenance.labels.clone()),
        annotations: named(provenance.annotations.clone()),
        held_by_others: (!held_by_others.is_empty()).then(|| held_by_others.to_vec()),
        account: None,
        region: None,
    }
}

/// One entry for each key, and one for each parameter that only feeds templates.
pub fn parameter_entries(provenance: &Provenance) -> Vec<ParameterStatus> {
    let entry = |parameter: &Applied, key: Option<String>| ParameterStatus {
        key,
        source: i32::try_from(parameter.source).unwrap_or(i32::MAX),
        name: parameter.name.to_string(),
        version: parameter.stamp.version,
        last_modified: milliseconds(parameter.stamp.last_modified),
        parameter_type: parameter.kind.as_str().to_owned(),
    };
    let entries = |parameter: &Applied| -> Vec<ParameterStatus> {
        if parameter.keys.is_empty() {
            return vec![entry(parameter, None)];
        }
        let keys = parameter.keys.iter();
        keys.map(|key| entry(parameter, Some(key.to_string()))).collect()
    };
    provenance.parameters.iter().flat_map(entries).collect()
}

/// RFC 3339, to the millisecond, as AWS gives it.
fn milliseconds(at: Timestamp) -> String {
    format!("{at:.3}")
}
