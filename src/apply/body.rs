//! The body of the apply: the only place where a value is serialised.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use zeroize::Zeroizing;

use crate::decide::{Permit, Precondition};
use crate::names::SecretKey;
use crate::record::{ANNOTATION, MANAGED_LABEL};
use crate::resolve::Resolved;
use crate::transform::DesiredSecret;
use crate::value::SecretValue;

/// A Secret, as it is sent.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Body<'a> {
    api_version: &'static str,
    kind: &'static str,
    metadata: Metadata<'a>,
    #[serde(rename = "type")]
    secret_type: &'a str,
    #[serde(serialize_with = "base64_values")]
    data: &'a BTreeMap<SecretKey, SecretValue>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'a> {
    name: &'a str,
    namespace: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    uid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_version: Option<&'a str>,
    labels: BTreeMap<&'a str, &'a str>,
    annotations: BTreeMap<&'a str, String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    owner_references: Vec<Owner<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Owner<'a> {
    api_version: &'static str,
    kind: &'static str,
    name: &'a str,
    uid: &'a str,
    controller: bool,
    block_owner_deletion: bool,
}

impl<'a> Body<'a> {
    pub(super) fn new(permit: &'a Permit, resolved: &'a Resolved, desired: &'a DesiredSecret) -> Self {
        let target = &resolved.target;
        let (uid, resource_version) = match permit.precondition() {
            Precondition::Absent => (None, None),
            Precondition::Unchanged {
                uid,
                resource_version,
            } => (Some(uid.as_str()), Some(resource_version.as_str())),
        };
        let mut labels: BTreeMap<&str, &str> = target
            .labels
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        labels.insert(MANAGED_LABEL, "true");
        labels.insert("app.kubernetes.io/managed-by", "paramsync");
        let mut annotations: BTreeMap<&str, String> = target
            .annotations
            .iter()
            .map(|(name, value)| (name.as_str(), value.clone()))
            .collect();
        annotations.insert(ANNOTATION, desired.provenance().to_annotation());
        let owner = Owner {
            api_version: "paramsync.dev/v1alpha1",
            kind: "ParameterSync",
            name: &resolved.object.name,
            uid: &resolved.uid,
            controller: true,
            block_owner_deletion: false,
        };
        Self {
            api_version: "v1",
            kind: "Secret",
            metadata: Metadata {
                name: &permit.target().name,
                namespace: &permit.target().namespace,
                uid,
                resource_version,
                labels,
                annotations,
                owner_references: target.owned.then_some(owner).into_iter().collect(),
            },
            secret_type: &target.secret_type,
            data: desired.data(),
        }
    }
}

/// The client asks for it; values stay out.
impl fmt::Debug for Body<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret {}/{}", self.metadata.namespace, self.metadata.name)
    }
}

fn base64_values<S: Serializer>(
    data: &BTreeMap<SecretKey, SecretValue>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(data.len()))?;
    for (key, value) in data {
        map.serialize_entry(key.as_str(), &*Zeroizing::new(STANDARD.encode(value.expose())))?;
    }
    map.end()
}
