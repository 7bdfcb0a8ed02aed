//! What a calendar says, and what stops while it says Closed.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::schema;

/// Whether changes may be written. Open: they may. Closed: they wait.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[schemars(transform = schema::undescribed)]
pub enum CalendarState {
    /// They may.
    #[default]
    Open,
    /// They wait.
    Closed,
}

/// What a closed calendar stops.
#[derive(KubeSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FreezeSpec {
    /// Updates: new values, keys, types, labels and templates wait, while drift is repaired at the versions that the
    /// Secret holds. All: nothing is written. Default: Updates. Example: `All`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<FreezeScope>,

    /// Whether a Secret that never existed is made, unless the scope is All. NewNamespaces: only in a namespace that was
    /// made after this calendar closed (or up to 10 minutes before), is younger than 24 hours, and had no ParameterSync of
    /// that name before; so a cluster can be rebuilt in a freeze, and nobody gets a new value in by making an object anew.
    /// Allow: it is. Hold: it waits, in a cluster that is rebuilt too. Default: NewNamespaces. Example: `Hold`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_sync: Option<CalendarFirstSync>,
}

/// Updates: changes wait, drift is repaired. All: nothing is written.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[schemars(transform = schema::undescribed)]
pub enum FreezeScope {
    /// Changes wait; drift is repaired at the applied versions.
    #[default]
    Updates,
    /// Nothing is written.
    All,
}

/// NewNamespaces: a Secret that never existed is made in new namespaces. Allow: it is made. Hold: it waits.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[schemars(transform = schema::undescribed)]
pub enum CalendarFirstSync {
    /// It is made in a namespace that was made during the closing.
    #[default]
    NewNamespaces,
    /// It is made.
    Allow,
    /// It waits.
    Hold,
}

/// Allow: a Secret that never existed is made. Hold: it waits.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[schemars(transform = schema::undescribed)]
pub enum FirstSync {
    /// It is made.
    #[default]
    Allow,
    /// It waits.
    Hold,
}
