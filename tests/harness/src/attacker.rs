//! Somebody else in a case's namespace: a ServiceAccount with rights of its own, and what it can do to Secrets.

use std::path::PathBuf;

use anyhow::Context as _;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::{ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::{Value, json};

use crate::control_plane::ControlPlane;

/// The operator's field manager, whose name can be forged.
const MANAGER: &str = "paramsync";

/// What an [`Account`] may do.
#[derive(Debug, Clone, Copy)]
pub enum Rights<'a> {
    /// A ClusterRole such as `edit`, in the case's namespace only.
    Here(&'a str),
    /// A ClusterRole such as `cluster-admin`, everywhere.
    Everywhere(&'a str),
}

/// A ServiceAccount of a case's namespace, and clients with its rights. See [`crate::Case::account`].
pub struct Account<'a> {
    plane: &'a ControlPlane,
    namespace: String,
    name: String,
    client: kube::Client,
    kubeconfig: PathBuf,
}

impl<'a> Account<'a> {
    pub(crate) async fn make(
        plane: &'a ControlPlane,
        namespace: &str,
        name: &str,
        rights: Rights<'_>,
    ) -> anyhow::Result<Self> {
        plane
            .kubectl(&["create", "serviceaccount", name, "-n", namespace])
            .await?;
        let subject = format!("--serviceaccount={namespace}:{name}");
        let (kind, binding, role) = match rights {
            Rights::Here(role) => ("rolebinding", name.to_owned(), role),
            Rights::Everywhere(role) => ("clusterrolebinding", binding(namespace, name), role),
        };
        let role = format!("--clusterrole={role}");
        plane
            .kubectl(&["create", kind, &binding, "-n", namespace, &role, &subject])
            .await?;
        let token = ["create", "token", name, "-n", namespace, "--duration=2h"];
        let token = plane.kubectl(&token).await?;
        let text = plane.kubeconfig_with_token(token.trim())?;
        let file = format!("account-{namespace}-{name}.kubeconfig");
        let kubeconfig = plane.scratch().write(&file, &text)?;
        let config = Kubeconfig::read_from(&kubeconfig)?;
        let config = kube::Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await?;
        Ok(Self {
            plane,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            client: kube::Client::try_from(config)?,
            kubeconfig,
        })
    }

    /// Binds it to this ClusterRole in another namespace, too.
    pub async fn also_in(&self, namespace: &str, role: &str) -> anyhow::Result<()> {
        let (binding, role) = (
            binding(&self.namespace, &self.name),
            format!("--clusterrole={role}"),
        );
        let subject = format!("--serviceaccount={}:{}", self.namespace, self.name);
        let args = [
            "create",
            "rolebinding",
            &binding,
            "-n",
            namespace,
            &role,
            &subject,
        ];
        self.plane.kubectl(&args).await.map(drop)
    }

    /// A client with its rights.
    pub fn client(&self) -> &kube::Client {
        &self.client
    }

    /// kubectl in the case's namespace with its rights; returns what it prints, fails with its message.
    pub async fn kubectl(&self, args: &[&str]) -> anyhow::Result<String> {
        self.kubectl_stdin(args, "").await
    }

    /// As [`Account::kubectl`], with this standard input.
    pub async fn kubectl_stdin(&self, args: &[&str], input: &str) -> anyhow::Result<String> {
        let kubeconfig = format!("--kubeconfig={}", self.kubeconfig.display());
        let mut all = vec![kubeconfig.as_str(), "-n", &self.namespace];
        all.extend(args);
        self.plane.kubectl_stdin(&all, input).await
    }

    /// A merge patch of one of our objects.
    pub async fn patch_sync(&self, name: &str, patch: Value) -> anyhow::Result<()> {
        let kind = ApiResource::from_gvk(&GroupVersionKind::gvk(
            "paramsync.dev",
            "v1alpha1",
            "ParameterSync",
        ));
        let api: Api<DynamicObject> = Api::namespaced_with(self.client.clone(), &self.namespace, &kind);
        api.patch(name, &PatchParams::default(), &Patch::Merge(patch))
            .await?;
        Ok(())
    }

    /// A merge patch of a Secret.
    pub async fn patch_secret(&self, name: &str, patch: Value) -> anyhow::Result<()> {
        self.secrets(&self.namespace)
            .patch(name, &PatchParams::default(), &Patch::Merge(patch))
            .await?;
        Ok(())
    }

    /// A Secret as JSON.
    pub async fn secret(&self, name: &str) -> anyhow::Result<Value> {
        let secret = self.secrets(&self.namespace).get(name).await?;
        Ok(serde_json::to_value(secret)?)
    }

    /// Changes a Secret and lets its field ownership say that the operator did it. One PUT for the change, which makes the
    /// changed fields the account's; a second one that puts `managedFields` as they were, with each key of `data`, each
    /// label and each annotation in the operator's share. A change of nothing forges the ownership alone.
    pub async fn forge(&self, name: &str, change: impl FnOnce(&mut Value)) -> anyhow::Result<()> {
        let mut secret = self.secret(name).await?;
        let entries = secret["metadata"]["managedFields"].clone();
        change(&mut secret);
        let mut secret = self.put(name, &secret).await?;
        secret["metadata"]["managedFields"] = forged(&secret, entries)?;
        self.put(name, &secret).await?;
        Ok(())
    }

    async fn put(&self, name: &str, secret: &Value) -> anyhow::Result<Value> {
        let secret = serde_json::from_value(secret.clone())?;
        let params = PostParams::default();
        let secret = self
            .secrets(&self.namespace)
            .replace(name, &params, &secret)
            .await?;
        Ok(serde_json::to_value(secret)?)
    }

    /// Makes a copy of a Secret in another namespace, with data, labels, annotations and field ownership.
    pub async fn copy_secret(&self, name: &str, namespace: &str) -> anyhow::Result<()> {
        let mut secret = self.secret(name).await?;
        let metadata = secret["metadata"].as_object_mut().context("metadata")?;
        for field in ["uid", "resourceVersion", "creationTimestamp", "ownerReferences"] {
            metadata.remove(field);
        }
        metadata.insert("namespace".to_owned(), json!(namespace));
        let secret = serde_json::from_value(secret)?;
        self.secrets(namespace)
            .create(&PostParams::default(), &secret)
            .await?;
        Ok(())
    }

    /// `kubectl apply --server-side` of a Secret with one key in `stringData`, whoever owns the key.
    pub async fn apply_string_data(&self, name: &str, key: &str, value: &str) -> anyhow::Result<()> {
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": {key: value},
        });
        let args = ["apply", "--server-side", "--force-conflicts", "-f", "-"];
        self.kubectl_stdin(&args, &secret.to_string()).await.map(drop)
    }

    fn secrets(&self, namespace: &str) -> Api<Secret> {
        Api::namespaced(self.client.clone(), namespace)
    }
}

/// The name of a binding outside of the case's namespace.
pub(crate) fn binding(namespace: &str, name: &str) -> String {
    format!("{namespace}-{name}")
}

/// The operator's own entry of these, grown by all that the Secret has by now; no other entry stays.
fn forged(secret: &Value, entries: Value) -> anyhow::Result<Value> {
    let entries = entries.as_array().cloned().unwrap_or_default();
    let mut entry = entries
        .into_iter()
        .find(|entry| entry["manager"] == MANAGER && entry["operation"] == "Apply")
        .context("the operator owns nothing of this Secret")?;
    let fields = &mut entry["fieldsV1"];
    let metadata = &secret["metadata"];
    let grow = |fields: &mut Value, of: &Value| {
        for key in of.as_object().into_iter().flat_map(|map| map.keys()) {
            fields[format!("f:{key}")] = json!({});
        }
    };
    grow(&mut fields["f:data"], &secret["data"]);
    for part in ["labels", "annotations"] {
        grow(&mut fields["f:metadata"][format!("f:{part}")], &metadata[part]);
    }
    Ok(json!([entry]))
}
