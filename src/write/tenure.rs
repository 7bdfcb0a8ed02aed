//! Whether this process may write: only while it holds the Lease, and how long that is it knows by itself.
//!
//! `lease/` tells a [`Tenure`] of what it acquires, renews and loses; who writes asks it, last of all. A process that was
//! halted meanwhile finds its tenure over, whatever it believed before.

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::watch;

/// How long after a renewal was sent nothing is written any more, unless another one was answered. Others wait for 15 s.
pub const GIVEN_UP_AFTER: Duration = Duration::from_secs(10);
/// How long after it began it may not be known what came of a write that had no answer: 12 s in which it may still be
/// sent, and 10 s in which the API server may carry it out.
const SETTLED_AFTER: Duration = Duration::from_secs(22);

/// Why nothing may be written now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NotHolder {
    /// The Lease was never held.
    #[error("this process does not hold the Lease yet")]
    Awaited,
    /// It was taken from a holder that did not end cleanly, whose last request may still land.
    #[error("the last holder of the Lease did not end cleanly; its last write may still land")]
    Quiet,
    /// No renewal was answered for too long. Others may hold the Lease by now.
    #[error("the Lease was not renewed for {} s", GIVEN_UP_AFTER.as_secs())]
    Expired,
    /// Somebody else has it, or it is gone.
    #[error("this process has lost the Lease")]
    Lost,
    /// This process ends.
    #[error("this process ends")]
    Closed,
}

#[derive(Clone, Copy, Debug, Default)]
enum Phase {
    #[default]
    Awaited,
    Held {
        /// When the last renewal that was answered was sent, by the monotonic clock.
        sent: Duration,
        /// From when on it may be written.
        from: Duration,
    },
    Closed,
    Lost,
}

#[derive(Debug, Default)]
struct State {
    phase: Phase,
    /// Why the Lease is not held yet.
    awaits: String,
    under_way: usize,
    /// Until when it may not be known what came of a write.
    unsettled_until: Duration,
}

/// One holding of the Lease, from before it is acquired until it is lost. Cheap to clone. All times are by one monotonic
/// clock.
#[derive(Clone, Debug, Default)]
pub struct Tenure {
    state: Arc<watch::Sender<State>>,
}

/// A write that has begun. Dropped without [`Writing::answered`], what came of it is unknown.
#[derive(Debug)]
pub struct Writing {
    tenure: Tenure,
    begun: Duration,
    answered: bool,
}

impl Tenure {
    /// Whether a write may start at `now`.
    pub fn may_write(&self, now: Duration) -> Result<(), NotHolder> {
        self.state.borrow().phase.may_write(now)
    }

    /// Begins a write, if it may start at `now`.
    pub fn begin(&self, now: Duration) -> Result<Writing, NotHolder> {
        let mut allowed = Ok(());
        self.state.send_if_modified(|state| {
            allowed = state.phase.may_write(now);
            state.under_way += usize::from(allowed.is_ok());
            false
        });
        allowed.map(|()| Writing {
            tenure: self.clone(),
            begun: now,
            answered: false,
        })
    }

    /// The Lease is not held yet, and this is why.
    pub fn awaits(&self, why: String) {
        self.state.send_if_modified(|state| {
            let is_news = state.awaits != why;
            state.awaits = why;
            is_news
        });
    }

    /// The Lease is held by a request sent at `sent`; nothing is written before `from`. What was closed stays so.
    pub fn acquired(&self, sent: Duration, from: Duration) {
        self.state.send_modify(|state| {
            if let Phase::Awaited = state.phase {
                state.phase = Phase::Held { sent, from };
            }
        });
    }

    /// The Lease was renewed by a request sent at `now`.
    pub fn renewed(&self, now: Duration) {
        self.state.send_modify(|state| {
            if let Phase::Held { sent, .. } = &mut state.phase {
                *sent = now;
            }
        });
    }

    /// The Lease is lost, for ever: there is a new tenure for the next one.
    pub fn lose(&self) {
        self.state.send_modify(|state| state.phase = Phase::Lost);
    }

    /// No write starts any more. The Lease is still held, for those under way.
    pub fn close(&self) {
        self.state.send_modify(|state| state.phase = Phase::Closed);
    }

    /// Waits until the Lease is acquired, and tells why it takes time; gives from when on it may be written. Never ends for
    /// a tenure that is lost.
    pub async fn begins(&self, tell: impl Fn(&str)) -> Duration {
        let mut state = self.state.subscribe();
        loop {
            {
                let state = state.borrow_and_update();
                if let Phase::Held { from, .. } = state.phase {
                    return from;
                }
                tell(&state.awaits);
            }
            // The sender is part of this tenure: it cannot be gone.
            let _ = state.changed().await;
        }
    }

