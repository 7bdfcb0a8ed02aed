//! What is refused, by which field, and what the rest becomes.

#![allow(clippy::needless_pass_by_value, reason = "json! makes values")]

mod allowed;
mod shapes;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;
use crate::api::StoreStatus;
use crate::error::Classified;
use crate::watch::{
    CalendarIndex, ContactFacts, NamespaceIndex, StoreEntry, StoreIndex, StoreKey, StoreSpec,
};

/// A cluster with one namespace, one ClusterParameterStore and one ParameterStore.
struct Cluster {
    syncs: SyncIndex,
    stores: StoreIndex,
    namespaces: NamespaceIndex,
    endpoints: EndpointPolicy,
    listed: Allowance,
    calendars: CalendarIndex,
}

fn entry(spec: StoreSpec) -> StoreEntry {
    StoreEntry {
        spec,
        status: StoreStatus::default(),
        generation: Some(1),
    }
}

impl Cluster {
    fn new() -> Self {
        let mut cluster = Self {
            syncs: SyncIndex::default(),
            stores: StoreIndex::default(),
            namespaces: NamespaceIndex::default(),
            endpoints: EndpointPolicy::new(vec!["http://127.0.0.1:*".into(), "https://vpce.example".into()]),
            listed: Allowance::default(),
            calendars: CalendarIndex::default(),
        };
        let labels = BTreeMap::from([("team".to_owned(), "shop".to_owned())]);
        cluster.namespaces.apply("shop", labels, false, None);
        cluster.namespaces.apply("other", BTreeMap::new(), false, None);
        cluster.set_access(json!([
            {"namespaceSelector": {"matchLabels": {"team": "shop"}},
             "prefixes": ["/web", "/{namespace}/", "/k8s-{namespace}"],
             "arns": ["arn:aws:ssm:eu-west-1:444455556666:parameter/shared/CA"]},
        ]));
        cluster
    }

    fn set_access(&mut self, access: Value) {
        let spec = serde_json::from_value(json!({"region": "eu-west-1", "access": access})).unwrap();
        let spec = StoreSpec::Cluster(std::sync::Arc::new(spec));
        self.stores.apply(
            StoreKey::Cluster {
                name: "default".into(),
            },
            entry(spec),
        );
    }

    fn add_namespaced(&mut self, spec: Value) {
        let key = StoreKey::Namespaced {
            namespace: "shop".into(),
            name: "own".into(),
        };
        let spec = serde_json::from_value(spec).unwrap();
        self.stores
            .apply(key, entry(StoreSpec::Namespaced(std::sync::Arc::new(spec))));
    }

    fn resolve(&self, object: &ParameterSync) -> Result<Resolved, Refusal> {
        let Self {
            syncs,
            stores,
            namespaces,
            endpoints,
            listed,
            calendars,
        } = self;
        resolve(
            object,
            &Surroundings {
                syncs,
                stores,
                namespaces,
                endpoints,
                listed,
                calendars,
                contact: &ContactFacts::default(),
            },
        )
    }

    fn refused(&self, spec: Value) -> String {
        let refusal = self.resolve(&object("shop", "web", spec)).unwrap_err();
        format!("{}: {refusal}", refusal.reason())
    }
}

fn object(namespace: &str, name: &str, spec: Value) -> ParameterSync {
    serde_json::from_value(json!({
        "apiVersion": "paramsync.dev/v1alpha1", "kind": "ParameterSync",
        "metadata": {"name": name, "namespace": namespace, "uid": format!("uid-{name}"), "generation": 3,
                     "creationTimestamp": "2026-11-01T00:00:00Z"},
        "spec": spec,
    }))
    .unwrap()
}

#[test]
fn the_smallest_spec_has_every_default() {
    let resolved = Cluster::new()
        .resolve(&object("shop", "web", json!({"sources": [{"path": "/web"}]})))
        .unwrap();
    assert_eq!(resolved.interval, Duration::from_mins(10));
    assert_eq!(resolved.target.name, "web");
    assert_eq!(resolved.target.secret_type, "Opaque");
    assert!(resolved.target.owned && !resolved.target.adopt && !resolved.suspended);
    assert_eq!(resolved.limits.requests_per_second, 20);
    assert_eq!(resolved.store.region, "eu-west-1");
    assert_eq!(
        (resolved.on_collision, resolved.parameter_types),
        (OnCollision::Fail, ParameterTypes::Any)
    );
    let Source::Path(source) = &resolved.sources[0] else {
        panic!("a path")
    };
    assert!(!source.read.recursive && source.read.filter.is_all());
    assert_eq!(source.keys.separator, "_");
    assert_eq!(source.on_missing, OnMissing::Prune);
}

