//! What must not change when something is refused, and what must never be said.

use std::collections::BTreeMap;
use std::time::Duration;

use harness::{Case, Condition};

/// How long nothing is watched to happen.
const QUIET: Duration = Duration::from_secs(4);

/// A Secret as it was last good.
pub struct LastGood {
    name: String,
    version: Option<String>,
    data: BTreeMap<String, Vec<u8>>,
}

impl LastGood {
    /// The Secret as it is now; it must be there.
    pub async fn of(case: &Case<'_>, name: &str) -> Self {
        let Some(data) = case.secret(name).await else {
            panic!("there is no Secret {name}");
        };
        Self {
            name: name.to_owned(),
            version: case.secret_resource_version(name).await,
            data,
        }
    }

    /// Panics if the Secret was written since.
    pub async fn holds(&self, case: &Case<'_>) {
        let name = &self.name;
        let keys: Vec<_> = self.data.keys().collect();
        assert!(
            case.secret(name).await.as_ref() == Some(&self.data),
            "Secret {name} lost its last good content, with the keys {keys:?}"
        );
        assert_eq!(
            case.secret_resource_version(name).await,
            self.version,
            "Secret {name} was written"
        );
    }
}

/// Waits until a condition is as said; its message must hold each of `says`.
pub async fn told(
    case: &Case<'_>,
    name: &str,
    (kind, status, reason): (&str, &str, &str),
    says: &[&str],
) -> Condition {
    let condition = case.wait_condition(name, kind, status, reason).await;
    for word in says {
        assert!(
            condition.message.contains(word),
            "{name}: {word:?} is not in {condition:?}"
        );
    }
    condition
}

/// Waits until an object is not Ready for this reason, and says all of `says`.
pub async fn not_ready(case: &Case<'_>, name: &str, reason: &str, says: &[&str]) -> Condition {
    told(case, name, ("Ready", "False", reason), says).await
}

/// Asks for a sync now.
pub async fn force(case: &Case<'_>, name: &str, token: &str) {
    let annotation = format!("paramsync.dev/sync-requested-at={token}");
    case.kubectl(&["annotate", "psync", name, &annotation, "--overwrite"])
        .await;
}

/// Asks for a sync now, and waits until it is answered.
pub async fn force_and_wait(case: &Case<'_>, name: &str, token: &str) {
    force(case, name, token).await;
    let what = format!("{name} has answered the sync request {token}");
    case.eventually(Duration::from_secs(30), &what, async || {
        let object = case.get_json("ParameterSync", name).await?;
        (object["status"]["lastHandledSyncRequest"] == token).then_some(())
    })
    .await;
}

/// Waits until a key has this value.
pub async fn becomes(case: &Case<'_>, secret: &str, key: &str, value: &str) {
    let what = format!("{secret}: {key} is {value}");
    case.eventually(Duration::from_secs(40), &what, async || {
        (case.secret_value(secret, key).await.as_deref() == Some(value)).then_some(())
    })
    .await;
}

/// Panics if anything is decrypted for a few seconds.
pub async fn nothing_is_decrypted(case: &Case<'_>) {
    let before = case.gate().counts().decrypted;
    tokio::time::sleep(QUIET).await;
    let after = case.gate().counts().decrypted;
    assert_eq!(after, before, "what cannot succeed is decrypted again and again");
}

/// Panics if a value shows in a status, an event or the log.
pub async fn is_never_said(case: &Case<'_>, value: &str) {
    for kind in ["ParameterSync", "Event"] {
        for object in case.list_json(kind).await {
            let name = &object["metadata"]["name"];
            assert!(
                !object.to_string().contains(value),
                "a value shows in {kind} {name}"
            );
        }
    }
    assert!(!case.operator().log().contains(value), "a value shows in the log");
}