    /// Waits until the Lease is lost.
    pub async fn lost(&self) {
        let lost = |state: &State| matches!(state.phase, Phase::Lost);
        let _ = self.state.subscribe().wait_for(lost).await;
    }

    /// Waits until no write is under way.
    pub async fn drained(&self) {
        let drained = |state: &State| state.under_way == 0;
        let _ = self.state.subscribe().wait_for(drained).await;
    }

    /// Whether it is known at `now` what came of every write, so that the next holder need not wait.
    pub fn is_settled(&self, now: Duration) -> bool {
        let state = self.state.borrow();
        state.under_way == 0 && state.unsettled_until <= now
    }
}

impl Phase {
    fn may_write(self, now: Duration) -> Result<(), NotHolder> {
        match self {
            Self::Awaited => Err(NotHolder::Awaited),
            Self::Lost => Err(NotHolder::Lost),
            Self::Closed => Err(NotHolder::Closed),
            Self::Held { sent, .. } if now >= sent + GIVEN_UP_AFTER => Err(NotHolder::Expired),
            Self::Held { from, .. } if now < from => Err(NotHolder::Quiet),
            Self::Held { .. } => Ok(()),
        }
    }
}

impl Writing {
    /// It is known whether it was written.
    pub fn answered(mut self) {
        self.answered = true;
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.tenure.state.send_modify(|state| {
            state.under_way = state.under_way.saturating_sub(1);
            if !self.answered {
                state.unsettled_until = state.unsettled_until.max(self.begun + SETTLED_AFTER);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use futures::FutureExt as _;

    use super::*;

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn it_may_be_written_only_while_the_lease_is_held_and_freshly_renewed() {
        let tenure = Tenure::default();
        assert_eq!(tenure.may_write(s(0)), Err(NotHolder::Awaited));
        tenure.acquired(s(100), s(110));
        assert_eq!(tenure.may_write(s(109)), Err(NotHolder::Quiet));
        assert_eq!(
            tenure.may_write(s(110)),
            Err(NotHolder::Expired),
            "ten seconds after it was sent, not after it was answered"
        );
        tenure.renewed(s(105));
        assert_eq!(tenure.may_write(s(110)), Ok(()));
        assert_eq!(tenure.may_write(Duration::from_millis(114_999)), Ok(()));
        assert_eq!(tenure.may_write(s(115)), Err(NotHolder::Expired));
        tenure.lose();
        assert_eq!(tenure.may_write(s(106)), Err(NotHolder::Lost));
        tenure.renewed(s(106));
        assert_eq!(
            tenure.may_write(s(106)),
            Err(NotHolder::Lost),
            "a late answer brings nothing back"
        );
    }

    #[test]
    fn every_copy_knows_at_once() {
        let tenure = Tenure::default();
        let copy = tenure.clone();
        tenure.acquired(s(0), s(0));
        assert_eq!(copy.may_write(s(1)), Ok(()));
        copy.lose();
        assert_eq!(tenure.may_write(s(1)), Err(NotHolder::Lost));
        assert!(tenure.lost().now_or_never().is_some());
    }

    #[test]
    fn it_begins_when_the_lease_is_acquired_and_tells_of_the_quiet() {
        let tenure = Tenure::default();
        let told = Cell::new(String::new());
        let begins = || tenure.begins(|why| told.set(why.to_owned())).now_or_never();
        tenure.awaits("another holds it".to_owned());
        assert_eq!(begins(), None);
        assert_eq!(told.take(), "another holds it");
        assert!(tenure.lost().now_or_never().is_none());
        tenure.acquired(s(3), s(13));
        assert_eq!(begins(), Some(s(13)));
        assert_eq!(told.take(), "");
    }

    #[test]
    fn what_is_closed_starts_no_write_and_waits_for_those_under_way() {
        let tenure = Tenure::default();
        tenure.acquired(s(0), s(0));
        let writing = tenure.begin(s(1)).unwrap();
        tenure.close();
        tenure.acquired(s(1), s(1));
        assert_eq!(tenure.begin(s(1)).err(), Some(NotHolder::Closed));
        assert!(tenure.drained().now_or_never().is_none());
        assert!(!tenure.is_settled(s(1)));
        writing.answered();
        assert!(tenure.drained().now_or_never().is_some());
        assert!(tenure.is_settled(s(1)));
    }

    #[test]
    fn a_write_without_an_answer_settles_with_time_only() {
        let tenure = Tenure::default();
        tenure.acquired(s(0), s(0));
        drop(tenure.begin(s(2)).unwrap());
        tenure.begin(s(3)).unwrap().answered();
        assert!(tenure.drained().now_or_never().is_some());
        assert!(!tenure.is_settled(s(23)));
        assert!(tenure.is_settled(s(24)));
    }
}
