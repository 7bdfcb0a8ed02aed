//! Who waits for which calendar, and since when. Pure.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;

use crate::names::{CalendarKey, ObjectKey};

/// What one object waits with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// What closes its gate.
    pub by: CalendarKey,
    /// How many changes wait; 0 for a Secret that may not be made or mended.
    pub changes: usize,
    /// Since when.
    pub since: Timestamp,
}

/// All that waits for one calendar.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Queue {
    /// Objects.
    pub objects: usize,
    /// Changes, of all objects.
    pub changes: usize,
    /// Since when the oldest waits.
    pub since: Option<Timestamp>,
}

/// Everybody who waits.
#[derive(Debug, Default)]
pub struct Waiting {
    objects: HashMap<ObjectKey, Held>,
    queues: HashMap<CalendarKey, Ordered>,
}

#[derive(Debug, Default)]
struct Ordered {
    by_time: BTreeSet<(Timestamp, ObjectKey)>,
    changes: usize,
}

impl Waiting {
    /// Says what an object waits with; none where it does not. Gives what it waited with before. One that goes on waiting
    /// for the same waits since it began.
    pub fn set(&mut self, object: &ObjectKey, held: Option<Held>) -> Option<Held> {
        let before = self.objects.remove(object);
        if let Some(before) = &before
            && let Some(queue) = self.queues.get_mut(&before.by)
        {
            queue.by_time.remove(&(before.since, object.clone()));
            queue.changes -= before.changes;
            if queue.by_time.is_empty() {
                self.queues.remove(&before.by);
            }
        }
        if let Some(mut held) = held {
            if let Some(before) = before.as_ref().filter(|before| before.by == held.by) {
                held.since = held.since.min(before.since);
            }
            let queue = self.queues.entry(held.by.clone()).or_default();
            queue.by_time.insert((held.since, object.clone()));
            queue.changes += held.changes;
            self.objects.insert(object.clone(), held);
        }
        before
    }

    /// How many objects wait for the same as `object` does, itself among them; 0 where it does not wait.
    pub fn crowd(&self, object: &ObjectKey) -> usize {
        let held = self.objects.get(object);
        held.map_or(0, |held| self.queue(&held.by).objects)
    }

    /// What waits for a calendar.
    pub fn queue(&self, calendar: &CalendarKey) -> Queue {
        self.queues
            .get(calendar)
            .map_or_else(Queue::default, |queue| Queue {
                objects: queue.by_time.len(),
                changes: queue.changes,
                since: queue.by_time.first().map(|(since, _)| *since),
            })
    }

    /// The objects that wait for a calendar, those first that wait longest.
    pub fn objects(&self, calendar: &CalendarKey) -> Vec<ObjectKey> {
        let queue = self.queues.get(calendar).into_iter();
        queue
            .flat_map(|queue| &queue.by_time)
            .map(|(_, object)| object.clone())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_object_waits_once_and_a_crowd_is_all_that_wait_for_the_same() {
        let mut waiting = Waiting::default();
        let at = |second| Timestamp::from_second(second).unwrap();
        let held = |by: &str, changes, since| {
            Some(Held {
                by: CalendarKey::cluster(by),
                changes,
                since: at(since),
            })
        };
        let (a, b, c) = (
            ObjectKey::new("n", "a"),
            ObjectKey::new("n", "b"),
            ObjectKey::new("n", "c"),
        );
        assert_eq!(waiting.set(&a, held("x", 1, 30)), None);
        waiting.set(&b, held("x", 2, 20));
        waiting.set(&c, held("y", 1, 10));
        assert_eq!(waiting.set(&a, held("x", 3, 30)).unwrap().changes, 1);
        assert_eq!((waiting.crowd(&a), waiting.crowd(&c)), (2, 1));
        let x = Queue {
            objects: 2,
            changes: 5,
            since: Some(at(20)),
        };
        assert_eq!(waiting.queue(&CalendarKey::cluster("x")), x);
        assert_eq!(
            waiting.objects(&CalendarKey::cluster("x")),
            [b.clone(), a.clone()]
        );
        waiting.set(&b, None);
        assert_eq!((waiting.crowd(&a), waiting.crowd(&b)), (1, 0));
    }
}
