//! What is refused, and how it is said.

use super::*;
use crate::error::{Class, Classified};

/// In every value; must be in no message.
const CANARY: &str = "c4naryV4lue";

/// Every fault: what it is called, and a part of its message. Each value holds the canary.
fn faulty() -> Vec<(&'static str, Case, &'static str, &'static str)> {
    let web = || Source::Path(path("/web"));
    let a = || Source::Named(named("/a"));
    let base64 = |extract| {
        Source::Named(NamedSource {
            decode: Decode::Base64,
            extract,
            ..named("/a")
        })
    };
    let whole = || Extract::Whole(key("a"));
    let value = CANARY;
    let bad_keys = Source::Path(PathSource {
        keys: KeyNaming {
            style: KeyStyle::Keep,
            prefix: "a b".into(),
            separator: "_".into(),
        },
        ..path("/web")
    });
    let repair = |case: Case, reads: &[&str]| {
        let reads = reads
            .iter()
            .map(|text| Readable::unchecked(reference(text)))
            .collect();
        case.set(|c| {
            c.purpose = Purpose::Repair;
            c.reads = Some(vec![SourceRead::Parameters(reads)]);
        })
    };
    let docker = || case([web()]).secret_type("kubernetes.io/dockerconfigjson");
    let object = |inner: &str| format!("{{\"a\":\"{value}\",{inner}}}");
    let half = value.len() / 2;
    vec![
        (
            "missing ones, all of them",
            case([a(), Source::Named(named("/b:3")), web()]).with("/web/x", value),
            "ParameterMissing",
            "/a, /b:3 not in Parameter Store",
        ),
        (
            "a missing version of one that is there",
            case([Source::Named(named("/a:9"))]).with("/a", value),
            "ParameterMissing",
            "/a:9",
        ),
        (
            "an optional one that a repair needs",
            repair(case([optional("/a")]).with("/a", value), &["/a:7"]),
            "ParameterMissing",
            "/a:7",
        ),
        (
            "a version that a repair needs",
            repair(case([web()]).with("/web/x", value), &["/web/x:7"]),
            "ParameterMissing",
            "/web/x:7",
        ),
        (
            "nothing asked for what is needed",
            repair(case([a()]).with("/a", value), &[]),
            "ParameterMissing",
            "/a",
        ),
        (
            "an empty path",
            case([web()]).with("/other/x", value),
            "SourceEmpty",
            "nothing was found at /web",
        ),
        (
            "optional ones only, none there",
            case([optional("/b")]).with("/a", value),
            "SourceEmpty",
            "/b",
        ),
        (
            "no members",
            case([expanded("/a"), optional("/b")]).with("/a", "{}"),
            "NothingToWrite",
            "give no key",
        ),
        (
            "templates only, without any",
            case([a()])
                .with("/a", value)
                .set(|c| c.resolved.target.templates_only = true),
            "NothingToWrite",
            "give no key",
        ),
        (
            "a plain string where only secure ones may be read",
            case([a()])
                .with_kind("/a", ParameterKind::String, value.as_bytes())
                .set(|c| c.resolved.parameter_types = ParameterTypes::SecureStringOnly),
            "TypeRefused",
            "/a is a String; this store reads SecureString only",
        ),
        (
            "the same below a path",
            case([web()])
                .with_kind("/web/x", ParameterKind::StringList, value.as_bytes())
                .set(|c| c.resolved.parameter_types = ParameterTypes::SecureStringOnly),
            "TypeRefused",
            "/web/x is a StringList",
        ),
        (
            "a key that Kubernetes refuses",
            case([bad_keys]).with("/web/x", value),
            "InvalidKey",
            r#"/web/x: key "a bx" is refused"#,
        ),
        (
            "a member's name that Kubernetes refuses",
            case([expanded("/a")]).with("/a", &format!("{{\n\"{value} x\":\"\"}}")),
            "InvalidKey",
            "/a: a member has a name that Kubernetes refuses",
        ),
        (
            "two sources, one key",
            case([web(), Source::Named(named("/s/x"))])
                .with("/web/x", value)
                .with("/s/x", value),
            "KeyCollision",
            "key x comes from /web/x (sources[0]) and from /s/x (sources[1])",
        ),
        (
            "one path, one key",
            case([web()]).with("/web/a/b", value).with("/web/a_b", value),
            "KeyCollision",
            "key a_b comes from /web/a/b (sources[0]) and from /web/a_b (sources[0])",
        ),
        (
            "one path, one key, though the last wins",
            case([web()])
                .last_wins()
                .with("/web/a/b", value)
                .with("/web/a_b", value),
            "KeyCollision",
            "/web/a_b",
        ),
        (
            "a template over a parameter's key",
            case([a()]).with("/a", value).template("a", "x"),
            "KeyCollision",
            "key a comes from /a (sources[0]) and from a template",
        ),
        (
            "no base64",
            case([base64(whole())]).with("/a", &format!("{}!{value}", &value[..half])),
            "InvalidBase64",
            "/a is no standard base64 with padding",
        ),
        (
            "no JSON",
            case([expanded("/a")]).with("/a", value),
            "InvalidJSON",
            "/a: is no valid JSON",
        ),
        (
            "no JSON for a pointer",
            case([pointed("/a", "/x")]).with("/a", &format!("{{\n\"x\": {value}}}")),
            "InvalidJSON",
            "/a: is no valid JSON",
        ),
        (
            "JSON that ends too early",
            case([expanded("/a")]).with("/a", &format!("{{\"x\":\"{value}")),
            "InvalidJSON",
            "ends too early",
        ),
        (
            "a string, no object",
            case([expanded("/a")]).with("/a", &format!("\"{value}\"")),
            "InvalidJSON",
            "is JSON, but no object",
        ),
        (
            "a null",
            case([expanded("/a")]).with("/a", &object("\"n\":null")),
            "InvalidJSON",
            "null",
        ),
        (
            "a null by pointer",
            case([pointed("/a", "/n")]).with("/a", &object("\"n\":null")),
            "InvalidJSON",
            "null",
        ),
        (
            "a name twice",
            case([expanded("/a")]).with("/a", &object(&format!("\"{value}\":1,\"{value}\":2"))),
            "InvalidJSON",
            "twice",
        ),
        (
            "half a character",
            case([expanded("/a")]).with("/a", &object(&format!("\"x\":\"{value}\\ud800\""))),
            "InvalidJSON",
            "no whole character",
        ),
        (
            "bytes for JSON",
            case([base64(Extract::Members)]).with("/a", "eyL/"),
            "InvalidJSON",
            "not UTF-8 text",
        ),
        (
            "no such member",
            case([pointed("/a", "/x/y")]).with("/a", &object(&format!("\"x\":\"{value}\""))),
            "PointerMissing",
            "/a has no member at pointer \"/x/y\"",
        ),
        (
            "a template that is none",
            case([a()]).with("/a", value).template("t", "\n{{ a"),
            "TemplateFailed",
            "template t is no valid template: syntax fault at line 2",
        ),
        (
            "a name that is not there",
            case([a()]).with("/a", value).template("t", "{{ a }}{{ b }}"),
            "TemplateFailed",
            "template t uses what is not there (b not defined)",
        ),
        (
            "an index that is not there",
            case([a()]).with("/a", value).template("t", "{{ {a: 1}[a ~ a] }}"),
            "TemplateFailed",
            "not there",
        ),
        (
            "a filter that fails on the value",
            case([a()]).with("/a", value).template("t", "{{ a|int }}"),
            "TemplateFailed",
            "its values do not allow",
        ),
        (
            "an operator that fails on the value",
            case([a()]).with("/a", value).template("t", "{{ a + 1 }}"),
            "TemplateFailed",
            "do not allow",
        ),
        (
            "a method on the value",
            case([a()]).with("/a", value).template("t", "{{ a.nope(a) }}"),
            "TemplateFailed",
            "that there is not",
        ),
        (
            "base64 of the value",
            case([a()])
                .with("/a", value)
                .template("t", "{{ (a ~ '!')|b64decode }}"),
            "TemplateFailed",
            "do not allow",
        ),
        (
            "a template without end",
            case([a()]).with("/a", value).template(
                "t",
                "{% for x in range(9999) %}{% for y in range(9999) %}{{ a }}{% endfor %}{% endfor %}",
            ),
            "TemplateFailed",
            "stopped",
        ),
        (
            "half of tls",
            case([web()])
                .secret_type("kubernetes.io/tls")
                .with("/web/tls.crt", value),
            "RequiredKeyMissing",
            "a Secret of type kubernetes.io/tls needs the key tls.key",
        ),
        (
            "none of two",
            case([web()])
                .secret_type("kubernetes.io/basic-auth")
                .with("/web/x", value),
            "RequiredKeyMissing",
            "needs the key username or password",
        ),
        (
            "a registry's without its key",
            docker().with("/web/x", value),
            "RequiredKeyMissing",
            ".dockerconfigjson",
        ),
        (
            "a registry's that is no JSON",
            docker().with("/web/.dockerconfigjson", value),
            "InvalidDockerConfig",
            "it is no valid JSON",
        ),
        (
            "a registry's without auths",
            docker().with("/web/.dockerconfigjson", &object("\"auths\":1")),
            "InvalidDockerConfig",
            "an object auths",
        ),
        (
            "1.3 MiB",
            (0..170).fold(case([web()]), |case, at| {
                case.with(&format!("/web/{at}"), &value.repeat(729))
            }),
            "TooLarge",
            "the values would be more than the 1048576 bytes allowed",
        ),
        (
            "1,001 keys",
            (0..1001).fold(case([web()]), |case, at| case.with(&format!("/web/{at}"), value)),
            "TooManyKeys",
            "1001 keys are more than the 1000",
        ),
        (
            "2,001 parameters for one template",
            (0..2001)
                .fold(case([web()]), |case, at| case.with(&format!("/web/{at}"), value))
                .set(|c| c.resolved.target.templates_only = true)
                .template("t", "x"),
            "TooManyParameters",
            "status would tell of 2001 parameters, and there is room for 2000",
        ),
        (
            "names that fill the annotation",
            (0..200)
                .fold(case([web()]), |case, at| {
                    case.with(&format!("/web/{}/{at}", "d".repeat(240)), value)
                        .with(&format!("/web/{}{at}", "e".repeat(900)), value)
                })
                .set(|c| {
                    c.resolved.target.templates_only = true;
                    if let Source::Path(path) = &mut c.resolved.sources[0] {
                        path.read.filter = NameFilter::new(vec!["*/*".into()], Vec::new()).unwrap();
                    }
                    c.resolved.target.templates.insert(key("t"), "x".into());
                    c.resolved
                        .target
                        .annotations
                        .insert("n".into(), "x".repeat(270_000));
                }),
            "TooLarge",
            "the annotations would be",
        ),
        (
            "a request of another spec",
            case([a(), web()])
                .with("/a", value)
                .set(|c| c.reads = Some(Vec::new())),
            "InternalError",
            "spec.sources",
        ),
        (
            "a read of another kind",
            case([a()])
                .with("/a", value)
                .set(|c| c.reads = Some(vec![SourceRead::Path(Readable::unchecked(path("/").read))])),
            "InternalError",
            "/a does not fit",
        ),
        (
            "a parameter from elsewhere",
            case([web()]).with("/a", value).set(|c| {
                c.reads = Some(vec![SourceRead::Parameters(vec![Readable::unchecked(
                    reference("/a"),
                )])]);
            }),
            "InternalError",
            "/a does not fit",
        ),
    ]
}

