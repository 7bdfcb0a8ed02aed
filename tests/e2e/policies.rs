//! What the chart's admission policies refuse, to whom, and what they let pass.

use std::time::Duration;

use harness::{Account, Case, Rights};
use kube::Api;
use kube::api::{ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::json;

use super::support::suite;

pub(super) const WEB: &str = "sources: [{path: /web}]";
/// Rights and policies come by watches of the API server's own.
pub(super) const SOME: Duration = Duration::from_secs(20);
const OPERATOR: &str = "system:serviceaccount:paramsync-system:paramsync";
const SEAL: &str = "paramsync-seal";

/// A namespace with a Secret of two keys.
pub(super) async fn synced(name: &str) -> Case<'static> {
    let case = suite().await.case(name).await;
    case.put_many("/web", 2).await;
    case.sync("web", WEB).await;
    case.wait_ready("web").await;
    case
}

/// Waits until a right that was just given holds.
pub(super) async fn may(case: &Case<'_>, who: &Account<'_>, what: &[&str]) {
    let args = [&["auth", "can-i"], what].concat();
    case.eventually(SOME, "a right", async || {
        who.kubectl(&args).await.is_ok().then_some(())
    })
    .await;
}

/// A write that must be refused by a policy; gives the message.
pub(super) fn refused(by: &str, answer: anyhow::Result<impl std::fmt::Debug>) -> String {
    let message = format!("{:#}", answer.expect_err("a refusal"));
    assert!(
        message.contains("Forbidden") || message.contains("forbidden"),
        "{message}"
    );
    assert!(message.contains(by), "by {by}: {message}");
    message
}

#[tokio::test]
async fn a_status_is_refused_to_cluster_admins_and_to_a_namespaces_admin() {
    let case = synced("status-refused").await;
    let root = case.account("root", Rights::Everywhere("cluster-admin")).await;
    let admin = case.account("boss", Rights::Here("admin")).await;
    // All rights in one namespace: what a namespace's administrator may give away with a RoleBinding.
    let owner = case.account("owner", Rights::Here("cluster-admin")).await;
    let status = ["patch", "parametersyncs", "--subresource=status"];
    may(&case, &root, &status).await;
    may(&case, &owner, &status).await;
    may(&case, &admin, &["patch", "parametersyncs"]).await;

    let before = case.get_json("ParameterSync", "web").await.unwrap()["status"].clone();
    let forged = json!({"status": {"parameters": [], "lastChanged": "2020-01-01T00:00:00Z"}}).to_string();
    let patch = |kind: &'static str| ["patch", kind, "web", "--subresource=status", "--type=merge", "-p"];
    for who in [&root, &owner] {
        let args = [&patch("psync")[..], &[&forged]].concat();
        let message = refused("paramsync-status", who.kubectl(&args).await);
        assert!(
            message.contains("written by the paramsync operator alone"),
            "{message}"
        );
        let apply = json!({
            "apiVersion": "paramsync.dev/v1alpha1", "kind": "ParameterSync", "metadata": {"name": "web"},
            "status": {"observedGeneration": 9},
        });
        let args = [
            "apply",
            "--server-side",
            "--force-conflicts",
            "--subresource=status",
            "-f",
            "-",
        ];
        refused(
            "paramsync-status",
            who.kubectl_stdin(&args, &apply.to_string()).await,
        );
    }
    // The administrator of the suite is of system:masters, whom no role binds.
    let namespace = ["-n", case.namespace()];
    let args = [&namespace[..], &patch("psync"), &[&forged]].concat();
    refused("paramsync-status", case.plane().kubectl(&args).await);
    // The built-in roles hold no status at all.
    let args = [&patch("psync")[..], &[&forged]].concat();
    refused("cannot get resource", admin.kubectl(&args).await);

    // A write that carries a status, but is none of it, loses that only.
    let mut whole = case.get_json("ParameterSync", "web").await.unwrap();
    whole["status"] = json!({"observedGeneration": 77});
    owner
        .kubectl_stdin(&["replace", "-f", "-"], &whole.to_string())
        .await
        .unwrap();
    let after = case.get_json("ParameterSync", "web").await.unwrap()["status"].clone();
    assert_eq!(after, before);
}

