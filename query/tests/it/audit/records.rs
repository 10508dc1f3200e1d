//! A recorder in memory, that holds back or fails as it is told.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use query::{RecordError, Recorder};
use schemas::{AuditRecord, AuditType, TenantId};
use tokio::sync::watch;

/// What becomes of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Kept,
    /// They are not answered until it is another mode.
    Held,
    Refused,
}

pub struct Records {
    mode: watch::Sender<Mode>,
    kept: Mutex<Vec<AuditRecord>>,
}

impl Default for Records {
    fn default() -> Self {
        Self {
            mode: watch::Sender::new(Mode::Kept),
            kept: Mutex::default(),
        }
    }
}

#[async_trait]
impl Recorder for Records {
    async fn record(&self, _: &TenantId, record: &AuditRecord) -> Result<(), RecordError> {
        let mut mode = self.mode.subscribe();
        let changed = mode.wait_for(|mode| *mode != Mode::Held).await;
        if *changed.expect("the sender is there") == Mode::Refused {
            return Err(RecordError::new(true, "a test"));
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push(record.clone());
        Ok(())
    }
}

impl Records {
    /// From now on this becomes of them.
    pub fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }

    pub fn all(&self) -> Vec<AuditRecord> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.clone()
    }

    /// The records of the query that ended last, the one of its end at last. Waits until
    /// as many queries have ended.
    pub async fn of(&self, queries: usize) -> Vec<AuditRecord> {
        for _ in 0..500 {
            let all = self.all();
            let mut ends = all
                .iter()
                .filter(|record| record.record_type != AuditType::Started);
            if let Some(last) = ends.nth(queries - 1) {
                let mut own: Vec<_> = all
                    .iter()
                    .filter(|record| record.query_id == last.query_id)
                    .cloned()
                    .collect();
                own.sort_by_key(|record| record.record_type != AuditType::Started);
                return own;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{queries} queries have not ended: {:?}", self.all());
    }
}