#[test]
fn a_foreign_secret_is_adopted_only_where_that_is_asked_for() {
    let cluster = Cluster::new();
    for (adopt, adopted) in [("Never", false), ("Always", true)] {
        let spec = json!({"sources": [{"path": "/web"}], "target": {"adopt": adopt}});
        let resolved = cluster.resolve(&object("shop", "web", spec)).unwrap();
        assert_eq!(resolved.target.adopt, adopted, "{adopt}");
    }
}

#[test]
fn a_pointer_without_a_key_takes_the_last_segment() {
    let spec = json!({"sources": [{"name": "/web/tls", "pointer": "/cert"}]});
    let resolved = Cluster::new().resolve(&object("shop", "web", spec)).unwrap();
    let Source::Named(source) = &resolved.sources[0] else {
        panic!("a name")
    };
    let key = crate::names::SecretKey::parse("tls").unwrap();
    assert_eq!(
        source.extract,
        Extract::Pointer {
            pointer: crate::names::JsonPointer::parse("/cert").unwrap(),
            key
        }
    );
}

#[test]
fn what_cannot_be_done_is_refused_by_its_field() {
    let cluster = Cluster::new();
    let name = "/web/A";
    for (spec, said) in [
        (json!({"sources": []}), "InvalidSpec: spec.sources: is empty"),
        (
            json!({"sources": [{}]}),
            "spec.sources[0]: give exactly one of path and name",
        ),
        (
            json!({"sources": [{"path": "/web", "name": name}]}),
            "spec.sources[0]: give exactly one",
        ),
        (
            json!({"sources": [{"path": "/web"}, {"path": "/web/../x"}]}),
            "spec.sources[1].path:",
        ),
        (
            json!({"sources": [{"name": "/web/a b"}]}),
            "spec.sources[0].name:",
        ),
        (
            json!({"sources": [{"path": "/web", "key": "A"}]}),
            "spec.sources[0].key: goes with name",
        ),
        (
            json!({"sources": [{"name": name, "recursive": true}]}),
            "spec.sources[0].recursive: goes with path",
        ),
        (
            json!({"sources": [{"path": "/web", "include": ["[a"]}]}),
            "spec.sources[0].include or exclude:",
        ),
        (
            json!({"sources": [{"name": name, "version": 0}]}),
            "spec.sources[0].version: 0",
        ),
        (
            json!({"sources": [{"name": name, "version": 1, "label": "live"}]}),
            "version or label",
        ),
        (
            json!({"sources": [{"name": name, "expand": "JSON", "pointer": "/a"}]}),
            "expand or pointer",
        ),
        (
            json!({"sources": [{"name": name, "expand": "JSON", "key": "A"}]}),
            "spec.sources[0].key: expand",
        ),
        (
            json!({"sources": [{"name": name, "pointer": "a"}]}),
            "spec.sources[0].pointer:",
        ),
        (
            json!({"sources": [{"name": name, "key": "a/b"}]}),
            "spec.sources[0].key:",
        ),
        (
            json!({"sources": [{"path": "/web"}], "interval": "9s"}),
            "spec.interval:",
        ),
        (
            json!({"sources": [{"path": "/web"}], "interval": "soon"}),
            "spec.interval:",
        ),
        (
            json!({"sources": [{"path": "/web"}], "target": {"templates": {"a/b": "x"}}}),
            "spec.target.templates:",
        ),
        (
            json!({"sources": [{"path": "/web"}], "target": {"templatesOnly": true}}),
            "spec.target.templatesOnly:",
        ),
        (
            json!({"sources": [{"name": name}], "target": {"type": "kubernetes.io/tls"}}),
            "needs the key tls.crt",
        ),
        (
            json!({"sources": [{"path": "/web"}], "storeRef": {"name": "gone"}}),
            "StoreNotFound: spec.storeRef: ClusterParameterStore/gone",
        ),
        (
            json!({"sources": [{"path": "/web"}], "storeRef": {"kind": "ParameterStore", "name": "gone"}}),
            "StoreNotFound: spec.storeRef: ParameterStore/gone",
        ),
    ] {
        let refused = cluster.refused(spec.clone());
        assert!(refused.contains(said), "{spec}: {refused}");
    }
}

