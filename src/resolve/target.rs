//! `spec.target`, parsed.

use std::collections::BTreeMap;

use super::refusal::Refusal;
use super::types::{Extract, Source, Target};
use crate::api::{DeletionPolicy, TargetSpec};
use crate::names::{ObjectKey, SecretKey, required_keys};

/// Types of Kubernetes' own that may be written. The others of its domains are refused: a Secret of the type
/// `kubernetes.io/service-account-token` or `bootstrap.kubernetes.io/token` would hand out credentials to the cluster.
const ALLOWED_TYPES: [&str; 5] = [
    "Opaque",
    "kubernetes.io/tls",
    "kubernetes.io/dockerconfigjson",
    "kubernetes.io/basic-auth",
    "kubernetes.io/ssh-auth",
];

/// Domains whose labels and annotations make other controllers act; a synced Secret may not carry them.
const RESERVED_DOMAINS: [&str; 6] = [
    "kubernetes.io",
    "k8s.io",
    "paramsync.dev",
    "argocd.argoproj.io",
    "helm.sh",
    "fluxcd.io",
];

pub(super) fn parse(object: &ObjectKey, spec: Option<&TargetSpec>) -> Result<Target, Refusal> {
    let spec = spec.cloned().unwrap_or_default();
    let secret_type = spec.secret_type.unwrap_or_else(|| "Opaque".to_owned());
    check_type(&secret_type)?;
    let target = Target {
        name: spec.name.unwrap_or_else(|| object.name.to_string()),
        secret_type,
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
        adopt: spec.adopt.unwrap_or_default(),
    };
    check_names("target.labels", &target.labels)?;
    check_names("target.annotations", &target.annotations)?;
    if target.templates_only && target.templates.is_empty() {
        return Err(Refusal::field(
            "target.templatesOnly",
            "is true without any target.templates",
        ));
    }
    Ok(target)
}

fn check_type(secret_type: &str) -> Result<(), Refusal> {
    let domain = secret_type.split_once('/').map_or("", |(domain, _)| domain);
    if ALLOWED_TYPES.contains(&secret_type)
        || !(is_within(domain, "kubernetes.io") || is_within(domain, "k8s.io"))
    {
        return Ok(());
    }
    let why = format!(
        "{secret_type:?} is not allowed; of Kubernetes' own types only {} are",
        ALLOWED_TYPES.join(", ")
    );
    Err(Refusal::field("target.type", why))
}

fn check_names(field: &str, names: &BTreeMap<String, String>) -> Result<(), Refusal> {
    for name in names.keys() {
        let domain = name.split_once('/').map_or("", |(domain, _)| domain);
        if let Some(reserved) = RESERVED_DOMAINS
            .iter()
            .find(|reserved| is_within(domain, reserved))
        {
            let why = format!(
                "{name:?} is in the domain {reserved}, which makes other controllers act; take it away"
            );
            return Err(Refusal::field(field, why));
        }
    }
    Ok(())
}

fn is_within(domain: &str, reserved: &str) -> bool {
    domain == reserved
        || domain
            .strip_suffix(reserved)
            .is_some_and(|rest| rest.ends_with('.'))
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
