//! What breaks round the operator, and what becomes of it then: the API server, the operator itself, its rights, its
//! CRDs, Parameter Store. Apart from `tests/e2e`, because these tests break what others share; they run one after the
//! other.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a test may panic, and real parts take real time"
)]

mod api_server;
mod asked;
mod attacks;
mod canary;
mod clocks;
mod crashes;
mod crds;
mod doubts;
mod frozen;
mod half_dead;
mod lease;
mod malformed;
mod moments;
mod parameter_store;
mod races;
mod removal;
mod restores;
mod seal;
mod support;
mod tenant;
mod unanswered;
