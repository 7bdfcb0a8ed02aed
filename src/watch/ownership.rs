//! What a Secret's metadata says about who owns what in it. Pure.
//!
//! The API server records in `managedFields` which manager set which field. A change of a value by somebody else moves
//! that field from our entry to theirs, so drift is seen without reading a value.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ManagedFieldsEntry, ObjectMeta};
use serde_json::Value;

use super::secret_meta::{Controller, SecretMeta};
use crate::record::{ANNOTATION, FIELD_MANAGER, MANAGED_LABEL, Provenance};

/// Reduces a Secret's metadata, as a watch or a read shows it, to what decisions need; the rest, `managedFields` above
/// all, is dropped.
pub fn reduce(meta: &ObjectMeta) -> SecretMeta {
    reduced(meta, overwritten_by_string_data)
}

/// The same for the answer to our own apply, which has just put back all that we set.
pub fn reduce_answer(meta: &ObjectMeta) -> SecretMeta {
    reduced(meta, |_, _, _| false)
}

fn reduced(
    meta: &ObjectMeta,
    overwritten: impl Fn(&[ManagedFieldsEntry], Option<&ManagedFieldsEntry>, &Field<'_>) -> bool,
) -> SecretMeta {
    let annotation = meta.annotations.as_ref().and_then(|all| all.get(ANNOTATION));
    let provenance = annotation.and_then(|text| Provenance::from_annotation(text).ok());
    let entries = meta.managed_fields.as_deref().unwrap_or_default();
    let ours = entries.iter().find(|entry| is_ours(entry));
    let (trusted, lost) = match &provenance {
        Some(provenance) => {
            let lost: Vec<Field<'_>> = expected(provenance)
                .into_iter()
                .filter(|field| !owns(ours, field) || overwritten(entries, ours, field))
                .collect();
            (owns(ours, &Field::annotation(ANNOTATION)), lost)
        }
        None => (false, vec![Field::annotation(ANNOTATION)]),
    };
    SecretMeta {
        uid: meta.uid.clone().unwrap_or_default(),
        resource_version: meta.resource_version.clone().unwrap_or_default(),
        managed: meta
            .labels
            .as_ref()
            .and_then(|all| all.get(MANAGED_LABEL))
            .is_some_and(|value| value == "true"),
        deleting: meta.deletion_timestamp.is_some(),
        trusted,
        rivals: rivals(entries, &lost),
        lost: lost.iter().map(Field::to_string).collect(),
        provenance,
        controller: meta
            .owner_references
            .iter()
            .flatten()
            .find(|owner| owner.controller == Some(true))
            .map(|owner| Controller {
                kind: owner.kind.clone(),
                name: owner.name.clone(),
                uid: owner.uid.clone(),
            }),
    }
}

/// A field by its place, in the words of `managedFields`: `f:data`, `f:KEY`.
#[derive(Clone)]
struct Field<'a> {
    parents: &'static [&'static str],
    name: std::borrow::Cow<'a, str>,
}

impl<'a> Field<'a> {
    fn data(key: &'a str) -> Self {
        Self {
            parents: &["f:data"],
            name: key.into(),
        }
    }

    /// The same key as `stringData` would set it.
    fn as_string_data(&self) -> Option<Self> {
        (self.parents == ["f:data"]).then(|| Self {
            parents: &["f:stringData"],
            name: self.name.clone(),
        })
    }

    fn label(name: &'a str) -> Self {
        Self {
            parents: &["f:metadata", "f:labels"],
            name: name.into(),
        }
    }

    fn annotation(name: &'a str) -> Self {
        Self {
            parents: &["f:metadata", "f:annotations"],
            name: name.into(),
        }
    }

    fn secret_type() -> Self {
        Self {
            parents: &[],
            name: "type".into(),
        }
    }

    fn owner(uid: &str) -> Self {
        Self {
            parents: &["f:metadata", "f:ownerReferences"],
            name: format!("k:{{\"uid\":\"{uid}\"}}").into(),
        }
    }

