//! The front door over real sockets: clients that are slow, silent, gone or lie.

use std::time::Duration;

use ingest::Config;
use rstest::rstest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::house::{House, click, id};

/// Long enough for a machine under load, short enough to wait for.
const SILENCE: Duration = Duration::from_millis(300);

fn impatient() -> Config {
    Config {
        chunk_timeout_ms: 300,
        ..Config::default()
    }
}

/// The head of a request with these lines beside its key.
fn head(house: &House, lines: &str) -> String {
    let key = &house.key;
    format!("POST /v1/events HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {key}\r\n{lines}\r\n")
}

fn with_length(house: &House, length: usize, body: &str) -> String {
    head(house, &format!("Content-Length: {length}\r\n")) + body
}

fn post(house: &House, n: u64) -> String {
    let body = click(n).to_string();
    with_length(house, body.len(), &body)
}

struct Client {
    stream: TcpStream,
    /// What was received after the last answer.
    ahead: String,
}

impl Client {
    async fn new(house: &House) -> Self {
        Self::at(house.serve().await).await
    }

    async fn at(address: std::net::SocketAddr) -> Self {
        Self {
            stream: TcpStream::connect(address).await.expect("connects"),
            ahead: String::new(),
        }
    }

    async fn send(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.expect("sent");
    }

    /// The status of the next answer.
    async fn status(&mut self) -> u16 {
        let mut buffer = [0; 4096];
        loop {
            if let Some((head, body)) = self.ahead.split_once("\r\n\r\n") {
                let mut lines = head.lines();
                let length = lines.find_map(|line| line.strip_prefix("content-length: "));
                let length: usize = length.expect("a length").parse().expect("a number");
                if let Some(next) = body.get(length..) {
                    let status = head[9..12].parse().expect("a status");
                    self.ahead = next.to_owned();
                    return status;
                }
            }
            let read = self.stream.read(&mut buffer).await.expect("an answer");
            assert!(read > 0, "closed after {:?}", self.ahead);
            self.ahead += &String::from_utf8_lossy(&buffer[..read]);
        }
    }

