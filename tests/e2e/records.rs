//! What is ours in a Secret, whatever others did to it meanwhile: keys that go, the owner, and the record of it.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use harness::Case;
use serde_json::{Value, json};

use super::freezes::{QUIET, closed, event, from_now, frozen, open_in, status};
use super::kept::{becomes, force, force_and_wait, told};
use super::support::suite;
use super::writes::Writes;

/// The garbage collector looks for new kinds, such as ours, every 30 s.
const SOME: Duration = Duration::from_secs(90);
/// Longer than the garbage collector needs here once it knows of a deletion.
const COLLECTED: Duration = Duration::from_secs(3);
const WEB: &str = "sources: [{path: /web}]";

type Data = BTreeMap<String, Vec<u8>>;

async fn secret(case: &Case<'_>, name: &str) -> Value {
    case.get_json("Secret", name).await.expect("the Secret")
}

async fn data(case: &Case<'_>, name: &str) -> Data {
    case.secret(name).await.expect("the Secret")
}

/// Whether a field manager holds this key by an entry of this operation.
fn holds(secret: &Value, manager: &str, operation: &str, key: &str) -> bool {
    let entries = secret["metadata"]["managedFields"].as_array();
    entries.into_iter().flatten().any(|entry| {
        entry["manager"] == manager
            && entry["operation"] == operation
            && !entry["fieldsV1"]["f:data"][format!("f:{key}")].is_null()
    })
}

/// Waits until the key is ours and somebody else's too.
async fn shared(case: &Case<'_>, name: &str, manager: &str, operation: &str, key: &str) {
    let what = format!("{key} of {name} is ours and {manager}'s");
    case.eventually(SOME, &what, async || {
        let secret = case.get_json("Secret", name).await?;
        let both = holds(&secret, "paramsync", "Apply", key) && holds(&secret, manager, operation, key);
        both.then_some(())
    })
    .await;
}

async fn suspend(case: &Case<'_>, name: &str, yes: bool) {
    let patch = json!({"spec": {"suspend": yes}}).to_string();
    case.kubectl(&["patch", "psync", name, "--type=merge", "-p", &patch])
        .await;
}

/// Puts the owner reference's fields to these.
async fn own_as(case: &Case<'_>, name: &str, owner: &Value) {
    let patch = json!([{"op": "replace", "path": "/metadata/ownerReferences", "value": [owner]}]).to_string();
    case.kubectl(&["patch", "secret", name, "--type=json", "-p", &patch])
        .await;
}

async fn uid(case: &Case<'_>, name: &str) -> Value {
    let object = case.get_json("ParameterSync", name).await;
    object.expect("the ParameterSync")["metadata"]["uid"].clone()
}

/// Waits until the Secret's one owner is this ParameterSync as it is now.
async fn is_owned(case: &Case<'_>, name: &str) {
    let uid = uid(case, name).await;
    case.eventually(SOME, &format!("{name} is owned by {uid}"), async || {
        let owners = case.get_json("Secret", name).await?["metadata"]["ownerReferences"].clone();
        let one = owners.as_array()?.len() == 1 && owners[0]["uid"] == uid && owners[0]["name"] == name;
        one.then_some(())
    })
    .await;
}

async fn is_owned_by_nobody(case: &Case<'_>, name: &str) {
    case.eventually(SOME, &format!("{name} is owned by nobody"), async || {
        let owners = case.get_json("Secret", name).await?["metadata"]["ownerReferences"].clone();
        owners
            .as_array()
            .is_none_or(std::vec::Vec::is_empty)
            .then_some(())
    })
    .await;
}

/// Deletes a ParameterSync, lets the garbage collector do what it does, and panics if the Secret is not left as it was.
async fn outlived(case: &Case<'_>, name: &str, before: &Data) {
    case.kubectl(&["delete", "psync", name]).await;
    tokio::time::sleep(COLLECTED).await;
    assert!(
        case.secret(name).await.as_ref() == Some(before),
        "{name}: the Secret went, or changed"
    );
}

async fn remove_v02(case: &Case<'_>) {
    case.store().delete("/web/V02").await.expect("a deletion");
    force(case, "web", "removed").await;
}

