//! One followed calendar: when AWS is asked next, and what stands meanwhile. Pure.

use std::time::Duration;

use jiff::Timestamp;

use super::answer::{CalendarAnswer, CalendarReply};
use super::error::CalendarError;
use crate::calendar::State;
use crate::resolve::StoreIdentity;
use crate::schedule;
use crate::source::call::Fault;
use crate::source::now::Now;

/// How old an answer may get before AWS is asked again, whatever its next transition: calendars are edited.
const REFRESH: Duration = Duration::from_mins(10);
/// The pause after the first failure. No answer, however short it may be trusted, is asked for more often.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);

/// What is followed, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Followed {
    /// Whom to ask.
    pub store: StoreIdentity,
    /// Names or ARNs of the documents, as the user wrote them; all in one request.
    pub documents: Vec<String>,
    /// How long an answer holds that cannot be renewed.
    pub max_staleness: Duration,
}

/// What is known of a calendar at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// An answer holds.
    Known {
        /// The state.
        state: State,
        /// The first moment at which this holds no more, unless it is renewed before.
        until: Timestamp,
        /// When the state changes, where AWS said so; `until` is before that when the answer gets too old first.
        next: Option<Timestamp>,
        /// Why the answer could not be renewed, where the last try failed.
        fault: Option<CalendarError>,
    },
    /// None holds: the calendar counts as closed.
    Unknown(CalendarError),
}

impl Standing {
    /// Whether those who were told `told` must be told this. That an answer was renewed is no news.
    pub(super) fn is_news_after(&self, told: &Self) -> bool {
        let said = |standing: &Self| match standing {
            Self::Known {
                state, next, fault, ..
            } => (Some((*state, *next)), fault.clone()),
            Self::Unknown(why) => (None, Some(why.clone())),
        };
        said(self) != said(told)
    }
}

/// One calendar's answer, failures and due time.
pub(super) struct Following {
    followed: Followed,
    /// Spreads the pauses of calendars that failed together.
    seed: u64,
    answer: Option<CalendarAnswer>,
    /// The last failure; none after a success.
    fault: Option<CalendarError>,
    failures: u32,
    due: Due,
}

/// When AWS is asked next: when the first of both has come.
struct Due {
    /// The answer is to be renewed, or the pause is over. A clock that is put back does not delay it.
    pause: Duration,
    /// The transition.
    transition: Option<Timestamp>,
}

impl Following {
    /// A calendar of which nothing is known; AWS is to be asked at once.
    pub(super) fn new(followed: Followed, seed: u64, now: Now) -> Self {
        Self {
            followed,
            seed,
            answer: None,
            fault: None,
            failures: 0,
            due: Due {
                pause: now.monotonic,
                transition: None,
            },
        }
    }

    pub(super) fn followed(&self) -> &Followed {
        &self.followed
    }

    /// How long until AWS is to be asked; zero: now.
    pub(super) fn wait(&self, now: Now) -> Duration {
        let doubtful = self
            .answer
            .as_ref()
            .is_some_and(|answer| now.wall < answer.fetched);
        if doubtful && self.failures == 0 {
            return Duration::ZERO;
        }
        let pause = self.due.pause.saturating_sub(now.monotonic);
        self.due.transition.map_or(pause, |transition| {
            pause.min(schedule::until(now.wall, transition))
        })
    }

    /// How long the answer that holds now goes on holding.
    pub(super) fn holds_for(&self, now: Now) -> Option<Duration> {
        let answer = self.answer.as_ref()?;
        let max = self.followed.max_staleness;
        answer
            .holds(now.wall, max)
            .then(|| schedule::until(now.wall, answer.until(max)))
    }

    /// Takes in what came at `now` to the question of `asked`.
    pub(super) fn answered(&mut self, result: Result<CalendarReply, Fault>, asked: Now, now: Now) {
        let documents = &self.followed.documents;
        let read = result
            .map_err(|fault| CalendarError::of(fault, documents))
            .and_then(|reply| {
                CalendarAnswer::read(&reply, asked.wall, now.wall)
                    .map_err(|why| CalendarError::unusable(why, documents))
            });
        match read {
            Ok(answer) => {
                self.failures = 0;
                self.fault = None;
                self.due = Due {
                    pause: asked.monotonic + self.refresh(),
                    transition: answer.next,
                };
                self.answer = Some(answer);
            }
            Err(error) => {
                self.failures = self.failures.saturating_add(1);
                self.fault = Some(error);
                let seed = self.seed ^ u64::from(self.failures);
                let pause = schedule::backoff(self.failures, FIRST_PAUSE, LONGEST_PAUSE, seed);
                // A transition that has come is one of the reasons to ask, and must not be one again.
                let transition = self.answer.as_ref().and_then(|answer| answer.next);
                self.due = Due {
                    pause: now.monotonic + pause,
                    transition: transition.filter(|next| *next > now.wall),
                };
            }
        }
    }

    /// Half of what may be trusted, where that is short, so that one failure does not close a calendar.
    fn refresh(&self) -> Duration {
        REFRESH.min(self.followed.max_staleness / 2).max(FIRST_PAUSE)
    }

    /// What is known at `now`.
    pub(super) fn standing(&self, now: Timestamp) -> Standing {
        let max = self.followed.max_staleness;
        match (&self.answer, &self.fault) {
            (Some(answer), fault) if answer.holds(now, max) => Standing::Known {
                state: answer.state,
                until: answer.until(max),
                next: answer.next,
                fault: fault.clone(),
            },
            (_, Some(fault)) => Standing::Unknown(fault.clone()),
            (Some(answer), None) => Standing::Unknown(CalendarError::Lapsed {
                fetched: answer.fetched,
                until: answer.until(max),
            }),
            (None, None) => Standing::Unknown(CalendarError::NotHeard),
        }
    }
}

#[cfg(test)]
#[path = "following_tests.rs"]
mod tests;
