use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Builder, ListBuilder, RecordBatch, StringBuilder};
use arrow::datatypes::{DataType, Field};
use schemas::{AuditEnd, AuditRecord, Table};

use super::{At, PositionColumns, TextColumns, TimeColumn, batch, text};

/// Rows of `audit` of one term: one per record.
#[derive(Debug, Default)]
pub(crate) struct AuditRows {
    names: TextColumns<2>,
    occurred_at: TimeColumn,
    asked: TextColumns<9>,
    lists: ListColumns<6>,
    queued_ms: Int64Builder,
    ended: TextColumns<2>,
    counts: [Int64Builder; 4],
    student_keys: ListColumns<1>,
    scope: TextColumns<1>,
    position: PositionColumns,
}

impl AuditRows {
    /// Adds a record.
    pub fn append(&mut self, record: &AuditRecord, at: At<'_>) {
        let (id, query_id) = (record.id.to_string(), record.query_id.to_string());
        self.names
            .append([Some(&id), Some(record.record_type.as_str())]);
        self.occurred_at.append(record.time);
        let asker = &record.asker;
        self.asked.append([
            Some(&query_id),
            Some(asker.role.as_str()),
            asker.subject_key.as_deref(),
            Some(&asker.credential),
            Some(&asker.credential_id),
            asker.credential_parent.as_deref(),
            Some(&record.door),
            record.client.as_deref(),
            record.statement.as_deref(),
        ]);
        let reads = &record.reads;
        self.lists.append([
            Some(&record.parameters[..]),
            Some(&reads.tables[..]),
            Some(&reads.columns[..]),
            Some(&reads.policies[..]),
            Some(&reads.masks[..]),
            Some(&reads.versions[..]),
        ]);
        self.queued_ms.append_option(record.queued_ms.map(whole));
        let end = record.end.as_ref();
        self.ended.append([
            end.map(|end| end.outcome.as_str()),
            end.and_then(|end| end.error.as_deref()),
        ]);
        let keys = end.and_then(|end| end.student_keys.as_ref());
        let count = |of: fn(&AuditEnd) -> u64| end.map(of).map(whole);
        let counts = [
            count(|end| end.rows),
            count(|end| end.bytes),
            count(|end| end.duration_ms),
            keys.map(|keys| whole(keys.len() as u64)),
        ];
        for (column, count) in self.counts.iter_mut().zip(counts) {
            column.append_option(count);
        }
        self.student_keys.append([keys.map(Vec::as_slice)]);
        self.scope
            .append([end.and_then(|end| end.scope.as_deref())]);
        self.position.append(at);
    }

    /// The rows, leaving none.
    pub fn finish(&mut self) -> RecordBatch {
        let mut columns = self.names.finish();
        columns.push(self.occurred_at.finish());
        columns.extend(self.asked.finish());
        columns.extend(self.lists.finish());
        columns.push(Arc::new(self.queued_ms.finish()));
        columns.extend(self.ended.finish());
        for column in &mut self.counts {
            columns.push(Arc::new(column.finish()));
        }
        columns.extend(self.student_keys.finish());
        columns.extend(self.scope.finish());
        columns.extend(self.position.finish());
        batch(Table::Audit, columns)
    }
}

/// Some columns of lists of texts that follow each other.
#[derive(Debug)]
struct ListColumns<const N: usize>([ListBuilder<StringBuilder>; N]);

impl<const N: usize> Default for ListColumns<N> {
    fn default() -> Self {
        let element = || Field::new("element", DataType::Utf8, true);
        Self(std::array::from_fn(|_| {
            ListBuilder::with_capacity(text(), 0).with_field(element())
        }))
    }
}

impl<const N: usize> ListColumns<N> {
    fn append(&mut self, lists: [Option<&[String]>; N]) {
        for (column, list) in self.0.iter_mut().zip(lists) {
            for text in list.unwrap_or_default() {
                column.values().append_value(text);
            }
            column.append(list.is_some());
        }
    }

    fn finish(&mut self) -> Vec<ArrayRef> {
        let finish =
            |column: &mut ListBuilder<StringBuilder>| Arc::new(column.finish()) as ArrayRef;
        self.0.iter_mut().map(finish).collect()
    }
}

fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
