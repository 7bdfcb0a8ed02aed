//! What AWS says to GetCalendarState, and what of it can be used. Pure.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use thiserror::Error;

use crate::calendar::State;

/// GetCalendarState's three texts as they came. AWS's model makes each of them optional.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CalendarReply {
    /// `OPEN` or `CLOSED`: of all documents together, `OPEN` only if each one is open.
    pub state: Option<String>,
    /// The moment that the state is of; ISO 8601.
    pub at_time: Option<String>,
    /// When the state changes; ISO 8601. Absent where nothing follows.
    pub next_transition_time: Option<String>,
}

/// An answer that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CalendarAnswer {
    /// The state until `next`.
    pub state: State,
    /// When the state changes, as far as AWS knew when it was asked: calendars are edited in between.
    pub next: Option<Timestamp>,
    /// When AWS was asked. The state is at least as fresh as that.
    pub fetched: Timestamp,
}

impl CalendarAnswer {
    /// Reads what came at `now` to a question of `fetched`. An answer is good as a whole or not at all: what is doubtful
    /// in one of its parts must not open a calendar.
    pub fn read(reply: &CalendarReply, fetched: Timestamp, now: Timestamp) -> Result<Self, Unusable> {
        let state = match reply.state.as_deref() {
            Some("OPEN") => State::Open,
            Some("CLOSED") => State::Closed,
            _ => return Err(Unusable::State),
        };
        let at = time(reply.at_time.as_deref(), Unusable::AtTime)?;
        let next = time(
            reply.next_transition_time.as_deref(),
            Unusable::NextTransitionTime,
        )?;
        match next {
            Some(next) if at.is_some_and(|at| next <= at) => Err(Unusable::NextBeforeAtTime),
            Some(next) if next <= now => Err(Unusable::NextIsPast),
            next => Ok(Self { state, next, fetched }),
        }
    }

    /// The first moment at which the answer holds no more.
    pub fn until(&self, max_staleness: Duration) -> Timestamp {
        let stale = SignedDuration::try_from(max_staleness)
            .ok()
            .and_then(|age| self.fetched.checked_add(age).ok())
            .unwrap_or(Timestamp::MAX);
        self.next.map_or(stale, |next| next.min(stale))
    }

    /// Whether the answer holds at `now`. It does not before it was asked for either: then the clock was put back, and
    /// how old the answer is cannot be said.
    pub fn holds(&self, now: Timestamp, max_staleness: Duration) -> bool {
        self.fetched <= now && now < self.until(max_staleness)
    }
}

/// A time that may be absent, but not `unreadable`.
fn time(text: Option<&str>, unreadable: Unusable) -> Result<Option<Timestamp>, Unusable> {
    text.map(|text| text.parse().map_err(|_| unreadable)).transpose()
}

