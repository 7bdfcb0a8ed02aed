//! What a Secret may be and say, beyond what steers nobody: allowed by list.
//!
//! The type of a Secret, and labels and annotations with a domain, make other programs act. So there is a short list of
//! types that anybody may write; everything else is named by the administrator, for the namespaces that an entry of a
//! ClusterParameterStore's `access` selects, or by flag for ParameterStores.

use std::collections::BTreeMap;

use globset::{Glob, GlobBuilder};

use super::refusal::Refusal;
use super::secret::Target;

/// Types that anybody may write.
const PLAIN_TYPES: [&str; 5] = [
    "Opaque",
    "kubernetes.io/tls",
    "kubernetes.io/dockerconfigjson",
    "kubernetes.io/basic-auth",
    "kubernetes.io/ssh-auth",
];

/// Types that hand out credentials to the cluster: no list allows them.
const FORBIDDEN_TYPES: [&str; 2] = [
    "kubernetes.io/service-account-token",
    "bootstrap.kubernetes.io/token",
];

/// What the operator says of its Secrets itself: a domain, and a name.
const OWN_DOMAIN: &str = "paramsync.dev";
const OWN_NAME: &str = "app.kubernetes.io/managed-by";

/// How the names of the Secrets begin in which Helm keeps its releases. Whoever can forge one has the next rollback apply
/// what it says, with the rights of the one who rolls back.
const HELM_RELEASES: &str = "sh.helm.release.";
/// By which label Helm finds them.
const HELM_LABEL: (&str, &str) = ("owner", "helm");

/// The Secret that holds the operator's own key.
const SEAL: &str = "paramsync-seal";

/// What an administrator has listed, as globs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowance {
    secret_types: Vec<String>,
    metadata_domains: Vec<String>,
}

/// Where something is to be listed, for the message of a refusal.
#[derive(Clone, Copy, Debug)]
pub(super) enum ListedBy<'a> {
    /// By flags of the operator.
    Flags,
    /// By an entry of this ClusterParameterStore's `access`, for this namespace.
    Access { store: &'a str, namespace: &'a str },
}

impl Allowance {
    /// Takes the globs of `--allow-secret-type` and `--allow-metadata-domain`; the error quotes the one that is none.
    pub fn new(secret_types: Vec<String>, metadata_domains: Vec<String>) -> Result<Self, globset::Error> {
        for text in secret_types.iter().chain(&metadata_domains) {
            glob(text)?;
        }
        Ok(Self {
            secret_types,
            metadata_domains,
        })
    }

    /// Adds what an entry of `access` lists.
    pub(super) fn extend(&mut self, secret_types: Option<&[String]>, metadata_domains: Option<&[String]>) {
        self.secret_types
            .extend_from_slice(secret_types.unwrap_or_default());
        self.metadata_domains
            .extend_from_slice(metadata_domains.unwrap_or_default());
    }

    /// Refuses a type, and the name of a label or annotation, that must be listed and is not.
    pub(super) fn check(&self, target: &Target, by: ListedBy<'_>) -> Result<(), Refusal> {
        let wanted = target.secret_type.as_str();
        if !PLAIN_TYPES.contains(&wanted) && !matches(&self.secret_types, wanted) {
            let why = format!(
                "{wanted:?} is not a type that anybody may write ({}), and not listed; write one of those, or have it listed {}",
                PLAIN_TYPES.join(", "),
                by.place("secretTypes", "--allow-secret-type"),
            );
            return Err(Refusal::target("type", why));
        }
        for (field, names) in [("labels", &target.labels), ("annotations", &target.annotations)] {
            let unlisted = names.keys().find_map(|name| {
                Some((
                    name,
                    domain(name).filter(|domain| !matches(&self.metadata_domains, domain))?,
                ))
            });
            if let Some((name, domain)) = unlisted {
                let why = format!(
                    "{name:?} has the domain {domain}, on which other programs may act, and which is not listed; leave it \
                     out, or have the domain listed {}",
                    by.place("metadataDomains", "--allow-metadata-domain"),
                );
                return Err(Refusal::target(field, why));
            }
        }
        Ok(())
    }
}

impl ListedBy<'_> {
    fn place(self, field: &str, flag: &str) -> String {
        match self {
            Self::Flags => format!("by the operator's flag {flag}"),
            Self::Access { store, namespace } => format!(
                "in {field} of the entry of spec.access of {store} that selects namespace {namespace}"
            ),
        }
    }
}

/// Refuses what no list can allow.
pub(super) fn check_never(target: &Target) -> Result<(), Refusal> {
    if target.name.starts_with(HELM_RELEASES) {
        let why = format!(
            "{:?} begins with {HELM_RELEASES}, which Helm reads as a release; name another target",
            target.name
        );
        return Err(Refusal::target("name", why));
    }
    if target.name == SEAL {
        let why = format!("{SEAL:?} is the name of the operator's own Secret; name another target");
        return Err(Refusal::target("name", why));
    }
    if FORBIDDEN_TYPES.contains(&target.secret_type.as_str()) {
        let why = format!(
            "{:?} hands out credentials to the cluster, and is never allowed; write another type",
            target.secret_type
        );
        return Err(Refusal::target("type", why));
    }
    let (name, value) = HELM_LABEL;
    if target.labels.get(name).is_some_and(|found| found == value) {
        let why = format!("\"{name}: {value}\" is how Helm finds its releases; give another name or value");
        return Err(Refusal::target("labels", why));
    }
    check_own("labels", &target.labels)?;
    check_own("annotations", &target.annotations)
}

fn check_own(field: &'static str, names: &BTreeMap<String, String>) -> Result<(), Refusal> {
    let own = |name: &&String| *name == OWN_NAME || domain(name).is_some_and(is_own);
    match names.keys().find(own) {
        Some(name) => Err(Refusal::target(
            field,
            format!("{name:?} is set by paramsync itself; leave it out"),
        )),
        None => Ok(()),
    }
}

fn is_own(domain: &str) -> bool {
    domain
        .strip_suffix(OWN_DOMAIN)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// The domain of a label's or annotation's name, where it has one.
fn domain(name: &str) -> Option<&str> {
    name.split_once('/').map(|(domain, _)| domain)
}

/// Whether one of `globs` says `text`. Compiled only when asked: hardly any object has what must be listed. A glob that
/// is none allows nothing.
fn matches(globs: &[String], text: &str) -> bool {
    globs
        .iter()
        .filter_map(|text| glob(text).ok())
        .any(|glob| glob.compile_matcher().is_match(text))
}

fn glob(text: &str) -> Result<Glob, globset::Error> {
    GlobBuilder::new(text).literal_separator(true).build()
}
