//! What the operator reports of each kind. Never a value.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::freeze::CalendarState;
use super::refs::CalendarKind;
use super::{rules, schema};

/// How many entries `parameters` may have. What would have more is refused before it is written: a record that is cut is
/// none.
pub const MAX_PARAMETERS: u32 = 2_000;
/// How many characters the token of a forced sync may have.
pub const MAX_SYNC_REQUEST: u32 = 256;

/// What the Secret holds, what waits, and how the ParameterSync fares. Written only when something changed.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rules::revision_grows())]
pub struct ParameterSyncStatus {
    /// The generation of the spec that the rest of the status speaks of; -1 before the operator saw the object.
    /// Example: `3`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// Ready: the Secret is there and holds what it should hold now. UpToDate: it holds the newest versions.
    /// Reconciling and Stalled are there only while True. Example: `[{type: Ready, status: "True", reason: Synced}]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Option<Vec<Condition>>,

    /// The Secret that was written last; absent before the first write. Example: `{name: web, keys: 12}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretStatus>,

    /// Which version of which parameter each key of the Secret holds, complete, in the order of the sources. Example:
    /// `[{key: DB_PASSWORD, source: 0, name: /web/DB_PASSWORD, version: 7}]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = MAX_PARAMETERS), extend("x-kubernetes-list-type" = "atomic"))]
    pub parameters: Option<Vec<ParameterStatus>>,

    /// Changes that are known and not written; absent when nothing waits. Example: `{total: 2}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending: Option<Pending>,

    /// The calendars that bind the ParameterSync, by name and by selector; the first 20, absent where there are none.
    /// Example: `[{kind: ClusterChangeCalendar, name: year-end, boundBy: Selector}]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 20), extend("x-kubernetes-list-type" = "atomic"))]
    pub gates: Option<Vec<GateStatus>>,

    /// When the Secret's content changed last, RFC 3339. Example: `2026-11-23T10:00:00Z`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub last_changed: Option<String>,

    /// The token of the annotation `paramsync.dev/sync-requested-at` that was answered last; one of more than 256
    /// characters is not answered. Example:
    /// `2026-11-23T10:00:00Z`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = MAX_SYNC_REQUEST))]
    pub last_handled_sync_request: Option<String>,

    /// How stale a value may get in truth, where for half an hour the store's rate has let it be only twice
    /// `spec.interval` or more; absent otherwise. What it is at present the store's status says. A duration. Example: `15m`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub effective_interval: Option<String>,
}

/// The Secret as it was written last: what is put back when others change it. Only what stands here is believed.
#[derive(JsonSchema, Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretStatus {
    /// The Secret's name. Example: `web`.
    #[schemars(length(max = 253))]
    pub name: String,

    /// How many of its keys are ours. Example: `12`.
    #[schemars(range(min = 0))]
    pub keys: i32,

    /// The uid of the ParameterSync that this was written for; under another one it is not believed. Example:
    /// `4f6c2c0e-7d5b-4a53-9f0d-0f5a3d6f2b11`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub uid: Option<String>,

    /// As which revision the Secret was written; each change is above the one before. Example: `1764518404`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub revision: Option<i64>,

    /// The revision that is on its way: announced, and not yet known to be written; absent when none is. Example:
    /// `1764518405`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub writing: Option<i64>,

    /// Where its parameters come from. Example: `{account: "111122223333", region: ap-northeast-1}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<OriginStatus>,

    /// A fingerprint of the spec fields that shaped it, never of values, behind the record's format. Example:
    /// `1.3f9a1c`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub shape: Option<String>,

    /// The Secret's type. Example: `Opaque`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub secret_type: Option<String>,

    /// The keys that are rendered from templates. Example: `[app.properties]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::key_names")]
    pub template_keys: Option<Vec<String>>,

    /// The names of the labels that `spec.target` asked for. Example: `[team]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::metadata_names")]
    pub labels: Option<Vec<String>>,

    /// The names of the annotations that `spec.target` asked for. Example: `[contact]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::metadata_names")]
    pub annotations: Option<Vec<String>>,

    /// Keys that are no longer ours and stay in the Secret, because another field manager holds them; the first 20.
    /// Example: `[{key: OLD, manager: argocd-controller}]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 20), extend("x-kubernetes-list-type" = "atomic"))]
    pub held_by_others: Option<Vec<HeldKey>>,

    /// The AWS account, as release 0.1 wrote it; `origin` has it now. Example: `111122223333`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 12))]
    pub account: Option<String>,

    /// The AWS region, as release 0.1 wrote it; `origin` has it now. Example: `ap-northeast-1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub region: Option<String>,
}

