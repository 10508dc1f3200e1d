//! The audit: who asked for what, as records of the log beside the events.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Role;

/// What an [`AuditRecord`] says of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum AuditType {
    /// It runs. The record is durable before the first byte of the answer goes out.
    #[serde(rename = "query.started")]
    Started,
    /// It has ended, whole or not.
    #[serde(rename = "query.finished")]
    Finished,
    /// It was not run.
    #[serde(rename = "query.refused")]
    Refused,
}

impl AuditType {
    /// Its name in records and rows.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Started => "query.started",
            Self::Finished => "query.finished",
            Self::Refused => "query.refused",
        }
    }
}

/// One record of the audit; its table is [`crate::Table::Audit`].
///
/// It names people by keys alone. Only the query service makes such records: no sender
/// can post one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRecord {
    /// Which record: the same when it is appended again.
    pub id: Uuid,
    /// What it says.
    #[serde(rename = "type")]
    pub record_type: AuditType,
    /// When that was.
    pub time: DateTime<Utc>,
    /// Which query; all records of one have the same.
    pub query_id: Uuid,
    /// Who asked.
    #[serde(flatten)]
    pub asker: AuditAsker,
    /// Where it was asked: `sql`, `report`, `queries`, `embed_tokens` and so on.
    pub door: String,
    /// The family of the program that asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// What was asked, with a keyed hash in the place of each literal; of a token that is
    /// made what it lets its holder do, as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<String>,
    /// Keyed hashes of the statement's parameters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<String>,
    /// What it reads, and by what right.
    #[serde(flatten)]
    pub reads: AuditReads,
    /// Milliseconds until its turn came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queued_ms: Option<u64>,
    /// How it ended; `None` of one that has only started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<AuditEnd>,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditAsker {
    /// What they are.
    pub role: Role,
    /// Who of the roster they are: their key there; where the roster has none, a keyed
    /// hash of their `user_id` that begins with `#`. `None` of a credential of nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject_key: Option<String>,
    /// What they showed: `token`, `embed` or `identity_provider`.
    pub credential: String,
    /// Which of that kind.
    pub credential_id: String,
    /// Of an embed token the query token that made it, of an identity provider's its
    /// issuer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential_parent: Option<String>,
}

/// What a query reads.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditReads {
    /// What it names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<String>,
    /// The columns that it reads, as `<table>.<column>`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// By what right each table is shown, as `<table>: <reason>, …`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<String>,
    /// The columns that are not shown as they are stored, as `<table>.<column>`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub masks: Vec<String>,
    /// At which version each table is read, as `<table>@<version>`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<String>,
}

/// How a query ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEnd {
    /// `answered`, `cancelled` when its reader went away, else the code of the error.
    pub outcome: String,
    /// The error in full, with the value on which it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Rows that went out.
    pub rows: u64,
    /// Bytes that went out, before they were compressed.
    pub bytes: u64,
    /// Milliseconds from the question to the end of the answer.
    pub duration_ms: u64,
    /// The keys of those whose rows were read, at most
    /// [`AuditEnd::MOST_STUDENTS`]; `None` when there were more.
    pub student_keys: Option<Vec<String>>,
    /// Whose rows were read where the keys do not say it, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
}

impl AuditEnd {
    /// Of how many people one query's record says who they are.
    pub const MOST_STUDENTS: usize = 1_000;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let record = AuditRecord {
            id: Uuid::from_u128(1),
            record_type: AuditType::Finished,
            time: DateTime::UNIX_EPOCH,
            query_id: Uuid::from_u128(2),
            asker: AuditAsker {
                role: Role::Teacher,
                subject_key: Some("k".to_owned()),
                credential: "token".to_owned(),
                credential_id: "t1".to_owned(),
                credential_parent: None,
            },
            door: "sql".to_owned(),
            client: None,
            statement: Some("SELECT #1f".to_owned()),
            parameters: vec!["#2e".to_owned()],
            reads: AuditReads {
                tables: vec!["video".to_owned()],
                ..AuditReads::default()
            },
            queued_ms: Some(3),
            end: Some(AuditEnd {
                outcome: "answered".to_owned(),
                student_keys: Some(vec!["k".to_owned()]),
                ..AuditEnd::default()
            }),
        };
        let json = serde_json::to_value(&record).expect("JSON");
        assert_eq!(json["type"], record.record_type.as_str());
        let read: AuditRecord = serde_json::from_value(json).expect("a record");
        assert_eq!(read, record);
    }
}
