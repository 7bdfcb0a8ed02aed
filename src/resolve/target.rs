//! `spec.target`, parsed.

use std::collections::BTreeMap;

use super::allowed;
use super::refusal::Refusal;
use super::secret::Target;
use super::types::{Extract, Source};
use crate::api::{Adopt, DeletionPolicy, TargetSpec};
use crate::names::{ObjectKey, SecretKey, required_keys};

pub(super) fn parse(object: &ObjectKey, spec: Option<&TargetSpec>) -> Result<Target, Refusal> {
    let spec = spec.cloned().unwrap_or_default();
    let target = Target {
        name: spec.name.unwrap_or_else(|| object.name.to_string()),
        secret_type: spec.secret_type.unwrap_or_else(|| "Opaque".to_owned()),
        labels: map(spec.labels.as_ref()),
        annotations: map(spec.annotations.as_ref()),
        templates: spec
            .templates
            .unwrap_or_default()
            .into_iter()
            .map(|(key, text)| match SecretKey::parse(&key) {
                Ok(key) => Ok((key, text)),
                Err(error) => Err(Refusal::field("target.templates", error.to_string())),
            })
            .collect::<Result<_, _>>()?,
        templates_only: spec.templates_only.unwrap_or_default(),
        owned: spec.deletion_policy.unwrap_or_default() == DeletionPolicy::Delete,
        adopt: spec.adopt.unwrap_or_default() == Adopt::Always,
    };
    allowed::check_never(&target)?;
    if target.templates_only && target.templates.is_empty() {
        return Err(Refusal::field(
            "target.templatesOnly",
            "is true without any target.templates",
        ));
    }
    Ok(target)
}

/// Checks the keys that the type asks for, where all keys are known before anything is read.
pub(super) fn check_keys(target: &Target, sources: &[Source]) -> Result<(), Refusal> {
    let mut known: Vec<&SecretKey> = target.templates.keys().collect();
    if !target.templates_only {
        for source in sources {
            match source {
                Source::Named(source) => match &source.extract {
                    Extract::Whole(key) | Extract::Pointer { key, .. } => known.push(key),
                    Extract::Members => return Ok(()),
                },
                Source::Path(_) => return Ok(()),
            }
        }
    }
    for any_of in required_keys(&target.secret_type) {
        if !any_of
            .iter()
            .any(|wanted| known.iter().any(|key| key.as_str() == *wanted))
        {
            let why = format!("{} needs the key {}", target.secret_type, any_of.join(" or "));
            return Err(Refusal::field("target.type", why));
        }
    }
    Ok(())
}

/// An empty map for what is absent.
fn map(given: Option<&BTreeMap<String, String>>) -> BTreeMap<String, String> {
    given.cloned().unwrap_or_default()
}
