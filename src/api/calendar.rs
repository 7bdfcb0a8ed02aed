//! `ChangeCalendar` and `ClusterChangeCalendar`: when nothing may change, and for whom.

#![allow(
    clippy::duplicated_attributes,
    reason = "each printer column states its own type and priority"
)]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use super::freeze::{CalendarState, FreezeSpec};
use super::refs::StoreRef;
use super::status::ChangeCalendarStatus;
use super::{calendar_rules, rules, schema};

/// A calendar for the ParameterSyncs of its own namespace that name it.
///
/// Example: `{timeZone: Asia/Tokyo, events: [{name: year-end, start: "2026-12-28", end: "2027-01-04"}]}`.
#[derive(CustomResource, KubeSchema, Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[kube(
    group = "paramsync.dev",
    version = "v1alpha1",
    kind = "ChangeCalendar",
    namespaced,
    status = "ChangeCalendarStatus",
    derive = "PartialEq",
    shortname = "ccal",
    category = "paramsync",
    doc = "ChangeCalendar says when the Secrets of those ParameterSyncs of its namespace that name it may take new values.",
    printcolumn(
        name = "State",
        type_ = "string",
        json_path = ".status.state",
        description = "Whether changes may be written now: Open or Closed."
    ),
    printcolumn(
        name = "Event",
        type_ = "string",
        json_path = ".status.event",
        description = "The event that makes the state differ from the default now."
    ),
    printcolumn(
        name = "Next-Transition",
        type_ = "string",
        json_path = ".status.nextTransition",
        description = "When the state changes next."
    ),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status",
        description = "Whether the calendar can be evaluated as it is written."
    ),
    printcolumn(
        name = "Time-Zone",
        type_ = "string",
        json_path = ".spec.timeZone",
        description = "The zone of local times and dates.",
        priority = 1
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].reason",
        description = "Why Ready is as it is.",
        priority = 1
    ),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].message",
        description = "Why Ready is as it is, in words.",
        priority = 1
    ),
    printcolumn(
        name = "Age",
        type_ = "date",
        json_path = ".metadata.creationTimestamp",
        description = "How long ago the calendar was made."
    )
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = calendar_rules::one_origin(),
    validation = calendar_rules::aws_evaluates_itself(),
    validation = calendar_rules::local_times_have_a_zone(),
    validation = calendar_rules::default_state_stays()
)]
pub struct ChangeCalendarSpec {
    /// The state outside of all events. Open: events close. Closed: events open. Cannot be changed later, since that
    /// would invert every event; with `ics`, an edit of X-CALENDAR-TYPE that does so is not followed either. Goes
    /// without `aws`. Default: Open, or with `ics` what its X-CALENDAR-TYPE says. Example: `Closed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_state: Option<CalendarState>,

    /// The zone in which local times and dates are read: an IANA name, or one that Windows uses. Goes without `aws`.
    /// Default: none, and then events need zones of their own or times with Z; with `ics` its X-WR-TIMEZONE.
    /// Example: `Asia/Tokyo`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    #[x_kube(validation = calendar_rules::time_zone())]
    pub time_zone: Option<String>,

    /// The events, 1 to 500, each with a name of its own. Give this, `ics` or `aws`. Example:
    /// `[{name: year-end, start: "2026-12-28", end: "2027-01-04"}]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 1, max = 500),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"])
    )]
    pub events: Option<Vec<EventSpec>>,

    /// An iCalendar document (RFC 5545), such as a calendar program or AWS Change Calendar exports. What cannot be
    /// evaluated exactly is refused, not ignored. Give this, `events` or `aws`. Example:
    /// `"BEGIN:VCALENDAR\nVERSION:2.0\n..."`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 65_536))]
    pub ics: Option<String>,

    /// Calendars of AWS Systems Manager Change Calendar, asked for their state. Give this, `events` or `ics`.
    /// Example: `{documents: [year-end]}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aws: Option<AwsCalendarSpec>,
}

