//! What a Secret says of itself: the annotation `paramsync.dev/applied`. Pure.
//!
//! It is written by the same server-side apply as the data, so the two cannot disagree. It holds names, versions and
//! times, never a value nor a hash of one.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::names::{ObjectKey, Origin, ParameterName, SecretKey};

/// The annotation's name.
pub const ANNOTATION: &str = "paramsync.dev/applied";
/// The label that marks a Secret as ours; its value is `true`.
pub const MANAGED_LABEL: &str = "paramsync.dev/managed";
/// The name under which the API server records which fields are ours.
pub const FIELD_MANAGER: &str = "paramsync";
/// The most bytes that the annotation may have: the API server allows 256 KiB for all annotations of an object.
pub const MAX_PROVENANCE_BYTES: usize = 192 * 1024;

/// A version and when it was written. Version alone is not enough: a parameter that is deleted and made anew starts
/// at 1 again, with another value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp {
    /// Parameter Store's version, from 1.
    pub version: i64,
    /// `LastModifiedDate`, to the millisecond, as AWS gives it.
    pub last_modified: Timestamp,
}

/// A parameter's type at AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ParameterKind {
    /// Encrypted by KMS; each decrypted read is a KMS call.
    SecureString,
    /// Plain text.
    String,
    /// Comma-separated plain text.
    StringList,
}

impl ParameterKind {
    /// AWS's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SecureString => "SecureString",
            Self::String => "String",
            Self::StringList => "StringList",
        }
    }
}

/// A fingerprint of the spec fields that shape the Secret: lower-case hex, over the spec only, never over values.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Shape(pub String);

/// One parameter that went into the Secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The index of the source in `spec.sources` that it came by.
    pub source: usize,
    /// The parameter.
    pub name: ParameterName,
    /// The version whose value is in the Secret.
    pub stamp: Stamp,
    /// Its type.
    pub kind: ParameterKind,
    /// The keys it gave; none where it only feeds templates.
    pub keys: Vec<SecretKey>,
}

/// Everything that is known of a Secret without reading its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provenance {
    /// The name of the ParameterSync that wrote it; the namespace is the Secret's own.
    pub owner: String,
    /// The account and region of all its parameters but those named by ARN.
    pub origin: Origin,
    /// The fingerprint of the spec that shaped it.
    pub shape: Shape,
    /// The Secret's `type`.
    pub secret_type: String,
    /// The uid of the owner reference that was set; none for a Secret that outlives its ParameterSync.
    pub owner_uid: Option<String>,
    /// The parameters, in the order of the sources.
    pub parameters: Vec<Applied>,
    /// Keys rendered from templates.
    pub template_keys: Vec<SecretKey>,
    /// The names of the labels that the spec asked for (the managed ones are not among them).
    pub labels: Vec<String>,
    /// The names of the annotations that the spec asked for.
    pub annotations: Vec<String>,
}

/// The annotation could not be read.
#[derive(Debug, Error)]
#[error("annotation {ANNOTATION} cannot be read: {0}")]
pub struct Unreadable(String);

impl Provenance {
    /// All keys of the Secret that are ours.
    pub fn keys(&self) -> impl Iterator<Item = &SecretKey> {
        self.parameters
            .iter()
            .flat_map(|applied| &applied.keys)
            .chain(&self.template_keys)
    }

    /// Whether `object` wrote the Secret in its own namespace.
    pub fn belongs_to(&self, object: &ObjectKey) -> bool {
        self.owner == *object.name
    }

    /// The annotation's text: compact JSON.
    pub fn to_annotation(&self) -> String {
        let wire = Wire {
            by: self.owner.clone(),
            origin: [self.origin.account.clone(), self.origin.region.clone()],
            shape: self.shape.clone(),
            secret_type: self.secret_type.clone(),
            owner_uid: self.owner_uid.clone(),
            parameters: self.parameters.iter().map(WireApplied::from).collect(),
            templates: self.template_keys.iter().map(ToString::to_string).collect(),
            labels: self.labels.clone(),
            annotations: self.annotations.clone(),
        };
        serde_json::to_string(&wire).unwrap_or_default()
    }

    /// Reads the annotation's text.
    pub fn from_annotation(text: &str) -> Result<Self, Unreadable> {
        let wire: Wire = serde_json::from_str(text).map_err(|error| Unreadable(error.to_string()))?;
        let [account, region] = wire.origin;
        Ok(Self {
            owner: wire.by,
            origin: Origin { account, region },
            shape: wire.shape,
            secret_type: wire.secret_type,
            owner_uid: wire.owner_uid,
            parameters: wire
                .parameters
                .into_iter()
                .map(Applied::try_from)
                .collect::<Result<_, _>>()?,
            template_keys: keys(&wire.templates)?,
            labels: wire.labels,
            annotations: wire.annotations,
        })
    }
}

