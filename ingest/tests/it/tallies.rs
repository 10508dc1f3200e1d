//! What was answered is in the log, counted once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use ingest::{Config, Ingest};
use runtime::{Health, Shutdown};
use schemas::headers;
use schemas::tally::Tally;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::house::{House, click, now};

/// The tallies in the log.
async fn tallies(house: &House) -> Vec<Tally> {
    let records = house.records().await;
    records
        .iter()
        .filter(|record| record.headers.get(headers::KIND) == Some(b"tally"))
        .map(|record| {
            assert_eq!(record.key, "demo/_tally");
            assert_eq!(record.headers.get(headers::TENANT), Some(&b"demo"[..]));
            assert!(record.headers.get(headers::RECEIVED_AT).is_some());
            serde_json::from_slice(&record.value).expect("a tally")
        })
        .collect()
}

async fn post(address: std::net::SocketAddr, path: &str, key: &str, body: &Value) -> String {
    let mut stream = TcpStream::connect(address).await.expect("connects");
    let body = body.to_string();
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\n\
         x-experience-api-version: 1.0.3\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.expect("writes");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("reads");
    answer
}

#[tokio::test]
async fn outcomes_are_counted_once_by_minute_and_the_last_ones_at_the_shutdown() {
    let house = House::new().await;
    let health = Health::new();
    let ingest = Ingest::new(
        Config::default(),
        Arc::clone(&house.log),
        house.registry.clone(),
        house.clock.clone(),
        &health,
    );
    let shutdown = Shutdown::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let address = listener.local_addr().expect("an address");
    let running = tokio::spawn(ingest.run(listener, shutdown.clone()));

    let mut late = click(3);
    late["time"] = json!("2026-09-14");
    let batch = json!([click(1), click(2), click(1), late, {"type": "x"}]);
    let answer = post(address, "/v1/events", &house.key, &batch).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(health.is_ready());

    // The minute is over: it comes without a shutdown.
    house.clock.set(now() + TimeDelta::minutes(1));
    while tallies(&house).await.is_empty() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let answer = post(address, "/v1/events", &house.key, &click(4)).await;
    assert!(answer.starts_with("HTTP/1.1 202 Accepted"), "{answer}");
    let statement = json!({
        "actor": {"mbox": "mailto:ann@school.example"},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/attended"},
        "object": {"id": "https://lms.example/meetings/3"},
    });
    let batch = json!([statement, {}]);
    let answer = post(address, "/xapi/statements", &house.key, &batch).await;
    assert!(answer.starts_with("HTTP/1.1 400 Bad Request"), "{answer}");
    assert_eq!(shutdown.finish(Duration::from_secs(30)).await, [""; 0]);
    running.await.expect("ends");

    let mut sums = BTreeMap::new();
    let tallies = tallies(&house).await;
    assert!(tallies.iter().all(|tally| tally.node == tallies[0].node));
    for tally in tallies {
        for count in tally.counts {
            let family = count.family.map_or("none", schemas::Family::as_str);
            let minute = (tally.minute - now()).num_minutes();
            let what = format!(
                "{minute} {family} {} {}",
                count.outcome,
                count.reason.unwrap_or_default()
            );
            *sums.entry(what).or_insert(0) += count.events;
        }
    }
    let expected = [
        ("0 clickstream accepted ", 2),
        ("0 clickstream duplicate ", 1),
        ("0 clickstream rejected time_without_offset", 1),
        ("0 none rejected unknown_type", 1),
        ("1 clickstream accepted ", 1),
        ("1 clickstream rejected batch_refused", 1),
        ("1 none rejected missing_member", 1),
    ];
    let expected: BTreeMap<_, _> = expected.map(|(what, n)| (what.to_owned(), n)).into();
    assert_eq!(sums, expected);
}
