//! The CEL rules against a table of objects. The same table is put to a real API server by the end-to-end tests.

use std::collections::BTreeSet;

use kube::core::cel::{ValidationError, Validator};
use serde::Deserialize;
use serde_json::{Value, json};

use super::crds;
use super::rules::REVISION_GOES_BACK;
use crate::names::{ParameterName, ParameterPath, SecretKey};

#[derive(Deserialize)]
struct Table {
    accepted: Vec<Case>,
    refused: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    kind: String,
    old: Option<Value>,
    spec: Value,
    field: Option<String>,
    message: Option<String>,
}

impl Case {
    fn errors(&self) -> Vec<ValidationError> {
        let crds = crds::all();
        let Some(crd) = crds.iter().find(|crd| crd.spec.names.kind == self.kind) else {
            panic!("{}: no kind {}", self.name, self.kind);
        };
        let schema = crds::schema(crd);
        let object = |spec: &Value| {
            json!({
                "apiVersion": "paramsync.dev/v1alpha1",
                "kind": self.kind,
                "metadata": {"name": "object"},
                "spec": spec,
            })
        };
        let old = self.old.as_ref().map(object);
        match Validator::new().validate(&schema, &object(&self.spec), old.as_ref()) {
            Ok(()) => vec![],
            Err(errors) => errors.into_iter().collect(),
        }
    }
}

fn table() -> Table {
    serde_saphyr::from_str(include_str!("testdata/rules.yaml")).unwrap()
}

#[test]
fn what_is_right_is_accepted() {
    for case in table().accepted {
        let errors = case.errors();
        assert!(errors.is_empty(), "{}: {errors:?}", case.name);
    }
}

#[test]
fn what_is_wrong_is_refused_by_one_rule_that_names_the_field() {
    for case in table().refused {
        let errors = case.errors();
        let [error] = errors.as_slice() else {
            panic!("{}: one error expected: {errors:#?}", case.name);
        };
        let (field, part) = (case.field.unwrap(), case.message.unwrap());
        assert!(error.message.contains(&part), "{}: {}", case.name, error.message);
        assert!(
            error.field_path.contains(&field),
            "{}: {} not {field}",
            case.name,
            error.field_path
        );
    }
}

#[test]
fn every_rule_has_a_case_that_it_refuses() {
    let seen: BTreeSet<String> = table()
        .refused
        .iter()
        .flat_map(Case::errors)
        .map(|error| error.message)
        .collect();
    let mut messages = BTreeSet::new();
    for crd in crds::all() {
        collect_messages(&crds::schema(&crd), &mut messages);
    }
    // Of status, which no user writes: a test of its own.
    messages.remove(REVISION_GOES_BACK);
    let untested: Vec<_> = messages.difference(&seen).collect();
    assert!(
        untested.is_empty(),
        "rules without a case in testdata/rules.yaml: {untested:#?}"
    );
}

#[test]
fn what_status_says_of_the_secret_never_goes_back() {
    let crds = crds::all();
    let sync = crds
        .iter()
        .find(|crd| crd.spec.names.kind == "ParameterSync")
        .unwrap();
    let schema = crds::schema(sync);
    let object = |status: &Value| {
        json!({
            "apiVersion": "paramsync.dev/v1alpha1", "kind": "ParameterSync", "metadata": {"name": "object"},
            "spec": {"sources": [{"path": "/web"}]}, "status": status,
        })
    };
    let at = |revision: i64| json!({"secret": {"name": "web", "keys": 1, "revision": revision}});
    let unrecorded = json!({"observedGeneration": 1});
    let legacy = json!({"secret": {"name": "web", "keys": 1}});
    for (old, new, lawful) in [
        (&unrecorded, &at(7), true),
        (&legacy, &at(7), true),
        (&at(7), &at(7), true),
        (&at(7), &at(8), true),
        (&at(7), &at(6), false),
        (&at(7), &legacy, false),
        (&at(7), &unrecorded, false),
    ] {
        let answer = Validator::new().validate(&schema, &object(new), Some(&object(old)));
        let said: Vec<String> = answer
            .err()
            .into_iter()
            .flatten()
            .map(|error| error.message)
            .collect();
        let expected: &[&str] = if lawful { &[] } else { &[REVISION_GOES_BACK] };
        assert_eq!(said, expected, "{old} -> {new}");
    }
}

#[test]
fn the_parsers_agree_with_the_rules() {
    type Parses = fn(&str) -> bool;
    let fields: [(&str, Parses); 3] = [
        ("name", |text| ParameterName::parse(text).is_ok()),
        ("path", |text| ParameterPath::parse(text).is_ok()),
        ("key", |text| SecretKey::parse(text).is_ok()),
    ];
    let Table { accepted, refused } = table();
    for (field, parses) in fields {
        for case in &accepted {
            for source in case.spec["sources"].as_array().into_iter().flatten() {
                let text = source[field].as_str();
                assert!(
                    text.is_none_or(parses),
                    "{}: {text:?} is accepted and does not parse",
                    case.name
                );
            }
        }
        let place = format!("spec.sources[0].{field}");
        for case in refused
            .iter()
            .filter(|case| case.field.as_deref() == Some(&place))
        {
            let text = case.spec["sources"][0][field].as_str().unwrap();
            assert!(!parses(text), "{}: {text:?} is refused and parses", case.name);
        }
    }
}

fn collect_messages(value: &Value, messages: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for rule in fields
                .get("x-kubernetes-validations")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
            {
                messages.insert(rule["message"].as_str().unwrap().to_owned());
            }
            fields
                .values()
                .for_each(|field| collect_messages(field, messages));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_messages(item, messages)),
        _ => {}
    }
}
