//! Real parts for the end-to-end tests, the demo and the bench: nothing here is imitated that can run on one
//! machine without containers.
//!
//! - [`Tools`]: the programs, fetched and built by `tests/setup`;
//! - [`Child`] and [`Scratch`]: processes and files that do not outlive this process, however it ends;
//! - [`ControlPlane`]: etcd, kube-apiserver, kube-controller-manager, kubectl, helm;
//! - [`ParameterStore`]: roto-server with a [`gate::Gate`] in front;
//! - [`Operator`]: the paramsync binary, with the rights of its ServiceAccount, through an [`ApiProxy`] and with a clock
//!   of its own if asked;
//! - [`Suite`] and [`Case`]: one control plane and operator for a test binary, a namespace for each test;
//! - [`Account`]: somebody else in that namespace, with rights of its own.

// The parts run in real time.
#![allow(clippy::disallowed_methods)]
// What panics says so once, in the words on `Case`.
#![allow(clippy::missing_panics_doc)]

mod api_proxy;
mod attacker;
mod case;
mod control_plane;
mod http;
mod install;
mod operator;
mod parameter_store;
mod ports;
mod process;
mod scratch;
mod suite;
mod tools;

pub use gate::{Counts, DefaultState, Gate, Quota};

pub use crate::api_proxy::{Act, ApiProxy, Asked, Rule, Which};
pub use crate::attacker::{Account, Rights};
pub use crate::case::{Case, Condition};
pub use crate::control_plane::ControlPlane;
pub use crate::http::{Answer, get};
pub use crate::operator::{Operator, OperatorConfig};
pub use crate::parameter_store::{ACCESS_KEY_ID, ParameterStore, REGION, SECRET_ACCESS_KEY};
pub use crate::ports::free_port;
pub use crate::process::{Child, Signal};
pub use crate::scratch::Scratch;
pub use crate::suite::{Suite, SuiteConfig};
pub use crate::tools::{Tools, repository};
