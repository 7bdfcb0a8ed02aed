//! Reads that lag behind writes: nothing is made of an answer that goes back, until it was seen twice.

use std::time::Duration;

use super::MINUTE;
use super::world::{Stage, latest, named, object, path, read_names, read_path, request, wanted};
use crate::decide::{Purpose, SourceRead};
use crate::names::{ParameterRef, Selector};
use crate::resolve::Readable;
use crate::source::types::ParameterStores;

const SECOND_LOOK: Duration = Duration::from_secs(6);

fn labelled(name: &str) -> ParameterRef {
    ParameterRef {
        selector: Selector::Label("live".into()),
        ..latest(name)
    }
}

#[tokio::test(start_paused = true)]
async fn a_fetch_that_lags_behind_a_sweep_says_so_whether_by_name_by_label_or_missing_and_the_next_is_right()
{
    for (case, reference) in [
        ("by name", latest("/web/1")),
        ("by label", labelled("/web/1")),
        ("missing", latest("/web/1")),
    ] {
        let stage = Stage::new();
        stage.world().put_many("/web/", 2);
        let label = || ("/web/1".to_owned(), "live".to_owned());
        stage.world().labels.insert(label(), 1);
        let names = [latest("/web/0"), reference.clone()];
        stage.subscribe(&object("a"), wanted(&[], &names));
        assert!(stage.fetch(read_names(&names)).await.unwrap().lagging.is_empty());
        stage.world().put("/web/1");
        stage.world().labels.insert(label(), 2);
        tokio::time::sleep(MINUTE).await;
        assert_eq!(stage.triggers(), ["a"], "{case}: the sweep sees version 2");

        if case == "missing" {
            stage.world().hidden.insert("/web/1".into(), 1);
        } else {
            stage.world().stale.insert("/web/1".into(), 1);
        }
        let first = stage.fetch(read_names(&names)).await.unwrap();
        assert_eq!(first.lagging, [named("/web/1")].into(), "{case}");
        let known = stage.stores.upstream(&object("a")).parameters[&reference];
        assert_eq!(known.unwrap().stamp.version, 2, "{case}: the fact stands");
        tokio::time::sleep(SECOND_LOOK).await;
        let second = stage.fetch(read_names(&names)).await.unwrap();
        assert!(second.lagging.is_empty(), "{case}");
        assert_eq!(second.parameters[&reference].stamp.version, 2, "{case}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_goes_back_and_is_seen_so_twice_is_acted_on() {
    let stage = Stage::new();
    stage.world().put_many("/web/", 2);
    let names = [latest("/web/0"), latest("/web/1")];
    stage.subscribe(&object("a"), wanted(&[], &names));
    stage.fetch(read_names(&names)).await.unwrap();
    stage.world().remove("/web/1");
    let lagging = async || stage.fetch(read_names(&names)).await.unwrap().lagging.len();
    assert_eq!(lagging().await, 1);
    assert_eq!(stage.triggers(), Vec::<String>::new(), "seen once is no news");
    tokio::time::sleep(SECOND_LOOK).await;
    assert_eq!(stage.triggers(), ["a"], "the second look tells");
    assert_eq!(lagging().await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_name_that_a_listing_leaves_out_once_is_lagging_too() {
    let stage = Stage::new();
    stage.world().put_many("/web/", 3);
    stage.subscribe(&object("a"), wanted(&[path("/web")], &[]));
    stage.fetch(read_path("/web")).await.unwrap();
    stage.world().hidden.insert("/web/1".into(), 1);
    tokio::time::sleep(Duration::from_secs(5)).await;
    let fetched = stage.fetch(read_path("/web")).await.unwrap();
    assert_eq!(fetched.lagging, [named("/web/1")].into());
    tokio::time::sleep(SECOND_LOOK).await;
    let fetched = stage.fetch(read_path("/web")).await.unwrap();
    assert_eq!((fetched.lagging.len(), fetched.parameters.len()), (0, 3));
}

/// The applied version of `/x`, which is not the newest.
fn pinned(stage: &Stage) -> ParameterRef {
    stage.world().put("/x");
    let mut want = wanted(&[], &[latest("/x")]);
    want.applied = stage.world().stamps(&[latest("/x")]);
    stage.subscribe(&object("a"), want);
    stage.world().put("/x");
    ParameterRef::version(named("/x"), 1)
}

#[tokio::test(start_paused = true)]
async fn a_repair_whose_version_is_missing_once_is_lagging_and_one_that_is_missing_twice_is_not() {
    let stage = Stage::new();
    let pinned = pinned(&stage);
    let repair = async || {
        let reads = vec![SourceRead::Parameters(vec![Readable::unchecked(pinned.clone())])];
        stage.fetch(request(Purpose::Repair, reads)).await.unwrap()
    };
    stage.world().hidden.insert("/x".into(), 1);
    assert_eq!(repair().await.lagging, [named("/x")].into());
    let there = repair().await;
    assert_eq!(
        (there.lagging.len(), there.parameters.len()),
        (0, 1),
        "it was there"
    );

    stage.world().remove("/x");
    assert_eq!(
        repair().await.lagging.len(),
        1,
        "the sighting before it began anew"
    );
    tokio::time::sleep(SECOND_LOOK).await;
    let gone = repair().await;
    assert_eq!((gone.lagging.len(), gone.missing.len()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_parameter_made_anew_is_no_lag() {
    let stage = Stage::new();
    stage.world().put("/x");
    stage.world().put("/x");
    let names = [latest("/x")];
    stage.subscribe(&object("a"), wanted(&[], &names));
    stage.fetch(read_names(&names)).await.unwrap();
    stage.world().remove("/x");
    stage.world().put("/x");
    let fetched = stage.fetch(read_names(&names)).await.unwrap();
    assert!(fetched.lagging.is_empty());
    assert_eq!(fetched.parameters[&latest("/x")].stamp.version, 1);
}
