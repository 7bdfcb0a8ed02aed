//! From fetched values to the Secret's data. Pure.
//!
//! In: what was [`Resolved`], what was asked for, and what was [`Fetched`]. Out: a [`DesiredSecret`], or a
//! [`TransformError`] with every fault that was found. All or nothing: there is no half Secret, and no fault ever
//! holds a value or a part of one.
//!
//! The order: each source's parameters are decoded and become keys (`gather`), templates are rendered over them,
//! then the whole is held against what Kubernetes allows. A step runs only if the one before found no fault.

mod decode;
mod error;
mod gather;
mod json;
mod keys;
mod limits;
mod listed;
mod template;
mod template_error;
mod wiped;

pub use error::{Fault, Giver, Measure, TransformError};
pub use json::JsonFault;
pub use limits::{MAX_ANNOTATION_BYTES, MAX_BYTES, MAX_ENTRIES, MAX_KEYS, MAX_STATUS_BYTES, MAX_VALUE_BYTES};
pub use template_error::{FUEL, MAX_TEMPLATE_BYTES, MAX_TEMPLATES_BYTES, TemplateError, TemplateFault};

use std::collections::BTreeMap;

use crate::decide::FetchRequest;
use crate::names::{Origin, SecretKey, required_keys};
use crate::record::{Applied, Provenance};
use crate::resolve::{Resolved, Source};
use crate::source::Fetched;
use crate::value::SecretValue;

use error::Faults;
use gather::{Gathered, gather};
use template::Offered;

/// A Secret's data and what is said of it: the only thing that `apply` writes.
pub struct DesiredSecret {
    data: BTreeMap<SecretKey, SecretValue>,
    provenance: Provenance,
}

impl DesiredSecret {
    /// The values by key.
    pub fn data(&self) -> &BTreeMap<SecretKey, SecretValue> {
        &self.data
    }

    /// Where they come from.
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// Both, for the write.
    pub fn into_parts(self) -> (BTreeMap<SecretKey, SecretValue>, Provenance) {
        (self.data, self.provenance)
    }
}

/// Makes the Secret of `resolved` from what `request` brought.
pub fn transform(
    resolved: &Resolved,
    request: &FetchRequest,
    fetched: Fetched,
) -> Result<DesiredSecret, TransformError> {
    let Gathered { data, parameters } = gather(resolved, request, &fetched)?;
    let origin = fetched.origin.unwrap_or_else(|| Origin {
        account: String::new(),
        region: resolved.store.region.clone(),
    });
    let (data, parameters, template_keys) = templated(resolved, data, parameters)?;
    if data.is_empty() {
        return Err(nothing(resolved, &parameters).into());
    }
    let target = &resolved.target;
    let provenance = Provenance {
        owner: resolved.object.name.to_string(),
        origin,
        shape: resolved.shape.clone(),
        secret_type: target.secret_type.clone(),
        owner_uid: target.owned.then(|| resolved.uid.to_string()),
        parameters,
        template_keys,
        labels: target.labels.keys().cloned().collect(),
        annotations: target.annotations.keys().cloned().collect(),
    };
    let mut faults = Faults::default();
    check_type(&target.secret_type, &data, &mut faults);
    limits::check(&data, &provenance, &target.annotations, &mut faults);
    faults.settle()?;
    Ok(DesiredSecret { data, provenance })
}

type Templated = (BTreeMap<SecretKey, SecretValue>, Vec<Applied>, Vec<SecretKey>);

/// Adds the rendered keys, or puts them in the place of all others.
fn templated(
    resolved: &Resolved,
    data: BTreeMap<SecretKey, SecretValue>,
    mut parameters: Vec<Applied>,
) -> Result<Templated, TransformError> {
    let target = &resolved.target;
    let mut faults = Faults::default();
    let offered = Offered::new(data);
    if !target.templates_only {
        for key in target.templates.keys().filter(|key| offered.contains(key)) {
            if let Some(applied) = parameters.iter().find(|applied| applied.keys.contains(key)) {
                faults.add(Fault::TemplateCollision {
                    key: key.clone(),
                    parameter: gather::giver(applied),
                });
            }
        }
    }
    let rendered = template::render(&target.templates, &offered, &mut faults);
    faults.settle()?;
    let template_keys = rendered.keys().cloned().collect();
    let mut data = offered.into_data();
    if target.templates_only {
        data.clear();
        for applied in &mut parameters {
            applied.keys.clear();
        }
    }
    data.extend(rendered);
    Ok((data, parameters, template_keys))
}

fn nothing(resolved: &Resolved, parameters: &[Applied]) -> Fault {
    if !parameters.is_empty() {
        return Fault::NothingToWrite;
    }
    let place = |source: &Source| match source {
        Source::Path(path) => path.read.path.to_string(),
        Source::Named(named) => named.reference.to_string(),
    };
    Fault::SourceEmpty {
        looked_at: resolved.sources.iter().map(place).collect(),
    }
}

fn check_type(secret_type: &str, data: &BTreeMap<SecretKey, SecretValue>, faults: &mut Faults) {
    for &keys in required_keys(secret_type) {
        if !keys
            .iter()
            .any(|key| data.get(*key).is_some_and(|value| !value.is_empty()))
        {
            faults.add(Fault::RequiredKeyMissing {
                secret_type: secret_type.to_owned(),
                keys,
            });
        }
    }
    let config = data
        .get(".dockerconfigjson")
        .filter(|_| secret_type == "kubernetes.io/dockerconfigjson");
    if let Some(error) = config.and_then(|config| docker_config_fault(config).err()) {
        faults.add(Fault::InvalidDockerConfig { error });
    }
}

/// The API server wants JSON there; the kubelet wants `auths` in it, and ignores the rest in silence.
fn docker_config_fault(config: &SecretValue) -> Result<(), Option<JsonFault>> {
    let members = json::Node::parse(config.expose())
        .and_then(|node| node.members())
        .map_err(Some)?;
    match members.iter().find(|member| member.name() == "auths") {
        Some(auths) if auths.node.is_object() => Ok(()),
        _ => Err(None),
    }
}

#[cfg(test)]
mod tests;
