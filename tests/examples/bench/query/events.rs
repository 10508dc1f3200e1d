//! The events of two terms of a district, so many of them, posted at the front door.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use e2e::Client;
use futures::StreamExt as _;
use futures::stream;
use simulate::{EventOptions, Events, Semester, World};
use tokio::sync::mpsc;

/// Events in a request.
const SIZE: usize = 500;
/// Requests under way at a time.
const REQUESTS: usize = 8;
/// Requests that wait to be sent.
const AHEAD: usize = 16;

/// Posts about so many events of the world's two semesters, and says how many they were.
///
/// They are drawn by student and day: of a day that is drawn all that a student did is
/// there, of any other nothing. The same are drawn each time.
///
/// # Panics
/// When one of them is refused.
pub async fn post(client: &Client, world: World, events: u64) -> u64 {
    let (sender, receiver) = mpsc::channel(AHEAD);
    let drawing = tokio::task::spawn_blocking(move || draw(&world, events, &sender));
    let requests = stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|lines| (lines, receiver))
    });
    let send = |lines| send(client, lines);
    requests.for_each_concurrent(REQUESTS, send).await;
    drawing.await.expect("drawing does not fail")
}

/// Sends one request until it is taken.
async fn send(client: &Client, lines: Vec<u8>) {
    loop {
        let headers = [("content-type", "application/x-ndjson")];
        let reply = client.post_body(&headers, lines.clone()).await;
        match reply.status {
            202 => return,
            429 | 503 => tokio::time::sleep(Duration::from_millis(500)).await,
            status => panic!("{status}: {}", reply.text()),
        }
    }
}

/// Hands over requests of about so many events; how many there were.
fn draw(world: &World, events: u64, to: &mpsc::Sender<Vec<u8>>) -> u64 {
    let semesters = Semester::ALL.map(|of| Events::new(world, &EventOptions::of(of)));
    let all: u64 = semesters.iter().map(Events::estimate).sum();
    let share = events as f64 / all as f64;
    let (mut line, mut lines) = (Vec::new(), Vec::new());
    let (mut drawn, mut held) = (0, 0);
    for mut semester in semesters {
        while semester.next_line(&mut line).is_some() {
            if is_drawn(&line, share) {
                lines.extend_from_slice(&line);
                held += 1;
            }
            line.clear();
            if held == SIZE {
                drawn += held as u64;
                held = 0;
                to.blocking_send(std::mem::take(&mut lines))
                    .expect("somebody sends them");
            }
        }
    }
    if held > 0 {
        to.blocking_send(lines).expect("somebody sends them");
    }
    drawn + held as u64
}

/// Whether the day of the student is drawn that a line is of, as that share of them is.
fn is_drawn(line: &[u8], share: f64) -> bool {
    // What is looked for stands at the beginning of each line.
    let head = String::from_utf8_lossy(&line[..line.len().min(200)]);
    let member = |name: &str| {
        let (_, value) = head.split_once(name).expect("a simulated event");
        value.split('"').next().unwrap_or_default()
    };
    let day = &member(r#""time":""#)[..10];
    let mut hasher = DefaultHasher::new();
    (member(r#""actor":""#), day).hash(&mut hasher);
    (hasher.finish() as f64) < share * u64::MAX as f64
}
