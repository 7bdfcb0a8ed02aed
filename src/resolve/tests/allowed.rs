//! What a Secret may be and say: types, names, labels and annotations.

use super::*;

const NO_STORE: Option<&str> = None;

fn spec(target: &Value, store: Option<&str>) -> Value {
    let store_ref = match store {
        Some(name) => json!({"kind": "ParameterStore", "name": name}),
        None => json!({"kind": "ClusterParameterStore"}),
    };
    json!({"sources": [{"path": "/web"}], "storeRef": store_ref, "target": target})
}

fn with_access(entries: Value) -> Cluster {
    let mut cluster = Cluster::new();
    cluster.set_access(entries);
    cluster
}

fn said(cluster: &Cluster, target: &Value, store: Option<&str>) -> String {
    match cluster.resolve(&object("shop", "web", spec(target, store))) {
        Ok(_) => "allowed".to_owned(),
        Err(refusal) => format!("{}: {refusal}", refusal.reason()),
    }
}

#[test]
fn five_types_and_names_without_a_domain_need_no_entry() {
    let cluster = Cluster::new();
    for target in [
        json!({}),
        json!({"type": "Opaque"}),
        json!({"type": "kubernetes.io/dockerconfigjson"}),
        json!({"type": "kubernetes.io/basic-auth"}),
        json!({"type": "kubernetes.io/ssh-auth"}),
        json!({"type": "kubernetes.io/tls"}),
        json!({"labels": {"team": "shop", "owner": "shop"}, "annotations": {"owner": "helm"}}),
    ] {
        assert_eq!(said(&cluster, &target, NO_STORE), "allowed", "{target}");
    }
}

#[test]
fn everything_else_is_refused_with_the_field_and_the_list_that_it_would_have_to_be_on() {
    let cluster = Cluster::new();
    for (target, parts) in [
        (
            json!({"type": "example.com/licence"}),
            ["spec.target.type: \"example.com/licence\"", "secretTypes"],
        ),
        (
            json!({"type": "licence"}),
            ["spec.target.type: \"licence\"", "secretTypes"],
        ),
        (
            json!({"type": "helm.sh/release.v1"}),
            ["spec.target.type: \"helm.sh/release.v1\"", "secretTypes"],
        ),
        (
            json!({"type": "kubernetes.io/dockercfg"}),
            ["spec.target.type: \"kubernetes.io/dockercfg\"", "secretTypes"],
        ),
        (
            json!({"labels": {"example.com/team": "shop"}}),
            ["spec.target.labels: \"example.com/team\"", "metadataDomains"],
        ),
        (
            json!({"labels": {"app.kubernetes.io/name": "web"}}),
            [
                "spec.target.labels: \"app.kubernetes.io/name\"",
                "metadataDomains",
            ],
        ),
        (
            json!({"annotations": {"argocd.argoproj.io/tracking-id": "x"}}),
            [
                "spec.target.annotations: \"argocd.argoproj.io/tracking-id\"",
                "the domain argocd.argoproj.io",
            ],
        ),
    ] {
        let said = said(&cluster, &target, NO_STORE);
        assert!(said.starts_with("TargetNotAllowed: "), "{said}");
        for part in parts
            .into_iter()
            .chain(["spec.access of ClusterParameterStore/default", "namespace shop"])
        {
            assert!(said.contains(part), "{target}: {part} is not in {said}");
        }
    }
}

#[test]
fn an_entry_of_access_allows_what_it_lists_to_the_namespaces_that_it_selects() {
    let entry = |team: &str, lists: Value| {
        let mut entry = json!({"namespaceSelector": {"matchLabels": {"team": team}}, "prefixes": ["/"]});
        for (field, list) in lists.as_object().into_iter().flatten() {
            entry[field] = list.clone();
        }
        entry
    };
    let cluster = with_access(json!([
        entry("shop", json!({"secretTypes": ["example.com/*"]})),
        entry(
            "shop",
            json!({"metadataDomains": ["argocd.argoproj.io", "*.example.com"], "secretTypes": ["helm.sh/release.v1"]})
        ),
        entry(
            "other",
            json!({"secretTypes": ["*", "*/*"], "metadataDomains": ["*"]})
        ),
    ]));
    for (target, allowed) in [
        (json!({"type": "example.com/licence"}), true),
        // The entries that select the namespace count together.
        (
            json!({"type": "example.com/licence", "labels": {"argocd.argoproj.io/x": "y"}}),
            true,
        ),
        (json!({"type": "helm.sh/release.v1"}), true),
        (json!({"annotations": {"a.b.example.com/x": "y"}}), true),
        // A star does not cross the slash, and a domain stands for none above or below it.
        (json!({"type": "example.com/a/b"}), false),
        (json!({"type": "example.community/a"}), false),
        (json!({"labels": {"example.com/x": "y"}}), false),
        (json!({"labels": {"x.argocd.argoproj.io/x": "y"}}), false),
        // What only an entry for other namespaces lists.
        (json!({"type": "licence"}), false),
        (json!({"labels": {"app.kubernetes.io/name": "web"}}), false),
    ] {
        let said = said(&cluster, &target, NO_STORE);
        assert_eq!(said == "allowed", allowed, "{target}: {said}");
    }
}

