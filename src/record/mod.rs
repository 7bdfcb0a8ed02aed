//! What is known of a Secret and of its parameters, without a value: the facts that `decide` compares. Pure.
//!
//! What a Secret says of itself ([`Provenance`]), what Parameter Store has ([`Upstream`]), and what a freeze stops
//! ([`Freeze`]). Every room above shares these types, and none of them knows a room above.

mod freeze;
mod provenance;
mod source_error;
mod upstream;

pub use freeze::{FirstSync, Freeze, Scope};
pub use provenance::{
    ANNOTATION, Applied, FIELD_MANAGER, MANAGED_LABEL, MAX_PROVENANCE_BYTES, ParameterKind, Provenance,
    Shape, Stamp, Unreadable,
};
pub use source_error::SourceError;
pub use upstream::{Entry, Upstream};
