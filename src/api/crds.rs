//! The CRDs, generated from the types and tidied for readers and for the API server.

use std::path::{Path, PathBuf};

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;
use serde_json::{Value, json};
use thiserror::Error;

use super::{ChangeCalendar, ClusterChangeCalendar, ClusterParameterStore, ParameterStore, ParameterSync};

/// Says how the file came to be.
const HEADER: &str = "# Generated from src/api by `make generate`. Do not edit.\n";

/// A CRD could not be written.
#[derive(Debug, Error)]
pub enum CrdError {
    /// The CRD has no YAML form.
    #[error("cannot write {name} as YAML: {message}")]
    Yaml {
        /// The CRD's name.
        name: String,
        /// The library's words.
        message: String,
    },
    /// The file system refused.
    #[error("cannot write {}: {source}", path.display())]
    File {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// All CRDs of this version.
pub fn all() -> Vec<CustomResourceDefinition> {
    [
        ParameterSync::crd(),
        ParameterStore::crd(),
        ClusterParameterStore::crd(),
        ChangeCalendar::crd(),
        ClusterChangeCalendar::crd(),
    ]
    .into_iter()
    .map(tidy)
    .collect()
}

/// The file's name in `crds/`: group, then plural.
pub fn file_name(crd: &CustomResourceDefinition) -> String {
    format!("{}_{}.yaml", crd.spec.group, crd.spec.names.plural)
}

/// The CRD as YAML, the same on every run.
pub fn to_yaml(crd: &CustomResourceDefinition) -> Result<String, CrdError> {
    let refused = |message: String| CrdError::Yaml {
        name: crd.metadata.name.clone().unwrap_or_default(),
        message,
    };
    let mut value = serde_json::to_value(crd).map_err(|error| refused(error.to_string()))?;
    whole_numbers(&mut value);
    let body = serde_saphyr::to_string(&value).map_err(|error| refused(error.to_string()))?;
    Ok(format!("{HEADER}{}\n", body.trim_end()))
}

/// Writes every CRD into `dir`, which is made if it is not there.
pub fn write(dir: &Path) -> Result<(), CrdError> {
    let refused = |path: &Path| {
        let path = path.to_owned();
        move |source| CrdError::File { path, source }
    };
    std::fs::create_dir_all(dir).map_err(refused(dir))?;
    for crd in all() {
        let path = dir.join(file_name(&crd));
        std::fs::write(&path, to_yaml(&crd)?).map_err(refused(&path))?;
    }
    Ok(())
}

/// The schema of the CRD's only version.
pub(super) fn schema(crd: &CustomResourceDefinition) -> Value {
    crd.spec
        .versions
        .first()
        .and_then(|version| version.schema.as_ref())
        .and_then(|validation| serde_json::to_value(&validation.open_api_v3_schema).ok())
        .unwrap_or_default()
}

fn tidy(mut crd: CustomResourceDefinition) -> CustomResourceDefinition {
    let mut root = schema(&crd);
    plain(&mut root);
    // Until the operator has seen an object, kstatus must not take it for finished.
    if let Some(status) = root
        .pointer_mut("/properties/status")
        .and_then(Value::as_object_mut)
    {
        status.insert("default".into(), json!({"observedGeneration": -1}));
    }
    if let (Some(version), Ok(tidied)) = (crd.spec.versions.first_mut(), serde_json::from_value(root))
        && let Some(validation) = version.schema.as_mut()
    {
        validation.open_api_v3_schema = Some(tidied);
    }
    crd
}

/// Bounds are floats in the type; `1`, not `1.0`, is what a reader expects.
fn whole_numbers(value: &mut Value) {
    match value {
        Value::Number(number) => {
            if let Some(float) = number
                .as_f64()
                .filter(|float| number.is_f64() && float.fract() == 0.0)
            {
                *value = json!(float as i64);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(whole_numbers),
        Value::Object(fields) => fields.values_mut().for_each(whole_numbers),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// Takes out what the derive adds and nobody needs: `nullable` (an optional field is left out, not null), `title`,
/// and line breaks of source comments in descriptions.
fn plain(schema: &mut Value) {
    let Some(object) = schema.as_object_mut() else {
        return;
    };
    object.remove("nullable");
    object.remove("title");
    if let Some(Value::String(text)) = object.get_mut("description") {
        *text = text
            .split("\n\n")
            .map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect::<Vec<_>>()
            .join("\n\n");
    }
    if let Some(properties) = object.get_mut("properties").and_then(Value::as_object_mut) {
        properties.values_mut().for_each(plain);
    }
    for inner in ["items", "additionalProperties"] {
        if let Some(inner) = object.get_mut(inner) {
            plain(inner);
        }
    }
}
