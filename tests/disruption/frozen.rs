//! A thousand random sequences of what users, admins, accidents and attackers may do round a freeze: nothing new ever gets
//! in.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt as _;
use harness::{Case, REGION};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{
    Api, ApiResource, DeleteParams, DynamicObject, GroupVersionKind, Patch, PatchParams, PostParams,
    WatchEvent, WatchParams,
};
use paramsync::schedule::fraction;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::support::{LONG, assert_no_panic, suite, turn};

const OBJECTS: usize = 100;
const ROUNDS: usize = 10;
/// How many things happen to one object in one freeze.
const STEPS: usize = 6;
const BY_HAND: &str = "by hand";
/// Longer than a write that was allowed just before the closing takes.
const SETTLE: Duration = Duration::from_millis(1500);

type Data = BTreeMap<String, String>;

/// Numbers that look random, and are the same in each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 += 1;
        (fraction(self.0) * sides as f64) as usize
    }
}

/// The Secrets of a namespace as their watch shows them, each time that one is written.
struct Observed {
    seen: Arc<Mutex<Vec<(String, Data)>>>,
    task: JoinHandle<()>,
}

impl Observed {
    async fn from_now(case: &Case<'_>) -> (Self, BTreeMap<String, Data>) {
        let api: Api<Secret> = Api::namespaced(case.client().clone(), case.namespace());
        let managed = "paramsync.dev/managed=true";
        let list = api
            .list(&kube::api::ListParams::default().labels(managed))
            .await
            .unwrap();
        let since = list.metadata.resource_version.clone().unwrap();
        let now = list.items.into_iter().map(named).collect();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let events = seen.clone();
        // Without a selector: a Secret that loses its label is looked at all the same.
        let task = tokio::spawn(async move {
            let stream = api
                .watch(&WatchParams::default().timeout(290), &since)
                .await
                .unwrap();
            let mut stream = std::pin::pin!(stream);
            while let Some(event) = stream.next().await {
                if let Ok(WatchEvent::Added(secret) | WatchEvent::Modified(secret)) = event {
                    events.lock().unwrap().push(named(secret));
                }
            }
        });
        (Self { seen, task }, now)
    }

    fn end(self) -> Vec<(String, Data)> {
        self.task.abort();
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}

fn named(secret: Secret) -> (String, Data) {
    let data = secret.data.unwrap_or_default().into_iter();
    let data = data.map(|(key, value)| (key, String::from_utf8(value.0).unwrap()));
    (secret.metadata.name.unwrap(), data.collect())
}

/// One object, and all that can happen to it.
struct Subject<'a> {
    case: &'a Case<'a>,
    name: String,
    api: Api<DynamicObject>,
    secrets: Api<Secret>,
    /// The operator's annotations of an earlier day, seal and all, as anybody may keep them who may read the Secret.
    kept: Mutex<Option<Value>>,
}

impl<'a> Subject<'a> {
    fn new(case: &'a Case<'a>, n: usize) -> Self {
        let kind = ApiResource::from_gvk(&GroupVersionKind::gvk(
            "paramsync.dev",
            "v1alpha1",
            "ParameterSync",
        ));
        Self {
            case,
            name: format!("s{n}"),
            api: Api::namespaced_with(case.client().clone(), case.namespace(), &kind),
            secrets: Api::namespaced(case.client().clone(), case.namespace()),
            kept: Mutex::default(),
        }
    }

    fn parameter(&self, key: &str) -> String {
        match key {
            "L" => format!("/label/{}/L", self.name),
            _ => format!("/path/{}/{key}", self.name),
        }
    }

    fn put(&self, key: &str, value: &str) -> u64 {
        self.case.gate().seed(&self.parameter(key), value, "SecureString")
    }

    async fn put_labelled(&self, value: &str) {
        let version = self.put("L", value);
        self.case
            .store()
            .label(&self.parameter("L"), version, "live")
            .await
            .unwrap();
    }

    async fn create(&self) {
        let object = json!({
            "apiVersion": "paramsync.dev/v1alpha1", "kind": "ParameterSync",
            "metadata": {"name": self.name},
            "spec": {
                "storeRef": {"name": self.case.namespace()},
                "interval": "10s",
                "sources": [
                    {"path": format!("/path/{}", self.name)},
                    {"name": self.parameter("L"), "label": "live", "key": "L"},
                ],
            },
        });
        let object = serde_json::from_value(object).unwrap();
        // It may be there still, or on its way out.
        let _ = self.api.create(&PostParams::default(), &object).await;
    }

    async fn patch(&self, patch: Value) {
        let _ = self
            .api
            .patch(&self.name, &PatchParams::default(), &Patch::Merge(patch))
            .await;
    }

    async fn patch_secret(&self, patch: Value) {
        let _ = self
            .secrets
            .patch(&self.name, &PatchParams::default(), &Patch::Merge(patch))
            .await;
    }

