//! What a calendar costs that binds all objects, and how soon after its opening what waited is in.

use std::time::{Duration, Instant};

use anyhow::ensure;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::{ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams};
use serde_json::json;

use super::{LIMIT, POLL, Run, Table, name_of};

const CALENDAR: &str = "bench";
const PATIENCE: Duration = Duration::from_mins(2);
/// How many changes wait together.
const CROWD: usize = 100;
/// What one more that waits adds to the time over which they are spread.
const SPREAD: f64 = 0.05;
/// Until an opening that all know of.
const NOTICE: i64 = 6;

impl Run<'_> {
    pub(super) async fn freeze(&self, table: &mut Table) -> anyhow::Result<()> {
        let before = self.mark().await?;
        self.calendar(from_now(-7200), from_now(-3600)).await?;
        self.until("each status names the calendar", async || {
            Ok(self.used(&before).await?.status_writes >= self.objects as f64)
        })
        .await?;

        let start = self.mark().await?;
        self.calendar(from_now(-3600), from_now(3600)).await?;
        self.until("closed", async || Ok(self.metric("calendar_open").await? < 0.5))
            .await?;
        tokio::time::sleep(Duration::from_secs(5)).await;
        let used = self.used(&start).await?;
        Table::title(&format!("closing a calendar that binds {}", self.objects));
        table.at_most("status writes", used.status_writes, 0.0);
        table.at_most("Secret writes", used.secret_writes, 0.0);
        table.at_most("decrypts", used.counts.decrypted as f64, 0.0);

        Table::title("opening it again");
        let alone = self.reopen(1).await?;
        table.at_most("seconds until 1 change is in", alone, 2.0);
        self.calendar(from_now(-3600), from_now(3600)).await?;
        self.until("closed", async || Ok(self.metric("calendar_open").await? < 0.5))
            .await?;
        let crowd = CROWD.min(self.objects);
        let start = self.mark().await?;
        let all = self.reopen(crowd).await?;
        let spread = SPREAD * (crowd - 1) as f64;
        table.at_most(
            &format!("seconds until {crowd} are, spread over {spread:.1}"),
            all,
            2.0 + spread + crowd as f64 / LIMIT,
        );
        let used = self.used(&start).await?;
        table.at_most("Secret writes", used.secret_writes, crowd as f64);
        // One that says what waits, another that the end was moved, and one that nothing waits any more.
        table.at_most("status writes", used.status_writes, 4.0 * crowd as f64);
        Ok(())
    }

    /// Changes a parameter of so many objects while the calendar is closed, opens it, and gives the seconds from the
    /// opening until all of them are in.
    async fn reopen(&self, objects: usize) -> anyhow::Result<f64> {
        let kind = GroupVersionKind::gvk("paramsync.dev", "v1alpha1", "ParameterSync");
        let syncs: Api<DynamicObject> =
            Api::namespaced_with(self.client.clone(), "bench", &ApiResource::from_gvk(&kind));
        let value = format!("value of {}", Timestamp::now());
        let gate = self.suite.tenant_store().gate();
        for object in 0..objects {
            gate.seed(&format!("/bench/o{object:05}/KEY_00"), &value, "SecureString");
            let ask = json!({"metadata": {"annotations": {"paramsync.dev/sync-requested-at": value}}});
            syncs
                .patch(&name_of(object), &PatchParams::default(), &Patch::Merge(ask))
                .await?;
        }
        self.until("all changes wait", async || {
            Ok(self.metric("calendar_pending_changes").await? >= objects as f64)
        })
        .await?;
        let end = from_now(NOTICE);
        self.calendar(from_now(-3600), end).await?;
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), "bench");
        for object in 0..objects {
            self.until("the change is in", async || {
                let data = secrets.get(&name_of(object)).await?.data.unwrap_or_default();
                Ok(data
                    .get("KEY_00")
                    .is_some_and(|found| found.0 == value.as_bytes()))
            })
            .await?;
        }
        let after = Timestamp::now().duration_since(end);
        ensure!(!after.is_negative(), "a change got in before the opening");
        Ok(after.as_secs_f64())
    }

    async fn metric(&self, name: &str) -> anyhow::Result<f64> {
        let name = format!("paramsync_{name}");
        self.operator().metric(&name, &[("name", CALENDAR)]).await
    }

    /// A calendar for all namespaces with one event.
    async fn calendar(&self, from: Timestamp, to: Timestamp) -> anyhow::Result<()> {
        let yaml = format!(
            "apiVersion: paramsync.dev/v1alpha1
kind: ClusterChangeCalendar
metadata: {{name: {CALENDAR}}}
spec:
  namespaceSelector: {{}}
  events: [{{name: freeze, start: \"{from}\", end: \"{to}\"}}]
"
        );
        let plane = self.suite.plane();
        plane.kubectl_stdin(&["apply", "-f", "-"], &yaml).await.map(drop)
    }

    async fn until(&self, what: &str, holds: impl AsyncFn() -> anyhow::Result<bool>) -> anyhow::Result<()> {
        let start = Instant::now();
        while !holds().await? {
            ensure!(start.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
            tokio::time::sleep(POLL / 4).await;
        }
        Ok(())
    }
}

fn from_now(seconds: i64) -> Timestamp {
    let at = Timestamp::now() + SignedDuration::from_secs(seconds);
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}
