//! The queue of objects that want a reconcile.

use std::collections::{HashSet, VecDeque};
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use futures::Stream;

use crate::names::ObjectKey;

/// A queue that holds each key at most once, so that it is bounded by the number of objects. Cheap to clone; every
/// clone feeds the same queue. One consumer.
pub struct Triggers<T = ObjectKey> {
    queue: Arc<Mutex<Queue<T>>>,
}

struct Queue<T> {
    order: VecDeque<T>,
    queued: HashSet<T>,
    waker: Option<Waker>,
}

impl<T> Clone for Triggers<T> {
    fn clone(&self) -> Self {
        Self {
            queue: self.queue.clone(),
        }
    }
}

impl<T> Default for Triggers<T> {
    fn default() -> Self {
        let queue = Queue {
            order: VecDeque::new(),
            queued: HashSet::new(),
            waker: None,
        };
        Self {
            queue: Arc::new(Mutex::new(queue)),
        }
    }
}

impl<T: Clone + Eq + Hash + Send + 'static> Triggers<T> {
    /// Asks for a reconcile of `object`, unless one is waiting already.
    pub fn push(&self, object: T) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.queued.insert(object.clone()) {
            queue.order.push_back(object);
            if let Some(waker) = queue.waker.take() {
                waker.wake();
            }
        }
    }

    /// Asks for a reconcile of each.
    pub fn extend(&self, objects: impl IntoIterator<Item = T>) {
        for object in objects {
            self.push(object);
        }
    }

    /// The objects, as they come. Never ends.
    pub fn stream(&self) -> impl Stream<Item = T> + Send + use<T> {
        let queue = self.queue.clone();
        futures::stream::poll_fn(move |context: &mut Context<'_>| {
            let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(object) = queue.order.pop_front() {
                queue.queued.remove(&object);
                return Poll::Ready(Some(object));
            }
            queue.waker = Some(context.waker().clone());
            Poll::Pending
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::{FutureExt, StreamExt};

    #[test]
    fn an_object_waits_once_however_often_it_is_asked_for() {
        let triggers: Triggers = Triggers::default();
        let (a, b) = (ObjectKey::new("n", "a"), ObjectKey::new("n", "b"));
        triggers.extend([a.clone(), b.clone(), a.clone()]);
        let mut stream = triggers.stream();
        assert_eq!(stream.next().now_or_never(), Some(Some(a.clone())));
        triggers.push(a.clone());
        assert_eq!(stream.next().now_or_never(), Some(Some(b)));
        assert_eq!(stream.next().now_or_never(), Some(Some(a)));
        assert_eq!(stream.next().now_or_never(), None);
    }
}
