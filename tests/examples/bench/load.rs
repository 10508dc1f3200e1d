//! A sender that costs little beside what it measures: requests are laid out
//! once, then only ids and students are written over.

use std::ops::AddAssign;
use std::time::{Duration, Instant};

use e2e::Sandbox;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::latency::Latencies;
use crate::statements;

/// Events in a request, unless it is said otherwise.
pub const EVENTS: usize = 20;
/// Bytes of an event, without the comma behind it.
pub const EVENT_BYTES: usize = 786;

/// Connections of a load that is not [steady](Load::steady), each with one request
/// under way at a time.
pub const CONNECTIONS: u64 = 64;

/// The id of every event that is laid out.
pub const ID: &str = "0197c3b2-0000-7000-8000-000000000000";
/// The student of every event that is laid out.
pub const STUDENT: &str = "stu-000000";
const STUDENTS: u64 = 20_000;
/// The section of every event that is laid out and has one.
const SECTION: &str = r#""section":"bio-101-03","#;

/// What to send, and how hard.
#[derive(Clone)]
pub struct Load {
    /// `host:port` of the front door.
    pub host: String,
    /// What the front door is asked and answers.
    pub door: Door,
    /// Write keys, of which each request uses the next.
    pub keys: Vec<String>,
    /// What is in a request.
    pub events: Events,
    /// Events in a request; of [`Events::Mixed`] always [`EVENTS`].
    pub size: usize,
    /// Connections, each with one request under way at a time.
    pub connections: u64,
    /// For how long.
    pub duration: Duration,
    /// How many events at most, about.
    pub most: u64,
    /// Requests a second over all connections; as many as possible if `None`.
    pub pace: Option<f64>,
    /// Whether to go on when a request is not taken, a moment later and with others.
    pub persistent: bool,
    /// Distinguishes the ids of different loads.
    pub series: u16,
}

/// A front door's way of taking events.
#[derive(Debug, Clone, Copy)]
pub struct Door {
    /// Where it takes them.
    pub path: &'static str,
    /// What stands before a key in `Authorization`.
    pub scheme: &'static str,
    /// Further lines of a request's head, with their ends.
    pub headers: &'static str,
    /// The status that says that all events of a request are taken.
    pub taken: u16,
}

impl Door {
    /// Of our own events.
    pub const EVENTS: Self = Self {
        path: "/v1/events",
        scheme: "Bearer",
        headers: "",
        taken: 202,
    };
    /// Of xAPI's statements; a key is user and password, in base64.
    pub const STATEMENTS: Self = Self {
        path: "/xapi/statements",
        scheme: "Basic",
        headers: "x-experience-api-version: 1.0.3\r\n",
        taken: 200,
    };
}

/// What a request holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Events {
    /// Clicks of [`EVENT_BYTES`].
    Clicks,
    /// Such clicks that name a course and no section.
    Unplaced,
    /// Of all families: 12 such clicks, 6 stretches of video, 2 answers.
    Mixed,
    /// xAPI statements about videos.
    Statements,
}

/// What was acknowledged.
#[derive(Default)]
pub struct Sent {
    /// Events answered `accepted`.
    pub events: u64,
    /// From request to answer.
    pub latencies: Latencies,
}

impl AddAssign for Sent {
    fn add_assign(&mut self, other: Self) {
        self.events += other.events;
        self.latencies += other.latencies;
    }
}

impl Load {
    /// Clicks of the sandbox's tenant, as fast as 64 connections can.
    pub fn of(sandbox: &Sandbox, seconds: u64, series: u16) -> Self {
        let url = sandbox.address().ingest;
        Self {
            host: url.strip_prefix("http://").expect("http").to_owned(),
            door: Door::EVENTS,
            keys: vec![sandbox.tenant.key.clone()],
            events: Events::Clicks,
            size: EVENTS,
            connections: CONNECTIONS,
            duration: Duration::from_secs(seconds),
            most: u64::MAX,
            pace: None,
            persistent: false,
            series,
        }
    }

    /// The same at so many events a second, over no more connections than that
    /// takes: one for 1,250.
    #[must_use]
    pub fn steady(self, events_per_second: f64) -> Self {
        Self {
            connections: (events_per_second / 1_250.0).ceil() as u64,
            pace: Some(events_per_second / EVENTS as f64),
            ..self
        }
    }

    /// Sends, and waits for the last answer.
    ///
    /// # Panics
    /// When an answer is not the one that takes all, unless it is [persistent](Load::persistent).
    pub async fn run(&self) -> Sent {
        let mut connections = JoinSet::new();
        for connection in 0..self.connections {
            connections.spawn(self.clone().connection(connection));
        }
        let mut sent = Sent::default();
        while let Some(done) = connections.join_next().await {
            sent += done.expect("a connection does not fail");
        }
        sent
    }

