//! What holds of every CRD: files equal types, fields are described and bounded, paths lead somewhere.

use std::path::Path;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde_json::Value;

use super::crds;

/// Calls `visit` with the path and schema of every field below `schema`, items and values of maps included.
fn walk(path: &str, schema: &Value, visit: &mut dyn FnMut(&str, &Value)) {
    visit(path, schema);
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        walk(&format!("{path}.{name}"), field, visit);
    }
    if schema["items"].is_object() {
        walk(&format!("{path}[]"), &schema["items"], visit);
    }
    if schema["additionalProperties"].is_object() {
        walk(&format!("{path}{{}}"), &schema["additionalProperties"], visit);
    }
}

fn each_field(mut visit: impl FnMut(&str, &Value)) {
    for crd in crds::all() {
        walk(&crd.spec.names.kind, &crds::schema(&crd), &mut visit);
    }
}

#[test]
fn the_files_equal_the_types() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("crds");
    let mut expected: Vec<String> = crds::all().iter().map(crds::file_name).collect();
    let mut found: Vec<String> = std::fs::read_dir(&dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    expected.sort();
    found.sort();
    assert_eq!(found, expected, "crds/ holds other files: run `make generate`");
    for crd in crds::all() {
        let name = crds::file_name(&crd);
        let file = std::fs::read_to_string(dir.join(&name)).unwrap();
        assert!(
            file == crds::to_yaml(&crd).unwrap(),
            "crds/{name} is not what the types say: run `make generate`"
        );
    }
}

#[test]
fn the_yaml_reads_back_as_the_same_crd() {
    for crd in crds::all() {
        let back: CustomResourceDefinition = serde_saphyr::from_str(&crds::to_yaml(&crd).unwrap()).unwrap();
        assert_eq!(back, crd);
    }
}

#[test]
fn each_file_is_below_64_kib() {
    for crd in crds::all() {
        let size = crds::to_yaml(&crd).unwrap().len();
        assert!(size < 64 * 1024, "{}: {size} bytes", crds::file_name(&crd));
    }
}

#[test]
fn every_field_is_described_with_an_example() {
    each_field(|path, schema| {
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            let text = field["description"].as_str().unwrap_or_default();
            assert!(text.len() > 20, "{path}.{name} has no description");
            let block = field["properties"].is_object() && ["spec", "status"].contains(&name.as_str());
            assert!(
                block || text.contains("Example: "),
                "{path}.{name} has no example: {text}"
            );
        }
    });
}

#[test]
fn every_optional_field_of_a_spec_tells_its_default() {
    each_field(|path, schema| {
        if !path.contains(".spec") {
            return;
        }
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            let told = field["description"]
                .as_str()
                .unwrap_or_default()
                .contains("Default: ");
            let by_rule = ["path", "name"].contains(&name.as_str()) && path.ends_with(".sources[]");
            let by_origin =
                path.ends_with("ChangeCalendar.spec") && ["events", "ics", "aws"].contains(&name.as_str());
            let by_kind = path.ends_with(".secretRef") && name == "namespace";
            let by_store = path == "ParameterStore.spec" && name == "auth";
            let must = required.contains(&Value::from(name.as_str()));
            assert!(
                must || told || by_rule || by_origin || by_kind || by_store,
                "{path}.{name} does not tell its default"
            );
        }
    });
}

#[test]
fn everything_is_bounded() {
    each_field(|path, schema| {
        let has = |names: &[&str]| names.iter().any(|name| !schema[*name].is_null());
        match schema["type"].as_str() {
            Some("string") => assert!(has(&["maxLength", "enum", "format"]), "{path}: no bound"),
            Some("array") => {
                assert!(has(&["maxItems"]), "{path}: no maxItems");
                assert!(has(&["x-kubernetes-list-type"]), "{path}: no list type");
            }
            Some("object") if schema["additionalProperties"].is_object() => {
                assert!(has(&["maxProperties"]), "{path}: no maxProperties");
            }
            Some("object") => assert!(
                schema["properties"].is_object() || path.ends_with(".metadata"),
                "{path}: open"
            ),
            Some("integer") => {
                let format = schema["format"].as_str();
                assert!(
                    matches!(format, Some("int32" | "int64")),
                    "{path}: format {format:?}"
                );
            }
            Some("boolean") => {}
            other => panic!("{path}: type {other:?}"),
        }
    });
}

#[test]
fn the_api_server_fills_in_nothing_but_the_first_status() {
    each_field(|path, schema| {
        let default = &schema["default"];
        if path.ends_with(".status") && path.matches('.').count() == 1 {
            assert_eq!(default, &serde_json::json!({"observedGeneration": -1}), "{path}");
        } else {
            assert!(default.is_null(), "{path} has a default");
        }
        assert!(schema["nullable"].is_null(), "{path} is nullable");
    });
}

#[test]
fn columns_and_selectable_fields_lead_to_fields() {
    for crd in crds::all() {
        let schema = crds::schema(&crd);
        let version = &crd.spec.versions[0];
        let columns = version
            .additional_printer_columns
            .iter()
            .flatten()
            .map(|column| &column.json_path);
        let selectable = version
            .selectable_fields
            .iter()
            .flatten()
            .map(|field| &field.json_path);
        for path in columns.chain(selectable) {
            assert!(leads_somewhere(&schema, path), "{}: {path}", crd.spec.names.kind);
        }
    }
}

#[test]
fn a_path_that_leads_nowhere_is_seen() {
    let schema = crds::schema(&crds::all()[0]);
    for path in [
        ".spec.store",
        ".status.secret.size",
        ".status.conditions[?(@.kind==\"Ready\")].status",
        ".status.gates[0].title",
        ".status.secret[0].name",
    ] {
        assert!(!leads_somewhere(&schema, path), "{path}");
    }
}

/// Follows a JSON path of names, with `[?(@.field=="x")]` or `[0]` behind lists. Metadata is the API server's own.
fn leads_somewhere(schema: &Value, path: &str) -> bool {
    if path == ".metadata.creationTimestamp" {
        return true;
    }
    let mut here = schema;
    let mut rest = path;
    while let Some(after) = rest.strip_prefix('.') {
        let end = after.find(['.', '[']).unwrap_or(after.len());
        here = &here["properties"][&after[..end]];
        rest = &after[end..];
        if let Some(behind) = rest.strip_prefix("[0]") {
            here = &here["items"];
            rest = behind;
        } else if let Some(filter) = rest.strip_prefix("[?(@.") {
            let Some((field, _)) = filter.split_once("==") else {
                return false;
            };
            let Some((_, behind)) = filter.split_once(")]") else {
                return false;
            };
            here = &here["items"];
            if !here["properties"][field].is_object() {
                return false;
            }
            rest = behind;
        }
    }
    rest.is_empty() && here["type"].is_string()
}

/// `transform` and `report` refuse by these numbers what status could not hold.
#[test]
fn status_has_room_for_what_is_let_through() {
    let mut room = Vec::new();
    each_field(|path, schema| match path {
        "ParameterSync.status.parameters" => room.push(schema["maxItems"].clone()),
        "ParameterSync.status.lastHandledSyncRequest" => room.push(schema["maxLength"].clone()),
        _ => {}
    });
    room.sort_by_key(Value::as_u64);
    assert_eq!(room, [super::MAX_SYNC_REQUEST, super::MAX_PARAMETERS]);
}
