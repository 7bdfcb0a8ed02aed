//! What a restore puts back: an older record, an older Secret, an object made anew. Revisions tell which of the two is the
//! older one: an older Secret is put right, an older record is a doubt.

use std::collections::BTreeMap;
use std::time::Duration;

use harness::{Account, Case, ControlPlane};
use serde_json::{Value, json};

use super::doubts::{ask_all, each, edit, put_all, recorded, spec, two, writes};
use super::support::{LONG, assert_no_panic, suite, turn, wait_value, wait_within};
use super::tenant::{calendar, tenant};

/// Longer than a repair takes.
const AFTERWARDS: Duration = Duration::from_secs(4);
const AS_THE_OPERATOR: &str = "--as=system:serviceaccount:paramsync-system:paramsync";
const RULES: &str = "/spec/versions/0/schema/openAPIV3Schema/properties/status/x-kubernetes-validations";

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

/// What the operator's own ServiceAccount gets when it patches a status; kubectl wants to read it too.
async fn patch_status(case: &Case<'_>, name: &str, kind: &str, patch: &Value) -> anyhow::Result<String> {
    let (kind, patch) = (format!("--type={kind}"), patch.to_string());
    let args = [
        "patch",
        "parametersync",
        name,
        "-n",
        case.namespace(),
        "--subresource=status",
        AS_THE_OPERATOR,
        "--as-group=system:masters",
        &kind,
        "-p",
        &patch,
    ];
    case.plane().kubectl(&args).await
}

async fn status(case: &Case<'_>, name: &str) -> Value {
    case.get_json("ParameterSync", name).await.unwrap()["status"].take()
}

