//! What gives which key.

use super::*;

#[test]
fn parameters_become_keys() {
    let base64 = Source::Named(NamedSource {
        decode: Decode::Base64,
        ..named("/a")
    });
    let base64_json = Source::Named(NamedSource {
        decode: Decode::Base64,
        extract: Extract::Members,
        ..named("/a")
    });
    let renamed = Source::Named(NamedSource {
        extract: Extract::Whole(key("B")),
        ..named("/a")
    });
    let env = Source::Path(PathSource {
        keys: KeyNaming {
            style: KeyStyle::EnvVar,
            prefix: "APP_".into(),
            separator: "-".into(),
        },
        ..path("/web")
    });
    let web = || Source::Path(path("/web"));
    let a = || Source::Named(named("/a"));
    for (what, case, expected) in vec![
        (
            "all below a path",
            case([web()])
                .with("/web/x", "1")
                .with("/web/y/z", "2")
                .with("/webs/n", "3"),
            &[("x", "1"), ("y_z", "2")][..],
        ),
        (
            "styled and prefixed",
            case([env]).with("/web/db-pass/a.b", "1"),
            &[("APP_DB_PASS_A_B", "1")],
        ),
        ("one by name", case([a()]).with("/a", "1"), &[("a", "1")]),
        (
            "under another key",
            case([renamed]).with("/a", "1"),
            &[("B", "1")],
        ),
        (
            "at a version",
            case([Source::Named(named("/a:7"))])
                .with("/a:7", "old")
                .with("/a", "new"),
            &[("a", "old")],
        ),
        (
            "at a label",
            case([Source::Named(named("/a:live"))]).with("/a:live", "l"),
            &[("a", "l")],
        ),
        (
            "an optional one that is there",
            case([optional("/a")]).with("/a", "1"),
            &[("a", "1")],
        ),
        (
            "an optional one that is not",
            case([optional("/a"), Source::Named(named("/b"))]).with("/b", "1"),
            &[("b", "1")],
        ),
        (
            "base64",
            case([base64]).with("/a", "aGVs\nbG8="),
            &[("a", "hello")],
        ),
        (
            "members",
            case([expanded("/a")]).with("/a", r#"{"x":"1","y":2.0}"#),
            &[("x", "1"), ("y", "2.0")],
        ),
        (
            "members in base64",
            case([base64_json]).with("/a", "eyJ4IjoiMSJ9"),
            &[("x", "1")],
        ),
        (
            "a member by pointer",
            case([pointed("/a", "/x/0")]).with("/a", r#"{"x":["1"]}"#),
            &[("pointed", "1")],
        ),
        (
            "one parameter by two sources",
            case([web(), a()]).with("/web/x", "1").with("/a", "2"),
            &[("a", "2"), ("x", "1")],
        ),
        (
            "the later source wins if told so",
            case([web(), Source::Named(named("/s/x"))])
                .last_wins()
                .with("/web/x", "1")
                .with("/s/x", "2"),
            &[("x", "2")],
        ),
        (
            "an empty path beside another source",
            case([web(), a()]).with("/a", "1"),
            &[("a", "1")],
        ),
        (
            "a template beside the keys",
            case([a()]).with("/a", "1").template("t", "<{{ a }}>\n"),
            &[("a", "1"), ("t", "<1>\n")],
        ),
        (
            "a template alone",
            case([a()])
                .with("/a", "1")
                .template("t", "<{{ a }}>")
                .set(|c| c.resolved.target.templates_only = true),
            &[("t", "<1>")],
        ),
        (
            "a template alone under a parameter's key",
            case([a()])
                .with("/a", "1")
                .template("a", "<{{ a }}>")
                .set(|c| c.resolved.target.templates_only = true),
            &[("a", "<1>")],
        ),
        (
            "a plain type where any may be read",
            case([a()]).with_kind("/a", ParameterKind::StringList, b"1,2"),
            &[("a", "1,2")],
        ),
        (
            "a repair takes the versions it asks for",
            case([web()])
                .with("/web/x:7", "old")
                .with("/web/x", "new")
                .set(|c| {
                    c.purpose = Purpose::Repair;
                    c.reads = Some(vec![SourceRead::Parameters(vec![Readable::unchecked(
                        reference("/web/x:7"),
                    )])]);
                }),
            &[("x", "old")],
        ),
    ] {
        let secret = case.run().unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(data(&secret), expected, "{what}");
    }
}

#[test]
fn types_get_the_keys_they_need() {
    let all = || case([Source::Path(path("/t"))]);
    for (what, case) in [
        (
            "tls",
            all()
                .secret_type("kubernetes.io/tls")
                .with("/t/tls.crt", "c")
                .with("/t/tls.key", "k"),
        ),
        (
            "basic auth with a user",
            all()
                .secret_type("kubernetes.io/basic-auth")
                .with("/t/username", "u"),
        ),
        (
            "basic auth with a password",
            all()
                .secret_type("kubernetes.io/basic-auth")
                .with("/t/password", "p"),
        ),
        (
            "ssh auth",
            all()
                .secret_type("kubernetes.io/ssh-auth")
                .with("/t/ssh-privatekey", "k"),
        ),
        (
            "a type of one's own",
            all().secret_type("example.com/x").with("/t/a", "b"),
        ),
        (
            "a registry's",
            all()
                .secret_type("kubernetes.io/dockerconfigjson")
                .with("/t/a", "b")
                .template(
                    ".dockerconfigjson",
                    r#"{"auths": {"x": {"auth": "{{ a|b64encode }}"}}}"#,
                ),
        ),
    ] {
        assert!(case.run().is_ok(), "{what}: {}", case.fails());
    }
}
