//! The reference for readers, `docs/reference.md`, from the CRDs' own schemas. Pure.

use std::fmt::Write;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde_json::Value;

use super::crds;

const INTRODUCTION: &str = "<!-- Generated from src/api by `make generate`. Do not edit. -->
# Reference of the custom resources

Every field that is not marked as required may be left out; its description tells the default. The API server refuses
what breaks a bound or a rule. `kubectl explain parametersync.spec.sources` shows the same text.
";

/// Markdown for `crds`: for each kind its names and columns, then a table for each object in its schema.
pub fn markdown(crds: &[CustomResourceDefinition]) -> String {
    let mut out = String::from(INTRODUCTION);
    for crd in crds {
        kind(&mut out, crd);
    }
    out
}

/// Adds one line. Writing to a `String` cannot fail.
macro_rules! line {
    ($out:expr $(, $($part:tt)*)?) => { let _ = writeln!($out $(, $($part)*)?); };
}

fn kind(out: &mut String, crd: &CustomResourceDefinition) {
    let schema = crds::schema(crd);
    let names = &crd.spec.names;
    let version = crd
        .spec
        .versions
        .first()
        .map_or("", |version| version.name.as_str());
    line!(out, "\n## {}\n", names.kind);
    line!(out, "{}\n", text(&schema["description"]));
    line!(
        out,
        "- `apiVersion: {}/{version}`, `kind: {}`",
        crd.spec.group,
        names.kind
    );
    let scope = if crd.spec.scope == "Namespaced" {
        "in a namespace"
    } else {
        "for the whole cluster"
    };
    line!(out, "- Lives {scope}.");
    let short = names.short_names.iter().flatten().map(|name| format!("`{name}`"));
    line!(
        out,
        "- Names for kubectl: `{}`, {}.",
        names.plural,
        short.collect::<Vec<_>>().join(", ")
    );
    let selectable: Vec<String> = crd
        .spec
        .versions
        .iter()
        .flat_map(|version| version.selectable_fields.iter().flatten())
        .map(|field| format!("`{}`", field.json_path.trim_start_matches('.')))
        .collect();
    if !selectable.is_empty() {
        line!(out, "- Field selectors: {}.", selectable.join(", "));
    }
    columns(out, crd);
    let fixed = rules(&schema);
    if !fixed.is_empty() {
        line!(out, "\nRules:\n\n{}", fixed.trim_end());
    }
    for name in ["spec", "status"] {
        object(out, name, &schema["properties"][name]);
    }
}

fn columns(out: &mut String, crd: &CustomResourceDefinition) {
    line!(out, "\n| column | shown | meaning |\n| --- | --- | --- |");
    for column in crd
        .spec
        .versions
        .iter()
        .flat_map(|version| version.additional_printer_columns.iter().flatten())
    {
        let shown = if column.priority.unwrap_or_default() > 0 {
            "with `-o wide`"
        } else {
            "always"
        };
        line!(
            out,
            "| {} | {shown} | {} |",
            column.name,
            cell(column.description.as_deref().unwrap_or_default())
        );
    }
}

/// A section for the object at `path`, then one for each object below it.
fn object(out: &mut String, path: &str, schema: &Value) {
    let Some(fields) = schema["properties"].as_object() else {
        return;
    };
    line!(out, "\n### `{path}`\n");
    let description = text(&schema["description"]);
    if !description.is_empty() {
        line!(out, "{description}\n");
    }
    line!(out, "| field | type | meaning |\n| --- | --- | --- |");
    let required: Vec<&str> = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    for (name, field) in fields {
        let must = if required.contains(&name.as_str()) {
            "Required. "
        } else {
            ""
        };
        let meaning = cell(text(&field["description"]));
        line!(out, "| `{name}` | {} | {must}{meaning} |", cell(&type_of(field)));
    }
    let mut told = rules(schema);
    // Objects tell their own rules in their own section.
    for (name, field) in fields
        .iter()
        .filter(|(_, field)| !field["properties"].is_object())
    {
        for rule in messages(field) {
            line!(told, "- `{name}` {rule}.");
        }
    }
    if !told.is_empty() {
        line!(out, "\nRules:\n\n{}", told.trim_end());
    }
    for (name, field) in fields {
        let below = format!("{path}.{name}");
        if field["items"]["properties"].is_object() {
            object(out, &format!("{below}[]"), &field["items"]);
        } else {
            object(out, &below, field);
        }
    }
}

fn rules(schema: &Value) -> String {
    messages(schema).fold(String::new(), |told, message| told + "- " + message + ".\n")
}

fn messages(schema: &Value) -> impl Iterator<Item = &str> {
    schema["x-kubernetes-validations"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|rule| text(&rule["message"]))
}

/// The type in words, with its bounds.
fn type_of(schema: &Value) -> String {
    let bounds = |least: &str, most: &str, unit: &str| match (whole(&schema[least]), whole(&schema[most])) {
        (Some(least), Some(most)) => format!(", {least} to {most}{unit}"),
        (None, Some(most)) => format!(", up to {most}{unit}"),
        (Some(least), None) => format!(", at least {least}{unit}"),
        (None, None) => String::new(),
    };
    if let Some(values) = schema["enum"].as_array() {
        let values: Vec<String> = values.iter().map(|value| format!("`{}`", text(value))).collect();
        return values.join(" or ");
    }
    match text(&schema["type"]) {
        "string" if schema["format"] == "date-time" => "time".to_owned(),
        "string" => format!("string{}", bounds("minLength", "maxLength", " characters")),
        "integer" => format!("integer{}", bounds("minimum", "maximum", "")),
        "array" => {
            let items = type_of(&schema["items"]);
            let of = if items == "object" {
                "objects".to_owned()
            } else {
                format!("({items})")
            };
            format!("list of {of}{}", bounds("minItems", "maxItems", " items"))
        }
        "object" if schema["additionalProperties"].is_object() => format!(
            "map to ({}){}",
            type_of(&schema["additionalProperties"]),
            bounds("minProperties", "maxProperties", " entries")
        ),
        other => other.to_owned(),
    }
}

fn whole(value: &Value) -> Option<i64> {
    value
        .as_i64()
        .or_else(|| value.as_f64().map(|float| float as i64))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Text that may stand in a table's cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_equals_the_types() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference.md");
        let file = std::fs::read_to_string(path).unwrap();
        assert!(
            file == markdown(&crds::all()),
            "docs/reference.md is not what the types say: run `make generate`"
        );
    }

    #[test]
    fn every_object_has_a_section_and_every_bound_is_told() {
        let text = markdown(&crds::all());
        for expected in [
            "## ClusterParameterStore",
            "## ClusterChangeCalendar",
            "### `spec.sources[]`",
            "### `spec.access[].namespaceSelector.matchExpressions[]`",
            "| `sources` | list of objects, 1 to 50 items | Required. What is read",
            "| `version` | integer, at least 1 |",
            "| `onMissing` | `Prune` or `Hold` |",
            "| `exceptDates` | list of (string, 1 to 25 characters), up to 100 items |",
            "| `labels` | map to (string, up to 63 characters), up to 32 entries |",
            "- give exactly one of path and name.",
            "- Field selectors: `status.secret.name`, `spec.storeRef.name`.",
        ] {
            assert!(text.contains(expected), "missing: {expected}");
        }
        assert_eq!(
            text.matches("templatesOnly needs templates").count(),
            1,
            "a rule is told once"
        );
    }
}