#[test]
fn a_namespace_reads_below_its_prefixes_and_nowhere_else() {
    let cluster = Cluster::new();
    let allows = |source: Value| {
        cluster
            .resolve(&object("shop", "web", json!({"sources": [source]})))
            .is_ok()
    };
    for (source, allowed) in [
        (json!({"path": "/web"}), true),
        (json!({"path": "/web/deeper"}), true),
        (json!({"name": "/web"}), true),
        (json!({"name": "web/A"}), true),
        (json!({"name": "/shop/A"}), true),
        (json!({"path": "/k8s-shop"}), true),
        (json!({"path": "/website"}), false),
        (json!({"name": "/website/A"}), false),
        (json!({"path": "/"}), false),
        (json!({"name": "/other/A"}), false),
        (
            json!({"name": "arn:aws:ssm:eu-west-1:444455556666:parameter/shared/CA"}),
            true,
        ),
        (
            json!({"name": "arn:aws:ssm:eu-west-1:444455556666:parameter/shared/CA2"}),
            false,
        ),
        // The account's own parameters by ARN are no way round the prefixes.
        (
            json!({"name": "arn:aws:ssm:eu-west-1:111122223333:parameter/other/A"}),
            false,
        ),
        (
            json!({"name": "arn:aws:ssm:eu-west-1:111122223333:parameter/web/A"}),
            false,
        ),
    ] {
        assert_eq!(allows(source.clone()), allowed, "{source}");
    }
    let refused = cluster.refused(json!({"sources": [{"path": "/web"}, {"path": "/website"}]}));
    for part in [
        "PathNotAllowed",
        "spec.sources[1].path",
        "/website",
        "/web/, /shop/, /k8s-shop/",
        "shop",
    ] {
        assert!(refused.contains(part), "{part}: {refused}");
    }
}

#[test]
fn a_namespace_that_no_entry_selects_reads_nothing() {
    let cluster = Cluster::new();
    for namespace in ["other", "unknown"] {
        let object = object(namespace, "web", json!({"sources": [{"path": "/web"}]}));
        assert_eq!(
            cluster.resolve(&object).unwrap_err().reason(),
            "NamespaceNotAllowed",
            "{namespace}"
        );
    }
}

#[test]
fn a_prefix_without_slashes_still_ends_at_a_segment() {
    let mut cluster = Cluster::new();
    cluster.set_access(json!([{"namespaceSelector": {}, "prefixes": ["/web/"]}]));
    assert!(
        cluster
            .resolve(&object("shop", "web", json!({"sources": [{"path": "/web"}]})))
            .is_ok()
    );
    assert!(
        cluster
            .refused(json!({"sources": [{"path": "/webx"}]}))
            .contains("PathNotAllowed")
    );
}

#[test]
fn an_arn_of_another_region_than_the_stores_is_refused() {
    let mut cluster = Cluster::new();
    let arn = "arn:aws:ssm:us-east-1:444455556666:parameter/shared/CA";
    cluster.set_access(json!([{"namespaceSelector": {}, "arns": [arn]}]));
    let refused = cluster.refused(json!({"sources": [{"name": arn}]}));
    assert!(
        refused.contains("us-east-1") && refused.contains("eu-west-1"),
        "{refused}"
    );
}

