//! A whole Kubernetes control plane on free ports of 127.0.0.1.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::Api;
use kube::config::{AuthInfo, KubeConfigOptions, Kubeconfig};
use tokio::io::AsyncWriteExt as _;

use crate::ports::free_port;
use crate::process::{Child, Signal};
use crate::scratch::Scratch;
use crate::tools::Tools;

const BOOT: Duration = Duration::from_mins(2);
const POLL: Duration = Duration::from_millis(50);
const ADMIN_TOKEN: &str = "admin-token";
const CONTROLLERS_TOKEN: &str = "controllers-token";

/// The controllers that a namespaced operator meets. Those of nodes, volumes and load balancers would only
/// take processor time here.
const CONTROLLERS: &[&str] = &[
    "clusterrole-aggregation-controller",
    "cronjob-controller",
    "deployment-controller",
    "disruption-controller",
    "endpoints-controller",
    "endpointslice-controller",
    "garbage-collector-controller",
    "job-controller",
    "namespace-controller",
    "replicaset-controller",
    "resourcequota-controller",
    "root-ca-certificate-publisher-controller",
    "serviceaccount-controller",
    "serviceaccount-token-controller",
    "statefulset-controller",
    "validatingadmissionpolicy-status-controller",
];

/// etcd, kube-apiserver and kube-controller-manager, with role-based access control on; all end when it is
/// dropped, or when this process ends.
#[derive(Debug)]
pub struct ControlPlane {
    tools: Tools,
    kubeconfig: PathBuf,
    // Dropped in this order: clients before servers, the files last.
    _controllers: Option<Child>,
    apiserver: Mutex<Option<Child>>,
    etcd: Option<Etcd>,
    scratch: Scratch,
}

/// What the API server needs to start again.
#[derive(Debug)]
struct Etcd {
    process: Child,
    port: u16,
    apiserver_port: u16,
}

