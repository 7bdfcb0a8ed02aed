//! `ParameterSync`: which parameters go into which Secret.

#![allow(
    clippy::duplicated_attributes,
    reason = "each printer column states its own type and priority"
)]

use std::collections::BTreeMap;

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::freeze::{FirstSync, FreezeScope};
use super::refs::{CalendarRef, StoreRef};
use super::status::ParameterSyncStatus;
use super::{rules, schema};

/// What a ParameterSync asks for: the parameters to read, the Secret to write, and how fresh it is kept.
///
/// Example: `sources: [{path: /web}]`.
#[derive(CustomResource, KubeSchema, Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[kube(
    group = "paramsync.dev",
    version = "v1alpha1",
    kind = "ParameterSync",
    namespaced,
    status = "ParameterSyncStatus",
    derive = "PartialEq",
    shortname = "psync",
    category = "paramsync",
    doc = "ParameterSync keeps one Secret of its namespace equal to parameters of AWS Systems Manager Parameter Store. It writes the whole Secret or nothing.",
    selectable = ".status.secret.name",
    selectable = ".spec.storeRef.name",
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status",
        description = "Whether the Secret is there and holds what it should hold now."
    ),
    printcolumn(
        name = "Up-To-Date",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"UpToDate\")].status",
        description = "Whether the Secret holds the newest versions; False while changes wait."
    ),
    printcolumn(
        name = "Secret",
        type_ = "string",
        json_path = ".status.secret.name",
        description = "The Secret that is written."
    ),
    printcolumn(
        name = "Keys",
        type_ = "integer",
        json_path = ".status.secret.keys",
        description = "How many keys the Secret has from us."
    ),
    printcolumn(
        name = "Next-Open",
        type_ = "string",
        json_path = ".status.pending.nextOpen",
        description = "When the changes that wait may be written."
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].reason",
        description = "Why Ready is as it is.",
        priority = 1
    ),
    printcolumn(
        name = "Store",
        type_ = "string",
        json_path = ".spec.storeRef.name",
        description = "The store, where one is named; empty: default.",
        priority = 1
    ),
    printcolumn(
        name = "Calendar",
        type_ = "string",
        json_path = ".status.gates[0].name",
        description = "The first of the calendars that bind; a column has room for one, status.gates lists all.",
        priority = 1
    ),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].message",
        description = "Why Ready is as it is, in words.",
        priority = 1
    ),
    printcolumn(
        name = "Age",
        type_ = "date",
        json_path = ".metadata.creationTimestamp",
        description = "How long ago the ParameterSync was made."
    ),
    validation = rules::target_name_stays()
)]
#[serde(rename_all = "camelCase")]
pub struct ParameterSyncSpec {
    /// The store that says whom to ask and as whom. Default: the ClusterParameterStore named `default`. Example:
    /// `{kind: ParameterStore, name: web}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store_ref: Option<StoreRef>,

    /// What is read, in order; 1 to 50 entries. Each entry reads either all parameters below a path or one parameter
    /// by name. Example: `[{path: /web}, {name: /shared/SENTRY_DSN}]`.
    #[schemars(length(min = 1, max = 50), extend("x-kubernetes-list-type" = "atomic"))]
    pub sources: Vec<SourceSpec>,

    /// What happens when two sources give the same key. Fail: nothing is written, and the reason is KeyCollision.
    /// LastWins: the later source wins. Default: Fail. Example: `LastWins`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_collision: Option<OnCollision>,

    /// The Secret that is written. Default: an Opaque Secret with the name of the ParameterSync. Example:
    /// `{name: web-env}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<TargetSpec>,

    /// How stale a value may get: a duration in hours, minutes and seconds, from 10s to 24h. Default: 10m. Example:
    /// `1h30m`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 20))]
    #[x_kube(validation = rules::interval())]
    pub interval: Option<String>,

    /// When a new value may get in. Calendars of the cluster may bind the ParameterSync beside those named here.
    /// Default: at any time. Example: `{calendars: [{name: business-hours}]}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changes: Option<ChangesSpec>,

    /// Stops everything for this ParameterSync, repair of the Secret too, but not its deletion. Default: false.
    /// Example: `true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspend: Option<bool>,
}

