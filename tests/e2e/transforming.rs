//! How values become keys, and what is refused of them: by name and kind, never by value or place.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use harness::Case;

use super::kept::{
    LastGood, becomes, force, force_and_wait, is_never_said, not_ready, nothing_is_decrypted, told,
};
use super::support::suite;

/// Part of every value here that must not be told.
const CANARY: &str = "canary-7f3a91c2";

/// One object that is well, and what then makes it ill.
struct Refused {
    name: &'static str,
    /// Parameters below `/t/NAME`; `#` stands for the canary.
    before: &'static [(&'static str, &'static str)],
    spec: &'static str,
    /// Parameters that are written then.
    after: &'static [(&'static str, &'static str)],
    /// The spec that is applied then, where it changes.
    edit: Option<&'static str>,
    reason: &'static str,
    says: &'static [&'static str],
}

const REFUSED: &[Refused] = &[
    Refused {
        name: "json",
        before: &[("A", r##"{"K": "#"}"##)],
        spec: "sources: [{name: /t/json/A, expand: JSON}]",
        after: &[("A", r##"{"K": "#", }"##)],
        edit: None,
        reason: "InvalidJSON",
        says: &["/t/json/A", "is no valid JSON"],
    },
    Refused {
        name: "nulls",
        before: &[("A", r##"{"K": "#"}"##)],
        spec: "sources: [{name: /t/nulls/A, expand: JSON}]",
        after: &[("A", r##"{"K": "#", "L": null}"##)],
        edit: None,
        reason: "InvalidJSON",
        says: &["/t/nulls/A", "null"],
    },
    Refused {
        name: "pointer",
        before: &[("A", r##"{"cert": "#"}"##)],
        spec: "sources: [{name: /t/pointer/A, pointer: /cert, key: tls}]",
        after: &[("A", r##"{"other": "#"}"##)],
        edit: None,
        reason: "PointerMissing",
        says: &["/t/pointer/A", "/cert"],
    },
    Refused {
        name: "base64",
        before: &[("A", "AAEC")],
        spec: "sources: [{name: /t/base64/A, decode: Base64}]",
        after: &[("A", "# !")],
        edit: None,
        reason: "InvalidBase64",
        says: &["/t/base64/A", "no standard base64"],
    },
    Refused {
        name: "member",
        before: &[("A", r##"{"K": "#"}"##)],
        spec: "sources: [{name: /t/member/A, expand: JSON}]",
        after: &[("A", r##"{"K": "#", "# is no key": 1}"##)],
        edit: None,
        reason: "InvalidKey",
        says: &["/t/member/A", "Kubernetes refuses"],
    },
    Refused {
        name: "key",
        before: &[("A", "#")],
        spec: "sources: [{path: /t/key, keys: {prefix: '.'}}]",
        after: &[(".hidden", "#")],
        edit: None,
        reason: "InvalidKey",
        says: &["/t/key/.hidden", "exclude"],
    },
    Refused {
        name: "collision",
        before: &[("a", "#")],
        spec: "sources: [{path: /t/collision, keys: {style: Lower}}]",
        after: &[("A", "#")],
        edit: None,
        reason: "KeyCollision",
        says: &["key a", "/t/collision/A", "/t/collision/a"],
    },
    Refused {
        name: "sources",
        before: &[("A", "#"), ("B", "#")],
        spec: "sources: [{name: /t/sources/A}, {name: /t/sources/B}]",
        after: &[],
        edit: Some("sources: [{name: /t/sources/A}, {name: /t/sources/B, key: A}]"),
        reason: "KeyCollision",
        says: &["key A", "sources[0]", "sources[1]", "onCollision: LastWins"],
    },
    Refused {
        name: "template",
        before: &[("A", "#")],
        spec: "sources: [{path: /t/template}]\ntarget: {templates: {x: '{{ A }}'}}",
        after: &[],
        edit: Some("sources: [{path: /t/template}]\ntarget: {templates: {x: \"a\\n{{ A }}{{ NOPE }}\"}}"),
        reason: "TemplateFailed",
        says: &["template x", "NOPE"],
    },
    Refused {
        name: "forever",
        before: &[("A", "#")],
        spec: "sources: [{path: /t/forever}]\ntarget: {templates: {x: '{{ A }}'}}",
        after: &[],
        edit: Some(
            "sources: [{path: /t/forever}]\ntarget: {templates: {x: '{% for a in range(9999) %}{% for b in range(9999) %}{{ A }}{% endfor %}{% endfor %}'}}",
        ),
        reason: "TemplateFailed",
        says: &["template x", "does more work"],
    },
    Refused {
        name: "shadow",
        before: &[("A", "#")],
        spec: "sources: [{path: /t/shadow}]\ntarget: {templates: {x: '{{ A }}'}}",
        after: &[("x", "#")],
        edit: None,
        reason: "KeyCollision",
        says: &["key x", "/t/shadow/x", "templatesOnly"],
    },
    Refused {
        name: "tls",
        before: &[("tls.crt", "#"), ("tls.key", "#")],
        spec: "sources: [{path: /t/tls}]\ntarget: {type: kubernetes.io/tls}",
        after: &[],
        edit: Some("sources: [{path: /t/tls, exclude: [tls.key]}]\ntarget: {type: kubernetes.io/tls}"),
        reason: "RequiredKeyMissing",
        says: &["kubernetes.io/tls", "tls.key"],
    },
];

async fn put(case: &Case<'_>, below: &str, values: &[(&str, &str)]) {
    for (name, value) in values {
        case.put(&format!("/t/{below}/{name}"), &value.replace('#', CANARY))
            .await;
    }
}

#[tokio::test]
async fn what_cannot_be_made_into_a_secret_is_refused_and_the_last_good_one_stays() {
    let case = suite().await.case("refused").await;
    case.put("/t/good/A", "good").await;
    case.sync("good", "sources: [{path: /t/good}]\ninterval: 10s")
        .await;
    for row in REFUSED {
        put(&case, row.name, row.before).await;
        case.sync(row.name, &format!("{}\ninterval: 10s", row.spec)).await;
    }
    let mut kept = Vec::new();
    for row in REFUSED {
        case.wait_ready(row.name).await;
        kept.push(LastGood::of(&case, row.name).await);
    }
    for row in REFUSED {
        put(&case, row.name, row.after).await;
        if let Some(edit) = row.edit {
            case.sync(row.name, &format!("{edit}\ninterval: 10s")).await;
        }
    }
    case.put("/t/good/A", "better").await;
    for row in REFUSED {
        not_ready(&case, row.name, row.reason, row.says).await;
        told(&case, row.name, ("UpToDate", "False", row.reason), row.says).await;
    }
    becomes(&case, "good", "A", "better").await;
    nothing_is_decrypted(&case).await;
    for secret in &kept {
        secret.holds(&case).await;
    }
    // What was tried in vain is not tried again by being asked to.
    let before = case.gate().counts().decrypted;
    force_and_wait(&case, "json", "again").await;
    assert_eq!(case.gate().counts().decrypted, before);
    is_never_said(&case, CANARY).await;

    // The right value, or the right spec, is enough.
    case.put("/t/json/A", r#"{"K": "mended"}"#).await;
    force(&case, "json", "mended").await;
    becomes(&case, "json", "K", "mended").await;
    case.sync(
        "template",
        "sources: [{path: /t/template}]\ntarget: {templates: {x: 'mended'}}",
    )
    .await;
    becomes(&case, "template", "x", "mended").await;
    case.wait_ready("template").await;
}

#[tokio::test]
async fn a_template_with_a_line_for_each_guess_tells_none_of_them() {
    let case = suite().await.case("guesses").await;
    let mut lines = String::new();
    for guess in 'a'..='z' {
        let _ = write!(
            lines,
            "{{% if P[0] == '{guess}' %}}{{{{ P - 1 }}}}{{% endif %}}\\n"
        );
    }
    let mut said = Vec::new();
    for (name, value) in [("first", "a-value"), ("last", "z-value")] {
        case.put(&format!("/{name}/P"), value).await;
        let target = format!("target: {{templates: {{x: \"{lines}\"}}}}");
        case.sync(name, &format!("sources: [{{path: /{name}}}]\n{target}"))
            .await;
        said.push(
            not_ready(&case, name, "TemplateFailed", &["template x"])
                .await
                .message,
        );
    }
    assert_eq!(said[0], said[1], "the value shows in what is said of it");
    assert!(
        !said[0].contains("line") && !said[0].contains("column"),
        "{said:?}"
    );
}

#[tokio::test]
async fn a_secret_that_would_be_too_large_is_refused() {
    let case = suite().await.case("large").await;
    // The gate answers itself: so many parameters take roto long to write.
    case.gate().serve_reads_itself(true);
    case.gate().seed("/big/V000", "small", "SecureString");
    case.sync("big", "sources: [{path: /big}]\ninterval: 1h").await;
    case.wait_ready("big").await;
    let kept = LastGood::of(&case, "big").await;
    // Advanced parameters hold 8 KiB: 1.3 MiB in all.
    let value = format!("{CANARY}{}", "x".repeat(8000));
    for n in 1..170 {
        case.gate().seed(&format!("/big/V{n:03}"), &value, "SecureString");
    }
    force(&case, "big", "1").await;
    not_ready(
        &case,
        "big",
        "TooLarge",
        &["the values would be more", "1048576", "split the Secret"],
    )
    .await;
    kept.holds(&case).await;
    nothing_is_decrypted(&case).await;
    is_never_said(&case, CANARY).await;
}

#[tokio::test]
async fn a_thousand_keys_are_written_and_one_more_is_refused() {
    let case = suite().await.case("many").await;
    let members = |from: usize, to: usize| {
        let mut object = "{".to_owned();
        for n in from..to {
            let comma = if n == from { "" } else { "," };
            let _ = write!(object, r#"{comma}"k{n:04}":{n}"#);
        }
        object + "}"
    };
    case.put("/many/A", &members(0, 500)).await;
    case.put("/many/B", &members(500, 1000)).await;
    case.sync(
        "many",
        "sources: [{name: /many/A, expand: JSON}, {name: /many/B, expand: JSON}]\ninterval: 1h",
    )
    .await;
    let ready = case.wait_ready("many").await;
    assert_eq!(ready.message, "1000 keys from 2 parameters");
    let kept = LastGood::of(&case, "many").await;
    case.put("/many/B", &members(500, 1001)).await;
    force(&case, "many", "1").await;
    not_ready(
        &case,
        "many",
        "TooManyKeys",
        &["1001 keys", "1000", "several ParameterSyncs"],
    )
    .await;
    nothing_is_decrypted(&case).await;
    kept.holds(&case).await;
}

#[tokio::test]
async fn a_type_whose_keys_cannot_be_there_is_refused_before_anything_is_read() {
    let case = suite().await.case("tls").await;
    case.put("/web/tls", r#"{"cert": "pem", "key": "pem"}"#).await;
    let target = "\ntarget: {type: kubernetes.io/tls}";
    case.sync(
        "web",
        &format!("sources: [{{name: /web/tls, pointer: /cert, key: tls.crt}}]{target}"),
    )
    .await;
    not_ready(
        &case,
        "web",
        "InvalidSpec",
        &["spec.target.type", "kubernetes.io/tls needs the key tls.key"],
    )
    .await;
    assert_eq!(
        (case.secret("web").await, case.gate().counts().reads()),
        (None, 0)
    );
    let both = "sources: [{name: /web/tls, pointer: /cert, key: tls.crt}, {name: /web/tls, pointer: /key, key: tls.key}]";
    case.sync("web", &format!("{both}{target}")).await;
    case.wait_ready("web").await;
    assert_eq!(
        case.get_json("Secret", "web").await.expect("the Secret")["type"],
        "kubernetes.io/tls"
    );
}

#[tokio::test]
async fn the_last_source_wins_where_that_is_asked_for() {
    let case = suite().await.case("last").await;
    for (name, value) in [("/base/A", "base"), ("/base/B", "base"), ("/over/A", "over")] {
        case.put(name, value).await;
    }
    case.sync(
        "web",
        "sources: [{path: /base}, {path: /over}]\nonCollision: LastWins\ninterval: 10s",
    )
    .await;
    // The parameter that lost is one that was read.
    assert_eq!(case.wait_ready("web").await.message, "2 keys from 3 parameters");
    let values = async || {
        (
            case.secret_value("web", "A").await,
            case.secret_value("web", "B").await,
        )
    };
    assert_eq!(values().await, (Some("over".to_owned()), Some("base".to_owned())));
    // Nothing is pending for the parameter that lost.
    told(&case, "web", ("UpToDate", "True", "Synced"), &[]).await;
    nothing_is_decrypted(&case).await;
    force_and_wait(&case, "web", "1").await;
    nothing_is_decrypted(&case).await;
}

#[tokio::test]
async fn keys_are_styled_then_prefixed() {
    let case = suite().await.case("keys").await;
    case.put("/app/db.host-name", "h").await;
    case.put("/app/sub/Port", "p").await;
    for (name, keys, expected) in [
        ("keep", "{prefix: x-}", ["x-db.host-name", "x-sub_Port"]),
        (
            "env",
            "{style: EnvVar, prefix: app_}",
            ["app_DB_HOST_NAME", "app_SUB_PORT"],
        ),
        (
            "lower",
            "{style: Lower, separator: '.'}",
            ["db.host-name", "sub.port"],
        ),
    ] {
        case.sync(
            name,
            &format!("sources: [{{path: /app, recursive: true, keys: {keys}}}]"),
        )
        .await;
        case.wait_ready(name).await;
        let secret = case.secret(name).await.expect("the Secret");
        assert_eq!(secret.keys().collect::<Vec<_>>(), expected, "{name}");
    }
}

#[tokio::test]
async fn json_is_taken_apart_and_templates_put_together() {
    let case = suite().await.case("parts").await;
    let config =
        r#"{"text": "t", "number": 1.50, "yes": true, "list": [1, "b"], "deep": {"a/b": {"~": "found"}}}"#;
    case.put("/web/config", config).await;
    case.put("/web/binary", "/wCA").await;
    case.sync("expand", "sources: [{name: /web/config, expand: JSON}]")
        .await;
    case.sync(
        "pointer",
        "sources: [{name: /web/config, pointer: '/deep/a~1b/~0', key: found}]",
    )
    .await;
    case.sync(
        "templates",
        r#"
sources: [{name: /web/config, expand: JSON}, {name: /web/binary, decode: Base64}]
target:
  templates: {app.ini: "text={{ text | upper }}\nbinary={{ base64['binary'] }}\n"}
  templatesOnly: true
"#,
    )
    .await;
    for (name, expected) in [
        (
            "expand",
            BTreeMap::from([
                ("deep", r#"{"a/b":{"~":"found"}}"#),
                ("list", r#"[1,"b"]"#),
                ("number", "1.50"),
                ("text", "t"),
                ("yes", "true"),
            ]),
        ),
        ("pointer", BTreeMap::from([("found", "found")])),
        (
            "templates",
            BTreeMap::from([("app.ini", "text=T\nbinary=/wCA\n")]),
        ),
    ] {
        case.wait_ready(name).await;
        let secret = case.secret(name).await.expect("the Secret");
        let found: BTreeMap<&str, &str> = secret
            .iter()
            .map(|(key, value)| (key.as_str(), std::str::from_utf8(value).expect("text")))
            .collect();
        assert_eq!(found, expected, "{name}");
    }
}

#[tokio::test]
async fn what_made_no_secret_by_its_path_is_not_decrypted_again_by_its_names() {
    let case = suite().await.case("refused-by-path").await;
    case.put_many("/web", 3).await;
    let spec = |interval: &str| {
        format!(
            "interval: {interval}\nsources: [{{path: /web}}]\ntarget: {{templates: {{a: '{{{{ NOTHING }}}}'}}}}"
        )
    };
    case.sync("web", &spec("24h")).await;
    not_ready(&case, "web", "TemplateFailed", &[]).await;
    assert_eq!(case.gate().counts().decrypted, 3);
    // By now it is known which names lie there. An edit that shapes nothing makes another pass.
    case.sync("web", &spec("23h")).await;
    not_ready(&case, "web", "TemplateFailed", &[]).await;
    nothing_is_decrypted(&case).await;
    assert_eq!(case.gate().counts().decrypted, 3);
}
