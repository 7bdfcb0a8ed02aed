//! What is said of an object that cannot be read: a looser schema once let it in.

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::api::{ParameterSync, ParameterSyncSpec, ParameterSyncStatus};

/// What is wrong with a ParameterSync, beginning with the field; none if it can be read.
pub(super) fn fault(object: &Value) -> Option<String> {
    let whole = error_of::<ParameterSync>(object.clone())?;
    if let Some(moved) = moved(object) {
        return Some(moved);
    }
    let spec = object["spec"].as_object().into_iter().flatten();
    let field = spec.into_iter().find_map(|(field, value)| {
        // Each field by itself, as the whole object's error names none.
        let alone = |value: Value| {
            let mut spec = json!({"sources": []});
            spec[field] = value;
            error_of::<ParameterSyncSpec>(spec)
        };
        let error = alone(value.clone())?;
        let mut items = value.as_array().into_iter().flatten().enumerate();
        let item = items.find_map(|(index, item)| {
            alone(json!([item])).map(|error| format!("spec.{field}[{index}]: {error}"))
        });
        Some(item.unwrap_or_else(|| format!("spec.{field}: {error}")))
    });
    let status = || {
        let error = error_of::<ParameterSyncStatus>(object.get("status")?.clone())?;
        Some(format!("status: {error}"))
    };
    Some(field.or_else(status).unwrap_or(whole))
}

/// A field whose form has changed since: what to write in place of what an older release took.
fn moved(object: &Value) -> Option<String> {
    let adopt = object["spec"]["target"]["adopt"].as_bool()?;
    let word = if adopt { "Always" } else { "Never" };
    Some(format!(
        "spec.target.adopt: found {adopt}, which an older release took; write {word}"
    ))
}

fn error_of<T: DeserializeOwned>(value: Value) -> Option<String> {
    serde_json::from_value::<T>(value)
        .err()
        .map(|error| error.to_string())
}

/// The merge patch that says `fault` in the object's status; none where it says so already.
pub(super) fn patch(object: &Value, fault: &str, now: Timestamp) -> Option<Value> {
    let meta = &object["metadata"];
    let message = format!("the object cannot be read: {fault}; correct the field and apply it again");
    let before = object["status"]["conditions"].as_array();
    let condition = |kind: &str| {
        let mut known = before.into_iter().flatten();
        let since = known
            .find(|known| known["type"] == kind && known["status"] == "False")
            .map(|known| known["lastTransitionTime"].clone())
            .filter(Value::is_string)
            .unwrap_or_else(|| json!(Timestamp::from_second(now.as_second()).unwrap_or(now)));
        json!({
            "type": kind, "status": "False", "reason": "InvalidSpec", "message": message,
            "observedGeneration": meta["generation"], "lastTransitionTime": since,
        })
    };
    let conditions = json!([condition("Ready"), condition("UpToDate")]);
    let said = object["status"]["conditions"] == conditions
        && object["status"]["observedGeneration"] == meta["generation"];
    (!said).then(|| {
        json!({
            "metadata": {"resourceVersion": meta["resourceVersion"]},
            "status": {"observedGeneration": meta["generation"], "conditions": conditions},
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(spec: &Value) -> Value {
        json!({
            "apiVersion": "paramsync.dev/v1alpha1", "kind": "ParameterSync",
            "metadata": {"name": "web", "namespace": "shop", "generation": 2, "resourceVersion": "7"},
            "spec": spec,
        })
    }

    #[test]
    fn the_fault_begins_with_the_field() {
        for (spec, field) in [
            (json!({"sources": "text"}), "spec.sources: "),
            (
                json!({"interval": 3, "sources": [{"path": "/web"}]}),
                "spec.interval: ",
            ),
            (
                json!({"sources": [{"path": "/web"}, {"name": "/x", "version": "seven"}]}),
                "spec.sources[1]: ",
            ),
            (
                json!({"sources": [], "target": {"adopt": "yes"}}),
                "spec.target: ",
            ),
            (json!({}), "missing field `sources`"),
        ] {
            let fault = fault(&object(&spec)).unwrap();
            assert!(fault.starts_with(field), "{spec}: {fault}");
        }
        let mut object = object(&json!({"sources": [], "target": {"adopt": "Always"}}));
        assert_eq!(fault(&object), None);
        object["status"] = json!({"observedGeneration": "two"});
        assert!(fault(&object).unwrap().starts_with("status: "));
    }

    #[test]
    fn the_boolean_of_an_older_release_is_answered_by_the_word_that_takes_its_place() {
        for (found, word) in [(true, "Always"), (false, "Never")] {
            let spec = json!({"sources": [{"path": "/web"}], "target": {"adopt": found}});
            let fault = fault(&object(&spec)).unwrap();
            assert_eq!(
                fault,
                format!("spec.target.adopt: found {found}, which an older release took; write {word}")
            );
        }
    }

    #[test]
    fn what_is_said_already_is_not_said_again_and_the_time_of_the_transition_stays() {
        let now: Timestamp = "2026-11-23T10:00:00.5Z".parse().unwrap();
        let mut object = object(&json!({"sources": "text"}));
        let first = patch(&object, "a", now).unwrap();
        let ready = &first["status"]["conditions"][0];
        assert_eq!(ready["lastTransitionTime"], "2026-11-23T10:00:00Z");
        assert_eq!(
            (&ready["reason"], &ready["observedGeneration"]),
            (&json!("InvalidSpec"), &json!(2))
        );
        assert_eq!(first["metadata"]["resourceVersion"], "7");
        object["status"] = first["status"].clone();
        let later: Timestamp = "2026-11-23T11:00:00Z".parse().unwrap();
        assert_eq!(patch(&object, "a", later), None);
        let second = patch(&object, "b", later).unwrap();
        assert_eq!(
            second["status"]["conditions"][0]["lastTransitionTime"],
            "2026-11-23T10:00:00Z"
        );
    }
}
