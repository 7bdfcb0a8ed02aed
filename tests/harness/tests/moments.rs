//! What makes moments: the proxy before the API server, etcd halted, and somebody else's rights.
#![allow(missing_docs, clippy::unwrap_used, clippy::disallowed_methods)]

use std::time::{Duration, Instant};

use harness::{Act, ApiProxy, ControlPlane, Tools, Which};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams, WatchEvent, WatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::json;
use tokio::sync::{Mutex, MutexGuard, OnceCell};

const SOON: Duration = Duration::from_secs(10);

/// One control plane for the tests of this file, one after the other. Its processes end with this one.
async fn plane() -> (&'static ControlPlane, MutexGuard<'static, ()>) {
    static PLANE: OnceCell<ControlPlane> = OnceCell::const_new();
    static TURN: Mutex<()> = Mutex::const_new(());
    let start = async || ControlPlane::start(&Tools::locate().unwrap()).await.unwrap();
    (PLANE.get_or_init(start).await, TURN.lock().await)
}

/// ConfigMaps of namespace default by way of the proxy, each request at most 5 s.
async fn through(plane: &ControlPlane, proxy: &ApiProxy) -> Api<ConfigMap> {
    let mut kubeconfig = Kubeconfig::read_from(plane.kubeconfig()).unwrap();
    kubeconfig.clusters[0].cluster.as_mut().unwrap().server = Some(proxy.url());
    let mut config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .unwrap();
    config.default_retry = false;
    Api::namespaced(kube::Client::try_from(config).unwrap(), "default")
}

async fn write(api: &Api<ConfigMap>, name: &str, value: &str) -> kube::Result<ConfigMap> {
    let object = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"a": value},
    });
    api.patch(name, &PatchParams::apply("test"), &Patch::Apply(&object))
        .await
}

async fn value(plane: &ControlPlane, name: &str) -> Option<String> {
    let api: Api<ConfigMap> = Api::namespaced(plane.client().await.unwrap(), "default");
    api.get_opt(name).await.unwrap()?.data?.remove("a")
}

