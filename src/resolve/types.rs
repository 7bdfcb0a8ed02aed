//! What `resolve` hands on: parsed, checked, with every default filled in.

use std::sync::Arc;
use std::time::Duration;

use super::gate::Gate;
use super::secret::Target;
use crate::names::{JsonPointer, ObjectKey, ParameterRef, PathRead, SecretKey};
use crate::record::Shape;

/// A ParameterSync that may be acted on.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// Which object it is.
    pub object: ObjectKey,
    /// Its uid, for the owner reference.
    pub uid: Arc<str>,
    /// `metadata.generation` of what was read.
    pub generation: i64,
    /// Whom to ask, as whom.
    pub store: StoreIdentity,
    /// At what pace to ask.
    pub limits: Limits,
    /// Which types of parameter may be read.
    pub parameter_types: ParameterTypes,
    /// The sources, in the order of the spec.
    pub sources: Vec<Source>,
    /// What to do when two sources give one key.
    pub on_collision: OnCollision,
    /// The Secret to write.
    pub target: Target,
    /// How stale a value may get.
    pub interval: Duration,
    /// `spec.suspend`.
    pub suspended: bool,
    /// Whether new values may get in.
    pub gate: Gate,
    /// A fingerprint of all that shapes the Secret.
    pub shape: Shape,
    /// The same as release 0.1 computed it.
    pub legacy_shape: Shape,
    /// The token of the annotation `paramsync.dev/sync-requested-at`.
    pub sync_request: Option<String>,
}

/// Whom to ask and as whom: one engine, and one client, for each of these.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StoreIdentity {
    /// The region, as `ap-northeast-1`.
    pub region: String,
    /// Another endpoint than AWS's own.
    pub endpoint: Option<String>,
    /// The identity.
    pub auth: Auth,
    /// The ParameterStore that alone reads so; none where cluster stores do, which share what they read.
    pub only_of: Option<ObjectKey>,
}

impl StoreIdentity {
    /// The endpoint, where it is none of AWS's own: the same name there is another parameter.
    pub fn foreign_endpoint(&self) -> Option<&str> {
        let endpoint = self.endpoint.as_deref()?;
        let authority = endpoint.split_once("://").map_or(endpoint, |(_, rest)| rest);
        let host = authority.split(['/', ':']).next().unwrap_or_default();
        let of_aws = [".amazonaws.com", ".amazonaws.com.cn", ".api.aws"];
        (!of_aws.iter().any(|domain| host.ends_with(domain))).then_some(endpoint)
    }
}

/// How to identify to AWS.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Auth {
    /// Keys in a Secret; absent: the operator's own identity.
    pub keys: Option<SecretKeyPair>,
    /// A role to assume with the identity above.
    pub role_arn: Option<String>,
    /// The external id that the role's trust policy asks for.
    pub external_id: Option<String>,
}

/// Where access keys are kept.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretKeyPair {
    /// The Secret.
    pub secret: ObjectKey,
    /// The key that holds the access key id.
    pub access_key_id: String,
    /// The key that holds the secret access key.
    pub secret_access_key: String,
    /// The key that holds the session token, where the keys are temporary ones.
    pub session_token: Option<String>,
}

/// The share of the account's quota: of a cluster store what all of the account keep to, of a ParameterStore what it
/// alone keeps to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Limits {
    /// Reads a second, at most.
    pub requests_per_second: u32,
}

/// Which types of parameter may be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterTypes {
    /// SecureString, String and StringList.
    Any,
    /// SecureString only; a named parameter of another type is refused, one below a path is refused too.
    SecureStringOnly,
}

/// One entry of `spec.sources`.
#[derive(Clone, Debug)]
pub enum Source {
    /// All parameters below a path.
    Path(PathSource),
    /// One parameter.
    Named(NamedSource),
}

/// All parameters below a path.
#[derive(Clone, Debug)]
pub struct PathSource {
    /// What is read.
    pub read: PathRead,
    /// How names become keys.
    pub keys: KeyNaming,
    /// What happens when a parameter is gone.
    pub on_missing: OnMissing,
}

/// How the name relative to the path becomes a key: segments joined by `separator`, then `style`, then `prefix` put
/// before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyNaming {
    /// The style.
    pub style: KeyStyle,
    /// Put before the key; not styled.
    pub prefix: String,
    /// Between segments of a deeper name.
    pub separator: String,
}

/// What is done to the letters of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyStyle {
    /// As it is.
    Keep,
    /// Upper case, with `-` and `.` turned to `_`.
    EnvVar,
    /// Lower case.
    Lower,
}

/// What happens when a parameter below a path is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnMissing {
    /// Its key is removed.
    Prune,
    /// The Secret stays as it is until the parameter is back or the spec changes.
    Hold,
}

/// One parameter.
#[derive(Clone, Debug)]
pub struct NamedSource {
    /// Which, and which version.
    pub reference: ParameterRef,
    /// Whether its absence is no error.
    pub optional: bool,
    /// How its text becomes bytes.
    pub decode: Decode,
    /// How the bytes become keys.
    pub extract: Extract,
}

/// How a value's text becomes bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decode {
    /// As it is.
    None,
    /// Standard base64, for binary values; white space is allowed between.
    Base64,
}

/// How a value becomes keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Extract {
    /// The whole value under one key.
    Whole(SecretKey),
    /// Each member of a JSON object under its own name.
    Members,
    /// The member that an RFC 6901 pointer names, under one key.
    Pointer {
        /// The pointer, as `/cert`.
        pointer: JsonPointer,
        /// The key.
        key: SecretKey,
    },
}

/// What to do when two sources give one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnCollision {
    /// Refuse.
    Fail,
    /// The later source wins.
    LastWins,
}
