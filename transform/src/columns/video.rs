use arrow::array::{Float64Builder, ListBuilder, StructBuilder};
use arrow::datatypes::{DataType, FieldRef};
use schemas::event::Video;
use schemas::{Family, Table};

use super::words::Closed;

/// What only video events have.
#[derive(Debug)]
pub(super) struct VideoColumns {
    seconds: [Float64Builder; 5],
    played_segments: ListBuilder<StructBuilder>,
    progress: Float64Builder,
}

impl Default for VideoColumns {
    fn default() -> Self {
        let element = segment();
        let DataType::Struct(fields) = element.data_type() else {
            unreachable!("a segment is a struct");
        };
        let segments = StructBuilder::from_fields(fields.clone(), 0);
        Self {
            seconds: Default::default(),
            played_segments: ListBuilder::new(segments).with_field(element.clone()),
            progress: Float64Builder::new(),
        }
    }
}

/// The element of `played_segments`, as the table has it.
fn segment() -> FieldRef {
    let columns = schemas::columns(Table::Events(Family::Video));
    let segments = columns.field_with_name("played_segments");
    match segments.expect("video has it").data_type() {
        DataType::List(element) => element.clone(),
        _ => unreachable!("played_segments is a list"),
    }
}

impl VideoColumns {
    pub fn append(&mut self, data: &Video) {
        let seconds = [
            data.position_seconds,
            data.from_seconds,
            data.to_seconds,
            data.duration_seconds,
            data.rate,
        ];
        for (column, value) in self.seconds.iter_mut().zip(seconds) {
            column.append_option(value);
        }
        for segment in data.played_segments.iter().flatten() {
            let element = self.played_segments.values();
            for (index, value) in [segment.0, segment.1].into_iter().enumerate() {
                element
                    .field_builder::<Float64Builder>(index)
                    .expect("a segment has two numbers")
                    .append_value(value);
            }
            element.append(true);
        }
        self.played_segments.append(data.played_segments.is_some());
        self.progress.append_option(data.progress);
    }

    pub fn close(&mut self) -> Vec<Closed> {
        let seconds = self.seconds.iter_mut();
        let mut columns: Vec<Closed> = seconds.map(|column| column.finish().into()).collect();
        columns.push(self.played_segments.finish().into());
        columns.push(self.progress.finish().into());
        columns
    }
}
