//! ParameterSync.
use std::collections::BTreeMap;

use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use super::ParameterSyncStatus;

/// x
#[derive(CustomResource, KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "paramsync.dev",
    version = "v1alpha1",
    kind = "ParameterSync",
    namespaced,
    status = "ParameterSyncStatus",
    derive = "PartialEq",
    derive = "Default"
)]
#[serde(rename_all = "camelCase")]
pub struct ParameterSyncSpec {
    pub store_ref: Option<StoreRef>,
    pub sources: Vec<SourceSpec>,
    pub on_collision: Option<OnCollision>,
    pub target: Option<TargetSpec>,
    pub interval: Option<String>,
    pub suspend: Option<bool>,
}
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoreRef {
    pub kind: StoreKind,
    pub name: String,
}
#[derive(KubeSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum StoreKind {
    #[default]
    ClusterParameterStore,
    ParameterStore,
}
#[derive(KubeSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum OnCollision {
    #[default]
    Fail,
    LastWins,
}
#[derive(KubeSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyStyle {
    #[default]
    Keep,
    EnvVar,
    Lower,
}
#[derive(KubeSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum OnMissing {
    #[default]
    Prune,
    Hold,
}
#[derive(KubeSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Decode {
    #[default]
    None,
    Base64,
}
#[derive(KubeSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Expand {
    #[default]
    JSON,
}
#[derive(KubeSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeletionPolicy {
    #[default]
    Delete,
    Retain,
}
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceSpec {
    pub path: Option<String>,
    pub recursive: Option<bool>,
    pub include: Option<Vec<String>>,
    pub exclude: Option<Vec<String>>,
    pub keys: Option<KeysSpec>,
    pub on_missing: Option<OnMissing>,
    pub name: Option<String>,
    pub key: Option<String>,
    pub version: Option<i64>,
    pub label: Option<String>,
    pub optional: Option<bool>,
    pub decode: Option<Decode>,
    pub expand: Option<Expand>,
    pub pointer: Option<String>,
}
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeysSpec {
    pub style: Option<KeyStyle>,
    pub prefix: Option<String>,
    pub separator: Option<String>,
}
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TargetSpec {
    pub name: Option<String>,
    #[serde(rename = "type")]
    pub type_: Option<String>,
    pub labels: Option<BTreeMap<String, String>>,
    pub annotations: Option<BTreeMap<String, String>>,
    pub templates: Option<BTreeMap<String, String>>,
    pub templates_only: Option<bool>,
    pub deletion_policy: Option<DeletionPolicy>,
    pub adopt: Option<bool>,
}
