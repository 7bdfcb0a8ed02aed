//! `spec.storeRef`, followed.

use std::collections::BTreeMap;

use super::access::Access;
use super::allowed::ListedBy;
use super::refusal::Refusal;
use super::secret::Target;
use super::surroundings::{EndpointPolicy, Surroundings};
use super::types::{Auth, Limits, ParameterTypes, SecretKeyPair, Source, StoreIdentity};
use crate::api::{self, AuthSecretRef, ClusterParameterStoreSpec, ParameterStoreSpec, StoreLimits};
use crate::names::ObjectKey;
use crate::watch::{NamespaceIndex, StoreIndex, StoreKey, StoreSpec};

/// The store's share of the quota where it does not say: half of AWS's 40.
const DEFAULT_REQUESTS_PER_SECOND: u32 = 20;

/// What is wrong with a store whoever reads by it, if anything is.
pub fn check_store(key: &StoreKey, spec: &StoreSpec, endpoints: &EndpointPolicy) -> Result<(), Refusal> {
    let store = key.to_string();
    match (key, spec) {
        (StoreKey::Namespaced { namespace, name }, StoreSpec::Namespaced(spec)) => {
            let reader = ObjectKey::new(namespace.as_str(), name.as_str());
            namespaced(&reader, key, spec, endpoints).map(drop)
        }
        (_, StoreSpec::Cluster(spec)) => Access::of(&spec.access, "", &BTreeMap::new())
            .map(drop)
            .map_err(|(field, why)| Refusal::StoreInvalid { store, field, why }),
        (StoreKey::Cluster { .. }, StoreSpec::Namespaced(_)) => Ok(()),
    }
}

pub(super) fn resolve(
    object: &ObjectKey,
    key: &StoreKey,
    around: &Surroundings<'_>,
    sources: &[Source],
    target: &Target,
) -> Result<(StoreIdentity, Limits, ParameterTypes), Refusal> {
    let store = key.to_string();
    let spec = around
        .stores
        .get(key)
        .ok_or_else(|| Refusal::StoreNotFound { store: store.clone() })?;
    let parts = match spec {
        StoreSpec::Namespaced(spec) => {
            around.listed.check(target, ListedBy::Flags)?;
            namespaced(object, key, spec, around.endpoints)?
        }
        StoreSpec::Cluster(spec) => cluster(object, &store, spec, around, sources, target)?,
    };
    check_regions(sources, &parts.0.region)?;
    Ok(parts)
}

fn namespaced(
    object: &ObjectKey,
    key: &StoreKey,
    spec: &ParameterStoreSpec,
    endpoints: &EndpointPolicy,
) -> Result<(StoreIdentity, Limits, ParameterTypes), Refusal> {
    let invalid = |field: &str, why: String| Refusal::StoreInvalid {
        store: key.to_string(),
        field: field.to_owned(),
        why,
    };
    if let Some(endpoint) = spec
        .endpoint_url
        .as_ref()
        .filter(|endpoint| !endpoints.allows(endpoint))
    {
        let why = format!(
            "{endpoint:?} is not on the operator's list; start it with --allow-endpoint, or use a ClusterParameterStore"
        );
        return Err(invalid("endpointURL", why));
    }
    let auth = spec.auth.clone().unwrap_or_default();
    let Some(keys) = auth.secret_ref else {
        let why = "is missing; a ParameterStore brings its own credentials, a ClusterParameterStore may use the operator's";
        return Err(invalid("auth.secretRef", why.to_owned()));
    };
    let keys = key_pair(&object.namespace, &keys);
    let auth = Auth {
        keys: Some(keys),
        role_arn: auth.role_arn,
        external_id: auth.external_id,
    };
    let (StoreKey::Namespaced { name, .. } | StoreKey::Cluster { name }) = key;
    let identity = StoreIdentity {
        region: spec.region.clone(),
        endpoint: spec.endpoint_url.clone(),
        auth,
        // Its limit must not bind others who read as the same identity.
        only_of: Some(ObjectKey::new(object.namespace.clone(), name.as_str())),
    };
    Ok((
        identity,
        limits(spec.limits.as_ref()),
        parameter_types(spec.parameter_types),
    ))
}

fn cluster(
    object: &ObjectKey,
    store: &str,
    spec: &ClusterParameterStoreSpec,
    around: &Surroundings<'_>,
    sources: &[Source],
    target: &Target,
) -> Result<(StoreIdentity, Limits, ParameterTypes), Refusal> {
    let namespace = &*object.namespace;
    let access = access(namespace, store, spec, around.namespaces)?;
    access.check(sources, store, namespace)?;
    access
        .listed
        .check(target, ListedBy::Access { store, namespace })?;
    Ok((
        cluster_identity(store, spec)?,
        limits(spec.limits.as_ref()),
        parameter_types(spec.parameter_types),
    ))
}

