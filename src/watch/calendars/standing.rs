//! What a calendar says of a moment, wherever it is evaluated.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use crate::calendar::{Ahead, Calendar, Reader, State, Timeline};
use crate::error::Classified;

/// What is wrong with a calendar. The message names the field, what was found, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CalendarFault {
    /// One word for programs.
    pub reason: &'static str,
    /// In words.
    pub message: String,
}

impl CalendarFault {
    /// The fault that an error tells of.
    pub fn of(error: &(impl Classified + fmt::Display)) -> Self {
        Self {
            reason: error.reason(),
            message: error.to_string(),
        }
    }
}

/// What a calendar says, for any time.
#[derive(Clone, Debug)]
pub enum Standing {
    /// What was evaluated here.
    Evaluated(Arc<Evaluated>),
    /// What AWS said.
    Answered(Answered),
    /// Nothing that can be relied on: it is closed.
    Unknown(CalendarFault),
}

/// A calendar that is evaluated here.
#[derive(Debug)]
pub struct Evaluated {
    /// Which generation of its spec this is.
    pub generation: i64,
    /// The state outside of its events.
    pub default_state: State,
    /// What it says from when it was evaluated on, for as long as was looked ahead.
    pub timeline: Timeline,
    /// The calendar; none where only its status was left to tell.
    pub calendar: Option<Calendar>,
}

/// What AWS said of a calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The state.
    pub state: State,
    /// When AWS says that it changes next; none where it does not.
    pub next: Option<Timestamp>,
    /// Until when the answer counts; from then on the calendar is closed.
    pub until: Timestamp,
}

/// What a calendar says of one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stands {
    /// Open or closed.
    pub state: State,
    /// Until when this is certain: an open one may be closed from then on, a closed one is open; none where that is not
    /// known.
    pub until: Option<Timestamp>,
    /// When the calendar says that its state changes next.
    pub next: Option<Timestamp>,
    /// The event that makes it differ from the default.
    pub event: Option<Arc<str>>,
    /// Why it is closed, where that is not what the calendar says itself.
    pub fault: Option<CalendarFault>,
}

impl Standing {
    /// What counts at `now`. Closed where it is not certain.
    pub fn at(&self, now: Timestamp) -> Stands {
        match self {
            Self::Evaluated(evaluated) => match evaluated.reader().at(now) {
                Some(moment) => Stands {
                    state: moment.state,
                    until: moment.next.map(|next| next.at),
                    next: moment.next.map(|next| next.at),
                    event: moment.event,
                    fault: None,
                },
                None => Stands::closed(CalendarFault {
                    reason: "CalendarEnded",
                    message: "what its last valid form said ends here; correct the calendar".to_owned(),
                }),
            },
            Self::Answered(answer) if now < answer.until => Stands {
                state: answer.state,
                // An open one is closed as soon as its answer counts no longer.
                until: match answer.state {
                    State::Open => Some(answer.until),
                    State::Closed => answer.next,
                },
                next: answer.next,
                event: None,
                fault: None,
            },
            Self::Answered(answer) => Stands::closed(CalendarFault {
                reason: "CalendarLapsed",
                message: format!(
                    "AWS has not answered since what it said ended at {:.0}",
                    answer.until
                ),
            }),
            Self::Unknown(fault) => Stands::closed(fault.clone()),
        }
    }

    /// Whether it was closed at `from` and all the time up to `now`; none where nobody can tell.
    pub fn closed_throughout(&self, from: Timestamp, now: Timestamp) -> Option<bool> {
        let Self::Evaluated(evaluated) = self else {
            return None;
        };
        let moment = evaluated.reader().at(from)?;
        let opened = moment.next.is_some_and(|next| next.at <= now);
        Some(moment.state == State::Closed && !opened)
    }

    /// What is expected of times to come: what counts then, but AWS's word for its next change is taken.
    pub fn ahead(&self) -> Expected<'_> {
        match self {
            Self::Evaluated(evaluated) => Expected::Evaluated(evaluated.reader()),
            Self::Answered(answer) => Expected::Answered(answer),
            Self::Unknown(_) => Expected::Unknown,
        }
    }
}

/// What is expected of a calendar.
pub enum Expected<'a> {
    /// What it says itself.
    Evaluated(Reader<'a>),
    /// What AWS said.
    Answered(&'a Answered),
    /// Nothing: closed, nobody knows how long.
    Unknown,
}

impl Ahead for Expected<'_> {
    fn look(&mut self, at: Timestamp) -> Option<(State, Option<Timestamp>)> {
        match self {
            Self::Evaluated(reader) => reader.look(at).or(Some((State::Closed, None))),
            Self::Answered(answer) => Some(match answer.next {
                Some(next) if at >= next => (answer.state.other(), None),
                next => (answer.state, next),
            }),
            Self::Unknown => Some((State::Closed, None)),
        }
    }
}

impl Evaluated {
    fn reader(&self) -> Reader<'_> {
        Reader::new(&self.timeline, self.calendar.as_ref())
    }
}

impl Stands {
    fn closed(fault: CalendarFault) -> Self {
        Self {
            state: State::Closed,
            until: None,
            next: None,
            event: None,
            fault: Some(fault),
        }
    }
}
