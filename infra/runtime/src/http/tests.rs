pub(in crate::http) mod certificates;
mod http2;
mod secured;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use axum::routing::{get, post};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Notify;

use super::*;

struct Server {
    address: SocketAddr,
    shutdown: Shutdown,
    /// Told when a request to `/slow` has begun; tells it to end.
    begun: Arc<Notify>,
    end: Arc<Notify>,
    task: tokio::task::JoinHandle<()>,
}

async fn server(limits: Limits) -> Server {
    server_with(limits, None).await
}

async fn server_with(limits: Limits, tls: Option<Tls>) -> Server {
    let (begun, end) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let slow = {
        let (begun, end) = (Arc::clone(&begun), Arc::clone(&end));
        move || async move {
            begun.notify_one();
            end.notified().await;
            "slow"
        }
    };
    let peer = |ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.ip().to_string() };
    let version = |request: Request<Body>| async move { format!("{:?}", request.version()) };
    let length = |body: axum::body::Bytes| async move { body.len().to_string() };
    let large = || async { vec![b'x'; 64 << 20] };
    let app = Router::new()
        .route("/large", get(large))
        .route("/slow", get(slow))
        .route("/peer", get(peer))
        .route("/version", get(version))
        .route("/length", post(length));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let shutdown = Shutdown::new();
    let task = {
        let shutdown = shutdown.clone();
        tokio::spawn(async move { serve_with(listener, app, tls, &shutdown, limits).await })
    };
    Server {
        address,
        shutdown,
        begun,
        end,
        task,
    }
}

async fn ask(stream: &mut TcpStream, path: &str) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
}

/// Everything the server still sends before it closes the connection.
async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes).await {
        Ok(_) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) => format!("cut: {}", error.kind()),
    }
}

#[tokio::test]
async fn a_request_that_has_begun_is_answered_and_idle_connections_are_closed() {
    let server = server(Limits::default()).await;

    let mut idle = TcpStream::connect(server.address).await.expect("connects");
    ask(&mut idle, "/peer").await;
    let mut first = [0; 512];
    let read = idle.read(&mut first).await.expect("an answer");
    assert!(String::from_utf8_lossy(&first[..read]).ends_with("127.0.0.1"));

    let mut silent = TcpStream::connect(server.address).await.expect("connects");
    let mut busy = TcpStream::connect(server.address).await.expect("connects");
    ask(&mut busy, "/slow").await;
    server.begun.notified().await;

    server.shutdown.trigger();
    assert_eq!(rest(&mut idle).await, "");
    assert_eq!(rest(&mut silent).await, "");
    server.end.notify_one();
    assert!(rest(&mut busy).await.ends_with("slow"));
    server.task.await.expect("serving ends");
    assert!(TcpStream::connect(server.address).await.is_err());
}

#[tokio::test]
async fn a_request_that_never_ends_is_cut_after_the_grace_period() {
    let server = server(Limits {
        grace: Duration::from_millis(20),
        ..Limits::default()
    })
    .await;
    let mut busy = TcpStream::connect(server.address).await.expect("connects");
    ask(&mut busy, "/slow").await;
    server.begun.notified().await;

    server.shutdown.trigger();
    server.task.await.expect("serving ends");
    assert!(!rest(&mut busy).await.contains("slow"));
}

#[tokio::test]
async fn a_head_that_does_not_arrive_ends_the_connection() {
    let server = server(Limits {
        header_read_timeout: Duration::from_millis(20),
        ..Limits::default()
    })
    .await;
    // Of the second and the third it is not known yet which protocol they speak.
    for begun in ["GET /peer HTTP", "PRI * HTTP/2.0\r\n", ""] {
        let mut stalling = TcpStream::connect(server.address).await.expect("connects");
        stalling.write_all(begun.as_bytes()).await.expect("sent");
        assert!(!rest(&mut stalling).await.contains("200 OK"), "{begun}");
    }
}

#[tokio::test]
async fn a_head_has_a_largest_size() {
    let server = server(Limits::default()).await;
    let mut stream = TcpStream::connect(server.address).await.expect("connects");
    let head = format!("GET /peer HTTP/1.1\r\nX: {}\r\n", "x".repeat(70 << 10));
    stream.write_all(head.as_bytes()).await.expect("sent");
    let answer = rest(&mut stream).await;
    assert!(
        answer.starts_with("HTTP/1.1 431") || answer.starts_with("cut"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_client_that_does_not_read_is_not_waited_for() {
    let server = server(Limits {
        write_timeout: Duration::from_millis(50),
        // Nobody is cut at the end: it has to go before.
        grace: Duration::from_secs(3600),
        ..Limits::default()
    })
    .await;
    let mut silent = TcpStream::connect(server.address).await.expect("connects");
    ask(&mut silent, "/large").await;
    silent.readable().await.expect("an answer");
    server.shutdown.trigger();
    server.task.await.expect("serving ends");
}
