//! What the operator still waits for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Whether everything that must be known before the first decision is known. Cheap to clone.
#[derive(Clone, Default)]
pub struct Readiness {
    waiting: Arc<Mutex<BTreeMap<&'static str, String>>>,
}

/// One thing that is waited for. Stays pending until [`Pending::done`]; more may be said about it meanwhile.
pub struct Pending {
    name: &'static str,
    readiness: Readiness,
}

impl Readiness {
    /// Announces something to wait for.
    pub fn wait_for(&self, name: &'static str) -> Pending {
        let pending = Pending {
            name,
            readiness: self.clone(),
        };
        pending.say("not listed yet");
        pending
    }

    /// Whether any of these is still waited for.
    pub fn is_waiting_for(&self, names: &[&'static str]) -> bool {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        names.iter().any(|name| waiting.contains_key(name))
    }

    /// What is still waited for, a line each; empty when ready.
    pub fn waiting(&self) -> Vec<String> {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting
            .iter()
            .map(|(name, why)| format!("{name}: {why}"))
            .collect()
    }
}

impl Pending {
    /// Says why it takes time.
    pub fn say(&self, why: impl Into<String>) {
        let mut waiting = self
            .readiness
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        waiting.insert(self.name, why.into());
    }

    /// Says that it is there.
    pub fn done(self) {
        let mut waiting = self
            .readiness
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        waiting.remove(self.name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_is_when_nothing_is_waited_for() {
        let readiness = Readiness::default();
        let secrets = readiness.wait_for("secrets");
        let stores = readiness.wait_for("stores");
        stores.say("CRD is not installed");
        assert_eq!(
            readiness.waiting(),
            ["secrets: not listed yet", "stores: CRD is not installed"]
        );
        secrets.done();
        stores.done();
        assert!(readiness.waiting().is_empty());
    }
}
