//! What others do to a Secret, and how it is put back.

use std::time::{Duration, Instant};

use base64::Engine as _;
use harness::Case;
use serde_json::{Value, json};

use super::support::suite;
use super::writes::Writes;

const K: usize = 12;
/// The goal is 2 s; the machine that runs the tests may be busy.
const SOON: Duration = Duration::from_secs(6);
/// No sweep comes in between.
const QUIET: &str = "interval: 24h\nsources: [{path: /web}]\n\
                     target: {labels: {team: shop}, annotations: {example.com/note: kept}}";

fn base64(text: &str) -> String {
    base64::engine::general_purpose::STANDARD.encode(text)
}

/// One way to damage a Secret.
#[derive(Clone, Copy, Debug)]
enum Damage {
    /// `kubectl patch --type merge`.
    Patch(&'static str),
    /// `kubectl patch --type json`.
    JsonPatch(&'static str),
    /// `kubectl replace` of the whole object with another value.
    Replace,
    /// `kubectl delete secret`.
    Delete,
    /// `kubectl label --overwrite`.
    Label(&'static str),
    /// `kubectl annotate --overwrite`.
    Annotate(&'static str),
    /// `kubectl apply --server-side --force-conflicts --field-manager=rival`.
    ForcedApply(&'static str),
}

const DAMAGES: &[(&str, Damage)] = &[
    ("patched", Damage::Patch(r#"{"data":{"V00":"Yg=="}}"#)),
    ("string-data", Damage::Patch(r#"{"stringData":{"V00":"broken"}}"#)),
    ("emptied", Damage::Patch(r#"{"data":null}"#)),
    ("replaced", Damage::Replace),
    (
        "key-removed",
        Damage::JsonPatch(r#"[{"op":"remove","path":"/data/V00"}]"#),
    ),
    ("deleted", Damage::Delete),
    ("unlabelled", Damage::Label("paramsync.dev/managed-")),
    ("mislabelled", Damage::Label("paramsync.dev/managed=false")),
    ("annotation-gone", Damage::Annotate("paramsync.dev/applied-")),
    ("garbled", Damage::Annotate("paramsync.dev/applied=garbled")),
    (
        "managed-fields-gone",
        Damage::JsonPatch(r#"[{"op":"replace","path":"/metadata/managedFields","value":[{}]}]"#),
    ),
    ("label-taken", Damage::Label("team=rivals")),
    ("label-gone", Damage::Label("team-")),
    ("note-taken", Damage::Annotate("example.com/note=other")),
    (
        "orphaned",
        Damage::JsonPatch(r#"[{"op":"remove","path":"/metadata/ownerReferences"}]"#),
    ),
    ("forced-apply", Damage::ForcedApply(r#"{"data":{"V00":"Yg=="}}"#)),
    (
        "forced-string-data",
        Damage::ForcedApply(r#"{"stringData":{"V00":"broken"}}"#),
    ),
];

async fn damage(case: &Case<'_>, name: &str, damage: Damage) {
    let namespace = case.namespace();
    match damage {
        Damage::Patch(patch) => {
            case.kubectl(&["patch", "secret", name, "--type=merge", "-p", patch])
                .await;
        }
        Damage::JsonPatch(patch) => {
            case.kubectl(&["patch", "secret", name, "--type=json", "-p", patch])
                .await;
        }
        Damage::Replace => {
            let mut secret = case.get_json("Secret", name).await.expect("the Secret");
            secret["data"]["V00"] = base64("replaced").into();
            secret["kind"] = "Secret".into();
            secret["apiVersion"] = "v1".into();
            let yaml = secret.to_string();
            case.plane()
                .kubectl_stdin(&["-n", namespace, "replace", "-f", "-"], &yaml)
                .await
                .expect("a replace");
        }
        Damage::Delete => drop(case.kubectl(&["delete", "secret", name]).await),
        Damage::Label(label) => {
            case.kubectl(&["label", "--overwrite", "secret", name, label])
                .await;
        }
        Damage::Annotate(text) => {
            case.kubectl(&["annotate", "--overwrite", "secret", name, text])
                .await;
        }
        Damage::ForcedApply(rest) => {
            let mut secret: Value = serde_json::from_str(rest).expect("JSON");
            secret["apiVersion"] = "v1".into();
            secret["kind"] = "Secret".into();
            secret["metadata"] = json!({"name": name, "namespace": namespace});
            let args = [
                "apply",
                "--server-side",
                "--force-conflicts",
                "--field-manager=rival",
                "-f",
                "-",
            ];
            case.plane()
                .kubectl_stdin(&args, &secret.to_string())
                .await
                .expect("a forced apply");
        }
    }
}

/// All of a Secret that is ours: data, label, annotations, owner; and that the field ownership says so, but for the
/// owner, which may be put right by itself.
fn ours(secret: &Value) -> Value {
    let meta = &secret["metadata"];
    let mut fields = meta["managedFields"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|entry| entry["manager"] == "paramsync" && entry["operation"] == "Apply")
        .map(|entry| entry["fieldsV1"].clone());
    let metadata = fields
        .as_mut()
        .and_then(|fields| fields["f:metadata"].as_object_mut());
    metadata.map(|metadata| metadata.remove("f:ownerReferences"));
    json!({
        "data": secret["data"],
        "labels": meta["labels"],
        "applied": meta["annotations"]["paramsync.dev/applied"],
        "note": meta["annotations"]["example.com/note"],
        "owner": meta["ownerReferences"],
        "fields": fields,
    })
}

#[tokio::test]
async fn whatever_others_change_is_put_back_soon_at_the_applied_versions_for_k_decrypts() {
    let case = suite().await.case("drift").await;
    case.put_many("/web", K).await;
    let all: Vec<String> = DAMAGES
        .iter()
        .map(|(name, _)| case.sync_yaml(name, QUIET))
        .collect();
    case.apply(&all.join("---\n")).await;
    let mut before = Vec::new();
    for (name, _) in DAMAGES {
        case.wait_ready(name).await;
        before.push(ours(&case.get_json("Secret", name).await.expect("the Secret")));
    }
    // Newer, and not known to the operator yet: a repair must not bring it in.
    case.put("/web/V01", "newer").await;
    let mut slowest = Duration::ZERO;
    for ((name, how), before) in DAMAGES.iter().zip(before) {
        case.gate().reset_counts();
        let since = case.gate().calls().len();
        let writes = Writes::of(&case, "Secret", name).await;
        if matches!(how, Damage::ForcedApply(_)) {
            // Only times tell of an applied stringData, and they count whole seconds.
            tokio::time::sleep(Duration::from_millis(1_100)).await;
        }
        damage(&case, name, *how).await;
        let start = Instant::now();
        case.eventually(SOON, &format!("{name}: the Secret as it was"), async || {
            (writes.count() >= 1 && ours(&case.get_json("Secret", name).await?) == before).then_some(())
        })
        .await;
        let took = start.elapsed();
        slowest = slowest.max(took);
        case.wait_condition(name, "Ready", "True", "Synced").await;
        let counts = case.gate().counts();
        // The owner reference is put right by itself: no value is needed for it.
        let decrypted = if *name == "orphaned" { 0 } else { K as u64 };
        assert_eq!(counts.decrypted, decrypted, "{name}: {counts:?}");
        let calls = &case.gate().calls()[since..];
        let names: Vec<&String> = calls.iter().flat_map(|call| &call.names_or_path).collect();
        assert!(names.iter().all(|name| name.ends_with(":1")), "{name}: {names:?}");
        println!("measured: {name} put back after {took:?}");
    }
    println!("measured: the slowest took {slowest:?}");
}

#[tokio::test]
async fn a_key_of_somebody_elses_stays_and_the_same_value_written_by_others_costs_nothing() {
    let case = suite().await.case("drift-stays").await;
    case.put_many("/web", K).await;
    case.sync("web", QUIET).await;
    case.wait_ready("web").await;
    case.gate().reset_counts();
    let same = format!(r#"{{"data":{{"V00":"{}"}}}}"#, base64("value-0"));
    case.kubectl(&["patch", "secret", "web", "--type=merge", "-p", &same])
        .await;
    let added =
        r#"{"data":{"THEIRS":"dGhlaXJz"},"metadata":{"labels":{"app.kubernetes.io/managed-by":"Helm"}}}"#;
    case.kubectl(&["patch", "secret", "web", "--type=merge", "-p", added])
        .await;
    let version = case.secret_resource_version("web").await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(case.secret_resource_version("web").await, version);
    assert_eq!(case.gate().counts().reads(), 0);

    // A repair leaves it too.
    case.kubectl(&[
        "patch",
        "secret",
        "web",
        "--type=merge",
        "-p",
        r#"{"data":{"V01":"Yg=="}}"#,
    ])
    .await;
    case.eventually(SOON, "V01 put back", async || {
        (case.secret_value("web", "V01").await? == "value-1").then_some(())
    })
    .await;
    let theirs = case.secret_value("web", "THEIRS").await;
    assert_eq!(theirs.as_deref(), Some("theirs"));
}

#[tokio::test]
async fn a_rival_that_writes_every_second_is_named_and_not_fought() {
    let case = suite().await.case("drift-rival").await;
    case.put_many("/web", K).await;
    case.sync("web", QUIET).await;
    case.wait_ready("web").await;
    case.gate().reset_counts();
    for n in 0..8 {
        let patch = format!(r#"{{"data":{{"V00":"{}"}}}}"#, base64(&format!("rival-{n}")));
        let args = [
            "patch",
            "secret",
            "web",
            "--field-manager=rival",
            "--type=merge",
            "-p",
            &patch,
        ];
        case.kubectl(&args).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let contested = case.wait_condition("web", "Ready", "False", "Contested").await;
    assert!(
        contested.message.contains("rival") && contested.message.contains("data.V00"),
        "{contested:?}"
    );
    // Two prompt repairs, then a pause.
    let counts = case.gate().counts();
    assert_eq!(counts.decrypted, 2 * K as u64, "{counts:?}");
    let value = case.secret_value("web", "V00").await;
    assert_eq!(value.as_deref(), Some("rival-7"));
}

#[tokio::test]
async fn a_parameter_made_anew_under_the_same_version_never_comes_in_as_a_repair() {
    let case = suite().await.case("drift-anew").await;
    case.put_many("/web", 3).await;
    case.sync("web", QUIET).await;
    case.wait_ready("web").await;
    let before = case.get_json("ParameterSync", "web").await.expect("web");
    // Times at AWS are to be told apart by the millisecond, those of other servers by the second.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    case.store().delete("/web/V00").await.expect("a deletion");
    assert_eq!(case.put("/web/V00", "another life").await, 1);
    case.kubectl(&[
        "patch",
        "secret",
        "web",
        "--type=merge",
        "-p",
        r#"{"data":{"V01":"Yg=="}}"#,
    ])
    .await;
    case.eventually(
        Duration::from_secs(30),
        "the new value, as a change",
        async || {
            let secret = case.secret("web").await?;
            (secret["V00"] == b"another life" && secret["V01"] == b"value-1").then_some(())
        },
    )
    .await;
    case.wait_condition("web", "Ready", "True", "Synced").await;
    let after = case.get_json("ParameterSync", "web").await.expect("web");
    let (old, new) = (
        &before["status"]["parameters"][0],
        &after["status"]["parameters"][0],
    );
    assert_eq!((&old["version"], &new["version"]), (&json!(1), &json!(1)));
    assert_ne!(old["lastModified"], new["lastModified"]);
    let reasons = event_reasons(&case, "web").await;
    assert!(!reasons.contains(&"Repaired".to_owned()), "{reasons:?}");
    assert!(reasons.contains(&"Updated".to_owned()), "{reasons:?}");
}

#[tokio::test]
async fn a_known_newer_version_comes_in_when_the_secret_breaks() {
    let case = suite().await.case("drift-newer").await;
    case.put_many("/web", 3).await;
    case.sync("web", "interval: 10s\nsources: [{path: /web}]").await;
    case.wait_ready("web").await;
    case.put("/web/V00", "newer").await;
    case.kubectl(&["delete", "secret", "web"]).await;
    case.eventually(Duration::from_secs(30), "the newer value", async || {
        (case.secret_value("web", "V00").await? == "newer").then_some(())
    })
    .await;
    case.wait_ready("web").await;
}

async fn event_reasons(case: &Case<'_>, name: &str) -> Vec<String> {
    let events = case.list_json("Event").await;
    events
        .iter()
        .filter(|event| event["involvedObject"]["name"] == name)
        .filter_map(|event| event["reason"].as_str().map(str::to_owned))
        .collect()
}
