//! Manifests against the table of the CEL rules, which is put to a real API server too.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{manifest, time};

#[derive(Deserialize)]
struct Table {
    accepted: Vec<Case>,
    refused: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    kind: String,
    /// Rules about what may become of an object are not for a file, which has no past.
    old: Option<Value>,
    spec: Value,
    field: Option<String>,
}

impl Case {
    fn is_of_a_calendar(&self) -> bool {
        self.old.is_none() && self.kind.ends_with("ChangeCalendar")
    }

    /// Why it is refused, by reading or by compiling it.
    fn refusal(&self) -> Option<String> {
        let manifest = json!({"apiVersion": "paramsync.dev/v1alpha1", "kind": self.kind, "spec": self.spec});
        let spec = manifest::read(&manifest.to_string());
        let compiled = spec.and_then(|spec| crate::watch::compile(&spec));
        compiled.err().map(|error| error.to_string())
    }
}

fn table() -> Table {
    serde_saphyr::from_str(include_str!("../../api/testdata/rules.yaml")).unwrap()
}

#[test]
fn what_the_api_server_accepts_is_accepted_unless_aws_evaluates_it() {
    let mut accepted = 0;
    for case in table().accepted.iter().filter(|case| case.is_of_a_calendar()) {
        // The rules do not look into a document; these have none that can be read.
        let expected = match (case.spec.get("aws"), case.spec.get("ics")) {
            (Some(_), _) => Some("spec.aws: is evaluated by AWS"),
            (_, Some(_)) => Some("line 1: the text ends"),
            _ => None,
        };
        match (case.refusal(), expected) {
            (None, None) => accepted += 1,
            (Some(message), Some(expected)) => {
                assert!(message.starts_with(expected), "{}: {message}", case.name);
            }
            (refusal, _) => panic!("{}: {refusal:?}", case.name),
        }
    }
    assert!(accepted >= 3, "{accepted}");
}

#[test]
fn what_the_api_server_refuses_is_refused_at_the_same_field() {
    let mut refused = 0;
    for case in table().refused.iter().filter(|case| case.is_of_a_calendar()) {
        let message = case
            .refusal()
            .unwrap_or_else(|| panic!("{} is accepted", case.name));
        if case.spec.get("aws").is_none() {
            let field = case.field.as_deref().unwrap();
            assert!(message.starts_with(field), "{}: {message}", case.name);
        }
        refused += 1;
    }
    assert!(refused > 30, "{refused}");
}

#[test]
fn times_have_a_zone_or_are_dates() {
    for (text, expected) in [
        ("2026-12-24T18:00:00Z", Some("2026-12-24T18:00:00Z")),
        ("2026-12-24T18:00:00+09:00", Some("2026-12-24T09:00:00Z")),
        ("2026-12-24T18:00:00.5Z", Some("2026-12-24T18:00:00.5Z")),
        ("2026-12-24", Some("2026-12-24T00:00:00Z")),
        ("1970-01-01", Some("1970-01-01T00:00:00Z")),
        ("2201-01-01", Some("2201-01-01T00:00:00Z")),
        ("2026-12-24T18:00:00", None),
        ("2026-12-24T18:00:00[Asia/Tokyo]", None),
        ("2026-12-24T18:00:00+09:00[Asia/Tokyo]", None),
        ("1969-12-31T23:59:59Z", None),
        ("2201-01-01T00:00:01Z", None),
        ("2026-02-30", None),
        ("tomorrow", None),
        ("", None),
    ] {
        let instant = time::instant(text).ok().map(|instant| instant.to_string());
        assert_eq!(instant.as_deref(), expected, "{text}");
    }
}
