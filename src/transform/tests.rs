//! The room's specification: one row a rule. Spec in, keys or the fault's message out.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::decide::{Purpose, SourceRead};
use crate::error::{Class, Classified};
use crate::names::{ObjectKey, ParameterName, ParameterPath, ParameterRef, Selector};
use crate::provenance::{ParameterKind, Shape, Stamp};
use crate::resolve::{
    Auth, Decode, Extract, Gate, KeyNaming, KeyStyle, Limits, NameFilter, NamedSource, OnCollision,
    OnMissing, ParameterTypes, PathRead, PathSource, StoreIdentity, Target,
};
use crate::source::FetchedParameter;

/// In every value; must be in no message.
const CANARY: &str = "c4naryV4lue";

fn key(text: &str) -> SecretKey {
    SecretKey::parse(text).unwrap()
}

/// `/x`, `/x:7` or `/x:live`.
fn reference(text: &str) -> ParameterRef {
    let (name, selector) = match text.split_once(':').filter(|_| !text.starts_with("arn:")) {
        None => (text, Selector::Latest),
        Some((name, version)) => match version.parse() {
            Ok(version) => (name, Selector::Version(version)),
            Err(_) => (name, Selector::Label(version.into())),
        },
    };
    ParameterRef {
        name: ParameterName::parse(name).unwrap(),
        selector,
    }
}

fn path(path: &str) -> PathSource {
    PathSource {
        read: PathRead {
            path: ParameterPath::parse(path).unwrap(),
            recursive: true,
            filter: NameFilter::new(Vec::new(), Vec::new()).unwrap(),
        },
        keys: KeyNaming {
            style: KeyStyle::Keep,
            prefix: String::new(),
            separator: "_".into(),
        },
        on_missing: OnMissing::Prune,
    }
}

fn named(name: &str) -> NamedSource {
    let reference = reference(name);
    NamedSource {
        decode: Decode::None,
        extract: Extract::Whole(key(reference.name.last_segment())),
        reference,
        optional: false,
    }
}

fn expanded(name: &str) -> Source {
    Source::Named(NamedSource {
        extract: Extract::Members,
        ..named(name)
    })
}

fn pointed(name: &str, pointer: &str) -> Source {
    Source::Named(NamedSource {
        extract: Extract::Pointer {
            pointer: pointer.into(),
            key: key("pointed"),
        },
        ..named(name)
    })
}

/// A spec, and what is in Parameter Store.
struct Case {
    resolved: Resolved,
    upstream: Vec<(ParameterRef, ParameterKind, Vec<u8>)>,
    origin: Option<Origin>,
    reads: Option<Vec<SourceRead>>,
    purpose: Purpose,
}

fn case(sources: impl IntoIterator<Item = Source>) -> Case {
    Case {
        resolved: Resolved {
            object: ObjectKey::new("shop", "web"),
            uid: "uid".into(),
            generation: 1,
            store: StoreIdentity {
                region: "eu-west-1".into(),
                endpoint: None,
                auth: Auth::default(),
            },
            limits: Limits {
                requests_per_second: 20,
            },
            parameter_types: ParameterTypes::Any,
            sources: sources.into_iter().collect(),
            on_collision: OnCollision::Fail,
            target: Target {
                name: "web".into(),
                secret_type: "Opaque".into(),
                labels: [("team".to_owned(), "a".to_owned())].into(),
                annotations: [("note".to_owned(), "b".to_owned())].into(),
                templates: BTreeMap::new(),
                templates_only: false,
                owned: true,
                adopt: false,
            },
            interval: Duration::from_secs(600),
            suspended: false,
            gate: Gate::default(),
            shape: Shape("shape".into()),
            sync_request: None,
        },
        upstream: Vec::new(),
        origin: Some(Origin {
            account: "111122223333".into(),
            region: "eu-west-1".into(),
        }),
        reads: None,
        purpose: Purpose::FirstSync,
    }
}

impl Case {
    fn with(self, name: &str, value: &str) -> Self {
        self.with_kind(name, ParameterKind::SecureString, value.as_bytes())
    }

    fn with_kind(mut self, name: &str, kind: ParameterKind, value: &[u8]) -> Self {
        self.upstream.push((reference(name), kind, value.to_vec()));
        self
    }

    fn template(mut self, name: &str, source: &str) -> Self {
        self.resolved.target.templates.insert(key(name), source.into());
        self
    }

