//! Sockets: one connection of a client, one to the API server.

use std::io;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::SendRequest;
use hyper::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig, crypto::aws_lc_rs};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::rule::Act;
use super::{Asked, BODY_KEPT, Shared};

type Body = UnsyncBoxBody<Bytes, hyper::Error>;

/// Why a connection ends without an answer.
#[derive(Debug)]
struct Cut;

impl std::fmt::Display for Cut {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("cut")
    }
}

impl std::error::Error for Cut {}

/// TLS as the API server itself would speak it.
pub(super) fn acceptor(certificate: &Path, key: &Path) -> anyhow::Result<TlsAcceptor> {
    let chain = certificates(certificate)?;
    let key = PrivateKeyDer::from_pem_file(key).with_context(|| key.display().to_string())?;
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn certificates(file: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let all = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<_, _>>);
    all.with_context(|| file.display().to_string())
}

/// The API server behind.
pub(super) struct Upstream {
    port: u16,
    tls: TlsConnector,
}

impl Upstream {
    pub(super) fn new(port: u16, certificate: &Path) -> anyhow::Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(certificates(certificate)?);
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            port,
            tls: TlsConnector::from(Arc::new(config)),
        })
    }

    async fn connect(&self) -> io::Result<SendRequest<Full<Bytes>>> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await?;
        // Without it, small requests wait for a delayed acknowledgement.
        stream.set_nodelay(true)?;
        let name = ServerName::from(std::net::IpAddr::from(Ipv4Addr::LOCALHOST));
        let stream = self.tls.connect(name, stream).await?;
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(io::Error::other)?;
        // It ends with the last of sender and answer.
        tokio::spawn(connection);
        Ok(sender)
    }
}

/// Accepts connections until it is dropped, and all of them with it.
pub(super) async fn serve(
    listener: std::net::TcpListener,
    acceptor: TlsAcceptor,
    shared: Arc<Shared>,
    is_down: watch::Receiver<bool>,
) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return eprintln!("proxy: cannot listen: {error}"),
    };
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted && !*is_down.borrow() {
                    let (shared, acceptor) = (Arc::clone(&shared), acceptor.clone());
                    connections.spawn(connection(stream, acceptor, shared, is_down.clone()));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    shared: Arc<Shared>,
    mut is_down: watch::Receiver<bool>,
) {
    let _ = stream.set_nodelay(true);
    let Ok(stream) = acceptor.accept(stream).await else {
        return;
    };
    // Made when it is first needed: the API server ends a connection that asks nothing for half a minute, and the first
    // request may be held for longer.
    let behind = Arc::new(Mutex::new(None));
    let service = service_fn(|request: Request<Incoming>| {
        let (shared, behind) = (Arc::clone(&shared), Arc::clone(&behind));
        async move { respond(shared, behind, request).await }
    });
    let served = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        // A client that goes away is no fault of the proxy.
        _ = served => {}
        _ = is_down.wait_for(|down| *down) => {}
    }
}

/// The connection to the API server that belongs to one of a client's.
type Behind = Arc<Mutex<Option<SendRequest<Full<Bytes>>>>>;

async fn respond(
    shared: Arc<Shared>,
    behind: Behind,
    request: Request<Incoming>,
) -> Result<Response<Body>, Cut> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Cut)?.to_bytes();
    let accept = parts.headers.get(hyper::header::ACCEPT);
    let accept = accept.and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let asked = Asked {
        at: Instant::now(),
        method: parts.method.to_string(),
        path: parts.uri.to_string(),
        accept: accept.to_owned(),
        status: None,
        body: body.slice(..body.len().min(BODY_KEPT)),
    };
    let (number, part) = shared.begin(asked);
    let request = Request::from_parts(parts, body);
    let Some(part) = part else {
        return forward(shared, behind, number, request).await;
    };
    match part.act() {
        Act::Cut => Err(Cut),
        Act::Answer(status, body) => {
            shared.end(number, *status);
            Response::builder()
                .status(*status)
                .header(CONTENT_TYPE, "application/json")
                .body(full(Bytes::from(body.clone())))
                .map_err(|_| Cut)
        }
        Act::Delay(time) => {
            tokio::time::sleep(*time).await;
            forward(shared, behind, number, request).await
        }
        Act::Hold => {
            part.hold().await;
            forward(shared, behind, number, request).await
        }
        act @ (Act::HoldAnswer | Act::LoseAnswer) => {
            // As a task of its own, it is carried out also if the client goes.
            let answer = tokio::spawn(whole(shared, behind, number, request));
            let answer = answer.await.unwrap_or(Err(Cut))?;
            if matches!(act, Act::LoseAnswer) {
                return Err(Cut);
            }
            part.hold().await;
            Ok(answer)
        }
    }
}

fn full(body: Bytes) -> Body {
    Full::new(body).map_err(|never| match never {}).boxed_unsync()
}

/// Forwards, and reads the answer to its end: then it was carried out.
async fn whole(
    shared: Arc<Shared>,
    behind: Behind,
    number: usize,
    request: Request<Bytes>,
) -> Result<Response<Body>, Cut> {
    let (parts, body) = forward(shared, behind, number, request).await?.into_parts();
    let body = body.collect().await.map_err(|_| Cut)?.to_bytes();
    Ok(Response::from_parts(parts, full(body)))
}

/// Sends a request on as it is. Where the API server cannot be reached, so the client finds it.
async fn forward(
    shared: Arc<Shared>,
    behind: Behind,
    number: usize,
    request: Request<Bytes>,
) -> Result<Response<Body>, Cut> {
    let (parts, body) = request.into_parts();
    let mut request = Request::from_parts(parts, Full::new(body));
    for header in [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING] {
        request.headers_mut().remove(header);
    }
    let mut behind = behind.lock().await;
    let mut response = None;
    // A kept connection may have been closed from behind just now: then a new one is tried, once.
    for _ in 0..2 {
        let mut sender = match behind.take() {
            Some(sender) if !sender.is_closed() => sender,
            _ => shared.upstream.connect().await.map_err(|_| Cut)?,
        };
        if sender.ready().await.is_err() {
            continue;
        }
        match sender.try_send_request(request).await {
            Ok(answer) => {
                *behind = Some(sender);
                response = Some(answer);
                break;
            }
            Err(mut error) => request = error.take_message().ok_or(Cut)?,
        }
    }
    let (mut parts, body) = response.ok_or(Cut)?.into_parts();
    for header in [CONNECTION, TRANSFER_ENCODING] {
        parts.headers.remove(header);
    }
    shared.end(number, parts.status.as_u16());
    Ok(Response::from_parts(parts, body.boxed_unsync()))
}
