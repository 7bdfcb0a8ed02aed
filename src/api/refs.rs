//! How one object names another.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{rules, schema};

/// Which store is meant.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StoreRef {
    /// The store's kind. ClusterParameterStore serves the namespaces that its `access` lists; ParameterStore serves its
    /// own namespace. Default: ClusterParameterStore. Example: `ParameterStore`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<StoreKind>,

    /// The store's name. Default: `default`. Example: `web`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = rules::object_name())]
    pub name: Option<String>,
}

/// The kinds of store: ClusterParameterStore serves the namespaces that its `access` lists; ParameterStore serves its
/// own namespace.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[schemars(transform = schema::undescribed)]
pub enum StoreKind {
    /// Shared; serves the namespaces that its `access` lists.
    #[default]
    ClusterParameterStore,
    /// Serves its own namespace only, with its own credentials.
    ParameterStore,
}

/// Which calendar is meant.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CalendarRef {
    /// The calendar's kind: ChangeCalendar, of the ParameterSync's own namespace, or ClusterChangeCalendar.
    /// Default: ChangeCalendar. Example: `ClusterChangeCalendar`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<CalendarKind>,

    /// The calendar's name. Example: `business-hours`.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = rules::object_name())]
    pub name: String,
}

/// The kinds of calendar: ChangeCalendar serves its own namespace, ClusterChangeCalendar the whole cluster.
#[derive(
    JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize,
)]
#[schemars(transform = schema::undescribed)]
pub enum CalendarKind {
    /// Of a namespace.
    #[default]
    ChangeCalendar,
    /// Of the cluster.
    ClusterChangeCalendar,
}
