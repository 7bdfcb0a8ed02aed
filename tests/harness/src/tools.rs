//! The programs that everything runs on.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};

/// Where the programs are.
#[derive(Debug, Clone)]
pub struct Tools {
    /// etcd, kube-apiserver and kube-controller-manager in one: the first argument chooses.
    pub cluster: PathBuf,
    /// kubectl of the control plane's version.
    pub kubectl: PathBuf,
    /// Helm 4.
    pub helm: PathBuf,
    /// The local Parameter Store.
    pub roto_server: PathBuf,
    /// libfaketime, to be loaded before all else.
    pub faketime: PathBuf,
}

impl Tools {
    /// Finds the programs; fetches and builds what is missing first (minutes, once a machine, with a line on
    /// standard error). Fails with the names of what this machine lacks.
    pub fn locate() -> anyhow::Result<Self> {
        let setup = repository().join("tests/setup");
        let status = Command::new(&setup)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status();
        let status = status.with_context(|| format!("cannot run {}", setup.display()))?;
        if !status.success() {
            bail!("tests/setup failed; what it lacks stands above");
        }
        let path = |name: &str| -> anyhow::Result<PathBuf> {
            let output = Command::new(&setup).args(["--print", name]).output()?;
            Ok(PathBuf::from(String::from_utf8(output.stdout)?.trim()))
        };
        Ok(Self {
            cluster: path("cluster")?,
            kubectl: path("kubectl")?,
            helm: path("helm")?,
            roto_server: path("roto-server")?,
            faketime: path("faketime")?,
        })
    }
}

/// The root of the repository.
pub fn repository() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here)
}
