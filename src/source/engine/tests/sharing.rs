//! What objects of one store share, and what of it is none of another's business.

use std::time::Duration;

use super::MINUTE;
use super::world::{Stage, identity, latest, object, path, read_names, read_path, wanted};
use crate::names::{ObjectKey, Origin, PathRead};
use crate::record::SourceError;
use crate::resolve::StoreIdentity;
use crate::source::types::{ParameterStores, Wanted};

const ANOTHERS: &str = "arn:aws:ssm:eu-west-1:999999999999:parameter/shared/x";

fn deep(text: &str) -> PathRead {
    PathRead {
        recursive: true,
        ..path(text)
    }
}

#[tokio::test(start_paused = true)]
async fn a_wider_path_that_is_denied_is_never_told_to_those_whose_names_it_shows() {
    let stage = Stage::new();
    stage.world().put_many("/web/api/", 2);
    let name = [latest("/web/api/1")];
    stage.subscribe(&object("wide"), wanted(&[deep("/web")], &[]));
    stage.subscribe(&object("narrow"), wanted(&[], &name));
    stage.subscribe(&object("path"), wanted(&[path("/web/api")], &[]));
    tokio::time::sleep(2 * MINUTE).await;
    assert_eq!(
        stage.triggers(),
        ["narrow", "path", "wide"],
        "one listing shows all"
    );
    assert!(stage.world().calls.iter().all(|call| call == "Page /web"));

    stage.world().denied.insert("/web".into());
    let narrow_fault = || {
        let (narrow, path) = (object("narrow"), object("path"));
        let faults = [narrow, path].map(|object| stage.stores.upstream(&object).fault);
        faults.into_iter().flatten().next()
    };
    for _ in 0..240 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(narrow_fault(), None);
    }
    assert_eq!(stage.triggers(), ["wide"]);
    assert!(stage.stores.upstream(&object("wide")).fault.is_some());
    stage.world().put("/web/api/1");
    tokio::time::sleep(MINUTE + Duration::from_secs(1)).await;
    assert_eq!(
        stage.triggers(),
        ["narrow", "path", "wide"],
        "they are swept by themselves, and what they see is known to all who want it"
    );
    stage.world().denied.clear();
    tokio::time::sleep(15 * MINUTE).await;
    assert_eq!(stage.triggers(), ["wide"]);
    assert_eq!(stage.stores.upstream(&object("wide")).fault, None);
}

#[tokio::test(start_paused = true)]
async fn an_object_that_names_all_by_arn_has_no_origin_of_the_store_whatever_others_read() {
    let stage = Stage::new();
    stage.world().put_many("/web/", 2);
    stage.world().put(ANOTHERS);
    let arn = [latest(ANOTHERS)];
    stage.subscribe(&object("a"), wanted(&[path("/web")], &[]));
    stage.fetch(read_path("/web")).await.unwrap();
    let mut want: Wanted = wanted(&[], &arn);
    stage.subscribe(&object("arn"), want.clone());
    let fetched = stage.fetch_as("arn", read_names(&arn)).await.unwrap();
    assert_eq!(fetched.origin, None);
    want.applied = stage.world().stamps(&arn);
    want.applied_origin = Some(Origin {
        account: String::new(),
        region: "eu-west-1".into(),
    });
    for forced in ["1", "2", "3"] {
        want.forced = Some(forced.into());
        stage.subscribe(&object("arn"), want.clone());
        tokio::time::sleep(Duration::from_secs(10)).await;
        assert_eq!(stage.triggers(), ["arn"]);
        let upstream = stage.stores.upstream(&object("arn"));
        assert_eq!(
            (upstream.origin, upstream.forced.as_deref()),
            (None, Some(forced))
        );
    }
    let own = stage.stores.upstream(&object("a")).origin.unwrap();
    assert_eq!(
        own.account, "111122223333",
        "another account's ARN says nothing of the store"
    );
}

