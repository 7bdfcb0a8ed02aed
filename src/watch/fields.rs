//! Who set which field of a Secret, by its `managedFields`. Pure.
//!
//! The API server records there which manager set which field. A change of a value by somebody else moves that field
//! from our entry to theirs, so drift is seen without reading a value. Whoever may write the Secret may forge it: that
//! hides a value written by hand, and brings none of ours in.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
use serde_json::Value;

use crate::names::SecretKey;
use crate::record::{ANNOTATION, FIELD_MANAGER, LEGACY, MANAGED_LABEL, Provenance, Record, SEAL, WRITTEN_AT};

/// Others overwrite it by habit, so that it is no sign of drift.
const MANAGED_BY_LABEL: &str = "app.kubernetes.io/managed-by";

/// A field by its place, in the words of `managedFields`: `f:data`, `f:KEY`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Field<'a> {
    parents: &'static [&'static str],
    name: Cow<'a, str>,
}

const DATA: &[&str] = &["f:data"];
const STRING_DATA: &[&str] = &["f:stringData"];
const LABELS: &[&str] = &["f:metadata", "f:labels"];
const ANNOTATIONS: &[&str] = &["f:metadata", "f:annotations"];
const TOP: &[&str] = &[];

impl<'a> Field<'a> {
    fn at(parents: &'static [&'static str], name: impl Into<Cow<'a, str>>) -> Self {
        let name = name.into();
        Self { parents, name }
    }

    pub(super) fn data(key: &'a str) -> Self {
        Self::at(DATA, key)
    }

    /// The same key as `stringData` would set it.
    pub(super) fn as_string_data(&self) -> Option<Self> {
        (self.parents == DATA).then(|| Self::at(STRING_DATA, self.name.clone()))
    }

    fn is_in(&self, fields: &Value) -> bool {
        let parent = self.parents.iter().try_fold(fields, |value, key| value.get(key));
        parent.is_some_and(|parent| parent.get(format!("f:{}", self.name)).is_some())
    }
}

impl std::fmt::Display for Field<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for parent in self.parents {
            write!(f, "{}.", parent.trim_start_matches("f:"))?;
        }
        f.write_str(&self.name)
    }
}

/// Whether a Secret carries what every release since 0.2 writes beside the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stamped {
    /// The seal, and when it was written.
    Sealed,
    /// Neither: it was written by release 0.1.
    Unsealed,
}

impl Stamped {
    /// What a Secret carries that was written as `record` says.
    pub fn of(record: &Record) -> Self {
        if record.revision == LEGACY {
            Self::Unsealed
        } else {
            Self::Sealed
        }
    }
}

/// All that we set and want to keep, in order.
pub(super) fn expected(provenance: &Provenance, stamped: Stamped) -> BTreeSet<Field<'_>> {
    let mut fields: BTreeSet<Field<'_>> = provenance.keys().map(|key| Field::data(key.as_str())).collect();
    let labels = provenance.labels.iter().map(String::as_str);
    fields.extend(labels.chain([MANAGED_LABEL]).map(|name| Field::at(LABELS, name)));
    let annotations = provenance.annotations.iter().map(String::as_str);
    fields.extend(
        annotations
            .chain([ANNOTATION])
            .map(|name| Field::at(ANNOTATIONS, name)),
    );
    if stamped == Stamped::Sealed {
        fields.extend([SEAL, WRITTEN_AT].map(|name| Field::at(ANNOTATIONS, name)));
    }
    fields.insert(Field::at(TOP, "type"));
    fields
}

/// All that an entry holds of what an apply of ours may set, in order; owner references are dealt with by themselves.
fn held(entry: &ManagedFieldsEntry) -> BTreeSet<Field<'_>> {
    let Some(fields) = &entry.fields_v1 else {
        return BTreeSet::new();
    };
    let below = |parents: &'static [&'static str]| {
        let parent = parents.iter().try_fold(&fields.0, |value, key| value.get(key));
        let names = parent.and_then(Value::as_object).into_iter().flatten();
        names.filter_map(move |(name, _)| Some(Field::at(parents, name.strip_prefix("f:")?)))
    };
    let mut held: BTreeSet<Field<'_>> = [DATA, LABELS, ANNOTATIONS].into_iter().flat_map(below).collect();
    held.remove(&Field::at(LABELS, MANAGED_BY_LABEL));
    held.extend(below(TOP).filter(|field| *field.name == *"type"));
    held
}

/// A fingerprint of fields; never 0, which stands for no entry at all.
fn fingerprint(fields: &BTreeSet<Field<'_>>) -> u64 {
    let mut hasher = DefaultHasher::new();
    fields.hash(&mut hasher);
    hasher.finish().max(1)
}

