//! Over TLS.

use std::time::Duration;

use tokio_rustls::client::TlsStream;

use super::certificates::{Certificates, localhost};
use super::*;

async fn secured(limits: Limits) -> (Server, Certificates) {
    let certificates = Certificates::new();
    let tls = certificates.make("school").open().expect("opens");
    (server_with(limits, tls).await, certificates)
}

async fn connect(
    server: &Server,
    certificates: &Certificates,
    protocols: &[&[u8]],
) -> TlsStream<TcpStream> {
    let stream = TcpStream::connect(server.address).await.expect("connects");
    let client = certificates.client("school", protocols);
    client.connect(localhost(), stream).await.expect("agrees")
}

#[tokio::test]
async fn the_handshake_agrees_on_the_version() {
    let (server, certificates) = secured(Limits::default()).await;
    let both: [&[u8]; 2] = [b"http/1.1", b"h2"];
    let stream = connect(&server, &certificates, &both).await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (mut sender, _connected) = http2::client(stream).await;
    let response = sender.send_request(http2::get_request("/version")).await;
    let body = response.expect("answered").into_body();
    assert_eq!(http2::text(body).await, "HTTP/2.0");

    for protocols in [&[][..], &[&b"http/1.1"[..]][..]] {
        let mut stream = connect(&server, &certificates, protocols).await;
        let request = b"GET /version HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";
        stream.write_all(request).await.expect("sent");
        let mut answer = String::new();
        stream
            .read_to_string(&mut answer)
            .await
            .expect("a whole answer");
        assert!(answer.ends_with("HTTP/1.1"), "{answer}");
    }
}

#[tokio::test]
async fn who_does_not_agree_keeps_nobody_waiting() {
    let (server, certificates) = secured(Limits {
        handshake_timeout: Duration::from_millis(50),
        ..Limits::default()
    })
    .await;
    let mut silent = TcpStream::connect(server.address).await.expect("connects");
    let mut plain = TcpStream::connect(server.address).await.expect("connects");
    ask(&mut plain, "/peer").await;
    let mut stream = connect(&server, &certificates, &[]).await;
    stream
        .write_all(b"GET /slow HTTP/1.1\r\nHost: test\r\n\r\n")
        .await
        .expect("sent");
    server.begun.notified().await;
    assert!(!rest(&mut plain).await.contains("127.0.0.1"));
    assert_eq!(rest(&mut silent).await, "");

    server.shutdown.trigger();
    server.end.notify_one();
    let mut answer = String::new();
    stream
        .read_to_string(&mut answer)
        .await
        .expect("a whole answer");
    assert!(answer.ends_with("slow"), "{answer}");
    server.task.await.expect("serving ends");
}
