//! ChangeCalendars and ClusterChangeCalendars: what each says about now, and which namespaces it binds.
//!
//! What cannot be read is never taken for absent: a calendar whose newest edit is wrong goes on as its last valid form
//! said, one that was never valid is closed, and one whose selector cannot be read binds every namespace.

mod compile;
mod entry;
mod read;
mod standing;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use kube::api::DynamicObject;

pub use self::compile::{compile, compile_text};
pub use self::entry::{AwsCalendar, CalendarEntry};
use self::read::{read, too_expensive};
pub use self::standing::{Answered, CalendarFault, Evaluated, Standing, Stands};
use super::stores::StoreKey;
use crate::names::CalendarKey;
use crate::record::Freeze;

/// What was evaluated of a calendar is evaluated anew after this time: it was looked at a limited time ahead.
const RENEW_AFTER: SignedDuration = SignedDuration::from_hours(1);

/// What is known of each calendar.
#[derive(Default)]
pub struct CalendarIndex {
    calendars: BTreeMap<CalendarKey, CalendarEntry>,
}

impl CalendarIndex {
    /// A calendar.
    pub fn get(&self, key: &CalendarKey) -> Option<&CalendarEntry> {
        self.calendars.get(key)
    }

    /// All calendars.
    pub fn all(&self) -> impl Iterator<Item = (&CalendarKey, &CalendarEntry)> {
        self.calendars.iter()
    }

    /// What a calendar says, and what it asks for while it is closed. One that is not there is closed.
    pub fn standing(&self, key: &CalendarKey) -> (Standing, Freeze) {
        match self.calendars.get(key) {
            Some(entry) => (entry.standing.clone(), entry.freeze),
            None => (
                Standing::Unknown(CalendarFault {
                    reason: "CalendarNotFound",
                    message: format!(
                        "{key} does not exist; create it, or take it out of spec.changes.calendars"
                    ),
                }),
                match key.namespace() {
                    Some(_) => Freeze::default(),
                    None => Freeze::OF_CLUSTER,
                },
            ),
        }
    }

    /// The calendars that AWS evaluates and that ask by `store`.
    pub fn asking_by(&self, store: &StoreKey) -> Vec<CalendarKey> {
        let asks = |entry: &CalendarEntry| entry.aws.as_ref().is_some_and(|aws| aws.store == *store);
        self.calendars
            .iter()
            .filter(|(_, entry)| asks(entry))
            .map(|(key, _)| key.clone())
            .collect()
    }

    /// The calendars that bind a namespace with these labels; where they are not known, all that select any.
    pub fn selecting(&self, labels: Option<&BTreeMap<String, String>>) -> impl Iterator<Item = &CalendarKey> {
        self.calendars
            .iter()
            .filter(move |(_, entry)| entry.binds.selects(labels))
            .map(|(key, _)| key)
    }

    /// Whether a calendar binds a namespace with these labels.
    pub fn selects(&self, key: &CalendarKey, labels: Option<&BTreeMap<String, String>>) -> bool {
        self.calendars
            .get(key)
            .is_some_and(|entry| entry.binds.selects(labels))
    }

    /// Takes in what the API server says; says whether more than the status is news.
    pub fn apply(&mut self, key: CalendarKey, object: &DynamicObject, now: Timestamp) -> bool {
        let generation = object.metadata.generation.unwrap_or_default();
        let status = object
            .data
            .get("status")
            .and_then(|status| serde_json::from_value(status.clone()).ok())
            .unwrap_or_default();
        if let Some(known) = self.calendars.get_mut(&key)
            && (known.uid.as_ref(), known.generation) == (object.metadata.uid.as_ref(), generation)
        {
            known.status = status;
            return false;
        }
        let before = self
            .calendars
            .get(&key)
            .filter(|before| before.uid == object.metadata.uid);
        let entry = read(object, generation, status, before, now);
        self.calendars.insert(key, entry);
        true
    }

    /// Takes out a calendar; says whether that is news.
    pub fn delete(&mut self, key: &CalendarKey) -> bool {
        self.calendars.remove(key).is_some()
    }

    /// Those of one kind that a relist has not shown.
    pub fn unseen(&self, of_kind: fn(&CalendarKey) -> bool, seen: &HashSet<CalendarKey>) -> Vec<CalendarKey> {
        let unseen = |key: &&CalendarKey| of_kind(key) && !seen.contains(*key);
        self.calendars.keys().filter(unseen).cloned().collect()
    }

    /// Takes in what is known of a calendar that AWS evaluates, and what went wrong lately.
    pub fn answered(&mut self, key: &CalendarKey, standing: Standing, fault: Option<CalendarFault>) {
        if let Some(entry) = self.calendars.get_mut(key).filter(|entry| entry.aws.is_some()) {
            (entry.standing, entry.fault) = (standing, fault);
        }
    }

    /// Evaluates a calendar anew where its state has changed since, or some time has passed.
    pub fn renew(&mut self, key: &CalendarKey, now: Timestamp) {
        let Some(entry) = self.calendars.get_mut(key) else {
            return;
        };
        let Standing::Evaluated(evaluated) = &entry.standing else {
            return;
        };
        let Some(calendar) = &evaluated.calendar else {
            return;
        };
        let record = evaluated.timeline.record();
        let changed = record.transitions.first().is_some_and(|first| *first <= now);
        if !changed && now.duration_since(record.from) < RENEW_AFTER {
            return;
        }
        match calendar.timeline(now) {
            Ok(timeline) => {
                entry.standing = Standing::Evaluated(Arc::new(Evaluated {
                    timeline,
                    calendar: Some(calendar.clone()),
                    ..**evaluated
                }));
            }
            Err(error) => {
                let fault = too_expensive(&error);
                entry.standing = Standing::Unknown(fault.clone());
                entry.fault = Some(fault);
            }
        }
    }
}