/// One entry of `sources`: exactly one of `path` and `name`.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = rules::path_or_name(),
    validation = rules::fields_of_name(),
    validation = rules::fields_of_path(),
    validation = rules::version_or_label(),
    validation = rules::expand_alone()
)]
pub struct SourceSpec {
    /// Reads every parameter directly below this path; the key is the last segment of the name. Give this or `name`.
    /// Example: `/web`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1011))]
    #[x_kube(
        validation = rules::path_characters(),
        validation = rules::path_segments(),
        validation = rules::levels(),
        validation = rules::reserved()
    )]
    pub path: Option<String>,

    /// With `path`: reads deeper levels too; segments are joined by `keys.separator`. Default: false. Example: `true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recursive: Option<bool>,

    /// With `path`: globs on the name relative to the path, before any renaming; only names that match one are read.
    /// `*` does not cross a `/`, `**` does. Default: all names. Example: `["DB_*"]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 50), inner(length(min = 1, max = 256)), extend("x-kubernetes-list-type" = "atomic"))]
    pub include: Option<Vec<String>>,

    /// With `path`: globs like those of `include`; names that match one are not read, even if `include` names them.
    /// Default: none. Example: `["_*"]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 50), inner(length(min = 1, max = 256)), extend("x-kubernetes-list-type" = "atomic"))]
    pub exclude: Option<Vec<String>>,

    /// With `path`: how names become keys of the Secret. Default: as they are. Example: `{style: EnvVar}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keys: Option<KeysSpec>,

    /// With `path`: what happens when a parameter below the path is gone. Prune: its key is removed. Hold: the Secret
    /// stays as it is until the parameter is back or the spec changes. Default: Prune. Example: `Hold`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_missing: Option<OnMissing>,

    /// Reads one parameter: its name, or the full ARN of one that another account shares. Give this or `path`.
    /// Example: `/shared/SENTRY_DSN`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1011))]
    #[x_kube(
        validation = rules::name_characters(),
        validation = rules::name_segments(),
        validation = rules::levels(),
        validation = rules::reserved()
    )]
    pub name: Option<String>,

    /// With `name`: the key of the Secret. Default: the last segment of the name. Example: `tls.crt`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = rules::secret_key())]
    pub key: Option<String>,

    /// With `name`: exactly this version, from 1. Give this or `label`. Default: the newest. Example: `7`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub version: Option<i64>,

    /// With `name`: the version that holds this label now. Give this or `version`. Default: the newest version.
    /// Example: `live`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 100))]
    #[x_kube(validation = rules::parameter_label())]
    pub label: Option<String>,

    /// With `name`: its absence is no error, and the Secret is written without it. Default: false, which means that
    /// the Secret stays as it is while the parameter is missing. Example: `true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub optional: Option<bool>,

    /// With `name`: how the value's text becomes bytes. None: as it is. Base64: decoded, for binary values such as
    /// keystores. Default: None. Example: `Base64`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decode: Option<Decode>,

    /// With `name`: takes the value apart, so that it gives many keys. JSON: each member of the JSON object becomes a
    /// key of its own. Goes without `key` and `pointer`. Default: the whole value under one key. Example: `JSON`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expand: Option<Expand>,

    /// With `name`: an RFC 6901 pointer into a JSON value; the member that it names becomes the key's value. Default:
    /// the whole value. Example: `/cert`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = rules::json_pointer())]
    pub pointer: Option<String>,
}

/// How the name relative to the path becomes a key: segments joined, then styled, then prefixed.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeysSpec {
    /// What is done to the letters. Keep: nothing. EnvVar: upper case, `-` and `.` become `_`. Lower: lower case.
    /// Default: Keep. Example: `EnvVar`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub style: Option<KeyStyle>,

    /// Put before each key as it stands, not styled. Default: empty. Example: `APP_`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 100))]
    #[x_kube(validation = rules::key_part())]
    pub prefix: Option<String>,

    /// Put between the segments of a deeper name. Default: `_`. Example: `.`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 10))]
    #[x_kube(validation = rules::key_part())]
    pub separator: Option<String>,
}

/// Keep: as it is. EnvVar: upper case, `-` and `.` become `_`. Lower: lower case.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[schemars(transform = schema::undescribed)]
pub enum KeyStyle {
    /// As it is.
    #[default]
    Keep,
    /// Upper case, with `-` and `.` turned to `_`.
    EnvVar,
    /// Lower case.
    Lower,
}

/// Prune: its key is removed. Hold: the Secret stays as it is until the parameter is back or the spec changes.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[schemars(transform = schema::undescribed)]
pub enum OnMissing {
    /// Its key is removed.
    #[default]
    Prune,
    /// The Secret stays as it is.
    Hold,
}

/// None: the text as it is. Base64: decoded as standard base64, for binary values such as keystores.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[schemars(transform = schema::undescribed)]
pub enum Decode {
    /// As it is.
    #[default]
    None,
    /// Standard base64.
    Base64,
}

/// JSON: each member of a JSON object becomes a key of its own.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[schemars(transform = schema::undescribed)]
pub enum Expand {
    /// Members of a JSON object.
    #[serde(rename = "JSON")]
    Json,
}