#[derive(Serialize, Deserialize)]
struct Wire {
    by: String,
    #[serde(rename = "o")]
    origin: [String; 2],
    #[serde(rename = "h")]
    shape: Shape,
    #[serde(rename = "ty")]
    secret_type: String,
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    owner_uid: Option<String>,
    #[serde(rename = "p")]
    parameters: Vec<WireApplied>,
    #[serde(rename = "t", default, skip_serializing_if = "Vec::is_empty")]
    templates: Vec<String>,
    #[serde(rename = "l", default, skip_serializing_if = "Vec::is_empty")]
    labels: Vec<String>,
    #[serde(rename = "a", default, skip_serializing_if = "Vec::is_empty")]
    annotations: Vec<String>,
}

/// Source, name, version, last modified in milliseconds, type, keys; a lone key equal to the last segment is left out.
#[derive(Serialize, Deserialize)]
struct WireApplied(
    usize,
    String,
    i64,
    i64,
    ParameterKind,
    #[serde(default)] Option<Vec<String>>,
);

impl From<&Applied> for WireApplied {
    fn from(applied: &Applied) -> Self {
        let keys: Vec<String> = applied.keys.iter().map(ToString::to_string).collect();
        let plain = keys.len() == 1 && keys[0] == applied.name.last_segment();
        Self(
            applied.source,
            applied.name.to_string(),
            applied.stamp.version,
            applied.stamp.last_modified.as_millisecond(),
            applied.kind,
            (!plain).then_some(keys),
        )
    }
}

impl TryFrom<WireApplied> for Applied {
    type Error = Unreadable;

    fn try_from(wire: WireApplied) -> Result<Self, Unreadable> {
        let WireApplied(source, name, version, millis, kind, listed) = wire;
        let name = ParameterName::parse(&name).map_err(|error| Unreadable(error.to_string()))?;
        let last_modified =
            Timestamp::from_millisecond(millis).map_err(|error| Unreadable(error.to_string()))?;
        let keys = match listed {
            Some(listed) => keys(&listed)?,
            None => keys(&[name.last_segment().to_owned()])?,
        };
        Ok(Self {
            source,
            name,
            stamp: Stamp {
                version,
                last_modified,
            },
            kind,
            keys,
        })
    }
}

fn keys(texts: &[String]) -> Result<Vec<SecretKey>, Unreadable> {
    texts
        .iter()
        .map(|text| SecretKey::parse(text).map_err(|error| Unreadable(error.to_string())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(name: &str, keys: &[&str]) -> Applied {
        Applied {
            source: 1,
            name: ParameterName::parse(name).unwrap(),
            stamp: Stamp {
                version: 7,
                last_modified: Timestamp::from_millisecond(1_700_000_000_123).unwrap(),
            },
            kind: ParameterKind::SecureString,
            keys: keys.iter().map(|key| SecretKey::parse(key).unwrap()).collect(),
        }
    }

    #[test]
    fn the_annotation_gives_back_what_was_written() {
        let provenance = Provenance {
            owner: "web".into(),
            origin: Origin {
                account: "111122223333".into(),
                region: "eu-west-1".into(),
            },
            shape: Shape("abc".into()),
            secret_type: "Opaque".into(),
            owner_uid: Some("u-1".into()),
            parameters: vec![
                applied("/web/A", &["A"]),
                applied("/web/B", &["b", "c"]),
                applied("/web/T", &[]),
            ],
            template_keys: vec![SecretKey::parse("app.properties").unwrap()],
            labels: vec!["team".into()],
            annotations: vec![],
        };
        let text = provenance.to_annotation();
        assert_eq!(Provenance::from_annotation(&text).unwrap(), provenance);
        assert!(
            text.contains(r#"[1,"/web/A",7,1700000000123,"SecureString",null]"#),
            "{text}"
        );
        let keys: Vec<_> = provenance.keys().map(SecretKey::as_str).collect();
        assert_eq!(keys, ["A", "b", "c", "app.properties"]);
    }

    #[test]
    fn an_annotation_that_somebody_broke_is_an_error_and_no_panic() {
        for text in ["", "{}", "[]", r#"{"by":"x","o":["a"],"h":"","ty":"","p":[]}"#] {
            assert!(Provenance::from_annotation(text).is_err(), "{text}");
        }
    }
}
