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

    /// Whether a Secret that never existed is made. Allow: it is, unless the scope is All. Hold: it waits.
    /// Default: Allow. Example: `Hold`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_sync: Option<FirstSync>,
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
