//! paramsync on real parts: etcd, kube-apiserver, kube-controller-manager, kubectl, Helm, and a Parameter Store server
//! behind a gate that counts. One control plane and one operator for all; each case has a namespace, a store and a
//! gate of its own.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a test may panic, and real parts take real time"
)]
// A test ends where what it needs is not there, and it runs in real time.

mod allowed;
mod causes;
mod costs;
mod drift;
mod field_managers;
mod freezes;
mod identity;
mod kept;
mod lag;
mod ownership;
mod policies;
mod reading;
mod reading_faults;
mod records;
mod sharing;
mod specs;
mod status;
mod support;
mod tenancy;
mod transforming;
mod upgrade;
mod writes;

use support::suite;

#[tokio::test]
async fn a_first_sync_writes_every_parameter_below_the_path() {
    let case = suite().await.case("first").await;
    case.put_many("/web", 12).await;
    case.gate().reset_counts();
    case.sync("web", "sources: [{path: /web}]").await;
    let ready = case.wait_ready("web").await;
    assert_eq!(ready.message, "12 keys from 12 parameters");
    let secret = case.secret("web").await.expect("the Secret");
    assert_eq!(secret.len(), 12);
    assert_eq!(secret["V03"], b"value-3");
}
