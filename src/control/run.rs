//! The loop of one kind: keys come in, each gets its pass, and passes say when they want the next.

use std::future::Future;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt, Stream, StreamExt};
use tokio::task::JoinSet;

use super::queue::Queue;
use crate::clock::Clock;

/// How long a loop in which nothing is due sleeps.
const IDLE: Duration = Duration::from_hours(1);

/// Makes a pass of each key that `triggers` gives, at most `concurrency` at once, until `stop`; then waits for the passes
/// under way. `pass` gives after how long it wants the next, and must not panic.
pub async fn run<K, F, P>(
    triggers: impl Stream<Item = K> + Send,
    clock: Arc<dyn Clock>,
    concurrency: usize,
    stop: impl Future<Output = ()> + Send,
    pass: F,
) where
    K: Clone + Eq + Hash + Ord + Send + Sync + 'static,
    F: Fn(K) -> P,
    P: Future<Output = Option<Duration>> + Send + 'static,
{
    let mut queue: Queue<K> = Queue::default();
    let mut passes: JoinSet<(K, Option<Duration>)> = JoinSet::new();
    let (mut triggers, mut stop) = (std::pin::pin!(triggers), std::pin::pin!(stop));
    loop {
        let now = clock.monotonic();
        while passes.len() < concurrency
            && let Some(key) = queue.next(now)
        {
            let made = pass(key.clone());
            passes.spawn(async move { (key, made.await) });
        }
        let sleep = queue.wake().map_or(IDLE, |at| at.saturating_sub(now));
        tokio::select! {
            () = &mut stop => break,
            Some(done) = passes.join_next() => {
                if let Ok((key, after)) = done {
                    queue.done(&key, after.map(|after| clock.monotonic() + after));
                }
            }
            Some(key) = triggers.next() => {
                queue.push(key);
                // All that is there already, so that a burst is taken in its order.
                while let Some(Some(key)) = triggers.next().now_or_never() {
                    queue.push(key);
                }
            }
            // At most as often as once a millisecond, and never while all places are taken.
            () = tokio::time::sleep(sleep.max(Duration::from_millis(1))), if passes.len() < concurrency => {}
        }
    }
    while passes.join_next().await.is_some() {}
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use jiff::Timestamp;

    use super::*;
    use crate::clock::TestClock;

    #[tokio::test(start_paused = true)]
    async fn keys_get_passes_in_order_again_when_they_ask_and_the_last_ones_end() {
        let clock = Arc::new(TestClock::running(Timestamp::UNIX_EPOCH));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let told = seen.clone();
        let (at, began) = (clock.clone(), clock.monotonic());
        let pass = move |key: &'static str| {
            let (told, at) = (told.clone(), at.clone());
            async move {
                let second = at.monotonic().saturating_sub(began).as_secs();
                told.lock().unwrap().push((key, second));
                tokio::time::sleep(Duration::from_secs(1)).await;
                (key == "b" && second < 10).then_some(Duration::from_secs(10))
            }
        };
        let triggers = futures::stream::iter(["a", "b", "a", "c"]).chain(futures::stream::pending());
        let stop = tokio::time::sleep(Duration::from_secs(30));
        run(triggers, clock, 1, stop, pass).await;
        // `a` was asked for twice before its first pass began.
        assert_eq!(*seen.lock().unwrap(), [("a", 0), ("b", 1), ("c", 2), ("b", 12)]);
    }
}
