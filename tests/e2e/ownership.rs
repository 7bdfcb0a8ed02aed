//! Whose a Secret is: foreign ones, shared ones, ones that outlive their ParameterSync.

use std::time::Duration;

use harness::Case;
use serde_json::json;

use super::support::suite;
use super::writes::Writes;

const WEB: &str = "sources: [{path: /web}]";
/// The garbage collector looks for new kinds, such as ours, every 30 s.
const SOME: Duration = Duration::from_secs(90);

async fn foreign_secret(case: &Case<'_>, name: &str, rest: &str) {
    let namespace = case.namespace();
    case.apply(&format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}, namespace: {namespace}}}\n\
         stringData: {{V00: theirs, OTHER: theirs}}\n{rest}"
    ))
    .await;
}

async fn gone(case: &Case<'_>, kind: &str, name: &str) {
    case.eventually(SOME, &format!("{kind} {name} gone"), async || {
        case.get_json(kind, name).await.is_none().then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_foreign_secret_is_left_alone_until_adoption_is_asked_for() {
    let case = suite().await.case("foreign").await;
    case.put_many("/web", 3).await;
    foreign_secret(&case, "web", "").await;
    let version = case.secret_resource_version("web").await;
    case.gate().reset_counts();
    case.sync("web", WEB).await;
    let refused = case
        .wait_condition("web", "Ready", "False", "SecretNotOurs")
        .await;
    assert!(refused.message.contains("target.adopt"), "{refused:?}");
    assert_eq!(case.secret_resource_version("web").await, version);
    assert_eq!(case.gate().counts().decrypted, 0);

    case.sync("web", &format!("{WEB}\ntarget: {{adopt: Always}}"))
        .await;
    case.wait_ready("web").await;
    let secret = case.secret("web").await.expect("the Secret");
    assert_eq!(secret["V00"], b"value-0");
    assert_eq!(secret["OTHER"], b"theirs", "a key of others stays");
}

#[tokio::test]
async fn a_secret_that_another_controller_owns_is_never_adopted() {
    let case = suite().await.case("controlled").await;
    case.put_many("/web", 3).await;
    foreign_secret(&case, "web", "").await;
    // An owner that exists, or the garbage collector takes the Secret.
    let namespace = case.namespace();
    case.apply(&format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: owner, namespace: {namespace}}}\n"
    ))
    .await;
    let owner = case.get_json("ConfigMap", "owner").await.expect("the owner");
    let patch = json!({"metadata": {"ownerReferences": [{
        "apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "controller": true,
        "uid": owner["metadata"]["uid"],
    }]}});
    let patch = patch.to_string();
    case.kubectl(&["patch", "secret", "web", "--type=merge", "-p", &patch])
        .await;
    let version = case.secret_resource_version("web").await;
    case.gate().reset_counts();
    case.sync("web", &format!("{WEB}\ntarget: {{adopt: Always}}"))
        .await;
    let refused = case
        .wait_condition("web", "Ready", "False", "SecretNotOurs")
        .await;
    assert!(refused.message.contains("ConfigMap/owner"), "{refused:?}");
    assert_eq!(case.secret_resource_version("web").await, version);
    assert_eq!(case.gate().counts().decrypted, 0);
}

#[tokio::test]
async fn of_two_for_one_secret_the_older_has_it_and_the_other_costs_nothing_until_it_takes_over() {
    let case = suite().await.case("two").await;
    case.put_many("/old", 2).await;
    case.put_many("/new", 3).await;
    let target = "target: {name: shared}";
    case.sync("old", &format!("sources: [{{path: /old}}]\n{target}"))
        .await;
    case.wait_ready("old").await;
    let uid = case.get_json("Secret", "shared").await.expect("the Secret")["metadata"]["uid"].clone();
    // Creation times count whole seconds; within one, the lower uid would have it.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    case.gate().reset_counts();
    case.sync("new", &format!("sources: [{{path: /new}}]\n{target}"))
        .await;
    let claimed = case
        .wait_condition("new", "Ready", "False", "TargetClaimed")
        .await;
    assert!(claimed.message.contains("old"), "{claimed:?}");
    assert_eq!(case.gate().counts().reads(), 0);

    case.kubectl(&["delete", "parametersync", "old"]).await;
    case.eventually(SOME, "the other's keys", async || {
        (case.secret("shared").await?.len() == 3).then_some(())
    })
    .await;
    case.wait_ready("new").await;
    let secret = case.get_json("Secret", "shared").await.expect("the Secret");
    assert_ne!(
        secret["metadata"]["uid"], uid,
        "the old one's Secret went with it"
    );
    assert_eq!(case.secret("shared").await.expect("the Secret").len(), 3);
}

#[tokio::test]
async fn delete_takes_the_secret_along() {
    let case = suite().await.case("delete").await;
    case.put_many("/web", 2).await;
    case.sync("web", WEB).await;
    case.wait_ready("web").await;
    case.kubectl(&["delete", "parametersync", "web"]).await;
    gone(&case, "Secret", "web").await;
}