    /// What somebody with `edit` tries who wants something new in.
    async fn attack(&self, what: usize, unique: &str) {
        match what {
            0 => {
                let forged = json!({"keys": {"A": format!("{}:{}", self.parameter("A"), 99)}, "revision": 9_999_999_999_i64});
                let annotations =
                    json!({"paramsync.dev/applied": forged.to_string(), "paramsync.dev/written-at": unique});
                self.patch_secret(json!({"metadata": {"annotations": annotations}}))
                    .await;
            }
            1 => {
                self.patch_secret(json!({"metadata": {"labels": {"paramsync.dev/managed": null}}}))
                    .await;
            }
            2 => {
                self.patch_secret(json!({"metadata": {"managedFields": [{}]}}))
                    .await;
            }
            3 => {
                let body = json!({
                    "apiVersion": "v1", "kind": "Secret", "metadata": {"name": self.name}, "stringData": {"A": BY_HAND},
                });
                let params = PatchParams::apply("rival").force();
                let _ = self.secrets.patch(&self.name, &params, &Patch::Apply(body)).await;
            }
            4 => {
                let Ok(Some(secret)) = self.secrets.get_opt(&self.name).await else {
                    return;
                };
                let today = json!(secret.metadata.annotations);
                let earlier = self.kept.lock().unwrap().replace(today);
                if let Some(annotations) = earlier {
                    self.patch_secret(json!({"metadata": {"annotations": annotations}}))
                        .await;
                }
            }
            _ => {
                let Ok(Some(mut secret)) = self.secrets.get_opt(&self.name).await else {
                    return;
                };
                let _ = self.secrets.delete(&self.name, &DeleteParams::default()).await;
                secret.metadata.uid = None;
                secret.metadata.resource_version = None;
                secret.metadata.managed_fields = None;
                secret.data = None;
                secret.string_data = Some(BTreeMap::from([("A".to_owned(), BY_HAND.to_owned())]));
                let _ = self.secrets.create(&PostParams::default(), &secret).await;
            }
        }
    }

    /// Lets one thing happen; `unique` is a text that was never used before.
    async fn suffer(&self, what: usize, unique: &str) {
        match what {
            0 | 1 => drop(self.put("A", unique)),
            2 => self.put_labelled(unique).await,
            3 => {
                // The same version numbers again, with other values.
                let _ = self.case.store().delete(&self.parameter("B")).await;
                self.put("B", unique);
            }
            4 => drop(self.secrets.delete(&self.name, &DeleteParams::default()).await),
            5 => {
                let patch = json!({"stringData": {"A": BY_HAND}});
                let _ = self
                    .secrets
                    .patch(&self.name, &PatchParams::default(), &Patch::Merge(patch))
                    .await;
            }
            6 => {
                let annotations = json!({"paramsync.dev/sync-requested-at": unique});
                self.patch(json!({"metadata": {"annotations": annotations}}))
                    .await;
            }
            7 => {
                let templates = json!({"x": format!("{unique} {{{{ A }}}}")});
                self.patch(json!({"spec": {"target": {"templates": templates}}}))
                    .await;
            }
            8 => self.patch(json!({"spec": {"suspend": true}})).await,
            9 => self.patch(json!({"spec": {"suspend": null}})).await,
            11.. => self.attack(what - 11, unique).await,
            _ => {
                let _ = self.api.delete(&self.name, &DeleteParams::default()).await;
                self.create().await;
            }
        }
    }

    /// As a user would leave it: there, not suspended, without templates, and asked to be looked at. The value is new, so
    /// that the Secret is written though it was repaired often.
    async fn restore(&self, token: &str) {
        // What an attacker made where no Secret was is nobody's to adopt unasked.
        if let Ok(Some(secret)) = self.secrets.get_opt(&self.name).await
            && !secret
                .metadata
                .annotations
                .unwrap_or_default()
                .contains_key("paramsync.dev/seal")
        {
            let _ = self.secrets.delete(&self.name, &DeleteParams::default()).await;
        }
        self.put("A", token);
        self.create().await;
        self.patch(json!({
            "metadata": {"annotations": {"paramsync.dev/sync-requested-at": token}},
            "spec": {"suspend": null, "target": null},
        }))
        .await;
    }
}

/// The calendar of the case's namespace, with these events.
async fn calendar(case: &Case<'_>, events: Value) {
    let name = case.namespace();
    let object = json!({
        "apiVersion": "paramsync.dev/v1alpha1", "kind": "ClusterChangeCalendar", "metadata": {"name": name},
        "spec": {
            "timeZone": "Asia/Tokyo",
            "freeze": {"firstSync": "Hold"},
            "namespaceSelector": {"matchExpressions": [
                {"key": "tier", "operator": "In", "values": ["prod", "live"]},
                {"key": "kubernetes.io/metadata.name", "operator": "In", "values": [name]},
            ]},
            "events": events,
        },
    });
    case.apply(&object.to_string()).await;
}

