//! `ParameterStore` and `ClusterParameterStore`: whom to ask, as whom, at what pace, and for which namespaces.

#![allow(
    clippy::duplicated_attributes,
    reason = "each printer column states its own type and priority"
)]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::status::StoreStatus;
use super::{rules, schema};

/// A store that serves its own namespace, with credentials of its own.
///
/// Example: `{region: eu-west-1, auth: {secretRef: {name: aws}}}`.
#[derive(CustomResource, KubeSchema, Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[kube(
    group = "paramsync.dev",
    version = "v1alpha1",
    kind = "ParameterStore",
    namespaced,
    status = "StoreStatus",
    derive = "PartialEq",
    shortname = "pstore",
    category = "paramsync",
    doc = "ParameterStore says which AWS Parameter Store the ParameterSyncs of its own namespace read, and brings the credentials for it.",
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status",
        description = "Whether the store can be used."
    ),
    printcolumn(
        name = "Region",
        type_ = "string",
        json_path = ".spec.region",
        description = "The AWS region that is asked."
    ),
    printcolumn(
        name = "Endpoint",
        type_ = "string",
        json_path = ".spec.endpointURL",
        description = "Another endpoint than AWS's own.",
        priority = 1
    ),
    printcolumn(
        name = "Role",
        type_ = "string",
        json_path = ".spec.auth.roleARN",
        description = "The IAM role that is assumed.",
        priority = 1
    ),
    printcolumn(
        name = "Age",
        type_ = "date",
        json_path = ".metadata.creationTimestamp",
        description = "How long ago the store was made."
    )
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rules::own_credentials(), validation = rules::no_secret_namespace())]
pub struct ParameterStoreSpec {
    /// The AWS region to ask. Example: `ap-northeast-1`.
    #[schemars(length(min = 1, max = 32))]
    #[x_kube(validation = rules::region())]
    pub region: String,

    /// Another endpoint for Parameter Store, such as a VPC endpoint or an emulator: https, or http to this machine
    /// only (127.0.0.1, [::1], localhost). It must be on the operator's list of allowed endpoints. STS never follows
    /// it. Default: AWS's own endpoint of the region. Example: `https://vpce-1a2b.ssm.eu-west-1.vpce.amazonaws.com`.
    #[serde(rename = "endpointURL", skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = rules::endpoint(), validation = rules::plain_http())]
    pub endpoint_url: Option<String>,

    /// As whom to ask. `secretRef` is required: a role alone would be assumed with the operator's identity. Example:
    /// `{secretRef: {name: aws}}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth: Option<StoreAuth>,

    /// At what pace to ask. Default: see its fields. Example: `{requestsPerSecond: 10}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<StoreLimits>,

    /// Which types of parameter may be read. Any: SecureString, String and StringList. SecureStringOnly: parameters of
    /// other types are refused. Default: Any. Example: `SecureStringOnly`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter_types: Option<ParameterTypes>,
}

/// A store that serves the namespaces that its `access` lists.
///
/// Example: `{region: eu-west-1, access: [{namespaceSelector: {}, prefixes: ["/{namespace}/"]}]}`.
#[derive(CustomResource, KubeSchema, Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[kube(
    group = "paramsync.dev",
    version = "v1alpha1",
    kind = "ClusterParameterStore",
    status = "StoreStatus",
    derive = "PartialEq",
    shortname = "cpstore",
    category = "paramsync",
    doc = "ClusterParameterStore says which AWS Parameter Store the ParameterSyncs of the listed namespaces read, and which parameters each of them may read.",
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status",
        description = "Whether the store can be used."
    ),
    printcolumn(
        name = "Region",
        type_ = "string",
        json_path = ".spec.region",
        description = "The AWS region that is asked."
    ),
    printcolumn(
        name = "Endpoint",
        type_ = "string",
        json_path = ".spec.endpointURL",
        description = "Another endpoint than AWS's own.",
        priority = 1
    ),
    printcolumn(
        name = "Role",
        type_ = "string",
        json_path = ".spec.auth.roleARN",
        description = "The IAM role that is assumed.",
        priority = 1
    ),
    printcolumn(
        name = "Age",
        type_ = "date",
        json_path = ".metadata.creationTimestamp",
        description = "How long ago the store was made."
    )
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rules::secret_namespace(), validation = rules::arns_in_region())]
pub struct ClusterParameterStoreSpec {
    /// The AWS region to ask. Example: `ap-northeast-1`.
    #[schemars(length(min = 1, max = 32))]
    #[x_kube(validation = rules::region())]
    pub region: String,

    /// Another endpoint for Parameter Store, such as a VPC endpoint or an emulator: https, or http to this machine
    /// only (127.0.0.1, [::1], localhost). STS never follows it. Default: AWS's own endpoint of the region. Example:
    /// `https://vpce-1a2b.ssm.eu-west-1.vpce.amazonaws.com`.
    #[serde(rename = "endpointURL", skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = rules::endpoint(), validation = rules::plain_http())]
    pub endpoint_url: Option<String>,

    /// As whom to ask. Default: the operator's own identity (environment, IRSA, EKS Pod Identity, instance profile).
    /// Example: `{roleARN: "arn:aws:iam::111122223333:role/reader"}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth: Option<StoreAuth>,

    /// At what pace to ask. Default: see its fields. Example: `{requestsPerSecond: 10}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<StoreLimits>,

