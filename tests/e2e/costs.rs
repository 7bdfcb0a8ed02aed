//! What it costs: exact counts.

use std::time::Duration;

use harness::Case;

use super::support::suite;
use super::writes::Writes;

const TWENTY: usize = 20;
/// Three sweeps at the shortest interval, and some.
const THREE_INTERVALS: Duration = Duration::from_secs(33);

fn as_count(n: usize) -> u64 {
    n as u64
}

/// `sources` that name the first `count` parameters of `put_many`.
fn named(path: &str, count: usize) -> String {
    let items: Vec<String> = (0..count).map(|n| format!("{{name: {path}/V{n:02}}}")).collect();
    // A day: no tick falls into what is counted.
    format!("interval: 24h\nsources: [{}]", items.join(", "))
}

/// Calls that asked for decryption.
fn decrypting(case: &Case<'_>, since: usize) -> usize {
    case.gate().calls()[since..]
        .iter()
        .filter(|call| call.decrypt)
        .count()
}

/// Waits until nothing is read, as far as one can tell: no call for a second.
async fn quiet(case: &Case<'_>) {
    let mut last = case.gate().counts().reads();
    let mut since = std::time::Instant::now();
    case.eventually(Duration::from_secs(30), "no reads for a second", async || {
        let now = case.gate().counts().reads();
        if now != last {
            (last, since) = (now, std::time::Instant::now());
        }
        (since.elapsed() > Duration::from_secs(1)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_first_sync_of_k_parameters_below_a_path_costs_k_tenths_calls_and_k_decrypts() {
    let case = suite().await.case("costs").await;
    for k in [20, 25, 7] {
        let path = format!("/web{k}");
        case.put_many(&path, k).await;
        case.gate().reset_counts();
        let name = format!("web{k}");
        // A day: no tick of the others falls into what is counted.
        case.sync(&name, &format!("interval: 24h\nsources: [{{path: {path}}}]"))
            .await;
        case.wait_ready(&name).await;
        let counts = case.gate().counts();
        assert_eq!(
            (counts.reads(), counts.decrypted),
            (as_count(k.div_ceil(10)), as_count(k)),
            "{k}: {counts:?}"
        );
    }
}

#[tokio::test]
async fn a_first_sync_of_k_named_parameters_costs_k_tenths_calls_and_k_decrypts() {
    let case = suite().await.case("costs-named").await;
    case.put_many("/web", 25).await;
    for k in [20, 25, 7] {
        case.gate().reset_counts();
        let name = format!("web{k}");
        case.sync(&name, &named("/web", k)).await;
        case.wait_ready(&name).await;
        let counts = case.gate().counts();
        assert_eq!(
            (counts.reads(), counts.decrypted),
            (as_count(k.div_ceil(10)), as_count(k)),
            "{k}: {counts:?}"
        );
        assert_eq!(case.secret(&name).await.expect("the Secret").len(), k);
    }
}

#[tokio::test]
async fn a_hundred_that_read_the_same_twenty_names_cost_at_most_ten_calls() {
    let case = suite().await.case("costs-hundred").await;
    case.put_many("/shared", TWENTY).await;
    case.gate().reset_counts();
    let spec = named("/shared", TWENTY);
    let all: Vec<String> = (0..100)
        .map(|n| case.sync_yaml(&format!("s{n:03}"), &spec))
        .collect();
    case.apply(&all.join("---\n")).await;
    case.eventually(Duration::from_secs(90), "all 100 Ready", async || {
        let syncs = case.list_json("ParameterSync").await;
        let ready = |sync: &&serde_json::Value| {
            let conditions = sync["status"]["conditions"].as_array();
            conditions
                .into_iter()
                .flatten()
                .any(|it| it["type"] == "Ready" && it["status"] == "True")
        };
        (syncs.iter().filter(ready).count() == 100).then_some(())
    })
    .await;
    let counts = case.gate().counts();
    println!("100 x 20 names: {counts:?}");
    assert!(counts.reads() <= 10, "{counts:?}");
    for name in ["s000", "s057", "s099"] {
        let secret = case.secret(name).await.expect("the Secret");
        assert_eq!(secret.len(), TWENTY);
        assert_eq!(secret["V13"], b"value-13");
    }
}

#[tokio::test]
async fn nothing_changed_over_three_intervals_costs_no_decrypt_and_no_write() {
    let case = suite().await.case("costs-quiet").await;
    case.put_many("/web", TWENTY).await;
    case.sync("by-path", "interval: 10s\nsources: [{path: /web}]")
        .await;
    case.sync("by-name", &format!("interval: 10s\n{}", named("/web", 7)))
        .await;
    let names = ["by-path", "by-name"];
    for name in names {
        case.wait_ready(name).await;
    }
    quiet(&case).await;
    case.gate().reset_counts();
    let mut before = Vec::new();
    for name in names {
        before.push(case.secret_resource_version(name).await);
        before.push(case.resource_version("ParameterSync", name).await);
    }
    tokio::time::sleep(THREE_INTERVALS).await;
    let mut after = Vec::new();
    for name in names {
        after.push(case.secret_resource_version(name).await);
        after.push(case.resource_version("ParameterSync", name).await);
    }
    assert_eq!(before, after, "no write to Secret or status");
    let counts = case.gate().counts();
    assert_eq!(counts.decrypted, 0, "{counts:?}");
    // Two pages a sweep; the names lie below the path and are not asked for again.
    assert!((6..=8).contains(&counts.reads()), "{counts:?}");
}

#[tokio::test]
async fn one_changed_of_k_costs_k_decrypts_k_tenths_calls_beyond_the_sweep_one_secret_write_and_at_most_two_of_status()
 {
    let case = suite().await.case("costs-one").await;
    for (name, k, by_name) in [("by-path", 25, false), ("by-name", 20, true)] {
        let path = format!("/{name}");
        case.put_many(&path, k).await;
        let sources = if by_name {
            named(&path, k)
        } else {
            format!("sources: [{{path: {path}}}]")
        };
        case.sync(name, &format!("interval: 10s\n{sources}")).await;
        case.wait_ready(name).await;
        quiet(&case).await;
        let secret = Writes::of(&case, "Secret", name).await;
        let status = Writes::of(&case, "ParameterSync", name).await;
        case.gate().reset_counts();
        let since = case.gate().calls().len();
        case.put(&format!("{path}/V03"), "changed").await;
        case.eventually(
            Duration::from_secs(30),
            "the changed value in the Secret",
            async || (case.secret_value(name, "V03").await? == "changed").then_some(()),
        )
        .await;
        // Two further sweeps: neither costs anything.
        tokio::time::sleep(Duration::from_secs(21)).await;
        let counts = case.gate().counts();
        assert_eq!(counts.decrypted, as_count(k), "{counts:?}");
        assert_eq!(decrypting(&case, since), k.div_ceil(10), "{counts:?}");
        assert_eq!(secret.count(), 1, "Secret writes");
        assert!((1..=2).contains(&status.count()), "status: {}", status.count());
        case.kubectl(&["delete", "parametersync", name]).await;
    }
}

#[tokio::test]
async fn a_restart_with_nothing_changed_costs_no_decrypt_and_no_write_and_one_with_a_change_brings_it_in() {
    let case = suite().await.case_alone("costs-restart").await;
    case.put_many("/web", TWENTY).await;
    case.sync("by-path", "interval: 10s\nsources: [{path: /web}]")
        .await;
    case.sync("by-name", &format!("interval: 10s\n{}", named("/web", 12)))
        .await;
    let names = ["by-path", "by-name"];
    let mut writes = Vec::new();
    for name in names {
        case.wait_ready(name).await;
    }
    quiet(&case).await;
    for name in names {
        writes.push(Writes::of(&case, "Secret", name).await);
        writes.push(Writes::of(&case, "ParameterSync", name).await);
    }
    case.operator().stop().expect("a stop");
    case.gate().reset_counts();
    case.operator().restart().expect("a restart");
    case.operator().wait_ready().await.expect("ready");
    // Until each path was swept at least once after the restart.
    case.eventually(Duration::from_secs(30), "a sweep after the restart", async || {
        (case.gate().counts().reads() >= 2).then_some(())
    })
    .await;
    tokio::time::sleep(Duration::from_secs(12)).await;
    let counts = case.gate().counts();
    assert_eq!(counts.decrypted, 0, "{counts:?}");
    let written: Vec<usize> = writes.iter().map(Writes::count).collect();
    assert_eq!(written, [0, 0, 0, 0], "Secret and status writes");

    case.operator().stop().expect("a stop");
    case.put("/web/V05", "while it was away").await;
    case.operator().restart().expect("a restart");
    for name in names {
        case.eventually(
            Duration::from_secs(30),
            "what changed while the operator was away",
            async || (case.secret_value(name, "V05").await? == "while it was away").then_some(()),
        )
        .await;
    }
    // Those that wait together share one fetch.
    let decrypted = case.gate().counts().decrypted;
    assert!((20..=32).contains(&decrypted), "{decrypted}");
}
