//! What the API server itself says of a ParameterSync: refusals that name the field, and what kubectl shows.

use std::fmt::Write as _;

use super::support::suite;

/// Specs that are refused, and what the refusal says.
const REFUSED: &[(&str, &[&str])] = &[
    (
        "sources: [{path: /web, name: /web/A}]",
        &["spec.sources[0]", "exactly one of path and name"],
    ),
    (
        "sources: [{key: A}]",
        &["spec.sources[0]", "exactly one of path and name"],
    ),
    ("sources: []", &["spec.sources", "at least 1"]),
    ("interval: 10m", &["spec.sources", "Required value"]),
    ("sources: [{path: /a/../b}]", &["spec.sources[0].path", "'..'"]),
    ("sources: [{name: /a/../b}]", &["spec.sources[0].name", "'..'"]),
    (
        "sources: [{path: //}]",
        &["spec.sources[0].path", "empty segment"],
    ),
    (
        "sources: [{name: /web/}]",
        &["spec.sources[0].name", "'/' at its end"],
    ),
    (
        "sources: [{path: /a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p}]",
        &["spec.sources[0].path", "at most 15 levels"],
    ),
    (
        "sources: [{name: /a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p}]",
        &["spec.sources[0].name", "at most 15 levels"],
    ),
    (
        "sources: [{path: /web app}]",
        &["spec.sources[0].path", "must be a path such as /web"],
    ),
    (
        "sources: [{name: '/web/A:7'}]",
        &["spec.sources[0].name", "goes into its own field"],
    ),
    (
        "sources: [{name: /aws/reference/secretsmanager/A}]",
        &["spec.sources[0].name", "/aws/reference"],
    ),
    (
        "sources: [{path: /SSM/a}]",
        &["spec.sources[0].path", "must not begin with aws or ssm"],
    ),
    (
        "sources: [{path: /web, version: 3}]",
        &["spec.sources[0]", "go with name, not with path"],
    ),
    (
        "sources: [{name: /web/A, recursive: true}]",
        &["spec.sources[0]", "go with path, not with name"],
    ),
    (
        "sources: [{name: /web/A, version: 3, label: live}]",
        &["spec.sources[0]", "version or label, not both"],
    ),
    (
        "sources: [{name: /web/A, version: 0}]",
        &["spec.sources[0].version", "greater than or equal to 1"],
    ),
    (
        "sources: [{name: /web/A, expand: JSON, pointer: /a}]",
        &["spec.sources[0]", "leave key and pointer out"],
    ),
    (
        "sources: [{name: /web/A, key: A, pointer: a}]",
        &["spec.sources[0].pointer", "RFC 6901"],
    ),
    (
        "sources: [{name: /web/A, key: '../a'}]",
        &["spec.sources[0].key", "a key that Kubernetes allows"],
    ),
    (
        "sources: [{name: /web/A, decode: Hex}]",
        &["spec.sources[0].decode", "Base64"],
    ),
    (
        "sources: [{path: /web}]\ninterval: 5s",
        &["spec.interval", "from 10s to 24h"],
    ),
    (
        "sources: [{path: /web}]\ninterval: 25h",
        &["spec.interval", "from 10s to 24h"],
    ),
    (
        "sources: [{path: /web}]\ninterval: soon",
        &["spec.interval", "must be a duration"],
    ),
    (
        "sources: [{path: /web}]\ntarget: {type: kubernetes.io/service-account-token}",
        &["spec.target.type", "hand out credentials"],
    ),
    (
        "sources: [{path: /web}]\ntarget: {type: bootstrap.kubernetes.io/token}",
        &["spec.target.type", "hand out credentials"],
    ),
    (
        "sources: [{path: /web}]\ntarget: {labels: {app.kubernetes.io/managed-by: Helm}}",
        &["spec.target.labels", "which paramsync sets itself"],
    ),
    (
        "sources: [{path: /web}]\ntarget: {annotations: {paramsync.dev/applied: '{}'}}",
        &["spec.target.annotations", "which paramsync sets itself"],
    ),
    (
        "sources: [{path: /web}]\ntarget: {adopt: true}",
        &["spec.target.adopt", "must be of type string"],
    ),
    (
        "sources: [{path: /web}]\ntarget: {adopt: IfEqual}",
        &["spec.target.adopt", "supported values: \"Never\", \"Always\""],
    ),
    (
        "sources: [{path: /web}]\ntarget: {name: Web_Env}",
        &["spec.target.name", "lower-case"],
    ),
    (
        "sources: [{path: /web}]\ntarget: {templatesOnly: true}",
        &["spec.target", "templatesOnly needs templates"],
    ),
    // Wrong types, and a misspelt field.
    ("sources: {path: /web}", &["unknown field \"spec.sources.path\""]),
    ("sources: /web", &["spec.sources", "must be of type array"]),
    (
        "sources: [{path: 7}]",
        &["spec.sources[0].path", "must be of type string"],
    ),
    (
        "sources: [{path: /web}]\nsuspend: 'yes'",
        &["spec.suspend", "must be of type boolean"],
    ),
    (
        "sources: [{path: /web}]\nintervall: 10m",
        &["unknown field \"spec.intervall\""],
    ),
];

