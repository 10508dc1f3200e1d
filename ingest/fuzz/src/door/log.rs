//! A log that reads what it is given and keeps nothing.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use eventlog::{AppendError, EventLog, LogId, Position, ReadError, Reader, Receipt, Record};
use schemas::event::{Event, EventType, TYPE_VERSION};
use schemas::{Family, StudentKey, headers};

/// The largest record that it takes: less than what a small event can grow to when the
/// keys of people take the place of short names.
const MAX_RECORD_BYTES: usize = 16 << 10;

/// The log, and what it was given since it was last asked.
pub struct Reading {
    id: LogId,
    next: AtomicU64,
    taken: Mutex<Vec<Event>>,
}

impl Reading {
    /// A log without events.
    pub fn new() -> Self {
        Self {
            id: LogId::new("fuzz"),
            next: AtomicU64::new(0),
            taken: Mutex::default(),
        }
    }

    /// What it took since this was last called.
    pub fn taken(&self) -> Vec<Event> {
        std::mem::take(&mut *self.taken.lock().expect("nobody panics with it"))
    }

    fn take(&self, record: &Record) -> Result<Receipt, AppendError> {
        let (size, limit) = (record.size(), MAX_RECORD_BYTES);
        if size > limit {
            return Err(AppendError::TooLarge { size, limit });
        }
        let event = read(record);
        self.taken
            .lock()
            .expect("nobody panics with it")
            .push(event);
        Ok(Receipt::Stored(Position {
            partition: 0,
            offset: self.next.fetch_add(1, Ordering::Relaxed),
        }))
    }
}

/// The event of a record.
///
/// # Panics
/// When it is none, is not in canonical form, or the headers say otherwise.
fn read(record: &Record) -> Event {
    let header = |name: &str| {
        let value = record.headers.get(name).expect("it has the header");
        std::str::from_utf8(value).expect("text")
    };
    assert_eq!(header(headers::TENANT), "demo");
    assert_eq!(header(headers::KIND), headers::kind::EVENT);
    assert_eq!(header(headers::TYPE_VERSION), TYPE_VERSION.to_string());
    let family = Family::from_name(header(headers::FAMILY)).expect("a family");
    let event = Event::decode(family, TYPE_VERSION, &record.value).expect("it is an event");
    assert_eq!(event.to_json(), &record.value[..], "it is canonical");
    let received_at = event.received_at.timestamp_micros().to_string();
    assert_eq!(header(headers::RECEIVED_AT), received_at);
    let key: StudentKey = header(headers::STUDENT_KEY).parse().expect("a key");
    assert_eq!(event.student_key, key);
    if let Some(known) = EventType::from_name(&event.event_type) {
        assert_eq!(known.family, family, "{}", event.event_type);
    } else {
        assert_eq!(family, Family::Clickstream, "{}", event.event_type);
    }
    assert!(!event.id.is_nil() && !event.id.is_max(), "{}", event.id);
    event
}

#[async_trait]
impl EventLog for Reading {
    fn id(&self) -> &LogId {
        &self.id
    }

    fn partitions(&self) -> u32 {
        1
    }

    fn max_record_bytes(&self) -> usize {
        MAX_RECORD_BYTES
    }

    async fn append(&self, records: Vec<Record>) -> Vec<Result<Receipt, AppendError>> {
        records.iter().map(|record| self.take(record)).collect()
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

    async fn close(&self) {}
}
