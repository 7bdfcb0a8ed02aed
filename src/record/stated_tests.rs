use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::api::ParameterSync;
use crate::names::{Origin, ParameterName, SecretKey};

fn object(status: Value) -> ParameterSync {
    let mut object = json!({
        "apiVersion": "paramsync.dev/v1alpha1", "kind": "ParameterSync",
        "metadata": {"name": "web", "namespace": "shop", "uid": "u-1"},
        "spec": {"sources": [{"path": "/web"}]},
    });
    object["status"] = status;
    serde_json::from_value(object).unwrap()
}

fn record() -> Record {
    let applied = |source, name: &str, keys: &[&str]| Applied {
        source,
        name: ParameterName::parse(name).unwrap(),
        stamp: Stamp {
            version: 7,
            last_modified: Timestamp::from_millisecond(1_700_000_000_123).unwrap(),
        },
        kind: ParameterKind::SecureString,
        keys: keys.iter().map(|key| SecretKey::parse(key).unwrap()).collect(),
    };
    Record {
        uid: "u-1".into(),
        revision: 1_764_518_404,
        provenance: Provenance {
            origin: Origin {
                account: "111122223333".into(),
                region: "eu-west-1".into(),
            },
            endpoint: Some("http://127.0.0.1:4566".into()),
            shape: Shape("1.abc".into()),
            secret_type: "Opaque".into(),
            parameters: vec![
                applied(0, "/web/A", &["A"]),
                applied(0, "/web/T", &[]),
                applied(1, "/web/J", &["x", "y"]),
                applied(2, "/web/J", &["z"]),
            ],
            template_keys: vec![SecretKey::parse("app.properties").unwrap()],
            labels: vec!["team".into()],
            annotations: vec!["contact".into()],
        },
    }
}

fn status_of(record: &Record) -> Value {
    json!({
        "secret": secret_status(record, "web", &[]),
        "parameters": parameter_entries(&record.provenance),
    })
}

#[test]
fn status_gives_back_the_record_that_was_written_there() {
    let stated = stated(&object(status_of(&record())), "web").unwrap();
    assert_eq!(stated.record, Some(record()));
    assert_eq!((stated.writing, stated.floor), (None, 1_764_518_404));
}

#[test]
fn a_record_is_believed_under_its_own_uid_and_of_its_own_secret_only() {
    let mut foreign = record();
    foreign.uid = "u-0".into();
    let stated_of = |record: &Record, target| stated(&object(status_of(record)), target).unwrap();
    let restored = stated_of(&foreign, "web");
    assert_eq!(restored.record, None);
    assert_eq!(
        restored.floor, 1_764_518_404,
        "the next revision is above it all the same"
    );
    assert_eq!(stated_of(&record(), "api").record, None);
}

#[test]
fn an_announcement_is_read_beside_the_record() {
    let mut status = status_of(&record());
    status["secret"]["writing"] = json!(1_764_518_405_i64);
    let stated = stated(&object(status), "web").unwrap();
    assert_eq!(
        (stated.writing, stated.floor),
        (Some(1_764_518_405), 1_764_518_405)
    );
}

#[test]
fn a_record_of_a_newer_format_or_one_that_is_not_whole_is_not_read() {
    let mut newer = status_of(&record());
    newer["secret"]["shape"] = json!("2.abc");
    let error = stated(&object(newer), "web").unwrap_err();
    assert!(error.to_string().contains("\"2\""), "{error}");
    for missing in ["origin", "shape", "type"] {
        let mut broken = status_of(&record());
        broken["secret"].as_object_mut().unwrap().remove(missing);
        assert!(stated(&object(broken), "web").is_err(), "{missing}");
    }
}

#[test]
fn a_record_of_release_0_1_has_revision_0_and_an_incomplete_one_says_nothing() {
    let status = json!({
        "secret": {"name": "web", "keys": 1, "account": "111122223333", "region": "eu-west-1", "shape": "abc", "type": "Opaque"},
        "parameters": [{
            "key": "A", "source": 0, "name": "/web/A", "version": 7,
            "lastModified": "2026-11-23T10:00:00.123Z", "type": "SecureString",
        }],
    });
    let read = stated(&object(status.clone()), "web").unwrap();
    let record = read.record.unwrap();
    assert_eq!(
        (record.revision, record.uid.as_str(), read.floor),
        (LEGACY, "u-1", 0)
    );
    assert_eq!(record.provenance.parameters.len(), 1);
    let mut incomplete = status;
    incomplete.as_object_mut().unwrap().remove("parameters");
    assert_eq!(stated(&object(incomplete), "web").unwrap(), Stated::default());
}
