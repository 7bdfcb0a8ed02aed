use serde_json::{Value, json};

use super::*;
use crate::names::{Origin, ParameterName};
use crate::record::{Applied, KEY_BYTES, ParameterKind, Shape, Stamp};
use crate::watch::fields::expected_fields;

fn key() -> SealKey {
    SealKey::new(&[7; KEY_BYTES]).unwrap()
}

fn web() -> ObjectKey {
    ObjectKey::new("shop", "web")
}

fn provenance() -> Provenance {
    let applied = |name: &str| Applied {
        source: 0,
        name: ParameterName::parse(&format!("/web/{name}")).unwrap(),
        stamp: Stamp {
            version: 1,
            last_modified: jiff::Timestamp::UNIX_EPOCH,
        },
        kind: ParameterKind::SecureString,
        keys: vec![SecretKey::parse(name).unwrap()],
    };
    Provenance {
        origin: Origin {
            account: "1".into(),
            region: "r".into(),
        },
        endpoint: None,
        shape: Shape("1.s".into()),
        secret_type: "Opaque".into(),
        parameters: vec![applied("A"), applied("B")],
        template_keys: vec![],
        labels: vec!["team".into()],
        annotations: vec![],
    }
}

fn ours() -> Value {
    json!({
        "manager": "paramsync", "operation": "Apply", "apiVersion": "v1", "fieldsType": "FieldsV1",
        "fieldsV1": {
            "f:data": {"f:A": {}, "f:B": {}},
            "f:metadata": {
                "f:annotations": {
                    "f:paramsync.dev/applied": {}, "f:paramsync.dev/seal": {}, "f:paramsync.dev/written-at": {},
                },
                "f:labels": {"f:app.kubernetes.io/managed-by": {}, "f:paramsync.dev/managed": {}, "f:team": {}},
                "f:ownerReferences": {"k:{\"uid\":\"u-1\"}": {}}
            },
            "f:type": {}
        }
    })
}

fn meta(managed_fields: &[Value]) -> ObjectMeta {
    serde_json::from_value(json!({
        "name": "web", "namespace": "shop", "uid": "s-1", "resourceVersion": "7",
        "labels": {"paramsync.dev/managed": "true", "team": "shop"},
        "annotations": {"paramsync.dev/seal": key().seal(&web(), "web", 5)},
        "managedFields": managed_fields,
    }))
    .unwrap()
}

fn secret(managed_fields: &[Value]) -> SecretMeta {
    reduce(&web(), &meta(managed_fields), &key())
}

fn lost(managed_fields: &[Value]) -> Drift {
    drift(&meta(managed_fields), &provenance(), Stamped::Sealed)
}

fn as_written() -> u64 {
    expected_fields(&provenance(), Stamped::Sealed)
}

#[test]
fn all_that_we_set_is_still_ours() {
    let meta = secret(&[ours()]);
    assert!(meta.managed && !meta.overwritten);
    assert_eq!(meta.fields, as_written());
    assert_eq!(lost(&[ours()]), Drift::default());
    let seal = meta.seal.unwrap();
    assert_eq!((&*seal.sync, seal.revision), ("web", 5));
}

#[test]
fn a_seal_that_is_not_of_this_secret_is_none() {
    let copy = ObjectKey::new("pay", "web");
    assert_eq!(reduce(&copy, &meta(&[ours()]), &key()).seal, None);
}

#[test]
fn a_key_that_others_changed_is_lost_to_them() {
    let mut mine = ours();
    mine["fieldsV1"]["f:data"].as_object_mut().unwrap().remove("f:A");
    let theirs =
        json!({"manager": "kubectl-edit", "operation": "Update", "fieldsV1": {"f:data": {"f:A": {}}}});
    let fields = [mine, theirs];
    assert_ne!(secret(&fields).fields, as_written());
    let drift = lost(&fields);
    assert_eq!(drift.lost, ["data.A"]);
    assert_eq!(drift.rivals, ["kubectl-edit"]);
}

#[test]
fn a_removed_key_is_laid_at_the_last_writers_door() {
    let mut mine = ours();
    mine["fieldsV1"]["f:data"].as_object_mut().unwrap().remove("f:A");
    let old =
        json!({"manager": "old", "operation": "Update", "time": "2026-01-01T00:00:00Z", "fieldsV1": {}});
    let new =
        json!({"manager": "new", "operation": "Update", "time": "2026-01-02T00:00:00Z", "fieldsV1": {}});
    let drift = lost(&[mine, old, new]);
    assert_eq!(drift.lost, ["data.A"]);
    assert_eq!(drift.rivals, ["new"]);
}

#[test]
fn a_key_that_others_added_is_not_ours_to_miss() {
    let theirs = json!({"manager": "x", "operation": "Update", "fieldsV1": {"f:data": {"f:C": {}}}});
    assert_eq!(secret(&[ours(), theirs]).fields, as_written());
}

