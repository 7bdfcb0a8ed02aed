//! The text of a manifest into the spec of a calendar, as strictly as the API server would read it: a misspelt
//! `exceptDates` changes a freeze, so what is unknown is refused and not left out.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;
use serde_json::{Map, Value};
use serde_saphyr::UserMessageFormatter;

use super::{forms, schema};
use crate::api::{ClusterChangeCalendarSpec, crds};
use crate::calendar::CalendarError;

const API_VERSION: &str = "paramsync.dev/v1alpha1";
/// The kinds that are calendars. The first has the fields of the second, less those that bind.
const KINDS: [&str; 2] = ["ChangeCalendar", "ClusterChangeCalendar"];
/// What an object holds beside its spec. Its status is the operator's word, and not read.
const FIELDS: [&str; 5] = ["apiVersion", "kind", "metadata", "spec", "status"];

/// Reads the one manifest that a text holds. JSON is YAML too.
pub(super) fn read(text: &str) -> Result<ClusterChangeCalendarSpec, CalendarError> {
    let object = only_document(text)?;
    let kind = kind(&object)?;
    if let Some(field) = object.keys().find(|field| !FIELDS.contains(&field.as_str())) {
        return Err(schema::unknown(field, FIELDS));
    }
    if let Some(metadata) = object.get("metadata") {
        check_metadata(metadata)?;
    }
    let Some(spec) = object.get("spec") else {
        return Err(CalendarError::missing(
            "spec",
            "is missing; it says when nothing may change",
        ));
    };
    schema::check("spec", spec, &spec_schema(kind))?;
    let spec = ClusterChangeCalendarSpec::deserialize(spec)
        .map_err(|error| CalendarError::missing("spec", format!("cannot be read: {error}")))?;
    forms::check(&spec)?;
    one_origin(&spec)?;
    Ok(spec)
}

fn only_document(text: &str) -> Result<Map<String, Value>, CalendarError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let options = serde_saphyr::options! { with_snippet: false };
    let mut documents: Vec<Value> =
        serde_saphyr::from_multiple_with_options(text, options).map_err(|error| {
            let why = error.render_with_formatter(&UserMessageFormatter);
            CalendarError::missing("--file", format!("is no YAML and no JSON: {why}"))
        })?;
    match (documents.pop(), documents.len()) {
        (Some(Value::Object(object)), 0) => Ok(object),
        (_, 0) => {
            let advice = "holds no object; write apiVersion, kind and spec, or iCalendar text that begins with \
                          BEGIN:VCALENDAR";
            Err(CalendarError::missing("--file", advice))
        }
        (_, others) => {
            let advice = format!(
                "holds {} documents; give each calendar a file of its own",
                others + 1
            );
            Err(CalendarError::missing("--file", advice))
        }
    }
}

/// The kind, which must be one of ours in the version that is read here.
fn kind(object: &Map<String, Value>) -> Result<&'static str, CalendarError> {
    one_of(object, "apiVersion", &[API_VERSION])?;
    one_of(object, "kind", &KINDS)
}

fn one_of(
    object: &Map<String, Value>,
    field: &str,
    allowed: &[&'static str],
) -> Result<&'static str, CalendarError> {
    let choice = allowed.join(" or ");
    let Some(written) = object.get(field) else {
        return Err(CalendarError::missing(
            field,
            format!("is missing; write {choice}"),
        ));
    };
    let known = allowed.iter().find(|known| written == **known);
    known.copied().ok_or_else(|| {
        let found = written
            .as_str()
            .map_or_else(|| written.to_string(), str::to_owned);
        CalendarError::invalid(field, &found, format!("is no calendar's; write {choice}"))
    })
}

/// Whatever is written there and lost in Kubernetes' own type is unknown to it.
fn check_metadata(metadata: &Value) -> Result<(), CalendarError> {
    let known = ObjectMeta::deserialize(metadata)
        .and_then(serde_json::to_value)
        .map_err(|error| CalendarError::missing("metadata", format!("cannot be read: {error}")))?;
    let mut written = metadata.as_object().into_iter().flatten();
    match written.find(|(field, value)| !value.is_null() && known.get(field).is_none()) {
        Some((field, _)) => Err(schema::unknown(
            &format!("metadata.{field}"),
            ["name", "namespace", "labels", "annotations"],
        )),
        None => Ok(()),
    }
}

/// What the CRD of a kind says about its spec.
fn spec_schema(kind: &str) -> Value {
    let crd = crds::all().into_iter().find(|crd| crd.spec.names.kind == kind);
    let crd = serde_json::to_value(crd).unwrap_or_default();
    crd.pointer("/spec/versions/0/schema/openAPIV3Schema/properties/spec")
        .cloned()
        .unwrap_or_default()
}

fn one_origin(spec: &ClusterChangeCalendarSpec) -> Result<(), CalendarError> {
    match (&spec.events, &spec.ics, &spec.aws) {
        (Some(_), None, None) | (None, Some(_), None) => Ok(()),
        (None, None, Some(_)) => Err(CalendarError::missing(
            "spec.aws",
            "is evaluated by AWS, and cannot be told from here; `aws ssm get-document` prints the text of each \
             document, which can",
        )),
        _ => Err(CalendarError::missing(
            "spec",
            "give exactly one of events, ics and aws",
        )),
    }
}
