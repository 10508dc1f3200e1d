use arrow::array::{ArrayRef, Float64Builder, Int32Builder};
use schemas::StudentKey;
use schemas::event::Tutoring;

use super::TimeColumn;
use super::words::Texts::{Unique, Words};
use super::words::{Closed, TextColumn, TextColumnGroup};

/// What only tutoring events have.
#[derive(Debug)]
pub(super) struct TutoringColumns {
    prompt_id: TextColumn,
    chars: [Int32Builder; 2],
    rating: Float64Builder,
    booking: TextColumnGroup<2>,
    minutes: Float64Builder,
    scheduled_at: TimeColumn,
    status: TextColumn,
}

impl Default for TutoringColumns {
    fn default() -> Self {
        Self {
            prompt_id: TextColumn::new(Unique),
            chars: std::array::from_fn(|_| Int32Builder::with_capacity(0)),
            rating: Float64Builder::with_capacity(0),
            booking: TextColumnGroup::new([Words, Unique]),
            minutes: Float64Builder::with_capacity(0),
            scheduled_at: TimeColumn::default(),
            status: TextColumn::new(Words),
        }
    }
}

impl TutoringColumns {
    /// Adds what an event says, with the key of the other person whom it names.
    pub fn append(&mut self, data: &Tutoring, tutor_key: Option<StudentKey>) {
        self.prompt_id.append(data.prompt_id.as_deref());
        let chars = [data.prompt_chars, data.response_chars];
        for (column, value) in self.chars.iter_mut().zip(chars) {
            column.append_option(value);
        }
        self.rating.append_option(data.rating);
        let tutor_key = tutor_key.map(|key| key.to_string());
        self.booking
            .append([tutor_key.as_deref(), data.booking_id.as_deref()]);
        self.minutes.append_option(data.minutes);
        self.scheduled_at.append_option(data.scheduled_at);
        self.status.append(data.status.as_deref());
    }

    pub fn close(&mut self) -> Vec<Closed> {
        let mut columns = vec![self.prompt_id.close()];
        columns.extend(self.chars.iter_mut().map(|column| column.finish().into()));
        columns.push(self.rating.finish().into());
        columns.extend(self.booking.close());
        columns.push(self.minutes.finish().into());
        columns.push(Closed::Array(self.scheduled_at.finish()));
        columns.push(self.status.close());
        columns
    }

    pub fn words(&mut self) -> Vec<ArrayRef> {
        let booking = self.booking.words();
        booking.chain(self.status.words()).collect()
    }
}
