//! Whether what is known of calendars can be relied on: how long ago their watches were begun, and how far our clock
//! is off the API server's.
//!
//! A watch that decides over freezes ends after 30 s and is begun again. So one that has not been begun for longer is
//! dead, however alive its connection looks, and what it would have told is not known.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::fmt::rfc2822;
use jiff::{SignedDuration, Timestamp};
#[cfg(test)]
use kube::client::Body;

/// How long ago a watch may have been begun: it lasts 30 s, is given up 5 s later, and has a try or two.
const STALE_AFTER: SignedDuration = SignedDuration::from_secs(75);
/// How far the clocks may differ before it is told.
pub const SKEW_TOLD: SignedDuration = SignedDuration::from_secs(30);
/// How far they may differ before calendars count as closed.
const SKEW_CLOSES: SignedDuration = SignedDuration::from_mins(5);

/// What the API server's answers told. Cheap to clone; all clones share it.
#[derive(Clone, Default)]
pub struct Contact {
    facts: Arc<Mutex<Facts>>,
}

/// What was told, at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// When each watch that must be fresh was begun last.
    begun: BTreeMap<&'static str, Timestamp>,
    /// Our clock less the API server's, as of its last answer to one of those watches.
    skew: SignedDuration,
}

/// Why calendars cannot be relied on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// A watch does not come about.
    Unwatched {
        /// Of what.
        resource: &'static str,
        /// Since when it is not known what changed.
        since: Timestamp,
    },
    /// The clocks differ too much.
    ClockOff {
        /// Ours less the API server's.
        by: SignedDuration,
    },
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unwatched { resource, since } => {
                write!(
                    f,
                    "{resource} cannot be watched since {since:.0}: a calendar may have closed meanwhile"
                )
            }
            Self::ClockOff { by } => write!(
                f,
                "the operator's clock is {} s {} the API server's; set the node's clock",
                by.as_secs().abs(),
                if by.is_negative() { "behind" } else { "ahead of" }
            ),
        }
    }
}

impl Contact {
    /// Takes in the answer that began a watch of `resource`.
    pub fn begun(&self, resource: &'static str, answer: &hyper::Response<impl Sized>, now: Timestamp) {
        if !answer.status().is_success() {
            return;
        }
        let date = answer.headers().get(hyper::header::DATE);
        let date = date.and_then(|date| rfc2822::parse(date.to_str().ok()?).ok());
        let mut facts = self.lock();
        facts.begun.insert(resource, now);
        if let Some(date) = date {
            // The header has whole seconds.
            let skew = now.duration_since(date.timestamp());
            facts.skew = SignedDuration::from_secs(skew.as_secs());
        }
    }

    /// What is known now.
    pub fn facts(&self) -> Facts {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Facts {
    /// Our clock less the API server's.
    pub fn skew(&self) -> SignedDuration {
        self.skew
    }

    /// Whether a watch is dead, so that anything may have been written since.
    pub fn unwatched(&self, now: Timestamp) -> Option<Doubt> {
        let dead = |since: Timestamp| now.duration_since(since) > STALE_AFTER;
        self.begun
            .iter()
            .find(|(_, since)| dead(**since))
            .map(|(resource, since)| Doubt::Unwatched {
                resource,
                since: *since,
            })
    }

    /// Whether our clock cannot tell what is open.
    pub fn clock_off(&self) -> Option<Doubt> {
        (self.skew.abs() > SKEW_CLOSES).then_some(Doubt::ClockOff { by: self.skew })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp::constant(1_800_000_000, 0);

    fn answer(status: u16, date: &str) -> hyper::Response<Body> {
        hyper::Response::builder()
            .status(status)
            .header("date", date)
            .body(Body::empty())
            .unwrap()
    }

    #[test]
    fn a_watch_that_is_not_begun_again_is_dead_and_one_refused_is_not_begun() {
        let contact = Contact::default();
        contact.begun("namespaces", &answer(200, "Fri, 15 Jan 2027 08:00:00 GMT"), AT);
        let later = AT + STALE_AFTER;
        assert_eq!(contact.facts().unwatched(later), None);
        contact.begun("namespaces", &answer(403, "Fri, 15 Jan 2027 08:00:00 GMT"), later);
        let doubt = contact
            .facts()
            .unwatched(later + SignedDuration::from_secs(1))
            .unwrap();
        assert_eq!(
            doubt.to_string(),
            "namespaces cannot be watched since 2027-01-15T08:00:00Z: a calendar may have closed meanwhile"
        );
    }

    #[test]
    fn a_clock_is_off_by_what_the_answers_date_says() {
        for (ours, said) in [
            (0, None),
            (300, None),
            (
                301,
                Some("the operator's clock is 301 s ahead of the API server's; set the node's clock"),
            ),
            (
                -301,
                Some("the operator's clock is 301 s behind the API server's; set the node's clock"),
            ),
        ] {
            let contact = Contact::default();
            let now = AT + SignedDuration::from_secs(ours);
            contact.begun("namespaces", &answer(200, "Fri, 15 Jan 2027 08:00:00 GMT"), now);
            let facts = contact.facts();
            assert_eq!(facts.skew(), SignedDuration::from_secs(ours));
            assert_eq!(facts.clock_off().map(|doubt| doubt.to_string()).as_deref(), said);
        }
    }
}
