use arrow::array::{ArrayRef, Int64Builder};
use schemas::StudentKey;
use schemas::event::Clickstream;

use super::words::Texts::{Unique, Words};
use super::words::{Closed, TextColumnGroup};

/// What only clickstream events have.
#[derive(Debug)]
pub(super) struct ClickstreamColumns {
    what: TextColumnGroup<6>,
    count: Int64Builder,
    context: TextColumnGroup<4>,
}

impl Default for ClickstreamColumns {
    fn default() -> Self {
        Self {
            what: TextColumnGroup::new([Words, Words, Words, Unique, Words, Unique]),
            count: Int64Builder::with_capacity(0),
            context: TextColumnGroup::new([Words, Unique, Words, Words]),
        }
    }
}

impl ClickstreamColumns {
    /// Adds what an event says, with the key of the other person whom it names.
    pub fn append(&mut self, data: &Clickstream, reply_to_key: Option<StudentKey>) {
        self.what.append([
            data.url.as_deref(),
            data.referrer.as_deref(),
            data.element.as_deref(),
            data.query.as_deref(),
            data.target_id.as_deref(),
            data.value.as_deref(),
        ]);
        self.count.append_option(data.count);
        let reply_to_key = reply_to_key.map(|key| key.to_string());
        self.context.append([
            data.thread_id.as_deref(),
            reply_to_key.as_deref(),
            data.status.as_deref(),
            data.role.as_deref(),
        ]);
    }

    pub fn close(&mut self) -> Vec<Closed> {
        let mut columns: Vec<Closed> = self.what.close().collect();
        columns.push(self.count.finish().into());
        columns.extend(self.context.close());
        columns
    }

    pub fn words(&mut self) -> Vec<ArrayRef> {
        self.what.words().chain(self.context.words()).collect()
    }
}
