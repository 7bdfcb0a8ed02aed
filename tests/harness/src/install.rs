//! The chart, as an administrator installs it.

use anyhow::Context as _;
use serde_json::{Value, json};

use crate::control_plane::ControlPlane;
use crate::operator::{NAMESPACE, SERVICE_ACCOUNT};

/// The release's name; a further operator's objects begin with it.
const RELEASE: &str = "paramsync";
const CHART: &str = "charts/paramsync";

/// Installs the chart in paramsync-system; `values`: each as `helm --set` takes it.
pub(crate) async fn install(plane: &ControlPlane, values: &[String]) -> anyhow::Result<()> {
    let mut args = vec!["install", RELEASE, CHART, "-n", NAMESPACE, "--create-namespace"];
    args.extend(values.iter().flat_map(|value| ["--set", value.as_str()]));
    plane.helm(&args).await.context("the chart cannot be installed")?;
    Ok(())
}

/// Gives ServiceAccount `paramsync` of another namespace, which is made, the rights that the chart gives its own, and
/// lets the chart's admission policies know it. May be repeated. The chart must be installed.
pub(crate) async fn give_rights(plane: &ControlPlane, namespace: &str) -> anyhow::Result<()> {
    let made = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
    plane
        .kubectl_stdin(&["apply", "-f", "-"], &made.to_string())
        .await?;
    // Its RBAC alone, under names of its own: a second release would ask for the cluster's policies.
    let (name, account) = (
        format!("fullnameOverride={RELEASE}-{namespace}"),
        format!("serviceAccount.name={SERVICE_ACCOUNT}"),
    );
    let mut args = vec!["template", RELEASE, CHART, "-n", namespace];
    for value in [
        name.as_str(),
        &account,
        "rbac.aggregate.toView=false",
        "rbac.aggregate.toEdit=false",
        "rbac.aggregate.toAdmin=false",
    ] {
        args.extend(["--set", value]);
    }
    for file in ["templates/serviceaccount.yaml", "templates/rbac.yaml"] {
        args.extend(["--show-only", file]);
    }
    let objects = plane.helm(&args).await?;
    plane.kubectl_stdin(&["apply", "-f", "-"], &objects).await?;
    exempt(plane, namespace).await
}

/// The admission policies take its writes for the operator's.
async fn exempt(plane: &ControlPlane, namespace: &str) -> anyhow::Result<()> {
    let user = format!("system:serviceaccount:{namespace}:{SERVICE_ACCOUNT}");
    let values = plane
        .helm(&["get", "values", RELEASE, "-n", NAMESPACE, "-o", "json"])
        .await?;
    let values: Value = serde_json::from_str(&values)?;
    let mut changed = Vec::new();
    for policy in ["fieldManager", "protectSecrets"] {
        let known = &values["admissionPolicies"][policy]["exemptUsers"];
        let mut users: Vec<Value> = known.as_array().cloned().unwrap_or_default();
        if !users.contains(&json!(user)) {
            users.push(json!(user));
            changed.push(format!(
                "admissionPolicies.{policy}.exemptUsers={}",
                Value::from(users)
            ));
        }
    }
    if changed.is_empty() {
        return Ok(());
    }
    let mut args = vec!["upgrade", RELEASE, CHART, "-n", NAMESPACE, "--reuse-values"];
    args.extend(changed.iter().flat_map(|value| ["--set-json", value.as_str()]));
    plane.helm(&args).await?;
    Ok(())
}