/// A new version of the second parameter of each is applied.
async fn change(case: &Case<'_>, names: &[String], value: &str) {
    put_all(case, names, value).await;
    ask_all(case, value).await;
    for name in names {
        wait_value(case, name, "V01", value).await;
        case.eventually(LONG, &format!("{name} is recorded"), async || {
            (status(case, name).await["lastHandledSyncRequest"] == value).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn an_older_record_or_none_is_refused_to_the_operator_itself() {
    let _turn = turn().await;
    let case = suite().await.case_alone("refused").await;
    let all = names(&["web"]);
    each(&case, &all).await;
    let older = status(&case, "web").await;
    change(&case, &all, "newer").await;
    let now = status(&case, "web").await;
    let whole = |status: &Value| json!([{"op": "add", "path": "/status", "value": status}]);
    let none = json!({"status": {"secret": null}});
    for (kind, patch) in [("json", whole(&older)), ("merge", none)] {
        let refused = patch_status(&case, "web", kind, &patch).await.unwrap_err();
        let said = format!("{refused:#}");
        assert!(said.contains("status.secret.revision cannot go back"), "{said}");
    }
    assert_eq!(status(&case, "web").await, now);
    // It is the revision that is refused, not who asks.
    patch_status(&case, "web", "json", &whole(&now)).await.unwrap();
}

/// The CRD without the rule that refuses an older record, as etcd's restore goes by none; until this is dropped.
struct WithoutRule<'a>(&'a ControlPlane, Value);

impl<'a> WithoutRule<'a> {
    const CRD: &'static str = "parametersyncs.paramsync.dev";

    async fn on(plane: &'a ControlPlane) -> Self {
        let crd = plane
            .kubectl(&["get", "crd", Self::CRD, "-o", "json"])
            .await
            .unwrap();
        let crd: Value = serde_json::from_str(&crd).unwrap();
        let rules = crd.pointer(RULES).unwrap().clone();
        let patch = json!([{"op": "remove", "path": RULES}]).to_string();
        plane
            .kubectl(&["patch", "crd", Self::CRD, "--type=json", "-p", &patch])
            .await
            .unwrap();
        Self(plane, rules)
    }
}

impl Drop for WithoutRule<'_> {
    fn drop(&mut self) {
        let patch = json!([{"op": "add", "path": RULES, "value": self.1}]).to_string();
        let args = ["patch", "crd", Self::CRD, "--type=json", "-p", &patch];
        self.0.kubectl_blocking(&args).unwrap();
    }
}

#[tokio::test]
async fn a_record_that_is_older_than_its_secret_is_a_doubt_and_rolls_nothing_back() {
    let _turn = turn().await;
    let case = suite().await.case_alone("older-record").await;
    let (operator, proxy) = (case.operator(), case.operator().proxy());
    let all = names(&["left", "edited"]);
    each(&case, &all).await;
    let mut older = BTreeMap::new();
    for name in &all {
        older.insert(name.clone(), status(&case, name).await);
    }
    change(&case, &all, "newer").await;
    let (was, _) = recorded(&case, "left").await;
    calendar(&case, "Closed").await;
    put_all(&case, &all, "newest").await;

    let without = WithoutRule::on(case.plane()).await;
    for (name, older) in &older {
        let patch = json!([{"op": "add", "path": "/status", "value": older}]);
        let what = format!("the older status of {name} is put back");
        case.eventually(LONG, &what, async || {
            patch_status(&case, name, "json", &patch).await.ok()
        })
        .await;
        wait_within(&case, LONG, name, "UpToDate", "Unknown", "InDoubt").await;
    }
    drop(without);
    proxy.reset();
    edit(&case, "edited").await;
    for round in ["running", "started anew"] {
        ask_all(&case, &round.replace(' ', "-")).await;
        tokio::time::sleep(AFTERWARDS).await;
        assert!(
            case.secret("left").await == Some(two("value-0", "newer")),
            "{round}: rolled back"
        );
        assert!(
            case.secret("edited").await == Some(two("by hand", "newer")),
            "{round}: put back"
        );
        for name in &all {
            assert_eq!(writes(&case, name), 0, "{round}: {name} was written");
            wait_within(&case, LONG, name, "UpToDate", "Unknown", "InDoubt").await;
        }
        operator.restart().unwrap();
        operator.wait_ready().await.unwrap();
    }

    calendar(&case, "Open").await;
    for name in &all {
        wait_value(&case, name, "V01", "newest").await;
        wait_within(&case, LONG, name, "UpToDate", "True", "Synced").await;
        assert!(
            case.secret(name).await == Some(two("value-0", "newest")),
            "{name}"
        );
        assert_eq!(writes(&case, name), 1, "{name} is written once, whole");
        let (secret, version) = recorded(&case, name).await;
        assert_eq!(
            (secret["writing"].is_null(), version),
            (true, 3),
            "{name}: {secret}"
        );
        assert!(secret["revision"].as_i64() > was["revision"].as_i64(), "{secret}");
    }
    assert_no_panic(operator);
}

/// Puts a Secret back by a PUT, as it was, with the seal and as if the operator had written it so.
async fn put_back(tenant: &Account<'_>, name: &str, old: &Value) {
    let put = tenant.forge(name, |secret| {
        secret["data"] = old["data"].clone();
        for part in ["labels", "annotations"] {
            secret["metadata"][part] = old["metadata"][part].clone();
        }
    });
    put.await.unwrap();
}

/// Deletes a Secret and makes it as it was, as restore tools do.
async fn make_anew(case: &Case<'_>, tenant: &Account<'_>, name: &str, old: &Value) {
    tenant.delete_secret(name).await.unwrap();
    let mut old = old.clone();
    let metadata = old["metadata"].as_object_mut().unwrap();
    for field in ["uid", "resourceVersion", "creationTimestamp"] {
        metadata.remove(field);
    }
    tenant.create_secret(case.namespace(), old).await.unwrap();
}

/// Restores both, with the operator halted: what it would do between two steps of a restore is not what this is about.
async fn restore(case: &Case<'_>, tenant: &Account<'_>, olds: &[Value], names: &[&str]) {
    case.operator().pause().unwrap();
    for old in olds {
        let name = old["metadata"]["name"].as_str().unwrap();
        if !names.contains(&name) {
            continue;
        }
        if name.starts_with("put") {
            put_back(tenant, name, old).await;
        } else {
            make_anew(case, tenant, name, old).await;
        }
        assert!(
            case.secret(name).await == Some(two("value-0", "value-1")),
            "{name}"
        );
    }
    case.operator().proxy().reset();
    case.operator().resume().unwrap();
}

async fn put_right(case: &Case<'_>, names: &[&str]) {
    for name in names {
        wait_value(case, name, "V01", "third").await;
        wait_within(case, LONG, name, "Ready", "True", "Synced").await;
    }
    tokio::time::sleep(AFTERWARDS).await;
    for name in names {
        assert!(case.secret(name).await == Some(two("value-0", "third")), "{name}");
        assert_eq!(writes(case, name), 1, "{name}");
    }
}

#[tokio::test]
async fn a_secret_put_back_as_it_was_two_revisions_ago_is_drift_and_put_right() {
    let _turn = turn().await;
    let case = suite().await.case_alone("older-secret").await;
    let tenant = tenant(&case).await;
    let all = names(&["put", "made", "put-all", "made-all"]);
    calendar(&case, "Open").await;
    each(&case, &all).await;
    let mut olds = Vec::new();
    for name in &all {
        olds.push(tenant.secret(name).await.unwrap());
    }
    for value in ["second", "third"] {
        change(&case, &all, value).await;
    }
    restore(&case, &tenant, &olds, &["put", "made"]).await;
    put_right(&case, &["put", "made"]).await;

    calendar(&case, "Closed").await;
    put_all(&case, &all, "fourth").await;
    restore(&case, &tenant, &olds, &["put", "made"]).await;
    put_right(&case, &["put", "made"]).await;
    ask_all(&case, "fourth").await;
    for name in &all {
        wait_within(&case, LONG, name, "UpToDate", "False", "FrozenByCalendar").await;
    }
    put_right(&case, &["put", "made"]).await;

    // Where repairs wait too, so do these.
    let scope = async |scope: &str| {
        let patch = json!({"spec": {"freeze": {"scope": scope}}}).to_string();
        let args = [
            "patch",
            "clusterchangecalendar",
            case.namespace(),
            "--type=merge",
            "-p",
            &patch,
        ];
        case.kubectl(&args).await;
        case.eventually(LONG, "the calendar's new scope is known", async || {
            let object = case.get_json("ClusterChangeCalendar", case.namespace()).await?;
            (object["status"]["observedGeneration"] == object["metadata"]["generation"]).then_some(())
        })
        .await;
    };
    scope("All").await;
    restore(&case, &tenant, &olds, &["put-all", "made-all"]).await;
    tokio::time::sleep(AFTERWARDS).await;
    for name in ["put-all", "made-all"] {
        wait_within(&case, LONG, name, "Ready", "False", "FrozenByCalendar").await;
        assert_eq!(writes(&case, name), 0, "{name}");
    }
    scope("Updates").await;
    put_right(&case, &["put-all", "made-all"]).await;
    assert_no_panic(case.operator());
}

/// The uid of the object that a Secret's one owner reference names.
async fn owner(case: &Case<'_>, name: &str) -> Value {
    case.get_json("Secret", name).await.unwrap()["metadata"]["ownerReferences"][0]["uid"].take()
}

#[tokio::test]
async fn an_object_made_anew_over_its_secret_begins_above_the_old_life_and_in_a_freeze_waits() {
    let _turn = turn().await;
    let case = suite().await.case_alone("orphan").await;
    let tenant = tenant(&case).await;
    let all = names(&["web"]);
    calendar(&case, "Open").await;
    each(&case, &all).await;
    let old = tenant.secret("web").await.unwrap();
    let (first, _) = recorded(&case, "web").await;
    let anew = async || {
        case.kubectl(&["delete", "parametersync", "web", "--cascade=orphan"])
            .await;
        case.sync("web", &spec("web")).await;
        case.get_json("ParameterSync", "web").await.unwrap()["metadata"]["uid"].take()
    };

    let uid = anew().await;
    wait_within(&case, LONG, "web", "Ready", "True", "Synced").await;
    let (second, _) = recorded(&case, "web").await;
    assert!(
        second["revision"].as_i64() > first["revision"].as_i64(),
        "{second}"
    );
    assert_eq!(owner(&case, "web").await, uid);
    // A Secret of the old life is older than all of the new one.
    change(&case, &all, "second").await;
    calendar(&case, "Closed").await;
    case.operator().pause().unwrap();
    put_back(&tenant, "web", &old).await;
    case.operator().resume().unwrap();
    wait_value(&case, "web", "V01", "second").await;
    wait_within(&case, LONG, "web", "UpToDate", "True", "Synced").await;

    put_all(&case, &all, "newest").await;
    let before = case.secret("web").await;
    let uid = anew().await;
    wait_within(&case, LONG, "web", "Ready", "True", "RecordLost").await;
    wait_within(&case, LONG, "web", "UpToDate", "Unknown", "RecordLost").await;
    edit(&case, "web").await;
    ask_all(&case, "closed").await;
    tokio::time::sleep(AFTERWARDS).await;
    assert_eq!(owner(&case, "web").await, uid, "the owner reference is put right");
    assert!(before == Some(two("value-0", "second")));
    assert!(
        case.secret("web").await == Some(two("by hand", "second")),
        "it was written"
    );

    calendar(&case, "Open").await;
    wait_value(&case, "web", "V01", "newest").await;
    wait_within(&case, LONG, "web", "UpToDate", "True", "Synced").await;
    assert!(case.secret("web").await == Some(two("value-0", "newest")));
    assert_no_panic(case.operator());
}
