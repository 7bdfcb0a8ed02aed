//! The patch of a Secret's owner reference alone.

use json_patch::Patch;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::Resource;
use serde_json::{Value, json};

use crate::api::ParameterSync;
use crate::decide::OwnerPatch;
use crate::watch::is_sync;

/// What makes the owner references of a Secret what `wanted` says, where they are not; those of other kinds stay. It
/// lands only on this very version of the Secret.
pub(super) fn patch(meta: &ObjectMeta, sync: &str, uid: &str, wanted: OwnerPatch) -> Option<Patch> {
    let before = meta.owner_references.clone().unwrap_or_default();
    let mut after: Vec<OwnerReference> = before.iter().filter(|owner| !is_sync(owner)).cloned().collect();
    if wanted == OwnerPatch::Set {
        after.push(OwnerReference {
            api_version: ParameterSync::api_version(&()).into_owned(),
            kind: ParameterSync::kind(&()).into_owned(),
            name: sync.to_owned(),
            uid: uid.to_owned(),
            controller: Some(true),
            block_owner_deletion: Some(false),
        });
    }
    if after == before {
        return None;
    }
    let operations: Vec<Value> = vec![
        json!({"op": "test", "path": "/metadata/uid", "value": meta.uid}),
        json!({"op": "test", "path": "/metadata/resourceVersion", "value": meta.resource_version}),
        match (before.is_empty(), after.is_empty()) {
            (false, true) => json!({"op": "remove", "path": "/metadata/ownerReferences"}),
            _ => json!({"op": "add", "path": "/metadata/ownerReferences", "value": after}),
        },
    ];
    serde_json::from_value(Value::Array(operations)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meta(owners: &Value) -> ObjectMeta {
        serde_json::from_value(json!({
            "name": "web", "uid": "s-1", "resourceVersion": "7", "ownerReferences": owners,
        }))
        .unwrap()
    }

    fn sync(uid: &str) -> Value {
        json!({
            "apiVersion": "paramsync.dev/v1alpha1", "kind": "ParameterSync", "name": "web", "uid": uid,
            "controller": true, "blockOwnerDeletion": false,
        })
    }

    fn other() -> Value {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "c-1"})
    }

    #[test]
    fn the_reference_is_put_right_and_those_of_others_stay() {
        for (what, before, wanted, after) in [
            ("none", json!([]), OwnerPatch::Set, Some(json!([sync("u-1")]))),
            (
                "an older one",
                json!([sync("u-0")]),
                OwnerPatch::Set,
                Some(json!([sync("u-1")])),
            ),
            (
                "two",
                json!([sync("u-0"), sync("u-1")]),
                OwnerPatch::Set,
                Some(json!([sync("u-1")])),
            ),
            ("right", json!([sync("u-1")]), OwnerPatch::Set, None),
            (
                "another kind's",
                json!([other()]),
                OwnerPatch::Set,
                Some(json!([other(), sync("u-1")])),
            ),
            (
                "not wanted, beside another's",
                json!([other(), sync("u-1")]),
                OwnerPatch::Clear,
                Some(json!([other()])),
            ),
            (
                "not wanted and not there",
                json!([other()]),
                OwnerPatch::Clear,
                None,
            ),
        ] {
            let patch = patch(&meta(&before), "web", "u-1", wanted);
            let patch = patch.map(|patch| serde_json::to_value(patch).unwrap());
            if let Some(patch) = &patch {
                assert_eq!(patch[0]["value"], "s-1", "{what}");
                assert_eq!(patch[1]["value"], "7", "{what}");
            }
            assert_eq!(patch.map(|patch| patch[2]["value"].clone()), after, "{what}");
        }
        let gone = patch(&meta(&json!([sync("u-1")])), "web", "u-1", OwnerPatch::Clear).unwrap();
        let gone = serde_json::to_value(gone).unwrap();
        assert_eq!(
            gone[2],
            json!({"op": "remove", "path": "/metadata/ownerReferences"})
        );
    }
}
