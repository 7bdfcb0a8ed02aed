//! The calendars' own loop: evaluates them as time passes, says what they say, and wakes what hangs on them.
//!
//! No timer is trusted: a calendar is looked at when it is due to change, at the latest after five minutes, and what
//! counts then is what it says at that time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use jiff::{SignedDuration, Timestamp};

use super::context::Operator;
use crate::calendar::State;
use crate::clock::Clock as _;
use crate::metrics::CalendarSays;
use crate::names::CalendarKey;
use crate::record::Scope;
use crate::report::calendar_report;
use crate::resolve::identify;
use crate::schedule;
use crate::source::{self, Followed};
use crate::watch::{Answered, CalendarFault, CalendarIndex, Standing};

/// The longest time for which a calendar is not looked at.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_mins(5);
/// How long a status that could not be written waits.
const RETRY: SignedDuration = SignedDuration::from_secs(10);
/// How long a loop without calendars sleeps.
const IDLE: Duration = Duration::from_hours(1);

/// What is remembered of a calendar between looks.
struct Watched {
    due: Timestamp,
    state: State,
}

/// Keeps the calendars for as long as it is polled.
pub async fn keep_calendars(context: Arc<Operator>) {
    let mut triggers = context.calendar_triggers.stream();
    let mut watched: BTreeMap<CalendarKey, Watched> = BTreeMap::new();
    loop {
        let next = watched.values().map(|known| known.due).min();
        let sleep = next.map_or(IDLE, |due| schedule::until(context.clock.now(), due));
        let keys = tokio::select! {
            Some(key) = triggers.next() => vec![key],
            () = tokio::time::sleep(sleep) => {
                let now = context.clock.now();
                let due = watched.iter().filter(|(_, known)| known.due <= now);
                due.map(|(key, _)| key.clone()).collect()
            }
        };
        for key in keys {
            let before = watched.remove(&key).map(|known| known.state);
            if let Some(known) = look(&context, &key, before).await {
                watched.insert(key, known);
            }
        }
    }
}

/// Looks at one calendar; none where it is gone.
async fn look(context: &Operator, key: &CalendarKey, before: Option<State>) -> Option<Watched> {
    let now = context.clock.now();
    context.indexes.calendars_mut().renew(key, now);
    let moved = ask_aws(context, key, now);
    let Some(entry) = context.indexes.calendars().get(key).cloned() else {
        context.calendars.forget(key);
        context.metrics.calendars.gone(key);
        return None;
    };
    let stands = entry.standing.at(now);
    let closes = stands.state == State::Closed && before == Some(State::Open);
    if moved {
        // Nobody knew when this would be: those who wait could not set a time for it.
        context.wake(context.waiting().objects(key));
    }
    if closes || moved {
        let unasked =
            |object: &_| entry.freeze.scope == Scope::All || context.indexes.syncs().is_unasked(object);
        context.wake(context.indexes.bound(key).into_iter().filter(unasked));
    }
    let says = CalendarSays {
        ready: entry.fault.is_none() && stands.fault.is_none(),
        state: stands.state,
        next: stands.next,
        bound: context.indexes.bound(key).len(),
    };
    context.metrics.calendars.says(key, says);
    let contact = context.indexes.contact().facts(context.clock.moment());

    let report = calendar_report(&entry, &contact, now);
    let mut due = now.saturating_add(LOOK_AGAIN).unwrap_or(Timestamp::MAX);
    due = stands.until.into_iter().chain([due]).min().unwrap_or(due);
    if let Err(error) = context.status.write_calendar(key, &entry, &report).await {
        tracing::warn!(%error, "trying again in {RETRY:#}");
        due = due.min(now.saturating_add(RETRY).unwrap_or(due));
    }
    if before.is_some_and(|before| before != stands.state) {
        tracing::info!(calendar = %key, state = ?stands.state, until = ?stands.until, "a calendar changed its state");
    }
    Some(Watched {
        due,
        state: stands.state,
    })
}

/// Has AWS asked for a calendar that it evaluates, and takes in what it said. Says whether that changed what counts.
fn ask_aws(context: &Operator, key: &CalendarKey, now: Timestamp) -> bool {
    let Some(aws) = context
        .indexes
        .calendars()
        .get(key)
        .and_then(|entry| entry.aws.clone())
    else {
        context.calendars.forget(key);
        return false;
    };
    let identity = identify(
        key.namespace(),
        &aws.store,
        &context.indexes.stores(),
        &context.indexes.namespaces(),
        &context.endpoints,
    );
    let (standing, fault) = match identity {
        Ok(store) => {
            let followed = Followed {
                store,
                documents: aws.documents,
                max_staleness: aws.max_staleness,
            };
            context.calendars.follow(key.clone(), followed);
            told(context.calendars.standing(key, now))
        }
        Err(refusal) => {
            context.calendars.forget(key);
            let fault = CalendarFault::of(&refusal);
            (Standing::Unknown(fault.clone()), Some(fault))
        }
    };
    let mut calendars = context.indexes.calendars_mut();
    let stands = |calendars: &CalendarIndex| {
        let (standing, _) = calendars.standing(key);
        let stands = standing.at(now);
        (
            stands.state,
            (stands.state == State::Closed).then_some(stands.until),
        )
    };
    let before = stands(&calendars);
    calendars.answered(key, standing, fault);
    before != stands(&calendars)
}

/// What AWS told, in the words of the gate.
fn told(standing: source::Standing) -> (Standing, Option<CalendarFault>) {
    match standing {
        source::Standing::Known {
            state,
            until,
            next,
            fault,
        } => (
            Standing::Answered(Answered { state, next, until }),
            fault.as_ref().map(CalendarFault::of),
        ),
        source::Standing::Unknown(error) => {
            let fault = CalendarFault::of(&error);
            (Standing::Unknown(fault.clone()), Some(fault))
        }
    }
}
