//! Records of the audit, on their way into the log beside the events.

use std::sync::Arc;

use async_trait::async_trait;
use eventlog::{EventLog, Record};
use query::{RecordError, Recorder};
use schemas::{AuditRecord, TenantId, headers};

/// Appends what the query service records to the log, from where transform takes it into
/// the table `audit`.
pub(crate) struct LogRecorder(Arc<dyn EventLog>);

impl LogRecorder {
    pub(crate) fn new(log: Arc<dyn EventLog>) -> Self {
        Self(log)
    }
}

#[async_trait]
impl Recorder for LogRecorder {
    async fn record(&self, tenant: &TenantId, record: &AuditRecord) -> Result<(), RecordError> {
        let appended = self.0.append(vec![in_log(tenant, record)]).await;
        match appended.into_iter().next() {
            Some(Ok(_)) => Ok(()),
            // What may still arrive is told by its id when it arrives twice.
            Some(Err(error)) => {
                let may_help = error.is_retryable() || error.may_still_arrive();
                Err(RecordError::new(may_help, error))
            }
            None => Err(RecordError::new(true, "the log gave no answer")),
        }
    }
}

/// A record as the log has it. All of one query stand in one partition, in order.
fn in_log(tenant: &TenantId, record: &AuditRecord) -> Record {
    let received_at = record.time.timestamp_micros().to_string();
    let headers = [
        (headers::TENANT, tenant.as_str()),
        (headers::KIND, headers::kind::AUDIT),
        (headers::RECEIVED_AT, &received_at),
    ];
    Record {
        key: format!("{tenant}/_audit/{}", record.query_id).into(),
        headers: headers.into_iter().collect(),
        value: serde_json::to_vec(record)
            .expect("a record has only texts and numbers")
            .into(),
    }
}
