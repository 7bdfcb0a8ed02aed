//! Stores.
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use super::StoreStatus;

/// x
#[derive(CustomResource, KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "paramsync.dev",
    version = "v1alpha1",
    kind = "ParameterStore",
    namespaced,
    status = "StoreStatus"
)]
#[serde(rename_all = "camelCase")]
pub struct ParameterStoreSpec {
    pub region: String,
    #[serde(rename = "endpointURL")]
    pub endpoint_url: Option<String>,
    pub auth: Option<ParameterStoreAuth>,
    pub limits: Option<LimitsSpec>,
    pub parameter_types: Option<ParameterTypes>,
}
/// x
#[derive(CustomResource, KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "paramsync.dev",
    version = "v1alpha1",
    kind = "ClusterParameterStore",
    status = "StoreStatus"
)]
#[serde(rename_all = "camelCase")]
pub struct ClusterParameterStoreSpec {
    pub region: String,
    #[serde(rename = "endpointURL")]
    pub endpoint_url: Option<String>,
    pub auth: Option<ClusterParameterStoreAuth>,
    pub limits: Option<LimitsSpec>,
    pub parameter_types: Option<ParameterTypes>,
    pub access: Vec<AccessSpec>,
}
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ParameterStoreAuth {
    #[serde(rename = "roleARN")]
    pub role_arn: Option<String>,
    #[serde(rename = "externalID")]
    pub external_id: Option<String>,
    #[serde(rename = "secretRef")]
    pub secret_ref: Option<SecretRef>,
}
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ClusterParameterStoreAuth {
    #[serde(rename = "roleARN")]
    pub role_arn: Option<String>,
    #[serde(rename = "externalID")]
    pub external_id: Option<String>,
    #[serde(rename = "secretRef")]
    pub secret_ref: Option<ClusterSecretRef>,
}
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SecretRef {
    pub name: String,
    #[serde(rename = "accessKeyIDKey")]
    pub access_key_id_key: String,
    #[serde(rename = "secretAccessKeyKey")]
    pub secret_access_key_key: String,
}
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ClusterSecretRef {
    pub name: String,
    pub namespace: String,
    #[serde(rename = "accessKeyIDKey")]
    pub access_key_id_key: String,
    #[serde(rename = "secretAccessKeyKey")]
    pub secret_access_key_key: String,
}
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LimitsSpec {
    pub requests_per_second: Option<i32>,
}
#[derive(KubeSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ParameterTypes {
    #[default]
    Any,
    SecureStringOnly,
}
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccessSpec {
    pub namespace_selector: LabelSelector,
    pub prefixes: Option<Vec<String>>,
    pub arns: Option<Vec<String>>,
}
