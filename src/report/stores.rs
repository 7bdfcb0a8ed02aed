//! What is said of a store: whether it can be read by, as far as its spec and the last answers tell. Pure.

use jiff::Timestamp;

use super::conditions::condition;
use crate::api::StoreStatus;
use crate::error::Classified;
use crate::resolve::Refusal;
use crate::source::StoreStanding;
use crate::watch::StoreEntry;

/// The status of a store. Only faults of the identity are the store's; those of a parameter are its reader's.
pub fn store_status(
    entry: &StoreEntry,
    checked: &Result<(), Refusal>,
    standing: &StoreStanding,
    now: Timestamp,
) -> StoreStatus {
    if let Some(said) =
        said_before(entry).filter(|_| checked.is_ok() && *standing == StoreStanding::default())
    {
        return said;
    }
    let (status, reason, message) = match (checked, &standing.fault) {
        (Err(refusal), _) => ("False", refusal.reason(), refusal.to_string()),
        (Ok(()), Some(fault)) => ("False", fault.reason(), fault.to_string()),
        (Ok(()), None) => match &standing.origin {
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
        account: standing.origin.as_ref().map(|origin| origin.account.clone()),
        interval: standing
            .interval
            .map(|interval| format!("{}s", interval.as_secs())),
    }
}

/// What was said of this spec after something was read by it: it holds until more is known, as after a restart.
fn said_before(entry: &StoreEntry) -> Option<StoreStatus> {
    let said = &entry.status;
    let ready = said.conditions.iter().flatten();
    let mut heard = ready.filter(|ready| ready.reason != "Valid" && ready.reason != "StoreInvalid");
    (said.observed_generation == entry.generation && heard.next().is_some()).then(|| said.clone())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::api::ClusterParameterStoreSpec;
    use crate::names::Origin;
    use crate::record::SourceError;
    use crate::watch::StoreSpec;

    fn entry(generation: i64, status: StoreStatus) -> StoreEntry {
        let spec = serde_json::json!({"region": "eu-west-1", "access": []});
        let spec: ClusterParameterStoreSpec = serde_json::from_value(spec).unwrap();
        StoreEntry {
            spec: StoreSpec::Cluster(std::sync::Arc::new(spec)),
            status,
            generation: Some(generation),
        }
    }

    fn answering() -> StoreStanding {
        StoreStanding {
            origin: Some(Origin {
                account: "111122223333".into(),
                region: "eu-west-1".into(),
            }),
            ..StoreStanding::default()
        }
    }

    fn ready(said: &StoreStatus) -> (String, String) {
        let ready = &said.conditions.as_ref().unwrap()[0];
        assert_eq!(said.observed_generation, ready.observed_generation);
        (ready.status.clone(), ready.reason.clone())
    }

    fn is(status: &str, reason: &str) -> (String, String) {
        (status.to_owned(), reason.to_owned())
    }

    #[test]
    fn a_store_is_ready_until_its_spec_or_its_identity_is_refused() {
        let refused = StoreStanding {
            fault: Some(SourceError::Credentials {
                detail: "ExpiredToken".into(),
            }),
            ..answering()
        };
        let bad = || {
            Err(Refusal::StoreInvalid {
                store: "s".into(),
                field: "f".into(),
                why: "w".into(),
            })
        };
        let entry = entry(2, StoreStatus::default());
        for (checked, standing, expected) in [
            (Ok(()), StoreStanding::default(), is("True", "Valid")),
            (Ok(()), answering(), is("True", "Answering")),
            (Ok(()), refused, is("False", "CredentialsRejected")),
            (bad(), answering(), is("False", "StoreInvalid")),
            (bad(), StoreStanding::default(), is("False", "StoreInvalid")),
        ] {
            let said = store_status(&entry, &checked, &standing, Timestamp::UNIX_EPOCH);
            assert_eq!(ready(&said), expected);
        }
    }

    #[test]
    fn what_was_said_holds_over_a_restart_and_not_over_an_edit() {
        let now = Timestamp::UNIX_EPOCH;
        let said = store_status(&entry(2, StoreStatus::default()), &Ok(()), &answering(), now);
        let unheard = StoreStanding::default();
        assert_eq!(
            store_status(&entry(2, said.clone()), &Ok(()), &unheard, now),
            said
        );
        let edited = store_status(&entry(3, said), &Ok(()), &unheard, now);
        assert_eq!(ready(&edited), is("True", "Valid"));
        assert_eq!(edited.account, None, "no account answers for the new spec yet");
    }

    #[test]
    fn the_interval_in_effect_is_told_while_it_is_stretched() {
        let stretched = StoreStanding {
            interval: Some(Duration::from_mins(12)),
            ..answering()
        };
        let now = Timestamp::UNIX_EPOCH;
        let said = store_status(&entry(2, StoreStatus::default()), &Ok(()), &stretched, now);
        assert_eq!(said.interval.as_deref(), Some("720s"));
        let said = store_status(&entry(2, said), &Ok(()), &answering(), now);
        assert_eq!(said.interval, None);
    }
}
