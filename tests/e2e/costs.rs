//! What it costs: exact counts.

use super::support::suite;

#[tokio::test]
async fn a_first_sync_of_k_parameters_costs_k_tenths_calls_and_k_decrypts() {
    let case = suite().await.case("costs").await;
    case.put_many("/web", 20).await;
    case.gate().reset_counts();
    case.sync("web", "sources: [{path: /web}]").await;
    case.wait_ready("web").await;
    let counts = case.gate().counts();
    assert_eq!((counts.reads(), counts.decrypted), (2, 20), "{counts:?}");
}
