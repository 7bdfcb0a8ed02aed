//! The watches of calendars: I/O that feeds their index.
//!
//! They are read as raw objects: one that cannot be read is no reason to take it for absent, and so for open.

use std::collections::HashSet;
use std::fmt::Debug;

use kube::Resource;
use kube::api::{Api, ApiResource, DynamicObject};
use kube::runtime::watcher;
use serde::de::DeserializeOwned;

use super::streams::{Fold, STRICT_TIMEOUT, Watches};
use crate::api::{ChangeCalendar, ClusterChangeCalendar};
use crate::clock::Clock as _;
use crate::names::{CalendarKey, ObjectKey};

impl Watches {
    /// ChangeCalendars.
    pub async fn calendars(self) {
        self.follow_calendars::<ChangeCalendar>("changecalendars", |key| key.namespace().is_some())
            .await;
    }

    /// ClusterChangeCalendars.
    pub async fn cluster_calendars(self) {
        self.follow_calendars::<ClusterChangeCalendar>("clusterchangecalendars", |key| {
            key.namespace().is_none()
        })
        .await;
    }

    async fn follow_calendars<K>(&self, resource: &'static str, of_kind: fn(&CalendarKey) -> bool)
    where
        K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug,
    {
        let pending = self.readiness.wait_for(resource);
        self.wait_for_crd::<K>(resource, &pending).await;
        let api: Api<DynamicObject> = Api::all_with(self.strict(resource), &ApiResource::erase::<K>(&()));
        let config = watcher::Config::default().timeout(STRICT_TIMEOUT);
        let news = |key: &CalendarKey, bound_before: Vec<ObjectKey>| {
            self.calendar_triggers.push(key.clone());
            // Those that it has ceased to bind, and those that it binds now.
            let mut concerned = bound_before;
            concerned.extend(self.indexes.bound(key));
            concerned
        };
        let fold = Fold {
            apply: |object: &DynamicObject| {
                let key = CalendarKey::of(object);
                let before = self.indexes.bound(&key);
                let now = self.clock.now();
                if self.indexes.calendars_mut().apply(key.clone(), object, now) {
                    news(&key, before)
                } else {
                    Vec::new()
                }
            },
            delete: |object: &DynamicObject| {
                let key = CalendarKey::of(object);
                let before = self.indexes.bound(&key);
                if self.indexes.calendars_mut().delete(&key) {
                    news(&key, before)
                } else {
                    Vec::new()
                }
            },
            retain: |seen: &HashSet<CalendarKey>| {
                let gone = self.indexes.calendars().unseen(of_kind, seen);
                let mut concerned = Vec::new();
                for key in gone {
                    let before = self.indexes.bound(&key);
                    self.indexes.calendars_mut().delete(&key);
                    concerned.extend(news(&key, before));
                }
                concerned
            },
            key: CalendarKey::of,
        };
        self.follow(resource, self.watch(api, config, resource), pending, fold)
            .await;
    }
}
