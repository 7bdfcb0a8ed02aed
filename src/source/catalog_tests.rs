use jiff::Timestamp;

use super::*;
use crate::names::{NameFilter, ParameterPath};
use crate::record::ParameterKind;

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn stamp(version: i64, second: i64) -> Stamp {
    Stamp {
        version,
        last_modified: Timestamp::from_second(second).unwrap(),
    }
}

fn entry(version: i64, second: i64) -> Entry {
    Entry {
        stamp: stamp(version, second),
        kind: ParameterKind::SecureString,
    }
}

fn name(text: &str) -> ParameterName {
    ParameterName::parse(text).unwrap()
}

fn latest(text: &str) -> ParameterRef {
    ParameterRef::latest(name(text))
}

fn read(path: &str) -> PathRead {
    PathRead {
        path: ParameterPath::parse(path).unwrap(),
        recursive: false,
        filter: NameFilter::new(vec![], vec![]).unwrap(),
    }
}

fn listing(path: &str, entries: &[(&str, Entry)]) -> Sweep {
    Sweep::Listing(
        PathKey::from(&read(path)),
        entries.iter().map(|(n, e)| (name(n), *e)).collect(),
    )
}

fn names(entries: &[(&str, Option<Entry>)]) -> Sweep {
    Sweep::Names(entries.iter().map(|(n, e)| (latest(n), *e)).collect())
}

fn origin(account: &str) -> Origin {
    Origin {
        account: account.into(),
        region: "eu-west-1".into(),
    }
}

#[test]
fn what_a_second_reading_means_by_what_was_known() {
    // known, then seen: changed at once, in doubt, or nothing
    let known = entry(7, 100);
    for (case, seen, changed, doubtful) in [
        ("the same", Some(entry(7, 100)), false, false),
        ("a higher version", Some(entry(8, 200)), true, false),
        ("missing", None, false, true),
        ("a higher version, older", Some(entry(9, 50)), false, true),
        ("a lower version, older", Some(entry(6, 50)), false, true),
        (
            "a lower version of the same time",
            Some(entry(6, 100)),
            false,
            true,
        ),
        ("the same version, older", Some(entry(7, 50)), false, true),
        ("deleted and made anew", Some(entry(1, 200)), true, false),
        (
            "deleted and made anew up to the same version",
            Some(entry(7, 200)),
            true,
            false,
        ),
        (
            "another type",
            Some(Entry {
                kind: ParameterKind::String,
                ..known
            }),
            true,
            false,
        ),
    ] {
        let mut catalog = Catalog::default();
        catalog.fold(names(&[("/x", Some(known))]), None, at(0));
        let changes = catalog.fold(names(&[("/x", seen)]), None, at(60));
        assert_eq!(!changes.changed.is_empty(), changed, "{case}");
        assert_eq!(!changes.suspects.is_empty(), doubtful, "{case}");
        let fact = if doubtful { Some(known) } else { seen };
        assert_eq!(catalog.fact(&latest("/x")), fact.into(), "{case}");
    }
}

#[test]
fn a_missing_name_counts_when_seen_again_five_seconds_later() {
    let mut catalog = Catalog::default();
    catalog.fold(listing("/a", &[("/a/x", entry(1, 1))]), None, at(0));
    catalog.fold(listing("/a", &[]), None, at(60));
    assert_eq!(catalog.next_look(), Some(at(65)));
    let early = catalog.fold(names(&[("/a/x", None)]), None, at(64));
    assert!(early.changed.is_empty(), "too early");
    assert_eq!(catalog.to_look_at_again(at(65)).count(), 1);
    let second = catalog.fold(names(&[("/a/x", None)]), None, at(65));
    assert_eq!(second.changed, [latest("/a/x")].into());
    assert_eq!(catalog.listing(&read("/a")), Some(BTreeMap::new()));
}

#[test]
fn a_name_that_comes_back_was_never_gone() {
    let mut catalog = Catalog::default();
    catalog.fold(listing("/a", &[("/a/x", entry(1, 1))]), None, at(0));
    catalog.fold(listing("/a", &[]), None, at(60));
    let back = catalog.fold(names(&[("/a/x", Some(entry(1, 1)))]), None, at(65));
    assert_eq!(back, Changes::default());
    assert_eq!(catalog.next_look(), None);
}

