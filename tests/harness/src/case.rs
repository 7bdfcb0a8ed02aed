//! One test's namespace, and what tests ask of it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use gate::Gate;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::{ApiResource, DynamicObject, GroupVersionKind};
use serde_json::Value;
use tokio::sync::{RwLockReadGuard, RwLockWriteGuard};

use crate::control_plane::ControlPlane;
use crate::operator::Operator;
use crate::parameter_store::{ACCESS_KEY_ID, ParameterStore, REGION, SECRET_ACCESS_KEY};
use crate::suite::Suite;

const POLL: Duration = Duration::from_millis(50);
const PATIENCE: Duration = Duration::from_secs(30);

/// A condition of an object's status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// One word.
    pub reason: String,
    /// A sentence.
    pub message: String,
    /// The generation that it speaks of.
    pub observed_generation: i64,
}

/// A namespace with a Parameter Store of its own, and a ClusterParameterStore of the namespace's name that
/// points at it and lets this namespace read everything, and use types and names of the domain example.com.
///
/// Its methods panic where something is wrong with the parts or a wait is in vain: a test says what holds, not
/// what failed. A test that panics prints the namespace's objects and events (no Secret's data), the end of
/// the operator's log and the gate's calls; one that passes deletes its namespace.
pub struct Case<'a> {
    suite: &'a Suite,
    namespace: String,
    client: kube::Client,
    store: ParameterStore,
    _together: Option<RwLockReadGuard<'a, ()>>,
    _alone: Option<RwLockWriteGuard<'a, ()>>,
}

impl<'a> Case<'a> {
    pub(crate) async fn open(
        suite: &'a Suite,
        namespace: &str,
        together: Option<RwLockReadGuard<'a, ()>>,
        alone: Option<RwLockWriteGuard<'a, ()>>,
    ) -> Self {
        let store = sound(
            "a Parameter Store",
            ParameterStore::start(suite.plane().tools()).await,
        );
        let client = sound("a client", suite.plane().client().await);
        let namespace = namespace.to_owned();
        let case = Self {
            suite,
            namespace,
            client,
            store,
            _together: together,
            _alone: alone,
        };
        let yaml = case.store_yaml();
        sound(
            "the case's objects",
            suite.plane().kubectl_stdin(&["apply", "-f", "-"], &yaml).await,
        );
        case
    }

    fn store_yaml(&self) -> String {
        let (name, url) = (&self.namespace, self.store.url());
        format!(
            r#"apiVersion: v1
kind: Namespace
metadata: {{name: {name}}}
---
apiVersion: v1
kind: Secret
metadata: {{name: aws, namespace: {name}}}
stringData: {{id: {ACCESS_KEY_ID}, key: {SECRET_ACCESS_KEY}}}
---
apiVersion: paramsync.dev/v1alpha1
kind: ClusterParameterStore
metadata: {{name: {name}}}
spec:
  region: {REGION}
  endpointURL: {url}
  auth: {{secretRef: {{name: aws, namespace: {name}, accessKeyIDKey: id, secretAccessKeyKey: key}}}}
  access:
    - namespaceSelector: {{matchLabels: {{kubernetes.io/metadata.name: {name}}}}}
      prefixes: ["/"]
      secretTypes: ["example.com/*"]
      metadataDomains: ["example.com"]
"#
        )
    }

    /// The namespace, and the name of the ClusterParameterStore.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// A client of this test's runtime, with the administrator's rights.
    pub fn client(&self) -> &kube::Client {
        &self.client
    }

