//! Which keys want a pass, in the order in which they came to want it. Pure.
//!
//! A key is in a pass once at most; what asks for it meanwhile is one more pass afterwards. kube's own scheduler keeps
//! what waits in a set, in no order.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::hash::Hash;
use std::time::Duration;

/// The queue of one loop; times are monotonic.
#[derive(Debug)]
pub struct Queue<K> {
    ready: VecDeque<K>,
    /// When each is due; an entry that says another time than `due` is void.
    timers: BinaryHeap<Reverse<(Duration, K)>>,
    due: HashMap<K, Duration>,
    /// Those that are ready or in a pass.
    state: HashMap<K, State>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Ready,
    InPass { again: bool },
}

impl<K> Default for Queue<K> {
    fn default() -> Self {
        Self {
            ready: VecDeque::new(),
            timers: BinaryHeap::new(),
            due: HashMap::new(),
            state: HashMap::new(),
        }
    }
}

impl<K: Clone + Eq + Hash + Ord> Queue<K> {
    /// Asks for a pass of `key` as soon as there is room. A timer that it had is void: the pass sets a new one.
    pub fn push(&mut self, key: K) {
        match self.state.get_mut(&key) {
            Some(State::Ready) => {}
            Some(State::InPass { again }) => *again = true,
            None => {
                self.due.remove(&key);
                self.state.insert(key.clone(), State::Ready);
                self.ready.push_back(key);
            }
        }
    }

    /// The next key, which is in a pass from now on.
    pub fn next(&mut self, now: Duration) -> Option<K> {
        while let Some(Reverse((at, _))) = self.timers.peek() {
            if *at > now {
                break;
            }
            if let Some(Reverse((at, key))) = self.timers.pop()
                && self.due.get(&key) == Some(&at)
            {
                self.due.remove(&key);
                self.push(key);
            }
        }
        let key = self.ready.pop_front()?;
        self.state.insert(key.clone(), State::InPass { again: false });
        Some(key)
    }

    /// The pass of `key` is over; `at`: when it wants the next if nothing asks for it before.
    pub fn done(&mut self, key: &K, at: Option<Duration>) {
        if self.state.remove(key) == Some(State::InPass { again: true }) {
            self.push(key.clone());
        } else if let Some(at) = at {
            self.due.insert(key.clone(), at);
            self.timers.push(Reverse((at, key.clone())));
        }
    }

    /// When the first timer is due; none where something is ready, or no timer is set.
    pub fn wake(&mut self) -> Option<Duration> {
        while let Some(Reverse((at, key))) = self.timers.peek() {
            if self.due.get(key) == Some(at) {
                return Some(*at);
            }
            self.timers.pop();
        }
        None
    }

    /// How many keys wait for their pass.
    pub fn waiting(&self) -> usize {
        self.ready.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(second: u64) -> Duration {
        Duration::from_secs(second)
    }

    fn all(queue: &mut Queue<&'static str>, now: Duration) -> Vec<&'static str> {
        std::iter::from_fn(|| queue.next(now)).collect()
    }

    #[test]
    fn keys_come_in_the_order_in_which_they_were_asked_for_each_once() {
        let mut queue = Queue::default();
        for key in ["c", "a", "b", "a"] {
            queue.push(key);
        }
        assert_eq!(queue.waiting(), 3);
        assert_eq!(all(&mut queue, at(0)), ["c", "a", "b"]);
    }

    #[test]
    fn a_key_is_in_one_pass_and_what_asks_meanwhile_is_one_more() {
        let mut queue = Queue::default();
        queue.push("a");
        assert_eq!(queue.next(at(0)), Some("a"));
        queue.push("a");
        queue.push("a");
        assert_eq!(queue.next(at(0)), None);
        queue.done(&"a", Some(at(9)));
        assert_eq!(all(&mut queue, at(0)), ["a"]);
        queue.done(&"a", None);
        assert_eq!(all(&mut queue, at(100)), Vec::<&str>::new());
    }

    #[test]
    fn a_timer_counts_until_something_else_asks_and_is_void_then() {
        let mut queue = Queue::default();
        for (key, due) in [("a", 5), ("b", 3)] {
            queue.push(key);
            queue.next(at(0));
            queue.done(&key, Some(at(due)));
        }
        assert_eq!(queue.wake(), Some(at(3)));
        assert_eq!(all(&mut queue, at(2)), Vec::<&str>::new());
        queue.push("b");
        assert_eq!(all(&mut queue, at(2)), ["b"]);
        assert_eq!(queue.wake(), Some(at(5)));
        queue.done(&"b", None);
        assert_eq!(all(&mut queue, at(5)), ["a"]);
        assert_eq!(queue.wake(), None);
    }
}
