//! Up to when an answer is complete.

use std::time::Duration;

use chrono::{DateTime, Utc};
use lake::LakeError;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::tables::{Tables, Ticket};

/// How long the floors are not read again: an older answer is still true, only
/// more modest.
const KEEP: Duration = Duration::from_millis(500);

/// What the floors of the log say.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Floors {
    /// Every event answered before this moment, its batch with a 200, is in its table, if
    /// its table is read after they were. `None` until the first floor is known.
    pub(crate) data_as_of: Option<DateTime<Utc>>,
    /// When they had been read.
    pub(crate) read: Ticket,
}

/// Reads the floors of the log.
#[derive(Default)]
pub(crate) struct Freshness {
    last: Mutex<Option<(Instant, Floors)>>,
}

impl Freshness {
    /// The floors as they are, or were a moment ago.
    pub(crate) async fn floors(&self, tables: &Tables) -> Result<Floors, LakeError> {
        let mut last = self.last.lock().await;
        if let Some((began, floors)) = *last
            && began.elapsed() < KEEP
        {
            return Ok(floors);
        }
        let began = Instant::now();
        let floors = Floors {
            data_as_of: tables.lake().data_as_of().await?,
            read: tables.ticket(),
        };
        *last = Some((began, floors));
        Ok(floors)
    }
}
