//! Sockets: clients in front, the server behind.

use std::convert::Infallible;
use std::sync::Arc;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::Shared;
use crate::call::{self, Call};
use crate::protocol::{Body, Refusal, Reply};

/// Accepts connections until it is dropped, and all of them with it.
pub(crate) async fn serve(
    listener: std::net::TcpListener,
    shared: Arc<Shared>,
    is_down: watch::Receiver<bool>,
) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return eprintln!("gate: cannot listen: {error}"),
    };
    let upstream = Arc::new(Upstream {
        client: Client::builder(TokioExecutor::new()).build_http(),
        base: shared.upstream.clone(),
    });
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted && !*is_down.borrow() {
                    let (shared, upstream) = (Arc::clone(&shared), Arc::clone(&upstream));
                    connections.spawn(connection(stream, shared, upstream, is_down.clone()));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(
    stream: TcpStream,
    shared: Arc<Shared>,
    upstream: Arc<Upstream>,
    mut is_down: watch::Receiver<bool>,
) {
    // Without it, small answers wait for the client's delayed acknowledgement.
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request: Request<Incoming>| {
        let (shared, upstream) = (Arc::clone(&shared), Arc::clone(&upstream));
        async move { Ok::<_, Infallible>(respond(&shared, &upstream, request).await) }
    });
    let served = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        // A client that goes away is no fault of the gate.
        _ = served => {}
        _ = is_down.wait_for(|down| *down) => {}
    }
}

async fn respond(shared: &Shared, upstream: &Upstream, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (parts, body) = request.into_parts();
    match body.collect().await {
        Ok(body) => {
            call::answer(
                shared,
                upstream,
                Call::parse(parts, body.to_bytes(), &shared.config),
            )
            .await
        }
        Err(error) => bad_gateway(&error.to_string()).into_response(0),
    }
}

fn bad_gateway(message: &str) -> Reply {
    let mut reply = Refusal::new("BadGateway", format!("gate: {message}")).reply();
    reply.status = StatusCode::BAD_GATEWAY;
    reply
}

/// The server behind.
pub(crate) struct Upstream {
    client: Client<HttpConnector, Full<Bytes>>,
    base: String,
}

impl Upstream {
    /// Sends the call on with this body; the answer as it is.
    pub(crate) async fn forward(&self, call: &Call, body: &[u8]) -> Reply {
        match self.send(call, body).await {
            Ok(reply) => reply,
            Err(error) => bad_gateway(&format!("{error:#}")),
        }
    }

    /// Sends the call on with this body; the answer as JSON if it is a success, else as it is.
    pub(crate) async fn json(&self, call: &Call, body: &[u8]) -> Result<Value, Box<Reply>> {
        let reply = self.forward(call, body).await;
        match &reply.body {
            Body::Raw(_, bytes) if reply.status == StatusCode::OK => serde_json::from_slice(bytes)
                .map_err(|error| Box::new(bad_gateway(&format!("no JSON behind: {error}")))),
            _ => Err(Box::new(reply)),
        }
    }

    async fn send(&self, call: &Call, body: &[u8]) -> anyhow::Result<Reply> {
        let path = call.parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let mut request = Request::builder()
            .method(call.parts.method.clone())
            .uri(format!("{}{path}", self.base))
            .body(Full::new(Bytes::copy_from_slice(body)))?;
        *request.headers_mut() = call.parts.headers.clone();
        for header in [HOST, CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING] {
            request.headers_mut().remove(header);
        }
        let (mut parts, body) = self.client.request(request).await?.into_parts();
        let bytes = body.collect().await?.to_bytes();
        for header in [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING] {
            parts.headers.remove(header);
        }
        let code = if parts.status == StatusCode::OK {
            "OK".to_owned()
        } else {
            error_code(&bytes)
        };
        Ok(Reply {
            status: parts.status,
            code,
            decrypted: 0,
            body: Body::Raw(parts.headers, bytes),
        })
    }
}

/// The code of an error body, `prefix#Code` or `Code`.
fn error_code(body: &[u8]) -> String {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let code = body["__type"].as_str().unwrap_or("Unknown");
    code.rsplit('#').next().unwrap_or(code).to_owned()
}
