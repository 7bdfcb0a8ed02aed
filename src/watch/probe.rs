//! Consistent lists of what decides over freezes: I/O that tells the contact.
//!
//! An API server that is cut off from its store goes on beginning watches and answering from its cache. A list without a
//! resource version is answered only by what its store says now.

use std::fmt::Debug;
use std::time::Duration;

use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, ListParams, PartialObjectMeta};
use kube::{Client, Resource};
use serde::de::DeserializeOwned;

use super::contact::{Facts, SKEW_TOLD, STRICT};
use super::readiness::Pending;
use super::streams::Watches;
use crate::api::{ChangeCalendar, ClusterChangeCalendar};
use crate::clock::Clock as _;

/// How often each is asked.
const EVERY: Duration = Duration::from_secs(20);
/// How soon it is looked again at the start, until all is known.
const FIRST: Duration = Duration::from_millis(250);
/// How soon after a list that failed.
const AGAIN: Duration = Duration::from_secs(5);
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is in doubt, so that it is told once.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    lost: Option<String>,
    off: Option<String>,
    skewed: bool,
}

impl Watches {
    /// Asks for consistent lists by `client`, tells of contact that is lost and comes back, and has calendars looked at when
    /// what is to be said of the clock changes.
    pub async fn contact(self, client: Client) {
        let mut pending = Some(self.readiness.wait_for("contact"));
        // Their watches say what is missing, such as a CRD.
        while self.readiness.is_waiting_for(&STRICT) {
            tokio::time::sleep(FIRST).await;
        }
        let mut told = None;
        loop {
            let lists = futures::join!(
                self.ask::<Namespace>(&client, STRICT[0]),
                self.ask::<ChangeCalendar>(&client, STRICT[1]),
                self.ask::<ClusterChangeCalendar>(&client, STRICT[2]),
            );
            let facts = self.indexes.contact().facts(self.clock.moment());
            let now = self.told(&facts);
            match (&now.lost, &pending) {
                (None, Some(_)) => drop(pending.take().map(Pending::done)),
                (Some(why), Some(pending)) => pending.say(why.clone()),
                _ => {}
            }
            let metrics = &self.metrics.calendars;
            metrics.skew(facts.skew());
            match now.lost {
                None => metrics.in_contact(),
                Some(_) => metrics.contact_lost(),
            }
            if told.as_ref() != Some(&now) {
                if told.is_some() {
                    self.tell(&now);
                }
                told = Some(now);
            }
            tokio::time::sleep(match lists {
                (true, true, true) if pending.is_some() => FIRST,
                (true, true, true) => EVERY,
                _ => AGAIN,
            })
            .await;
        }
    }

    fn told(&self, facts: &Facts) -> Told {
        Told {
            lost: facts.lost(self.clock.now()).map(ToString::to_string),
            off: facts.clock_off().map(ToString::to_string),
            skewed: facts.skew().abs() > SKEW_TOLD,
        }
    }

    fn tell(&self, now: &Told) {
        match (&now.lost, &now.off) {
            (Some(why), _) => tracing::warn!("contact is lost, and every gate counts as closed: {why}"),
            (None, Some(why)) => tracing::warn!("every calendar counts as closed: {why}"),
            (None, None) => tracing::info!(skewed = now.skewed, "contact and clock can be relied on"),
        }
        let calendars: Vec<_> = self
            .indexes
            .calendars()
            .all()
            .map(|(key, _)| key.clone())
            .collect();
        self.calendar_triggers.extend(calendars);
    }

    /// Whether one consistent list of at most one object was answered.
    async fn ask<K>(&self, client: &Client, resource: &'static str) -> bool
    where
        K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug,
        K::Scope: Send,
    {
        let api = Api::<PartialObjectMeta<K>>::all(client.clone());
        let asked = self.clock.monotonic();
        let limit = ListParams::default().limit(1);
        match tokio::time::timeout(PATIENCE, api.list(&limit)).await {
            Ok(Ok(_)) => {
                self.indexes.contact().listed(resource, asked);
                true
            }
            Ok(Err(error)) => {
                tracing::debug!(resource, %error, "cannot be listed consistently");
                false
            }
            Err(_) => {
                tracing::debug!(resource, "no answer to a consistent list within {PATIENCE:?}");
                false
            }
        }
    }
}