    /// Everything until the end of the connection, however it comes.
    async fn rest(&mut self) -> String {
        let mut bytes = Vec::new();
        let _ = self.stream.read_to_end(&mut bytes).await;
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

fn statuses(answers: &str) -> Vec<&str> {
    answers
        .match_indices("HTTP/1.1 ")
        .map(|(at, _)| &answers[at + 9..at + 12])
        .collect()
}

#[rstest]
#[case::nothing(1_000, "")]
#[case::a_part(1_000, "[")]
#[tokio::test]
async fn who_declares_more_than_it_sends_is_not_waited_for(
    #[case] length: usize,
    #[case] body: &str,
) {
    let house = House::with_config(impatient()).await;
    let mut client = Client::new(&house).await;
    client.send(&with_length(&house, length, body)).await;
    let answer = client.rest().await;
    assert_eq!(statuses(&answer), ["408"], "{answer}");
    assert!(
        answer.contains("body_timeout") && answer.contains("connection: close"),
        "{answer}"
    );
}

#[rstest]
#[case::with_length("Content-Length: 100000\r\n", "x")]
#[case::in_chunks("Transfer-Encoding: chunked\r\n", "1\r\nx\r\n")]
#[tokio::test]
async fn a_body_that_comes_drop_by_drop_is_not_waited_for(#[case] lines: &str, #[case] drop: &str) {
    // Never silent for long, and slower than 1,000 bytes a second.
    let house = House::with_config(Config {
        body_timeout_ms: 60_000,
        ..impatient()
    })
    .await;
    let mut client = Client::new(&house).await;
    client.send(&head(&house, lines)).await;
    let (mut reading, mut writing) = client.stream.into_split();
    let drops = tokio::spawn({
        let drop = drop.to_owned();
        async move {
            while writing.write_all(drop.as_bytes()).await.is_ok() {
                tokio::time::sleep(SILENCE / 10).await;
            }
        }
    });
    let mut bytes = Vec::new();
    let _ = reading.read_to_end(&mut bytes).await;
    let answer = String::from_utf8_lossy(&bytes);
    assert_eq!(statuses(&answer), ["408"], "{answer}");
    drops.await.expect("the connection is closed");
}

#[tokio::test]
async fn a_body_in_chunks_has_the_same_largest_size() {
    let house = House::with_config(Config {
        max_compressed_bytes: 1_000,
        max_body_bytes: 10_000,
        ..Config::default()
    })
    .await;
    let mut client = Client::new(&house).await;
    client
        .send(&head(&house, "Transfer-Encoding: chunked\r\n"))
        .await;
    let chunk = format!("3e8\r\n{}\r\n", " ".repeat(1_000));
    // Endless as far as the server can tell.
    for _ in 0..1_000 {
        if client.stream.write_all(chunk.as_bytes()).await.is_err() {
            break;
        }
    }
    let answer = client.rest().await;
    // The answer may be lost with the bytes that were still coming.
    assert!(matches!(statuses(&answer)[..], ["413"] | []), "{answer}");
    assert!(house.records().await.is_empty());
}

#[rstest]
#[case::another_length("Content-Length: 4\r\nContent-Length: 5\r\n", "null\n", &["400"])]
#[case::no_number("Content-Length: +4\r\n", "null", &["400"])]
#[case::too_large("Content-Length: 99999999999999999999999\r\n", "null", &["400"])]
#[case::unknown_coding("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n", &["400"])]
#[case::no_chunk("Transfer-Encoding: chunked\r\n", "zz\r\n", &["400"])]
#[tokio::test]
async fn a_length_that_is_none_is_refused_and_the_connection_closed(
    #[case] lines: &str,
    #[case] body: &str,
    #[case] expected: &[&str],
) {
    let house = House::new().await;
    let mut client = Client::new(&house).await;
    // Whatever follows is not taken for another request.
    let text = head(&house, lines) + body + &post(&house, 1);
    client.send(&text).await;
    assert_eq!(statuses(&client.rest().await), expected);
    assert!(house.records().await.is_empty());
}

#[tokio::test]
async fn what_follows_a_body_that_is_too_short_is_no_event() {
    let house = House::new().await;
    let mut client = Client::new(&house).await;
    let body = click(1).to_string();
    client.send(&with_length(&house, 10, &body)).await;
    let answers = client.rest().await;
    assert_eq!(statuses(&answers), ["400", "400"], "{answers}");
    assert!(house.records().await.is_empty());
}

#[tokio::test]
async fn a_request_of_both_lengths_is_read_in_chunks_and_is_the_last() {
    let house = House::new().await;
    let mut client = Client::new(&house).await;
    let event = click(1).to_string();
    let chunked = format!("{:x}\r\n{event}\r\n0\r\n\r\n", event.len());
    let lines = "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n";
    // A proxy that counts differently may take what follows for somebody else's.
    let text = head(&house, lines) + &chunked + &post(&house, 2);
    client.send(&text).await;
    let answers = client.rest().await;
    // The answer may be lost with the bytes that were not read.
    assert!(matches!(statuses(&answers)[..], ["202"] | []), "{answers}");
    let events = house.events().await;
    assert!(events.iter().all(|event| event.id.to_string() == id(1)));
    assert_eq!(events.len(), 1);
}

#[tokio::test]
async fn requests_may_follow_each_other_without_waiting() {
    let house = House::new().await;
    let mut client = Client::new(&house).await;
    let close = head(&house, "Connection: close\r\nContent-Length: 4\r\n") + "null";
    let text: String = (1..=5).map(|n| post(&house, n)).collect();
    client.send(&(text + &close)).await;
    let answers = client.rest().await;
    assert_eq!(
        statuses(&answers),
        ["202", "202", "202", "202", "202", "400"]
    );
    assert_eq!(house.events().await.len(), 5);
}

#[tokio::test]
async fn who_goes_in_the_middle_of_a_body_stores_nothing() {
    let house = House::new().await;
    let address = house.serve().await;
    let event = click(1).to_string();
    for half in [false, true] {
        let mut client = Client::at(address).await;
        client
            .send(&with_length(&house, event.len() + 1, &event))
            .await;
        if half {
            // It sends no more, and would read on.
            client.stream.shutdown().await.expect("is open");
            let answer = client.rest().await;
            assert!(!answer.contains("accepted"), "{answer}");
        }
    }
    let mut client = Client::at(address).await;
    client.send(&post(&house, 2)).await;
    assert_eq!(client.status().await, 202);
    assert_eq!(house.events().await.len(), 1);
}

#[tokio::test]
async fn who_declares_much_and_sends_little_keeps_nobody_out() {
    // Room for five of the largest bodies.
    let house = House::new().await;
    let largest = Config::default().max_body_bytes;
    let address = house.serve().await;
    let mut flood = Vec::new();
    for begun in ["", "[", "[{\"id\": "].into_iter().cycle().take(150) {
        let mut client = Client::at(address).await;
        client.send(&with_length(&house, largest, begun)).await;
        flood.push(client);
    }
    // All have begun when their connections' heads are read, which this one follows.
    for n in 0..20 {
        let mut client = Client::at(address).await;
        client.send(&post(&house, n)).await;
        assert_eq!(client.status().await, 202);
    }
    assert_eq!(house.events().await.len(), 20);
    drop(flood);
}
