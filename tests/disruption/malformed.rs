//! Objects that an older, looser schema let in.

use std::time::Duration;

use harness::{Case, repository};
use serde_json::json;

use super::support::{LONG, ask_for_sync, assert_no_panic, suite, turn, wait_value};

const CRD: &str = "parametersyncs.paramsync.dev";

/// Takes the schema's rules away, as if an older version had had none.
async fn loosen(case: &Case<'_>) {
    let schema = json!({
        "type": "object",
        "properties": {
            "spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
            "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
        },
    });
    let patch = json!([
        {"op": "replace", "path": "/spec/versions/0/schema/openAPIV3Schema", "value": schema},
        {"op": "remove", "path": "/spec/versions/0/selectableFields"},
    ])
    .to_string();
    case.plane()
        .kubectl(&["patch", "crd", CRD, "--type=json", "-p", &patch])
        .await
        .unwrap();
}

async fn restore(case: &Case<'_>) {
    let file = repository().join("crds/paramsync.dev_parametersyncs.yaml");
    let args = ["replace", "-f", &file.to_string_lossy()];
    case.plane().kubectl(&args).await.unwrap();
}

#[tokio::test]
async fn malformed_objects_are_named_and_the_others_work_on() {
    let _turn = turn().await;
    let case = suite().await.case_alone("malformed").await;
    let operator = case.operator();
    case.put_many("/web", 3).await;
    for name in ["good", "turned"] {
        case.sync(name, "interval: 10m\nsources: [{path: /web}]").await;
        case.wait_ready(name).await;
    }
    let kept = case.secret_resource_version("turned").await;

    loosen(&case).await;
    let bad = [
        ("text", "sources: text"),
        ("number", "interval: 3\nsources: [{path: /web}]"),
        ("turned", "interval: 3\nsources: [{path: /web}]"),
        ("older", "sources: [{path: /web}]\ntarget: {adopt: true}"),
    ];
    for (name, spec) in bad {
        let yaml = case.sync_yaml(name, spec);
        case.eventually(LONG, "the loose schema lets it in", async || {
            let args = ["apply", "--validate=false", "-f", "-"];
            case.plane().kubectl_stdin(&args, &yaml).await.ok()
        })
        .await;
    }
    restore(&case).await;
    case.eventually(LONG, "the strict schema is back", async || {
        let yaml = case.sync_yaml("refused", "sources: text");
        let args = ["apply", "--dry-run=server", "--validate=false", "-f", "-"];
        case.plane().kubectl_stdin(&args, &yaml).await.err().map(drop)
    })
    .await;

    for round in ["before", "after"] {
        for (name, field) in [
            ("text", "sources"),
            ("number", "interval"),
            ("turned", "interval"),
            (
                "older",
                "spec.target.adopt: found true, which an older release took; write Always",
            ),
        ] {
            let ready = case.wait_condition(name, "Ready", "False", "InvalidSpec").await;
            assert!(ready.message.contains(field), "{name}: {ready:?}");
            assert!(ready.message.contains("apply it again"), "{name}: {ready:?}");
            let up_to_date = case.condition("ParameterSync", name, "UpToDate").await.unwrap();
            assert_eq!(up_to_date.reason, "InvalidSpec");
            let object = format!("object={}/{name}", case.namespace());
            assert!(
                operator
                    .log()
                    .lines()
                    .any(|line| line.contains(&object) && line.contains(field)),
                "the log names {object}"
            );
        }
        // Saying so once is enough: each status write is an event of the watch that finds the same fault again.
        let versions = async || {
            let mut versions = Vec::new();
            for (name, _) in bad {
                versions.push(case.resource_version("ParameterSync", name).await);
            }
            versions
        };
        let said = versions().await;
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!(versions().await, said, "their status is written again and again");

        case.put("/web/V01", round).await;
        ask_for_sync(&case, "good", round).await;
        wait_value(&case, "good", "V01", round).await;
        case.wait_ready("good").await;
        assert!(case.secret("text").await.is_none());
        assert_eq!(
            case.secret_resource_version("turned").await,
            kept,
            "its last good content stays"
        );
        if round == "before" {
            operator.restart().unwrap();
            operator.wait_ready().await.unwrap();
        }
    }

    // Made right again, it works again; deleted, nothing more is said of it.
    case.kubectl(&["delete", "parametersync", "text", "number"]).await;
    case.sync("turned", "interval: 10m\nsources: [{path: /web}]")
        .await;
    case.wait_ready("turned").await;
    wait_value(&case, "turned", "V01", "after").await;
    let log = operator.log();
    assert!(
        !log.contains("the status of a malformed object cannot be written"),
        "{log}"
    );
    assert_no_panic(operator);
}