#[tokio::test(start_paused = true)]
async fn after_a_restart_an_object_that_names_all_by_arn_is_as_it_was() {
    let stage = Stage::new();
    stage.world().put_many("/web/", 2);
    stage.world().put(ANOTHERS);
    let arn = [latest(ANOTHERS)];
    let mut want: Wanted = wanted(&[], &arn);
    want.applied = stage.world().stamps(&arn);
    want.applied_origin = Some(Origin {
        account: String::new(),
        region: "eu-west-1".into(),
    });
    stage.subscribe(&object("arn"), want);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(stage.world().calls.len(), 0, "no account is asked for its sake");
    stage.subscribe(&object("a"), wanted(&[path("/web")], &[]));
    tokio::time::sleep(3 * MINUTE).await;
    assert_eq!(
        stage.triggers(),
        ["a", "arn"],
        "what is there was seen for the first time"
    );
    let upstream = stage.stores.upstream(&object("arn"));
    assert_eq!(upstream.origin, None);
    assert_eq!(upstream.parameters[&arn[0]].unwrap().stamp.version, 1);
    tokio::time::sleep(3 * MINUTE).await;
    assert_eq!(stage.triggers(), Vec::<String>::new());
    assert_eq!(stage.world().decrypted, 0);
}

#[tokio::test(start_paused = true)]
async fn a_refused_identity_is_told_to_all_and_to_the_store_and_probed_by_one_request() {
    let stage = Stage::new();
    for n in 0..20 {
        stage.world().put_many(&format!("/p{n}/"), 1);
        let own = object(&format!("o{n:02}"));
        stage.subscribe(&own, wanted(&[path(&format!("/p{n}"))], &[]));
    }
    tokio::time::sleep(2 * MINUTE).await;
    stage.triggers();
    assert!(stage.standings() > 0, "the account answers");
    stage.world().fail_next(1000, "ExpiredTokenException");
    let calls = stage.world().calls.len();
    tokio::time::sleep(5 * MINUTE).await;
    let probes = stage.world().calls.len() - calls;
    assert!(
        (15..=40).contains(&probes),
        "{probes} in five minutes, of twenty paths"
    );
    assert_eq!(stage.triggers().len(), 20);
    let fault = stage.stores.standing(&identity()).fault;
    assert!(
        matches!(fault, Some(SourceError::Credentials { .. })),
        "{fault:?}"
    );
    stage.standings();
    stage.world().forgive();
    tokio::time::sleep(Duration::from_secs(21)).await;
    assert_eq!(stage.triggers().len(), 20, "its end is seen within 20 s");
    assert_eq!(
        (stage.standings(), stage.stores.standing(&identity()).fault),
        (1, None)
    );
}

fn tenants() -> StoreIdentity {
    StoreIdentity {
        only_of: Some(ObjectKey::new("tenant", "own")),
        ..identity()
    }
}

#[tokio::test(start_paused = true)]
async fn a_tenants_limit_bounds_its_own_store_and_no_other_of_the_account() {
    let stage = Stage::new();
    for n in 0..60 {
        stage.world().put_many(&format!("/p{n}/"), 1);
    }
    let slow = |n: usize| {
        let mut want = wanted(&[path(&format!("/p{n}"))], &[]);
        want.store = tenants();
        want.limits.requests_per_second = 1;
        (object(&format!("slow{n}")), want)
    };
    // Both learn that they read in one account.
    stage.subscribe(&object("a"), wanted(&[path("/p0")], &[]));
    stage.fetch(read_path("/p0")).await.unwrap();
    let (first, want) = slow(0);
    stage.stores.subscribe(&first, want);
    stage
        .stores
        .fetch(&first, &tenants(), &read_path("/p0"))
        .await
        .unwrap();

    let began = stage.clock();
    let all = (0..60).map(|n| stage.fetch(read_path(&format!("/p{n}"))));
    let slow = (0..5).map(|n| {
        let (stores, (own, want)) = (stage.stores.clone(), slow(n));
        let request = read_path(&format!("/p{n}"));
        async move {
            stores.subscribe(&own, want);
            stores.fetch(&own, &tenants(), &request).await
        }
    });
    let ours = async {
        futures::future::join_all(all).await;
        stage.since(began)
    };
    let theirs = async {
        futures::future::join_all(slow).await;
        stage.since(began)
    };
    let (ours, theirs) = tokio::join!(ours, theirs);
    assert!(
        ours < Duration::from_secs(4),
        "{ours:?} for sixty at twenty a second"
    );
    assert!(
        theirs > Duration::from_millis(3500),
        "{theirs:?} for five at one a second"
    );
}
