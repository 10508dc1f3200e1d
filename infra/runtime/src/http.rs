//! Serving HTTP/1.1 and HTTP/2 until the shutdown, without cutting a request short.
//!
//! On a plain socket a client speaks HTTP/2 if it begins with its preface ("prior
//! knowledge"), with [`Tls`] if the handshake agreed on `h2` (ALPN).

mod activity;
mod connection;
mod reader;
mod tls;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

use crate::Shutdown;
use connection::Connection;

pub use tls::{Tls, TlsConfig, TlsError};

/// How long and how many.
#[derive(Debug, Clone)]
pub struct Limits {
    /// The time a client has to send the head of its next request; also how
    /// long an idle connection is kept, and at most twice as long over HTTP/2.
    pub header_read_timeout: Duration,
    /// The time a client has to agree on a TLS connection.
    pub handshake_timeout: Duration,
    /// After this long without a word an HTTP/2 client is asked whether it is
    /// there, and has as long again to answer.
    pub ping_interval: Duration,
    /// How long a client may leave what it is sent lying.
    pub write_timeout: Duration,
    /// Open connections; more wait in the kernel's queue.
    pub connections: usize,
    /// Requests under way at once on one HTTP/2 connection; more wait with the
    /// client.
    pub streams: u32,
    /// How long requests may take to finish once the shutdown has begun.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_read_timeout: Duration::from_secs(30),
            handshake_timeout: Duration::from_secs(10),
            ping_interval: Duration::from_secs(20),
            write_timeout: Duration::from_secs(60),
            connections: 8192,
            streams: 100,
            grace: Duration::from_secs(5),
        }
    }
}

/// [`serve_with`] the default [`Limits`], without TLS.
pub async fn serve(listener: TcpListener, app: Router, shutdown: &Shutdown) {
    serve_with(listener, app, None, shutdown, Limits::default()).await;
}

/// Answers requests until the shutdown begins, then stops accepting, closes
/// idle connections, finishes the requests that have begun, and returns; after
/// [`Limits::grace`] the remaining connections are cut.
///
/// With `tls` all connections are secured, and its files are read again when they
/// change. Handlers find the client's address in `ConnectInfo<SocketAddr>`.
pub async fn serve_with(
    listener: TcpListener,
    app: Router,
    tls: Option<Tls>,
    shutdown: &Shutdown,
    limits: Limits,
) {
    let stop = shutdown.token();
    let slots = Arc::new(Semaphore::new(limits.connections));
    let limits = Arc::new(limits);
    if let Some(tls) = &tls {
        tokio::spawn(tls.clone().watch(stop.clone()));
    }
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = connections.join_next() => {}
            (stream, peer, slot) = accept(&listener, &slots) => {
                let connection = Connection {
                    app: app.clone(),
                    peer,
                    tls: tls.clone(),
                    stop: stop.clone(),
                    limits: Arc::clone(&limits),
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

#[cfg(test)]
mod tests;
