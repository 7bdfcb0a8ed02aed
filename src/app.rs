//! The wiring: who is made of what, started in which order, and stopped.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context as _;
use futures::{FutureExt, StreamExt};
use kube::client::ClientBuilder;
use kube::runtime::controller::{self, Action as Requeue, Controller};
use kube::runtime::reflector::{self, ObjectRef};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Client, Config, ResourceExt};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tower::util::MapResponseLayer;

use crate::admin;
use crate::api::ParameterSync;
use crate::apply;
use crate::clock::{Clock as _, SystemClock};
use crate::context::Context;
use crate::freeze::keep_calendars;
use crate::metrics::{Metrics, ReconcileResult};
use crate::names::ObjectKey;
use crate::reconcile::reconcile;
use crate::report::{StatusError, sink};
use crate::resolve::{Allowance, EndpointPolicy, store_identity};
use crate::source::{Aws, CalendarReader, Stores};
use crate::watch::streams::{KNOWN_FIRST, Malformed, STRICT, Watches};
use crate::watch::{Indexes, Readiness, StoreKey, StoreSpec, Triggers};

/// How long one pass may take: a fetch of 30 s, and every request round it.
const PASS_TIMEOUT: Duration = Duration::from_secs(90);
/// How long a pass that failed for a reason of ours waits.
const FAILED_RETRY: Duration = Duration::from_secs(10);
/// How long the API server may take to answer a request that is no watch.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);

/// How long passes under way may take to end when the operator is asked to stop.
const LAST_PASSES: Duration = Duration::from_secs(5);

/// What the command line decides.
pub struct Settings {
    /// Where health and metrics are served.
    pub admin_address: SocketAddr,
    /// How many passes run at once.
    pub concurrency: u16,
    /// Where stores of tenants may send the operator.
    pub endpoints: EndpointPolicy,
    /// What the Secrets of ParameterStores may be and say, beyond what anybody's may.
    pub listed: Allowance,
}

/// What the operator is made of.
pub(crate) type Operator = Context<Stores<Aws>, apply::ApiServer, sink::ApiServer, SystemClock>;

