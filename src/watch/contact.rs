//! Whether what is known of calendars can be relied on: when the API server last answered for each kind that decides over
//! freezes, what time it is there, and how far our wall clock is off. Pure.
//!
//! A watch of such a kind ends after 30 s and is begun again. So one that has not been begun for longer is dead, however
//! alive its connection looks. An API server that is cut off from its store goes on beginning watches, and tells nothing:
//! only a list that must be consistent is not answered then, so one of each kind is asked every 20 s too. Where either is
//! missing for 75 s, contact is lost: anything may have been closed meanwhile.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::fmt::rfc2822;
use jiff::{SignedDuration, Timestamp};

use super::server_time::{ServerTime, Span};
use crate::clock::Moment;

/// What decides over freezes.
pub const STRICT: [&str; 3] = ["namespaces", "changecalendars", "clusterchangecalendars"];

/// How long ago either answer may have been asked for: a watch lasts 30 s and is given up 5 s later, a list is asked every
/// 20 s and given up after 15, and each has a try or two.
const STALE_AFTER: Duration = Duration::from_secs(75);
/// How far the clocks may differ before it is told.
pub const SKEW_TOLD: SignedDuration = SignedDuration::from_secs(30);
/// How far they may differ before calendars count as closed.
const SKEW_CLOSES: SignedDuration = SignedDuration::from_mins(5);
/// How far our two clocks may run apart between two answers before the time is asked for anew.
const APART: SignedDuration = SignedDuration::from_secs(5);

/// What the API server's answers told. Cheap to clone; all clones share it.
#[derive(Clone, Default)]
pub struct Contact {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    server: ServerTime,
    /// The last gate time that was given: it does not go back as long as that may be right.
    given: Option<Timestamp>,
    /// When the last answer with a date came.
    last: Option<Moment>,
    watched: BTreeMap<&'static str, Sighting>,
    listed: BTreeMap<&'static str, Sighting>,
}

/// When something was last asked that was answered.
#[derive(Clone, Copy)]
struct Sighting {
    monotonic: Duration,
    /// The same by the API server, to tell.
    at: Timestamp,
}

/// What was told, at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// How much later than we say it may be at the API server.
    blur: SignedDuration,
    skew: SignedDuration,
    clock: Option<Doubt>,
    lost: Option<(Timestamp, Doubt)>,
}

/// Why calendars cannot be relied on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// The API server has not answered for this yet.
    Unheard {
        /// Of what.
        resource: &'static str,
    },
    /// A watch does not come about.
    Unwatched {
        /// Of what.
        resource: &'static str,
        /// Since when it is not known what changed.
        since: Timestamp,
    },
    /// A list that must be consistent is not answered.
    Unlisted {
        /// Of what.
        resource: &'static str,
        /// Since when it is not known what changed.
        since: Timestamp,
    },
    /// The wall clock and the monotonic one have run apart since the API server's last answer.
    ClockSet,
    /// The wall clock differs too much from the API server's.
    ClockOff {
        /// Ours less the API server's.
        by: SignedDuration,
    },
}

impl Doubt {
    /// One word for programs.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Unheard { .. } | Self::Unwatched { .. } | Self::Unlisted { .. } => "ContactLost",
            Self::ClockSet | Self::ClockOff { .. } => "ClockSkewed",
        }
    }
}

/// What is told changes only when the doubt does: not by the second.
impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unheard { resource } => write!(f, "the API server has not answered for {resource} yet"),
            Self::Unwatched { resource, since } => write!(
                f,
                "{resource} cannot be watched since {since:.0}: a calendar may have closed meanwhile"
            ),
            Self::Unlisted { resource, since } => write!(
                f,
                "{resource} cannot be listed since {since:.0}: the API server may be cut off from its store, and a \
                 calendar may have closed meanwhile"
            ),
            Self::ClockSet => write!(
                f,
                "the operator's clock was set, or its machine slept; the API server is asked for the time"
            ),
            Self::ClockOff { by } => write!(
                f,
                "the operator's clock is more than {} minutes {} the API server's; set the node's clock",
                SKEW_CLOSES.as_mins(),
                if by.is_negative() { "behind" } else { "ahead of" }
            ),
        }
    }
}

impl Contact {
    /// Takes in the date of an answer, whatever was asked: when that was by the monotonic clock, and when the answer came.
    /// The date of a fault may be that of something between.
    pub fn heard(&self, answer: &hyper::Response<impl Sized>, asked: Duration, came: Moment) {
        if answer.status().is_server_error() {
            return;
        }
        let date = answer.headers().get(hyper::header::DATE);
        let date = date.and_then(|date| rfc2822::parse(date.to_str().ok()?).ok());
        if let Some(date) = date {
            let mut state = self.lock();
            state.server.heard(date.timestamp(), asked, came.monotonic);
            state.last = Some(came);
        }
    }

