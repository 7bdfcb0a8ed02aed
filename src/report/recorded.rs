//! What status says is applied, read back.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use crate::api::{ParameterStatus, ParameterSync};
use crate::decide::PendingChange;
use crate::names::{Origin, ParameterName, SecretKey};
use crate::record::{Applied, ParameterKind, Provenance, Shape, Stamp};

/// What the object's status says is applied to the Secret `target`. It stands in where the Secret is gone or cannot be
/// trusted; a status that is incomplete says nothing.
pub fn recorded(object: &ParameterSync, target: &str) -> Option<Provenance> {
    let status = object.status.as_ref()?;
    let secret = status.secret.as_ref().filter(|secret| secret.name == target)?;
    let mut parameters: Vec<Applied> = Vec::new();
    for entry in status.parameters.as_ref()? {
        let (applied, key) = parameter(entry)?;
        let same = |known: &&mut Applied| {
            (known.source, &known.name, known.stamp) == (applied.source, &applied.name, applied.stamp)
        };
        match parameters.iter_mut().find(same) {
            Some(known) => known.keys.extend(key),
            None => parameters.push(Applied {
                keys: key.into_iter().collect(),
                ..applied
            }),
        }
    }
    Some(Provenance {
        owner: object.metadata.name.clone()?,
        origin: Origin {
            account: secret.account.clone()?,
            region: secret.region.clone()?,
        },
        shape: Shape(secret.shape.clone()?),
        secret_type: secret.secret_type.clone()?,
        owner_uid: None,
        parameters,
        template_keys: Vec::new(),
        labels: Vec::new(),
        annotations: Vec::new(),
    })
}

/// What the object's status says waits for a calendar; nothing where something else stands in the way, which is looked
/// at anew.
pub fn recorded_pending(object: &ParameterSync) -> Vec<PendingChange> {
    let Some(status) = &object.status else {
        return Vec::new();
    };
    let frozen =
        |condition: &Condition| condition.type_ == "UpToDate" && condition.reason == "FrozenByCalendar";
    if !status.conditions.iter().flatten().any(frozen) {
        return Vec::new();
    }
    let changes = status.pending.iter().flat_map(|pending| &pending.changes);
    changes
        .filter_map(|change| {
            Some(PendingChange {
                name: ParameterName::parse(&change.name).ok()?,
                from: change.from,
                to: change.to,
            })
        })
        .collect()
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

/// RFC 3339, to the millisecond, as AWS gives it.
pub(super) fn milliseconds(at: Timestamp) -> String {
    format!("{at:.3}")
}
