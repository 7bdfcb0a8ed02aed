//! What is said of a Secret, and the laws that hold for all.

use proptest::prelude::*;

use super::*;
use crate::error::Classified;

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