/// Why an answer is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Unusable {
    /// A state that nobody knows, or no state.
    #[error("its State is neither OPEN nor CLOSED")]
    State,
    /// No ISO 8601 with an offset.
    #[error("its AtTime cannot be read")]
    AtTime,
    /// No ISO 8601 with an offset.
    #[error("its NextTransitionTime cannot be read")]
    NextTransitionTime,
    /// The state would end before it began.
    #[error("its NextTransitionTime is not after its AtTime")]
    NextBeforeAtTime,
    /// The state ended before it came here.
    #[error("its NextTransitionTime is past by the operator's clock")]
    NextIsPast,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        format!("2026-11-25T{text}Z").parse().unwrap()
    }

    #[test]
    fn an_answer_is_read_as_a_whole_or_not_at_all() {
        use State::{Closed, Open};
        let (at_time, later) = (Some("2026-11-25T10:00:00Z"), Some("2026-11-25T11:00:00Z"));
        for (name, state, at_time, next, expected) in [
            (
                "open until later",
                Some("OPEN"),
                at_time,
                later,
                Ok((Open, Some(at("11:00:00")))),
            ),
            (
                "closed for good",
                Some("CLOSED"),
                at_time,
                None,
                Ok((Closed, None)),
            ),
            (
                "no AtTime",
                Some("OPEN"),
                None,
                later,
                Ok((Open, Some(at("11:00:00")))),
            ),
            (
                "with an offset",
                Some("OPEN"),
                at_time,
                Some("2026-11-25T20:00:00+09:00"),
                Ok((Open, Some(at("11:00:00")))),
            ),
            (
                "with milliseconds",
                Some("OPEN"),
                at_time,
                Some("2026-11-25T11:00:00.250Z"),
                Ok((Open, Some(at("11:00:00.250")))),
            ),
            (
                "just after the present",
                Some("OPEN"),
                at_time,
                Some("2026-11-25T10:00:02.001Z"),
                Ok((Open, Some(at("10:00:02.001")))),
            ),
            ("no State", None, at_time, later, Err(Unusable::State)),
            (
                "another State",
                Some("AJAR"),
                at_time,
                later,
                Err(Unusable::State),
            ),
            (
                "a State in small letters",
                Some("open"),
                at_time,
                later,
                Err(Unusable::State),
            ),
            (
                "an AtTime that is none",
                Some("OPEN"),
                Some("now"),
                later,
                Err(Unusable::AtTime),
            ),
            (
                "a next that is none",
                Some("OPEN"),
                at_time,
                Some("soon"),
                Err(Unusable::NextTransitionTime),
            ),
            (
                "an empty next",
                Some("CLOSED"),
                at_time,
                Some(""),
                Err(Unusable::NextTransitionTime),
            ),
            (
                "a next without zone",
                Some("OPEN"),
                at_time,
                Some("2026-11-25T11:00:00"),
                Err(Unusable::NextTransitionTime),
            ),
            (
                "next at AtTime",
                Some("OPEN"),
                later,
                later,
                Err(Unusable::NextBeforeAtTime),
            ),
            (
                "next before AtTime",
                Some("OPEN"),
                later,
                Some("2026-11-25T10:30:00Z"),
                Err(Unusable::NextBeforeAtTime),
            ),
            (
                "next at the present",
                Some("CLOSED"),
                at_time,
                Some("2026-11-25T10:00:02Z"),
                Err(Unusable::NextIsPast),
            ),
            (
                "next in the past",
                Some("OPEN"),
                None,
                Some("2026-11-25T09:00:00Z"),
                Err(Unusable::NextIsPast),
            ),
        ] {
            let reply = CalendarReply {
                state: state.map(str::to_owned),
                at_time: at_time.map(str::to_owned),
                next_transition_time: next.map(str::to_owned),
            };
            let (fetched, now) = (at("10:00:01"), at("10:00:02"));
            let expected = expected.map(|(state, next)| CalendarAnswer { state, next, fetched });
            assert_eq!(CalendarAnswer::read(&reply, fetched, now), expected, "{name}");
        }
    }

    #[test]
    fn an_answer_holds_up_to_but_not_at_the_transition_or_its_greatest_age() {
        let hour = Duration::from_hours(1);
        for (name, next, max, now, holds) in [
            ("when asked", None, hour, "10:00:00", true),
            ("just before its greatest age", None, hour, "10:59:59.999", true),
            ("at its greatest age", None, hour, "11:00:00", false),
            (
                "just before the transition",
                Some("10:30:00"),
                hour,
                "10:29:59.999",
                true,
            ),
            ("at the transition", Some("10:30:00"), hour, "10:30:00", false),
            (
                "too old before the transition",
                Some("12:00:00"),
                hour,
                "11:00:00",
                false,
            ),
            (
                "transition and age at once",
                Some("11:00:00"),
                hour,
                "11:00:00",
                false,
            ),
            ("before it was asked for", None, hour, "09:59:59.999", false),
            ("without any age allowed", None, Duration::ZERO, "10:00:00", false),
            ("an age beyond all time", None, Duration::MAX, "23:59:59", true),
        ] {
            let answer = CalendarAnswer {
                state: State::Open,
                next: next.map(at),
                fetched: at("10:00:00"),
            };
            assert_eq!(answer.holds(at(now), max), holds, "{name}");
        }
    }
}