#[test]
fn what_cannot_be_done_is_refused_by_name_and_never_with_a_value() {
    for (what, case, reason, part) in faulty() {
        let error = case.run().err().unwrap_or_else(|| panic!("{what} passes"));
        let message = error.to_string();
        assert_eq!(error.reason(), reason, "{what}: {message}");
        assert!(message.contains(part), "{what}: {message}");
        for shown in [message, format!("{error:?}")] {
            let half = &CANARY[CANARY.len() / 2..];
            assert!(
                !shown.contains(half) && !shown.contains(&CANARY[..CANARY.len() / 2]),
                "{what}: {shown}"
            );
        }
    }
}

#[test]
fn every_reason_has_a_row_above() {
    let reasons: BTreeSet<_> = faulty().iter().map(|(_, _, reason, _)| *reason).collect();
    let all = [
        "InternalError",
        "InvalidBase64",
        "InvalidDockerConfig",
        "InvalidJSON",
        "InvalidKey",
        "KeyCollision",
        "NothingToWrite",
        "ParameterMissing",
        "PointerMissing",
        "RequiredKeyMissing",
        "SourceEmpty",
        "TemplateFailed",
        "TooLarge",
        "TooManyKeys",
        "TooManyParameters",
        "TypeRefused",
    ];
    assert!(reasons.iter().eq(all.iter()), "{reasons:?}");
}

