use arrow::array::{ArrayRef, Float64Builder};
use schemas::StudentKey;
use schemas::event::Attendance;

use super::words::Texts::Words;
use super::words::{Closed, TextColumn};

/// What only attendance events have.
#[derive(Debug)]
pub(super) struct AttendanceColumns {
    status: TextColumn,
    minutes: Float64Builder,
    by_key: TextColumn,
}

impl Default for AttendanceColumns {
    fn default() -> Self {
        Self {
            status: TextColumn::new(Words),
            minutes: Float64Builder::with_capacity(0),
            by_key: TextColumn::new(Words),
        }
    }
}

impl AttendanceColumns {
    /// Adds what an event says, with the key of the other person whom it names.
    pub fn append(&mut self, data: &Attendance, by_key: Option<StudentKey>) {
        self.status.append(data.status.as_deref());
        self.minutes.append_option(data.minutes);
        let by_key = by_key.map(|key| key.to_string());
        self.by_key.append(by_key.as_deref());
    }

    pub fn close(&mut self) -> Vec<Closed> {
        vec![
            self.status.close(),
            self.minutes.finish().into(),
            self.by_key.close(),
        ]
    }

    pub fn words(&mut self) -> Vec<ArrayRef> {
        let status = self.status.words().into_iter();
        status.chain(self.by_key.words()).collect()
    }
}
