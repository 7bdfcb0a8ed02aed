//! The fingerprint of what shapes the Secret.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::secret::Target;
use crate::api::{self, ParameterSyncSpec, SourceSpec};
use crate::record::{FORMAT, Shape};

/// A SHA-256 over the sources, the collision rule and the target, in lower-case hex, behind the record's format.
///
/// Fields that say their default, or nothing, do not count: so writing a default out changes nothing, and a field that
/// a later release adds does not make every Secret look changed. The owner reference is no part of it: it is put right
/// by itself.
pub(super) fn shape(spec: &ParameterSyncSpec, target: &Target) -> Shape {
    Shape(format!("{FORMAT}{}", digest(shaping(spec, target))))
}

/// The same as release 0.1 computed it, for records that it wrote.
pub(super) fn legacy(spec: &ParameterSyncSpec, target: &Target, uid: &str) -> Shape {
    let mut shaping = shaping(spec, target);
    if target.owned {
        shaping["owner"] = uid.into();
    }
    Shape(digest(shaping))
}

fn shaping(spec: &ParameterSyncSpec, target: &Target) -> Value {
    let sources: Vec<Value> = spec.sources.iter().map(source).collect();
    json!({
        "sources": sources,
        "onCollision": spec.on_collision.filter(|rule| *rule != api::OnCollision::default()),
        "type": target.secret_type,
        "labels": target.labels,
        "annotations": target.annotations,
        "templates": target.templates.iter().map(|(key, text)| (key.to_string(), text)).collect::<Vec<_>>(),
        "templatesOnly": target.templates_only.then_some(true),
    })
}

fn digest(mut shaping: Value) -> String {
    strip_nulls(&mut shaping);
    let digest = Sha256::digest(shaping.to_string().as_bytes());
    digest[..16]
        .iter()
        .fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

fn source(spec: &SourceSpec) -> Value {
    let mut spec = spec.clone();
    spec.recursive = spec.recursive.filter(|recursive| *recursive);
    // Whether a removal is held or pruned decides when to write, not what.
    spec.on_missing = None;
    spec.optional = spec.optional.filter(|optional| *optional);
    spec.decode = spec.decode.filter(|decode| *decode != api::Decode::default());
    if let Some(keys) = &mut spec.keys {
        keys.style = keys.style.filter(|style| *style != api::KeyStyle::default());
        keys.prefix = keys.prefix.take().filter(|prefix| !prefix.is_empty());
        keys.separator = keys.separator.take().filter(|separator| separator != "_");
    }
    spec.keys = spec.keys.filter(|keys| *keys != api::KeysSpec::default());
    serde_json::to_value(spec).unwrap_or_default()
}

fn strip_nulls(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, member| !member.is_null());
            members.values_mut().for_each(strip_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(strip_nulls),
        _ => {}
    }
}
