//! One write, and what is known of it afterwards.

use std::error::Error as _;
use std::fmt;
use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::{Request, StatusCode, Uri};
use kube::client::Body;
use kube::core::Status;
use kube::{Client, Error};
use serde::de::DeserializeOwned;

use super::tenure::NotHolder;

/// After how many seconds the API server gives a write up: what it gives up does not land later.
const GIVEN_UP_AFTER: u64 = 10;
/// How long we wait for its answer, a 504 in that case.
const WAIT: Duration = Duration::from_secs(12);

/// What came of a write that did not go well. Only [`WriteError::Unknown`] leaves open whether it landed.
///
/// Neither form of printing it holds the API server's message, which may quote what was sent.
#[derive(thiserror::Error)]
pub enum WriteError {
    /// It never left this process, so it did not land.
    #[error("not sent: {0}")]
    NotSent(&'static str),
    /// This process may not write, so it was not sent.
    #[error("not sent: {0}")]
    NotHolder(NotHolder),
    /// The API server answered with a 4xx, so it did not land. The status carries the HTTP code.
    #[error("refused by the API server with {} {}", .0.code, .0.reason)]
    Refused(Box<Status>),
    /// It may have landed, or may land yet within ten seconds.
    #[error("no answer from the API server ({0})")]
    Unknown(NoAnswer),
}

/// Why it is not known what came of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoAnswer {
    /// Nothing came in time.
    Timeout,
    /// The connection ended before the answer did.
    Connection,
    /// An HTTP code that says nothing of whether it was written: any 5xx.
    Code(u16),
    /// It was written, but what was written cannot be read.
    Unreadable,
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout => f.write_str("timeout"),
            Self::Connection => f.write_str("connection"),
            Self::Code(code) => write!(f, "{code}"),
            Self::Unreadable => f.write_str("unreadable"),
        }
    }
}

impl fmt::Debug for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WriteError({self})")
    }
}

/// Sends a write, as [`kube::core::Request`] builds it, and waits for what came of it: at most twelve seconds, of which
/// the API server is given ten. The client must not retry by itself.
pub async fn send<T: DeserializeOwned>(client: &Client, request: Request<Vec<u8>>) -> Result<T, WriteError> {
    send_within(client, request, GIVEN_UP_AFTER, WAIT).await
}

/// As [`send`], where the API server gives up after `seconds`, and we after `wait`.
pub async fn send_within<T: DeserializeOwned>(
    client: &Client,
    request: Request<Vec<u8>>,
    seconds: u64,
    wait: Duration,
) -> Result<T, WriteError> {
    let request = bounded(request, seconds)?;
    tokio::time::timeout(wait, exchange(client, request))
        .await
        .unwrap_or(Err(WriteError::Unknown(NoAnswer::Timeout)))
}

/// The request with `timeout` in its query; kube's own parameters have no place for it.
fn bounded(request: Request<Vec<u8>>, seconds: u64) -> Result<Request<Vec<u8>>, WriteError> {
    let (mut parts, body) = request.into_parts();
    let uri = parts.uri.to_string();
    let joint = match uri.rsplit_once('?') {
        None => "?",
        Some((_, "")) => "",
        Some(_) => "&",
    };
    parts.uri = Uri::try_from(format!("{uri}{joint}timeout={seconds}s"))
        .map_err(|_| WriteError::NotSent("its address is no URI"))?;
    Ok(Request::from_parts(parts, body))
}

async fn exchange<T: DeserializeOwned>(client: &Client, request: Request<Vec<u8>>) -> Result<T, WriteError> {
    let answer = client
        .send(request.map(Body::from))
        .await
        .map_err(|error| unsent(&error))?;
    let code = answer.status();
    if !code.is_success() && !code.is_client_error() {
        return Err(WriteError::Unknown(NoAnswer::Code(code.as_u16())));
    }
    let body = answer.into_body().collect().await;
    if code.is_client_error() {
        // A refusal is one, however much of its words arrives.
        let words = body.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        return Err(WriteError::Refused(refusal(code, &words)));
    }
    let body = body.map_err(|_| WriteError::Unknown(NoAnswer::Connection))?;
    serde_json::from_slice(&body.to_bytes()).map_err(|_| WriteError::Unknown(NoAnswer::Unreadable))
}

