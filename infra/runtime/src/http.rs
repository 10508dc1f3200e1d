//! Serving HTTP/1.1 until the shutdown, without cutting a request short.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::Shutdown;

/// How long and how many.
#[derive(Debug, Clone)]
pub struct Limits {
    /// The time a client has to send the head of its next request; also how
    /// long an idle connection is kept.
    pub header_read_timeout: Duration,
    /// Open connections; more wait in the kernel's queue.
    pub connections: usize,
    /// How long requests may take to finish once the shutdown has begun.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_read_timeout: Duration::from_secs(30),
            connections: 8192,
            grace: Duration::from_secs(5),
        }
    }
}

/// What a connection without any request gets at the shutdown: time for a
/// request that was already on the wire.
const FIRST_REQUEST_GRACE: Duration = Duration::from_millis(250);

/// [`serve_with`] the default [`Limits`].
pub async fn serve(listener: TcpListener, app: Router, shutdown: &Shutdown) {
    serve_with(listener, app, shutdown, Limits::default()).await;
}

/// Answers requests until the shutdown begins, then stops accepting, closes
/// idle connections, finishes the requests that have begun, and returns; after
/// [`Limits::grace`] the remaining connections are cut.
///
/// Handlers find the client's address in `ConnectInfo<SocketAddr>`.
pub async fn serve_with(listener: TcpListener, app: Router, shutdown: &Shutdown, limits: Limits) {
    let stop = shutdown.token();
    let slots = Arc::new(Semaphore::new(limits.connections));
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = connections.join_next() => {}
            (stream, peer, slot) = accept(&listener, &slots) => {
                let connection = Connection {
                    app: app.clone(),
                    peer,
                    stop: stop.clone(),
                    header_read_timeout: limits.header_read_timeout,
                };
                connections.spawn(async move {
                    connection.serve(stream).await;
                    drop(slot);
                });
            }
        }
    }
    drop(listener);
    let finish = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(limits.grace, finish).await.is_err() {
        tracing::warn!(
            connections = connections.len(),
            "requests did not finish within the grace period"
        );
        connections.shutdown().await;
    }
}

/// The next connection, when there is a slot for it.
async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
    let slot = Arc::clone(slots)
        .acquire_owned()
        .await
        .expect("the semaphore is never closed");
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => return (stream, peer, slot),
            // The client gave up while it waited: not ours to report.
            Err(error)
                if matches!(
                    error.kind(),
                    std::io::ErrorKind::ConnectionAborted | std::io::ErrorKind::ConnectionReset
                ) => {}
            // Out of file descriptors, most likely: some come back in a moment.
            Err(error) => {
                tracing::error!(%error, "cannot accept connections");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

struct Connection {
    app: Router,
    peer: SocketAddr,
    stop: CancellationToken,
    header_read_timeout: Duration,
}

impl Connection {
    async fn serve(self, stream: TcpStream) {
        // Answers are written whole; waiting to fill a packet only delays them.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "cannot set TCP_NODELAY");
        }
        let Self {
            app,
            peer,
            stop,
            header_read_timeout,
        } = self;
        let asked = Arc::new(AtomicBool::new(false));
        let service = {
            let asked = Arc::clone(&asked);
            service_fn(move |mut request: Request<Incoming>| {
                asked.store(true, Ordering::Relaxed);
                request.extensions_mut().insert(ConnectInfo(peer));
                let app = app.clone();
                async move { Ok::<_, Infallible>(answer(app, request.map(Body::new)).await) }
            })
        };
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(header_read_timeout)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades();
        tokio::pin!(connection);

        tokio::select! {
            result = connection.as_mut() => return report(result),
            () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
        }
        // Hyper closes a connection between requests at once, but waits for the
        // first request of a fresh one, which may never come.
        tokio::select! {
            result = connection.as_mut() => return report(result),
            () = tokio::time::sleep(FIRST_REQUEST_GRACE) => {}
        }
        if asked.load(Ordering::Relaxed) {
            report(connection.await);
        }
    }
}

async fn answer(app: Router, request: Request<Body>) -> axum::response::Response {
    match app.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

fn report(result: Result<(), hyper::Error>) {
    if let Err(error) = result {
        // Clients that vanish or time out are everyday business.
        tracing::debug!(%error, "connection ended early");
    }
}

#[cfg(test)]
mod tests;