/// Where parameters come from: the same name under another origin is another parameter.
#[derive(JsonSchema, Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OriginStatus {
    /// The AWS account, twelve digits, as AWS's answers name it; empty where every parameter is named by ARN. Example:
    /// `111122223333`.
    #[schemars(length(max = 12))]
    pub account: String,

    /// The AWS region. Example: `ap-northeast-1`.
    #[schemars(length(max = 32))]
    pub region: String,

    /// The endpoint, where it is none of AWS's own; absent otherwise. Example: `https://parameters.example.com`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub endpoint: Option<String>,
}

/// A key that another field manager keeps in the Secret.
#[derive(JsonSchema, Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HeldKey {
    /// The key. Example: `OLD`.
    #[schemars(length(max = 253))]
    pub key: String,

    /// The field manager that holds it. Example: `argocd-controller`.
    #[schemars(length(max = 128))]
    pub manager: String,
}

/// One key of the Secret and the parameter that gave it.
#[derive(JsonSchema, Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ParameterStatus {
    /// The key; absent where the parameter only feeds templates. Example: `DB_PASSWORD`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub key: Option<String>,

    /// The index in `spec.sources` that it came by, from 0. Example: `0`.
    #[schemars(range(min = 0))]
    pub source: i32,

    /// The parameter's name, or its ARN if another account shares it. Example: `/web/DB_PASSWORD`.
    #[schemars(length(max = 2048))]
    pub name: String,

    /// The version whose value is in the Secret, from 1. Example: `7`.
    #[schemars(range(min = 0))]
    pub version: i64,

    /// When that version was written at AWS, RFC 3339 with milliseconds. Example: `2026-11-23T10:00:00.123Z`.
    #[schemars(extend("format" = "date-time"))]
    pub last_modified: String,

    /// The parameter's type at AWS: SecureString, String or StringList. Example: `SecureString`.
    #[serde(rename = "type")]
    #[schemars(length(max = 32))]
    pub parameter_type: String,
}

/// What is known upstream and not yet in the Secret.
#[derive(JsonSchema, Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pending {
    /// Since when the first of the changes waits, RFC 3339. Example: `2026-11-23T10:00:00Z`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub since: Option<String>,

    /// When they may be written, RFC 3339; absent where that is not known. Example: `2027-01-04T00:00:00Z`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub next_open: Option<String>,

    /// The first 20 changes. Example: `[{name: /web/DB_PASSWORD, from: 7, to: 9}]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20), extend("x-kubernetes-list-type" = "atomic"))]
    pub changes: Vec<PendingChange>,

    /// How many changes there are in all. Example: `2`.
    #[schemars(range(min = 0))]
    pub total: i32,
}

/// One change that waits.
#[derive(JsonSchema, Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PendingChange {
    /// The parameter's name or ARN. Example: `/web/DB_PASSWORD`.
    #[schemars(length(max = 2048))]
    pub name: String,

    /// The version that the Secret holds; absent for a new parameter. Example: `7`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub from: Option<i64>,

    /// The version that waits; absent for a parameter that is gone. Example: `9`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub to: Option<i64>,
}

/// One calendar that binds the ParameterSync. Its own status tells its state at any time; here it stands only where it
/// matters, since a calendar that opens or closes would otherwise rewrite the status of all that it binds.
#[derive(JsonSchema, Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GateStatus {
    /// The calendar's kind. Example: `ClusterChangeCalendar`.
    pub kind: CalendarKind,

    /// The calendar's name. Example: `year-end`.
    #[schemars(length(max = 253))]
    pub name: String,

    /// Why it binds. Reference: the ParameterSync names it. Selector: it selects the namespace, and counts whatever
    /// the ParameterSync says. Example: `Selector`.
    pub bound_by: BoundBy,

    /// Its state, Open or Closed; there only while changes wait or where the calendar itself is at fault, so that
    /// opening and closing rewrites no status in which nothing waits. Example: `Closed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<CalendarState>,

    /// Until when it has that state, RFC 3339; there only with `state`, and absent where that is not known. Example:
    /// `2027-01-04T00:00:00Z`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub until: Option<String>,

    /// What is wrong with the calendar, as one word for programs, such as CalendarNotFound or CalendarInvalid; absent where
    /// nothing is. Example: `CalendarNotFound`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub reason: Option<String>,
}