#[test]
fn the_class_says_who_must_act() {
    for (case, class) in [
        (case([Source::Named(named("/a"))]), Class::NotFound),
        (case([Source::Path(path("/web"))]), Class::NotFound),
        (case([expanded("/a")]).with("/a", "x"), Class::Invalid),
        (
            case([Source::Named(named("/a"))]).set(|c| c.reads = Some(Vec::new())),
            Class::Bug,
        ),
    ] {
        assert_eq!(case.fails().class(), class);
    }
}

#[test]
fn all_faults_are_found_at_once_and_many_are_counted() {
    let both = case([expanded("/a"), expanded("/b"), Source::Named(named("/c"))])
        .with("/a", "x")
        .with("/b", "[]");
    let error = both.fails();
    assert_eq!(error.total(), 3);
    assert_eq!(
        error.faults().map(Classified::reason).collect::<Vec<_>>(),
        ["ParameterMissing", "InvalidJSON", "InvalidJSON"]
    );
    let many = (0..25).fold(case([Source::Path(path("/web"))]), |case, at| {
        case.with_kind(&format!("/web/{at}"), ParameterKind::String, b"x")
    });
    let error = many
        .set(|c| c.resolved.parameter_types = ParameterTypes::SecureStringOnly)
        .fails();
    assert_eq!((error.total(), error.faults().count()), (25, 10));
    assert!(error.to_string().ends_with("; and 15 more faults"), "{error}");
    let missing = case((0..12).map(|at| Source::Named(named(&format!("/m/{at}")))))
        .fails()
        .to_string();
    assert!(
        missing.contains("/m/9 and 2 more not in Parameter Store"),
        "{missing}"
    );
}
