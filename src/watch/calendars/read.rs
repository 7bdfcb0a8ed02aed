//! From an object to what counts of it, as far as it can be read.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::ResourceExt;
use kube::api::DynamicObject;
use kube::core::Selector;
use serde_json::Value;

use super::compile::compile;
use super::entry::{AwsCalendar, Binds, CalendarEntry};
use super::standing::{CalendarFault, Evaluated, Standing};
use crate::api::{
    AwsCalendarSpec, CalendarState, ChangeCalendarStatus, ClusterChangeCalendarSpec, FreezeSpec, LastValid,
    StoreKind,
};
use crate::calendar::{OverBudget, Record, State, Timeline};
use crate::record::Freeze;
use crate::watch::StoreKey;

/// How long an answer of AWS counts where the calendar does not say.
const DEFAULT_STALENESS: Duration = Duration::from_hours(1);

/// What an object says, from its spec as far as that can be read.
pub(super) fn read(
    object: &DynamicObject,
    generation: i64,
    status: ChangeCalendarStatus,
    before: Option<&CalendarEntry>,
    now: Timestamp,
) -> CalendarEntry {
    let spec = &object.data["spec"];
    let is_cluster = object.metadata.namespace.is_none();
    let mut entry = CalendarEntry {
        uid: object.metadata.uid.clone(),
        generation,
        status,
        freeze: Freeze::default(),
        standing: Standing::Unknown(unreadable("spec", "it says nothing that can be read")),
        fault: None,
        warnings: Vec::new(),
        aws: None,
        binds: Binds::Nobody,
    };
    if is_cluster {
        entry.binds = binds(&spec["namespaceSelector"]);
        entry.freeze = freeze(&spec["freeze"]);
    }
    let valid_before = last_valid(before, &entry.status);
    let evaluated = serde_json::from_value::<ClusterChangeCalendarSpec>(spec.clone())
        .map_err(|error| unreadable("spec", &error.to_string()))
        .and_then(|spec| match &spec.aws {
            Some(aws) => of_aws(aws, object).map(Read::Aws),
            None => {
                evaluate(&spec, generation, now).map(|(evaluated, warnings)| Read::Own(evaluated, warnings))
            }
        })
        .and_then(|read| keeps_its_sense(read, valid_before.as_deref()));
    match evaluated {
        Ok(Read::Aws(aws)) => {
            let kept = before.filter(|before| before.aws.as_ref() == Some(&aws));
            entry.standing = kept.map_or_else(
                || {
                    Standing::Unknown(CalendarFault {
                        reason: "CalendarNotHeard",
                        message: "AWS has not said yet what state it is in".to_owned(),
                    })
                },
                |before| before.standing.clone(),
            );
            entry.aws = Some(aws);
        }
        Ok(Read::Own(evaluated, warnings)) => {
            entry.standing = Standing::Evaluated(Arc::new(evaluated));
            entry.warnings = warnings;
        }
        Err(fault) => {
            entry.standing = match valid_before {
                Some(evaluated) => Standing::Evaluated(evaluated),
                None => Standing::Unknown(fault.clone()),
            };
            entry.fault = Some(fault);
        }
    }
    if matches!(entry.binds, Binds::Everybody) {
        let why = "it cannot be read, and so binds every namespace";
        entry.fault = entry.fault.or(Some(unreadable("spec.namespaceSelector", why)));
    }
    entry
}

/// What a spec says.
enum Read {
    Own(Evaluated, Vec<String>),
    Aws(AwsCalendar),
}

/// What a calendar said before its newest edit, as it is remembered or as its status tells.
fn last_valid(before: Option<&CalendarEntry>, status: &ChangeCalendarStatus) -> Option<Arc<Evaluated>> {
    match before.map(|before| &before.standing) {
        Some(Standing::Evaluated(evaluated)) => Some(evaluated.clone()),
        _ => status.last_valid.as_ref().and_then(restore).map(Arc::new),
    }
}

/// What status tells of the last valid form; none where that is not whole.
fn restore(last: &LastValid) -> Option<Evaluated> {
    let transitions = last.transitions.iter().flatten();
    let transitions: Option<Vec<Timestamp>> = transitions.map(|at| at.parse().ok()).collect();
    let record = Record {
        from: last.from.parse().ok()?,
        state: state(last.state),
        transitions: transitions?,
        until: last.until.parse().ok()?,
    };
    Some(Evaluated {
        generation: last.generation,
        default_state: state(last.default_state),
        timeline: Timeline::restore(&record),
        calendar: None,
    })
}