/// A calendar for every ParameterSync in the namespaces that it selects, and for those that name it.
///
/// Example: `{events: [{name: year-end, start: "2026-12-28T00:00:00Z", duration: P7D}], namespaceSelector: {}}`.
#[derive(CustomResource, KubeSchema, Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[kube(
    group = "paramsync.dev",
    version = "v1alpha1",
    kind = "ClusterChangeCalendar",
    status = "ChangeCalendarStatus",
    derive = "PartialEq",
    shortname = "cccal",
    category = "paramsync",
    doc = "ClusterChangeCalendar says when Secrets may take new values: those of every ParameterSync in the namespaces that it selects, whatever their specs say, and those of ParameterSyncs that name it.",
    printcolumn(
        name = "State",
        type_ = "string",
        json_path = ".status.state",
        description = "Whether changes may be written now: Open or Closed."
    ),
    printcolumn(
        name = "Event",
        type_ = "string",
        json_path = ".status.event",
        description = "The event that makes the state differ from the default now."
    ),
    printcolumn(
        name = "Next-Transition",
        type_ = "string",
        json_path = ".status.nextTransition",
        description = "When the state changes next."
    ),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status",
        description = "Whether the calendar can be evaluated as it is written."
    ),
    printcolumn(
        name = "Time-Zone",
        type_ = "string",
        json_path = ".spec.timeZone",
        description = "The zone of local times and dates.",
        priority = 1
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].reason",
        description = "Why Ready is as it is.",
        priority = 1
    ),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].message",
        description = "Why Ready is as it is, in words.",
        priority = 1
    ),
    printcolumn(
        name = "Age",
        type_ = "date",
        json_path = ".metadata.creationTimestamp",
        description = "How long ago the calendar was made."
    )
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = calendar_rules::one_origin(),
    validation = calendar_rules::aws_evaluates_itself(),
    validation = calendar_rules::local_times_have_a_zone(),
    validation = calendar_rules::default_state_stays(),
    validation = calendar_rules::store_of_the_cluster()
)]
pub struct ClusterChangeCalendarSpec {
    /// The state outside of all events. Open: events close. Closed: events open. Cannot be changed later, since that
    /// would invert every event; with `ics`, an edit of X-CALENDAR-TYPE that does so is not followed either. Goes
    /// without `aws`. Default: Open, or with `ics` what its X-CALENDAR-TYPE says. Example: `Closed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_state: Option<CalendarState>,

    /// The zone in which local times and dates are read: an IANA name, or one that Windows uses. Goes without `aws`.
    /// Default: none, and then events need zones of their own or times with Z; with `ics` its X-WR-TIMEZONE.
    /// Example: `Asia/Tokyo`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    #[x_kube(validation = calendar_rules::time_zone())]
    pub time_zone: Option<String>,

    /// The events, 1 to 500, each with a name of its own. Give this, `ics` or `aws`. Example:
    /// `[{name: year-end, start: "2026-12-28", end: "2027-01-04"}]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 1, max = 500),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"])
    )]
    pub events: Option<Vec<EventSpec>>,

    /// An iCalendar document (RFC 5545), such as a calendar program or AWS Change Calendar exports. What cannot be
    /// evaluated exactly is refused, not ignored. Give this, `events` or `aws`. Example:
    /// `"BEGIN:VCALENDAR\nVERSION:2.0\n..."`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 65_536))]
    pub ics: Option<String>,

    /// Calendars of AWS Systems Manager Change Calendar, asked for their state. Give this, `events` or `ics`.
    /// Example: `{documents: [year-end]}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aws: Option<AwsCalendarSpec>,

    /// What this calendar stops while it is closed. Of all closed calendars that bind a ParameterSync, and of its own
    /// `changes`, the strictest counts. Default: see its fields. Example: `{scope: All, firstSync: Hold}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub freeze: Option<FreezeSpec>,

    /// Binds every ParameterSync of the namespaces with these labels, whatever its spec says. An empty selector (`{}`)
    /// selects every namespace. Default: none, and then only ParameterSyncs that name the calendar are bound.
    /// Example: `{matchLabels: {tier: prod}}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::label_selector")]
    #[x_kube(validation = rules::selector_values())]
    pub namespace_selector: Option<LabelSelector>,
}