/// What a namespace may read by a ClusterParameterStore.
fn access(
    namespace: &str,
    store: &str,
    spec: &ClusterParameterStoreSpec,
    namespaces: &NamespaceIndex,
) -> Result<Access, Refusal> {
    let refused = || Refusal::NamespaceNotAllowed {
        store: store.to_owned(),
        namespace: namespace.to_owned(),
    };
    // A namespace whose labels are not known yet is let in nowhere.
    let labels = namespaces.labels(namespace).ok_or_else(refused)?;
    Access::of(&spec.access, namespace, labels)
        .map_err(|(field, why)| Refusal::StoreInvalid {
            store: store.to_owned(),
            field,
            why,
        })?
        .ok_or_else(refused)
}

fn cluster_identity(store: &str, spec: &ClusterParameterStoreSpec) -> Result<StoreIdentity, Refusal> {
    let auth = spec.auth.clone().unwrap_or_default();
    let keys = match &auth.secret_ref {
        None => None,
        Some(keys) => match &keys.namespace {
            Some(namespace) => Some(key_pair(namespace, keys)),
            None => {
                return Err(Refusal::StoreInvalid {
                    store: store.to_owned(),
                    field: "auth.secretRef.namespace".to_owned(),
                    why: "is missing; name the namespace of the Secret".to_owned(),
                });
            }
        },
    };
    Ok(StoreIdentity {
        region: spec.region.clone(),
        endpoint: spec.endpoint_url.clone(),
        auth: Auth {
            keys,
            role_arn: auth.role_arn,
            external_id: auth.external_id,
        },
        only_of: None,
    })
}

/// As whom a calendar asks AWS: by a store of its namespace, by a ClusterParameterStore that gives its namespace access to
/// anything, or, without a namespace, by any ClusterParameterStore.
pub fn identify(
    namespace: Option<&str>,
    key: &StoreKey,
    stores: &StoreIndex,
    namespaces: &NamespaceIndex,
    endpoints: &EndpointPolicy,
) -> Result<StoreIdentity, Refusal> {
    let store = key.to_string();
    match (stores.get(key), namespace) {
        (None, _) => Err(Refusal::StoreNotFound { store }),
        (Some(StoreSpec::Namespaced(spec)), namespace) => {
            let reader = ObjectKey::new(namespace.unwrap_or_default(), "");
            Ok(namespaced(&reader, key, spec, endpoints)?.0)
        }
        (Some(StoreSpec::Cluster(spec)), Some(namespace)) => {
            access(namespace, &store, spec, namespaces)?;
            cluster_identity(&store, spec)
        }
        (Some(StoreSpec::Cluster(spec)), None) => cluster_identity(&store, spec),
    }
}

/// As whom a store reads, whoever reads by it; none where its spec is refused.
pub fn store_identity(key: &StoreKey, spec: &StoreSpec, endpoints: &EndpointPolicy) -> Option<StoreIdentity> {
    match (key, spec) {
        (StoreKey::Namespaced { namespace, .. }, StoreSpec::Namespaced(spec)) => {
            let reader = ObjectKey::new(namespace.as_str(), "");
            namespaced(&reader, key, spec, endpoints)
                .ok()
                .map(|parts| parts.0)
        }
        (_, StoreSpec::Cluster(spec)) => cluster_identity(&key.to_string(), spec).ok(),
        (StoreKey::Cluster { .. }, StoreSpec::Namespaced(_)) => None,
    }
}

/// Where keys are kept, with the names that AWS's own tools use where the store names none.
fn key_pair(namespace: &str, keys: &AuthSecretRef) -> SecretKeyPair {
    let or = |given: &Option<String>, default: &str| given.clone().unwrap_or_else(|| default.to_owned());
    SecretKeyPair {
        secret: ObjectKey::new(namespace, keys.name.as_str()),
        access_key_id: or(&keys.access_key_id_key, "AWS_ACCESS_KEY_ID"),
        secret_access_key: or(&keys.secret_access_key_key, "AWS_SECRET_ACCESS_KEY"),
        session_token: keys.session_token_key.clone(),
    }
}

/// A shared parameter lives in the region of its ARN, and the store's client asks one region only.
fn check_regions(sources: &[Source], region: &str) -> Result<(), Refusal> {
    for (index, source) in sources.iter().enumerate() {
        let Source::Named(source) = source else { continue };
        match source.reference.name.shared_from() {
            Some((named, _)) if named != region => {
                let why = format!(
                    "the ARN names region {named}, and the store reads {region}; use a store of that region"
                );
                return Err(Refusal::field(format!("sources[{index}].name"), why));
            }
            _ => {}
        }
    }
    Ok(())
}

fn limits(spec: Option<&StoreLimits>) -> Limits {
    let rate = spec
        .and_then(|spec| spec.requests_per_second)
        .and_then(|rate| u32::try_from(rate).ok());
    Limits {
        requests_per_second: rate
            .filter(|rate| *rate > 0)
            .unwrap_or(DEFAULT_REQUESTS_PER_SECOND),
    }
}

fn parameter_types(spec: Option<api::ParameterTypes>) -> ParameterTypes {
    match spec.unwrap_or_default() {
        api::ParameterTypes::Any => ParameterTypes::Any,
        api::ParameterTypes::SecureStringOnly => ParameterTypes::SecureStringOnly,
    }
}