#[tokio::test]
async fn what_no_rule_is_about_passes_through_and_is_counted_watches_too() {
    let (plane, _turn) = plane().await;
    let proxy = ApiProxy::start(plane).unwrap();
    let api = through(plane, &proxy).await;
    write(&api, "pass", "1").await.unwrap();
    let since = api.get("pass").await.unwrap().metadata.resource_version.unwrap();
    let only = WatchParams::default().fields("metadata.name=pass").timeout(60);
    let mut watch = std::pin::pin!(api.watch(&only, &since).await.unwrap());
    write(&api, "pass", "2").await.unwrap();
    let event = tokio::time::timeout(SOON, futures::StreamExt::next(&mut watch)).await;
    let WatchEvent::Modified(seen) = event.unwrap().unwrap().unwrap() else {
        panic!("another event than the change")
    };
    assert_eq!(
        seen.data.unwrap()["a"],
        "2",
        "the event came while the watch went on"
    );

    let writes = Which::patch("/configmaps/pass?");
    assert_eq!(
        (proxy.count(&writes), proxy.count(&Which::get("watch=true"))),
        (2, 1)
    );
    assert_eq!(proxy.count(&writes.clone().body(r#""a":"2""#)), 1);
    let asked = proxy.asked();
    assert!(asked.iter().all(|asked| asked.status.is_some()), "{asked:?}");
    assert_eq!(
        asked[0].status,
        Some(201),
        "{asked:?} of which none shows its body"
    );
    assert!(!format!("{asked:?}").contains(r#""a""#));
    proxy.reset();
    assert_eq!(proxy.count(&Which::any()), 0);
    api.delete("pass", &DeleteParams::default()).await.unwrap();
    assert_eq!(proxy.count(&Which::write("/configmaps/pass")), 1);
}

#[tokio::test]
async fn a_request_is_held_before_it_is_done_and_an_answer_after_it_was() {
    let (plane, _turn) = plane().await;
    let proxy = ApiProxy::start(plane).unwrap();
    let api = through(plane, &proxy).await;
    let rule = proxy.rule(Which::patch("/configmaps/held?"), Act::Hold);
    let held = tokio::spawn({
        let api = api.clone();
        async move { write(&api, "held", "1").await }
    });
    rule.held().await;
    write(&api, "other", "1").await.unwrap();
    assert_eq!((value(plane, "held").await, rule.met()), (None, 1));
    rule.release();
    held.await.unwrap().unwrap();
    assert_eq!(value(plane, "held").await.as_deref(), Some("1"));

    let rule = proxy.rule_times(1, Which::patch("/configmaps/held?"), Act::HoldAnswer);
    let held = tokio::spawn({
        let api = api.clone();
        async move { write(&api, "held", "2").await }
    });
    rule.held().await;
    assert_eq!(value(plane, "held").await.as_deref(), Some("2"), "it was done");
    assert!(!held.is_finished());
    // Used up: the next one passes.
    write(&api, "held", "3").await.unwrap();
    drop(rule);
    assert_eq!(held.await.unwrap().unwrap().data.unwrap()["a"], "2");

    // What its client does not wait for any more is never done.
    let rule = proxy.rule(Which::patch("/configmaps/gone?"), Act::Hold);
    let given_up = tokio::time::timeout(Duration::from_millis(500), write(&api, "gone", "1")).await;
    assert!(given_up.is_err());
    rule.release();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(value(plane, "gone").await, None);
}

#[tokio::test]
async fn requests_are_cut_lost_answered_and_delayed_by_the_newest_rule_that_fits() {
    let (plane, _turn) = plane().await;
    let proxy = ApiProxy::start(plane).unwrap();
    let api = through(plane, &proxy).await;
    let all = Which::patch("/configmaps/rules?");
    let cut = proxy.rule(all.clone(), Act::Cut);
    write(&api, "rules", "1").await.unwrap_err();
    assert_eq!(value(plane, "rules").await, None, "it was not forwarded");

    let lost = proxy.rule_times(1, all.clone().body(r#""a":"2""#), Act::LoseAnswer);
    write(&api, "rules", "2").await.unwrap_err();
    assert_eq!(value(plane, "rules").await.as_deref(), Some("2"), "it was done");
    write(&api, "rules", "2").await.unwrap_err();
    assert_eq!(
        (lost.met(), cut.met()),
        (1, 2),
        "a rule that is used up leaves it to the older one"
    );

    let refusing = proxy.rule(all.clone(), Act::refuse(422, "Invalid", "for a test"));
    let error = write(&api, "rules", "3").await.unwrap_err();
    assert!(
        matches!(&error, kube::Error::Api(status) if status.is_invalid() && status.message == "for a test")
    );
    drop((refusing, lost, cut));
    let _delayed = proxy.rule(all, Act::Delay(Duration::from_secs(1)));
    let start = Instant::now();
    write(&api, "rules", "4").await.unwrap();
    assert!(start.elapsed() >= Duration::from_secs(1));

    proxy.down(true);
    write(&api, "rules", "5").await.unwrap_err();
    proxy.down(false);
    write(&api, "rules", "6").await.unwrap();
    assert_eq!(value(plane, "rules").await.as_deref(), Some("6"));
}

#[tokio::test]
async fn a_client_finds_the_api_server_again_by_way_of_the_proxy() {
    let (plane, _turn) = plane().await;
    let proxy = ApiProxy::start(plane).unwrap();
    let api = through(plane, &proxy).await;
    write(&api, "again", "1").await.unwrap();
    plane.stop_apiserver();
    write(&api, "again", "2").await.unwrap_err();
    plane.start_apiserver().await.unwrap();
    write(&api, "again", "3").await.unwrap();
    assert_eq!(value(plane, "again").await.as_deref(), Some("3"));
}

#[tokio::test]
async fn while_etcd_is_halted_nothing_is_written_and_afterwards_all_is_as_before() {
    let (plane, _turn) = plane().await;
    plane
        .kubectl(&["create", "configmap", "pause", "--from-literal=a=1"])
        .await
        .unwrap();
    plane.pause_etcd().unwrap();
    let args = [
        "patch",
        "configmap",
        "pause",
        "-p",
        r#"{"data":{"a":"2"}}"#,
        "--request-timeout=2s",
    ];
    let refused = plane.kubectl(&args).await;
    plane.resume_etcd().unwrap();
    refused.unwrap_err();
    let start = Instant::now();
    while plane.kubectl(&args).await.is_err() {
        assert!(start.elapsed() < Duration::from_secs(30), "it does not come back");
    }
    assert_eq!(value(plane, "pause").await.as_deref(), Some("2"));
}