#[test]
fn the_flags_are_for_stores_of_namespaces_and_access_for_cluster_stores() {
    let mut cluster = with_access(json!([
        {"namespaceSelector": {}, "prefixes": ["/"], "secretTypes": ["example.com/cluster"], "metadataDomains": ["cluster.example.com"]},
    ]));
    cluster.listed =
        Allowance::new(vec!["example.com/flag".into()], vec!["flag.example.com".into()]).unwrap();
    cluster.add_namespaced(json!({"region": "eu-west-1", "auth": {"secretRef": {"name": "aws"}}}));
    for (target, by_flag, by_access) in [
        (json!({"type": "example.com/flag"}), true, false),
        (json!({"labels": {"flag.example.com/x": "y"}}), true, false),
        (json!({"type": "example.com/cluster"}), false, true),
        (
            json!({"annotations": {"cluster.example.com/x": "y"}}),
            false,
            true,
        ),
    ] {
        for (store, allowed, place) in [
            (Some("own"), by_flag, "the operator's flag --allow-"),
            (NO_STORE, by_access, "spec.access"),
        ] {
            let said = said(&cluster, &target, store);
            assert_eq!(said == "allowed", allowed, "{target}: {said}");
            assert!(allowed || said.contains(place), "{said}");
        }
    }
}

#[test]
fn no_list_allows_what_would_be_a_release_of_helm_a_token_or_our_own() {
    let mut cluster = with_access(json!([
        {"namespaceSelector": {}, "prefixes": ["/"], "secretTypes": ["*", "*/*"], "metadataDomains": ["*"]},
    ]));
    cluster.listed = Allowance::new(vec!["*".into(), "*/*".into()], vec!["*".into()]).unwrap();
    cluster.add_namespaced(json!({"region": "eu-west-1", "auth": {"secretRef": {"name": "aws"}}}));
    for (target, part) in [
        (
            json!({"name": "sh.helm.release.v1.app.v2"}),
            "spec.target.name: \"sh.helm.release.v1.app.v2\"",
        ),
        (
            json!({"name": "paramsync-seal"}),
            "spec.target.name: \"paramsync-seal\"",
        ),
        (
            json!({"labels": {"owner": "helm"}}),
            "spec.target.labels: \"owner: helm\"",
        ),
        (
            json!({"type": "kubernetes.io/service-account-token"}),
            "spec.target.type: \"kubernetes.io/service-account-token\"",
        ),
        (
            json!({"type": "bootstrap.kubernetes.io/token"}),
            "spec.target.type: \"bootstrap.kubernetes.io/token\"",
        ),
        (
            json!({"labels": {"paramsync.dev/managed": "false"}}),
            "spec.target.labels: \"paramsync.dev/managed\"",
        ),
        (
            json!({"annotations": {"x.paramsync.dev/y": "z"}}),
            "spec.target.annotations: \"x.paramsync.dev/y\"",
        ),
        (
            json!({"labels": {"app.kubernetes.io/managed-by": "Helm"}}),
            "spec.target.labels: \"app.kubernetes.io/managed-by\"",
        ),
    ] {
        for store in [Some("own"), NO_STORE] {
            let said = said(&cluster, &target, store);
            assert!(
                said.starts_with("TargetNotAllowed: ") && said.contains(part),
                "{target}: {said}"
            );
        }
    }
    // The same lists do allow the rest, so that it is not the lists which refuse.
    let rest = json!({"type": "helm.sh/release.v1", "labels": {"notparamsync.dev/x": "y"}});
    assert_eq!(said(&cluster, &rest, NO_STORE), "allowed");
}

#[test]
fn a_name_is_refused_where_it_is_only_the_default() {
    let cluster = Cluster::new();
    for name in ["sh.helm.release.v1.app.v2", "paramsync-seal"] {
        let object = object("shop", name, json!({"sources": [{"path": "/web"}]}));
        let refusal = cluster.resolve(&object).unwrap_err();
        assert_eq!(refusal.reason(), "TargetNotAllowed", "{refusal}");
    }
}

#[test]
fn a_flag_that_is_no_glob_is_an_error_that_quotes_it() {
    let error = Allowance::new(vec!["example.com/[a".into()], Vec::new()).unwrap_err();
    assert!(error.to_string().contains("example.com/[a"), "{error}");
}
