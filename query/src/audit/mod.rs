//! Who asked what: a record of each query, durable before the first byte of its answer, and
//! of each token that is made, durable before anybody has it.
//!
//! | file | |
//! |---|---|
//! | `recorder.rs` | the port through which records leave |
//! | `ask.rs` | one question, from the door to the end of its answer |
//! | `statement.rs` | what was asked, without its values |
//! | `minted.rs` | a token that is asked for and made |
//! | `reads.rs` | what a query reads, and by what right |
//! | `students.rs` | whose rows it reads |
//! | `client.rs` | the family of the program that asks |
//! | `who.rs` | what a learner is told of it |

mod ask;
mod client;
mod minted;
mod reads;
mod recorder;
mod statement;
mod students;
pub(crate) mod who;

use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderMap;
use runtime::{Clock, Registry};
use schemas::{AuditRecord, TenantId};
use tokio_util::task::TaskTracker;

pub(crate) use self::ask::{Ask, Ending};
pub(crate) use self::minted::Minted;
pub(crate) use self::reads::Reads;
pub use self::recorder::{RecordError, Recorder};
use self::statement::Hasher;
pub(crate) use self::students::{NamedBy, Seen};
pub(crate) use self::who::{SeenBy, Sightings, read};
use crate::Principal;
use crate::error::Error;

/// How many records may wait for the log; while there are more nobody may ask.
const MOST_WAITING: usize = 1_000;

/// How often a record that may wait is tried.
const ATTEMPTS: u32 = 12;

/// How long it waits after the first try; twice as long after each.
const PAUSE: Duration = Duration::from_millis(50);

/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Keeps the records of all questions.
pub(crate) struct Audit {
    recorder: Arc<dyn Recorder>,
    registry: Registry,
    clock: Clock,
    /// Records on their way.
    waiting: TaskTracker,
}

impl Audit {
    pub(crate) fn new(recorder: Arc<dyn Recorder>, registry: Registry, clock: Clock) -> Self {
        Self {
            recorder,
            registry,
            clock,
            waiting: TaskTracker::new(),
        }
    }

    /// A question that somebody asks at a door, whom their credential has named.
    ///
    /// # Errors
    /// [`Error::NotRecorded`] when too many records wait, or the key is away by which
    /// values are hashed.
    pub(crate) async fn ask(
        self: &Arc<Self>,
        principal: &Principal,
        door: &'static str,
        headers: &HeaderMap,
    ) -> Result<Arc<Ask>, Error> {
        if self.waiting.len() >= MOST_WAITING {
            return Err(Error::NotRecorded(
                "too many records wait for the log".into(),
            ));
        }
        let key = self.registry.make_signing_key(&principal.tenant).await;
        let key = key.map_err(|error| Error::NotRecorded(Box::new(error)))?;
        let hasher = Hasher::new(key.as_bytes());
        let client = client::family(headers);
        Ok(Ask::new(self, principal, door, client, hasher))
    }

    /// Waits for the records that are on their way; none may come after.
    pub(crate) async fn close(&self) {
        self.waiting.close();
        self.waiting.wait().await;
    }

    /// Has a record recorded; whether it is durable.
    async fn record(&self, tenant: &TenantId, record: &AuditRecord) -> Result<(), RecordError> {
        let recorded = self.recorder.record(tenant, record).await;
        let outcome = if recorded.is_ok() {
            "recorded"
        } else {
            "failed"
        };
        metrics::counter!(
            "chalkline_query_audit_records_total",
            "type" => record.record_type.as_str(), "outcome" => outcome,
        )
        .increment(1);
        recorded
    }

    /// Has a record recorded that nobody waits for, as often as it takes.
    async fn record_in_time(&self, tenant: &TenantId, record: &AuditRecord) {
        let mut pause = PAUSE;
        for attempt in 1..=ATTEMPTS {
            let Err(error) = self.record(tenant, record).await else {
                return;
            };
            if attempt == ATTEMPTS || !error.is_retryable() {
                let error: &dyn std::error::Error = &error;
                tracing::error!(
                    tenant.id = %tenant,
                    query.id = %record.query_id,
                    record = record.record_type.as_str(),
                    error,
                    "a record of the audit is lost"
                );
                return;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}
