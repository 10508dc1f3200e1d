//! HTTP/2 on a plain socket.

use std::time::Duration;

use axum::http::StatusCode;
use hyper::body::Incoming;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};

use super::*;

/// The connection's preface, and settings that say nothing.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";
/// The types of frames.
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
/// The flags of a request without a body.
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
/// `GET /slow` in HPACK, from the static table where that has it.
const GET_SLOW: &[u8] = b"\x82\x86\x44\x05/slow\x41\x04test";

type Connected = tokio::task::JoinHandle<Result<(), hyper::Error>>;

/// A client that knows what it talks to.
pub(super) async fn client<S>(stream: S) -> (SendRequest<Body>, Connected)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let io = TokioIo::new(stream);
    let (sender, connection) = handshake(TokioExecutor::new(), io).await.expect("agrees");
    (sender, tokio::spawn(connection))
}

async fn connected(server: &Server) -> (SendRequest<Body>, Connected) {
    client(TcpStream::connect(server.address).await.expect("connects")).await
}

pub(super) fn get_request(path: &str) -> Request<Body> {
    let uri = format!("http://test{path}");
    Request::get(uri).body(Body::empty()).expect("a request")
}

pub(super) async fn text(body: Incoming) -> String {
    let bytes = axum::body::to_bytes(Body::new(body), 1 << 20).await;
    String::from_utf8(bytes.expect("a whole body").to_vec()).expect("text")
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len())
        .expect("a short frame")
        .to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// Reads frames until the end of the connection, and answers with the error of the
/// last GOAWAY.
async fn farewell(stream: &mut TcpStream) -> Option<u32> {
    let mut error = None;
    let mut head = [0; 9];
    while stream.read_exact(&mut head).await.is_ok() {
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; length as usize];
        if stream.read_exact(&mut payload).await.is_err() {
            break;
        }
        if head[3] == GOAWAY {
            error = Some(u32::from_be_bytes(
                payload[4..8].try_into().expect("four bytes"),
            ));
        }
    }
    error
}

#[tokio::test]
async fn both_versions_are_answered_on_one_port() {
    let server = server(Limits::default()).await;
    let (mut sender, _connected) = connected(&server).await;
    let response = sender.send_request(get_request("/version")).await;
    assert_eq!(
        text(response.expect("answered").into_body()).await,
        "HTTP/2.0"
    );
    let response = sender.send_request(get_request("/peer")).await;
    assert_eq!(
        text(response.expect("answered").into_body()).await,
        "127.0.0.1"
    );

    let mut old = TcpStream::connect(server.address).await.expect("connects");
    let request = b"GET /version HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";
    old.write_all(request).await.expect("sent");
    assert!(rest(&mut old).await.ends_with("HTTP/1.1"));
}

#[tokio::test]
async fn a_body_larger_than_all_windows_arrives() {
    let server = server(Limits::default()).await;
    let (mut sender, _connected) = connected(&server).await;
    let bytes = 1_900_000;
    let body = Body::from(vec![b'x'; bytes]);
    let request = Request::post("http://test/length")
        .body(body)
        .expect("a request");
    let response = sender.send_request(request).await.expect("answered");
    assert_eq!(text(response.into_body()).await, bytes.to_string());
}

#[tokio::test]
async fn requests_that_have_begun_are_answered_and_idle_connections_are_closed() {
    let server = server(Limits::default()).await;
    let (mut busy, busy_connected) = connected(&server).await;
    let slow = tokio::spawn(busy.send_request(get_request("/slow")));
    server.begun.notified().await;
    let (mut idle, idle_connected) = connected(&server).await;
    let response = idle
        .send_request(get_request("/peer"))
        .await
        .expect("answered");
    text(response.into_body()).await;
    let (_fresh, fresh_connected) = connected(&server).await;

    server.shutdown.trigger();
    idle_connected.await.expect("no panic").expect("a farewell");
    // It has never asked: there is nothing to lose.
    let _ = fresh_connected.await.expect("no panic");
    server.end.notify_one();
    let response = slow.await.expect("no panic").expect("answered");
    assert_eq!(text(response.into_body()).await, "slow");
    busy_connected.await.expect("no panic").expect("a farewell");
    server.task.await.expect("serving ends");
}

#[tokio::test]
async fn an_idle_connection_is_closed_and_a_busy_one_is_not() {
    let server = server(Limits {
        header_read_timeout: Duration::from_millis(20),
        ..Limits::default()
    })
    .await;
    let (mut busy, _connected) = connected(&server).await;
    let slow = tokio::spawn(busy.send_request(get_request("/slow")));
    server.begun.notified().await;
    let (mut idle, idle_connected) = connected(&server).await;
    let response = idle
        .send_request(get_request("/peer"))
        .await
        .expect("answered");
    text(response.into_body()).await;
    idle_connected.await.expect("no panic").expect("a farewell");
    server.end.notify_one();
    assert_eq!(
        slow.await.expect("no panic").expect("answered").status(),
        StatusCode::OK
    );
}

