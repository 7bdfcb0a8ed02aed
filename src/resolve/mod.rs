//! From a ParameterSync and the indexes to [`Resolved`], or a refusal that names the field. Pure.
//!
//! Everything that can be refused without asking AWS is refused here: names, globs, keys, stores and who may use
//! them, the claim on the target.

mod types;

pub use types::{
    Auth, Closure, Decode, Extract, Gate, KeyNaming, KeyStyle, Limits, NameFilter, NamedSource, OnCollision,
    OnMissing, ParameterTypes, PathRead, PathSource, Resolved, SecretKeyPair, Source, StoreIdentity, Target,
};