    /// A watch of `resource` was asked for then, and begun.
    pub fn watched(&self, resource: &'static str, asked: Duration) {
        let mut state = self.lock();
        if let Some(sighting) = state.sighting(asked) {
            state.watched.insert(resource, sighting);
        }
    }

    /// A consistent list of `resource` was asked for then, and answered.
    pub fn listed(&self, resource: &'static str, asked: Duration) {
        let mut state = self.lock();
        if let Some(sighting) = state.sighting(asked) {
            state.listed.insert(resource, sighting);
        }
    }

    /// **Gate time**: what time it is at the API server, at the earliest. Before its first answer the wall clock's time,
    /// and then [`Facts`] says that nothing is known.
    pub fn time(&self, now: Moment) -> Timestamp {
        let span = self.lock().span(now.monotonic);
        span.map_or(now.wall, |span| span.earliest)
    }

    /// What is known now.
    pub fn facts(&self, now: Moment) -> Facts {
        let mut state = self.lock();
        let Some(span) = state.span(now.monotonic) else {
            let unheard = Doubt::Unheard { resource: STRICT[0] };
            return Facts {
                lost: Some((Timestamp::MIN, unheard)),
                ..Facts::default()
            };
        };
        let skew = span.skew(now.wall);
        Facts {
            blur: span.latest.duration_since(span.earliest),
            skew,
            clock: state.clock(now, skew),
            lost: Some(state.lost(now.monotonic, span)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn span(&mut self, monotonic: Duration) -> Option<Span> {
        let mut span = self.server.at(monotonic)?;
        if let Some(given) = self
            .given
            .filter(|given| (span.earliest..=span.latest).contains(given))
        {
            span.earliest = given;
        }
        self.given = Some(span.earliest);
        Some(span)
    }

    fn sighting(&self, monotonic: Duration) -> Option<Sighting> {
        let at = self.server.at(monotonic)?.earliest;
        Some(Sighting { monotonic, at })
    }

    fn clock(&self, now: Moment, skew: SignedDuration) -> Option<Doubt> {
        if skew.abs() > SKEW_CLOSES {
            return Some(Doubt::ClockOff { by: skew });
        }
        let last = self.last?;
        let passed = now.monotonic.saturating_sub(last.monotonic);
        let apart = now.wall.duration_since(last.wall) - SignedDuration::try_from(passed).ok()?;
        (apart.abs() > APART).then_some(Doubt::ClockSet)
    }

    /// What will be doubted first, and from which gate time on; `span` is the time now.
    fn lost(&self, monotonic: Duration, span: Span) -> (Timestamp, Doubt) {
        let all = STRICT
            .iter()
            .flat_map(|resource| {
                let watched = self.watched.get(resource).map(|seen| {
                    (
                        seen.monotonic,
                        Doubt::Unwatched {
                            resource,
                            since: seen.at,
                        },
                    )
                });
                let listed = self.listed.get(resource).map(|seen| {
                    (
                        seen.monotonic,
                        Doubt::Unlisted {
                            resource,
                            since: seen.at,
                        },
                    )
                });
                [watched, listed].map(|seen| seen.ok_or(Doubt::Unheard { resource }))
            })
            .collect::<Result<Vec<_>, Doubt>>();
        let oldest = all.map(|all| all.into_iter().min_by_key(|(asked, _)| *asked));
        match oldest {
            Ok(Some((asked, doubt))) => {
                let age = monotonic.saturating_sub(asked);
                let left = SignedDuration::try_from(STALE_AFTER).unwrap_or(SignedDuration::MAX)
                    - SignedDuration::try_from(age).unwrap_or(SignedDuration::MAX);
                (span.earliest.checked_add(left).unwrap_or(Timestamp::MIN), doubt)
            }
            Ok(None) => (Timestamp::MIN, Doubt::Unheard { resource: STRICT[0] }),
            Err(unheard) => (Timestamp::MIN, unheard),
        }
    }
}

impl Facts {
    /// Our wall clock less the API server's: nothing where they may be the same.
    pub fn skew(&self) -> SignedDuration {
        self.skew
    }

    /// The latest that it may be at the API server when gate time is `now`.
    pub fn latest(&self, now: Timestamp) -> Timestamp {
        now.checked_add(self.blur).unwrap_or(Timestamp::MAX)
    }

    /// How much later than gate time it may be at the API server.
    pub fn blur(&self) -> SignedDuration {
        self.blur
    }

    /// Why anything may have been written since without our knowing.
    pub fn lost(&self, now: Timestamp) -> Option<&Doubt> {
        let (from, doubt) = self.lost.as_ref()?;
        (now >= *from).then_some(doubt)
    }

    /// When contact is lost unless the API server answers before.
    pub fn lost_from(&self) -> Option<Timestamp> {
        self.lost.as_ref().map(|(from, _)| *from)
    }

    /// Why our clocks cannot tell what is open.
    pub fn clock_off(&self) -> Option<&Doubt> {
        self.clock.as_ref()
    }
}

#[cfg(test)]
#[path = "contact_tests.rs"]
mod tests;