async fn v02_goes_and_nothing_else(case: &Case<'_>) {
    case.eventually(SOME, "V02 is gone", async || {
        (!case.secret("web").await?.contains_key("V02")).then_some(())
    })
    .await;
    told(case, "web", ("UpToDate", "True", "Synced"), &[]).await;
    assert_eq!(case.wait_ready("web").await.message, "2 keys from 2 parameters");
    let left = data(case, "web").await;
    let expected = [("V00", "value-0"), ("V01", "value-1")];
    let expected = expected.map(|(key, value)| (key.to_owned(), value.into()));
    assert_eq!(left, Data::from(expected));
    let told = status(case, "web").await;
    assert!(told["secret"]["heldByOthers"].is_null(), "{told}");
}

#[tokio::test]
async fn a_key_removed_from_the_source_goes_also_after_managed_fields_were_cleared() {
    let case = suite().await.case("removed-cleared").await;
    case.put_many("/web", 3).await;
    case.sync("web", QUIET).await;
    case.wait_ready("web").await;
    let clear = r#"[{"op":"replace","path":"/metadata/managedFields","value":[{}]}]"#;
    case.kubectl(&["patch", "secret", "web", "--type=json", "-p", clear])
        .await;
    // The repair makes the keys ours again, beside an entry for whoever may have set them.
    shared(&case, "web", "before-first-apply", "Update", "V02").await;
    remove_v02(&case).await;
    v02_goes_and_nothing_else(&case).await;
}

#[tokio::test]
async fn a_key_removed_from_the_source_goes_also_after_somebody_restored_the_secret() {
    let case = suite().await.case("removed-restored").await;
    case.put_many("/web", 3).await;
    case.sync("web", QUIET).await;
    case.wait_ready("web").await;
    suspend(&case, "web", true).await;
    told(&case, "web", ("UpToDate", "Unknown", "Suspended"), &[]).await;
    let mut copy = secret(&case, "web").await;
    copy["apiVersion"] = json!("v1");
    copy["kind"] = json!("Secret");
    let metadata = copy["metadata"].as_object_mut().expect("metadata");
    for field in ["managedFields", "uid", "resourceVersion", "creationTimestamp"] {
        metadata.remove(field);
    }
    case.kubectl(&["delete", "secret", "web"]).await;
    let args = [
        "-n",
        case.namespace(),
        "create",
        "--field-manager=restore",
        "-f",
        "-",
    ];
    let created = case.plane().kubectl_stdin(&args, &copy.to_string()).await;
    created.expect("a restore");
    suspend(&case, "web", false).await;
    shared(&case, "web", "restore", "Update", "V02").await;
    remove_v02(&case).await;
    v02_goes_and_nothing_else(&case).await;
}

#[tokio::test]
async fn a_key_removed_from_the_source_that_somebody_else_applies_stays_and_says_so_until_they_let_it_go() {
    let case = suite().await.case("removed-held").await;
    case.put_many("/web", 3).await;
    case.sync("web", QUIET).await;
    case.wait_ready("web").await;
    let applies = async |rest: Value| {
        let mut theirs = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "web"}});
        theirs["data"] = rest;
        let args = [
            "-n",
            case.namespace(),
            "apply",
            "--server-side",
            "--field-manager=rival",
            "-f",
            "-",
        ];
        let applied = case.plane().kubectl_stdin(&args, &theirs.to_string()).await;
        applied.expect("the same value is no conflict");
    };
    let value = base64::engine::general_purpose::STANDARD.encode("value-2");
    applies(json!({"V02": value})).await;
    shared(&case, "web", "rival", "Apply", "V02").await;
    remove_v02(&case).await;
    let held = ("UpToDate", "False", "KeyHeldByOthers");
    told(&case, "web", held, &["V02", "rival"]).await;
    assert_eq!(case.wait_ready("web").await.message, "2 keys from 2 parameters");
    let said = status(&case, "web").await;
    assert_eq!(
        said["secret"]["heldByOthers"],
        json!([{"key": "V02", "manager": "rival"}])
    );
    let kept = case.secret_value("web", "V02").await;
    assert_eq!(kept.as_deref(), Some("value-2"), "it is theirs");

    // While they hold it, it is said after every change.
    case.put("/web/V00", "newer").await;
    force(&case, "web", "still").await;
    becomes(&case, "web", "V00", "newer").await;
    told(&case, "web", held, &["V02", "rival"]).await;
    assert!(case.secret_value("web", "V02").await.is_some());

    applies(json!({})).await;
    case.put("/web/V00", "value-0").await;
    force(&case, "web", "let-go").await;
    becomes(&case, "web", "V00", "value-0").await;
    v02_goes_and_nothing_else(&case).await;
}

