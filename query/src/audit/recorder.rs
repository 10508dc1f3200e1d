//! The port through which records of the audit leave this service.

use async_trait::async_trait;
use schemas::{AuditRecord, TenantId};

/// Keeps the records of the audit, wherever that is.
#[async_trait]
pub trait Recorder: Send + Sync + 'static {
    /// Keeps a record. When this answers, the record is durable: it outlives the process
    /// and a loss of power. The same record may be given again after an error; it is told
    /// by its id.
    ///
    /// # Errors
    /// When it is not known to be durable.
    async fn record(&self, tenant: &TenantId, record: &AuditRecord) -> Result<(), RecordError>;
}

/// Why a record is not known to be durable.
#[derive(Debug, thiserror::Error)]
#[error("the record was not taken")]
pub struct RecordError {
    is_retryable: bool,
    #[source]
    source: Box<dyn std::error::Error + Send + Sync>,
}

impl RecordError {
    /// That of what keeps records. `is_retryable` says whether another try may help.
    pub fn new(
        is_retryable: bool,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self {
            is_retryable,
            source: source.into(),
        }
    }

    /// Whether another try may help.
    pub fn is_retryable(&self) -> bool {
        self.is_retryable
    }
}
