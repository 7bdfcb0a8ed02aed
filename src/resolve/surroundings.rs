//! What a ParameterSync's references are looked up in.

use super::allowed::Allowance;
use crate::watch::{CalendarIndex, ContactFacts, NamespaceIndex, StoreIndex, SyncIndex};

/// All that a reference can lead to.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// Who wants which Secret.
    pub syncs: &'a SyncIndex,
    /// The stores.
    pub stores: &'a StoreIndex,
    /// The namespaces.
    pub namespaces: &'a NamespaceIndex,
    /// Where stores of tenants may send the operator.
    pub endpoints: &'a EndpointPolicy,
    /// What the operator's flags let the Secrets of ParameterStores be and say.
    pub listed: &'a Allowance,
    /// The calendars.
    pub calendars: &'a CalendarIndex,
    /// Whether what is known of calendars and namespaces can be relied on.
    pub contact: &'a ContactFacts,
}

/// Which endpoints the stores of tenants may name, from `--allow-endpoint`. Without it a tenant could aim the operator
/// at any host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndpointPolicy {
    allowed: Vec<String>,
}

impl EndpointPolicy {
    /// Allows these endpoints: a URL of scheme, host and port; a port of `*` is any.
    pub fn new(allowed: Vec<String>) -> Self {
        Self {
            allowed: allowed
                .into_iter()
                .map(|url| url.trim_end_matches('/').to_owned())
                .collect(),
        }
    }

    pub(super) fn allows(&self, endpoint: &str) -> bool {
        let endpoint = endpoint.trim_end_matches('/');
        self.allowed
            .iter()
            .any(|allowed| match allowed.strip_suffix(":*") {
                Some(host) => endpoint.strip_prefix(host).is_some_and(|rest| {
                    rest.is_empty()
                        || rest.strip_prefix(':').is_some_and(|port| {
                            !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())
                        })
                }),
                None => endpoint == allowed,
            })
    }
}