/// One event, once or recurring: from its start up to, and without, its end.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = calendar_rules::end_or_duration(),
    validation = calendar_rules::ends_as_it_starts(),
    validation = calendar_rules::ends_after_it_starts(),
    validation = calendar_rules::days_last_days(),
    validation = calendar_rules::exceptions_from_a_recurrence()
)]
pub struct EventSpec {
    /// The event's name, which status shows: lower-case letters, digits and `-`. Example: `nightly-batch`.
    #[schemars(length(min = 1, max = 63))]
    #[x_kube(validation = calendar_rules::event_name())]
    pub name: String,

    /// When the first occurrence begins: a local time (`2026-01-05T22:00:00`), a time in UTC (`2026-01-05T21:00:00Z`),
    /// or a date (`2026-01-05`), which is all of that day. Seconds are required. Example: `2026-01-05T22:00:00`.
    #[schemars(length(min = 1, max = 25))]
    #[x_kube(validation = calendar_rules::time())]
    pub start: String,

    /// When the first occurrence ends: the first moment, or for a date the first day, that is no longer part of it.
    /// In the form of `start`, and after it. Later occurrences end at the same time of the wall clock. Give this or
    /// `duration`. Default: for a start that is a date, one day. Example: `2026-01-06T06:00:00`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 25))]
    #[x_kube(validation = calendar_rules::time())]
    pub end: Option<String>,

    /// How long each occurrence lasts, as exact elapsed time, in the form of ISO 8601 with weeks, or days, hours,
    /// minutes and seconds. For a start that is a date only days or weeks, counted by the calendar. Give this or
    /// `end`. Default: for a start that is a date, one day. Example: `PT8H`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 25))]
    #[x_kube(validation = calendar_rules::event_duration())]
    pub duration: Option<String>,

    /// The zone of this event's local times and dates, in place of the calendar's. Default: the calendar's
    /// `timeZone`. Example: `Europe/Berlin`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    #[x_kube(validation = calendar_rules::time_zone())]
    pub time_zone: Option<String>,

    /// How the event repeats: one RRULE of RFC 5545 with FREQ of DAILY, WEEKLY, MONTHLY or YEARLY. A part on which
    /// programs disagree is refused. Default: it happens once. Example: `FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = calendar_rules::recurrence())]
    pub recurrence: Option<String>,

    /// Occurrences that do not happen, up to 100: by their start, local or in UTC, or by their date. Needs
    /// `recurrence`. Default: none. Example: `["2026-12-24"]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 100), inner(length(min = 1, max = 25)), extend("x-kubernetes-list-type" = "atomic"))]
    #[x_kube(validation = calendar_rules::times())]
    pub except_dates: Option<Vec<String>>,

    /// The event is for information only and changes no state. Default: false. Example: `true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advisory: Option<bool>,
}

/// Calendars that AWS evaluates.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AwsCalendarSpec {
    /// The names of the calendars, or the ARNs of shared ones, 1 to 10; open only while all of them are open.
    /// Example: `[year-end]`.
    #[schemars(
        length(min = 1, max = 10),
        inner(length(min = 1, max = 256)),
        extend("x-kubernetes-list-type" = "set")
    )]
    #[x_kube(validation = calendar_rules::documents())]
    pub documents: Vec<String>,

    /// The store whose region and credentials ask AWS; its identity needs `ssm:GetCalendarState`. A
    /// ClusterChangeCalendar takes a ClusterParameterStore. Default: the ClusterParameterStore named `default`.
    /// Example: `{kind: ParameterStore, name: web}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store_ref: Option<StoreRef>,

    /// How long an answer of AWS counts while no newer one comes; then the calendar is closed. A duration in hours,
    /// minutes and seconds, from 1m to 24h. Default: 1h. Example: `30m`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 20))]
    #[x_kube(validation = calendar_rules::staleness())]
    pub max_staleness: Option<String>,
}
