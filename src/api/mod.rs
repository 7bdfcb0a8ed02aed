//! The custom resource types of `paramsync.dev/v1alpha1`, and nothing else. Pure.
//!
//! In: what users write. Out: the same as Rust types, the CRDs generated from them (`crds`) and the reference for
//! readers (`reference`). The schema refuses what it can (bounds, patterns, CEL rules in `rules` and
//! `calendar_rules`); `resolve` parses the rest. Optional fields stay `Option` here: their defaults are filled in by
//! `resolve` and told in the field's description, never by the API server, since a default that the server fills in
//! shows as drift in GitOps tools.

mod calendar;
mod calendar_rules;
pub mod crds;
mod freeze;
mod parameter_sync;
pub mod reference;
mod refs;
mod rules;
mod schema;
mod status;
mod store;

#[cfg(test)]
mod crd_tests;
#[cfg(test)]
mod rule_tests;

pub use calendar::{
    AwsCalendarSpec, ChangeCalendar, ChangeCalendarSpec, ClusterChangeCalendar, ClusterChangeCalendarSpec,
    EventSpec,
};
pub use freeze::{CalendarFirstSync, CalendarState, FirstSync, FreezeScope, FreezeSpec};
pub use parameter_sync::{
    Adopt, ChangesSpec, Decode, DeletionPolicy, Expand, KeyStyle, KeysSpec, OnCollision, OnMissing,
    ParameterSync, ParameterSyncSpec, SourceSpec, TargetSpec,
};
pub use refs::{CalendarKind, CalendarRef, StoreKind, StoreRef};
pub use status::{
    BoundBy, ChangeCalendarStatus, GateStatus, HeldKey, LastValid, MAX_PARAMETERS, MAX_SYNC_REQUEST,
    OriginStatus, ParameterStatus, ParameterSyncStatus, Pending, PendingChange, SecretStatus, StoreStatus,
    UpcomingPeriod,
};
pub use store::{
    AccessRule, AuthSecretRef, ClusterParameterStore, ClusterParameterStoreSpec, ParameterStore,
    ParameterStoreSpec, ParameterTypes, StoreAuth, StoreLimits,
};

/// The API group of all kinds.
pub const GROUP: &str = "paramsync.dev";
/// The version of all kinds.
pub const VERSION: &str = "v1alpha1";