/// Fail: the sync is refused with the reason KeyCollision. LastWins: the later source wins.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[schemars(transform = schema::undescribed)]
pub enum OnCollision {
    /// Refuse.
    #[default]
    Fail,
    /// The later source wins.
    LastWins,
}

/// The Secret that is written. Nothing is ever copied to it from the ParameterSync's own metadata.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rules::templates_only())]
pub struct TargetSpec {
    /// The Secret's name. Cannot be changed later. Default: the name of the ParameterSync. Example: `web-env`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = rules::object_name(), validation = rules::target_name_is_free())]
    pub name: Option<String>,

    /// The Secret's type: Opaque, kubernetes.io/tls, kubernetes.io/dockerconfigjson, kubernetes.io/basic-auth or
    /// kubernetes.io/ssh-auth; another only where the administrator lists it: in `access[].secretTypes` of the
    /// ClusterParameterStore, by the operator's flag `--allow-secret-type` for a ParameterStore. Kubernetes does not let
    /// the type of an existing Secret change. Default: Opaque. Example: `kubernetes.io/tls`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = rules::secret_type())]
    pub secret_type: Option<String>,

    /// Labels of the Secret, at most 32, beside our own. One with a domain, as in `example.com/team`, can steer other
    /// programs, and is allowed only where the administrator lists the domain: in `access[].metadataDomains` of the
    /// ClusterParameterStore, by the operator's flag `--allow-metadata-domain` for a ParameterStore. Never templates.
    /// Default: none. Example: `{team: shop}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::labels")]
    #[x_kube(
        validation = rules::own_metadata(),
        validation = rules::helm_label(),
        validation = rules::qualified_names()
    )]
    pub labels: Option<BTreeMap<String, String>>,

    /// Annotations of the Secret, at most 32 of 1024 characters, beside our own. A domain must be listed, as for labels.
    /// Never templates. Default: none. Example: `{owner: shop}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::annotations")]
    #[x_kube(validation = rules::own_metadata(), validation = rules::qualified_names())]
    pub annotations: Option<BTreeMap<String, String>>,

    /// minijinja templates, by the key that each one gives, at most 50 of 16 KiB, 64 KiB together; they are added to the
    /// other keys and see those as variables. An unknown variable is an error. Default: none. Example:
    /// `{app.properties: "db.password={{ DB_PASSWORD }}"}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::templates")]
    #[x_kube(validation = rules::template_keys())]
    pub templates: Option<BTreeMap<String, String>>,

    /// Keeps only the rendered keys; needs `templates`. Default: false. Example: `true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub templates_only: Option<bool>,

    /// What becomes of the Secret when the ParameterSync is deleted. Delete: it goes too, through an owner reference.
    /// Retain: it stays. Default: Delete. Example: `Retain`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletion_policy: Option<DeletionPolicy>,

    /// What becomes of a Secret of that name that exists already and is not ours. Never: it is refused. Always: it is
    /// taken over, and the keys that the sources give are overwritten. Default: Never. Example: `Always`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adopt: Option<Adopt>,
}

/// Never: a Secret that exists and is not ours is refused. Always: it is taken over.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[schemars(transform = schema::undescribed)]
pub enum Adopt {
    /// It is refused.
    #[default]
    Never,
    /// It is taken over.
    Always,
}

/// Delete: the Secret goes with its ParameterSync, through an owner reference. Retain: it stays.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[schemars(transform = schema::undescribed)]
pub enum DeletionPolicy {
    /// The Secret goes with its ParameterSync.
    #[default]
    Delete,
    /// The Secret stays.
    Retain,
}

/// Which calendars the ParameterSync takes upon itself, and what they stop while one of them is closed.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangesSpec {
    /// The calendars, up to 10; open only while all of them are open. One that does not exist counts as closed.
    /// Default: none. Example: `[{name: business-hours}, {kind: ClusterChangeCalendar, name: year-end}]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 10), extend("x-kubernetes-list-type" = "atomic"))]
    pub calendars: Option<Vec<CalendarRef>>,

    /// What a closed calendar stops. Updates: new values, keys, types, labels and templates wait, while drift is
    /// repaired at the versions that the Secret holds. All: nothing is written. A ClusterChangeCalendar that binds may
    /// be stricter. Default: Updates. Example: `All`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<FreezeScope>,

    /// Whether a Secret that never existed is made while a calendar is closed. Allow: it is, unless the scope is All.
    /// Hold: it waits. A ClusterChangeCalendar that binds may be stricter. Default: Allow. Example: `Hold`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_sync: Option<FirstSync>,
}
