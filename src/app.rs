//! The wiring: who is made of what, started in which order, and stopped.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context as _;
use futures::FutureExt;
use kube::client::ClientBuilder;
use kube::{Client, Config};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tower::util::MapResponseLayer;

use crate::admin;
use crate::api::ParameterSync;
use crate::apply;
use crate::clock::{Clock as _, SystemClock};
use crate::control::calendars::keep_calendars;
use crate::control::context::Operator;
use crate::control::run;
use crate::control::seal::SealSecret;
use crate::control::stores::keep_stores;
use crate::control::syncs::reconcile;
use crate::metrics::{Metrics, ReconcileResult};
use crate::names::ObjectKey;
use crate::record::SealKey;
use crate::report::sink;
use crate::resolve::EndpointPolicy;
use crate::source::{Aws, CalendarReader, Stores};
use crate::watch::streams::{KNOWN_FIRST, Malformed, STRICT, Watches};
use crate::watch::{Indexes, Pending, Readiness, Triggers};

/// How long one pass may take: a fetch of 30 s, and every request round it.
const PASS_TIMEOUT: Duration = Duration::from_secs(90);
/// How long a pass that failed for a reason of ours waits.
const FAILED_RETRY: Duration = Duration::from_secs(10);
/// How long a key that cannot be read waits.
const SEAL_RETRY: Duration = Duration::from_secs(2);
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
    /// The operator's own namespace.
    pub namespace: String,
}

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

    let shutdown = Shutdown::listen()?;
    let mut stop = shutdown.clone();
    let syncs_pending = readiness.wait_for("parametersyncs");
    for resource in KNOWN_FIRST {
        readiness.wait_for(resource);
    }
    let sealing_pending = readiness.wait_for("seal");
    let seal = SealSecret::new(asking.clone(), &settings.namespace);
    let key = tokio::select! {
        key = sealing(&seal, sealing_pending) => key,
        () = stop.asked() => return Ok(()),
    };
    let sealed = tokio::spawn(seal.keep(key.clone(), clock));
    let seal = Arc::new(key);

    let triggers = Triggers::default();
    let watches = Watches {
        seal: seal.clone(),
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
    let started = [
        tokio::spawn(watches.clone().secrets()),
        tokio::spawn(watches.clone().namespaces()),
        tokio::spawn(watches.clone().stores()),
        tokio::spawn(watches.clone().cluster_stores()),
        tokio::spawn(watches.clone().calendars()),
        tokio::spawn(watches.clone().cluster_calendars()),
    ];
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
    let stores = Stores::new(aws, Arc::new(clock), metrics.clone(), move |object| {
        wake.push(object);
    });
    let context = Arc::new(Operator {
        stores,
        calendars,
        secrets: apply::ApiServer::new(asking.clone(), clock, seal),
        status: sink::ApiServer::new(asking, std::env::var("HOSTNAME").ok()),
        clock,
        indexes,
        endpoints: settings.endpoints,
        metrics,
        learned: Mutex::default(),
        store_triggers: watches.store_triggers.clone(),
        triggers: triggers.clone(),
        calendar_triggers: watches.calendar_triggers.clone(),
        waiting: Mutex::default(),
        lives: Mutex::default(),
    });
    let stores_told = tokio::spawn(keep_stores(context.clone()));
    let calendars_kept = tokio::spawn(keep_calendars(context.clone()));
    let (refusing, forgetting) = (context.clone(), context.clone());
    let objects = tokio::spawn(watches.clone().parameter_syncs(
        syncs_pending,
        move |malformed| refuse(&refusing, malformed),
        move |key| forgetting.forget(key),
    ));
    let work = run::run(
        triggers.stream(),
        Arc::new(clock),
        usize::from(settings.concurrency),
        {
            let mut stop = stop.clone();
            async move { stop.asked().await }
        },
        move |key| pass(key, context.clone()),
    );
    tokio::select! {
        () = work => {}
        () = async { stop.asked().await; tokio::time::sleep(LAST_PASSES).await } => {
            tracing::info!("passes under way are cut off; nothing is half written");
        }
    }
    objects.abort();
    tracing::info!("paramsync stops");
    admin.abort();
    stores_told.abort();
    calendars_kept.abort();
    sealed.abort();
    started.iter().for_each(tokio::task::JoinHandle::abort);
    Ok(())
}

/// One pass, with a limit on its time, and fenced off so that a panic stops nothing else. Gives after how long the next is
/// wanted.
async fn pass(key: ObjectKey, context: Arc<Operator>) -> Option<Duration> {
    let fenced = AssertUnwindSafe(reconcile(&key, &context)).catch_unwind();
    match tokio::time::timeout(PASS_TIMEOUT, fenced).await {
        Ok(Ok(Ok(after))) => return after,
        Ok(Ok(Err(error))) => tracing::warn!(object = %key, %error, "trying again in {FAILED_RETRY:?}"),
        Ok(Err(_)) => {
            context.metrics.panicked();
            tracing::error!(object = %key, "a pass panicked; this is a bug of paramsync");
        }
        Err(_) => {
            tracing::warn!(object = %key, "a pass took longer than {PASS_TIMEOUT:?}; trying again in {FAILED_RETRY:?}");
        }
    }
    context
        .metrics
        .reconciled(ReconcileResult::Failed, Duration::ZERO);
    Some(FAILED_RETRY)
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

/// The key that seals, as soon as there is one; readiness says what it waits for.
async fn sealing(secret: &SealSecret, pending: Pending) -> SealKey {
    loop {
        match secret.load().await {
            Ok(key) => {
                pending.done();
                return key;
            }
            Err(error) => {
                tracing::warn!(%error, "nothing is written without the key that seals; trying again");
                pending.say(error.to_string());
            }
        }
        tokio::time::sleep(SEAL_RETRY).await;
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
