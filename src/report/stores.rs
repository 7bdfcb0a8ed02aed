//! What is said of a store: whether it can be read by, as far as its spec and the last answers tell. Pure.

use jiff::Timestamp;

use super::conditions::condition;
use crate::api::StoreStatus;
use crate::error::Classified;
use crate::names::Origin;
use crate::record::SourceError;
use crate::resolve::Refusal;
use crate::watch::StoreEntry;

/// What was learned of a store by reading through it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Learned {
    /// The account and region that answered.
    pub origin: Option<Origin>,
    /// Why its identity was refused the last time, where it was.
    pub fault: Option<SourceError>,
}

/// The status of a store. Only faults of the identity are the store's; those of a parameter are its reader's.
pub fn store_status(
    entry: &StoreEntry,
    checked: &Result<(), Refusal>,
    learned: &Learned,
    now: Timestamp,
) -> StoreStatus {
    let (status, reason, message) = match (checked, &learned.fault) {
        (Err(refusal), _) => ("False", refusal.reason(), refusal.to_string()),
        (Ok(()), Some(fault)) => ("False", fault.reason(), fault.to_string()),
        (Ok(()), None) => match &learned.origin {
            Some(origin) => (
                "True",
                "Answering",
                format!("account {} in {} answers", origin.account, origin.region),
            ),
            None => (
                "True",
                "Valid",
                "the spec is valid; nothing was read by it yet".to_owned(),
            ),
        },
    };
    let before = entry.status.conditions.as_deref().unwrap_or_default();
    let ready = condition(before, entry.generation, now, "Ready", status, reason, message);
    StoreStatus {
        observed_generation: entry.generation,
        conditions: Some(vec![ready]),
        account: learned.origin.as_ref().map(|origin| origin.account.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::StoreSpec;

    #[test]
    fn a_store_is_ready_until_its_spec_or_its_identity_is_refused() {
        let spec = serde_json::from_value(serde_json::json!({"region": "eu-west-1", "access": []})).unwrap();
        let entry = StoreEntry {
            spec: StoreSpec::Cluster(std::sync::Arc::new(spec)),
            status: StoreStatus::default(),
            generation: Some(2),
        };
        let origin = Some(Origin {
            account: "111122223333".into(),
            region: "eu-west-1".into(),
        });
        let fault = Some(SourceError::Credentials {
            detail: "ExpiredToken".into(),
        });
        let bad = Err(Refusal::StoreInvalid {
            store: "s".into(),
            field: "f".into(),
            why: "w".into(),
        });
        for (checked, learned, status, reason) in [
            (Ok(()), Learned::default(), "True", "Valid"),
            (
                Ok(()),
                Learned {
                    origin: origin.clone(),
                    fault: None,
                },
                "True",
                "Answering",
            ),
            (
                Ok(()),
                Learned {
                    origin: origin.clone(),
                    fault,
                },
                "False",
                "CredentialsRejected",
            ),
            (bad, Learned { origin, fault: None }, "False", "StoreInvalid"),
        ] {
            let said = store_status(&entry, &checked, &learned, Timestamp::UNIX_EPOCH);
            let ready = &said.conditions.unwrap()[0];
            assert_eq!((ready.status.as_str(), ready.reason.as_str()), (status, reason));
            assert_eq!(
                (said.observed_generation, ready.observed_generation),
                (Some(2), Some(2))
            );
        }
    }
}
