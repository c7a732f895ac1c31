//! Connections of clients: how many there may be, how long each may take to say something, how they end.

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::body::{Bytes, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::{Instant, Sleep, sleep, sleep_until};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// Connections at a time. Whoever comes then waits in the system's queue.
const MOST: usize = 10_000;
/// How long a whole body may take, however steadily it trickles.
const WHOLE_BODY: Duration = Duration::from_mins(5);
/// Pause when the system has no more connections to give.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves until told to stop; then takes nobody new, and lets those who are there finish. A client that takes longer
/// than `patience` for the head of a request, or between two pieces of its body, is hung up on.
pub async fn serve(listener: TcpListener, routes: Router, patience: Duration, stop: CancellationToken) {
    let places = Arc::new(Semaphore::new(MOST));
    let connections = GracefulShutdown::new();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(patience);
    loop {
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, (stream, address)) = tokio::select! {
            () = stop.cancelled() => break,
            (place, accepted) = next => match accepted {
                Ok(accepted) => (place, accepted),
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be taken");
                    sleep(PAUSE).await;
                    continue;
                }
            },
        };
        let routes = routes.clone();
        let service = service_fn(move |request: http::Request<Incoming>| {
            let mut request = request.map(|body| Body::new(Patient::new(body, patience)));
            request.extensions_mut().insert(ConnectInfo::<SocketAddr>(address));
            routes.clone().oneshot(request)
        });
        let connection = connections.watch(http.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            // A client that breaks off is no news.
            let _ = connection.await;
            drop(place);
        });
    }
    drop(listener);
    connections.shutdown().await;
}

/// The body of a request whose sender has so much time.
struct Patient {
    body: Incoming,
    patience: Duration,
    over: Instant,
    /// When the next piece has to be there; none while nobody waits for one.
    due: Option<Pin<Box<Sleep>>>,
}

/// A client was too slow.
#[derive(Debug, thiserror::Error)]
#[error("the body did not arrive in time")]
struct TooSlow;

impl Patient {
    fn new(body: Incoming, patience: Duration) -> Self {
        Self { body, patience, over: Instant::now() + WHOLE_BODY, due: None }
    }
}

impl hyper::body::Body for Patient {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            self.due = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let until = self.over.min(Instant::now() + self.patience);
        let due = self.due.get_or_insert_with(|| Box::pin(sleep_until(until)));
        ready!(due.as_mut().poll(context));
        Poll::Ready(Some(Err(TooSlow.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