#[tokio::test]
async fn the_status_of_every_kind_is_refused() {
    let case = suite().await.case("every-kind").await;
    case.apply(
        "{apiVersion: paramsync.dev/v1alpha1, kind: ChangeCalendar, metadata: {name: quiet}, spec: {events: \
         [{name: x, start: 2020-01-01T00:00:00Z, end: 2020-01-02T00:00:00Z}]}}",
    )
    .await;
    let cluster = json!({
        "apiVersion": "paramsync.dev/v1alpha1", "kind": "ClusterChangeCalendar", "metadata": {"name": case.namespace()},
        "spec": {"events": [{"name": "x", "start": "2020-01-01T00:00:00Z", "end": "2020-01-02T00:00:00Z"}]},
    });
    case.apply(&cluster.to_string()).await;
    case.apply(
        "{apiVersion: paramsync.dev/v1alpha1, kind: ParameterStore, metadata: {name: own}, spec: {region: eu-central-1, \
         auth: {secretRef: {name: aws, accessKeyIDKey: id, secretAccessKeyKey: key}}}}",
    )
    .await;
    for (kind, name) in [
        ("changecalendars", "quiet"),
        ("parameterstores", "own"),
        ("clusterchangecalendars", case.namespace()),
        ("clusterparameterstores", case.namespace()),
    ] {
        let patch = r#"{"status":{"observedGeneration":9}}"#;
        let args = [
            "-n",
            case.namespace(),
            "patch",
            kind,
            name,
            "--subresource=status",
            "--type=merge",
            "-p",
            patch,
        ];
        refused("paramsync-status", case.plane().kubectl(&args).await);
    }
    case.kubectl(&["delete", "clusterchangecalendar", case.namespace()])
        .await;
}