#[tokio::test]
async fn the_owner_reference_follows_the_policy_and_is_put_right_in_a_freeze_and_the_data_stays_as_it_was() {
    let case = closed("owner-frozen", "").await;
    let before = data(&case, "web").await;
    case.put("/web/V01", "new").await;
    force_and_wait(&case, "web", "one").await;
    frozen(&case, "web", &["1 change waits for"]).await;
    case.gate().reset_counts();
    is_owned(&case, "web").await;
    let retain = format!("{QUIET}\ntarget: {{deletionPolicy: Retain}}");
    for _ in 0..2 {
        case.sync("web", &retain).await;
        is_owned_by_nobody(&case, "web").await;
        assert_eq!(data(&case, "web").await, before);
        case.sync("web", QUIET).await;
        is_owned(&case, "web").await;
        assert_eq!(data(&case, "web").await, before);
    }
    // Made another's that is there, so that the garbage collector has no part in it.
    let mut ours = secret(&case, "web").await["metadata"]["ownerReferences"][0].clone();
    case.sync("other", &format!("{QUIET}\nsuspend: true")).await;
    ours["name"] = json!("other");
    ours["uid"] = uid(&case, "other").await;
    own_as(&case, "web", &ours).await;
    is_owned(&case, "web").await;
    assert_eq!(data(&case, "web").await, before);
    assert_eq!(
        case.gate().counts().decrypted,
        0,
        "no value is needed for an owner"
    );
    frozen(&case, "web", &["1 change waits for"]).await;

    // A uid that is nobody's: put right, or the garbage collector was there first and the Secret comes back as it was.
    ours["name"] = json!("web");
    ours["uid"] = json!("00000000-0000-4000-8000-000000000000");
    own_as(&case, "web", &ours).await;
    is_owned(&case, "web").await;
    tokio::time::sleep(COLLECTED).await;
    is_owned(&case, "web").await;
    assert_eq!(data(&case, "web").await, before);
    case.wait_ready("web").await;
}

#[tokio::test]
async fn retain_is_heeded_while_aws_denies_a_calendar_is_closed_and_the_store_is_gone() {
    let case = suite().await.case("retain-late").await;
    let names = ["denied", "shut", "storeless"];
    let event = event(from_now(-3600), from_now(3600));
    case.apply(&format!(
        "apiVersion: paramsync.dev/v1alpha1\nkind: ChangeCalendar\nmetadata: {{name: shut}}\nspec: {{{event}}}\n"
    ))
    .await;
    let spec = |name: &str| {
        let shut = "\nchanges: {calendars: [{kind: ChangeCalendar, name: shut}], firstSync: Allow}";
        let rest = if name == "shut" { shut } else { "" };
        format!("interval: 10s\nsources: [{{path: /{name}}}]{rest}")
    };
    let mut before = Vec::new();
    for name in names {
        case.put_many(&format!("/{name}"), 3).await;
        case.sync(name, &spec(name)).await;
        case.wait_ready(name).await;
        is_owned(&case, name).await;
        before.push(data(&case, name).await);
    }
    let retain = |name: &str| format!("{}\ntarget: {{deletionPolicy: Retain}}", spec(name));
    let nowhere = |yaml: &str| {
        let store = format!("ClusterParameterStore, name: {}", case.namespace());
        assert!(yaml.contains(&store), "{yaml}");
        yaml.replace(&store, "ClusterParameterStore, name: nowhere-at-all")
    };

    case.gate().deny_path("/denied");
    force(&case, "denied", "now").await;
    told(&case, "denied", ("UpToDate", "Unknown", "AccessDenied"), &[]).await;
    case.sync("denied", &retain("denied")).await;

    case.put("/shut/V01", "new").await;
    force(&case, "shut", "now").await;
    frozen(&case, "shut", &["1 change waits for"]).await;
    case.sync("shut", &retain("shut")).await;

    let yaml = nowhere(&case.sync_yaml("storeless", &spec("storeless")));
    case.apply(&yaml).await;
    told(&case, "storeless", ("Ready", "False", "StoreNotFound"), &[]).await;
    let yaml = nowhere(&case.sync_yaml("storeless", &retain("storeless")));
    case.apply(&yaml).await;

    for (name, before) in names.iter().zip(&before) {
        is_owned_by_nobody(&case, name).await;
        outlived(&case, name, before).await;
    }
}

