//! What the sender is told when the log does not take a record.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use eventlog::{AppendError, EventLog, LogId, Position, ReadError, Reader, Receipt, Record};
use ingest::{Config, Ingest};
use runtime::{Condition, Health, Shutdown};
use schemas::headers;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower::ServiceExt;

use crate::house::{House, click};

/// Answers each record by what its bytes contain; notices of rosters it does not take.
struct Faulty {
    id: LogId,
    trouble: Mutex<Option<String>>,
    backlog: Mutex<Option<String>>,
}

impl Faulty {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            id: LogId::new("faulty"),
            trouble: Mutex::default(),
            backlog: Mutex::default(),
        })
    }

    fn set_trouble(&self, trouble: Option<&str>) {
        *self.trouble.lock().expect("not poisoned") = trouble.map(str::to_owned);
    }

    fn set_backlog(&self, backlog: Option<&str>) {
        *self.backlog.lock().expect("not poisoned") = backlog.map(str::to_owned);
    }
}

#[async_trait]
impl EventLog for Faulty {
    fn id(&self) -> &LogId {
        &self.id
    }

    fn partitions(&self) -> u32 {
        1
    }

    async fn append(&self, records: Vec<Record>) -> Vec<Result<Receipt, AppendError>> {
        let answer = |record: Record| {
            let text = String::from_utf8_lossy(&record.value).into_owned();
            assert!(!text.contains("panic"), "a defect, made for the test");
            let kind = record.headers.get(headers::KIND);
            if kind.is_some_and(|kind| kind == headers::kind::ROSTER_UPLOADED.as_bytes()) {
                Err(AppendError::Full)
            } else if text.contains("too-large") {
                Err(AppendError::TooLarge {
                    size: 2_000_000,
                    limit: 1_000_000,
                })
            } else if text.contains("full") {
                Err(AppendError::Full)
            } else if text.contains("unknown") {
                Err(AppendError::Unknown("no answer".into()))
            } else if text.contains("spooled") {
                Ok(Receipt::Spooled)
            } else {
                Ok(Receipt::Stored(Position {
                    partition: 0,
                    offset: 0,
                }))
            }
        };
        records.into_iter().map(answer).collect()
    }

    async fn read(&self, partition: u32, _: u64) -> Result<Box<dyn Reader>, ReadError> {
        Err(ReadError::NoPartition(partition))
    }

    async fn head(&self, _: u32) -> Result<u64, ReadError> {
        Ok(0)
    }

    async fn tail(&self, _: u32) -> Result<u64, ReadError> {
        Ok(0)
    }

    fn trouble(&self) -> Option<String> {
        self.trouble.lock().expect("not poisoned").clone()
    }

    fn backlog(&self) -> Option<String> {
        self.backlog.lock().expect("not poisoned").clone()
    }

    async fn close(&self) {
        tokio::time::sleep(Duration::ZERO).await;
    }
}

/// A house whose log takes a record or not by the words that it holds.
pub async fn house() -> House {
    House::with_log(Faulty::new()).await
}

fn fated(n: u64, fate: &str) -> serde_json::Value {
    let mut event = click(n);
    event["course"] = json!(fate);
    event
}

#[tokio::test]
async fn each_event_is_answered_for_itself() {
    let reply = house()
        .await
        .post(&json!([
            fated(1, "fine"),
            fated(2, "full"),
            fated(3, "too-large"),
            fated(4, "unknown"),
            fated(2, "full"),
            fated(3, "too-large"),
            {"type": "x"},
        ]))
        .await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(
        reply.outcomes(),
        [
            "accepted",
            "retry",
            "event_too_large /2",
            "retry",
            "retry",
            "event_too_large /5",
            "unknown_type /6/type",
        ]
    );
    assert_eq!(reply.body["retry"], 3);
    let seconds: u64 = reply.header("retry-after").parse().expect("seconds");
    assert!((2..=4).contains(&seconds), "{seconds}");
}

