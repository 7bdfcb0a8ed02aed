//! A small HTTP client: one request, one connection.

use std::time::Duration;

use anyhow::Context as _;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

const TIMEOUT: Duration = Duration::from_secs(30);

/// What a server said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body as text.
    pub body: String,
}

/// GET of a plain `http://` address; fails if there is no answer within 30 s, not on any status.
pub async fn get(url: &str) -> anyhow::Result<Answer> {
    send(Request::get(url), String::new())
        .await
        .with_context(|| format!("GET {url}"))
}

/// POST of a body with these headers; fails if there is no answer within 30 s, not on any status.
pub(crate) async fn post(url: &str, headers: &[(&str, &str)], body: String) -> anyhow::Result<Answer> {
    let mut request = Request::post(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    send(request, body).await.with_context(|| format!("POST {url}"))
}

async fn send(request: hyper::http::request::Builder, body: String) -> anyhow::Result<Answer> {
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let request = request.body(Full::new(Bytes::from(body)))?;
    let exchange = async {
        let (parts, body) = client.request(request).await?.into_parts();
        let bytes = body.collect().await?.to_bytes();
        let body = String::from_utf8_lossy(&bytes).into_owned();
        anyhow::Ok(Answer {
            status: parts.status.as_u16(),
            body,
        })
    };
    tokio::time::timeout(TIMEOUT, exchange)
        .await
        .context("no answer in time")?
}
