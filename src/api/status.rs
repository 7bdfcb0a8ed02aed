//! Status.
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ParameterSyncStatus {
    pub observed_generation: Option<i64>,
    pub conditions: Option<Vec<Condition>>,
    pub secret: Option<SecretStatus>,
    pub parameters: Option<Vec<ParameterStatus>>,
    pub pending: Option<PendingStatus>,
    pub last_changed: Option<String>,
    pub last_handled_sync_request: Option<String>,
    pub effective_interval: Option<String>,
}
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretStatus {
    pub name: String,
    pub keys: i32,
    pub account: Option<String>,
    pub region: Option<String>,
    pub shape: Option<String>,
    #[serde(rename = "type")]
    pub type_: Option<String>,
}
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ParameterStatus {
    pub key: Option<String>,
    pub source: i32,
    pub name: String,
    pub version: i64,
    pub last_modified: String,
    #[serde(rename = "type")]
    pub type_: String,
}
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PendingStatus {
    pub since: String,
    pub next_open: Option<String>,
    pub changes: Vec<PendingChangeStatus>,
    pub total: i32,
}
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PendingChangeStatus {
    pub name: String,
    pub from: Option<i64>,
    pub to: Option<i64>,
}
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoreStatus {
    pub observed_generation: Option<i64>,
    pub conditions: Option<Vec<Condition>>,
    pub account: Option<String>,
}
