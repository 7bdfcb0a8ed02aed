//! Where a Secret's values come from: names, versions and times, never a value nor a hash of one. Pure.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, json};

use crate::names::{Origin, ParameterName, SecretKey};

/// The annotation that shows people what was written. It is never read back.
pub const ANNOTATION: &str = "paramsync.dev/applied";
/// The annotation that says when the Secret was written last, in milliseconds since 1970: with it, no apply leaves a
/// Secret as it was, so that each is seen.
pub const WRITTEN_AT: &str = "paramsync.dev/written-at";
/// The label that marks a Secret as ours; its value is `true`.
pub const MANAGED_LABEL: &str = "paramsync.dev/managed";
/// The name under which the API server records which fields are ours.
pub const FIELD_MANAGER: &str = "paramsync";
/// The most bytes that the annotation has; what does not fit is told by a total.
pub const MAX_PROVENANCE_BYTES: usize = 32 * 1024;

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
    /// The account and region of all its parameters but those named by ARN.
    pub origin: Origin,
    /// The endpoint that was asked, where it is none of AWS's own.
    pub endpoint: Option<String>,
    /// The fingerprint of the spec that shaped it.
    pub shape: Shape,
    /// The Secret's `type`.
    pub secret_type: String,
    /// The parameters, in the order of the sources.
    pub parameters: Vec<Applied>,
    /// Keys rendered from templates.
    pub template_keys: Vec<SecretKey>,
    /// The names of the labels that the spec asked for (the managed ones are not among them).
    pub labels: Vec<String>,
    /// The names of the annotations that the spec asked for.
    pub annotations: Vec<String>,
}

impl Provenance {
    /// All keys of the Secret that are ours.
    pub fn keys(&self) -> impl Iterator<Item = &SecretKey> {
        self.parameters
            .iter()
            .flat_map(|applied| &applied.keys)
            .chain(&self.template_keys)
    }

    /// The annotation's text for `revision`, as JSON: which parameter each key holds, at which version; as many as fit,
    /// and how many there are.
    pub fn to_annotation(&self, revision: i64) -> String {
        let mut shown = Map::new();
        let mut left = MAX_PROVENANCE_BYTES - ROOM_FOR_THE_REST;
        let mut total = 0;
        for applied in &self.parameters {
            for key in &applied.keys {
                total += 1;
                let from = format!("{}:{}", applied.name, applied.stamp.version);
                let size = key.as_str().len() + from.len() + r#""":"","#.len();
                if size <= left {
                    left -= size;
                    shown.insert(key.to_string(), from.into());
                } else {
                    left = 0;
                }
            }
        }
        for key in &self.template_keys {
            total += 1;
            let size = key.as_str().len() + r#"":"template","#.len() + 1;
            if size <= left {
                left -= size;
                shown.insert(key.to_string(), "template".into());
            } else {
                left = 0;
            }
        }
        json!({"revision": revision, "total": total, "keys": shown}).to_string()
    }
}

/// What the annotation takes beside its keys.
const ROOM_FOR_THE_REST: usize = 96;

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

    fn provenance(parameters: Vec<Applied>) -> Provenance {
        Provenance {
            origin: Origin {
                account: "111122223333".into(),
                region: "eu-west-1".into(),
            },
            endpoint: None,
            shape: Shape("1.abc".into()),
            secret_type: "Opaque".into(),
            parameters,
            template_keys: vec![SecretKey::parse("app.properties").unwrap()],
            labels: vec!["team".into()],
            annotations: vec![],
        }
    }

    #[test]
    fn the_annotation_shows_what_each_key_holds() {
        let provenance = provenance(vec![
            applied("/web/A", &["A"]),
            applied("/web/B", &["b", "c"]),
            applied("/web/T", &[]),
        ]);
        assert_eq!(
            provenance.to_annotation(12),
            r#"{"keys":{"A":"/web/A:7","app.properties":"template","b":"/web/B:7","c":"/web/B:7"},"revision":12,"total":4}"#
        );
        let keys: Vec<_> = provenance.keys().map(SecretKey::as_str).collect();
        assert_eq!(keys, ["A", "b", "c", "app.properties"]);
    }

    #[test]
    fn the_annotation_is_cut_and_says_how_much_there_is() {
        let names: Vec<String> = (0..1000).map(|n| format!("{n:0200}")).collect();
        let parameters = names
            .iter()
            .map(|name| applied(&format!("/web/{name}"), &[name.as_str()]))
            .collect();
        let text = provenance(parameters).to_annotation(i64::MAX);
        assert!(
            text.len() <= MAX_PROVENANCE_BYTES && text.len() > MAX_PROVENANCE_BYTES - 1024,
            "{}",
            text.len()
        );
        let shown: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(shown["total"], 1001);
        assert!(shown["keys"].as_object().unwrap().len() < 100);
    }
}