#[tokio::test]
async fn a_bad_spec_is_refused_and_the_refusal_names_the_field() {
    let case = suite().await.case("specs").await;
    let mut unsaid = Vec::new();
    for (spec, says) in REFUSED {
        let message = case.refused(&case.sync_yaml("web", spec)).await;
        for word in says.iter().filter(|word| !message.contains(**word)) {
            unsaid.push(format!("{spec}: {word:?} is not in {message}"));
        }
    }
    assert!(unsaid.is_empty(), "{}", unsaid.join("\n"));
    let mut many = "sources:".to_owned();
    for n in 0..51 {
        let _ = write!(many, "\n- name: /web/V{n}");
    }
    let message = case.refused(&case.sync_yaml("web", &many)).await;
    assert!(
        message.contains("spec.sources") && message.contains("at most 50"),
        "{message}"
    );
    assert!(case.list_json("ParameterSync").await.is_empty());
    assert_eq!(case.gate().counts().reads(), 0);
}

#[tokio::test]
async fn the_name_of_the_target_cannot_be_changed() {
    let case = suite().await.case("immutable").await;
    case.put_many("/web", 1).await;
    case.sync("web", "sources: [{path: /web}]").await;
    case.wait_ready("web").await;
    let moved = case.sync_yaml("web", "sources: [{path: /web}]\ntarget: {name: other}");
    let message = case.refused(&moved).await;
    assert!(
        message.contains("spec.target.name cannot be changed"),
        "{message}"
    );
    // The default, written out, is no change.
    case.sync("web", "sources: [{path: /web}]\ntarget: {name: web}")
        .await;
    case.wait_ready("web").await;
}

#[tokio::test]
async fn a_spec_that_uses_every_field_is_taken_and_synced() {
    let case = suite().await.case("full").await;
    case.put_many("/web", 3).await;
    case.put("/web/_hidden", "not-read").await;
    case.put("/web/deep/er", "deep").await;
    case.put("/shared/DSN", "first").await;
    case.put("/shared/DSN", "second").await;
    case.put("/shared/STORE", "AAEC").await;
    case.put("/shared/config", r#"{"HOST": "db", "PORT": 5432}"#)
        .await;
    case.put("/shared/tls", r#"{"cert": "pem"}"#).await;
    let spec = r#"
sources:
  - path: /web
    recursive: true
    include: ["V0*", "deep/**"]
    exclude: ["_*"]
    keys: {style: EnvVar, prefix: "APP_", separator: "."}
    onMissing: Hold
  - {name: /shared/DSN, key: SENTRY_DSN, version: 1}
  - {name: /shared/ABSENT, optional: true}
  - {name: /shared/STORE, decode: Base64}
  - {name: /shared/config, expand: JSON}
  - {name: /shared/tls, pointer: /cert, key: tls.crt}
onCollision: Fail
target:
  name: web-env
  type: example.com/app
  labels: {team: shop}
  annotations: {example.com/owner: shop}
  templates: {app.properties: "host={{ HOST }}:{{ PORT }}\n"}
  templatesOnly: false
  deletionPolicy: Retain
  adopt: Never
interval: 1h30m
suspend: false
"#;
    case.sync("web", spec).await;
    case.wait_ready("web").await;
    let secret = case.secret("web-env").await.expect("the Secret");
    let expected: &[(&str, &[u8])] = &[
        ("APP_DEEP_ER", b"deep"),
        ("APP_V00", b"value-0"),
        ("APP_V01", b"value-1"),
        ("APP_V02", b"value-2"),
        ("HOST", b"db"),
        ("PORT", b"5432"),
        ("SENTRY_DSN", b"first"),
        ("STORE", &[0, 1, 2]),
        ("app.properties", b"host=db:5432\n"),
        ("tls.crt", b"pem"),
    ];
    let found: Vec<(&str, &[u8])> = secret
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_slice()))
        .collect();
    assert_eq!(found, expected);
    let object = case.get_json("Secret", "web-env").await.expect("the Secret");
    assert_eq!(object["type"], "example.com/app");
    assert_eq!(object["metadata"]["labels"]["team"], "shop");
    assert_eq!(object["metadata"]["annotations"]["example.com/owner"], "shop");
}

