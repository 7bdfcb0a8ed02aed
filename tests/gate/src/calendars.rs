//! Change Calendar: GetCalendarState from a table, which no local server knows.

use std::collections::BTreeMap;
use std::ops::Range;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::protocol::Refusal;

pub(crate) const ACTION: &str = "GetCalendarState";

/// What a calendar is outside its events; inside them it is the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DefaultState {
    /// `DEFAULT_OPEN`: events close it.
    Open,
    /// `DEFAULT_CLOSED`: events open it.
    Closed,
}

#[derive(Debug)]
struct Calendar {
    default: DefaultState,
    events: Vec<Range<Timestamp>>,
}

impl Calendar {
    fn is_open(&self, at: Timestamp) -> bool {
        let inside = self.events.iter().any(|event| event.contains(&at));
        inside == (self.default == DefaultState::Closed)
    }
}

/// The calendars by document name.
#[derive(Debug, Default)]
pub(crate) struct Calendars {
    documents: BTreeMap<String, Calendar>,
}

impl Calendars {
    pub(crate) fn put(
        &mut self,
        document: &str,
        default: DefaultState,
        events: impl IntoIterator<Item = Range<Timestamp>>,
    ) {
        let events = events
            .into_iter()
            .map(|event| whole(event.start)..whole(event.end));
        let calendar = Calendar {
            default,
            events: events.collect(),
        };
        self.documents.insert(name(document).to_owned(), calendar);
    }

    pub(crate) fn remove(&mut self, document: &str) {
        self.documents.remove(name(document));
    }

    /// GetCalendarState, at `now` where the request names no time.
    pub(crate) fn answer(&self, body: &Value, now: Timestamp) -> Result<Value, Refusal> {
        let documents = asked(body);
        if documents.is_empty() {
            let message = "Value at 'calendarNames' failed to satisfy constraint: Member must not be null";
            return Err(Refusal::new("ValidationException", message));
        }
        let calendars: Option<Vec<_>> = documents
            .iter()
            .map(|document| self.documents.get(name(document)))
            .collect();
        let calendars = calendars.ok_or_else(|| {
            let message = "The specified document does not exist or is not available to you.";
            Refusal::new("InvalidDocument", message)
        })?;
        let at = match body["AtTime"].as_str() {
            None => now,
            Some(text) => text.parse::<Timestamp>().map_err(|_| {
                let message = "Value at 'atTime' is no ISO 8601 time";
                Refusal::new("ValidationException", message)
            })?,
        };
        let is_open = |at| calendars.iter().all(|calendar| calendar.is_open(at));
        let state = is_open(at);
        let bounds = calendars
            .iter()
            .flat_map(|calendar| &calendar.events)
            .flat_map(|event| [event.start, event.end]);
        let next = bounds
            .filter(|bound| *bound > at && is_open(*bound) != state)
            .min();
        let mut answer = json!({
            "State": if state { "OPEN" } else { "CLOSED" },
            "AtTime": whole(at).to_string(),
        });
        if let Some(next) = next {
            answer["NextTransitionTime"] = json!(next.to_string());
        }
        Ok(answer)
    }
}

/// The documents that a request asks for.
pub(crate) fn asked(body: &Value) -> Vec<&str> {
    let names = body["CalendarNames"].as_array().into_iter().flatten();
    names.filter_map(Value::as_str).collect()
}

/// A document's name, out of its ARN too.
fn name(document: &str) -> &str {
    document
        .strip_prefix("arn:")
        .and_then(|arn| arn.split_once(":document/"))
        .map_or(document, |(_, name)| name)
}

/// The second: AWS's calendars and its answers have no finer times.
fn whole(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_millisecond().div_euclid(1000)).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + 60 * minute).unwrap()
    }

    fn answer(calendars: &Calendars, documents: &[&str], minute: i64) -> (String, Option<Timestamp>) {
        let body = json!({"CalendarNames": documents});
        let answer = calendars.answer(&body, at(minute)).unwrap();
        assert_eq!(answer["AtTime"], at(minute).to_string());
        let next = answer.get("NextTransitionTime");
        (
            answer["State"].as_str().unwrap().to_owned(),
            next.map(|next| next.as_str().unwrap().parse().unwrap()),
        )
    }

    #[test]
    fn several_calendars_are_open_only_while_each_one_is() {
        let mut calendars = Calendars::default();
        calendars.put("freeze", DefaultState::Open, [at(10)..at(20), at(20)..at(30)]);
        calendars.put("window", DefaultState::Closed, [at(0)..at(40), at(50)..at(60)]);
        for (documents, minute, state, next) in [
            (&["freeze"][..], 0, "OPEN", Some(10)),
            (&["freeze"], 9, "OPEN", Some(10)),
            (&["freeze"], 10, "CLOSED", Some(30)),
            (&["freeze"], 20, "CLOSED", Some(30)),
            (&["freeze"], 30, "OPEN", None),
            (&["window"], 39, "OPEN", Some(40)),
            (&["window"], 40, "CLOSED", Some(50)),
            (&["window"], 60, "CLOSED", None),
            (&["freeze", "window"], 5, "OPEN", Some(10)),
            (&["freeze", "window"], 15, "CLOSED", Some(30)),
            (&["window", "freeze"], 35, "OPEN", Some(40)),
            (&["window", "freeze"], 70, "CLOSED", None),
            (
                &["arn:aws:ssm:eu-west-1:111122223333:document/freeze"],
                10,
                "CLOSED",
                Some(30),
            ),
        ] {
            let expected = (state.to_owned(), next.map(at));
            assert_eq!(
                answer(&calendars, documents, minute),
                expected,
                "{documents:?} at {minute}"
            );
        }
    }

    #[test]
    fn times_are_whole_seconds() {
        let mut calendars = Calendars::default();
        let half = jiff::SignedDuration::from_millis(500);
        calendars.put("freeze", DefaultState::Open, [at(1) + half..at(2)]);
        let body = json!({"CalendarNames": ["freeze"]});
        let answer = calendars.answer(&body, at(0) + half).unwrap();
        assert_eq!(answer["AtTime"], at(0).to_string());
        assert_eq!(answer["NextTransitionTime"], at(1).to_string());
    }
}