    /// Which types of parameter may be read. Any: SecureString, String and StringList. SecureStringOnly: parameters of
    /// other types are refused. Default: Any. Example: `SecureStringOnly`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter_types: Option<ParameterTypes>,

    /// Who may read what, 1 to 100 entries: a namespace may read what any entry that selects it allows, and nothing
    /// else. Example: `[{namespaceSelector: {matchLabels: {team: shop}}, prefixes: ["/shop/"]}]`.
    #[schemars(length(min = 1, max = 100), extend("x-kubernetes-list-type" = "atomic"))]
    pub access: Vec<AccessRule>,
}

/// As whom to ask AWS.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rules::external_id_needs_role())]
pub struct StoreAuth {
    /// An IAM role to assume, with the keys of `secretRef` if they are given, else with the operator's identity.
    /// Default: none is assumed. Example: `arn:aws:iam::111122223333:role/reader`.
    #[serde(rename = "roleARN", skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 20, max = 700))]
    #[x_kube(validation = rules::role_arn())]
    pub role_arn: Option<String>,

    /// The external id that the role's trust policy asks for; needs `roleARN`. Default: none. Example: `shop-prod`.
    #[serde(rename = "externalID", skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 2, max = 1224))]
    #[x_kube(validation = rules::external_id())]
    pub external_id: Option<String>,

    /// A Secret with access keys, for emulators and for clusters outside of AWS. Default: none. Example:
    /// `{name: aws}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<AuthSecretRef>,
}

/// A Secret with access keys.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthSecretRef {
    /// The Secret's name. Example: `aws`.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = rules::object_name())]
    pub name: String,

    /// The Secret's namespace: required on a ClusterParameterStore, refused on a ParameterStore, whose Secret is in
    /// its own namespace. Example: `ops`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    #[x_kube(validation = rules::namespace_name())]
    pub namespace: Option<String>,

    /// The key of the Secret that holds the access key id. Default: `AWS_ACCESS_KEY_ID`. Example: `id`.
    #[serde(rename = "accessKeyIDKey", skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = rules::secret_key())]
    pub access_key_id_key: Option<String>,

    /// The key of the Secret that holds the secret access key. Default: `AWS_SECRET_ACCESS_KEY`. Example: `secret`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = rules::secret_key())]
    pub secret_access_key_key: Option<String>,

    /// The key of the Secret that holds the session token, which temporary keys come with. Default: none is read.
    /// Example: `token`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = rules::secret_key())]
    pub session_token_key: Option<String>,
}

/// Our share of the account's quota.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StoreLimits {
    /// How many requests a second go to AWS at most, 1 to 10000; AWS itself allows 40 unless more was ordered. On a
    /// ClusterParameterStore it bounds all that read in its account and region, and the lowest counts; on a ParameterStore
    /// it bounds that store alone. Default: 20. Example: `10`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10_000))]
    pub requests_per_second: Option<i32>,
}

/// Any: SecureString, String and StringList. SecureStringOnly: parameters of other types are refused.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[schemars(transform = schema::undescribed)]
pub enum ParameterTypes {
    /// All types.
    #[default]
    Any,
    /// SecureString only.
    SecureStringOnly,
}

/// What some namespaces may read.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rules::access_names_something())]
pub struct AccessRule {
    /// Which namespaces, by their labels. An empty selector (`{}`) selects every namespace. Example:
    /// `{matchLabels: {team: shop}}`.
    #[schemars(schema_with = "schema::label_selector")]
    #[x_kube(validation = rules::selector_values())]
    pub namespace_selector: LabelSelector,

    /// What they may read, up to 20 prefixes, on segment boundaries: `/web` allows `/web` and `/web/x`, never
    /// `/website`. `{namespace}` stands for the namespace's name. Default: none. Example: `["/{namespace}/"]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 20), inner(length(min = 1, max = 256)), extend("x-kubernetes-list-type" = "atomic"))]
    #[x_kube(validation = rules::prefixes())]
    pub prefixes: Option<Vec<String>>,

    /// Parameters that other accounts share, up to 20, each by its full ARN of at most 512
    /// characters, in the store's region. Default: none.
    /// Example: `["arn:aws:ssm:eu-west-1:111122223333:parameter/shared/CA"]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 20), inner(length(min = 1, max = 512)), extend("x-kubernetes-list-type" = "atomic"))]
    #[x_kube(validation = rules::parameter_arns())]
    pub arns: Option<Vec<String>>,

    /// Which types their Secrets may have beside Opaque, kubernetes.io/tls, dockerconfigjson, basic-auth and ssh-auth, up
    /// to 20 globs; `*` does not cross a `/`. kubernetes.io/service-account-token and bootstrap.kubernetes.io/token are
    /// never allowed. Default: none. Example: `["example.com/*"]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 20), inner(length(min = 1, max = 253)), extend("x-kubernetes-list-type" = "atomic"))]
    #[x_kube(validation = rules::secret_types())]
    pub secret_types: Option<Vec<String>>,

    /// Which domains the names of their Secrets' labels and annotations may have, up to 20 globs; a domain stands for
    /// itself and for none below it. Other programs act on such names, so list what is meant, and no more. Names without
    /// a domain need no entry; paramsync.dev is never allowed. Default: none. Example: `["argocd.argoproj.io"]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 20), inner(length(min = 1, max = 253)), extend("x-kubernetes-list-type" = "atomic"))]
    #[x_kube(validation = rules::metadata_domains())]
    pub metadata_domains: Option<Vec<String>>,
}
