//! One connection, from its first byte to its end.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::activity::Activity;
use super::reader::Reader;
use super::{Limits, Tls};

/// What a connection without any request gets at the shutdown: time for a
/// request that was already on the wire.
const FIRST_REQUEST_GRACE: Duration = Duration::from_millis(250);

/// What an HTTP/1.1 connection buffers, and so the longest head of a request.
const HTTP1_BUFFER: usize = 64 << 10;

/// The longest head of a request over HTTP/2, inflated. The `h2` crate bounds the frames
/// that it may come in by this.
const HTTP2_HEAD: u32 = 16 << 10;

/// What an HTTP/2 client may send of one body before it is read, and of all bodies of
/// a connection: nobody else bounds what lies there.
const HTTP2_STREAM_WINDOW: u32 = 256 << 10;
const HTTP2_CONNECTION_WINDOW: u32 = 1 << 20;

/// What waits to be sent of one answer over HTTP/2.
const HTTP2_SEND_BUFFER: usize = 256 << 10;

/// Requests whose client breaks the protocol, or gives them up before we have seen
/// them, until the connection ends: what `h2` does by itself, said here so that it
/// stays so.
const HTTP2_LOCAL_RESETS: usize = 1024;
const HTTP2_PENDING_RESETS: usize = 20;

/// What a connection is served with.
pub(super) struct Connection {
    pub(super) app: Router,
    pub(super) peer: SocketAddr,
    pub(super) tls: Option<Tls>,
    pub(super) stop: CancellationToken,
    pub(super) limits: Arc<Limits>,
}

impl Connection {
    /// Serves it to its end.
    pub(super) async fn serve(mut self, stream: TcpStream) {
        // Answers are written whole; waiting to fill a packet only delays them.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "cannot set TCP_NODELAY");
        }
        let Some(tls) = self.tls.take() else {
            return self.answer(stream).await;
        };
        let handshake = tokio::time::timeout(self.limits.handshake_timeout, tls.accept(stream));
        match self.stop.run_until_cancelled(handshake).await {
            Some(Ok(Ok(stream))) => self.answer(stream).await,
            // Somebody who does not trust us, or speaks something else.
            Some(Ok(Err(error))) => tracing::debug!(%error, "the TLS handshake failed"),
            Some(Err(_)) => tracing::debug!("the TLS handshake took too long"),
            None => {}
        }
    }

    async fn answer<S>(self, stream: S)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Self {
            app,
            peer,
            stop,
            limits,
            tls: _,
        } = self;
        let activity = Arc::new(Activity::default());
        let service = {
            let activity = Arc::clone(&activity);
            service_fn(move |mut request: Request<Incoming>| {
                let begun = activity.begin();
                request.extensions_mut().insert(ConnectInfo(peer));
                let app = app.clone();
                async move {
                    let response = respond(app, request.map(Body::new)).await;
                    Ok::<_, Infallible>(response.map(|body| begun.answer(body)))
                }
            })
        };
        let protocols = protocols(&limits);
        let stream = TokioIo::new(Reader::new(stream, limits.write_timeout));
        let connection = protocols.serve_connection_with_upgrades(stream, service);
        tokio::pin!(connection);

        tokio::select! {
            result = connection.as_mut() => return report(result),
            () = activity.flooded() => return report_flood(),
            () = activity.idle(limits.header_read_timeout) => {}
            () = stop.cancelled() => {}
        }
        // Without a request, hyper closes a connection at once whose protocol is not
        // known yet; one that is on the wire is to be answered.
        if !activity.has_begun() {
            tokio::select! {
                result = connection.as_mut() => return report(result),
                () = tokio::time::sleep(FIRST_REQUEST_GRACE) => {}
            }
        }
        connection.as_mut().graceful_shutdown();
        // What has begun is finished, however long it takes: serving as a whole has its
        // grace. A client that does not say goodbye is not waited for.
        let farewell = if activity.has_begun() {
            limits.grace
        } else {
            FIRST_REQUEST_GRACE
        };
        loop {
            tokio::select! {
                result = connection.as_mut() => return report(result),
                () = activity.flooded() => return report_flood(),
                () = tokio::time::sleep(farewell) => {
                    if !activity.is_busy() {
                        return;
                    }
                }
            }
        }
    }
}

fn protocols(limits: &Limits) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_read_timeout)
        .max_buf_size(HTTP1_BUFFER);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams)
        .max_header_list_size(HTTP2_HEAD)
        .initial_stream_window_size(HTTP2_STREAM_WINDOW)
        .initial_connection_window_size(HTTP2_CONNECTION_WINDOW)
        .max_send_buf_size(HTTP2_SEND_BUFFER)
        .max_local_error_reset_streams(HTTP2_LOCAL_RESETS)
        .max_pending_accept_reset_streams(HTTP2_PENDING_RESETS)
        .keep_alive_interval(limits.ping_interval)
        .keep_alive_timeout(limits.ping_interval);
    builder
}

async fn respond(app: Router, request: Request<Body>) -> axum::response::Response {
    match app.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

fn report(result: Result<(), Box<dyn std::error::Error + Send + Sync>>) {
    if let Err(error) = result {
        // Clients that vanish or time out are everyday business.
        tracing::debug!(%error, "connection ended early");
    }
}

fn report_flood() {
    tracing::debug!("closed a connection whose client gives up most of its requests");
}
