use crate::names::JsonPointer;
use proptest::prelude::*;

use super::*;

fn text(value: &SecretValue) -> String {
    String::from_utf8(value.expose().to_vec()).unwrap()
}

fn members(json: &str) -> Result<Vec<(String, String)>, JsonFault> {
    let node = Node::parse(json.as_bytes())?;
    let members = node.members()?;
    members
        .iter()
        .map(|member| Ok((member.name().to_owned(), text(&member.node.value()?))))
        .collect()
}

#[test]
fn members_come_out_as_they_are_written() {
    for (what, json, expected) in [
        ("an empty object", "{}", &[][..]),
        ("strings", r#"{"a":"x","b":""}"#, &[("a", "x"), ("b", "")]),
        (
            "white space around",
            " { \"a\" : \"x\" ,\n\"b\":1 }\n",
            &[("a", "x"), ("b", "1")],
        ),
        (
            "numbers keep their form",
            r#"{"a":1.10,"b":1e3,"c":-0}"#,
            &[("a", "1.10"), ("b", "1e3"), ("c", "-0")],
        ),
        (
            "and all their digits",
            r#"{"a":123456789012345678901234567890}"#,
            &[("a", "123456789012345678901234567890")],
        ),
        (
            "booleans",
            r#"{"a":true,"b": false}"#,
            &[("a", "true"), ("b", "false")],
        ),
        (
            "objects in compact form",
            "{\"a\": { \"b\" : [ 1.0 , \" , \" ] }}",
            &[("a", r#"{"b":[1.0," , "]}"#)],
        ),
        (
            "a null deeper down",
            r#"{"a":{"b":null}}"#,
            &[("a", r#"{"b":null}"#)],
        ),
        (
            "escapes are undone",
            r#"{"a":"\"\\\/\b\f\n\r\t\u0041\ud83d\ude00é"}"#,
            &[("a", "\"\\/\u{8}\u{c}\n\r\tA😀é")],
        ),
        (
            "but not in what stays JSON",
            r#"{"a":["\u0041\""]}"#,
            &[("a", r#"["\u0041\""]"#)],
        ),
        (
            "brackets in strings",
            r#"{"a":"}","b":["{\"]"],"c":","}"#,
            &[("a", "}"), ("b", r#"["{\"]"]"#), ("c", ",")],
        ),
        ("a name with an escape", r#"{"\u0061\t":"x"}"#, &[("a\t", "x")]),
        (
            "a string that ends in quotes",
            r#"{"a":"\"\""}"#,
            &[("a", "\"\"")],
        ),
    ] {
        let got = members(json).unwrap();
        let got: Vec<_> = got
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(got, expected, "{what}");
    }
}

#[test]
fn what_is_no_fitting_json_is_refused_by_kind() {
    use JsonFault::{CutOff, DuplicateMember, LoneSurrogate, NotAnObject, Null, Syntax};
    for (what, json, expected) in [
        ("nothing", "", CutOff),
        ("plain text", "hello", Syntax),
        ("an object that ends too early", "{\"a\":\n \"b", CutOff),
        ("a missing comma", "{\"a\":1\n\"b\":2}", Syntax),
        ("a trailing comma", r#"{"a":1,}"#, Syntax),
        ("two values", "{} {}", Syntax),
        ("a line break in a string", "{\"a\":\"x\ny\"}", Syntax),
        ("an array", " [1]", NotAnObject),
        ("a string", r#""x""#, NotAnObject),
        ("null", "null", NotAnObject),
        ("a member that is null", "{\"a\":\n  null}", Null),
        ("a name twice", "{\"a\":1,\n \"b\":2, \"a\":3}", DuplicateMember),
        (
            "a name twice by escapes",
            r#"{"a":1,"\u0061":2}"#,
            DuplicateMember,
        ),
        ("half a character", r#"{"a":"\ud83d"}"#, LoneSurrogate),
        ("the other half", r#"{"a":"\ude00x"}"#, LoneSurrogate),
        ("two first halves", r#"{"a":"\ud83d\ud83d"}"#, LoneSurrogate),
        ("half a character in a name", r#"{"\ud83d":1}"#, LoneSurrogate),
    ] {
        assert_eq!(members(json).unwrap_err(), expected, "{what}");
    }
    let refused = Node::parse(b"{\n\"a\xff").err().unwrap();
    assert_eq!(refused, JsonFault::NotText);
}

#[test]
fn depth_costs_no_stack() {
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(200_000), "]".repeat(200_000));
    assert_eq!(members(&deep).unwrap()[0].1.len(), 400_000);
}

#[test]
fn a_pointer_finds_what_rfc_6901_section_5_says() {
    let json =
        r#"{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,"k\"l":6," ":7,"m~n":8}"#;
    let node = Node::parse(json.as_bytes()).unwrap();
    for (pointer, expected) in [
        ("", Some(json)),
        ("/foo", Some(r#"["bar","baz"]"#)),
        ("/foo/0", Some("bar")),
        ("/foo/1", Some("baz")),
        ("/", Some("0")),
        ("/a~1b", Some("1")),
        ("/c%d", Some("2")),
        ("/e^f", Some("3")),
        ("/g|h", Some("4")),
        ("/i\\j", Some("5")),
        ("/k\"l", Some("6")),
        ("/ ", Some("7")),
        ("/m~0n", Some("8")),
        ("/foo/2", None),
        ("/foo/-", None),
        ("/foo/01", None),
        ("/foo/+1", None),
        ("/foo/", None),
        ("/foo/99999999999999999999", None),
        ("/foo/0/x", None),
        ("/nothing", None),
    ] {
        let found = node.at(&JsonPointer::parse(pointer).unwrap()).unwrap();
        let found = found.map(|node| text(&node.value().unwrap()));
        assert_eq!(found.as_deref(), expected, "{pointer:?}");
    }
}

#[test]
fn a_pointer_does_not_choose_between_two_of_one_name() {
    let node = Node::parse(br#"{"a":{"b":1,"b":2}}"#).unwrap();
    let refused = node.at(&JsonPointer::parse("/a/b").unwrap()).err().unwrap();
    assert_eq!(refused, JsonFault::DuplicateMember);
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::Value;
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        Just(Value::Null),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map(any::<String>(), inner, 0..6).prop_map(|m| m.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn members_are_those_that_serde_json_reads(
        object in prop::collection::btree_map(any::<String>(), any_json(), 0..6),
        pretty in any::<bool>(),
    ) {
        let whole = serde_json::to_value(&object).unwrap();
        let written = if pretty {
            serde_json::to_string_pretty(&whole).unwrap()
        } else {
            whole.to_string()
        };
        let node = Node::parse(written.as_bytes()).unwrap();
        let members = node.members().unwrap();
        prop_assert_eq!(members.len(), object.len());
        for member in &members {
            let expected = &object[member.name()];
            match (member.node.value(), expected) {
                (Err(error), serde_json::Value::Null) => prop_assert_eq!(error, JsonFault::Null),
                (Ok(value), serde_json::Value::String(string)) => prop_assert_eq!(&text(&value), string),
                (Ok(value), other) => prop_assert_eq!(text(&value), other.to_string()),
                (Err(error), _) => prop_assert!(false, "{}", error),
            }
        }
    }

    #[test]
    fn no_text_makes_it_panic(written in r#"[\[\]{}",:\\u0-9a-fA-F \n-]{0,40}"#) {
        if let Ok(node) = Node::parse(written.as_bytes()) {
            let _ = node.value();
            if let Ok(members) = node.members() {
                for member in &members {
                    let _ = member.node.value();
                }
            }
        }
    }
}