#[tokio::test]
async fn the_seal_is_written_by_the_operator_alone() {
    let case = suite().await.case("seal").await;
    let plane = case.plane();
    let keeper = case.account("keeper", Rights::Here("view")).await;
    keeper.also_in("paramsync-system", "cluster-admin").await.unwrap();
    let there = |args: &[&'static str]| [&["-n", "paramsync-system"], args].concat();
    // The operator's own, or one made in its name.
    let made = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": SEAL, "namespace": "paramsync-system"},
        "data": {"key": "MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDA="},
    })
    .to_string();
    let create = |who| [&["-n", "paramsync-system", "create", "-f", "-"][..], who].concat();
    let in_its_name = format!("--as={OPERATOR}");
    if let Err(error) = plane.kubectl_stdin(&create(&[&in_its_name]), &made).await {
        assert!(format!("{error:#}").contains("AlreadyExists"), "{error:#}");
    }
    case.eventually(SOME, "a right", async || {
        let args = there(&["auth", "can-i", "delete", "secrets"]);
        keeper.kubectl(&args).await.is_ok().then_some(())
    })
    .await;

    let patch = r#"{"data":{"key":"eA=="}}"#;
    let owned =
        r#"{"metadata":{"ownerReferences":[{"apiVersion":"v1","kind":"ConfigMap","name":"x","uid":"x"}]}}"#;
    for args in [
        there(&["patch", "secret", SEAL, "-p", patch]),
        there(&["patch", "secret", SEAL, "-p", owned]),
        there(&["patch", "secret", SEAL, "-p", r#"{"immutable":true}"#]),
        there(&["delete", "secret", SEAL]),
        there(&[
            "delete",
            "secrets",
            "--field-selector=metadata.name=paramsync-seal",
        ]),
    ] {
        let message = refused("paramsync-status", keeper.kubectl(&args).await);
        assert!(message.contains("paramsync-seal"), "{message}");
        refused("paramsync-status", plane.kubectl(&args).await);
    }
    // Encrypting all Secrets anew rewrites them as they are.
    let seal = plane
        .kubectl(&there(&["get", "secret", SEAL, "-o", "json"]))
        .await
        .unwrap();
    plane
        .kubectl_stdin(&there(&["replace", "-f", "-"]), &seal)
        .await
        .unwrap();
    // Elsewhere it is a name like any other.
    case.kubectl(&["create", "secret", "generic", SEAL]).await;
    case.kubectl(&["delete", "secret", SEAL]).await;
}

#[tokio::test]
async fn a_second_release_is_refused_at_install_and_the_first_one_goes_on() {
    let case = suite().await.case_alone("second").await;
    let plane = case.plane();
    let namespace = format!("{}-release", case.namespace());
    let policies = async || {
        let args = [
            "get",
            "validatingadmissionpolicies",
            "-o",
            "jsonpath={.items[*].metadata.uid}",
        ];
        plane.kubectl(&args).await.unwrap()
    };
    let before = policies().await;
    let install = |more: &[&'static str]| {
        let args = ["install", "second", "charts/paramsync", "-n"].map(str::to_owned);
        let rest = ["--create-namespace", "--set", "crds.enabled=false"]
            .iter()
            .chain(more);
        let rest = rest.map(|text| (*text).to_owned());
        args.into_iter()
            .chain([namespace.clone()])
            .chain(rest)
            .collect::<Vec<_>>()
    };
    let helm = async |args: Vec<String>| {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        plane.helm(&args).await
    };
    let message = format!("{:#}", helm(install(&[])).await.expect_err("a refusal"));
    let user = format!("system:serviceaccount:{namespace}:second-paramsync");
    for words in [
        "belongs to the release paramsync in namespace paramsync-system",
        "admissionPolicies.operators",
        "admissionPolicies.create=false",
        &user,
    ] {
        assert!(message.contains(words), "{words}: {message}");
    }
    assert!(
        case.get_json("Namespace", &namespace).await.is_none(),
        "nothing is left behind"
    );
    assert_eq!(policies().await, before);

    // With the policies left to the first release it installs; until that lists it, its operator is refused.
    helm(install(&["--set", "admissionPolicies.create=false"]))
        .await
        .unwrap();
    case.sync("web", WEB).await;
    let kubeconfig = Kubeconfig::read_from(plane.kubeconfig()).unwrap();
    let mut config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .unwrap();
    config.auth_info.impersonate = Some(user.clone());
    let second: Api<DynamicObject> = Api::namespaced_with(
        kube::Client::try_from(config).unwrap(),
        case.namespace(),
        &ApiResource::from_gvk(&GroupVersionKind::gvk(
            "paramsync.dev",
            "v1alpha1",
            "ParameterSync",
        )),
    );
    let status = Patch::Merge(json!({"status": {"lastHandledSyncRequest": "second"}}));
    let write = async || second.patch_status("web", &PatchParams::default(), &status).await;
    case.eventually(SOME, "a refusal by the policy", async || {
        let message = write().await.err()?.to_string();
        message.contains("paramsync-status").then_some(())
    })
    .await;
    let operators = json!([user]).to_string();
    let operators = format!("admissionPolicies.operators={operators}");
    upgrade(&case, &[&operators], &[]).await;
    case.eventually(SOME, "the second operator's write", async || write().await.ok())
        .await;
    upgrade(&case, &["admissionPolicies.operators=[]"], &[]).await;
    plane
        .helm(&["uninstall", "second", "-n", &namespace])
        .await
        .unwrap();
    plane
        .kubectl(&["delete", "namespace", &namespace, "--wait=false"])
        .await
        .unwrap();
    assert_eq!(policies().await, before);
}

/// `helm upgrade` of the suite's release with these values changed, each as `--set-json` takes it.
async fn upgrade(case: &Case<'_>, values: &[&str], more: &[&str]) {
    let mut args = vec![
        "upgrade",
        "paramsync",
        "charts/paramsync",
        "-n",
        "paramsync-system",
        "--reuse-values",
    ];
    args.extend(values.iter().flat_map(|value| ["--set-json", value]));
    args.extend(more);
    case.plane().helm(&args).await.unwrap();
}

#[tokio::test]
async fn protected_secrets_are_refused_to_others_and_still_go_with_their_owners() {
    let case = suite().await.case_alone("protected").await;
    let plane = case.plane();
    case.put_many("/web", 2).await;
    case.sync("web", WEB).await;
    case.sync("doomed", WEB).await;
    case.wait_ready("web").await;
    case.wait_ready("doomed").await;
    let tenant = case.account("tenant", Rights::Here("edit")).await;
    may(&case, &tenant, &["update", "secrets"]).await;
    // A namespace of another operator, to see its seal go with it.
    let other = case.second_namespace().await;
    plane
        .kubectl(&["-n", &other, "create", "secret", "generic", SEAL])
        .await
        .unwrap();
    let operators = format!(r#"admissionPolicies.operators=["system:serviceaccount:{other}:paramsync"]"#);
    upgrade(
        &case,
        &["admissionPolicies.protectSecrets.enabled=true", &operators],
        &[],
    )
    .await;

    let before = case.secret_resource_version("web").await;
    let patch = r#"{"data":{"V00":"eA=="}}"#;
    case.eventually(SOME, "the policy", async || {
        let probe = ["create", "secret", "generic", "probe", "--dry-run=server"];
        let args = ["label", "secret", "web", "probe=x", "--dry-run=server"];
        tenant.kubectl(&probe).await.unwrap();
        tenant.kubectl(&args).await.is_err().then_some(())
    })
    .await;
    let by = "paramsync-protect-secrets";
    tenant
        .kubectl(&["create", "secret", "generic", "own", "--from-literal=A=x"])
        .await
        .unwrap();
    for args in [
        &["patch", "secret", "web", "-p", patch][..],
        &["label", "secret", "web", "paramsync.dev/managed-"],
        &[
            "label",
            "secret",
            "web",
            "--overwrite",
            "paramsync.dev/managed=false",
        ],
        &["delete", "secret", "web"],
        &["delete", "secrets", "-l", "paramsync.dev/managed=true"],
        &["label", "secret", "own", "paramsync.dev/managed=true"],
    ] {
        refused(by, tenant.kubectl(args).await);
    }
    let labelled = json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": {"name": "made", "labels": {"paramsync.dev/managed": "true"}},
    });
    refused(
        by,
        tenant
            .kubectl_stdin(&["create", "-f", "-"], &labelled.to_string())
            .await,
    );
    assert_eq!(case.secret_resource_version("web").await, before);
    // The operator goes on, and so do the control plane's controllers.
    case.put("/web/V00", "newer").await;
    super::kept::force_and_wait(&case, "web", "now").await;
    assert_eq!(case.secret_value("web", "V00").await.as_deref(), Some("newer"));
    case.kubectl(&["delete", "psync", "doomed"]).await;
    case.eventually(SOME, "the Secret collected", async || {
        case.secret("doomed").await.is_none().then_some(())
    })
    .await;
    let seal = ["-n", &other, "delete", "secret", SEAL];
    refused("paramsync-status", plane.kubectl(&seal).await);
    plane
        .kubectl(&["delete", "namespace", &other, "--timeout=30s"])
        .await
        .unwrap();

    // A binding that somebody narrowed to nothing is put back by the next forced upgrade.
    let narrow = r#"{"spec":{"matchResources":{"namespaceSelector":{"matchLabels":{"no":"such"}}}}}"#;
    let binding = "validatingadmissionpolicybinding/paramsync-status";
    plane
        .kubectl(&["patch", binding, "--type=merge", "-p", narrow])
        .await
        .unwrap();
    let status = r#"{"status":{"lastHandledSyncRequest":"forged"}}"#;
    let namespace = ["-n", case.namespace()];
    let forge = [
        "patch",
        "psync",
        "web",
        "--subresource=status",
        "--dry-run=server",
        "--type=merge",
        "-p",
        status,
    ];
    let forge = [&namespace[..], &forge].concat();
    case.eventually(SOME, "the narrowed policy", async || {
        plane.kubectl(&forge).await.is_ok().then_some(())
    })
    .await;
    let values = [
        "admissionPolicies.protectSecrets.enabled=false",
        "admissionPolicies.operators=[]",
    ];
    upgrade(&case, &values, &["--force-conflicts"]).await;
    case.eventually(SOME, "the policy put back", async || {
        plane.kubectl(&forge).await.err()
    })
    .await;
    case.eventually(SOME, "the protection gone", async || {
        let args = ["label", "secret", "web", "probe=x", "--dry-run=server"];
        tenant.kubectl(&args).await.is_ok().then_some(())
    })
    .await;
}