#[test]
fn a_key_more_under_our_own_name_is_drift() {
    let mut mine = ours();
    mine["fieldsV1"]["f:data"]["f:C"] = json!({});
    assert_ne!(secret(&[mine]).fields, as_written());
}

#[test]
fn the_label_that_others_overwrite_by_habit_is_no_drift() {
    let mut mine = ours();
    let labels = mine["fieldsV1"]["f:metadata"]["f:labels"]
        .as_object_mut()
        .unwrap();
    labels.remove("f:app.kubernetes.io/managed-by");
    assert_eq!(secret(&[mine]).fields, as_written());
}

#[test]
fn cleared_managed_fields_lose_everything() {
    assert_eq!(secret(&[]).fields, 0);
    assert_eq!(lost(&[]).lost.len(), 8, "{:?}", lost(&[]).lost);
}

#[test]
fn label_annotation_and_type_count_too() {
    for (pointer, key, name) in [
        ("/fieldsV1/f:metadata/f:labels", "f:team", "metadata.labels.team"),
        (
            "/fieldsV1/f:metadata/f:annotations",
            "f:paramsync.dev/seal",
            "metadata.annotations.paramsync.dev/seal",
        ),
        ("/fieldsV1", "f:type", "type"),
    ] {
        let mut mine = ours();
        mine.pointer_mut(pointer)
            .unwrap()
            .as_object_mut()
            .unwrap()
            .remove(key);
        assert_ne!(secret(std::slice::from_ref(&mine)).fields, as_written(), "{name}");
        assert_eq!(lost(&[mine]).lost, [name]);
    }
}

#[test]
fn string_data_applied_as_late_as_our_write_takes_the_key() {
    let at = |mut entry: Value, second: u8| {
        entry["time"] = json!(format!("2026-11-24T05:05:{second:02}Z"));
        entry
    };
    let theirs = json!({
        "manager": "rival", "operation": "Apply", "apiVersion": "v1", "fieldsType": "FieldsV1",
        "fieldsV1": {"f:stringData": {"f:A": {}}},
    });
    for (ours_at, theirs_at, overwritten) in [(1, 2, true), (2, 2, true), (3, 2, false)] {
        let fields = [at(ours(), ours_at), at(theirs.clone(), theirs_at)];
        assert_eq!(secret(&fields).overwritten, overwritten, "{ours_at} {theirs_at}");
        let drift = lost(&fields);
        assert_eq!(drift.lost == ["data.A"] && drift.rivals == ["rival"], overwritten);
    }
    let fields = [at(ours(), 2), at(theirs, 2)];
    let answer = reduce_answer(&web(), &meta(&fields), &key());
    assert!(
        !answer.overwritten,
        "in the answer to our own apply nobody wrote after us"
    );
}

#[test]
fn an_update_under_our_name_is_not_our_apply() {
    let mut mine = ours();
    mine["operation"] = json!("Update");
    assert_eq!(secret(&[mine]).fields, 0);
}

#[test]
fn owner_references_are_told_apart_by_kind() {
    let owned = |owners: Value| {
        let mut meta = meta(&[ours()]);
        meta.owner_references = serde_json::from_value(owners).unwrap();
        reduce(&web(), &meta, &key())
    };
    let sync = |uid: &str| json!({"apiVersion": "paramsync.dev/v1alpha1", "kind": "ParameterSync", "name": "web", "uid": uid, "controller": true});
    let other = json!({"apiVersion": "cert-manager.io/v1", "kind": "Certificate", "name": "web", "uid": "c", "controller": true});
    assert_eq!(owned(json!([])).owner, OwnedBy::Nobody);
    assert_eq!(owned(json!([sync("u-1")])).owner, OwnedBy::One("u-1".into()));
    assert_eq!(owned(json!([sync("u-1"), sync("u-2")])).owner, OwnedBy::Several);
    assert_eq!(owned(json!([sync("u-1")])).controller, None);
    assert_eq!(owned(json!([other])).controller.unwrap().kind, "Certificate");
}

#[test]
fn a_key_that_an_apply_left_out_is_looked_for_with_its_holder() {
    let holds = |manager: &str, operation: &str, key: &str| json!({"manager": manager, "operation": operation, "fieldsV1": {"f:data": {format!("f:{key}"): {}}}});
    let fields = [
        ours(),
        holds("before-first-apply", "Update", "X"),
        holds("argocd", "Apply", "Y"),
    ];
    let keys: Vec<SecretKey> = ["X", "Y", "Z"].map(|key| SecretKey::parse(key).unwrap()).to_vec();
    let left = left_behind(&meta(&fields), &keys);
    assert_eq!(left.updated, [keys[0].clone()]);
    assert_eq!(left.applied, [(keys[1].clone(), "argocd".to_owned())]);
}
