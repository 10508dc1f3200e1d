//! Rows that are written to the files of a table.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Date32Builder, Float64Builder, Int64Builder, ListBuilder,
    RecordBatch, StringBuilder, TimestampMicrosecondBuilder,
};
use arrow::datatypes::{DataType, Date32Type, Field as Column};
use arrow::error::ArrowError;
use chrono::{DateTime, NaiveDate, Utc};
use roster::{Entity, FieldKind, Row, Value};
use schemas::Table;

use super::{Validity, Version, word};

/// Gathers rows of one partition, with the columns of the table's files.
pub(crate) struct RowsBuilder {
    table: Table,
    /// Where in a row the values of each column stand.
    fields: Vec<(usize, FieldBuilder)>,
    valid_from: Date32Builder,
    valid_to: Date32Builder,
    modified_at: TimestampMicrosecondBuilder,
    recorded_at: TimestampMicrosecondBuilder,
    change: StringBuilder,
    import: Int64Builder,
    rows: usize,
}

enum FieldBuilder {
    Text(StringBuilder),
    Texts(ListBuilder<StringBuilder>),
    Date(Date32Builder),
    Boolean(BooleanBuilder),
    Number(Float64Builder),
    Integer(Int64Builder),
    Time(TimestampMicrosecondBuilder),
}

impl RowsBuilder {
    /// Of a roster's table of current rows, or of its history.
    pub fn new(entity: Entity, is_history: bool) -> Self {
        let fields = entity.fields().iter().enumerate();
        let in_file = fields.filter(|(_, f)| !(entity.is_by_term() && f.name == "term"));
        Self {
            table: match is_history {
                true => Table::RosterHistory(entity),
                false => Table::Roster(entity),
            },
            fields: in_file
                .map(|(place, field)| (place, FieldBuilder::new(field.kind)))
                .collect(),
            valid_from: Date32Builder::new(),
            valid_to: Date32Builder::new(),
            modified_at: TimestampMicrosecondBuilder::new().with_timezone("UTC"),
            recorded_at: TimestampMicrosecondBuilder::new().with_timezone("UTC"),
            change: StringBuilder::new(),
            import: Int64Builder::new(),
            rows: 0,
        }
    }

    /// The table.
    #[cfg(test)]
    pub fn table(&self) -> Table {
        self.table
    }

    /// How many rows it holds.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Adds a row; a history's rows have a version.
    pub fn push(
        &mut self,
        row: &Row,
        validity: Validity,
        recorded_at: DateTime<Utc>,
        version: Option<Version>,
    ) {
        for (place, builder) in &mut self.fields {
            builder.push(&row.values[*place]);
        }
        let days = |day: Option<NaiveDate>| day.map(Date32Type::from_naive_date);
        self.valid_from.append_option(days(validity.from));
        self.valid_to.append_option(days(validity.to));
        let modified_at = row.modified_at.map(|at| at.timestamp_micros());
        self.modified_at.append_option(modified_at);
        self.recorded_at
            .append_value(recorded_at.timestamp_micros());
        if let Some(version) = version {
            self.change.append_value(word(version.change));
            self.import.append_value(version.import.cast_signed());
        }
        self.rows += 1;
    }

    /// The rows, and none are left.
    pub fn finish(&mut self) -> Result<RecordBatch, ArrowError> {
        let fields = self.fields.iter_mut().map(|(_, builder)| builder.finish());
        let mut columns: Vec<ArrayRef> = fields.collect();
        columns.extend([
            Arc::new(self.valid_from.finish()) as ArrayRef,
            Arc::new(self.valid_to.finish()),
            Arc::new(self.modified_at.finish()),
            Arc::new(self.recorded_at.finish()),
        ]);
        if matches!(self.table, Table::RosterHistory(_)) {
            columns.push(Arc::new(self.change.finish()));
            columns.push(Arc::new(self.import.finish()));
        }
        self.rows = 0;
        RecordBatch::try_new(lake::file_columns(self.table), columns)
    }
}

impl FieldBuilder {
    fn new(kind: FieldKind) -> Self {
        match kind {
            FieldKind::Text => Self::Text(StringBuilder::new()),
            FieldKind::Texts => {
                let element = Column::new("element", DataType::Utf8, true);
                Self::Texts(ListBuilder::new(StringBuilder::new()).with_field(element))
            }
            FieldKind::Date => Self::Date(Date32Builder::new()),
            FieldKind::Boolean => Self::Boolean(BooleanBuilder::new()),
            FieldKind::Number => Self::Number(Float64Builder::new()),
            FieldKind::Integer => Self::Integer(Int64Builder::new()),
            FieldKind::Time => Self::Time(TimestampMicrosecondBuilder::new().with_timezone("UTC")),
        }
    }

    /// Adds a value; one of another type is none.
    fn push(&mut self, value: &Value) {
        match self {
            Self::Text(builder) => builder.append_option(value.as_text()),
            Self::Texts(builder) => match value {
                Value::Texts(texts) => builder.append_value(texts.iter().map(Some)),
                _ => builder.append_null(),
            },
            Self::Date(builder) => {
                builder.append_option(value.as_date().map(Date32Type::from_naive_date));
            }
            Self::Boolean(builder) => builder.append_option(match value {
                Value::Boolean(yes) => Some(*yes),
                _ => None,
            }),
            Self::Number(builder) => builder.append_option(value.as_number()),
            Self::Integer(builder) => builder.append_option(match value {
                Value::Integer(number) => Some(*number),
                _ => None,
            }),
            Self::Time(builder) => builder.append_option(match value {
                Value::Time(time) => Some(time.timestamp_micros()),
                _ => None,
            }),
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Text(builder) => Arc::new(builder.finish()),
            Self::Texts(builder) => Arc::new(builder.finish()),
            Self::Date(builder) => Arc::new(builder.finish()),
            Self::Boolean(builder) => Arc::new(builder.finish()),
            Self::Number(builder) => Arc::new(builder.finish()),
            Self::Integer(builder) => Arc::new(builder.finish()),
            Self::Time(builder) => Arc::new(builder.finish()),
        }
    }
}
