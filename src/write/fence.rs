//! The fence round a client: what would write passes only while the Lease is held.

use std::sync::Arc;
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use hyper::{Method, Request, Response};
use kube::client::Body;
use tower::{BoxError, Layer, Service};

use super::tenure::Tenure;
use crate::clock::Clock;

/// A layer of a client, behind its queue: the tenure is asked when the request goes out to a connection. Reads pass.
#[derive(Clone)]
pub struct Fence {
    tenure: Tenure,
    clock: Arc<dyn Clock>,
}

impl Fence {
    /// The clock must be the one by which `tenure` is told.
    pub fn new(tenure: Tenure, clock: Arc<dyn Clock>) -> Self {
        Self { tenure, clock }
    }
}

impl<S> Layer<S> for Fence {
    type Service = Fenced<S>;

    fn layer(&self, inner: S) -> Fenced<S> {
        Fenced {
            fence: self.clone(),
            inner,
        }
    }
}

/// A client's inside, behind a [`Fence`].
pub struct Fenced<S> {
    fence: Fence,
    inner: S,
}

impl<S, B> Service<Request<Body>> for Fenced<S>
where
    S: Service<Request<Body>, Response = Response<B>, Error = BoxError>,
    S::Future: Send + 'static,
    B: Send + 'static,
{
    type Response = Response<B>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Response<B>, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        if matches!(*request.method(), Method::GET | Method::HEAD) {
            return Box::pin(self.inner.call(request));
        }
        let writing = match self.fence.tenure.begin(self.fence.clock.monotonic()) {
            Ok(writing) => writing,
            Err(refusal) => return Box::pin(std::future::ready(Err(refusal.into()))),
        };
        let answer = self.inner.call(request);
        Box::pin(async move {
            let answer = answer.await?;
            if answer.status().is_success() || answer.status().is_client_error() {
                writing.answered();
            }
            Ok(answer)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use futures::FutureExt as _;
    use jiff::Timestamp;
    use kube::Client;
    use tower::service_fn;

    use super::*;
    use crate::clock::TestClock;
    use crate::write::{NotHolder, WriteError, send};

    const S: Duration = Duration::from_secs(1);

    struct World {
        tenure: Tenure,
        clock: Arc<TestClock>,
        client: Client,
        arrived: Arc<AtomicUsize>,
    }

    /// A client whose API server answers everything with this code.
    fn world(code: u16) -> World {
        let arrived = Arc::new(AtomicUsize::new(0));
        let count = arrived.clone();
        let server = service_fn(move |_: Request<Body>| {
            count.fetch_add(1, Ordering::SeqCst);
            let answer = Response::builder().status(code).body(Body::from(b"{}".to_vec()));
            async move { answer.map_err(BoxError::from) }
        });
        let tenure = Tenure::default();
        let clock = Arc::new(TestClock::still(Timestamp::UNIX_EPOCH));
        let fence = Fence::new(tenure.clone(), clock.clone());
        World {
            client: Client::new(fence.layer(server), "default"),
            tenure,
            clock,
            arrived,
        }
    }

    impl World {
        async fn send(&self, method: &str) -> Result<serde_json::Value, WriteError> {
            let request = Request::builder().method(method).uri("/api").body(Vec::new());
            send(&self.client, request.unwrap()).await
        }

        fn arrived(&self) -> usize {
            self.arrived.load(Ordering::SeqCst)
        }
    }

    #[tokio::test]
    async fn nothing_is_written_without_the_lease_and_reads_pass() {
        let world = world(200);
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            let came = world.send(method).await;
            assert!(
                matches!(came, Err(WriteError::NotHolder(NotHolder::Awaited))),
                "{method}: {came:?}"
            );
        }
        assert_eq!(world.arrived(), 0);
        assert!(world.send("GET").await.is_ok());
        world.tenure.acquired(Duration::ZERO, Duration::ZERO);
        assert!(world.send("PATCH").await.is_ok());
        world.clock.advance(10 * S);
        assert!(matches!(
            world.send("PATCH").await,
            Err(WriteError::NotHolder(NotHolder::Expired))
        ));
        assert_eq!(world.arrived(), 2);
    }

    #[tokio::test]
    async fn a_write_is_settled_by_its_answer_and_by_no_other() {
        for (code, settled) in [(200, true), (409, true), (500, false), (504, false)] {
            let world = world(code);
            world.tenure.acquired(Duration::ZERO, Duration::ZERO);
            let _ = world.send("PATCH").await;
            assert!(world.tenure.drained().now_or_never().is_some());
            assert_eq!(world.tenure.is_settled(S), settled, "{code}");
            assert!(world.tenure.is_settled(22 * S), "{code}");
        }
    }
}
