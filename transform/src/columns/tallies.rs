use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Builder, RecordBatch};
use schemas::tally::Tally;
use schemas::{Family, Table};

use super::{At, PositionColumns, TextColumns, TimeColumn, batch};

/// Rows of `tallies`: one per count.
#[derive(Debug, Default)]
pub(crate) struct TallyRows {
    minute: TimeColumn,
    texts: TextColumns<4>,
    events: Int64Builder,
    position: PositionColumns,
}

impl TallyRows {
    /// Adds the counts of one minute.
    pub fn append(&mut self, tally: &Tally, at: At<'_>) {
        for count in &tally.counts {
            self.minute.append(tally.minute);
            self.texts.append([
                Some(&tally.node),
                count.family.map(Family::as_str),
                Some(&count.outcome),
                count.reason.as_deref(),
            ]);
            let events = i64::try_from(count.events).unwrap_or(i64::MAX);
            self.events.append_value(events);
            self.position.append(at);
        }
    }

    /// The rows, leaving none.
    pub fn finish(&mut self) -> RecordBatch {
        let mut columns: Vec<ArrayRef> = vec![self.minute.finish()];
        columns.extend(self.texts.finish());
        columns.push(Arc::new(self.events.finish()));
        columns.extend(self.position.finish());
        batch(Table::Tallies, columns)
    }
}
