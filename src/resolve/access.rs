//! Which names a namespace may read by a ClusterParameterStore, and what its Secrets may be and say.
//!
//! The operator enforces this itself, before any call: AWS authorises a read by path on the requested path only.

use std::collections::BTreeMap;

use kube::core::{Selector, SelectorExt as _};

use super::allowed::Allowance;
use super::refusal::Refusal;
use super::types::Source;
use crate::api::AccessRule;
use crate::names::ParameterName;

/// What one namespace may read, and what its Secrets may be and say.
pub(super) struct Access {
    pub(super) listed: Allowance,
    prefixes: Vec<String>,
    arns: Vec<ParameterName>,
}

impl Access {
    /// All that the entries which select the namespace allow together; none where none selects it.
    pub(super) fn of(
        entries: &[AccessRule],
        namespace: &str,
        labels: &BTreeMap<String, String>,
    ) -> Result<Option<Self>, (String, String)> {
        let mut selected = false;
        let mut access = Self {
            listed: Allowance::default(),
            prefixes: Vec::new(),
            arns: Vec::new(),
        };
        for (index, entry) in entries.iter().enumerate() {
            let selector = Selector::try_from(entry.namespace_selector.clone())
                .map_err(|error| (format!("access[{index}].namespaceSelector"), error.to_string()))?;
            if !selector.matches(labels) {
                continue;
            }
            selected = true;
            access
                .listed
                .extend(entry.secret_types.as_deref(), entry.metadata_domains.as_deref());
            for prefix in entry.prefixes.iter().flatten() {
                access
                    .prefixes
                    .push(boundary(&prefix.replace("{namespace}", namespace)));
            }
            for arn in entry.arns.iter().flatten() {
                let name = ParameterName::parse(arn)
                    .map_err(|error| (format!("access[{index}].arns"), error.to_string()))?;
                access.arns.push(name);
            }
        }
        Ok(selected.then_some(access))
    }

    /// Refuses the first source that reads something else.
    pub(super) fn check(&self, sources: &[Source], store: &str, namespace: &str) -> Result<(), Refusal> {
        for (index, source) in sources.iter().enumerate() {
            let (field, name, allowed) = match source {
                Source::Path(source) => (
                    "path",
                    source.read.path.to_string(),
                    self.allows(source.read.path.as_str()),
                ),
                Source::Named(source) => {
                    let name = &source.reference.name;
                    let allowed = match name.shared_from() {
                        Some(_) => self.arns.contains(name),
                        None => self.allows(name.path()),
                    };
                    ("name", name.to_string(), allowed)
                }
            };
            if !allowed {
                return Err(Refusal::NotAllowed {
                    field: format!("sources[{index}].{field}"),
                    store: store.to_owned(),
                    namespace: namespace.to_owned(),
                    name,
                    allowed: self.allowed(),
                });
            }
        }
        Ok(())
    }

    /// Whether a canonical path lies at or below one of the prefixes, on a boundary of segments.
    fn allows(&self, path: &str) -> bool {
        let path = boundary(path);
        self.prefixes
            .iter()
            .any(|prefix| path.starts_with(prefix.as_str()))
    }

    fn allowed(&self) -> String {
        let arns = self.arns.iter().map(ToString::to_string);
        let all: Vec<String> = self.prefixes.iter().cloned().chain(arns).collect();
        if all.is_empty() {
            "nothing".to_owned()
        } else {
            all.join(", ")
        }
    }
}

/// A prefix with exactly one slash at its beginning and its end, so that `/web` never allows `/website`.
fn boundary(prefix: &str) -> String {
    match prefix.trim_matches('/') {
        "" => "/".to_owned(),
        inner => format!("/{inner}/"),
    }
}