/// Reference: the ParameterSync names the calendar. Selector: the calendar selects the namespace.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[schemars(transform = schema::undescribed)]
pub enum BoundBy {
    /// The ParameterSync names it.
    #[default]
    Reference,
    /// It selects the namespace.
    Selector,
}

/// Whether the store can be used, and which AWS account answers.
#[derive(JsonSchema, Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StoreStatus {
    /// The generation of the spec that the rest of the status speaks of; -1 before the operator saw the object.
    /// Example: `3`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// Ready: the store's spec is usable. Example: `[{type: Ready, status: "True", reason: Valid}]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Option<Vec<Condition>>,

    /// The AWS account that answers, twelve digits; absent before the first answer. Example: `111122223333`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 12))]
    pub account: Option<String>,

    /// The shortest interval at which Parameter Store is looked at by this store now, where `limits.requestsPerSecond` does
    /// not let the intervals of its ParameterSyncs be kept; absent otherwise. A duration. Example: `15m`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub interval: Option<String>,
}

/// The state of a calendar, and what it will be. Written only when something changed.
#[derive(JsonSchema, Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangeCalendarStatus {
    /// The generation of the spec that the rest of the status speaks of; -1 before the operator saw the object.
    /// Example: `3`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// Ready: the calendar can be evaluated as it is written. To be closed is a state, not a fault. Example:
    /// `[{type: Ready, status: "True", reason: Evaluated}]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Option<Vec<Condition>>,

    /// What counts now: Open or Closed. Closed too where the calendar was never valid. Example: `Closed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<CalendarState>,

    /// The event that makes the state differ from the default; absent outside of events and for calendars of AWS.
    /// Example: `nightly-batch`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub event: Option<String>,

    /// When the state changes next, RFC 3339; absent where it does not within two years. Example:
    /// `2026-01-05T21:00:00Z`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub next_transition: Option<String>,

    /// The next 5 periods, the present one included, in which the state differs from the default. Example:
    /// `[{from: "2026-01-05T21:00:00Z", to: "2026-01-06T05:00:00Z", event: nightly-batch}]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 5), extend("x-kubernetes-list-type" = "atomic"))]
    pub upcoming: Option<Vec<UpcomingPeriod>>,

    /// What counts while the spec is not valid, should the operator restart meanwhile; absent before the first valid
    /// spec and for calendars of AWS, which are asked again. Example:
    /// `{generation: 3, from: "2026-01-05T21:00:00Z", state: Closed, until: "2028-01-05T21:00:00Z"}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_valid: Option<LastValid>,
}

/// A period in which the state differs from the default.
#[derive(JsonSchema, Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UpcomingPeriod {
    /// Its first moment, RFC 3339. Example: `2026-01-05T21:00:00Z`.
    #[schemars(extend("format" = "date-time"))]
    pub from: String,

    /// The first moment after it, RFC 3339; absent where it lasts longer than two years. Example:
    /// `2026-01-06T05:00:00Z`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub to: Option<String>,

    /// The event that begins it; absent where that has no name. Example: `nightly-batch`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub event: Option<String>,
}

/// The last valid form of a calendar, evaluated: its state from `from` on, which flips at each of `transitions`.
#[derive(JsonSchema, Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LastValid {
    /// The generation of the spec that was valid. Example: `3`.
    #[schemars(range(min = 0))]
    pub generation: i64,

    /// The state outside of events that it had; an edit that would turn this round does not count. Example: `Open`.
    pub default_state: CalendarState,

    /// Since when `state` counts, RFC 3339. Example: `2026-01-05T21:00:00Z`.
    #[schemars(extend("format" = "date-time"))]
    pub from: String,

    /// The state at `from`. Example: `Closed`.
    pub state: CalendarState,

    /// The moments after `from` at which the state flips, in order, RFC 3339; the first 32. Example:
    /// `["2026-01-06T05:00:00Z"]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::transitions")]
    pub transitions: Option<Vec<String>>,

    /// Up to when this says anything, RFC 3339; from then on the calendar is closed until its spec is valid. Example:
    /// `2028-01-05T21:00:00Z`.
    #[schemars(extend("format" = "date-time"))]
    pub until: String,
}
