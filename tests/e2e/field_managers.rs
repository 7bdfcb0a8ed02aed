//! Whose name stands on a Secret's fields: what is forged is refused, and ordinary edits are not.

use harness::Rights;
use serde_json::{Value, json};

use super::policies::{SOME, WEB, may, refused, synced};

#[tokio::test]
async fn two_puts_that_forge_managed_fields_are_refused() {
    let case = synced("forged-fields").await;
    let tenant = case.account("tenant", Rights::Here("edit")).await;
    may(&case, &tenant, &["update", "secrets"]).await;
    // Still, so that nothing is put back meanwhile.
    case.sync("web", &format!("{WEB}\nsuspend: true")).await;
    case.wait_condition("web", "UpToDate", "Unknown", "Suspended")
        .await;

    let change = |secret: &mut Value| secret["data"]["V00"] = json!("Zm9yZ2Vk");
    let message = refused("paramsync-field-manager", tenant.forge("web", change).await);
    assert!(message.contains("metadata.managedFields"), "{message}");
    // The first PUT is an ordinary edit, and shows as one: it is put back.
    assert_eq!(case.secret_value("web", "V00").await.as_deref(), Some("forged"));
    let owned = |secret: &Value, key: &str| {
        let entries = secret["metadata"]["managedFields"].as_array().unwrap();
        let ours = entries
            .iter()
            .find(|entry| entry["manager"] == "paramsync")
            .unwrap();
        !ours["fieldsV1"]["f:data"][key].is_null()
    };
    let secret = tenant.secret("web").await.unwrap();
    assert!(!owned(&secret, "f:V00") && owned(&secret, "f:V01"), "{secret}");

    // As one patch, under the other name, as another operation, and on a Secret of one's own.
    let entries = secret["metadata"]["managedFields"].clone();
    let ours = entries
        .as_array()
        .unwrap()
        .iter()
        .find(|entry| entry["manager"] == "paramsync");
    let ours = ours.unwrap().clone();
    let with = |field: &str, value: &str| {
        let mut entry = ours.clone();
        entry[field] = json!(value);
        json!({"metadata": {"managedFields": [ours, entry]}})
    };
    let mut grown = ours.clone();
    grown["fieldsV1"]["f:data"]["f:V00"] = json!({});
    for forged in [
        json!({"metadata": {"managedFields": [grown]}}),
        with("manager", "paramsync-held"),
        with("operation", "Update"),
        with("subresource", "status"),
    ] {
        refused(
            "paramsync-field-manager",
            tenant.patch_secret("web", forged).await,
        );
    }
    tenant
        .kubectl(&["create", "secret", "generic", "own", "--from-literal=V00=x"])
        .await
        .unwrap();
    let forged = json!({"metadata": {"managedFields": [ours]}});
    refused(
        "paramsync-field-manager",
        tenant.patch_secret("own", forged).await,
    );

    case.sync("web", WEB).await;
    case.eventually(SOME, "V00 put back", async || {
        (case.secret_value("web", "V00").await? == "value-0").then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_names_are_refused_whoever_asks_and_however() {
    let case = synced("names-refused").await;
    let tenant = case.account("tenant", Rights::Here("edit")).await;
    let root = case.account("root", Rights::Everywhere("cluster-admin")).await;
    may(&case, &tenant, &["create", "secrets"]).await;
    may(&case, &root, &["create", "secrets"]).await;
    let before = case.secret_resource_version("web").await;
    for who in [&tenant, &root] {
        for manager in ["paramsync", "paramsync-held"] {
            let manager = format!("--field-manager={manager}");
            for (name, data) in [("web", json!({"V00": "eA=="})), ("fresh", json!({"A": "eA=="}))] {
                let secret =
                    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": data});
                let args = ["apply", "--server-side", "--force-conflicts", &manager, "-f", "-"];
                let answer = who.kubectl_stdin(&args, &secret.to_string()).await;
                let message = refused("paramsync-field-manager", answer);
                assert!(message.contains("reserved"), "{message}");
            }
            let args = [
                "patch",
                "secret",
                "web",
                &manager,
                "-p",
                r#"{"data":{"V00":"eA=="}}"#,
            ];
            refused("paramsync-field-manager", who.kubectl(&args).await);
        }
    }
    assert_eq!(case.secret_resource_version("web").await, before);
}

#[tokio::test]
async fn ordinary_writes_of_a_managed_secret_pass_and_are_put_back() {
    let case = synced("ordinary").await;
    let tenant = case.account("tenant", Rights::Here("edit")).await;
    may(&case, &tenant, &["update", "secrets"]).await;
    // What kubectl edit sends is a patch; what kubectl replace sends is the whole object, managedFields and all.
    let merge = ["--type=merge", r#"-p={"data":{"V00":"eA=="}}"#];
    let remove = ["--type=json", r#"-p=[{"op":"remove","path":"/data/V01"}]"#];
    let clear = [
        "--type=json",
        r#"-p=[{"op":"replace","path":"/metadata/managedFields","value":[{}]}]"#,
    ];
    // A Secret each: one writer that comes again and again is waited for.
    for (name, patch) in [
        ("merge", Some(merge)),
        ("remove", Some(remove)),
        ("clear", Some(clear)),
        ("replace", None),
    ] {
        case.sync(name, WEB).await;
        case.wait_ready(name).await;
        let before = case.secret_resource_version(name).await;
        if let Some(patch) = patch {
            let args = [&["patch", "secret", name][..], &patch].concat();
            tenant.kubectl(&args).await.unwrap();
        } else {
            let mut secret = tenant.secret(name).await.unwrap();
            secret["data"]["V00"] = json!("eA==");
            secret["apiVersion"] = json!("v1");
            secret["kind"] = json!("Secret");
            let args = ["replace", "-f", "-"];
            tenant.kubectl_stdin(&args, &secret.to_string()).await.unwrap();
        }
        case.eventually(SOME, "the Secret as it was", async || {
            let written = case.secret_resource_version(name).await != before;
            let values = case.secret(name).await?;
            let whole = values.get("V00")? == b"value-0" && values.get("V01")? == b"value-1";
            let secret = tenant.secret(name).await.unwrap()["metadata"]["managedFields"].to_string();
            (written && whole && secret.contains("\"paramsync\"")).then_some(())
        })
        .await;
    }
    // A copy is the copier's; one that says otherwise of a field, such as an owner that it left out, is refused.
    let mut copy = tenant.secret("web").await.unwrap();
    copy["apiVersion"] = json!("v1");
    copy["kind"] = json!("Secret");
    let metadata = copy["metadata"].as_object_mut().unwrap();
    metadata.retain(|field, _| ["managedFields", "labels", "annotations"].contains(&field.as_str()));
    metadata.insert("name".to_owned(), json!("copy"));
    let create = async |copy: &Value| {
        tenant
            .kubectl_stdin(&["create", "-f", "-"], &copy.to_string())
            .await
    };
    refused("paramsync-field-manager", create(&copy).await);
    copy["metadata"]["managedFields"].take();
    create(&copy).await.unwrap();
    let copy = tenant.secret("copy").await.unwrap()["metadata"]["managedFields"].clone();
    assert!(!copy.to_string().contains("\"paramsync\""), "{copy}");
}
