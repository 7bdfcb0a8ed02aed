//! What the CEL rules of the CRDs say about the form of calendars, and the evaluator, which reads more, does not.
//!
//! So that what is accepted here can be applied; a test puts the table of the CEL rules to both.

use crate::api::{ClusterChangeCalendarSpec, EventSpec};
use crate::calendar::CalendarError;

/// Refuses what the API server would refuse for its form.
pub(super) fn check(spec: &ClusterChangeCalendarSpec) -> Result<(), CalendarError> {
    check_zone("spec.timeZone", spec.time_zone.as_deref())?;
    for (index, event) in spec.events.iter().flatten().enumerate() {
        check_event(&format!("spec.events[{index}]"), event)?;
    }
    let selector = spec.namespace_selector.as_ref();
    let expressions = selector.and_then(|selector| selector.match_expressions.as_ref());
    for (index, expression) in expressions.into_iter().flatten().enumerate() {
        let compares = ["In", "NotIn"].contains(&expression.operator.as_str());
        let has_values = expression
            .values
            .as_ref()
            .is_some_and(|values| !values.is_empty());
        if compares != has_values {
            let field = format!("spec.namespaceSelector.matchExpressions[{index}].values");
            let advice = "In and NotIn need values; Exists and DoesNotExist have none";
            return Err(CalendarError::missing(field, advice));
        }
    }
    Ok(())
}

fn check_event(field: &str, event: &EventSpec) -> Result<(), CalendarError> {
    let below = |name: &str| format!("{field}.{name}");
    if !is_label(&event.name) {
        let advice = "is no name such as year-end: lower-case letters, digits and '-', with a letter or digit at both ends";
        return Err(CalendarError::invalid(below("name"), &event.name, advice));
    }
    check_zone(&below("timeZone"), event.time_zone.as_deref())?;
    check_time(&below("start"), &event.start)?;
    if let Some(end) = &event.end {
        check_time(&below("end"), end)?;
        if end.len() != event.start.len() {
            let advice = format!(
                "and the start {:?} have two forms; write two dates, two local times, or two times with Z",
                event.start
            );
            return Err(CalendarError::invalid(below("end"), end, advice));
        }
    }
    if let Some(duration) = event.duration.as_ref().filter(|duration| !is_duration(duration)) {
        let advice = "is no duration such as PT8H, P1DT12H or P1W";
        return Err(CalendarError::invalid(below("duration"), duration, advice));
    }
    if let Some(rule) = event.recurrence.as_ref().filter(|rule| !is_one_rule(rule)) {
        let advice = "is not one RRULE such as FREQ=WEEKLY;BYDAY=MO,TU, without spaces and line breaks";
        return Err(CalendarError::invalid(below("recurrence"), rule, advice));
    }
    for (index, date) in event.except_dates.iter().flatten().enumerate() {
        check_time(&below(&format!("exceptDates[{index}]")), date)?;
    }
    if event.except_dates.is_some() && event.recurrence.is_none() {
        return Err(CalendarError::missing(
            below("exceptDates"),
            "needs recurrence; without it, leave the event out",
        ));
    }
    Ok(())
}

fn check_zone(field: &str, zone: Option<&str>) -> Result<(), CalendarError> {
    let plain = |name: &&str| {
        name.starts_with(|first: char| first.is_ascii_alphabetic())
            && name
                .chars()
                .all(|letter| letter.is_ascii_alphanumeric() || "-_+./ ".contains(letter))
    };
    match zone.filter(|name| !plain(name)) {
        Some(name) => Err(CalendarError::unknown_zone(field, name)),
        None => Ok(()),
    }
}

/// The three forms have three lengths; whether there is such a time, the evaluator says.
fn check_time(field: &str, text: &str) -> Result<(), CalendarError> {
    let formed = match text.len() {
        10 | 19 => !text.ends_with(['Z', 'z']),
        20 => text.ends_with('Z'),
        _ => false,
    };
    if formed {
        return Ok(());
    }
    let advice = "is no time; write a date such as 2026-01-05, a local time such as 2026-01-05T22:00:00, or one in UTC \
                  such as 2026-01-05T22:00:00Z; for other zones there is timeZone";
    Err(CalendarError::invalid(field, text, advice))
}

fn is_label(name: &str) -> bool {
    let letter = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    name.starts_with(letter)
        && name.ends_with(letter)
        && name.chars().all(|other| letter(other) || other == '-')
}

/// Whole numbers and capitals, and weeks alone.
fn is_duration(text: &str) -> bool {
    text.chars()
        .all(|letter| letter.is_ascii_digit() || "PWDTHMS".contains(letter))
        && !(text.contains('W') && text.contains(['D', 'T']))
}

fn is_one_rule(text: &str) -> bool {
    let begins = |word: &str| {
        text.get(..word.len())
            .is_some_and(|first| first.eq_ignore_ascii_case(word))
    };
    (begins("FREQ=") || begins("RRULE:")) && !text.contains(char::is_whitespace)
}