/// What the API server says of its refusal; a proxy between may use words of its own.
fn refusal(code: StatusCode, words: &[u8]) -> Box<Status> {
    let said = serde_json::from_slice::<Status>(words).ok();
    let plain = || Status::failure("", code.canonical_reason().unwrap_or_default());
    said.filter(Status::is_failure)
        .unwrap_or_else(plain)
        .with_code(code.as_u16())
        .boxed()
}

/// A request whose connection never came about was not sent; of any other nobody knows.
fn unsent(error: &Error) -> WriteError {
    let cause: Option<&(dyn std::error::Error + 'static)> = match error {
        Error::Service(error) => Some(error.as_ref()),
        Error::BuildRequest(_) | Error::Auth(_) => return WriteError::NotSent("it could not be made"),
        error => error.source(),
    };
    let causes = std::iter::successors(cause, |error| (*error).source());
    if let Some(refusal) = causes.clone().find_map(|error| error.downcast_ref::<NotHolder>()) {
        return WriteError::NotHolder(*refusal);
    }
    let unconnected = causes.clone().any(|error| {
        error
            .downcast_ref::<hyper_util::client::legacy::Error>()
            .is_some_and(hyper_util::client::legacy::Error::is_connect)
    });
    if unconnected {
        WriteError::NotSent("the API server cannot be reached")
    } else {
        WriteError::Unknown(NoAnswer::Connection)
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::sync::{Arc, Mutex};

    use k8s_openapi::api::core::v1::Secret;
    use kube::api::{PartialObjectMeta, Patch, PatchParams};
    use kube::{Config, Resource};
    use serde_json::json;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::clock::{Clock as _, SystemClock};

    /// What a server does once it has the whole request. What it says ends with the connection.
    #[derive(Clone)]
    enum Then {
        Say(String),
        Hang,
    }

    fn says(code: u16, body: &str) -> Then {
        cut_to(body.len(), code, body)
    }

    /// An answer that ends before the length that it promises.
    fn cut_to(length: usize, code: u16, body: &str) -> Then {
        Then::Say(format!(
            "HTTP/1.1 {code} X\r\ncontent-length: {length}\r\n\r\n{body}"
        ))
    }

    /// A server that answers each request alike, and keeps the first lines of all.
    async fn server(then: Then) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let seen = lines.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(answer(stream, then.clone(), seen.clone()));
            }
        });
        (address, lines)
    }

    async fn answer(mut stream: TcpStream, then: Then, seen: Arc<Mutex<Vec<String>>>) {
        let mut read = Vec::new();
        let text = loop {
            let mut more = [0; 4096];
            let n = stream.read(&mut more).await.unwrap();
            read.extend_from_slice(&more[..n]);
            let text = String::from_utf8(read.clone()).unwrap();
            if n == 0 || text.ends_with('}') {
                break text;
            }
        };
        seen.lock()
            .unwrap()
            .push(text.lines().next().unwrap_or_default().to_owned());
        match then {
            Then::Say(text) => stream.write_all(text.as_bytes()).await.unwrap(),
            Then::Hang => std::future::pending().await,
        }
    }

    fn client(address: SocketAddr) -> Client {
        let mut config = Config::new(format!("http://{address}").parse().unwrap());
        config.default_retry = false;
        Client::try_from(config).unwrap()
    }

    fn request() -> Request<Vec<u8>> {
        let params = PatchParams::apply("paramsync").force();
        let body = json!({"data": {"A": "c2VjcmV0"}});
        kube::core::Request::new(Secret::url_path(&(), Some("shop")))
            .patch_metadata("web", &params, &Patch::Apply(body))
            .unwrap()
    }

    async fn outcome(then: Then) -> Result<PartialObjectMeta<Secret>, WriteError> {
        let (address, _) = server(then).await;
        send(&client(address), request()).await
    }

    fn unknown(result: Result<PartialObjectMeta<Secret>, WriteError>) -> NoAnswer {
        match result {
            Err(WriteError::Unknown(why)) => why,
            other => panic!("{other:?} is known"),
        }
    }

    #[tokio::test]
    async fn the_api_server_is_told_to_give_up_after_ten_seconds() {
        let (address, lines) = server(says(200, r#"{"metadata":{"resourceVersion":"7"}}"#)).await;
        let written: PartialObjectMeta<Secret> = send(&client(address), request()).await.unwrap();
        assert_eq!(written.metadata.resource_version.as_deref(), Some("7"));
        assert_eq!(
            *lines.lock().unwrap(),
            [
                "PATCH /api/v1/namespaces/shop/secrets/web?&force=true&fieldManager=paramsync&timeout=10s HTTP/1.1"
            ]
        );
    }

    #[test]
    fn the_timeout_is_added_to_any_query() {
        for (before, after) in [
            ("/a", "/a?timeout=3s"),
            ("/a?", "/a?timeout=3s"),
            ("/a?b=c", "/a?b=c&timeout=3s"),
        ] {
            let request = Request::put(before).body(Vec::new()).unwrap();
            assert_eq!(bounded(request, 3).unwrap().uri(), after);
        }
    }

    #[tokio::test]
    async fn each_5xx_is_unknown_and_is_not_tried_again() {
        for code in [500, 502, 503, 504] {
            let (address, lines) = server(says(code, "")).await;
            let came = unknown(send(&client(address), request()).await);
            assert_eq!(came, NoAnswer::Code(code));
            assert_eq!(lines.lock().unwrap().len(), 1, "{code}");
        }
    }

    #[tokio::test]
    async fn each_4xx_is_an_answer_with_its_code_whoever_gives_it() {
        let status =
            r#"{"kind":"Status","status":"Failure","reason":"Conflict","message":"secret","code":409}"#;
        let cases = [
            (409, status, "Conflict"),
            (403, "<html>a proxy</html>", "Forbidden"),
            (429, "", "Too Many Requests"),
        ];
        for (code, body, reason) in cases {
            match outcome(says(code, body)).await {
                Err(WriteError::Refused(status)) => {
                    assert_eq!((status.code, status.reason.as_str()), (code, reason));
                }
                other => panic!("{code}: {other:?}"),
            }
        }
        let cut = outcome(cut_to(500, 422, "{")).await;
        assert!(matches!(cut, Err(WriteError::Refused(status)) if status.code == 422));
    }

    #[tokio::test]
    async fn a_connection_that_is_cut_leaves_it_unknown() {
        assert_eq!(
            unknown(outcome(Then::Say(String::new())).await),
            NoAnswer::Connection
        );
        let half = cut_to(500, 200, r#"{"metadata":"#);
        assert_eq!(unknown(outcome(half).await), NoAnswer::Connection);
    }

    #[tokio::test]
    async fn an_answer_that_is_no_object_leaves_what_was_written_unknown() {
        assert_eq!(unknown(outcome(says(200, "ok")).await), NoAnswer::Unreadable);
        assert_eq!(unknown(outcome(says(302, "")).await), NoAnswer::Code(302));
    }

    #[tokio::test]
    async fn no_answer_in_time_is_unknown() {
        let (address, _) = server(Then::Hang).await;
        let clock = SystemClock::new();
        let wait = Duration::from_millis(300);
        let came = send_within(&client(address), request(), 10, wait).await;
        assert_eq!(unknown(came), NoAnswer::Timeout);
        assert!(clock.monotonic() >= wait);
    }

    #[tokio::test]
    async fn what_found_no_server_was_not_sent() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let came: Result<PartialObjectMeta<Secret>, _> = send(&client(address), request()).await;
        assert!(matches!(came, Err(WriteError::NotSent(_))), "{came:?}");
    }

    #[test]
    fn no_form_of_it_repeats_what_the_api_server_says() {
        let status = Status::failure("c2VjcmV0 is not valid", "Invalid").with_code(422);
        let error = WriteError::Refused(status.boxed());
        assert_eq!(error.to_string(), "refused by the API server with 422 Invalid");
        assert!(!format!("{error:?}").contains("c2VjcmV0"));
    }
}