    /// The control plane.
    pub fn plane(&self) -> &'a ControlPlane {
        self.suite.plane()
    }

    /// The operator, which all cases share.
    pub fn operator(&self) -> &'a Operator {
        self.suite.operator()
    }

    /// The Parameter Store of this case.
    pub fn store(&self) -> &ParameterStore {
        &self.store
    }

    /// The gate of this case's Parameter Store.
    pub fn gate(&self) -> &Gate {
        self.store.gate()
    }

    /// Writes a SecureString; returns its version.
    pub async fn put(&self, name: &str, value: &str) -> u64 {
        sound("put", self.store.put(name, value).await)
    }

    /// Writes `count` SecureStrings `PATH/V00`, `PATH/V01`, ... with the values `value-0`, `value-1`, ...
    pub async fn put_many(&self, path: &str, count: usize) {
        for n in 0..count {
            self.put(&format!("{path}/V{n:02}"), &format!("value-{n}")).await;
        }
    }

    /// A ParameterSync of this namespace that reads from this case's store; `spec` is the rest of its spec, as
    /// YAML without indentation.
    pub fn sync_yaml(&self, name: &str, spec: &str) -> String {
        let (namespace, spec) = (&self.namespace, spec.trim_matches('\n').replace('\n', "\n  "));
        format!(
            "apiVersion: paramsync.dev/v1alpha1\nkind: ParameterSync\n\
             metadata: {{name: {name}, namespace: {namespace}}}\n\
             spec:\n  storeRef: {{kind: ClusterParameterStore, name: {namespace}}}\n  {spec}\n"
        )
    }

    /// Applies a ParameterSync of [`Case::sync_yaml`].
    pub async fn sync(&self, name: &str, spec: &str) {
        self.apply(&self.sync_yaml(name, spec)).await;
    }

    /// `kubectl apply` of YAML in the namespace.
    pub async fn apply(&self, yaml: &str) {
        sound("apply", self.try_apply(yaml).await);
    }

    /// `kubectl apply` of YAML that the API server must refuse; returns its message.
    pub async fn refused(&self, yaml: &str) -> String {
        match self.try_apply(yaml).await {
            Ok(applied) => panic!("this should have been refused: {applied}"),
            Err(error) => format!("{error:#}"),
        }
    }

    async fn try_apply(&self, yaml: &str) -> anyhow::Result<String> {
        let args = ["apply", "-n", &self.namespace, "-f", "-"];
        self.plane().kubectl_stdin(&args, yaml).await
    }

    /// kubectl in the namespace; returns what it prints.
    pub async fn kubectl(&self, args: &[&str]) -> String {
        let args: Vec<_> = ["-n", &self.namespace].iter().chain(args).copied().collect();
        sound("kubectl", self.plane().kubectl(&args).await)
    }

    /// An object as JSON. `kind` is one of ours or of the core group, such as `ParameterSync`, `Secret` or
    /// `Event`; kinds that begin with `Cluster`, and `Namespace`, are not in the namespace.
    pub async fn get_json(&self, kind: &str, name: &str) -> Option<Value> {
        let object = sound("get", self.api(kind).get_opt(name).await);
        object.map(|object| sound("JSON", serde_json::to_value(object)))
    }

    /// All objects of a kind in the namespace (or the cluster), as JSON; see [`Case::get_json`].
    pub async fn list_json(&self, kind: &str) -> Vec<Value> {
        let list = sound(
            "list",
            self.api(kind).list(&kube::api::ListParams::default()).await,
        );
        list.items
            .into_iter()
            .map(|object| sound("JSON", serde_json::to_value(object)))
            .collect()
    }

    fn api(&self, kind: &str) -> Api<DynamicObject> {
        let ours = ["Parameter", "ChangeCalendar", "Cluster"]
            .iter()
            .any(|prefix| kind.starts_with(prefix));
        let (group, version) = if ours {
            ("paramsync.dev", "v1alpha1")
        } else {
            ("", "v1")
        };
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
        if kind.starts_with("Cluster") || kind == "Namespace" {
            Api::all_with(self.client.clone(), &resource)
        } else {
            Api::namespaced_with(self.client.clone(), &self.namespace, &resource)
        }
    }

    /// A Secret's data; `None` if there is no such Secret.
    pub async fn secret(&self, name: &str) -> Option<BTreeMap<String, Vec<u8>>> {
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), &self.namespace);
        let secret = sound("get", secrets.get_opt(name).await)?;
        Some(
            secret
                .data
                .unwrap_or_default()
                .into_iter()
                .map(|(key, value)| (key, value.0))
                .collect(),
        )
    }

    /// One key of a Secret as text; `None` if the Secret, or the key, is not there.
    pub async fn secret_value(&self, name: &str, key: &str) -> Option<String> {
        let value = self.secret(name).await?.remove(key)?;
        Some(sound("UTF-8", String::from_utf8(value)))
    }

    /// A Secret's resourceVersion: it changes with each write that changes anything.
    pub async fn secret_resource_version(&self, name: &str) -> Option<String> {
        self.resource_version("Secret", name).await
    }

    /// An object's resourceVersion; see [`Case::get_json`].
    pub async fn resource_version(&self, kind: &str, name: &str) -> Option<String> {
        let object = self.get_json(kind, name).await?;
        object["metadata"]["resourceVersion"].as_str().map(str::to_owned)
    }

    /// A condition of an object, whatever generation it speaks of.
    pub async fn condition(&self, kind: &str, name: &str, type_: &str) -> Option<Condition> {
        condition_of(&self.get_json(kind, name).await?, type_)
    }

    /// Asks until there is an answer, every 50 ms; panics with `what` after `timeout`.
    pub async fn eventually<T, F>(&self, timeout: Duration, what: &str, mut ask: F) -> T
    where
        F: AsyncFnMut() -> Option<T>,
    {
        let start = Instant::now();
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            assert!(start.elapsed() < timeout, "not within {timeout:?}: {what}");
            tokio::time::sleep(POLL).await;
        }
    }

    /// Waits at most 30 s until a ParameterSync has this condition, spoken of its present generation; returns
    /// it. `reason`: any if `None`.
    pub async fn wait_condition<'r>(
        &self,
        name: &str,
        type_: &str,
        status: &str,
        reason: impl Into<Option<&'r str>>,
    ) -> Condition {
        let reason = reason.into();
        let mut last = None;
        let start = Instant::now();
        loop {
            if let Some(object) = self.get_json("ParameterSync", name).await {
                last = condition_of(&object, type_);
                if let Some(condition) = &last
                    && Some(condition.observed_generation) == object["metadata"]["generation"].as_i64()
                    && condition.status == status
                    && reason.is_none_or(|reason| condition.reason == reason)
                {
                    return condition.clone();
                }
            }
            assert!(
                start.elapsed() < PATIENCE,
                "ParameterSync {name}: {type_} is not {status} ({reason:?}) after {PATIENCE:?}; last: {last:?}"
            );
            tokio::time::sleep(POLL).await;
        }
    }

    /// Waits at most 30 s until a ParameterSync is Ready.
    pub async fn wait_ready(&self, name: &str) -> Condition {
        self.wait_condition(name, "Ready", "True", None).await
    }

    fn explain(&self) {
        let namespace = &self.namespace;
        let show = |what: &str, args: &[&str]| {
            let args: Vec<_> = ["-n", namespace].iter().chain(args).copied().collect();
            let text = self
                .plane()
                .kubectl_blocking(&args)
                .unwrap_or_else(|error| format!("{error:#}"));
            eprintln!("--- {what}\n{}", text.trim_end());
        };
        eprintln!("=== what was there when the test in namespace {namespace} failed");
        show(
            "ParameterSyncs and stores",
            &["get", "parametersyncs,parameterstores", "-o", "yaml"],
        );
        show(
            "ClusterParameterStore",
            &["get", "clusterparameterstore", namespace, "-o", "yaml"],
        );
        // Columns, not YAML: a Secret's data is never printed.
        let columns = "-o=custom-columns=NAME:.metadata.name,TYPE:.type,VERSION:.metadata.resourceVersion,\
                       APPLIED:.metadata.annotations.paramsync\\.dev/applied";
        show("Secrets, without data", &["get", "secrets", columns]);
        show(
            "events",
            &["get", "events", "--sort-by=.metadata.creationTimestamp"],
        );
        eprintln!("--- the operator's log\n{}", self.operator().log_tail(60));
        let calls = self.gate().calls();
        eprintln!("--- the gate's calls: {:?}", self.gate().counts());
        for call in &calls[calls.len().saturating_sub(60)..] {
            eprintln!("{call}");
        }
    }
}

impl Drop for Case<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.explain();
            return;
        }
        let (namespace, store) = (
            format!("namespace/{}", self.namespace),
            format!("clusterparameterstore/{}", self.namespace),
        );
        // What stays behind would keep the operator busy with a Parameter Store that is gone.
        let _ = self
            .plane()
            .kubectl_blocking(&["delete", "--wait=false", &namespace, &store]);
    }
}

fn condition_of(object: &Value, type_: &str) -> Option<Condition> {
    let conditions = object["status"]["conditions"].as_array()?;
    let condition = conditions.iter().find(|condition| condition["type"] == type_)?;
    let text = |field: &str| condition[field].as_str().unwrap_or_default().to_owned();
    Some(Condition {
        status: text("status"),
        reason: text("reason"),
        message: text("message"),
        observed_generation: condition["observedGeneration"].as_i64().unwrap_or_default(),
    })
}

/// What must hold for any test to mean something.
fn sound<T, E: Into<anyhow::Error>>(what: &str, result: Result<T, E>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{what}: {:#}", error.into()),
    }
}