/// Runs the operator until SIGTERM or SIGINT.
pub async fn run(settings: Settings) -> anyhow::Result<()> {
    let listener = TcpListener::bind(settings.admin_address).await.with_context(|| {
        format!(
            "--admin-address: {} cannot be listened on",
            settings.admin_address
        )
    })?;
    let config = Config::infer()
        .await
        .context("no cluster: neither a kubeconfig nor a Pod's ServiceAccount is there")?;
    let indexes = Arc::new(Indexes::default());
    let clock = SystemClock::new();
    let strict = strict_clients(&config, &indexes, clock)?;
    let (watching, asking) = clients(config)?;
    let readiness = Readiness::default();
    let metrics = Arc::new(Metrics::default());
    let admin = tokio::spawn(admin::serve(listener, readiness.clone(), metrics.clone()));
    tracing::info!(version = env!("CARGO_PKG_VERSION"), address = %settings.admin_address, "paramsync starts");

    let triggers = Triggers::default();
    let watches = Watches {
        client: watching.clone(),
        strict,
        clock,
        indexes: indexes.clone(),
        triggers: triggers.clone(),
        store_triggers: Triggers::default(),
        calendar_triggers: Triggers::default(),
        readiness,
        metrics: metrics.clone(),
    };
    let syncs_pending = watches.readiness.wait_for("parametersyncs");
    for resource in KNOWN_FIRST {
        watches.readiness.wait_for(resource);
    }
    let started = [
        tokio::spawn(watches.clone().secrets()),
        tokio::spawn(watches.clone().namespaces()),
        tokio::spawn(watches.clone().stores()),
        tokio::spawn(watches.clone().cluster_stores()),
        tokio::spawn(watches.clone().calendars()),
        tokio::spawn(watches.clone().cluster_calendars()),
    ];
    let shutdown = Shutdown::listen()?;
    let mut stop = shutdown.clone();
    tokio::select! {
        () = watches.wait_for_crd::<ParameterSync>("parametersyncs", &syncs_pending) => {}
        () = stop.asked() => return Ok(()),
    }
    tokio::select! {
        () = everything_listed(&watches.readiness) => {}
        () = stop.asked() => return Ok(()),
    }

    tracing::info!(
        secrets = indexes.secrets().len(),
        "everything is listed; reconciling begins"
    );

    let wake = triggers.clone();
    let aws = Aws::new(Some(asking.clone()), Arc::new(clock));
    let told = watches.calendar_triggers.clone();
    let calendars = CalendarReader::new(aws.clone(), Arc::new(clock), metrics.clone(), move |calendar| {
        told.push(calendar);
    });
    let (concerned, endpoints) = (watches.clone(), settings.endpoints.clone());
    let stores = Stores::new(
        aws,
        Arc::new(clock),
        metrics.clone(),
        move |object| wake.push(object),
        move |identity| {
            let reads_so = |key: &StoreKey, spec: &StoreSpec| {
                store_identity(key, spec, &endpoints).as_ref() == Some(identity)
            };
            let stores = concerned.indexes.stores().those(reads_so);
            concerned.store_triggers.extend(stores);
        },
    );
    let (reader, writer) = reflector::store();
    let context = Arc::new(Operator {
        stores,
        calendars,
        secrets: apply::ApiServer::new(asking.clone()),
        status: sink::ApiServer::new(asking, std::env::var("HOSTNAME").ok()),
        clock,
        indexes,
        objects: reader.clone(),
        endpoints: settings.endpoints,
        listed: settings.listed,
        metrics,
        store_triggers: watches.store_triggers.clone(),
        triggers: triggers.clone(),
        calendar_triggers: watches.calendar_triggers.clone(),
        waiting: Mutex::default(),
        memory: Mutex::default(),
    });
    let stores_told = tokio::spawn(tell_of_stores(context.clone()));
    let calendars_kept = tokio::spawn(keep_calendars(context.clone()));
    let (refusing, forgetting) = (context.clone(), context.clone());
    let objects = watches
        .clone()
        .parameter_syncs(
            syncs_pending,
            move |malformed| refuse(&refusing, malformed),
            move |key| forgetting.forget(key),
        )
        .reflect(writer)
        // The triggers say which objects want a pass; this stream only keeps the store. Its errors are told by the watch
        // itself: the controller would answer them by a pause of everything, the triggers too.
        .filter_map(|_| std::future::ready(None::<Result<ParameterSync, watcher::Error>>));
    let departed = context.clone();
    let work = Controller::for_stream(objects, reader)
        .reconcile_on(
            triggers
                .stream()
                .map(|key| ObjectRef::new(&key.name).within(&key.namespace)),
        )
        .with_config(controller::Config::default().concurrency(settings.concurrency))
        .graceful_shutdown_on({
            let mut stop = stop.clone();
            async move { stop.asked().await }
        })
        .run(pass, failed, context)
        .for_each(move |result| {
            if let Err(error) = result {
                match error {
                    controller::Error::ObjectNotFound(object) => {
                        let key = ObjectKey::new(
                            object.namespace.clone().unwrap_or_default(),
                            object.name.as_str(),
                        );
                        departed.forget(&key);
                        tracing::debug!(%object, "gone before its turn");
                    }
                    error => tracing::debug!(%error, "a pass did not end well"),
                }
            }
            std::future::ready(())
        });
    tokio::select! {
        () = work => {}
        () = async { stop.asked().await; tokio::time::sleep(LAST_PASSES).await } => {
            tracing::info!("passes under way are cut off; nothing is half written");
        }
    }
    tracing::info!("paramsync stops");
    admin.abort();
    stores_told.abort();
    calendars_kept.abort();
    started.iter().for_each(tokio::task::JoinHandle::abort);
    Ok(())
}

/// One pass, with a limit on its time, and fenced off so that a panic stops nothing else.
async fn pass(object: Arc<ParameterSync>, context: Arc<Operator>) -> Result<Requeue, PassError> {
    let key = ObjectKey::new(object.namespace().unwrap_or_default(), object.name_any());
    let fenced = AssertUnwindSafe(reconcile(object, context.clone())).catch_unwind();
    match tokio::time::timeout(PASS_TIMEOUT, fenced).await {
        Ok(Ok(result)) => result.map_err(PassError::from),
        Ok(Err(_)) => {
            context.metrics.panicked();
            tracing::error!(object = %key, "a pass panicked; this is a bug of paramsync");
            Err(PassError::Panicked)
        }
        Err(_) => {
            tracing::warn!(object = %key, "a pass took longer than {PASS_TIMEOUT:?}");
            Err(PassError::TimedOut)
        }
    }
}

