//! Values for callers: what they cost, and what becomes of faults.

use std::time::Duration;

use super::MINUTE;
use super::world::{self, Stage, latest, named, object, path, read_names, read_path, wanted};
use crate::decide::Purpose;
use crate::names::{NameFilter, ParameterRef, PathRead};
use crate::record::SourceError;
use crate::resolve::Readable;
use crate::source::types::ParameterStores;

#[tokio::test(start_paused = true)]
async fn a_first_sync_costs_a_call_for_ten_and_a_decryption_each_and_no_sweep_follows_at_once() {
    let stage = Stage::new();
    stage.world().put_many("/web/", 25);
    stage.subscribe(&object("a"), wanted(&[path("/web")], &[]));
    let fetched = stage.fetch(read_path("/web")).await.unwrap();
    assert_eq!(fetched.parameters.len(), 25);
    assert_eq!(fetched.listings[&path("/web")].len(), 25);
    assert_eq!(fetched.origin.unwrap().account, "111122223333");
    assert_eq!(stage.world().calls.len(), 3);
    assert_eq!(stage.world().decrypted, 25);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(stage.world().calls.len(), 3);
    let upstream = stage.stores.upstream(&object("a"));
    assert_eq!(
        upstream.listings[&path("/web")].len(),
        25,
        "a fetch tells the catalog"
    );
    assert_eq!(stage.triggers(), Vec::<String>::new(), "who fetched it knows");
}

#[tokio::test(start_paused = true)]
async fn a_hundred_objects_that_read_the_same_twenty_names_cost_two_calls() {
    let stage = Stage::new();
    let names = stage.world().put_many("/shared/", 20);
    let callers = (0..100).map(|_| stage.fetch(read_names(&names)));
    for fetched in futures::future::join_all(callers).await {
        let fetched = fetched.unwrap();
        assert_eq!(fetched.parameters.len(), 20);
        assert_eq!(
            fetched.parameters[&latest("/shared/7")].value.expose(),
            b"value of /shared/7"
        );
    }
    assert_eq!(stage.world().calls.len(), 2);
    assert_eq!(stage.world().decrypted, 20);
}

#[tokio::test(start_paused = true)]
async fn a_hundred_objects_that_come_one_after_another_share_their_reads() {
    let stage = Stage::new();
    let names = stage.world().put_many("/shared/", 20);
    let callers = (0..100).map(|number| {
        let fetch = stage.fetch(read_names(&names));
        async move {
            tokio::time::sleep(Duration::from_millis(number * 50)).await;
            fetch.await
        }
    });
    for fetched in futures::future::join_all(callers).await {
        assert_eq!(fetched.unwrap().parameters.len(), 20);
    }
    let calls = stage.world().calls.len();
    assert!(calls <= 10, "{calls} calls for callers spread over five seconds");
}

