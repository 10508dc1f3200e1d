//! What the rows of a file should be, by calendar and roster.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Int64Array, PrimitiveArray, RecordBatch, StringArray,
};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use arrow::error::ArrowError;
use chrono::{DateTime, NaiveDate, TimeDelta};
use lake::{DataFile, Fate, SentKeys, Verdict, sent_keys};
use schemas::Family;

use crate::place::Placer;
use crate::resolve::{Resolved, Sent, resolve};

/// The columns by which rows of all families are judged.
const COLUMNS: [&str; 11] = [
    "occurred_at",
    "sent_at",
    "received_at",
    "clock_correction_ms",
    "student_key",
    "course_id",
    "section_id",
    "school_id",
    "sent_key",
    "completed",
    "unknown",
];

/// The columns by which rows of a family are judged.
pub(super) fn columns(family: Family) -> Vec<&'static str> {
    let other = family.other_person();
    let other = other.map(|other| [other.key, other.sent_key]);
    COLUMNS
        .into_iter()
        .chain(other.into_iter().flatten())
        .collect()
}

/// What each row of a family should be. `rows` has all columns of the table, or those by
/// which rows are judged, as far as the file has them.
pub(super) fn verdict(
    placer: &Placer,
    family: Family,
    file: &DataFile,
    rows: &RecordBatch,
) -> Result<Verdict, ArrowError> {
    let columns = Columns::of(family, rows)?;
    let mut fates = Vec::with_capacity(rows.num_rows());
    let mut should = Vec::with_capacity(rows.num_rows());
    for row in 0..rows.num_rows() {
        let judged = columns.day(placer, row).and_then(|day| {
            let resolved = resolve(&placer.directory, columns.sent(row)?, day);
            Some((placer.term(&resolved, day), resolved))
        });
        let Some((term, resolved)) = judged else {
            fates.push(Fate::Stays);
            should.push(None);
            continue;
        };
        fates.push(if !columns.is_so(row, &resolved) {
            Fate::Changes(term)
        } else if Some(&term) == file.term() {
            Fate::Stays
        } else {
            Fate::Moves(term)
        });
        should.push(Some(resolved));
    }
    let is_changed = fates.iter().any(|fate| matches!(fate, Fate::Changes(_)));
    let rows = is_changed.then(|| changed(family, rows, &should));
    let rows = rows.transpose()?;
    Ok(Verdict { fates, rows })
}

type Times = PrimitiveArray<TimestampMicrosecondType>;

/// The columns of a batch. The last ones may be missing: they came later.
struct Columns<'a> {
    occurred_at: &'a Times,
    sent_at: &'a Times,
    received_at: &'a Times,
    corrected: &'a Int64Array,
    student_key: &'a StringArray,
    sent_keys: SentKeys<'a>,
    course: &'a StringArray,
    section: &'a StringArray,
    school: &'a StringArray,
    sent_key: Option<&'a StringArray>,
    completed: Option<&'a StringArray>,
    unknown: Option<&'a StringArray>,
    other_key: Option<&'a StringArray>,
    sent_other_key: Option<&'a StringArray>,
}

impl<'a> Columns<'a> {
    fn of(family: Family, rows: &'a RecordBatch) -> Result<Self, ArrowError> {
        let missing = |name: &str| ArrowError::SchemaError(format!("there is no column {name}"));
        let time = |name: &str| {
            let times = rows.column_by_name(name);
            let times = times.and_then(|t| t.as_primitive_opt::<TimestampMicrosecondType>());
            times.ok_or_else(|| missing(name))
        };
        let later = |name: &str| rows.column_by_name(name)?.as_string_opt::<i32>();
        let text = |name: &str| later(name).ok_or_else(|| missing(name));
        let corrected = rows.column_by_name("clock_correction_ms");
        let corrected = corrected.and_then(|c| c.as_primitive_opt::<Int64Type>());
        let other = family.other_person();
        Ok(Self {
            occurred_at: time("occurred_at")?,
            sent_at: time("sent_at")?,
            received_at: time("received_at")?,
            corrected: corrected.ok_or_else(|| missing("clock_correction_ms"))?,
            student_key: text("student_key")?,
            sent_keys: sent_keys(rows)?,
            course: text("course_id")?,
            section: text("section_id")?,
            school: text("school_id")?,
            sent_key: later("sent_key"),
            completed: later("completed"),
            unknown: later("unknown"),
            other_key: other.and_then(|other| later(other.key)),
            sent_other_key: other.and_then(|other| later(other.sent_key)),
        })
    }