    fn set(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn secret_type(self, secret_type: &str) -> Self {
        self.set(|case| case.resolved.target.secret_type = secret_type.into())
    }

    fn last_wins(self) -> Self {
        self.set(|case| case.resolved.on_collision = OnCollision::LastWins)
    }

    fn run(&self) -> Result<DesiredSecret, TransformError> {
        let read = |source: &Source| match source {
            Source::Path(path) => SourceRead::Path(path.read.clone()),
            Source::Named(named) => SourceRead::Parameters(vec![named.reference.clone()]),
        };
        let request = FetchRequest {
            purpose: self.purpose,
            reads: self
                .reads
                .clone()
                .unwrap_or_else(|| self.resolved.sources.iter().map(read).collect()),
        };
        let mut fetched = Fetched {
            origin: self.origin.clone(),
            listings: BTreeMap::new(),
            parameters: BTreeMap::new(),
            missing: BTreeSet::new(),
        };
        for (reference, kind, value) in &self.upstream {
            let parameter = FetchedParameter {
                stamp: stamp(),
                kind: *kind,
                value: SecretValue::new(value.clone()),
            };
            fetched.parameters.insert(reference.clone(), parameter);
        }
        for read in &request.reads {
            match read {
                SourceRead::Path(read) => {
                    let names = self.upstream.iter().map(|(reference, ..)| reference.name.clone());
                    // Backwards: AWS promises no order.
                    let mut names: Vec<_> = names.filter(|name| read.wants(name)).collect();
                    names.reverse();
                    fetched.listings.insert(read.clone(), names);
                }
                SourceRead::Parameters(references) => {
                    let absent = references.iter().filter(|r| !fetched.parameters.contains_key(r));
                    fetched.missing.extend(absent.cloned().collect::<Vec<_>>());
                }
            }
        }
        transform(&self.resolved, &request, fetched)
    }

    fn fails(&self) -> TransformError {
        self.run().err().expect("a fault")
    }
}

fn stamp() -> Stamp {
    Stamp {
        version: 7,
        last_modified: Timestamp::from_millisecond(1_700_000_000_000).unwrap(),
    }
}

fn data(secret: &DesiredSecret) -> Vec<(&str, &str)> {
    secret
        .data()
        .iter()
        .map(|(key, value)| (key.as_str(), std::str::from_utf8(value.expose()).unwrap()))
        .collect()
}

fn applied(secret: &DesiredSecret) -> Vec<(usize, &str, Vec<&str>)> {
    let applied = secret.provenance().parameters.iter();
    applied
        .map(|a| {
            (
                a.source,
                a.name.as_str(),
                a.keys.iter().map(SecretKey::as_str).collect(),
            )
        })
        .collect()
}

fn optional(name: &str) -> Source {
    Source::Named(NamedSource {
        optional: true,
        ..named(name)
    })
}

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
    for (what, case, expected) in [
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
                    c.reads = Some(vec![SourceRead::Parameters(vec![reference("/web/x:7")])]);
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
        let reads = reads.iter().map(|text| reference(text)).collect();
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
            "/a: the member at line 2 column 1",
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
            "/a is no standard base64 with padding: fault at character 6",
        ),
        (
            "no JSON",
            case([expanded("/a")]).with("/a", value),
            "InvalidJSON",
            "/a: is no valid JSON at line 1 column 1",
        ),
        (
            "no JSON for a pointer",
            case([pointed("/a", "/x")]).with("/a", &format!("{{\n\"x\": {value}}}")),
            "InvalidJSON",
            "/a: is no valid JSON at line 2 column 6",
        ),
        (
            "JSON that ends too early",
            case([expanded("/a")]).with("/a", &format!("{{\"x\":\"{value}")),
            "InvalidJSON",
            "ends too early at line 1",
        ),
        (
            "a string, no object",
            case([expanded("/a")]).with("/a", &format!("\"{value}\"")),
            "InvalidJSON",
            "is JSON, but no object at line 1",
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
            "not UTF-8 text at line 1 column 3",
        ),
        (
            "no such member",
            case([pointed("/a", "/x/y")]).with("/a", &object(&format!("\"x\":\"{value}\""))),
            "PointerMissing",
            "/a has no member at pointer \"/x/y\"",
        ),
        (
            "no pointer",
            case([pointed("/a", "x")]).with("/a", &object("\"x\":1")),
            "InvalidPointer",
            "write it as /cert",
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
            "template t uses what is not there (b not defined) at line 1",
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
            "it is no valid JSON at line 1",
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
            "the values would be 1363230 bytes, more than the 1048576 allowed",
        ),
        (
            "1,001 keys",
            (0..1001).fold(case([web()]), |case, at| case.with(&format!("/web/{at}"), value)),
            "TooManyKeys",
            "1001 keys are more than the 1000",
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
                .set(|c| c.reads = Some(vec![SourceRead::Path(path("/").read)])),
            "InternalError",
            "/a does not fit",
        ),
        (
            "a parameter from elsewhere",
            case([web()])
                .with("/a", value)
                .set(|c| c.reads = Some(vec![SourceRead::Parameters(vec![reference("/a")])])),
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

#[test]
fn the_provenance_names_what_went_in() {
    let secret = case([
        Source::Path(path("/web")),
        Source::Named(named("/s/x")),
        expanded("/j"),
        optional("/none"),
    ])
    .last_wins()
    .with("/web/b", "1")
    .with("/web/x", "2")
    .with_kind("/s/x", ParameterKind::String, b"3")
    .with("/j", r#"{"k":"4","b":"5"}"#)
    .template("t", "x")
    .run()
    .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(
        applied(&secret),
        [
            (0, "/web/b", vec![]),
            (0, "/web/x", vec![]),
            (1, "/s/x", vec!["x"]),
            (2, "/j", vec!["k", "b"])
        ]
    );
    let provenance = secret.provenance();
    assert_eq!(provenance.parameters[2].kind, ParameterKind::String);
    assert_eq!(provenance.parameters[2].stamp, stamp());
    assert_eq!(provenance.owner, "web");
    assert_eq!(provenance.shape, Shape("shape".into()));
    assert_eq!(provenance.secret_type, "Opaque");
    assert_eq!(provenance.origin.to_string(), "111122223333/eu-west-1");
    assert_eq!(
        (provenance.labels[0].as_str(), provenance.annotations[0].as_str()),
        ("team", "note")
    );
    assert_eq!(provenance.template_keys, [key("t")]);
    let of_provenance: BTreeSet<_> = provenance.keys().collect();
    assert_eq!(of_provenance, secret.data().keys().collect());
}

#[test]
fn with_templates_only_no_parameter_keeps_a_key() {
    let secret = case([Source::Path(path("/web"))])
        .with("/web/a", "1")
        .template("t", "{{ a }}")
        .set(|c| c.resolved.target.templates_only = true)
        .run()
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(applied(&secret), [(0, "/web/a", vec![])]);
    assert_eq!(secret.provenance().keys().collect::<Vec<_>>(), [&key("t")]);
}

#[test]
fn where_all_is_shared_by_arn_the_origin_is_the_stores_region() {
    let arn = "arn:aws:ssm:us-east-1:444455556666:parameter/shared/x";
    let secret = case([Source::Named(named(arn))])
        .with(arn, "1")
        .set(|c| c.origin = None)
        .run()
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(data(&secret), [("x", "1")]);
    assert_eq!(secret.provenance().origin.to_string(), "/eu-west-1");
}

proptest! {
    #[test]
    fn every_parameter_gives_its_own_key_or_the_collision_is_named(
        names in prop::collection::btree_set("[a-c_.-]{1,3}(/[a-c_]{1,2}){0,2}", 1..12),
        style in prop_oneof![Just(KeyStyle::Keep), Just(KeyStyle::EnvVar), Just(KeyStyle::Lower)],
    ) {
        let names: Vec<_> = names.iter().filter_map(|n| ParameterName::parse(&format!("/web/{n}")).ok()).collect();
        prop_assume!(!names.is_empty());
        let mut source = path("/web");
        source.keys.style = style;
        let full = names.iter().fold(case([Source::Path(source)]), |case, name| case.with(name.as_str(), name.as_str()));
        match full.run() {
            Ok(secret) => {
                prop_assert_eq!(secret.data().len(), names.len());
                for applied in &secret.provenance().parameters {
                    prop_assert_eq!(secret.data()[&applied.keys[0]].expose(), applied.name.as_str().as_bytes());
                }
            }
            Err(error) => prop_assert!(["KeyCollision", "InvalidKey"].contains(&error.reason()), "{}", error),
        }
    }

    #[test]
    fn the_order_of_the_answer_does_not_matter(values in prop::collection::vec("[a-z]{1,5}", 1..8)) {
        let base = || case([Source::Path(path("/web"))]);
        let with = |case: Case, (at, value): (usize, &String)| case.with(&format!("/web/k{at}"), value);
        let forth = values.iter().enumerate().fold(base(), with);
        let back = values.iter().enumerate().rev().fold(base(), with);
        let (Ok(forth), Ok(back)) = (forth.run(), back.run()) else { panic!("valid") };
        prop_assert_eq!(forth.provenance(), back.provenance());
        prop_assert!(forth.data() == back.data());
    }
}
