//! Noticing changes: who is told, when, and what it costs.

use std::time::Duration;

use super::MINUTE;
use super::world::{Stage, identity, latest, named, object, path, read_names, read_path, wanted};
use crate::names::{NameFilter, Origin, PathRead};
use crate::record::SourceError;
use crate::source::types::ParameterStores;

#[tokio::test(start_paused = true)]
async fn quiet_intervals_are_swept_without_decryption_and_trigger_nobody() {
    let stage = Stage::new();
    stage.world().put_many("/web/", 12);
    let names = stage.world().put_many("/shared/", 10);
    stage.subscribe(&object("a"), wanted(&[path("/web")], &[]));
    stage.subscribe(&object("b"), wanted(&[], &names));
    stage.fetch(read_path("/web")).await.unwrap();
    assert_eq!(stage.triggers(), ["b"], "which account answers is news to it");
    stage.fetch_as("b", read_names(&names)).await.unwrap();
    let calls = stage.world().calls.len();
    let decrypted = stage.world().decrypted;
    tokio::time::sleep(3 * MINUTE).await;
    let world = stage.world();
    assert_eq!(
        world.calls.len() - calls,
        9,
        "two pages and one batch, three times: {:?}",
        world.calls
    );
    assert_eq!(world.decrypted, decrypted);
    drop(world);
    assert_eq!(stage.triggers(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_change_is_told_once_to_those_who_want_it_and_to_nobody_else() {
    let stage = Stage::new();
    stage.world().put_many("/web/", 3);
    stage.world().put_many("/api/", 3);
    for (name, at) in [("web", "/web"), ("web2", "/web"), ("api", "/api")] {
        stage.subscribe(&object(name), wanted(&[path(at)], &[]));
        stage.fetch(read_path(at)).await.unwrap();
    }
    let filter = NameFilter::new(vec!["1".into()], vec![]).unwrap();
    let other = PathRead {
        filter,
        ..path("/web")
    };
    stage.subscribe(&object("only-1"), wanted(&[other], &[]));
    tokio::time::sleep(MINUTE).await;
    stage.triggers();
    stage.world().put("/web/2");
    tokio::time::sleep(MINUTE).await;
    assert_eq!(stage.triggers(), ["web", "web2"]);
    tokio::time::sleep(3 * MINUTE).await;
    assert_eq!(stage.triggers(), Vec::<String>::new());
    let upstream = stage.stores.upstream(&object("web"));
    assert_eq!(
        upstream.listings[&path("/web")][&named("/web/2")].stamp.version,
        2
    );
}

#[tokio::test(start_paused = true)]
async fn a_vanished_name_is_told_when_it_was_missed_twice() {
    let stage = Stage::new();
    stage.world().put_many("/web/", 3);
    stage.subscribe(&object("a"), wanted(&[path("/web")], &[]));
    stage.fetch(read_path("/web")).await.unwrap();
    let gone = stage.world().remove("/web/1");
    stage.stores.refresh(&object("a"));
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(stage.triggers(), Vec::<String>::new());
    assert_eq!(
        stage.stores.upstream(&object("a")).listings[&path("/web")].len(),
        3
    );
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(stage.triggers(), ["a"]);
    assert_eq!(
        stage.stores.upstream(&object("a")).listings[&path("/web")].len(),
        2
    );
    stage.world().parameters.insert("/web/1".into(), gone);
    tokio::time::sleep(MINUTE).await;
    assert_eq!(stage.triggers(), ["a"], "and when it is back");
}

#[tokio::test(start_paused = true)]
async fn a_lagging_read_triggers_nobody() {
    let stage = Stage::new();
    stage.world().put_many("/web/", 3);
    stage.subscribe(&object("a"), wanted(&[path("/web")], &[]));
    stage.fetch(read_path("/web")).await.unwrap();
    let gone = stage.world().remove("/web/1");
    stage.stores.refresh(&object("a"));
    tokio::time::sleep(Duration::from_secs(2)).await;
    stage.world().parameters.insert("/web/1".into(), gone);
    tokio::time::sleep(MINUTE).await;
    assert_eq!(stage.triggers(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn two_failed_sweeps_are_told_and_so_is_their_end() {
    let stage = Stage::new();
    stage.world().put_many("/web/", 3);
    stage.subscribe(&object("a"), wanted(&[path("/web")], &[]));
    stage.fetch(read_path("/web")).await.unwrap();
    stage.world().fail_next(1, "InternalServerError");
    tokio::time::sleep(2 * MINUTE).await;
    assert_eq!(stage.triggers(), Vec::<String>::new(), "one failure says little");
    stage.world().fail_next(2, "InternalServerError");
    stage.stores.refresh(&object("a"));
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(stage.triggers(), ["a"]);
    assert!(stage.stores.upstream(&object("a")).fault.is_some());
    tokio::time::sleep(MINUTE).await;
    assert_eq!(stage.triggers(), ["a"]);
    assert!(stage.stores.upstream(&object("a")).fault.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_restart_with_nothing_changed_decrypts_nothing_and_shows_it_once() {
    let stage = Stage::new();
    let names = stage.world().put_many("/web/", 3);
    let mut want = wanted(&[path("/web")], &[]);
    want.applied = stage.world().stamps(&names);
    want.applied_origin = Some(stage.world().origin.clone());
    stage.subscribe(&object("a"), want.clone());
    tokio::time::sleep(MINUTE).await;
    assert_eq!(stage.triggers(), ["a"], "its report was made of nothing");
    tokio::time::sleep(3 * MINUTE).await;
    assert_eq!(stage.triggers(), Vec::<String>::new());
    assert_eq!(stage.world().decrypted, 0);
    assert_eq!(
        stage.stores.upstream(&object("a")).listings[&path("/web")].len(),
        3
    );

    for changed in ["new version", "gone", "new name"] {
        let stage = Stage::new();
        let names = stage.world().put_many("/web/", 3);
        let mut want = want.clone();
        want.applied = stage.world().stamps(&names);
        match changed {
            "new version" => stage.world().put("/web/1"),
            "gone" => drop(stage.world().remove("/web/1")),
            _ => stage.world().put("/web/new"),
        }
        stage.subscribe(&object("a"), want.clone());
        tokio::time::sleep(MINUTE + Duration::from_secs(10)).await;
        assert_eq!(stage.triggers(), ["a"], "{changed} while we were away");
        let now: Vec<_> = stage.stores.upstream(&object("a")).listings[&path("/web")]
            .iter()
            .map(|(name, entry)| (name.clone(), entry.stamp))
            .collect();
        assert_ne!(now, Vec::from_iter(want.applied.clone()), "{changed}");
    }
}

#[tokio::test(start_paused = true)]
async fn another_account_behind_the_store_is_told_at_once() {
    let stage = Stage::new();
    let names = stage.world().put_many("/web/", 3);
    let mut want = wanted(&[path("/web")], &[]);
    want.interval = 1000 * MINUTE;
    want.applied = stage.world().stamps(&names);
    want.applied_origin = Some(Origin {
        account: "999999999999".into(),
        region: "eu-west-1".into(),
    });
    stage.subscribe(&object("a"), want);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(stage.triggers(), ["a"]);
    assert_eq!(stage.world().calls.len(), 1);

    stage.world().origin.account = "888888888888".into();
    stage.stores.refresh(&object("a"));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(stage.triggers(), ["a"], "and when it changes under way");
    assert_eq!(
        stage.stores.upstream(&object("a")).origin.unwrap().account,
        "888888888888"
    );
}

#[tokio::test(start_paused = true)]
async fn names_below_a_swept_path_cost_nothing_and_are_known() {
    let stage = Stage::new();
    stage.world().put_many("/web/", 3);
    stage.subscribe(&object("a"), wanted(&[path("/web")], &[]));
    stage.subscribe(
        &object("b"),
        wanted(&[], &[latest("/web/1"), latest("/web/none")]),
    );
    tokio::time::sleep(2 * MINUTE).await;
    assert!(
        stage.world().calls.iter().all(|call| call.starts_with("Page")),
        "{:?}",
        stage.world().calls
    );
    let upstream = stage.stores.upstream(&object("b"));
    assert_eq!(upstream.parameters[&latest("/web/1")].unwrap().stamp.version, 1);
    assert_eq!(upstream.parameters[&latest("/web/none")], None);
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_nobody_needs_ends() {
    let stage = Stage::new();
    stage.world().put_many("/web/", 3);
    stage.subscribe(&object("a"), wanted(&[path("/web")], &[]));
    tokio::time::sleep(10 * MINUTE).await;
    assert_eq!(stage.stores.engines(), 1);
    stage.stores.unsubscribe(&object("a"));
    tokio::time::sleep(2 * MINUTE).await;
    assert_eq!(stage.stores.engines(), 0);
    let calls = stage.world().calls.len();
    tokio::time::sleep(10 * MINUTE).await;
    assert_eq!(stage.world().calls.len(), calls);
    assert!(stage.fetch(read_path("/web")).await.is_ok(), "and is made again");
}

#[tokio::test(start_paused = true)]
async fn intervals_stretch_and_say_so_when_the_budget_is_short() {
    let stage = Stage::new();
    for n in 0..30 {
        stage.world().put_many(&format!("/p{n}/"), 1);
        let mut want = wanted(&[path(&format!("/p{n}"))], &[]);
        want.interval = Duration::from_secs(10);
        want.limits.requests_per_second = 2;
        stage.subscribe(&object(&format!("o{n}")), want);
    }
    tokio::time::sleep(5 * MINUTE).await;
    let stretched = Some(Duration::from_secs(30));
    assert_eq!(stage.stores.standing(&identity()).interval, stretched);
    assert!(stage.standings() > 0, "the store is told at once");
    assert_eq!(stage.stores.upstream(&object("o0")).effective_interval, None);
    let calls = stage.world().calls.len();
    assert!((250..=305).contains(&calls), "half of two a second: {calls}");

    assert!(stage.triggers().len() <= 30);
    tokio::time::sleep(20 * MINUTE).await;
    assert_eq!(stage.triggers(), Vec::<String>::new());
    tokio::time::sleep(10 * MINUTE).await;
    assert_eq!(stage.triggers().len(), 30, "each tells of it once it has lasted");
    assert_eq!(stage.stores.upstream(&object("o0")).effective_interval, stretched);
    for n in 5..30 {
        stage.stores.unsubscribe(&object(&format!("o{n}")));
    }
    tokio::time::sleep(MINUTE).await;
    assert_eq!(stage.triggers().len(), 5, "and that it has ended, at once");
    assert_eq!(stage.stores.standing(&identity()).interval, None);
}

#[tokio::test(start_paused = true)]
async fn a_name_that_sweeps_may_not_read_is_told_and_the_others_are_swept() {
    let stage = Stage::new();
    let names = stage.world().put_many("/a/", 10);
    stage.subscribe(&object("all"), wanted(&[], &names));
    stage.subscribe(&object("one"), wanted(&[], &names[..1]));
    stage.fetch_as("all", read_names(&names)).await.unwrap();
    assert_eq!(stage.triggers(), ["one"], "others have read it");
    stage.world().denied.insert("/a/3".into());
    tokio::time::sleep(3 * MINUTE).await;
    assert_eq!(stage.triggers(), ["all"]);
    assert!(
        matches!(stage.stores.upstream(&object("all")).fault, Some(SourceError::Denied { name, .. }) if name == "/a/3")
    );
    assert_eq!(stage.stores.upstream(&object("one")).fault, None);
    stage.world().put("/a/0");
    tokio::time::sleep(MINUTE).await;
    assert_eq!(stage.triggers(), ["all", "one"]);
    stage.world().denied.clear();
    tokio::time::sleep(15 * MINUTE).await;
    assert_eq!(stage.triggers(), ["all"], "its end is told, too");
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_stops_leaves_nobody_waiting_and_nobody_unwatched() {
    let stage = Stage::new();
    stage.world().put_many("/web/", 3);
    let engine = stage.engine();
    let running = tokio::spawn(std::sync::Arc::clone(&engine).run(|_| false));
    engine.subscribe(&object("a"), wanted(&[path("/web")], &[]));
    let fetch = tokio::spawn(std::sync::Arc::clone(&engine).fetch(&object("a"), &read_path("/web")));
    tokio::time::sleep(Duration::from_millis(10)).await;
    running.abort();
    let error = fetch.await.unwrap().err().unwrap();
    assert!(
        matches!(&error, SourceError::Unavailable { code } if code == "EngineStopped"),
        "{error}"
    );
    assert_eq!(stage.triggers(), ["a"], "so that it subscribes again");
}

#[tokio::test(start_paused = true)]
async fn one_change_costs_the_sweep_and_the_fetch_of_its_secret() {
    let stage = Stage::new();
    stage.world().put_many("/web/", 25);
    stage.subscribe(&object("a"), wanted(&[path("/web")], &[]));
    stage.fetch(read_path("/web")).await.unwrap();
    stage.world().put("/web/7");
    let calls = stage.world().calls.len();
    while stage.triggers().is_empty() {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    stage.fetch(read_path("/web")).await.unwrap();
    assert_eq!(stage.world().calls.len(), calls + 3 + 3);
    assert_eq!(stage.world().decrypted, 25 + 25);
    assert_eq!(
        stage.triggers(),
        Vec::<String>::new(),
        "the fetch brought nothing new"
    );
}

#[tokio::test(start_paused = true)]
async fn a_forced_sync_is_answered_once_all_was_seen_anew() {
    let stage = Stage::new();
    stage.world().put_many("/web/", 12);
    let names = stage.world().put_many("/shared/", 2);
    let mut want = wanted(&[path("/web")], &names);
    stage.subscribe(&object("a"), want.clone());
    stage.fetch(read_path("/web")).await.unwrap();
    stage.fetch(read_names(&names)).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let calls = stage.world().calls.len();
    stage.world().fail_next(1, "InternalServerError");
    want.forced = Some("token".into());
    stage.subscribe(&object("a"), want.clone());
    assert_eq!(stage.world().renewed, 1, "credentials are read anew, too");
    tokio::time::sleep(Duration::from_secs(1)).await;
    let answered = || stage.stores.upstream(&object("a")).forced;
    assert_eq!(answered(), None, "one of the reads failed");
    stage.subscribe(&object("a"), want.clone());
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(answered().as_deref(), Some("token"));
    assert_eq!(stage.triggers(), ["a"], "although nothing changed");
    assert_eq!(
        stage.world().calls.len() - calls,
        4,
        "two pages, one batch, one try again"
    );
    stage.subscribe(&object("a"), want.clone());
    tokio::time::sleep(3 * MINUTE).await;
    assert_eq!(stage.triggers(), Vec::<String>::new(), "and only once");
    assert_eq!(stage.world().renewed, 1);
}

#[tokio::test(start_paused = true)]
async fn a_forced_sync_during_which_the_object_is_forgotten_is_answered_when_it_is_back() {
    let stage = Stage::new();
    stage.world().put_many("/web/", 3);
    let mut want = wanted(&[path("/web")], &[]);
    want.forced = Some("token".into());
    stage.subscribe(&object("a"), want.clone());
    stage.stores.unsubscribe(&object("a"));
    tokio::time::sleep(Duration::from_secs(1)).await;
    stage.subscribe(&object("a"), want);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(stage.triggers(), ["a"]);
    let forced = stage.stores.upstream(&object("a")).forced;
    assert_eq!(forced.as_deref(), Some("token"));
}