    /// The day by which a row is placed.
    fn day(&self, placer: &Placer, row: usize) -> Option<NaiveDate> {
        let micros = |times: &Times| times.is_valid(row).then(|| times.value(row));
        let occurred_at = DateTime::from_timestamp_micros(micros(self.occurred_at)?)?;
        let times = (micros(self.received_at), micros(self.sent_at));
        // The column has milliseconds; these say it exactly.
        let correction = match (self.corrected.is_valid(row), times) {
            (true, (Some(received), Some(sent))) => {
                received.checked_sub(sent).map(TimeDelta::microseconds)
            }
            _ => None,
        };
        Some(placer.day(occurred_at, correction))
    }

    /// What the event said itself.
    fn sent(&self, row: usize) -> Option<Sent<'a>> {
        let completed = self.completed.and_then(|words| text(words, row));
        let said = |column: &'a StringArray, word: &str| {
            let is_ours = completed.is_some_and(|words| words.split(' ').any(|w| w == word));
            text(column, row).filter(|_| !is_ours)
        };
        let other = [self.sent_other_key, self.other_key];
        let other = other.iter().flatten().find_map(|keys| text(keys, row));
        Some(Sent {
            key: self.sent_keys.of(row).parse().ok()?,
            other: other.map(str::parse).transpose().ok()?,
            course: said(self.course, "course"),
            section: said(self.section, "section"),
            school: said(self.school, "school"),
        })
    }

    /// Whether a row says so.
    fn is_so(&self, row: usize, resolved: &Resolved<'_>) -> bool {
        let later = |column: Option<&'a StringArray>| column.and_then(|column| text(column, row));
        let mut key = [0; 32];
        let mut is_key = |column: Option<&str>, key_of: Option<schemas::StudentKey>| match key_of {
            Some(is) => column == Some(is.encode(&mut key)),
            None => column.is_none(),
        };
        is_key(text(self.student_key, row), Some(resolved.student_key))
            && is_key(later(self.sent_key), resolved.sent_key)
            && is_key(later(self.other_key), resolved.other_key)
            && is_key(later(self.sent_other_key), resolved.sent_other_key)
            && text(self.course, row) == resolved.course
            && text(self.section, row) == resolved.section
            && text(self.school, row) == resolved.school
            && later(self.completed) == resolved.completed
            && later(self.unknown) == resolved.unknown
    }
}

fn text(column: &StringArray, row: usize) -> Option<&str> {
    column.is_valid(row).then(|| column.value(row))
}

/// The rows, as they should be.
fn changed(
    family: Family,
    rows: &RecordBatch,
    should: &[Option<Resolved<'_>>],
) -> Result<RecordBatch, ArrowError> {
    let other = family.other_person();
    let resolved = || should.iter().map(Option::as_ref);
    let texts = |of: fn(&Resolved<'_>) -> Option<String>| -> ArrayRef {
        Arc::new(resolved().map(|row| of(row?)).collect::<StringArray>())
    };
    let import = |row: &Resolved<'_>| i64::try_from(row.import).ok();
    let imports = resolved().map(|row| import(row?));
    let columns = rows.schema();
    let columns = columns.fields().iter().zip(rows.columns());
    let columns = columns.map(|(field, column)| match field.name().as_str() {
        "student_key" => texts(|row| Some(row.student_key.to_string())),
        "sent_key" => texts(|row| row.sent_key.map(|key| key.to_string())),
        "course_id" => texts(|row| row.course.map(str::to_owned)),
        "section_id" => texts(|row| row.section.map(str::to_owned)),
        "school_id" => texts(|row| row.school.map(str::to_owned)),
        "completed" => texts(|row| row.completed.map(str::to_owned)),
        "unknown" => texts(|row| row.unknown.map(str::to_owned)),
        "roster_import" => Arc::new(imports.clone().collect::<Int64Array>()),
        name if other.is_some_and(|other| name == other.key) => {
            texts(|row| row.other_key.map(|key| key.to_string()))
        }
        name if other.is_some_and(|other| name == other.sent_key) => {
            texts(|row| row.sent_other_key.map(|key| key.to_string()))
        }
        _ => Arc::clone(column),
    });
    let columns: Vec<ArrayRef> = columns.collect();
    if should.iter().all(Option::is_some) {
        return RecordBatch::try_new(rows.schema(), columns);
    }
    // Rows that are not judged stay where they are: of these nothing is taken from here,
    // but a column that needs a value has to have one.
    let judged =
        arrow::array::BooleanArray::from_iter(should.iter().map(|row| Some(row.is_some())));
    let kept = columns
        .iter()
        .zip(rows.columns())
        .map(|(new, old)| arrow::compute::kernels::zip::zip(&judged, new, old));
    RecordBatch::try_new(rows.schema(), kept.collect::<Result<_, _>>()?)
}
