//! What a Lease says, and what is written into it. Pure.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::ObjectMeta;

/// The Lease's name, whatever the release is called: two releases in one namespace would write the same objects.
pub const NAME: &str = "paramsync";
/// For how long others leave a Lease to its holder.
pub const DURATION: Duration = Duration::from_secs(15);
/// The longest time that a record may ask for. A mistyped number must not stop everything for a day.
const LONGEST: Duration = Duration::from_mins(1);

/// What counts of a Lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Each change of the Lease gives another one.
    pub version: String,
    /// Whoever holds it; none after a clean end.
    pub holder: Option<String>,
    /// How long the holder asks to be left alone, within bounds.
    pub duration: Duration,
}

impl Record {
    /// Reads a Lease.
    pub fn of(lease: &Lease) -> Self {
        let spec = lease.spec.clone().unwrap_or_default();
        let asked = spec
            .lease_duration_seconds
            .and_then(|asked| u64::try_from(asked).ok());
        Self {
            version: lease.metadata.resource_version.clone().unwrap_or_default(),
            holder: spec.holder_identity.filter(|holder| !holder.is_empty()),
            duration: asked.map_or(DURATION, |asked| {
                Duration::from_secs(asked).clamp(DURATION, LONGEST)
            }),
        }
    }
}

/// The first Lease of a namespace.
pub fn first(namespace: &str) -> Lease {
    Lease {
        metadata: ObjectMeta {
            name: Some(NAME.to_owned()),
            namespace: Some(namespace.to_owned()),
            ..ObjectMeta::default()
        },
        spec: None,
    }
}

/// `lease`, taken or renewed by `me`. The times in it are for people: nobody measures by them.
pub fn held(mut lease: Lease, me: &str, now: Timestamp) -> Lease {
    let spec = lease.spec.get_or_insert_default();
    if spec.holder_identity.as_deref() != Some(me) {
        spec.holder_identity = Some(me.to_owned());
        spec.acquire_time = Some(MicroTime(now));
        spec.lease_transitions = Some(spec.lease_transitions.map_or(0, |count| count.saturating_add(1)));
    }
    spec.lease_duration_seconds = Some(i32::try_from(DURATION.as_secs()).unwrap_or(i32::MAX));
    spec.renew_time = Some(MicroTime(now));
    own_fields(lease)
}

/// `lease` without a holder, as a clean end leaves it.
pub fn released(mut lease: Lease, now: Timestamp) -> Lease {
    lease.spec = Some(LeaseSpec {
        holder_identity: None,
        renew_time: Some(MicroTime(now)),
        ..lease.spec.unwrap_or_default()
    });
    own_fields(lease)
}

/// The API server keeps the account of who set what.
fn own_fields(mut lease: Lease) -> Lease {
    lease.metadata.managed_fields = None;
    lease
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lease(holder: Option<&str>, seconds: Option<i32>) -> Lease {
        let mut lease = first("ops");
        lease.metadata.resource_version = Some("7".to_owned());
        lease.spec = Some(LeaseSpec {
            holder_identity: holder.map(str::to_owned),
            lease_duration_seconds: seconds,
            ..LeaseSpec::default()
        });
        lease
    }

    #[test]
    fn a_duration_is_believed_within_bounds() {
        for (asked, counts) in [
            (None, 15),
            (Some(15), 15),
            (Some(1), 15),
            (Some(-3), 15),
            (Some(30), 30),
            (Some(i32::MAX), 60),
        ] {
            assert_eq!(
                Record::of(&lease(Some("a"), asked)).duration.as_secs(),
                counts,
                "{asked:?}"
            );
        }
    }

    #[test]
    fn nobody_and_an_empty_name_are_no_holder() {
        assert_eq!(Record::of(&lease(None, None)).holder, None);
        assert_eq!(Record::of(&lease(Some(""), None)).holder, None);
        assert_eq!(Record::of(&first("ops")).holder, None);
    }

    #[test]
    fn a_takeover_counts_and_a_renewal_does_not() {
        let (then, now) = (Timestamp::UNIX_EPOCH, Timestamp::from_second(60).unwrap());
        let taken = held(lease(Some("other"), Some(15)), "me", then);
        let spec = taken.spec.clone().unwrap();
        assert_eq!(spec.holder_identity.as_deref(), Some("me"));
        assert_eq!(
            (spec.lease_duration_seconds, spec.lease_transitions),
            (Some(15), Some(0))
        );
        let renewed = held(taken, "me", now).spec.unwrap();
        assert_eq!(renewed.acquire_time, Some(MicroTime(then)));
        assert_eq!(renewed.renew_time, Some(MicroTime(now)));
        assert_eq!(renewed.lease_transitions, Some(0));
    }

    #[test]
    fn a_clean_end_names_nobody_and_is_conditional() {
        let ended = released(lease(Some("me"), Some(15)), Timestamp::UNIX_EPOCH);
        assert_eq!(Record::of(&ended).holder, None);
        assert_eq!(ended.metadata.resource_version.as_deref(), Some("7"));
        let text = serde_json::to_value(&ended).unwrap();
        assert!(
            text["spec"].get("holderIdentity").is_none(),
            "a replace takes away what it leaves out"
        );
    }
}
