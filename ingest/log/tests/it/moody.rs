//! A log in a folder that fails as told.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use eventlog::{AppendError, EmbeddedLog, EventLog, LogId, ReadError, Reader, Receipt, Record};

/// What the primary does with an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// Stores it.
    Works,
    /// Refuses it.
    Refuses,
    /// Does not answer for long, and stores nothing.
    Hangs,
    /// Stores it and does not know.
    Forgets,
    /// Refuses what it sees for the first time.
    RefusesFirst,
    /// Does not answer for long what it sees for the first time.
    HangsFirst,
}

/// Longer than the patience of the tests.
const HANGING: Duration = Duration::from_millis(300);

/// A log in a folder that can be out of order.
pub struct Moody {
    pub log: EmbeddedLog,
    pub switch: Arc<Switch>,
}

/// Its mood, and what it was asked.
pub struct Switch {
    mood: Mutex<Mood>,
    seen: Mutex<HashSet<(Bytes, Bytes)>>,
    asked: AtomicUsize,
}

impl Switch {
    pub fn new(mood: Mood) -> Arc<Self> {
        Arc::new(Self {
            mood: Mutex::new(mood),
            seen: Mutex::default(),
            asked: AtomicUsize::new(0),
        })
    }

    pub fn set(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    /// Calls of `append` since the start.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    /// Whether one of them was never seen before.
    fn see(&self, records: &[Record]) -> bool {
        let mut seen = self.seen.lock().unwrap();
        let new = |record: &Record| seen.insert((record.key.clone(), record.value.clone()));
        records.iter().map(new).fold(false, |any, new| any | new)
    }
}

#[async_trait]
impl EventLog for Moody {
    fn id(&self) -> &LogId {
        self.log.id()
    }

    fn partitions(&self) -> u32 {
        self.log.partitions()
    }

    fn max_record_bytes(&self) -> usize {
        self.log.max_record_bytes()
    }

    async fn append(&self, records: Vec<Record>) -> Vec<Result<Receipt, AppendError>> {
        self.switch.asked.fetch_add(1, Ordering::Relaxed);
        let is_new = self.switch.see(&records);
        let refuse = || {
            records
                .iter()
                .map(|_| Err(AppendError::Refused("away".into())))
        };
        let mood = *self.switch.mood.lock().unwrap();
        match mood {
            Mood::Refuses => refuse().collect(),
            Mood::RefusesFirst if is_new => refuse().collect(),
            Mood::Hangs => hang(&records).await,
            Mood::HangsFirst if is_new => hang(&records).await,
            Mood::Forgets => {
                let stored = self.log.append(records).await.into_iter();
                stored
                    .map(|answer| answer.and_then(|_| unknown()))
                    .collect()
            }
            _ => self.log.append(records).await,
        }
    }

    async fn read(&self, partition: u32, from: u64) -> Result<Box<dyn Reader>, ReadError> {
        self.log.read(partition, from).await
    }

    async fn head(&self, partition: u32) -> Result<u64, ReadError> {
        self.log.head(partition).await
    }

    async fn tail(&self, partition: u32) -> Result<u64, ReadError> {
        self.log.tail(partition).await
    }

    async fn close(&self) {
        self.log.close().await;
    }
}

async fn hang(records: &[Record]) -> Vec<Result<Receipt, AppendError>> {
    tokio::time::sleep(HANGING).await;
    records.iter().map(|_| unknown()).collect()
}

fn unknown() -> Result<Receipt, AppendError> {
    Err(AppendError::Unknown("no answer".into()))
}
