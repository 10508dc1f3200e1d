//! A sender that never gives up and remembers what it was promised.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::task::JoinSet;

use crate::trial::scale;
use crate::{Client, event, until};

/// Batches grow with the number of ids, so that a load of many does not last
/// as many times as long.
const LARGEST_SCALE: usize = 25;

/// Events in a batch at most, before it grows.
const LARGEST_BATCH: usize = 60;

/// How many times larger batches are than with the usual number of ids.
fn growth() -> usize {
    (scale() as usize).min(LARGEST_SCALE)
}

/// The numbers of the events that were answered `accepted` or `duplicate`.
pub type Acked = BTreeSet<u64>;

/// Sends events by number over several connections, each batch until it is
/// acknowledged, through whatever happens to the receiver.
pub struct Load {
    senders: JoinSet<()>,
    state: Arc<State>,
}

struct State {
    /// What to send, in this order.
    numbers: Vec<u64>,
    make: fn(u64) -> Value,
    /// The place in it of the first that nobody has taken.
    next: AtomicUsize,
    abandoned: AtomicBool,
    /// How long each connection rests between batches.
    rest: Duration,
    acked: Mutex<Acked>,
}

impl Load {
    /// Starts sending the events with these numbers.
    pub fn start(client: &Client, numbers: Range<u64>, connections: usize) -> Self {
        Self::start_resting(client, numbers, connections, Duration::ZERO)
    }

    /// As [`Load::start`], but each connection rests after each batch, for a load
    /// that lasts.
    pub fn start_resting(
        client: &Client,
        numbers: Range<u64>,
        connections: usize,
        rest: Duration,
    ) -> Self {
        Self::start_of(client, numbers.collect(), event::nth, connections, rest)
    }

    /// As [`Load::start`], but the connections rest as long as makes the load last so
    /// long; longer where the receiver does not take it all at once.
    pub fn start_lasting(
        client: &Client,
        numbers: Range<u64>,
        connections: usize,
        duration: Duration,
    ) -> Self {
        let count = (numbers.end - numbers.start) as usize;
        let batches = count / (LARGEST_BATCH / 2 * growth()) / connections;
        let rest = duration / u32::try_from(batches.max(1)).unwrap_or(u32::MAX);
        Self::start_resting(client, numbers, connections, rest)
    }

    /// As [`Load::start_resting`], with numbers in any order and more than once,
    /// and the events that `make` makes of them.
    pub fn start_of(
        client: &Client,
        numbers: Vec<u64>,
        make: fn(u64) -> Value,
        connections: usize,
        rest: Duration,
    ) -> Self {
        let state = Arc::new(State {
            numbers,
            make,
            next: AtomicUsize::new(0),
            abandoned: AtomicBool::new(false),
            rest,
            acked: Mutex::default(),
        });
        let mut senders = JoinSet::new();
        for _ in 0..connections {
            senders.spawn(send(client.clone(), state.clone()));
        }
        Self { senders, state }
    }

    /// How many events were acknowledged so far.
    pub fn acked(&self) -> u64 {
        self.state.lock().len() as u64
    }

    /// Waits until at least `n` events were acknowledged.
    pub async fn wait_for_acked(&self, n: u64) {
        until(&format!("{n} acked"), || self.acked() >= n).await;
    }

    /// Waits until every event is acknowledged.
    ///
    /// # Panics
    /// When one was refused.
    pub async fn finish(mut self) -> Acked {
        while let Some(sender) = self.senders.join_next().await {
            sender.expect("a sender does not fail");
        }
        std::mem::take(&mut self.state.lock())
    }

    /// Stops sending, whatever is still open, and says what was acknowledged.
    ///
    /// # Panics
    /// When an event was refused.
    pub async fn abandon(self) -> Acked {
        self.state.abandoned.store(true, Ordering::Relaxed);
        self.finish().await
    }
}

impl State {
    fn lock(&self) -> std::sync::MutexGuard<'_, Acked> {
        self.acked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next numbers to send: batches of different sizes, so that none
    /// falls on a boundary of the receiver's.
    fn take(&self) -> Vec<u64> {
        let start = self.next.load(Ordering::Relaxed);
        let size = (1 + start * 31 % LARGEST_BATCH) * growth();
        let start = self.next.fetch_add(size, Ordering::Relaxed);
        let rest = self.numbers.iter().skip(start);
        rest.take(size).copied().collect()
    }
}

async fn send(client: Client, state: Arc<State>) {
    loop {
        let mut open = state.take();
        if open.is_empty() {
            return;
        }
        while !open.is_empty() {
            if state.abandoned.load(Ordering::Relaxed) {
                return;
            }
            let events: Vec<Value> = open.iter().map(|number| (state.make)(*number)).collect();
            open = match client.try_post(&events).await {
                Ok(reply) if matches!(reply.status, 200 | 202) => {
                    settle(&state, &open, &reply.outcomes())
                }
                Ok(reply) if reply.status < 500 => {
                    panic!("refused with {}: {}", reply.status, reply.text())
                }
                // Down, restarting or full: the batch may or may not be in.
                Ok(_) | Err(_) => {
                    tokio::time::sleep(Duration::from_millis(30)).await;
                    open
                }
            };
        }
        tokio::time::sleep(state.rest).await;
    }
}

/// Remembers what was acknowledged; returns what has to be sent again.
fn settle(state: &State, sent: &[u64], outcomes: &[String]) -> Vec<u64> {
    assert_eq!(sent.len(), outcomes.len(), "one outcome per event");
    let mut acked = state.lock();
    let mut open = Vec::new();
    for (number, outcome) in sent.iter().zip(outcomes) {
        match outcome.as_str() {
            "accepted" | "duplicate" => {
                acked.insert(*number);
            }
            "retry" => open.push(*number),
            other => panic!("event {number} was {other}"),
        }
    }
    open
}
