//! The CEL rules against a table of objects. The same table is put to a real API server by the end-to-end tests.

use std::collections::BTreeSet;

use kube::core::cel::{ValidationError, Validator};
use serde::Deserialize;
use serde_json::{Value, json};

use super::crds;

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
        let schema = crds::all()
            .iter()
            .find(|crd| crd.spec.names.kind == self.kind)
            .map(crds::schema)
            .unwrap_or_else(|| panic!("{}: no kind {}", self.name, self.kind));
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
    let untested: Vec<_> = messages.difference(&seen).collect();
    assert!(
        untested.is_empty(),
        "rules without a case in testdata/rules.yaml: {untested:#?}"
    );
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
