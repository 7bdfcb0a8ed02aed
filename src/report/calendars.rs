//! What is said of a calendar: its state and its next ones, and whether its newest form is the one that counts. Pure.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::conditions::condition;
use super::notes::Note;
use super::time::seconds;
use crate::api::{CalendarState, ChangeCalendarStatus, LastValid, UpcomingPeriod};
use crate::calendar::State;
use crate::watch::{CalendarEntry, ContactFacts, SKEW_TOLD, Standing, Stands};

/// How many periods to come are told.
const MAX_UPCOMING: usize = 5;
/// How long before what is kept for a restart ends it is written anew, if nothing else asks for that before.
const RENEW_BEFORE: SignedDuration = SignedDuration::from_hours(24);

/// A condition of the clock goes when the clocks are that much nearer than where it came: so it does not come and go.
const NEARER: SignedDuration = SignedDuration::from_secs(5);

/// What is to be said of a calendar.
#[derive(Clone, Debug, PartialEq)]
pub struct CalendarReport {
    /// The whole status.
    pub status: ChangeCalendarStatus,
    /// Events, for what changed since the status that is there.
    pub notes: Vec<Note>,
}

/// Says what is to be said.
pub fn calendar_report(entry: &CalendarEntry, contact: &ContactFacts, now: Timestamp) -> CalendarReport {
    let before = &entry.status;
    let stands = entry.standing.at(now);
    let mut conditions = vec![ready(entry, &stands, now)];
    conditions.extend(clock(entry, contact, now));
    let status = ChangeCalendarStatus {
        observed_generation: Some(entry.generation),
        conditions: Some(conditions),
        state: Some(written(stands.state)),
        event: stands.event.as_deref().map(str::to_owned),
        next_transition: stands.next.map(seconds),
        upcoming: upcoming(entry, now),
        last_valid: kept(entry, now),
    };
    let notes = notes(before, &status, &stands);
    CalendarReport { status, notes }
}

/// What is said of the clock: no seconds, which would rewrite each calendar's status whenever one is gained or lost.
fn clock(entry: &CalendarEntry, contact: &ContactFacts, now: Timestamp) -> Option<Condition> {
    let before = entry.status.conditions.as_deref().unwrap_or_default();
    let told = before.iter().any(|condition| condition.type_ == "ClockSkewed");
    let bound = if told { SKEW_TOLD - NEARER } else { SKEW_TOLD };
    let message = match contact.clock_off() {
        Some(doubt) => format!("{doubt}; meanwhile every calendar counts as closed"),
        None if contact.skew().abs() > bound => format!(
            "the operator's clock is more than {} seconds {} the API server's; from 5 minutes on every calendar counts as \
             closed",
            SKEW_TOLD.as_secs(),
            if contact.skew().is_negative() {
                "behind"
            } else {
                "ahead of"
            },
        ),
        None => return None,
    };
    Some(condition(
        before,
        Some(entry.generation),
        now,
        "ClockSkewed",
        "True",
        "ClockSkewed",
        message,
    ))
}

fn ready(entry: &CalendarEntry, stands: &Stands, now: Timestamp) -> Condition {
    let (status, reason, message) = match entry.fault.as_ref().or(stands.fault.as_ref()) {
        Some(fault) => {
            let instead = match (&entry.standing, &stands.fault) {
                (Standing::Evaluated(evaluated), None) if evaluated.generation != entry.generation => {
                    format!("; until then generation {} counts", evaluated.generation)
                }
                (Standing::Evaluated(_), None) => String::new(),
                (Standing::Answered(_), None) => "; until then what AWS said last counts".to_owned(),
                _ => "; until then it counts as closed".to_owned(),
            };
            ("False", fault.reason, format!("{}{instead}", fault.message))
        }
        None if entry.warnings.is_empty() => ("True", "Evaluated", "its state is known".to_owned()),
        None => (
            "True",
            "Evaluated",
            format!("warning: {}", entry.warnings.join("; ")),
        ),
    };
    let before = entry.status.conditions.as_deref().unwrap_or_default();
    condition(
        before,
        Some(entry.generation),
        now,
        "Ready",
        status,
        reason,
        message,
    )
}

fn upcoming(entry: &CalendarEntry, now: Timestamp) -> Option<Vec<UpcomingPeriod>> {
    let periods = entry
        .evaluated()?
        .timeline
        .upcoming(now, MAX_UPCOMING)
        .into_iter();
    let periods: Vec<UpcomingPeriod> = periods
        .map(|period| UpcomingPeriod {
            from: seconds(period.from),
            to: period.to.map(seconds),
            event: period.event.as_deref().map(str::to_owned),
        })
        .collect();
    (!periods.is_empty()).then_some(periods)
}

/// The last valid form, as a restarted operator would need it. It is written anew with the state, and when it runs out;
/// not because time passes.
fn kept(entry: &CalendarEntry, now: Timestamp) -> Option<LastValid> {
    let before = entry.status.last_valid.as_ref();
    let Some(evaluated) = entry.evaluated().filter(|evaluated| evaluated.calendar.is_some()) else {
        return before.filter(|_| entry.aws.is_none()).cloned();
    };
    let stands = written(entry.standing.at(now).state);
    let lasts = |known: &&LastValid| {
        let until = known.until.parse::<Timestamp>();
        known.generation == evaluated.generation
            && entry.status.state == Some(stands)
            && until.is_ok_and(|until| until.duration_since(now) > RENEW_BEFORE)
    };
    if let Some(known) = before.filter(lasts) {
        return Some(known.clone());
    }
    let record = evaluated.timeline.record();
    Some(LastValid {
        generation: evaluated.generation,
        default_state: written(evaluated.default_state),
        from: seconds(record.from),
        state: written(record.state),
        transitions: (!record.transitions.is_empty())
            .then(|| record.transitions.into_iter().map(seconds).collect()),
        until: seconds(record.until),
    })
}

/// An event for each closing and opening, once, and for a fault that is new.
fn notes(before: &ChangeCalendarStatus, after: &ChangeCalendarStatus, stands: &Stands) -> Vec<Note> {
    let mut notes = Vec::new();
    if before.state.is_some() && before.state != after.state {
        let until = after
            .next_transition
            .as_ref()
            .map(|next| format!(" until {next}"))
            .unwrap_or_default();
        let event = stands
            .event
            .as_ref()
            .map(|event| format!(" ({event})"))
            .unwrap_or_default();
        let (reason, word) = match stands.state {
            State::Open => ("Opened", "open"),
            State::Closed => ("Closed", "closed"),
        };
        notes.push(Note {
            warning: false,
            reason: reason.to_owned(),
            text: format!("{word}{until}{event}"),
            action: "Evaluate",
        });
    }
    let ready = |status: &ChangeCalendarStatus| {
        let mut conditions = status.conditions.iter().flatten();
        let ready = conditions.find(|condition| condition.type_ == "Ready")?;
        Some((ready.status.clone(), ready.reason.clone(), ready.message.clone()))
    };
    if let Some((status, reason, message)) = ready(after)
        && status != "True"
        && ready(before).is_none_or(|(old, why, _)| (old, why) != (status, reason.clone()))
    {
        notes.push(Note {
            warning: true,
            reason,
            text: message,
            action: "Evaluate",
        });
    }
    notes
}

/// The API's word for the evaluator's.
pub(super) fn written(state: State) -> CalendarState {
    match state {
        State::Open => CalendarState::Open,
        State::Closed => CalendarState::Closed,
    }
}

#[cfg(test)]
#[path = "calendar_tests.rs"]
mod tests;
