//! The wiring: who is made of what, started in which order, and stopped.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context as _;
use futures::FutureExt;
use kube::client::ClientBuilder;
use kube::{Client, Config};
use tokio::signal::unix::{SignalKind, signal};

use crate::admin;
use crate::api::ParameterSync;
use crate::apply;
use crate::clock::{Clock as _, SystemClock};
use crate::control::calendars::keep_calendars;
use crate::control::context::Operator;
use crate::control::run::run as run_passes;
use crate::control::seal::SealSecret;
use crate::control::stores::keep_stores;
use crate::control::syncs::reconcile;
use crate::lease::Keeper;
use crate::metrics::{Metrics, ReconcileResult};
use crate::names::ObjectKey;
use crate::record::SealKey;
use crate::report::sink;
use crate::resolve::{Allowance, EndpointPolicy, store_identity};
use crate::source::{Aws, CalendarReader, Stores};
use crate::watch::streams::{KNOWN_FIRST, Malformed, Watches};
use crate::watch::{
    Contact, Indexes, Pending, Readiness, STRICT, ServerClock, StoreKey, StoreSpec, Triggers, witness,
};
use crate::write::{Fence, NotHolder, Tenure};

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
/// How long the last writes may then take to be answered: as long as a write waits.
const LAST_ANSWERS: Duration = Duration::from_secs(12);

/// What the command line decides.
pub struct Settings {
    /// Where health and metrics are served.
    pub admin_address: SocketAddr,
    /// How many passes run at once.
    pub concurrency: u16,
    /// How often a fault is tried again whose end no watch tells.
    pub recheck: Duration,
    /// Where stores of tenants may send the operator.
    pub endpoints: EndpointPolicy,
    /// Where the Lease and the key that seals are; where the kubeconfig or the Pod says, if absent.
    pub namespace: Option<String>,
    /// How people know this process: the Pod's name.
    pub pod: String,
    /// What the Secrets of ParameterStores may be and say, beyond what anybody's may.
    pub listed: Allowance,
}

/// Runs the operator until SIGTERM or SIGINT. Who loses the Lease starts anew: nothing that was known, planned or under
/// way is taken along.
pub async fn run(settings: Settings) -> anyhow::Result<()> {
    let listener = listen(settings.admin_address).with_context(|| {
        format!(
            "--admin-address: {} cannot be listened on",
            settings.admin_address
        )
    })?;
    let config = Config::infer()
        .await
        .context("no cluster: neither a kubeconfig nor a Pod's ServiceAccount is there")?;
    let clock = SystemClock::new();
    let shutdown = Shutdown::listen()?;
    let namespace = settings.namespace.clone();
    let namespace = namespace.unwrap_or_else(|| config.default_namespace.clone());
    let mut lease = Keeper::new(
        lease_client(&config)?,
        Arc::new(clock),
        namespace.clone(),
        settings.pod.clone(),
    );
    let seal = SealSecret::new(lease_client(&config)?, &namespace);
    tracing::info!(version = env!("CARGO_PKG_VERSION"), address = %settings.admin_address, "paramsync starts");
    let settings = Arc::new(settings);
    loop {
        let listener = listener.try_clone().context("the admin port")?;
        let work = |tenure| {
            work(
                settings.clone(),
                listener,
                config.clone(),
                seal.clone(),
                clock,
                tenure,
                shutdown.clone(),
            )
        };
        match hold(&mut lease, clock, work).await? {
            Ended::Asked => {
                tracing::info!("paramsync stops");
                return Ok(());
            }
            Ended::Lost => tracing::info!("starting anew"),
        }
    }
}

/// How the work of one tenure ended.
enum Ended {
    /// By itself.
    Asked,
    /// It was cut off.
    Lost,
}