/// The fingerprint of what `managedFields` gives to us in a Secret that is as we wrote it.
pub fn expected_fields(provenance: &Provenance, stamped: Stamped) -> u64 {
    fingerprint(&expected(provenance, stamped))
}

/// The fingerprint of what `managedFields` gives to our apply; 0 where it gives nothing.
pub(super) fn fields_of_ours(entries: &[ManagedFieldsEntry]) -> u64 {
    ours(entries).map_or(0, |entry| fingerprint(&held(entry)))
}

pub(super) fn ours(entries: &[ManagedFieldsEntry]) -> Option<&ManagedFieldsEntry> {
    entries.iter().find(|entry| is_ours(entry))
}

fn is_ours(entry: &ManagedFieldsEntry) -> bool {
    entry.manager.as_deref() == Some(FIELD_MANAGER)
        && entry.operation.as_deref() == Some("Apply")
        && entry.subresource.is_none()
}

fn owns(entry: &ManagedFieldsEntry, field: &Field<'_>) -> bool {
    entry
        .fields_v1
        .as_ref()
        .is_some_and(|fields| field.is_in(&fields.0))
}

/// Whether somebody applied `stringData` for a key of ours as late as our last write, or later. The API server turns
/// that into `data` without taking the key's ownership from us, so only the times tell; they count whole seconds, and
/// an equal second counts as theirs.
pub(super) fn overwritten_by_string_data(entries: &[ManagedFieldsEntry]) -> bool {
    let Some(ours) = ours(entries) else {
        return false;
    };
    let written = |entry: &ManagedFieldsEntry| entry.time.as_ref().map(|time| time.0);
    let keys: Vec<Field<'_>> = held(ours).iter().filter_map(Field::as_string_data).collect();
    entries
        .iter()
        .filter(|entry| !is_ours(entry) && written(entry) >= written(ours))
        .any(|entry| keys.iter().any(|key| owns(entry, key)))
}

/// What we set and do not own any more, and the field managers that own it now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drift {
    /// Fields, as `data.DB_PASSWORD` or `metadata.labels.team`.
    pub lost: Vec<String>,
    /// The managers that own any of it; where nobody does (a key was removed), the one that wrote last.
    pub rivals: Vec<String>,
}

/// Compares what `managedFields` says with what we set.
pub(super) fn drift(entries: &[ManagedFieldsEntry], provenance: &Provenance, stamped: Stamped) -> Drift {
    let mine = ours(entries);
    let written = |entry: &ManagedFieldsEntry| entry.time.as_ref().map(|time| time.0);
    let others = || entries.iter().filter(|entry| !is_ours(entry));
    let overwritten = |field: &Field<'_>| {
        field.as_string_data().is_some_and(|field| {
            others().any(|entry| owns(entry, &field) && written(entry) >= mine.and_then(written))
        })
    };
    let lost: Vec<Field<'_>> = expected(provenance, stamped)
        .into_iter()
        .filter(|field| !mine.is_some_and(|mine| owns(mine, field)) || overwritten(field))
        .collect();
    if lost.is_empty() {
        return Drift::default();
    }
    let holds = |entry: &&ManagedFieldsEntry| {
        let as_text = lost.iter().filter_map(Field::as_string_data);
        as_text
            .chain(lost.iter().cloned())
            .any(|field| owns(entry, &field))
    };
    let mut rivals: Vec<String> = others()
        .filter(holds)
        .filter_map(|entry| entry.manager.clone())
        .collect();
    if rivals.is_empty() {
        let latest = others().max_by_key(|entry| written(entry));
        rivals.extend(latest.and_then(|entry| entry.manager.clone()));
    }
    rivals.sort();
    rivals.dedup();
    Drift {
        lost: lost.iter().map(Field::to_string).collect(),
        rivals,
    }
}

/// What became of keys that our apply left out: an apply takes a key away only if nobody else owns it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeftBehind {
    /// Keys that an update of somebody's still holds: they are to be taken away.
    pub updated: Vec<SecretKey>,
    /// Keys that somebody else applies, with the manager: they stay.
    pub applied: Vec<(SecretKey, String)>,
}

/// Looks for `removed` keys in the answer to our apply.
pub(super) fn left_behind<'a>(
    entries: &[ManagedFieldsEntry],
    removed: impl IntoIterator<Item = &'a SecretKey>,
) -> LeftBehind {
    let mut left = LeftBehind::default();
    for key in removed {
        let field = Field::data(key.as_str());
        let holding = || {
            entries
                .iter()
                .filter(|entry| !is_ours(entry) && owns(entry, &field))
        };
        let applying = holding().find(|entry| entry.operation.as_deref() == Some("Apply"));
        if let Some(entry) = applying {
            let manager = entry.manager.clone().unwrap_or_default();
            left.applied.push((key.clone(), manager));
        } else if holding().next().is_some() {
            left.updated.push(key.clone());
        }
    }
    left
}