#[tokio::test]
async fn one_connection_has_so_many_requests_under_way() {
    let server = server(Limits {
        streams: 2,
        ..Limits::default()
    })
    .await;
    let mut stream = TcpStream::connect(server.address).await.expect("connects");
    let mut bytes = PREFACE.to_vec();
    for stream in [1, 3, 5] {
        bytes.extend(frame(HEADERS, END_STREAM | END_HEADERS, stream, GET_SLOW));
    }
    stream.write_all(&bytes).await.expect("sent");
    server.begun.notified().await;
    let mut head = [0; 9];
    loop {
        stream.read_exact(&mut head).await.expect("a frame");
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; length as usize];
        stream
            .read_exact(&mut payload)
            .await
            .expect("a whole frame");
        if head[3] == RST_STREAM {
            // The third is refused, and may be sent again.
            assert_eq!((head[8], payload[3]), (5, 7));
            return;
        }
    }
}

#[tokio::test]
async fn a_flood_of_requests_that_are_given_up_ends_the_connection() {
    let server = server(Limits::default()).await;
    let mut stream = TcpStream::connect(server.address).await.expect("connects");
    stream.write_all(PREFACE).await.expect("sent");
    // All at once: they are counted before they are looked at.
    let mut bytes = Vec::new();
    for stream in (1..2_000).step_by(2) {
        bytes.extend(frame(HEADERS, END_STREAM | END_HEADERS, stream, GET_SLOW));
        bytes.extend(frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes()));
    }
    // It may be closed before all are sent.
    let _ = stream.write_all(&bytes).await;
    const ENHANCE_YOUR_CALM: u32 = 11;
    let error = farewell(&mut stream).await;
    assert!(matches!(error, None | Some(ENHANCE_YOUR_CALM)), "{error:?}");

    // One after the other: each is begun before it is given up.
    let mut stream = TcpStream::connect(server.address).await.expect("connects");
    stream.write_all(PREFACE).await.expect("sent");
    let mut sent = 0;
    for id in (1..2_000).step_by(2) {
        let headers = frame(HEADERS, END_STREAM | END_HEADERS, id, GET_SLOW);
        if stream.write_all(&headers).await.is_err() {
            break;
        }
        tokio::select! {
            () = server.begun.notified() => {}
            _ = farewell(&mut stream) => break,
        }
        sent += 1;
        let reset = frame(RST_STREAM, 0, id, &8_u32.to_be_bytes());
        if stream.write_all(&reset).await.is_err() {
            break;
        }
    }
    assert!((100..1_000).contains(&sent), "{sent}");

    // Others are served as ever.
    let (mut sender, _connected) = connected(&server).await;
    let response = sender.send_request(get_request("/peer")).await;
    assert_eq!(response.expect("answered").status(), StatusCode::OK);
}

#[tokio::test]
async fn a_head_without_end_ends_the_connection() {
    let server = server(Limits::default()).await;
    let mut stream = TcpStream::connect(server.address).await.expect("connects");
    stream.write_all(PREFACE).await.expect("sent");
    let begun = frame(HEADERS, END_STREAM, 1, GET_SLOW);
    stream.write_all(&begun).await.expect("sent");
    // A field of 4 KiB, again and again.
    let mut field = b"\x00\x01x\x7f\x81\x1f".to_vec();
    field.extend([b'x'; 4096]);
    let more = frame(CONTINUATION, 0, 1, &field);
    for _ in 0..1_000 {
        if stream.write_all(&more).await.is_err() {
            break;
        }
    }
    let error = farewell(&mut stream).await;
    assert_ne!(error, Some(0), "no farewell as if all were well");
}

#[tokio::test]
async fn a_client_that_is_gone_is_found_out() {
    let server = server(Limits {
        ping_interval: Duration::from_millis(20),
        ..Limits::default()
    })
    .await;
    let mut stream = TcpStream::connect(server.address).await.expect("connects");
    let mut bytes = PREFACE.to_vec();
    bytes.extend(frame(HEADERS, END_STREAM | END_HEADERS, 1, GET_SLOW));
    stream.write_all(&bytes).await.expect("sent");
    server.begun.notified().await;
    // It answers no ping, and a request under way does not save it.
    farewell(&mut stream).await;
    server.shutdown.trigger();
    server.task.await.expect("serving ends");
}