#[tokio::test(start_paused = true)]
async fn callers_of_one_path_share_its_listing() {
    let stage = Stage::new();
    stage.world().put_many("/web/", 9);
    let fetches = (0..10).map(|_| stage.fetch(read_path("/web")));
    for fetched in futures::future::join_all(fetches).await {
        assert_eq!(fetched.unwrap().parameters.len(), 9);
    }
    assert_eq!(stage.world().calls.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn one_forbidden_name_is_found_and_named_and_the_others_proceed() {
    let stage = Stage::new();
    let names = stage.world().put_many("/a/", 12);
    stage.world().denied.insert("/a/3".into());
    let others: Vec<ParameterRef> = names
        .iter()
        .filter(|n| n.name.as_str() != "/a/3")
        .cloned()
        .collect();
    let (bad, good) = tokio::join!(stage.fetch(read_names(&names)), stage.fetch(read_names(&others)));
    match bad.err().unwrap() {
        SourceError::Denied { name, code } => assert_eq!((&*name, &*code), ("/a/3", "AccessDeniedException")),
        other => panic!("{other}"),
    }
    assert_eq!(good.unwrap().parameters.len(), 11);
    let calls = stage.world().calls.len();
    assert!(calls <= 2 + 8, "{calls}");

    assert!(stage.fetch(read_names(&names)).await.is_err());
    assert_eq!(stage.world().calls.len(), calls, "answered from quarantine");
    stage.world().denied.clear();
    tokio::time::sleep(Duration::from_secs(31)).await;
    assert_eq!(
        stage.fetch(read_names(&names)).await.unwrap().parameters.len(),
        12
    );
    assert_eq!(
        stage.world().calls.len(),
        calls + 3,
        "the suspect alone, the eleven in two"
    );
}

#[tokio::test(start_paused = true)]
async fn a_forced_sync_asks_again_at_once_for_what_was_refused() {
    let stage = Stage::new();
    stage.world().put_many("/web/", 3);
    stage.world().undecryptable.insert("/web/1".into());
    stage.subscribe(&object("a"), wanted(&[path("/web")], &[]));
    match stage.fetch(read_path("/web")).await.err().unwrap() {
        SourceError::Undecryptable { name, .. } => assert_eq!(name, "/web/1"),
        other => panic!("{other}"),
    }
    stage.world().undecryptable.clear();
    let calls = stage.world().calls.len();
    assert!(stage.fetch(read_path("/web")).await.is_err());
    assert_eq!(stage.world().calls.len(), calls);
    stage.stores.refresh(&object("a"));
    assert_eq!(stage.fetch(read_path("/web")).await.unwrap().parameters.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_new_version_frees_a_parameter_whose_key_was_lost() {
    let stage = Stage::new();
    stage.world().put_many("/web/", 3);
    stage.world().undecryptable.insert("/web/1".into());
    stage.subscribe(&object("a"), wanted(&[path("/web")], &[]));
    assert!(stage.fetch(read_path("/web")).await.is_err());
    stage.world().undecryptable.clear();
    stage.world().put("/web/1");
    let sweep = stage.stores.clone();
    tokio::time::sleep(MINUTE).await;
    assert_eq!(stage.triggers(), ["a"]);
    assert!(
        sweep.upstream(&object("a")).fault.is_none(),
        "sweeps do not decrypt"
    );
    assert_eq!(stage.fetch(read_path("/web")).await.unwrap().parameters.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_filter_decrypts_only_what_it_wants() {
    let stage = Stage::new();
    stage.world().put_many("/web/", 25);
    let filter = NameFilter::new(vec!["1*".into()], vec!["12".into()]).unwrap();
    let read = PathRead {
        filter,
        ..path("/web")
    };
    let request = world::request(
        Purpose::FirstSync,
        vec![crate::decide::SourceRead::Path(Readable::unchecked(read.clone()))],
    );
    let fetched = stage.fetch(request).await.unwrap();
    assert_eq!(fetched.listings[&read].len(), 10);
    assert_eq!(stage.world().decrypted, 10);
    assert_eq!(stage.world().calls.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn throttling_is_waited_out_and_counted() {
    let stage = Stage::new();
    stage.world().put_many("/web/", 5);
    stage.world().fail_next(3, "ThrottlingException");
    let fetched = stage.fetch(read_path("/web")).await.unwrap();
    assert_eq!(fetched.parameters.len(), 5);
    assert_eq!(stage.world().calls.len(), 4, "every try is a call of ours");
}

#[tokio::test(start_paused = true)]
async fn a_caller_waits_thirty_seconds_at_most_through_throttling() {
    let stage = Stage::new();
    stage.world().put_many("/web/", 5);
    stage.world().fail_next(1000, "ThrottlingException");
    let began = stage.clock();
    let code = "ThrottlingException".into();
    let error = stage.fetch(read_path("/web")).await.err();
    assert_eq!(error, Some(SourceError::Throttled { code }));
    let waited = stage.since(began);
    assert!(
        waited >= Duration::from_secs(30) && waited < Duration::from_secs(31),
        "{waited:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_caller_is_told_of_silence_after_four_tries() {
    for read in [
        read_path("/web"),
        read_names(&[latest("/web/1"), latest("/web/2")]),
    ] {
        let stage = Stage::new();
        stage.world().put_many("/web/", 5);
        stage.world().fail_next(1000, "InternalServerError");
        let began = stage.clock();
        let code = "InternalServerError".into();
        assert_eq!(
            stage.fetch(read).await.err(),
            Some(SourceError::Unavailable { code })
        );
        assert_eq!(stage.world().calls.len(), 4);
        assert!(stage.since(began) < Duration::from_secs(5));
    }
}

#[tokio::test(start_paused = true)]
async fn refused_credentials_are_told_at_once() {
    let stage = Stage::new();
    stage.world().fail_next(1, "ExpiredTokenException");
    let error = stage.fetch(read_path("/web")).await.err().unwrap();
    assert!(matches!(error, SourceError::Credentials { .. }), "{error}");
    assert_eq!(stage.world().calls.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn short_and_empty_pages_are_followed_and_a_circle_ends() {
    let stage = Stage::new();
    stage.world().put_many("/web/", 10);
    stage.world().page_size = 3;
    stage.world().empty_pages = true;
    assert_eq!(stage.fetch(read_path("/web")).await.unwrap().parameters.len(), 10);
    stage.world().circle = true;
    let error = stage.fetch(read_path("/web")).await.err().unwrap();
    assert!(
        matches!(&error, SourceError::Refused { code, .. } if code == "RepeatedNextToken"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn missing_names_are_told_apart_from_found_ones_and_versions_from_each_other() {
    let stage = Stage::new();
    stage.world().put("/x");
    stage.world().put("/x");
    let old = ParameterRef::version(named("/x"), 1);
    let fetched = stage
        .fetch(read_names(&[latest("/x"), old.clone(), latest("/y")]))
        .await
        .unwrap();
    assert_eq!(fetched.parameters[&latest("/x")].stamp.version, 2);
    assert_eq!(fetched.parameters[&old].stamp.version, 1);
    assert_eq!(fetched.missing, [latest("/y")].into());
    assert_eq!(
        stage.world().calls.len(),
        2,
        "never one parameter twice in a batch"
    );
}

#[tokio::test(start_paused = true)]
async fn the_rate_holds_under_load_and_the_urgent_goes_first() {
    let stage = Stage::new();
    for n in 0..200 {
        stage.world().put_many(&format!("/p{n}/"), 1);
    }
    let changes = (0..199).map(|n| {
        let mut request = read_path(&format!("/p{n}"));
        request.purpose = Purpose::Change;
        stage.fetch(request)
    });
    let first = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let began = stage.clock();
        stage.fetch(read_path("/p199")).await.unwrap();
        stage.since(began)
    };
    let began = stage.clock();
    let (all, waited) = tokio::join!(futures::future::join_all(changes), first);
    let took = stage.since(began);
    assert!(all.into_iter().all(|fetched| fetched.is_ok()));
    assert!(
        took > Duration::from_secs(9) && took < Duration::from_secs(11),
        "{took:?}"
    );
    assert!(waited < Duration::from_millis(200), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_is_gone_is_not_asked_for() {
    let stage = Stage::new();
    stage.world().put_many("/web/", 3);
    {
        let fetch = stage.fetch(read_path("/web"));
        tokio::select! { _ = fetch => panic!("too soon"), () = tokio::time::sleep(Duration::from_millis(10)) => {} }
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(stage.world().calls.len(), 0);
}
