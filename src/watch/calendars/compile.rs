//! From a calendar's spec to a calendar that can be evaluated.

use crate::api::{CalendarState, ClusterChangeCalendarSpec, EventSpec};
use crate::calendar::{Calendar, CalendarError, State, StructuredEvent, Warning, ics, read_events};

/// Compiles the events or the iCalendar text of a spec; of a ChangeCalendar's too, which has the same fields and fewer.
/// An error names the field.
pub fn compile(spec: &ClusterChangeCalendarSpec) -> Result<(Calendar, Vec<Warning>), CalendarError> {
    let declared = spec.default_state.map(|state| match state {
        CalendarState::Open => State::Open,
        CalendarState::Closed => State::Closed,
    });
    match (&spec.events, &spec.ics) {
        (Some(events), None) => {
            let events: Vec<StructuredEvent> = events.iter().map(event).collect();
            let series = read_events("spec.events", &events, spec.time_zone.as_deref())?;
            Calendar::compile(declared.unwrap_or(State::Open), &series)
        }
        (None, Some(text)) => compile_text(text.as_bytes(), spec.time_zone.as_deref(), declared),
        _ => Err(CalendarError::missing(
            "spec",
            "give exactly one of events, ics and aws",
        )),
    }
}

/// Compiles iCalendar text. `time_zone` and `declared` are what stands beside it, if anything does.
pub fn compile_text(
    text: &[u8],
    time_zone: Option<&str>,
    declared: Option<State>,
) -> Result<(Calendar, Vec<Warning>), CalendarError> {
    let contents = ics::read(text, time_zone, declared)?;
    let default_state = contents.default_state.unwrap_or(State::Open);
    let (calendar, mut warnings) = Calendar::compile(default_state, &contents.series)?;
    warnings.splice(..0, contents.warnings);
    Ok((calendar, warnings))
}

fn event(spec: &EventSpec) -> StructuredEvent {
    StructuredEvent {
        name: spec.name.clone(),
        start: spec.start.clone(),
        end: spec.end.clone(),
        duration: spec.duration.clone(),
        time_zone: spec.time_zone.clone(),
        recurrence: spec.recurrence.clone(),
        except_dates: spec.except_dates.clone().unwrap_or_default(),
        advisory: spec.advisory.unwrap_or_default(),
    }
}