    async fn connection(self, connection: u64) -> Sent {
        let mut stream = TcpStream::connect(&self.host)
            .await
            .expect("ingest listens");
        stream.set_nodelay(true).expect("a socket");
        let events = self.events.lay_out(self.size);
        let requests = self.keys.iter();
        let mut requests: Vec<_> = requests
            .map(|key| Request::new(&self.host, self.door, key, &events))
            .collect();
        let taken = format!("HTTP/1.1 {} ", self.door.taken);
        let mut answer = Vec::new();
        let mut sent = Sent::default();
        let start = Instant::now();
        let interval = self
            .pace
            .map(|pace| Duration::from_secs_f64(self.connections as f64 / pace));
        // High enough that no two connections meet.
        let mut number = (connection + (u64::from(self.series) << 12)) << 32;
        for round in 0_u32.. {
            if let Some(interval) = interval {
                tokio::time::sleep_until((start + interval * round).into()).await;
            }
            if start.elapsed() >= self.duration || sent.events >= self.most / self.connections {
                break;
            }
            // Over all connections every key has its turn.
            let turn = u64::from(round) * self.connections + connection;
            let turn = turn % requests.len() as u64;
            let request = &mut requests[turn as usize];
            request.number(number);
            number += events.len() as u64;
            let asked = Instant::now();
            stream
                .write_all(&request.bytes)
                .await
                .expect("a connection");
            read_answer(&mut stream, &mut answer).await;
            sent.latencies.add(asked.elapsed());
            let head = &answer[..answer.len().min(200)];
            let text = String::from_utf8_lossy(head);
            if self.persistent && !text.starts_with(&taken) {
                tokio::time::sleep(Duration::from_millis(100)).await;
                stream = TcpStream::connect(&self.host)
                    .await
                    .expect("ingest listens");
                continue;
            }
            assert!(text.starts_with(&taken), "{text}");
            sent.events += events.len() as u64;
        }
        sent
    }
}

/// A whole HTTP request whose events can be renumbered in place.
struct Request {
    bytes: Vec<u8>,
    ids: Vec<usize>,
    students: Vec<usize>,
}

impl Request {
    fn new(host: &str, door: Door, key: &str, events: &[String]) -> Self {
        let Door {
            path,
            scheme,
            headers,
            ..
        } = door;
        let body = format!("[{}]", events.join(","));
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: {scheme} {key}\r\n\
             {headers}content-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let places = |text: &str| {
            let found = body.match_indices(text);
            found.map(|(place, _)| head.len() + place).collect()
        };
        Self {
            ids: places(ID),
            students: places(STUDENT),
            bytes: (head.clone() + &body).into_bytes(),
        }
    }

    /// Gives its events the numbers from `first` on.
    fn number(&mut self, first: u64) {
        for (number, (id, student)) in (first..).zip(self.ids.iter().zip(&self.students)) {
            // The last 16 hexadecimal digits, less the variant and a hyphen.
            let high = format!("{:03x}", number >> 48 & 0xfff);
            let low = format!("{:012x}", number & 0xffff_ffff_ffff);
            self.bytes[id + 20..id + 23].copy_from_slice(high.as_bytes());
            self.bytes[id + 24..id + 36].copy_from_slice(low.as_bytes());
            let who = format!("{:06}", number.wrapping_mul(2_654_435_761) % STUDENTS);
            self.bytes[student + 4..student + 10].copy_from_slice(who.as_bytes());
        }
    }
}

impl Events {
    /// Those of a request, all with one id and one student.
    fn lay_out(self, size: usize) -> Vec<String> {
        match self {
            Self::Clicks => vec![click(); size],
            Self::Unplaced => vec![click().replace(SECTION, ""); size],
            Self::Mixed => [vec![click(); 12], vec![video(); 6], vec![answer(); 2]].concat(),
            Self::Statements => statements::lay_out(size),
        }
    }
}

/// A click as a web LMS sends it, filled up to [`EVENT_BYTES`].
fn click() -> String {
    let with = |note: String| {
        let data = json!({
            "url": "https://lms.example/courses/bio-101/units/4/pages/cell-division",
            "referrer": "https://lms.example/courses/bio-101/units/4",
            "element": "button.next", "target": "page-18", "value": "next", "count": 1,
            "viewport": {"width": 1440, "height": 900}, "scroll_depth": 0.85, "note": note,
        });
        event("element.clicked", &data)
    };
    let missing = EVENT_BYTES - with(String::new()).len();
    with("x".repeat(missing))
}

/// Fifteen seconds of a video.
fn video() -> String {
    let data = json!({"from": 61.0, "to": 76.0, "duration": 412.5, "rate": 1.25});
    event("video.progressed", &data)
}

/// An answer to an item.
fn answer() -> String {
    let data = json!({
        "assessment": "quiz-3", "item": "q7", "attempt": 1, "response": "b", "correct": true,
        "score": 1.0, "max_score": 1.0, "duration": 12.25,
    });
    event("item.answered", &data)
}

fn event(kind: &str, data: &Value) -> String {
    json!({
        "id": ID, "type": kind, "time": "2025-09-14T10:00:00.123Z",
        "actor": STUDENT, "session": "9f2c4e1ab7",
        "course": "bio-101", "section": "bio-101-03", "content": "bio-101/cell-division",
        "content_version": 3,
        "context": {"app": "web-lms", "platform": "web", "locale": "en-GB"},
        "data": data,
    })
    .to_string()
}

async fn read_answer(stream: &mut TcpStream, answer: &mut Vec<u8>) {
    answer.clear();
    loop {
        let read = stream.read_buf(answer).await.expect("a connection");
        assert!(read > 0, "closed after {}", String::from_utf8_lossy(answer));
        let Some(head) = answer.windows(4).position(|w| w == b"\r\n\r\n") else {
            continue;
        };
        let length: usize = String::from_utf8_lossy(&answer[..head])
            .to_ascii_lowercase()
            .lines()
            .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok())
            .expect("answers say their length");
        if answer.len() >= head + 4 + length {
            return;
        }
    }
}
