//! A value against the schema of a CRD: types, bounds, and no field that the schema does not know. Patterns and rules
//! in CEL are not for here; `forms` has those that matter to events.

use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::calendar::CalendarError;

/// Refuses what the API server would refuse by its schema. `field` is where the value stands.
pub(super) fn check(field: &str, value: &Value, schema: &Value) -> Result<(), CalendarError> {
    match (schema["type"].as_str(), value) {
        (Some("object"), Value::Object(fields)) => check_object(field, fields, schema),
        (Some("array"), Value::Array(items)) => check_list(field, items, schema),
        (Some("string"), Value::String(text)) => check_text(field, text, schema),
        (Some("boolean"), Value::Bool(_)) => Ok(()),
        (expected, _) => {
            let expected = expected.unwrap_or("field of a calendar");
            let advice = match value {
                Value::Null => "is nothing; write a value, or leave the field out".to_owned(),
                Value::Number(_) | Value::Bool(_) if expected == "string" => {
                    "is no string; put it in quotes".to_owned()
                }
                _ => format!("is no {expected}"),
            };
            Err(CalendarError::invalid(field, &value.to_string(), advice))
        }
    }
}

/// A field that has no place there.
pub(super) fn unknown<'a>(field: &str, known: impl IntoIterator<Item = &'a str>) -> CalendarError {
    let known: Vec<&str> = known.into_iter().collect();
    CalendarError::missing(
        field,
        format!("is no field there; there are {}", known.join(", ")),
    )
}

fn check_object(field: &str, fields: &Map<String, Value>, schema: &Value) -> Result<(), CalendarError> {
    check_amount(field, fields.len(), schema, ["minProperties", "maxProperties"])?;
    let properties = schema["properties"].as_object();
    for (name, value) in fields {
        let below = format!("{field}.{name}");
        let own = properties.and_then(|properties| properties.get(name));
        match own.or_else(|| schema.get("additionalProperties")) {
            Some(inner) => check(&below, value, inner)?,
            None => {
                return Err(unknown(
                    &below,
                    properties.into_iter().flat_map(Map::keys).map(String::as_str),
                ));
            }
        }
    }
    let required = schema["required"].as_array().into_iter().flatten();
    match required
        .filter_map(Value::as_str)
        .find(|name| !fields.contains_key(*name))
    {
        Some(name) => Err(CalendarError::missing(format!("{field}.{name}"), "is missing")),
        None => Ok(()),
    }
}

fn check_list(field: &str, items: &[Value], schema: &Value) -> Result<(), CalendarError> {
    check_amount(field, items.len(), schema, ["minItems", "maxItems"])?;
    for (index, item) in items.iter().enumerate() {
        check(&format!("{field}[{index}]"), item, &schema["items"])?;
    }
    let keys = schema["x-kubernetes-list-map-keys"]
        .as_array()
        .into_iter()
        .flatten();
    for key in keys.filter_map(Value::as_str) {
        let mut seen = HashSet::new();
        for (index, name) in items
            .iter()
            .map(|item| item[key].as_str().unwrap_or_default())
            .enumerate()
        {
            if !seen.insert(name) {
                let advice = "stands there twice; give each its own";
                return Err(CalendarError::invalid(
                    format!("{field}[{index}].{key}"),
                    name,
                    advice,
                ));
            }
        }
    }
    Ok(())
}

fn check_text(field: &str, text: &str, schema: &Value) -> Result<(), CalendarError> {
    check_amount(field, text.chars().count(), schema, ["minLength", "maxLength"])?;
    let Some(choice) = schema["enum"].as_array() else {
        return Ok(());
    };
    let choice: Vec<&str> = choice.iter().filter_map(Value::as_str).collect();
    if choice.contains(&text) {
        return Ok(());
    }
    Err(CalendarError::invalid(
        field,
        text,
        format!("is none of {}", choice.join(", ")),
    ))
}

/// Of characters, items or fields.
fn check_amount(
    field: &str,
    amount: usize,
    schema: &Value,
    [least, most]: [&str; 2],
) -> Result<(), CalendarError> {
    let amount = amount as u64;
    let least = schema[least].as_u64().unwrap_or_default();
    let most = schema[most].as_u64().unwrap_or(u64::MAX);
    if amount < least {
        return Err(CalendarError::missing(
            field,
            format!("has {amount} of at least {least}"),
        ));
    }
    if amount > most {
        return Err(CalendarError::too_many(
            field,
            format!("has {amount} of at most {most}"),
        ));
    }
    Ok(())
}