#[tokio::test]
async fn kubectl_explains_every_field_of_a_source() {
    let case = suite().await.case("explain").await;
    let text = case.kubectl(&["explain", "parametersync.spec.sources"]).await;
    for field in [
        "path",
        "recursive",
        "include",
        "exclude",
        "keys",
        "onMissing",
        "name",
        "key",
        "version",
        "label",
        "optional",
        "decode",
        "expand",
        "pointer",
    ] {
        assert!(
            text.contains(&format!("\n  {field}\t<")),
            "{field} is not in {text}"
        );
    }
    assert!(!text.contains("<no description>"), "{text}");
    assert!(
        text.contains("the key is the last") && text.contains("Example:"),
        "{text}"
    );
}

#[tokio::test]
async fn kubectl_shows_waits_and_selects() {
    let case = suite().await.case("kubectl").await;
    case.put_many("/web", 2).await;
    case.sync("web", "sources: [{path: /web}]\ntarget: {name: web-env}")
        .await;
    case.kubectl(&["wait", "--for=condition=Ready", "psync/web", "--timeout=30s"])
        .await;
    let wide = case.kubectl(&["get", "psync", "-o", "wide"]).await;
    let mut lines = wide.lines();
    let columns: Vec<&str> = lines.next().unwrap_or_default().split_whitespace().collect();
    assert_eq!(
        columns,
        [
            "NAME",
            "READY",
            "UP-TO-DATE",
            "SECRET",
            "KEYS",
            "NEXT-OPEN",
            "REASON",
            "STORE",
            "CALENDAR",
            "MESSAGE",
            "AGE"
        ]
    );
    let row = lines
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    let expected = format!(
        "web True True web-env 2 Synced {} 2 keys from 2 parameters",
        case.namespace()
    );
    assert!(row.starts_with(&expected), "{wide}");
    let all = case.kubectl(&["get", "paramsync", "-o", "name"]).await;
    assert!(all.contains("parametersync.paramsync.dev/web"), "{all}");
    assert!(
        all.contains(&format!(
            "clusterparameterstore.paramsync.dev/{}",
            case.namespace()
        )),
        "{all}"
    );
    for (selector, found) in [
        ("status.secret.name=web-env", true),
        ("status.secret.name=web", false),
    ] {
        let names = case
            .kubectl(&["get", "psync", "-o", "name", "--field-selector", selector])
            .await;
        assert_eq!(names.contains("/web"), found, "{selector}: {names}");
    }
    let (by_store, short) = (
        format!("spec.storeRef.name={}", case.namespace()),
        ["get", "cpstore", "-o", "name"],
    );
    let names = case
        .kubectl(&["get", "psync", "-o", "name", "--field-selector", &by_store])
        .await;
    assert!(names.contains("/web"), "{names}");
    assert!(case.kubectl(&short).await.contains(case.namespace()));
}
