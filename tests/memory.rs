//! What the index of Secrets takes: small and bounded, whatever others write into their metadata.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::alloc::System;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use paramsync::names::ObjectKey;
use paramsync::record::{KEY_BYTES, SealKey};
use paramsync::watch::{SecretIndex, reduce};
use serde_json::json;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// How many bytes a Secret may take at names of 30 characters.
const LIMIT: usize = 300;
const NAMESPACES: usize = 100;
const SECRETS: usize = 10_000;

fn meta(secret: &ObjectKey, number: usize, key: &SealKey, note: &str) -> ObjectMeta {
    let fields: serde_json::Map<String, serde_json::Value> =
        (0..20).map(|n| (format!("f:KEY_{n}"), json!({}))).collect();
    serde_json::from_value(json!({
        "name": &*secret.name, "namespace": &*secret.namespace,
        "uid": format!("{number:08x}-7d5b-4a53-9f0d-0f5a3d6f2b11"), "resourceVersion": format!("{}", 1_000_000 + number),
        "labels": {"paramsync.dev/managed": "true"},
        "annotations": {"paramsync.dev/seal": key.seal(secret, &secret.name, 1_764_518_404), "note": note},
        "ownerReferences": [{
            "apiVersion": "paramsync.dev/v1alpha1", "kind": "ParameterSync", "name": &*secret.name,
            "uid": format!("{number:08x}-7d5b-4a53-9f0d-0f5a3d6f2b12"), "controller": true,
        }],
        "managedFields": [
            {"manager": "paramsync", "operation": "Apply", "fieldsV1": {"f:data": fields}},
            {"manager": "kubectl", "operation": "Update", "fieldsV1": {"f:metadata": {"f:annotations": {"f:note": {}}}}},
        ],
    }))
    .unwrap()
}

/// Bytes that `count` Secrets take in an index, each with an annotation of `note` bytes.
fn bytes_each(count: usize, note: usize) -> usize {
    let key = SealKey::new(&[7; KEY_BYTES]).unwrap();
    let note = "x".repeat(note);
    let mut index = SecretIndex::default();
    let region = Region::new(ALLOCATOR);
    for number in 0..count {
        let namespace = format!("{:030}", number % NAMESPACES);
        let secret = ObjectKey::new(namespace, format!("{number:030}"));
        let reduced = reduce(&secret, &meta(&secret, number, &key, &note), &key);
        assert!(reduced.seal.is_some() && reduced.fields != 0);
        index.apply(secret, reduced);
    }
    let stats = region.change();
    assert_eq!(index.len(), count);
    (stats.bytes_allocated - stats.bytes_deallocated) / count
}

#[test]
fn a_managed_secret_takes_at_most_300_bytes_in_the_index_whatever_its_annotations_hold() {
    let plain = bytes_each(SECRETS, 0);
    println!("measured: {plain} bytes a Secret");
    assert!(plain <= LIMIT, "{plain} bytes");
    let (small, large) = (bytes_each(300, 0), bytes_each(300, 207 * 1024));
    assert_eq!(small, large, "annotations of 207 KiB leave nothing behind");
}