#[test]
fn a_namespaced_store_brings_its_own_credentials_and_an_endpoint_that_is_on_the_list() {
    let own =
        json!({"sources": [{"path": "/anything"}], "storeRef": {"kind": "ParameterStore", "name": "own"}});
    let keys = json!({"secretRef": {"name": "aws"}});
    for (spec, said) in [
        (json!({"region": "eu-west-1"}), "auth.secretRef"),
        (
            json!({"region": "eu-west-1", "auth": {"roleARN": "arn:aws:iam::111122223333:role/x"}}),
            "auth.secretRef",
        ),
        (
            json!({"region": "eu-west-1", "auth": keys, "endpointURL": "https://evil.example"}),
            "--allow-endpoint",
        ),
        (
            json!({"region": "eu-west-1", "auth": keys, "endpointURL": "http://127.0.0.1.evil.example:80"}),
            "--allow-endpoint",
        ),
        (
            json!({"region": "eu-west-1", "auth": keys, "endpointURL": "http://127.0.0.1:80@evil.example"}),
            "--allow-endpoint",
        ),
        (
            json!({"region": "eu-west-1", "auth": keys, "endpointURL": "https://vpce.example:444"}),
            "--allow-endpoint",
        ),
    ] {
        let mut cluster = Cluster::new();
        cluster.add_namespaced(spec.clone());
        let refused = cluster.refused(own.clone());
        assert!(
            refused.starts_with("StoreInvalid") && refused.contains(said),
            "{spec}: {refused}"
        );
    }
    for endpoint in [
        "http://127.0.0.1:4566",
        "https://vpce.example",
        "https://vpce.example/",
    ] {
        let mut cluster = Cluster::new();
        cluster.add_namespaced(json!({"region": "eu-west-1", "auth": keys, "endpointURL": endpoint}));
        let resolved = cluster.resolve(&object("shop", "web", own.clone())).unwrap();
        let pair = resolved.store.auth.keys.unwrap();
        assert_eq!(pair.secret, ObjectKey::new("shop", "aws"));
        assert_eq!(pair.access_key_id, "AWS_ACCESS_KEY_ID");
    }
}

#[test]
fn the_oldest_has_the_secret_and_the_next_takes_over_when_it_goes() {
    let mut cluster = Cluster::new();
    let old = object(
        "shop",
        "old",
        json!({"sources": [{"path": "/web"}], "target": {"name": "shared"}}),
    );
    let mut young = object(
        "shop",
        "young",
        json!({"sources": [{"path": "/web"}], "target": {"name": "shared"}}),
    );
    young.metadata.creation_timestamp = serde_json::from_value(json!("2026-11-02T00:00:00Z")).unwrap();
    cluster.syncs.apply(&young);
    assert!(cluster.resolve(&young).is_ok());
    let concerned = cluster.syncs.apply(&old);
    assert!(concerned.contains(&ObjectKey::new("shop", "old")));
    assert!(cluster.resolve(&old).is_ok());
    let refusal = cluster.resolve(&young).unwrap_err();
    assert_eq!(refusal.reason(), "TargetClaimed");
    assert!(refusal.to_string().contains("ParameterSync old"), "{refusal}");
    let concerned = cluster.syncs.delete(&ObjectKey::new("shop", "old"));
    assert_eq!(concerned, [ObjectKey::new("shop", "young")]);
    assert!(cluster.resolve(&young).is_ok());
}

#[test]
fn only_what_shapes_the_secret_counts_for_the_shape() {
    let cluster = Cluster::new();
    let shape = |spec: Value| cluster.resolve(&object("shop", "web", spec)).unwrap().shape;
    let base = shape(json!({"sources": [{"path": "/web"}]}));
    for same in [
        json!({"sources": [{"path": "/web", "recursive": false, "onMissing": "Hold"}]}),
        json!({"sources": [{"path": "/web", "keys": {"style": "Keep", "prefix": "", "separator": "_"}}]}),
        json!({"sources": [{"path": "/web"}], "interval": "1h", "suspend": true, "onCollision": "Fail"}),
        json!({"sources": [{"path": "/web"}], "storeRef": {"name": "default"}, "target": {"type": "Opaque", "adopt": "Always"}}),
        json!({"sources": [{"path": "/web"}], "target": {"deletionPolicy": "Retain"}}),
        json!({"sources": [{"path": "/web"}], "changes": {"calendars": [{"name": "business-hours"}], "scope": "All", "firstSync": "Hold"}}),
    ] {
        assert_eq!(shape(same.clone()), base, "{same}");
    }
    for other in [
        json!({"sources": [{"path": "/web", "recursive": true}]}),
        json!({"sources": [{"path": "/web", "exclude": ["A"]}]}),
        json!({"sources": [{"path": "/web", "keys": {"prefix": "X_"}}]}),
        json!({"sources": [{"path": "/web"}], "onCollision": "LastWins"}),
        json!({"sources": [{"path": "/web"}], "target": {"labels": {"a": "b"}}}),
        json!({"sources": [{"path": "/web"}], "target": {"templates": {"x": "y"}}}),
    ] {
        assert_ne!(shape(other.clone()), base, "{other}");
    }
}