/// Why a pass came to no end.
#[derive(Debug, thiserror::Error)]
enum PassError {
    #[error(transparent)]
    Status(#[from] StatusError),
    #[error("the pass panicked")]
    Panicked,
    #[error("the pass took too long")]
    TimedOut,
}

#[expect(clippy::needless_pass_by_value, reason = "the controller's own signature")]
fn failed(object: Arc<ParameterSync>, error: &PassError, context: Arc<Operator>) -> Requeue {
    context
        .metrics
        .reconciled(ReconcileResult::Failed, Duration::ZERO);
    tracing::warn!(object = %object.name_any(), %error, "trying again in {FAILED_RETRY:?}");
    Requeue::requeue(FAILED_RETRY)
}

/// Says of an object that cannot be read what is wrong with it.
fn refuse(context: &Arc<Operator>, malformed: Malformed) {
    let context = context.clone();
    tokio::spawn(async move {
        let object = &malformed.object;
        let now = context.clock.now();
        let fault = context.status.refuse_malformed(object, now).await;
        if malformed.is_news {
            let error = fault.unwrap_or(malformed.error);
            tracing::warn!(%object, error, "a ParameterSync cannot be read; passed over");
        }
    });
}

/// Keeps the status of the stores; one at a time, for there are few.
async fn tell_of_stores(context: Arc<Operator>) {
    let mut stores = context.store_triggers.stream();
    while let Some(key) = stores.next().await {
        let Some(status) = context.store_status(&key) else {
            continue;
        };
        if let Err(error) = context.status.write_store(&key, &status).await {
            tracing::warn!(%error, "trying again in {FAILED_RETRY:?}");
            let again = context.store_triggers.clone();
            tokio::spawn(async move {
                tokio::time::sleep(FAILED_RETRY).await;
                again.push(key);
            });
        }
    }
}

async fn everything_listed(readiness: &Readiness) {
    while readiness.is_waiting_for(&KNOWN_FIRST) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A client for each watch that decides over freezes, which tells when the watch was begun.
fn strict_clients(
    config: &Config,
    indexes: &Arc<Indexes>,
    clock: SystemClock,
) -> anyhow::Result<BTreeMap<&'static str, Client>> {
    let mut config = config.clone();
    config.read_timeout = None;
    let client = |resource| {
        let indexes = indexes.clone();
        let witness = MapResponseLayer::new(move |answer: hyper::Response<_>| {
            indexes.contact().begun(resource, &answer, clock.now());
            answer
        });
        let builder = ClientBuilder::try_from(config.clone()).context("no client for the cluster")?;
        Ok((resource, builder.with_layer(&witness).build()))
    };
    STRICT.into_iter().map(client).collect()
}

/// One client for watches, which are silent for long, and one for requests, which must not be.
fn clients(mut config: Config) -> anyhow::Result<(Client, Client)> {
    config.read_timeout = None;
    let watching = ClientBuilder::try_from(config.clone())
        .context("no client for the cluster")?
        .build();
    config.read_timeout = Some(REQUEST_TIMEOUT);
    config.reset_reader_on_write = true;
    // Every retry is ours, and counted.
    config.default_retry = false;
    let asking = ClientBuilder::try_from(config)
        .context("no client for the cluster")?
        .build();
    Ok((watching, asking))
}

/// SIGTERM or SIGINT, for everybody who wants to know.
#[derive(Clone)]
struct Shutdown {
    asked: tokio::sync::watch::Receiver<bool>,
}

impl Shutdown {
    fn listen() -> anyhow::Result<Self> {
        let mut terminate = signal(SignalKind::terminate()).context("SIGTERM cannot be listened for")?;
        let mut interrupt = signal(SignalKind::interrupt()).context("SIGINT cannot be listened for")?;
        let (tell, asked) = tokio::sync::watch::channel(false);
        tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            let _ = tell.send(true);
            tell.closed().await;
        });
        Ok(Self { asked })
    }

    async fn asked(&mut self) {
        // An error means that the sender is gone, and so is the process's reason to go on.
        let _ = self.asked.wait_for(|asked| *asked).await;
    }
}