    fn is_in(&self, fields: &Value) -> bool {
        let parent = self.parents.iter().try_fold(fields, |value, key| value.get(key));
        let key = if self.name.starts_with("k:") {
            self.name.to_string()
        } else {
            format!("f:{}", self.name)
        };
        parent.is_some_and(|parent| parent.get(&key).is_some())
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

/// All that we set and want to keep. `app.kubernetes.io/managed-by` is not among it: others overwrite it by habit.
fn expected(provenance: &Provenance) -> Vec<Field<'_>> {
    let mut fields: Vec<Field<'_>> = provenance.keys().map(|key| Field::data(key.as_str())).collect();
    fields.push(Field::label(MANAGED_LABEL));
    fields.extend(provenance.labels.iter().map(|name| Field::label(name)));
    fields.push(Field::annotation(ANNOTATION));
    fields.extend(provenance.annotations.iter().map(|name| Field::annotation(name)));
    fields.push(Field::secret_type());
    fields.extend(provenance.owner_uid.as_deref().map(Field::owner));
    fields
}

fn is_ours(entry: &ManagedFieldsEntry) -> bool {
    entry.manager.as_deref() == Some(FIELD_MANAGER)
        && entry.operation.as_deref() == Some("Apply")
        && entry.subresource.is_none()
}

fn owns(entry: Option<&ManagedFieldsEntry>, field: &Field<'_>) -> bool {
    entry
        .and_then(|entry| entry.fields_v1.as_ref())
        .is_some_and(|fields| field.is_in(&fields.0))
}

/// Whether somebody applied `stringData` for a key of ours after our last write. The API server turns that into `data`
/// without taking the key's ownership from us, so only the times tell; they count whole seconds.
fn overwritten_by_string_data(
    entries: &[ManagedFieldsEntry],
    ours: Option<&ManagedFieldsEntry>,
    field: &Field<'_>,
) -> bool {
    let Some(string_data) = field.as_string_data() else {
        return false;
    };
    let written = |entry: &ManagedFieldsEntry| entry.time.as_ref().map(|time| time.0);
    entries
        .iter()
        .filter(|entry| !is_ours(entry) && owns(Some(entry), &string_data))
        .any(|entry| written(entry) > ours.and_then(written))
}

/// The managers that own what we lost; where nobody does (a key was removed), the one that wrote last.
fn rivals(entries: &[ManagedFieldsEntry], lost: &[Field<'_>]) -> Vec<String> {
    if lost.is_empty() {
        return Vec::new();
    }
    let others = || entries.iter().filter(|entry| !is_ours(entry));
    let named = |entry: &ManagedFieldsEntry| entry.manager.clone();
    let mut rivals: Vec<String> = others()
        .filter(|entry| {
            lost.iter()
                .flat_map(|field| {
                    [field.as_string_data()]
                        .into_iter()
                        .flatten()
                        .chain([field.clone()])
                })
                .any(|field| owns(Some(entry), &field))
        })
        .filter_map(named)
        .collect();
    if rivals.is_empty() {
        rivals.extend(
            others()
                .max_by_key(|entry| entry.time.as_ref().map(|time| time.0))
                .and_then(named),
        );
    }
    rivals.sort();
    rivals.dedup();
    rivals
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ANNOTATED: &str = r#"{"by":"web","o":["1","r"],"h":"s","ty":"Opaque","u":"u-1","p":[[0,"/web/A",1,0,"SecureString",null],[0,"/web/B",1,0,"SecureString",null]],"l":["team"]}"#;

    fn ours() -> Value {
        json!({
            "manager": "paramsync", "operation": "Apply", "apiVersion": "v1", "fieldsType": "FieldsV1",
            "fieldsV1": {
                "f:data": {"f:A": {}, "f:B": {}},
                "f:metadata": {
                    "f:annotations": {"f:paramsync.dev/applied": {}},
                    "f:labels": {"f:paramsync.dev/managed": {}, "f:team": {}},
                    "f:ownerReferences": {"k:{\"uid\":\"u-1\"}": {}}
                },
                "f:type": {}
            }
        })
    }

    fn secret(managed_fields: &[Value]) -> SecretMeta {
        let meta: ObjectMeta = serde_json::from_value(json!({
            "name": "web", "namespace": "shop", "uid": "s-1", "resourceVersion": "7",
            "labels": {"paramsync.dev/managed": "true", "team": "shop"},
            "annotations": {"paramsync.dev/applied": ANNOTATED},
            "managedFields": managed_fields,
        }))
        .unwrap();
        reduce(&meta)
    }

    #[test]
    fn all_that_we_set_is_still_ours() {
        let meta = secret(&[ours()]);
        assert!(meta.trusted && meta.managed);
        assert_eq!(meta.lost, Vec::<String>::new());
        assert_eq!(meta.rivals, Vec::<String>::new());
    }

    #[test]
    fn a_key_that_others_changed_is_lost_to_them() {
        let mut mine = ours();
        mine["fieldsV1"]["f:data"].as_object_mut().unwrap().remove("f:A");
        let theirs =
            json!({"manager": "kubectl-edit", "operation": "Update", "fieldsV1": {"f:data": {"f:A": {}}}});
        let meta = secret(&[mine, theirs]);
        assert!(meta.trusted);
        assert_eq!(meta.lost, ["data.A"]);
        assert_eq!(meta.rivals, ["kubectl-edit"]);
    }

    #[test]
    fn a_removed_key_is_laid_at_the_last_writers_door() {
        let mut mine = ours();
        mine["fieldsV1"]["f:data"].as_object_mut().unwrap().remove("f:A");
        let old =
            json!({"manager": "old", "operation": "Update", "time": "2026-01-01T00:00:00Z", "fieldsV1": {}});
        let new =
            json!({"manager": "new", "operation": "Update", "time": "2026-01-02T00:00:00Z", "fieldsV1": {}});
        let meta = secret(&[mine, old, new]);
        assert_eq!(meta.lost, ["data.A"]);
        assert_eq!(meta.rivals, ["new"]);
    }

    #[test]
    fn a_key_that_others_added_is_not_ours_to_miss() {
        let theirs = json!({"manager": "x", "operation": "Update", "fieldsV1": {"f:data": {"f:C": {}}}});
        assert_eq!(secret(&[ours(), theirs]).lost, Vec::<String>::new());
    }

    #[test]
    fn cleared_managed_fields_lose_everything() {
        let meta = secret(&[]);
        assert!(!meta.trusted);
        assert_eq!(meta.lost.len(), 7, "{:?}", meta.lost);
    }

    #[test]
    fn label_annotation_type_and_owner_count_too() {
        for (pointer, key, lost) in [
            ("/fieldsV1/f:metadata/f:labels", "f:team", "metadata.labels.team"),
            (
                "/fieldsV1/f:metadata/f:annotations",
                "f:paramsync.dev/applied",
                "metadata.annotations.paramsync.dev/applied",
            ),
            ("/fieldsV1", "f:type", "type"),
            (
                "/fieldsV1/f:metadata/f:ownerReferences",
                "k:{\"uid\":\"u-1\"}",
                "metadata.ownerReferences.k:{\"uid\":\"u-1\"}",
            ),
        ] {
            let mut mine = ours();
            mine.pointer_mut(pointer)
                .unwrap()
                .as_object_mut()
                .unwrap()
                .remove(key);
            assert_eq!(secret(&[mine]).lost, [lost]);
        }
    }

    #[test]
    fn string_data_applied_after_our_write_takes_the_key() {
        let at = |mut entry: Value, second: u8| {
            entry["time"] = json!(format!("2026-11-24T05:05:{second:02}Z"));
            entry
        };
        let theirs = json!({
            "manager": "rival", "operation": "Apply", "apiVersion": "v1", "fieldsType": "FieldsV1",
            "fieldsV1": {"f:stringData": {"f:A": {}}},
        });
        let later = secret(&[at(ours(), 1), at(theirs.clone(), 2)]);
        assert_eq!(
            (later.lost, later.rivals),
            (vec!["data.A".to_owned()], vec!["rival".to_owned()])
        );
        let put_back = secret(&[at(ours(), 3), at(theirs, 2)]);
        assert!(put_back.lost.is_empty(), "{:?}", put_back.lost);
    }

    #[test]
    fn an_update_under_our_name_is_not_our_apply() {
        let mut mine = ours();
        mine["operation"] = json!("Update");
        assert!(!secret(&[mine]).trusted);
    }
}
