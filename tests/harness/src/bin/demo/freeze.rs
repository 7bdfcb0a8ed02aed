//! The freeze: closed, nothing new gets in, whatever is done; open, everything that waited.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::ensure;
use jiff::{SignedDuration, Timestamp};

use super::{NAMESPACE, Stage};

const CALENDAR: &str = "demo-freeze";
/// How long it stays closed after its end was moved.
const REST: i64 = 5;
/// The goal is 2 s; the machine may be busy.
const PROMPT: Duration = Duration::from_secs(10);

impl Stage {
    pub(super) async fn freeze(&self, wanted: &mut BTreeMap<String, String>) -> anyhow::Result<()> {
        self.step("Close a calendar for all namespaces that are labelled tier=prod");
        self.kubectl(&["label", "namespace", NAMESPACE, "tier=prod"])
            .await?;
        self.undoing(&[
            "kubectl",
            "delete",
            "clusterchangecalendar",
            CALENDAR,
            "--ignore-not-found",
        ]);
        self.apply(&calendar(from_now(3600))).await?;
        self.until("the calendar is closed", async || {
            Ok(self
                .said("clusterchangecalendar", CALENDAR, "{.status.state}")
                .await?
                == "Closed")
        })
        .await?;
        self.kubectl(&["get", "cccal"]).await?;

        self.step("Change /web/DB_PASSWORD in the freeze, and ask for a sync");
        let before = self.resource_version().await?;
        let value = "third value of DB_PASSWORD";
        let version = self.store.put("/web/DB_PASSWORD", value).await?;
        println!("   /web/DB_PASSWORD has version {version} now.");
        let now = format!("paramsync.dev/sync-requested-at={}", Timestamp::now());
        self.kubectl(&["annotate", "psync", "web", "-n", NAMESPACE, &now])
            .await?;
        let message = "{.status.conditions[?(@.type==\"UpToDate\")].message}";
        self.until("status says what waits", async || {
            let said = self.said("psync", "web", message).await?;
            Ok(said.contains("waits for ClusterChangeCalendar") && said.contains("until"))
        })
        .await?;
        self.kubectl(&["get", "psync", "-n", NAMESPACE]).await?;
        println!("   Up-To-Date: {}", self.said("psync", "web", message).await?);
        ensure!(
            self.secret().await? == *wanted && self.resource_version().await? == before,
            "the Secret was written in the freeze"
        );

        self.step("Break the Secret in the freeze: the old value comes back, not the new one");
        let patch = r#"{"stringData":{"DB_PASSWORD":"broken by hand"}}"#;
        let target = ["patch", "secret", "web", "-n", NAMESPACE];
        self.kubectl(&[&target[..], &["--type=merge", "-p", patch]].concat())
            .await?;
        let took = self
            .until("the Secret is as it was applied", async || {
                Ok(self.resource_version().await? != before && self.secret().await? == *wanted)
            })
            .await?;
        println!("   Repaired after {took:.1} s, with the version that was applied before the freeze.");

        self.step("Let the freeze end");
        let end = from_now(REST);
        self.apply(&calendar(end)).await?;
        wanted.insert("DB_PASSWORD".to_owned(), value.to_owned());
        self.until("the new value is in the Secret", async || {
            Ok(self.secret().await? == *wanted)
        })
        .await?;
        let after = Timestamp::now().duration_since(end);
        println!(
            "   The new value was in the Secret {:.1} s after the end.",
            after.as_secs_f64()
        );
        ensure!(!after.is_negative(), "the new value got in before the end");
        ensure!(Duration::try_from(after)? < PROMPT, "the new value came late");
        self.kubectl(&["get", "psync", "-n", NAMESPACE]).await?;
        self.kubectl(&["delete", "cccal", CALENDAR]).await
    }

    /// A field of an object, as kubectl prints it.
    async fn said(&self, kind: &str, name: &str, field: &str) -> anyhow::Result<String> {
        let path = format!("jsonpath={field}");
        let args = ["get", kind, name, "-n", NAMESPACE, "-o", &path];
        self.plane.kubectl(&args).await
    }
}

fn from_now(seconds: i64) -> Timestamp {
    let at = Timestamp::now() + SignedDuration::from_secs(seconds);
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

fn calendar(end: Timestamp) -> String {
    format!(
        "apiVersion: paramsync.dev/v1alpha1
kind: ClusterChangeCalendar
metadata: {{name: {CALENDAR}}}
spec:
  namespaceSelector: {{matchLabels: {{tier: prod}}}}
  events:
    - name: freeze
      start: \"{}\"
      end: \"{end}\"
",
        from_now(-3600)
    )
}