impl ControlPlane {
    /// Starts everything and waits until it is ready; 5 to 8 s. Fails with the last lines of the log of what
    /// did not start.
    pub async fn start(tools: &Tools) -> anyhow::Result<Self> {
        let scratch = Scratch::new("cluster")?;
        let (port, etcd_port, peer_port) = (free_port()?, free_port()?, free_port()?);
        scratch.write(
            "tokens.csv",
            &format!(
                "{ADMIN_TOKEN},admin,admin,\"system:masters\"\n\
                 {CONTROLLERS_TOKEN},system:kube-controller-manager,controllers\n"
            ),
        )?;
        let kubeconfig = scratch.write("admin.kubeconfig", &kubeconfig_text(&scratch, port, ADMIN_TOKEN))?;
        let for_controllers = scratch.write(
            "controllers.kubeconfig",
            &kubeconfig_text(&scratch, port, CONTROLLERS_TOKEN),
        )?;
        let etcd = start_etcd(tools, &scratch, etcd_port, peer_port)?;
        let mut apiserver = start_apiserver(tools, &scratch, port, etcd_port)?;
        // The API server makes its certificate first; the controllers publish it.
        wait_for_file(&scratch.path().join("certificates/apiserver.crt"), &mut apiserver).await?;
        let controllers = start_controllers(tools, &scratch, &for_controllers)?;
        let plane = Self {
            tools: tools.clone(),
            kubeconfig,
            _controllers: Some(controllers),
            apiserver: Mutex::new(Some(apiserver)),
            etcd: Some(Etcd {
                process: etcd,
                port: etcd_port,
                apiserver_port: port,
            }),
            scratch,
        };
        plane.wait_ready().await?;
        let accounts: Api<ServiceAccount> = Api::default_namespaced(plane.client().await?);
        let start = Instant::now();
        while !matches!(accounts.get_opt("default").await, Ok(Some(_))) {
            if start.elapsed() > BOOT {
                bail!(
                    "no default ServiceAccount: {}",
                    plane.log_tail("kube-controller-manager", 10)
                );
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(plane)
    }

    /// Uses a cluster that is there already, with the rights of this kubeconfig's current context. It is not
    /// stopped at the end.
    pub fn existing(tools: &Tools, kubeconfig: &Path) -> anyhow::Result<Self> {
        let kubeconfig = kubeconfig
            .canonicalize()
            .with_context(|| kubeconfig.display().to_string())?;
        let scratch = Scratch::new("cluster")?;
        Ok(Self {
            tools: tools.clone(),
            kubeconfig,
            _controllers: None,
            apiserver: Mutex::new(None),
            etcd: None,
            scratch,
        })
    }

    /// The administrator's kubeconfig.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// A kubeconfig for the same cluster that holds this bearer token and no other credential.
    pub fn kubeconfig_with_token(&self, token: &str) -> anyhow::Result<String> {
        self.kubeconfig_with(token, None)
    }

    /// The same, at another address of the same API server.
    pub(crate) fn kubeconfig_with(&self, token: &str, server: Option<&str>) -> anyhow::Result<String> {
        let mut kubeconfig = Kubeconfig::read_from(&self.kubeconfig)?;
        if let Some(server) = server {
            for cluster in kubeconfig
                .clusters
                .iter_mut()
                .flat_map(|named| &mut named.cluster)
            {
                cluster.server = Some(server.to_owned());
            }
        }
        for user in &mut kubeconfig.auth_infos {
            user.auth_info = Some(AuthInfo {
                token: Some(token.to_owned().into()),
                ..AuthInfo::default()
            });
        }
        // JSON is YAML.
        Ok(serde_json::to_string(&kubeconfig)?)
    }

    /// The API server's own certificate, with what signed it, and its key; `None` if it is not ours.
    pub(crate) fn certificate(&self) -> Option<(PathBuf, PathBuf)> {
        let folder = self.scratch.path().join("certificates");
        self.etcd
            .as_ref()
            .map(|_| (folder.join("apiserver.crt"), folder.join("apiserver.key")))
    }

    /// The port of 127.0.0.1 on which the API server listens, if it is ours.
    pub(crate) fn apiserver_port(&self) -> anyhow::Result<u16> {
        let etcd = self.etcd.as_ref().context("this API server is not ours")?;
        Ok(etcd.apiserver_port)
    }

    /// The programs.
    pub fn tools(&self) -> &Tools {
        &self.tools
    }

    /// The folder of this run, removed at its end.
    pub fn scratch(&self) -> &Scratch {
        &self.scratch
    }

    /// The last `lines` lines of the log of `etcd`, `kube-apiserver` or `kube-controller-manager`.
    pub fn log_tail(&self, component: &str, lines: usize) -> String {
        crate::process::tail(&self.scratch.path().join(format!("{component}.log")), lines)
    }

    /// A client with the administrator's rights. It belongs to the runtime that makes it: each test makes its
    /// own.
    pub async fn client(&self) -> anyhow::Result<kube::Client> {
        let kubeconfig = Kubeconfig::read_from(&self.kubeconfig)?;
        let config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
        Ok(kube::Client::try_from(config)?)
    }

    /// Kills the API server, if it is ours; etcd and the controllers stay.
    pub fn stop_apiserver(&self) {
        self.apiserver
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
    }

    /// Starts the API server again, on the same port with the same data, and waits until it is ready.
    pub async fn start_apiserver(&self) -> anyhow::Result<()> {
        let etcd = self
            .etcd
            .as_ref()
            .context("this API server is not ours to start")?;
        let apiserver = start_apiserver(&self.tools, &self.scratch, etcd.apiserver_port, etcd.port)?;
        *self.apiserver.lock().unwrap_or_else(PoisonError::into_inner) = Some(apiserver);
        self.wait_ready().await
    }

    /// Halts etcd under the running API server, which goes on serving what it remembers. Fails if it is not ours.
    pub fn pause_etcd(&self) -> anyhow::Result<()> {
        self.signal_etcd(Signal::Stop)
    }

    /// Lets etcd run again.
    pub fn resume_etcd(&self) -> anyhow::Result<()> {
        self.signal_etcd(Signal::Continue)
    }

    fn signal_etcd(&self, signal: Signal) -> anyhow::Result<()> {
        let etcd = self.etcd.as_ref().context("this etcd is not ours")?;
        etcd.process.signal(signal)
    }

    /// Runs kubectl with the administrator's rights; returns what it prints, fails with its message.
    pub async fn kubectl(&self, args: &[&str]) -> anyhow::Result<String> {
        self.kubectl_stdin(args, "").await
    }

    /// As [`ControlPlane::kubectl`], with this standard input.
    pub async fn kubectl_stdin(&self, args: &[&str], input: &str) -> anyhow::Result<String> {
        let mut command = tokio::process::Command::from(self.command(&self.tools.kubectl, args));
        let mut kubectl = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        kubectl = kubectl.kill_on_drop(true);
        let mut kubectl = kubectl.spawn().context("cannot run kubectl")?;
        if let Some(mut stdin) = kubectl.stdin.take() {
            // kubectl may end without reading all: its message says more than a broken pipe.
            let _ = stdin.write_all(input.as_bytes()).await;
        }
        success("kubectl", args, kubectl.wait_with_output().await?)
    }

    /// As [`ControlPlane::kubectl`], where nothing can be awaited.
    pub fn kubectl_blocking(&self, args: &[&str]) -> anyhow::Result<String> {
        let output = self
            .command(&self.tools.kubectl, args)
            .stdin(Stdio::null())
            .output();
        success("kubectl", args, output.context("cannot run kubectl")?)
    }

    /// Runs helm with the administrator's rights and folders of its own, from the root of the repository;
    /// returns what it prints, fails with its message.
    pub async fn helm(&self, args: &[&str]) -> anyhow::Result<String> {
        let mut command = self.command(&self.tools.helm, args);
        command.current_dir(crate::repository());
        let mut command = tokio::process::Command::from(command);
        let output = command.stdin(Stdio::null()).kill_on_drop(true).output().await;
        success("helm", args, output.context("cannot run helm")?)
    }

    fn command(&self, program: &Path, args: &[&str]) -> std::process::Command {
        let mut command = std::process::Command::new(program);
        let home = self.scratch.path().join("home");
        command
            .args(args)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", home).env("KUBECONFIG", &self.kubeconfig);
        command
    }

    async fn wait_ready(&self) -> anyhow::Result<()> {
        let start = Instant::now();
        loop {
            let ready = async {
                let request = hyper::Request::get("/readyz").body(Vec::new())?;
                anyhow::Ok(self.client().await?.request_text(request).await?)
            };
            let Err(error) = ready.await else { return Ok(()) };
            let exited = match self
                .apiserver
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .as_mut()
            {
                Some(apiserver) => apiserver.exit_code()?.is_some(),
                None => true,
            };
            if exited || start.elapsed() > BOOT {
                return Err(error.context(format!(
                    "the API server is not ready: {}",
                    self.log_tail("kube-apiserver", 10)
                )));
            }
            tokio::time::sleep(POLL).await;
        }
    }
}

fn start_etcd(tools: &Tools, scratch: &Scratch, port: u16, peer_port: u16) -> anyhow::Result<Child> {
    let (client, peer) = (
        format!("http://127.0.0.1:{port}"),
        format!("http://127.0.0.1:{peer_port}"),
    );
    let args = [
        "etcd".to_owned(),
        format!("--data-dir={}", scratch.path().join("etcd").display()),
        // Nothing here outlives the machine.
        "--unsafe-no-fsync".to_owned(),
        format!("--listen-client-urls={client}"),
        format!("--advertise-client-urls={client}"),
        format!("--listen-peer-urls={peer}"),
        format!("--initial-advertise-peer-urls={peer}"),
        format!("--initial-cluster=default={peer}"),
        "--log-level=warn".to_owned(),
    ];
    Child::start(&tools.cluster, &args, &[], &scratch.path().join("etcd.log"))
}

fn start_apiserver(tools: &Tools, scratch: &Scratch, port: u16, etcd_port: u16) -> anyhow::Result<Child> {
    let certificates = scratch.path().join("certificates");
    // The key of the certificate that it makes for itself signs the ServiceAccounts' tokens too.
    let key = certificates.join("apiserver.key");
    let args = [
        "kube-apiserver".to_owned(),
        format!("--etcd-servers=http://127.0.0.1:{etcd_port}"),
        "--bind-address=127.0.0.1".to_owned(),
        "--advertise-address=127.0.0.1".to_owned(),
        format!("--secure-port={port}"),
        format!("--cert-dir={}", certificates.display()),
        format!(
            "--token-auth-file={}",
            scratch.path().join("tokens.csv").display()
        ),
        "--authorization-mode=RBAC".to_owned(),
        "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
        format!("--service-account-signing-key-file={}", key.display()),
        format!("--service-account-key-file={}", key.display()),
        "--service-cluster-ip-range=10.0.0.0/24".to_owned(),
        "--endpoint-reconciler-type=none".to_owned(),
    ];
    Child::start(
        &tools.cluster,
        &args,
        &[],
        &scratch.path().join("kube-apiserver.log"),
    )
}

fn start_controllers(tools: &Tools, scratch: &Scratch, kubeconfig: &Path) -> anyhow::Result<Child> {
    let certificates = scratch.path().join("certificates");
    let args = [
        "kube-controller-manager".to_owned(),
        format!("--kubeconfig={}", kubeconfig.display()),
        format!("--root-ca-file={}", certificates.join("apiserver.crt").display()),
        format!(
            "--service-account-private-key-file={}",
            certificates.join("apiserver.key").display()
        ),
        format!("--controllers={}", CONTROLLERS.join(",")),
        "--use-service-account-credentials".to_owned(),
        "--leader-elect=false".to_owned(),
        // Its own server would only take a port.
        "--secure-port=0".to_owned(),
    ];
    Child::start(
        &tools.cluster,
        &args,
        &[],
        &scratch.path().join("kube-controller-manager.log"),
    )
}

async fn wait_for_file(path: &Path, maker: &mut Child) -> anyhow::Result<()> {
    let start = Instant::now();
    while !std::fs::metadata(path).is_ok_and(|file| file.len() > 0) {
        if maker.exit_code()?.is_some() || start.elapsed() > BOOT {
            bail!("the API server does not start: {}", maker.log_tail(10));
        }
        tokio::time::sleep(POLL).await;
    }
    Ok(())
}

fn kubeconfig_text(scratch: &Scratch, port: u16, token: &str) -> String {
    let authority = scratch.path().join("certificates/apiserver.crt");
    let authority = authority.display();
    format!(
        r#"apiVersion: v1
kind: Config
clusters: [{{name: test, cluster: {{server: "https://127.0.0.1:{port}", certificate-authority: "{authority}"}}}}]
users: [{{name: test, user: {{token: "{token}"}}}}]
contexts: [{{name: test, context: {{cluster: test, user: test}}}}]
current-context: test
"#
    )
}

fn success(program: &str, args: &[&str], output: Output) -> anyhow::Result<String> {
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr);
        bail!("{program} {}: {}", args.join(" "), message.trim());
    }
    Ok(String::from_utf8(output.stdout)?)
}