/// Keeps the Lease while work is done, in a runtime of its own, which ends with all that was started in it.
async fn hold<W>(
    lease: &mut Keeper,
    clock: SystemClock,
    work: impl FnOnce(Tenure) -> W,
) -> anyhow::Result<Ended>
where
    W: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let tenure = Tenure::default();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the async runtime cannot be started")?;
    let mut work = runtime.spawn(work(tenure.clone()));
    let result = {
        let mut lost = pin!(lease.keep(&tenure));
        let result = tokio::select! {
            result = &mut work => Some(result),
            () = &mut lost => None,
        };
        if result.is_some() {
            tenure.close();
            // The Lease is kept for those that are under way still.
            tokio::select! {
                () = tenure.drained() => {}
                () = lost => {}
                () = tokio::time::sleep(LAST_ANSWERS) => {}
            }
        }
        result
    };
    let Some(result) = result else {
        // Before what it waits for, whose end it would take for a fault.
        work.abort();
        let _ = work.await;
        runtime.shutdown_background();
        return Ok(Ended::Lost);
    };
    runtime.shutdown_background();
    if tenure.is_settled(clock.monotonic()) {
        lease.release().await;
    }
    result.context("the operator panicked")??;
    Ok(Ended::Asked)
}

/// All that is done for as long as the Lease is held, from before that, until the operator is asked to stop.
async fn work(
    settings: Arc<Settings>,
    listener: TcpListener,
    config: Config,
    seal: SealSecret,
    own_clock: SystemClock,
    tenure: Tenure,
    shutdown: Shutdown,
) -> anyhow::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener).context("the admin port")?;
    let indexes = Arc::new(Indexes::default());
    let clock = ServerClock::new(own_clock, indexes.contact().clone());
    let strict = strict_clients(&config, indexes.contact(), own_clock)?;
    let fence = Fence::new(tenure.clone(), Arc::new(own_clock));
    let (watching, asking) = clients(config, indexes.contact(), own_clock, &fence)?;
    let readiness = Readiness::default();
    let metrics = Arc::new(Metrics::default());
    tokio::spawn(admin::serve(listener, readiness.clone(), metrics.clone()));

    let syncs_pending = readiness.wait_for("parametersyncs");
    for resource in KNOWN_FIRST {
        readiness.wait_for(resource);
    }
    let mut stop = shutdown.clone();
    let key = tokio::select! {
        key = sealing(&seal, readiness.wait_for("seal")) => key,
        () = stop.asked() => return Ok(()),
    };
    tokio::spawn(seal.keep(key.clone(), own_clock));
    let key = Arc::new(key);

    let triggers = Triggers::default();
    let watches = Watches {
        seal: key.clone(),
        client: watching.clone(),
        strict,
        clock: clock.clone(),
        indexes: indexes.clone(),
        triggers: triggers.clone(),
        store_triggers: Triggers::default(),
        calendar_triggers: Triggers::default(),
        readiness,
        metrics: metrics.clone(),
    };
    tokio::spawn(watches.clone().secrets());
    tokio::spawn(watches.clone().namespaces());
    tokio::spawn(watches.clone().stores());
    tokio::spawn(watches.clone().cluster_stores());
    tokio::spawn(watches.clone().calendars());
    tokio::spawn(watches.clone().cluster_calendars());
    tokio::spawn(watches.clone().contact(asking.clone()));
    tokio::select! {
        () = watches.wait_for_crd::<ParameterSync>("parametersyncs", &syncs_pending) => {}
        () = stop.asked() => return Ok(()),
    }
    tokio::select! {
        () = listed(&watches.readiness, &KNOWN_FIRST) => {}
        () = stop.asked() => return Ok(()),
    }
    tokio::select! {
        () = may_begin(&tenure, own_clock, &syncs_pending) => {}
        () = stop.asked() => return Ok(()),
    }

    tracing::info!(
        secrets = indexes.secrets().len(),
        "everything is listed; reconciling begins"
    );

    let wake = triggers.clone();
    let aws = Aws::new(Some(asking.clone()), Arc::new(own_clock));
    let told = watches.calendar_triggers.clone();
    let calendars = CalendarReader::new(
        aws.clone(),
        Arc::new(clock.clone()),
        metrics.clone(),
        move |calendar| {
            told.push(calendar);
        },
    );
    let (concerned, endpoints) = (watches.clone(), settings.endpoints.clone());
    let stores = Stores::new(
        aws,
        Arc::new(own_clock),
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
    let context = Arc::new(Operator {
        stores,
        calendars,
        secrets: apply::ApiServer::new(asking.clone(), clock.clone(), key),
        status: sink::ApiServer::new(asking, Some(settings.pod.clone())),
        clock,
        indexes,
        endpoints: settings.endpoints.clone(),
        listed: settings.listed.clone(),
        recheck: settings.recheck,
        metrics,
        store_triggers: watches.store_triggers.clone(),
        triggers: triggers.clone(),
        calendar_triggers: watches.calendar_triggers.clone(),
        waiting: Mutex::default(),
        lives: Mutex::default(),
        quiet: Mutex::default(),
    });
    tokio::spawn(keep_stores(context.clone()));
    tokio::spawn(keep_calendars(context.clone()));
    let (refusing, forgetting) = (context.clone(), context.clone());
    tokio::spawn(watches.clone().parameter_syncs(
        syncs_pending,
        move |malformed| refuse(&refusing, malformed),
        move |key| forgetting.forget(key),
    ));
    tokio::select! {
        () = listed(&watches.readiness, &["parametersyncs"]) => {}
        () = stop.asked() => return Ok(()),
    }
    let work = run_passes(
        triggers.stream(),
        Arc::new(own_clock),
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

/// Waits for the Lease, and until nothing of its last holder can land any more.
async fn may_begin(tenure: &Tenure, clock: SystemClock, pending: &Pending) {
    let from = tenure.begins(|why| pending.say(why)).await;
    let quiet = from.saturating_sub(clock.monotonic());
    if !quiet.is_zero() {
        pending.say(NotHolder::Quiet.to_string());
    }
    tokio::time::sleep(quiet).await;
}

/// Returns once all of these were listed: no pass is made on half the facts.
async fn listed(readiness: &Readiness, resources: &[&'static str]) {
    while readiness.is_waiting_for(resources) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A client for each watch that decides over freezes, which tells when the watch was begun.
fn strict_clients(
    config: &Config,
    contact: &Contact,
    clock: SystemClock,
) -> anyhow::Result<BTreeMap<&'static str, Client>> {
    let mut config = config.clone();
    config.read_timeout = None;
    let client = |resource| {
        let witness = witness(contact, clock, Some(resource));
        let builder = ClientBuilder::try_from(config.clone()).context("no client for the cluster")?;
        Ok((resource, builder.with_layer(&witness).build()))
    };
    STRICT.into_iter().map(client).collect()
}

/// The admin port, for one runtime after the other: between two, whoever asks waits for a moment.
fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// The client of the Lease, with a connection of its own: an API server that is slow to answer others must not cost it.
fn lease_client(config: &Config) -> anyhow::Result<Client> {
    let mut config = config.clone();
    config.default_retry = false;
    let builder = ClientBuilder::try_from(config).context("no client for the cluster")?;
    Ok(builder.build())
}

/// One client for watches, which are silent for long, and one for requests, which must not be, and write only while the
/// fence lets them. Each answer tells the time.
fn clients(
    mut config: Config,
    contact: &Contact,
    clock: SystemClock,
    fence: &Fence,
) -> anyhow::Result<(Client, Client)> {
    let witness = witness(contact, clock, None);
    config.read_timeout = None;
    let watching = ClientBuilder::try_from(config.clone())
        .context("no client for the cluster")?
        .with_layer(&witness)
        .build();
    config.read_timeout = Some(REQUEST_TIMEOUT);
    config.reset_reader_on_write = true;
    // Every retry is ours, and counted.
    config.default_retry = false;
    let asking = ClientBuilder::try_from(config)
        .context("no client for the cluster")?
        .with_layer(fence)
        .with_layer(&witness)
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