/// A calendar whose default state is turned round means the opposite in every event: such an edit is not followed.
fn keeps_its_sense(read: Read, before: Option<&Evaluated>) -> Result<Read, CalendarFault> {
    let (Read::Own(evaluated, _), Some(before)) = (&read, before) else {
        return Ok(read);
    };
    let (was, is) = (before.default_state, evaluated.default_state);
    if is == was {
        return Ok(read);
    }
    Err(CalendarFault {
        reason: "DefaultStateChanged",
        message: format!(
            "the default state was {was} and is {is} now, which would invert every event; set it back, or make a \
             calendar of another name"
        ),
    })
}

fn evaluate(
    spec: &ClusterChangeCalendarSpec,
    generation: i64,
    now: Timestamp,
) -> Result<(Evaluated, Vec<String>), CalendarFault> {
    let (calendar, mut warnings) = compile(spec).map_err(|error| CalendarFault {
        reason: error.reason(),
        message: error.to_string(),
    })?;
    let timeline = calendar.timeline(now).map_err(|error| too_expensive(&error))?;
    warnings.extend(calendar.lint(now).map_err(|error| too_expensive(&error))?);
    let evaluated = Evaluated {
        generation,
        default_state: calendar.default_state(),
        timeline,
        calendar: Some(calendar),
    };
    Ok((evaluated, warnings.iter().map(ToString::to_string).collect()))
}

fn of_aws(spec: &AwsCalendarSpec, object: &DynamicObject) -> Result<AwsCalendar, CalendarFault> {
    let max_staleness = match &spec.max_staleness {
        None => DEFAULT_STALENESS,
        Some(text) => text
            .parse::<SignedDuration>()
            .ok()
            .and_then(|duration| Duration::try_from(duration).ok())
            .ok_or_else(|| unreadable("spec.aws.maxStaleness", "it is no duration such as 1h"))?,
    };
    let reference = spec.store_ref.as_ref();
    let name = reference.and_then(|reference| reference.name.clone());
    let name = name.unwrap_or_else(|| "default".to_owned());
    let store = match (reference.and_then(|reference| reference.kind), object.namespace()) {
        (Some(StoreKind::ParameterStore), Some(namespace)) => StoreKey::Namespaced { namespace, name },
        (Some(StoreKind::ParameterStore), None) => {
            return Err(unreadable(
                "spec.aws.storeRef.kind",
                "a ClusterChangeCalendar has no namespace, and so no ParameterStore; name a ClusterParameterStore",
            ));
        }
        _ => StoreKey::Cluster { name },
    };
    Ok(AwsCalendar {
        documents: spec.documents.clone(),
        store,
        max_staleness,
    })
}

fn binds(selector: &Value) -> Binds {
    if selector.is_null() {
        return Binds::Nobody;
    }
    serde_json::from_value::<LabelSelector>(selector.clone())
        .ok()
        .and_then(|selector| Selector::try_from(selector).ok())
        .map_or(Binds::Everybody, Binds::Selected)
}

/// What the freeze of a cluster's calendar asks for; where it cannot be read, the strictest.
fn freeze(spec: &Value) -> Freeze {
    if spec.is_null() {
        return Freeze::OF_CLUSTER;
    }
    serde_json::from_value::<FreezeSpec>(spec.clone()).map_or(Freeze::STRICTEST, |spec| Freeze::from(&spec))
}

fn unreadable(field: &str, why: &str) -> CalendarFault {
    CalendarFault {
        reason: "CalendarInvalid",
        message: format!("{field}: {why}; correct the field and apply the calendar again"),
    }
}

pub(super) fn too_expensive(error: &OverBudget) -> CalendarFault {
    CalendarFault {
        reason: error.reason(),
        message: error.to_string(),
    }
}

/// The evaluator's word for the API's.
fn state(written: CalendarState) -> State {
    match written {
        CalendarState::Open => State::Open,
        CalendarState::Closed => State::Closed,
    }
}
