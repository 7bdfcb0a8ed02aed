//! The CEL rules of calendars, as `rules` has those of the other kinds.
//!
//! They refuse what has the wrong form, so that the person who applies it is told. Whether a zone, a date or a
//! recurrence exists, only the evaluator knows. Up to 50,000 times of exceptions go through one regular expression
//! here: it is as short as it is because the API server's cost budget has room for no longer one.

use kube::core::Rule;

use super::rules::{duration_between, rule};

/// A date, a local time, or a time in UTC. The shortest way to say it, see above.
const TIME: &str = r"'^\\d{4}(-\\d\\d){2}(T\\d\\d(:\\d\\d){2}Z?)?$'";

const TIME_MESSAGE: &str = "must be a date such as 2026-01-05, a local time such as 2026-01-05T22:00:00, or one in UTC \
    such as 2026-01-05T22:00:00Z; for other zones there is timeZone";

/// A calendar is written here, there, or at AWS.
pub fn one_origin() -> Rule {
    rule(
        "(has(self.events) ? 1 : 0) + (has(self.ics) ? 1 : 0) + (has(self.aws) ? 1 : 0) == 1",
        "give exactly one of events, ics and aws",
    )
}

/// Fields that would do nothing.
pub fn aws_evaluates_itself() -> Rule {
    rule(
        "!has(self.aws) || !(has(self.defaultState) || has(self.timeZone))",
        "defaultState and timeZone go with events and ics, not with aws, whose documents say both",
    )
}

/// Never the zone of the machine.
pub fn local_times_have_a_zone() -> Rule {
    rule(
        "has(self.timeZone) || !has(self.events) || self.events.all(e, has(e.timeZone) || e.start.endsWith('Z'))",
        "events with local times or dates need a timeZone, of their own or the calendar's",
    )
}

/// The state outside of events is fixed, as far as the spec tells it; naming the default is no change. What an
/// iCalendar document tells is left to the evaluator, which reads it.
pub fn default_state_stays() -> Rule {
    let told = |of: &str| format!("(has({of}.defaultState) || has({of}.events))");
    let state = |of: &str| format!("(has({of}.defaultState) ? {of}.defaultState : 'Open')");
    rule(
        &format!(
            "!{} || !{} || {} == {}",
            told("self"),
            told("oldSelf"),
            state("self"),
            state("oldSelf")
        ),
        "spec.defaultState cannot be changed, it would invert every event: make another calendar",
    )
    .field_path(".defaultState")
}

/// A ParameterStore serves its own namespace only.
pub fn store_of_the_cluster() -> Rule {
    rule(
        "!has(self.aws) || !has(self.aws.storeRef) || !has(self.aws.storeRef.kind) \
         || self.aws.storeRef.kind == 'ClusterParameterStore'",
        "aws.storeRef must name a ClusterParameterStore: a ClusterChangeCalendar has no namespace of its own",
    )
}

/// The characters of IANA's and Windows' names.
pub fn time_zone() -> Rule {
    rule(
        "self.matches('^[A-Za-z][-A-Za-z0-9_+./ ]*$')",
        "must be the name of a time zone, such as Asia/Tokyo",
    )
}

/// A DNS label, as for what is named inside of Kubernetes' own objects.
pub fn event_name() -> Rule {
    rule(
        "self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",
        "must be a name such as year-end: lower-case letters, digits and '-', with a letter or digit at both ends",
    )
}

/// One time.
pub fn time() -> Rule {
    rule(&format!("self.matches({TIME})"), TIME_MESSAGE)
}

/// Many times.
pub fn times() -> Rule {
    rule(&format!("self.all(t, t.matches({TIME}))"), TIME_MESSAGE)
}

/// RFC 5545, section 3.6.1: without both, a date lasts a day, and a time no time at all, which is of no use.
pub fn end_or_duration() -> Rule {
    rule(
        "!(has(self.end) && has(self.duration)) \
         && (has(self.end) || has(self.duration) || self.start.size() == 10)",
        "give exactly one of end and duration; only an event whose start is a date goes without both, and lasts that day",
    )
}

/// The three forms have three lengths.
pub fn ends_as_it_starts() -> Rule {
    rule(
        "!has(self.end) || self.start.size() == self.end.size()",
        "start and end must have one form: two dates, two local times, or two times with Z",
    )
}

/// Times of one form sort like text.
pub fn ends_after_it_starts() -> Rule {
    rule(
        "!has(self.end) || self.start.size() != self.end.size() || self.start < self.end",
        "end must be after start; it is the first moment or day that is no longer part of the event",
    )
}

/// RFC 5545, section 3.6.1.
pub fn days_last_days() -> Rule {
    rule(
        "!has(self.duration) || self.start.size() != 10 || !self.duration.contains('T')",
        "an event whose start is a date lasts days or weeks, such as P2D: leave hours, minutes and seconds out",
    )
}

/// Without a recurrence, an exception could only take the whole event away.
pub fn exceptions_from_a_recurrence() -> Rule {
    rule(
        "!has(self.exceptDates) || has(self.recurrence)",
        "exceptDates needs recurrence",
    )
}

/// ISO 8601 without years, months and fractions, and not zero.
pub fn event_duration() -> Rule {
    rule(
        r"self.matches('^P(\\d{1,2}W|(\\d{1,3}D)?(T(\\d{1,5}H)?(\\d{1,6}M)?(\\d{1,6}S)?)?)$') && self.matches('[1-9]') && !self.endsWith('T')",
        "must be a duration such as PT8H, P1DT12H or P1W, and not zero",
    )
}

/// One rule, alone on its line: more would be properties of their own, which nobody would read.
pub fn recurrence() -> Rule {
    rule(
        r"self.matches('^(?i:RRULE:|FREQ=)[^\\s]+$')",
        "must be one RRULE such as FREQ=WEEKLY;BYDAY=MO,TU, without spaces and line breaks",
    )
}

/// The names that AWS allows to documents.
pub fn documents() -> Rule {
    rule(
        "self.all(d, d.matches('^(arn:[a-z0-9-]+:ssm:[a-z0-9-]+:[0-9]{12}:document/)?[a-zA-Z0-9_.-]{3,128}$'))",
        "must be names of calendars such as year-end, or ARNs such as arn:aws:ssm:REGION:ACCOUNT:document/year-end",
    )
}

/// How long an answer of AWS counts.
pub fn staleness() -> Rule {
    duration_between(
        "1m",
        "24h",
        "must be a duration such as 30m or 1h30m, from 1m to 24h",
    )
}
