//! Looks for what is allowed in a calendar, and yet hardly meant.

use jiff::{SignedDuration, Timestamp};

use super::State;
use super::budget::OverBudget;
use super::compile::Calendar;
use super::occurrence::DAY;
use super::spans::Span;
use super::timeline::later;
use super::warning::Warning;

/// How far ahead is looked.
const LOOK: SignedDuration = SignedDuration::from_hours(366 * 24);
/// A calendar that does not open for so long may never open.
const NEVER: SignedDuration = SignedDuration::from_hours(92 * 24);
/// A freeze that is longer may be meant to be shorter.
const LONG: SignedDuration = SignedDuration::from_hours(90 * 24);
/// What waits may not get through in a shorter opening.
const SHORT: SignedDuration = SignedDuration::from_mins(5);

/// Where warnings are that concern all of it.
const WHOLE: &str = "calendar";

impl Calendar {
    /// What is odd about this calendar, seen from `now`.
    pub fn lint(&self, now: Timestamp) -> Result<Vec<Warning>, OverBudget> {
        let spans = self.spans(now, later(now, LOOK))?;
        let mut warnings = Vec::new();
        match spans.iter().find(|span| span.state == State::Open) {
            Some(open) if open.from.duration_since(now) <= NEVER => {
                warnings.extend(spans.iter().find_map(long_freeze));
            }
            _ => warnings.push(Warning::about(
                WHOLE,
                format!("does not open within {} days", days(NEVER)),
            )),
        }
        warnings.extend(
            spans
                .get(1..spans.len().saturating_sub(1))
                .unwrap_or_default()
                .iter()
                .find_map(short_opening),
        );
        let past = self
            .last_ends
            .iter()
            .filter(|last| last.at.is_some_and(|end| end <= now));
        warnings.extend(past.map(|last| Warning::about(&last.field, "has no occurrence left; remove it")));
        Ok(warnings)
    }
}

fn long_freeze(span: &Span) -> Option<Warning> {
    let length = span.to.duration_since(span.from);
    (span.state == State::Closed && length > LONG).then(|| {
        Warning::about(
            WHOLE,
            format!(
                "is closed for more than {} days on end, from {} to {}",
                days(LONG),
                span.from,
                span.to
            ),
        )
    })
}

fn short_opening(span: &Span) -> Option<Warning> {
    let length = span.to.duration_since(span.from);
    (span.state == State::Open && length < SHORT).then(|| {
        Warning::about(
            WHOLE,
            format!(
                "opens for less than {} minutes at {}, which may be too short for what waits",
                SHORT.as_mins(),
                span.from
            ),
        )
    })
}

fn days(length: SignedDuration) -> i64 {
    length.as_hours() / DAY.as_hours()
}
