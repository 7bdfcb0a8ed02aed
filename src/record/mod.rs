//! What is applied, and what is known of Parameter Store, without a value: the facts that `decide` compares. Pure.
//!
//! What is applied is told by the [`Record`] in status and nowhere else ([`stated`]), for nobody but the operator writes
//! status. A Secret's [`Seal`] says whose it is and as which revision it was written, and its annotation shows people
//! what the record says. What Parameter Store has is [`Upstream`], what a freeze stops [`Freeze`]. Every room above shares
//! these types, and none of them knows a room above.

mod freeze;
mod provenance;
mod seal;
mod source_error;
mod stated;
#[cfg(test)]
mod stated_tests;
mod upstream;

pub use freeze::{FirstSync, Freeze, Scope};
pub use provenance::{
    ANNOTATION, Applied, FIELD_MANAGER, MANAGED_LABEL, MAX_PROVENANCE_BYTES, ParameterKind, Provenance,
    Shape, Stamp, WRITTEN_AT,
};
pub use seal::{KEY_BYTES, SEAL, Seal, SealKey};
pub use source_error::SourceError;
pub use stated::{FORMAT, LEGACY, RecordTooNew, Stated, parameter_entries, secret_status, stated};
pub use upstream::{Entry, Upstream};

/// What was written to a Secret, and as what: the only thing that is believed to be applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The uid of the ParameterSync for which it was written.
    pub uid: String,
    /// Each change is above the one before; a repair writes the same again.
    pub revision: i64,
    /// Where the values come from.
    pub provenance: Provenance,
}
