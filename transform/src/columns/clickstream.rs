use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Builder};
use schemas::event::Clickstream;

use super::TextColumns;

/// What only clickstream events have.
#[derive(Debug, Default)]
pub(super) struct ClickstreamColumns {
    what: TextColumns<6>,
    count: Int64Builder,
    context: TextColumns<4>,
}

impl ClickstreamColumns {
    pub fn append(&mut self, data: &Clickstream) {
        self.what.append([
            data.url.as_deref(),
            data.referrer.as_deref(),
            data.element.as_deref(),
            data.query.as_deref(),
            data.target_id.as_deref(),
            data.value.as_deref(),
        ]);
        self.count.append_option(data.count);
        let reply_to_key = data.reply_to_key.map(|key| key.to_string());
        self.context.append([
            data.thread_id.as_deref(),
            reply_to_key.as_deref(),
            data.status.as_deref(),
            data.role.as_deref(),
        ]);
    }

    pub fn finish(&mut self) -> Vec<ArrayRef> {
        let mut columns = self.what.finish();
        columns.push(Arc::new(self.count.finish()));
        columns.extend(self.context.finish());
        columns
    }
}