#[test]
fn two_different_doubts_are_one_sighting_each() {
    let mut catalog = Catalog::default();
    catalog.fold(names(&[("/x", Some(entry(7, 100)))]), None, at(0));
    catalog.fold(names(&[("/x", None)]), None, at(60));
    let other = catalog.fold(names(&[("/x", Some(entry(6, 90)))]), None, at(65));
    assert!(other.changed.is_empty());
    let third = catalog.fold(names(&[("/x", Some(entry(6, 90)))]), None, at(70));
    assert_eq!(third.changed.len(), 1);
}

#[test]
fn the_first_sighting_after_a_restart_is_held_against_what_is_applied() {
    let mut catalog = Catalog::default();
    catalog.seed(&name("/a/gone"), stamp(3, 30));
    catalog.seed(&name("/a/same"), stamp(4, 40));
    let first = catalog.fold(listing("/a", &[("/a/same", entry(4, 40))]), None, at(0));
    assert_eq!(first.changed, [latest("/a/same")].into());
    assert_eq!(first.suspects, [latest("/a/gone")].into());
    assert_eq!(catalog.listing(&read("/a")), None, "not while in doubt");
    let second = catalog.fold(names(&[("/a/gone", None)]), None, at(5));
    assert_eq!(second.changed, [latest("/a/gone")].into());
    assert_eq!(catalog.listing(&read("/a")).unwrap().len(), 1);
}

#[test]
fn a_new_name_below_a_known_path_is_a_change() {
    let mut catalog = Catalog::default();
    catalog.fold(listing("/a", &[]), None, at(0));
    let changes = catalog.fold(listing("/a", &[("/a/new", entry(1, 1))]), None, at(60));
    assert_eq!(changes.changed, [latest("/a/new")].into());
}

#[test]
fn a_listing_shows_its_own_level_only_and_what_the_filter_wants() {
    let mut catalog = Catalog::default();
    catalog.fold(names(&[("/a/b/deep", Some(entry(1, 1)))]), None, at(0));
    catalog.fold(
        listing("/a", &[("/a/x", entry(1, 1)), ("/a/y", entry(1, 1))]),
        None,
        at(0),
    );
    let only_x = PathRead {
        filter: NameFilter::new(vec!["x".into()], vec![]).unwrap(),
        ..read("/a")
    };
    let shown: Vec<_> = catalog.listing(&only_x).unwrap().into_keys().collect();
    assert_eq!(shown, [name("/a/x")]);
    assert_eq!(catalog.listing(&read("/a")).unwrap().len(), 2);
    assert_eq!(catalog.listing(&read("/b")), None);
}

#[test]
fn another_account_voids_all_that_was_known() {
    let mut catalog = Catalog::default();
    let one = catalog.fold(
        names(&[("/x", Some(entry(7, 100)))]),
        Some(&origin("111111111111")),
        at(0),
    );
    assert!(one.origin && !one.voided);
    let two = catalog.fold(
        names(&[("/y", Some(entry(1, 1)))]),
        Some(&origin("222222222222")),
        at(60),
    );
    assert!(two.origin && two.voided);
    assert_eq!(catalog.fact(&latest("/x")), Fact::Unknown);
    assert_eq!(catalog.origin().unwrap().account, "222222222222");
}

#[test]
fn a_label_may_move_back_but_a_pinned_version_is_never_lower() {
    let mut catalog = Catalog::default();
    catalog.seed(&name("/x"), stamp(9, 90));
    let pinned = ParameterRef::version(name("/x"), 7);
    let changes = catalog.fold(Sweep::Names([(pinned, Some(entry(7, 70)))].into()), None, at(0));
    assert!(changes.suspects.is_empty());
}

#[test]
fn what_nobody_wants_is_forgotten() {
    let mut catalog = Catalog::default();
    catalog.fold(listing("/a", &[("/a/x", entry(1, 1))]), None, at(0));
    catalog.retain(|_| false, |_| false);
    assert_eq!(catalog.fact(&latest("/a/x")), Fact::Unknown);
    assert!(!catalog.is_swept(&PathKey::from(&read("/a"))));
}

#[test]
fn names_that_only_begin_alike_are_not_below() {
    let mut catalog = Catalog::default();
    catalog.fold(
        names(&[
            ("/a-b/x", Some(entry(1, 1))),
            ("/ab", Some(entry(1, 1))),
            ("/a/x", Some(entry(1, 1))),
            ("/b", Some(entry(1, 1))),
        ]),
        None,
        at(0),
    );
    assert_eq!(catalog.count(&PathKey::from(&read("/a"))), 1);
    assert_eq!(catalog.count(&PathKey::from(&read("/"))), 2);
}