async fn calendar_is(case: &Case<'_>, state: &str) {
    case.eventually(LONG, &format!("the calendar is {state}"), async || {
        let object = case.get_json("ClusterChangeCalendar", case.namespace()).await?;
        let current = object["status"]["observedGeneration"] == object["metadata"]["generation"];
        (current && object["status"]["state"] == state).then_some(())
    })
    .await;
}

fn event(name: &str, from: i64, to: i64) -> Value {
    let at = |hours| Timestamp::now() + SignedDuration::from_hours(hours);
    let text = |at: Timestamp| Timestamp::from_second(at.as_second()).unwrap().to_string();
    json!({"name": name, "start": text(at(from)), "end": text(at(to))})
}

/// What an admin does meanwhile, within the rules: the freeze goes on.
async fn administer(case: &Case<'_>, what: usize) {
    let namespace = format!("namespace/{}", case.namespace());
    match what {
        0 | 1 => {
            for tier in ["live", "prod"] {
                let label = format!("tier={tier}");
                case.kubectl(&["label", "--overwrite", &namespace, &label]).await;
            }
        }
        2 => calendar(case, json!([event("longer", -2, 5)])).await,
        3 => calendar(case, json!([event("other", -3, 2), event("more", 1, 3)])).await,
        4 => {
            calendar(
                case,
                json!([{"name": "wrong", "start": "2026-02-30", "end": "2026-03-01"}]),
            )
            .await;
        }
        5 => {
            let operator = case.operator();
            operator.restart().unwrap();
            operator.wait_ready().await.unwrap();
        }
        _ => {
            let operator = case.operator();
            operator.kill().unwrap();
            operator.start_again().unwrap();
            operator.wait_ready().await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_random_sequences_bring_nothing_new_in_while_a_calendar_is_closed() {
    let _turn = turn().await;
    let case = suite().await.case_alone("frozen").await;
    case.gate().serve_reads_itself(true);
    let namespace = format!("namespace/{}", case.namespace());
    case.kubectl(&["label", &namespace, "tier=prod"]).await;
    let limits = json!({"spec": {"limits": {"requestsPerSecond": 1000}, "region": REGION}}).to_string();
    case.kubectl(&[
        "patch",
        "clusterparameterstore",
        case.namespace(),
        "--type=merge",
        "-p",
        &limits,
    ])
    .await;
    let subjects: Vec<Subject<'_>> = (0..OBJECTS).map(|n| Subject::new(&case, n)).collect();
    for subject in &subjects {
        subject.put("A", "first");
        subject.put("B", "first");
        subject.put_labelled("first").await;
    }
    let mut written = 0;
    for round in 0..ROUNDS {
        calendar(&case, json!([event("past", -9, -8)])).await;
        calendar_is(&case, "Open").await;
        let token = format!("round-{round}");
        futures::future::join_all(subjects.iter().map(|subject| subject.restore(&token))).await;
        for subject in &subjects {
            let what = format!("{}: what waited is in after freeze {round}", subject.name);
            case.eventually(LONG, &what, async || {
                let data = case.secret(&subject.name).await?;
                let holds = |key: &str| {
                    let newest = case.gate().value(&subject.parameter(key));
                    data.get(key).map(Vec::as_slice) == newest.as_deref().map(str::as_bytes)
                };
                (holds("A") && holds("B") && holds("L") && !data.contains_key("x")).then_some(())
            })
            .await;
        }

        calendar(&case, json!([event("freeze", -1, 1)])).await;
        calendar_is(&case, "Closed").await;
        tokio::time::sleep(SETTLE).await;
        let (observed, before) = Observed::from_now(&case).await;
        assert_eq!(before.len(), OBJECTS);
        let happen = subjects.iter().enumerate().map(async |(n, subject)| {
            let mut dice = Dice((round * OBJECTS + n) as u64 * 1_000);
            for step in 0..STEPS {
                let unique = format!("new-{round}-{n}-{step}");
                subject.suffer(dice.below(17), &unique).await;
                tokio::time::sleep(Duration::from_millis(dice.below(300) as u64)).await;
            }
        });
        let mut dice = Dice(round as u64 * 7 + 5_000_000);
        let admin = async {
            for _ in 0..2 {
                administer(&case, dice.below(7)).await;
            }
        };
        tokio::join!(futures::future::join_all(happen), admin);
        tokio::time::sleep(SETTLE).await;
        for (name, data) in observed.end() {
            let Some(applied) = before.get(&name) else {
                continue;
            };
            written += 1;
            for (key, value) in data {
                assert!(
                    value == BY_HAND || applied.get(&key) == Some(&value),
                    "round {round}: {name} got {key}={value} in the freeze; applied was {applied:?}"
                );
            }
        }
    }
    assert!(
        written > 500,
        "{written} writes were looked at: too little happened to show anything"
    );
    let held = case
        .operator()
        .metric("paramsync_writes_held_total", &[])
        .await
        .unwrap();
    assert!(
        held > 10.0,
        "{held} writes were held since the operator was last started"
    );
    assert_no_panic(case.operator());
}