#[tokio::test]
async fn what_only_the_spool_has_is_accepted_and_says_so() {
    let house = house().await;
    let events = [
        fated(1, "fine"),
        fated(2, "spooled"),
        fated(2, "spooled"),
        fated(3, "spooled"),
    ];
    let reply = house.post(&json!(events)).await;
    assert_eq!(reply.status, StatusCode::ACCEPTED);
    let outcomes = ["accepted", "accepted", "duplicate", "accepted"];
    assert_eq!(reply.outcomes(), outcomes);
    assert_eq!(
        (&reply.body["accepted"], &reply.body["spooled"]),
        (&json!(3), &json!(2))
    );
    let results = reply.body["results"].as_array().expect("a row for each");
    let spooled: Vec<_> = results.iter().map(|row| row["spooled"] == true).collect();
    assert_eq!(spooled, [false, true, false, true]);
    // Who is not concerned reads nothing of it.
    let reply = house.post(&json!([fated(4, "fine")])).await;
    assert_eq!(reply.body.get("spooled"), None);
    assert_eq!(reply.body["results"][0].get("spooled"), None);
}

#[tokio::test]
async fn when_all_may_be_sent_again_the_status_says_so() {
    let reply = house()
        .await
        .post(&json!([fated(1, "full"), fated(2, "unknown")]))
        .await;
    assert_eq!(
        (reply.status, reply.code()),
        (StatusCode::SERVICE_UNAVAILABLE, "log_unavailable")
    );
    assert_eq!(reply.body["retry"], 2);
    // Nothing is under way: at the earliest, some a little later than others.
    let seconds: u64 = reply.header("retry-after").parse().expect("seconds");
    assert!((2..=4).contains(&seconds), "{seconds}");
}

#[tokio::test]
async fn a_defect_is_answered_and_the_door_stays_open() {
    let house = house().await;
    let reply = house.post(&fated(1, "panic")).await;
    assert_eq!(
        (reply.status, reply.code()),
        (StatusCode::INTERNAL_SERVER_ERROR, "internal")
    );
    assert_eq!(
        house.post(&fated(2, "fine")).await.status,
        StatusCode::ACCEPTED
    );
}

#[tokio::test]
async fn the_log_is_ready_when_it_takes_events() {
    let log = Faulty::new();
    let house = House::with_log(log.clone()).await;
    let (health, shutdown) = (Health::new(), Shutdown::new());
    let ingest = Ingest::new(
        Config::default(),
        log.clone(),
        house.registry.clone(),
        house.clock.clone(),
        &health,
    );
    assert!(health.unready().contains_key("log"));
    let door = ingest.router();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let running = tokio::spawn(ingest.run(listener, shutdown.clone()));
    let becomes = async |expected: Condition| {
        let log = || {
            let mut components = health.components().into_iter();
            components.find(|component| component.name == "log")
        };
        while log().expect("is there").condition != expected {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    for trouble in [None, Some("the disk is full"), None] {
        log.set_trouble(trouble);
        let not_ready = trouble.map(|trouble| Condition::NotReady(trouble.to_owned()));
        becomes(not_ready.unwrap_or(Condition::Ready)).await;
    }

    // What the log says of itself is not all: what it takes counts.
    let post = async |events: Value| {
        let request = Request::post("/v1/events")
            .header("authorization", format!("Bearer {}", house.key))
            .body(Body::from(events.to_string()))
            .expect("a request");
        door.clone()
            .oneshot(request)
            .await
            .expect("answers")
            .status()
    };
    let told = "the log took none of the last events: the log did not answer in time: no answer";
    while health.unready().get("log").map(String::as_str) != Some(told) {
        assert_eq!(post(fated(1, "unknown")).await, 503);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(post(fated(2, "fine")).await, 202);
    becomes(Condition::Ready).await;

    log.set_backlog(Some("2 wait"));
    becomes(Condition::Degraded("2 wait".to_owned())).await;
    assert!(health.is_ready());
    log.set_backlog(None);
    becomes(Condition::Ready).await;
    assert_eq!(shutdown.finish(Duration::from_secs(30)).await, [""; 0]);
    running.await.expect("ends");
}

#[tokio::test]
async fn statements_are_all_to_be_sent_again() {
    let house = house().await;
    let statement = |fate: &str| {
        json!({
            "actor": {"mbox": "mailto:ann@school.example"},
            "verb": {"id": "http://adlnet.gov/expapi/verbs/attended"},
            "object": {"id": format!("https://lms.example/{fate}")},
        })
    };
    let reply = house
        .state(&json!([statement("good"), statement("full")]))
        .await;
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(reply.code(), "log_unavailable");
    assert_eq!(
        (&reply.body["accepted"], &reply.body["retry"]),
        (&json!(1), &json!(1))
    );
}
