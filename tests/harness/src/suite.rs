//! One control plane and one operator for all tests of a binary.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{OnceCell, RwLock};

use crate::case::Case;
use crate::control_plane::ControlPlane;
use crate::install;
use crate::operator::{Operator, OperatorConfig};
use crate::parameter_store::{ACCESS_KEY_ID, ParameterStore, SECRET_ACCESS_KEY};
use crate::tools::Tools;

/// How a suite is started.
#[derive(Debug, Clone, Default)]
pub struct SuiteConfig {
    /// The operator: `env!("CARGO_BIN_EXE_paramsync")` and its arguments.
    pub operator: OperatorConfig,
    /// Values for the chart, each as `helm --set` takes it.
    pub chart_values: Vec<String>,
}

/// The parts that tests share; see [`Suite::case`].
#[derive(Debug)]
pub struct Suite {
    operator: Operator,
    tenant_store: ParameterStore,
    plane: ControlPlane,
    cases: AtomicUsize,
    turns: RwLock<()>,
}

impl Suite {
    /// The suite of this test binary: the first test that asks starts it, all others wait for that. Panics if
    /// it does not start, in each test with the same message.
    pub async fn shared(config: impl FnOnce() -> SuiteConfig) -> &'static Self {
        // Its processes end with this one, as it is never dropped.
        static SUITE: OnceCell<Result<Suite, String>> = OnceCell::const_new();
        let start = async || Self::start(config()).await.map_err(|error| format!("{error:#}"));
        match SUITE.get_or_init(start).await {
            Ok(suite) => suite,
            Err(error) => panic!("the suite does not start: {error}"),
        }
    }

    /// Starts a control plane, installs the chart with Helm, starts the operator and waits until it is ready.
    /// `--allow-endpoint` with [`Suite::tenant_store`] is added to the operator's arguments; that store is its STS too.
    pub async fn start(config: SuiteConfig) -> anyhow::Result<Self> {
        let tools = Tools::locate()?;
        let plane = ControlPlane::start(&tools).await?;
        let tenant_store = ParameterStore::start(&tools).await?;
        install::install(&plane, &config.chart_values).await?;
        let operator = with_identity(config.operator, &tenant_store);
        let operator = Operator::start(&plane, operator).await?;
        operator.wait_ready().await?;
        Ok(Self {
            operator,
            tenant_store,
            plane,
            cases: AtomicUsize::new(0),
            turns: RwLock::new(()),
        })
    }

    /// A namespace with a Parameter Store of its own, at the same time as other cases. A test takes one case:
    /// a second one could wait for ever on a test that waits to be alone.
    pub async fn case(&self, name: &str) -> Case<'_> {
        let turn = self.turns.read().await;
        Case::open(self, &self.name(name), Some(turn), None).await
    }

    /// As [`Suite::case`], but while no other case is open: for tests that stop the API server or the operator.
    pub async fn case_alone(&self, name: &str) -> Case<'_> {
        let turn = self.turns.write().await;
        Case::open(self, &self.name(name), None, Some(turn)).await
    }

    fn name(&self, name: &str) -> String {
        format!("{name}-{}", self.cases.fetch_add(1, Ordering::Relaxed))
    }

    /// Starts another operator, with the identity of the suite's own. Where its namespace is another, it is made, and its
    /// ServiceAccount gets the chart's rights. Both work on all objects: only one should run, or lead, at a time.
    pub async fn another_operator(&self, config: OperatorConfig) -> anyhow::Result<Operator> {
        if config.namespace.is_some() {
            install::give_rights(&self.plane, config.namespace()).await?;
        }
        Operator::start(&self.plane, with_identity(config, &self.tenant_store)).await
    }

    /// The control plane.
    pub fn plane(&self) -> &ControlPlane {
        &self.plane
    }

    /// The operator.
    pub fn operator(&self) -> &Operator {
        &self.operator
    }

    /// The one Parameter Store whose address the operator allows in namespaced stores. Shared by all cases:
    /// use a path of your own.
    pub fn tenant_store(&self) -> &ParameterStore {
        &self.tenant_store
    }
}

/// With its own identity at AWS, where it may assume roles, and the one endpoint that namespaced stores may name.
fn with_identity(mut operator: OperatorConfig, store: &ParameterStore) -> OperatorConfig {
    operator.args.extend(["--allow-endpoint".to_owned(), store.url()]);
    let own = [
        ("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY.to_owned()),
        ("AWS_ENDPOINT_URL_STS", store.url()),
    ];
    operator
        .env
        .extend(own.map(|(name, value)| (name.to_owned(), value)));
    operator
}
