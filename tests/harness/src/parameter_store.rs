//! A local Parameter Store with a gate in front.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use gate::{Gate, GateConfig};
use serde_json::{Value, json};

use crate::ports::free_port;
use crate::process::Child;
use crate::scratch::Scratch;
use crate::{Tools, http};

/// The region of parameters that [`ParameterStore::put`] writes.
pub const REGION: &str = "ap-northeast-1";
/// Static credentials that the local Parameter Store takes.
pub const ACCESS_KEY_ID: &str = "AKIAPARAMSYNCTEST";
/// See [`ACCESS_KEY_ID`].
pub const SECRET_ACCESS_KEY: &str = "not-a-secret";

const START: Duration = Duration::from_secs(20);
/// AWS's limit on values of the standard tier, in bytes.
const STANDARD: usize = 4096;

/// roto-server and the gate; both end when it is dropped.
#[derive(Debug)]
pub struct ParameterStore {
    // Dropped in this order: the gate before what it forwards to, the files last.
    gate: Gate,
    _server: Child,
    _scratch: Scratch,
}

impl ParameterStore {
    /// Starts both on free ports of 127.0.0.1, empty; takes about 50 ms.
    pub async fn start(tools: &Tools) -> anyhow::Result<Self> {
        let scratch = Scratch::new("store")?;
        let port = free_port()?;
        let args = ["--host", "127.0.0.1", "--port", &port.to_string(), "--ephemeral"];
        let log = scratch.path().join("roto-server.log");
        let home = scratch.path().to_string_lossy().into_owned();
        let mut server = Child::start(&tools.roto_server, &args, &[("HOME", &home)], &log)?;
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if server.exit_code()?.is_some() || start.elapsed() > START {
                bail!("roto-server does not listen: {}", server.log_tail(10));
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let gate = Gate::start(format!("http://127.0.0.1:{port}"), GateConfig::default())?;
        Ok(Self {
            gate,
            _server: server,
            _scratch: scratch,
        })
    }

    /// Where clients find it: the gate's address.
    pub fn url(&self) -> String {
        self.gate.url()
    }

    /// The gate: counts, quotas and faults.
    pub fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Writes a SecureString; returns its version.
    pub async fn put(&self, name: &str, value: &str) -> anyhow::Result<u64> {
        self.put_as(name, value, "SecureString", REGION).await
    }

    /// Writes a String; returns its version.
    pub async fn put_string(&self, name: &str, value: &str) -> anyhow::Result<u64> {
        self.put_as(name, value, "String", REGION).await
    }

    /// Writes a parameter of any type in any region; returns its version. Above 4 KiB it takes the advanced
    /// tier.
    pub async fn put_as(&self, name: &str, value: &str, kind: &str, region: &str) -> anyhow::Result<u64> {
        let tier = if value.len() > STANDARD {
            "Advanced"
        } else {
            "Standard"
        };
        let body = json!({"Name": name, "Value": value, "Type": kind, "Tier": tier, "Overwrite": true});
        let answer = self.call("PutParameter", region, &body).await?;
        answer["Version"].as_u64().context("PutParameter gave no version")
    }

    /// Deletes a parameter with its history.
    pub async fn delete(&self, name: &str) -> anyhow::Result<()> {
        self.call("DeleteParameter", REGION, &json!({"Name": name}))
            .await
            .map(drop)
    }

    /// Moves a label to a version.
    pub async fn label(&self, name: &str, version: u64, label: &str) -> anyhow::Result<()> {
        let body = json!({"Name": name, "ParameterVersion": version, "Labels": [label]});
        self.call("LabelParameterVersion", REGION, &body).await.map(drop)
    }

    /// Any action of Systems Manager; fails with AWS's code and message.
    pub async fn call(&self, action: &str, region: &str, body: &Value) -> anyhow::Result<Value> {
        let target = format!("AmazonSSM.{action}");
        let scope = format!("{ACCESS_KEY_ID}/20260101/{region}/ssm/aws4_request");
        let authorization =
            format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=unchecked");
        let headers = [
            ("content-type", "application/x-amz-json-1.1"),
            ("x-amz-target", target.as_str()),
            ("authorization", authorization.as_str()),
        ];
        let answer = http::post(&self.url(), &headers, body.to_string()).await?;
        if answer.status != 200 {
            bail!("{action}: HTTP {} {}", answer.status, answer.body);
        }
        Ok(serde_json::from_str(&answer.body)?)
    }
}