#[tokio::test]
async fn retain_leaves_the_secret_and_a_parametersync_made_anew_knows_it_by_its_seal_and_writes_it_once() {
    let case = suite().await.case("retain").await;
    case.put_many("/web", 12).await;
    let spec = format!("interval: 10s\n{WEB}\ntarget: {{deletionPolicy: Retain}}");
    case.sync("web", &spec).await;
    case.wait_ready("web").await;
    case.kubectl(&["delete", "parametersync", "web"]).await;
    gone(&case, "ParameterSync", "web").await;
    // The garbage collector works within a second or two here.
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(case.secret("web").await.expect("the Secret").len(), 12);

    case.gate().reset_counts();
    let (before, writes) = (case.secret("web").await, Writes::of(&case, "Secret", "web").await);
    case.sync("web", &spec).await;
    case.wait_ready("web").await;
    case.eventually(SOME, "a sweep", async || {
        (case.gate().counts().reads() >= 3).then_some(())
    })
    .await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    // Nothing but status says what is applied, and that went with the object: it is a first sync, without adoption.
    assert_eq!(case.gate().counts().decrypted, 12);
    assert_eq!(writes.count(), 1);
    assert_eq!(case.secret("web").await, before);
    // And it is kept from here on.
    case.put("/web/V00", "newer").await;
    case.eventually(SOME, "the newer value", async || {
        (case.secret_value("web", "V00").await? == "newer").then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_change_of_type_is_refused_before_anything_is_decrypted() {
    let case = suite().await.case("type").await;
    case.put_many("/web", 3).await;
    case.sync("web", WEB).await;
    case.wait_ready("web").await;
    let version = case.secret_resource_version("web").await;
    case.gate().reset_counts();
    case.sync("web", &format!("{WEB}\ntarget: {{type: example.com/web}}"))
        .await;
    let refused = case
        .wait_condition("web", "Ready", "False", "SecretTypeImmutable")
        .await;
    assert!(refused.message.contains("delete the Secret"), "{refused:?}");
    assert_eq!(case.secret_resource_version("web").await, version);
    assert_eq!(case.gate().counts().decrypted, 0);

    // What the message says helps.
    case.kubectl(&["delete", "secret", "web"]).await;
    case.wait_ready("web").await;
    let secret = case.get_json("Secret", "web").await.expect("the Secret");
    assert_eq!(secret["type"], "example.com/web");
}

#[tokio::test]
async fn a_secret_marked_immutable_is_refused_until_it_is_deleted() {
    let case = suite().await.case("immutable").await;
    case.put_many("/web", 3).await;
    case.sync("web", &format!("interval: 10s\n{WEB}")).await;
    case.wait_ready("web").await;
    case.kubectl(&[
        "patch",
        "secret",
        "web",
        "--type=merge",
        "-p",
        r#"{"immutable":true}"#,
    ])
    .await;
    case.put("/web/V00", "newer").await;
    let refused = case
        .wait_condition("web", "UpToDate", "False", "SecretImmutable")
        .await;
    assert!(refused.message.contains("delete it"), "{refused:?}");
    assert_eq!(case.secret_value("web", "V00").await.as_deref(), Some("value-0"));
    case.kubectl(&["delete", "secret", "web"]).await;
    case.eventually(SOME, "the newer value", async || {
        (case.secret_value("web", "V00").await? == "newer").then_some(())
    })
    .await;
    case.wait_ready("web").await;
}

#[tokio::test]
async fn target_labels_and_annotations_are_written_and_nothing_is_copied_from_the_parametersync() {
    let case = suite().await.case("labels").await;
    case.put_many("/web", 2).await;
    let spec = format!("{WEB}\ntarget: {{labels: {{team: shop}}, annotations: {{example.com/note: kept}}}}");
    let yaml = case.sync_yaml("web", &spec).replacen(
        "metadata: {name: web,",
        "metadata: {labels: {app: mine}, annotations: {example.com/mine: yes-it-is}, name: web,",
        1,
    );
    case.apply(&yaml).await;
    case.wait_ready("web").await;
    let secret = case.get_json("Secret", "web").await.expect("the Secret");
    let meta = &secret["metadata"];
    assert_eq!(
        meta["labels"],
        json!({"team": "shop", "paramsync.dev/managed": "true", "app.kubernetes.io/managed-by": "paramsync"})
    );
    let annotations = meta["annotations"].as_object().expect("annotations");
    let names: Vec<&String> = annotations.keys().collect();
    assert_eq!(
        names,
        [
            "example.com/note",
            "paramsync.dev/applied",
            "paramsync.dev/seal",
            "paramsync.dev/written-at"
        ]
    );

    // Taken out of the spec, they go.
    case.sync("web", WEB).await;
    case.eventually(SOME, "label and annotation gone", async || {
        let meta = case.get_json("Secret", "web").await?["metadata"].clone();
        (meta["labels"]["team"].is_null() && meta["annotations"]["example.com/note"].is_null()).then_some(())
    })
    .await;
}

#[tokio::test]
async fn nobody_else_may_write_under_our_field_managers_name() {
    let case = suite().await.case("manager").await;
    case.put_many("/web", 2).await;
    case.sync("web", WEB).await;
    case.wait_ready("web").await;
    case.kubectl(&["create", "rolebinding", "dev", "--clusterrole=edit", "--user=dev"])
        .await;
    let namespace = case.namespace();
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "web", "namespace": namespace},
        "data": {"V00": "dGhlaXJz"},
    })
    .to_string();
    let apply = async |manager: &str| {
        let manager = format!("--field-manager={manager}");
        let args = [
            "--as=dev",
            "apply",
            "--server-side",
            "--force-conflicts",
            &manager,
            "-f",
            "-",
        ];
        case.plane().kubectl_stdin(&args, &secret).await
    };
    // The rights come by a watch of the API server's own.
    case.eventually(SOME, "dev may write Secrets", async || {
        apply("somebody-else").await.is_ok().then_some(())
    })
    .await;
    let refused = apply("paramsync").await.expect_err("a refusal");
    assert!(format!("{refused:#}").contains("reserved"), "{refused:#}");
    case.eventually(SOME, "V00 put back", async || {
        (case.secret_value("web", "V00").await? == "value-0").then_some(())
    })
    .await;
}