#[tokio::test]
async fn a_parametersync_deleted_without_its_secret_and_made_anew_owns_it_again() {
    let case = suite().await.case("orphan").await;
    case.put_many("/web", 3).await;
    case.sync("web", QUIET).await;
    case.wait_ready("web").await;
    let first = orphan(&case).await;
    case.sync("web", QUIET).await;
    case.wait_condition("web", "Ready", "True", "Synced").await;
    is_owned(&case, "web").await;
    assert_ne!(uid(&case, "web").await, first);
    told(&case, "web", ("UpToDate", "True", "Synced"), &[]).await;
    assert_eq!(data(&case, "web").await.len(), 3);
}

/// Deletes the ParameterSync and leaves the Secret to itself; gives the uid that it had.
async fn orphan(case: &Case<'_>) -> Value {
    let before = (data(case, "web").await, uid(case, "web").await);
    case.kubectl(&["delete", "psync", "web", "--cascade=orphan"])
        .await;
    case.eventually(SOME, "the ParameterSync is gone", async || {
        case.get_json("ParameterSync", "web")
            .await
            .is_none()
            .then_some(())
    })
    .await;
    is_owned_by_nobody(case, "web").await;
    assert_eq!(data(case, "web").await, before.0);
    before.1
}

#[tokio::test]
async fn made_anew_in_a_freeze_it_owns_its_secret_again_and_touches_nothing_until_the_opening() {
    // Whatever the calendar says of first syncs.
    let case = closed("orphan-frozen", "freeze: {firstSync: Allow}").await;
    let before = data(&case, "web").await;
    orphan(&case).await;
    case.put("/web/V01", "new").await;
    case.gate().reset_counts();
    case.sync("web", QUIET).await;
    let lost = ("UpToDate", "Unknown", "RecordLost");
    told(&case, "web", lost, &["ClusterChangeCalendar", " until "]).await;
    case.wait_ready("web").await;
    is_owned(&case, "web").await;
    // Nor is it by a forced sync, and nothing is put back whose versions nobody knows.
    force_and_wait(&case, "web", "one").await;
    told(&case, "web", lost, &[]).await;
    assert_eq!(data(&case, "web").await, before);
    assert_eq!(case.gate().counts().decrypted, 0);
    let said = status(&case, "web").await;
    assert!(said["secret"]["revision"].is_null(), "{said}");

    open_in(&case, 1).await;
    becomes(&case, "web", "V01", "new").await;
    case.wait_condition("web", "Ready", "True", "Synced").await;
    told(&case, "web", ("UpToDate", "True", "Synced"), &[]).await;
}

#[tokio::test]
async fn status_is_written_once_for_a_first_sync_twice_for_a_change_and_never_for_a_repair() {
    let case = suite().await.case("status-writes").await;
    case.put_many("/web", 3).await;
    let quiet = async || tokio::time::sleep(Duration::from_secs(3)).await;
    let statuses = Writes::of(&case, "ParameterSync", "web").await;
    let secrets = Writes::of(&case, "Secret", "web").await;
    case.sync("web", &format!("interval: 10s\n{WEB}")).await;
    case.wait_ready("web").await;
    quiet().await;
    // One of the two is the creation.
    assert_eq!((statuses.count(), secrets.count()), (2, 1), "a first sync");

    case.put("/web/V01", "new").await;
    becomes(&case, "web", "V01", "new").await;
    quiet().await;
    assert_eq!((statuses.count(), secrets.count()), (4, 2), "a change");

    let broken = r#"{"stringData":{"V00":"by hand"}}"#;
    case.kubectl(&["patch", "secret", "web", "--type=merge", "-p", broken])
        .await;
    becomes(&case, "web", "V00", "value-0").await;
    quiet().await;
    assert_eq!(
        (statuses.count(), secrets.count()),
        (4, 4),
        "a repair, and what was repaired"
    );

    case.kubectl(&["delete", "secret", "web"]).await;
    becomes(&case, "web", "V00", "value-0").await;
    quiet().await;
    assert_eq!(
        (statuses.count(), secrets.count()),
        (4, 5),
        "a Secret that was gone"
    );
}
