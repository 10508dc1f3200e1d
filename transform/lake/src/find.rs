//! Looking events up by id: a few bytes of each file say that they are not in it.

use std::collections::{BTreeSet, HashSet};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch, StringArray};
use arrow::datatypes::{Int32Type, Int64Type, TimestampMicrosecondType};
use arrow::error::ArrowError;
use chrono::{DateTime, Utc};
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowPredicateFn, ArrowReaderOptions, RowFilter};
use parquet::arrow::async_reader::ParquetRecordBatchStreamBuilder;
use schemas::Term;
use uuid::Uuid;

use crate::files::{Reader, ours};
use crate::{DataFile, LakeError, LakeTable};

/// The columns of [`StoredEvent`], in order.
const COLUMNS: [&str; 8] = [
    "event_id",
    "event_type",
    "received_at",
    "student_key",
    "sent_key",
    "log_id",
    "log_partition",
    "log_position",
];

/// How many files are looked into at once.
const CONCURRENT_FILES: usize = 8;

/// How often the look-up begins again at a newer version because a file of the
/// one that was held is gone: upkeep put its rows into another.
const ATTEMPTS: usize = 5;

/// Which events are looked for.
#[derive(Debug, Clone)]
pub struct Sought<'a> {
    /// Their ids.
    pub ids: &'a HashSet<Uuid>,
    /// When they were received. Files that hold nothing of that time are not
    /// opened.
    pub received: RangeInclusive<DateTime<Utc>>,
    /// The terms in which they probably are, if that is known: whatever is enough
    /// there is not looked for in others.
    pub terms: &'a BTreeSet<Term>,
}

/// An event that is stored.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct StoredEvent {
    /// Its id.
    pub id: Uuid,
    /// Its type.
    pub event_type: String,
    /// When ingest took it.
    pub received_at: DateTime<Utc>,
    /// The key that its sender named the person by.
    pub sent_key: String,
    /// The log that it was read from,
    pub log_id: String,
    /// the partition of that log,
    pub partition: u32,
    /// and its place there: no two rows have the same place.
    pub position: u64,
}

/// What a look-up found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Finding {
    /// Every row that was found, in any order. Ids that are in none of them are
    /// not stored.
    pub events: Vec<StoredEvent>,
    /// Files that may hold rows of that time, and were opened.
    pub files: usize,
    /// Bytes that were read of them.
    pub bytes: u64,
}

impl LakeTable {
    /// Looks events up by id, in the version that is held or, where files of it
    /// are gone by now, in a newer one. Only for tables of events.
    ///
    /// Once `is_enough` says so of a row, its id is no longer looked for in files
    /// that were not opened yet; other rows with that id may be left out then.
    ///
    /// A file that holds none of the ids costs one read of its end and one for
    /// each of its Bloom filters, and its ids are read only if a filter says
    /// "perhaps"; small files have no filters. At most eight files are open, with
    /// a batch of ids of each in memory.
    ///
    /// # Errors
    /// [`LakeError::Store`], [`LakeError::Parquet`], [`LakeError::Table`].
    pub async fn find(
        &self,
        sought: &Sought<'_>,
        mut is_enough: impl FnMut(&StoredEvent) -> bool + Send,
    ) -> Result<Finding, LakeError> {
        let mut table = self.clone();
        let mut attempts = ATTEMPTS;
        loop {
            attempts -= 1;
            match table.find_at_version(sought, &mut is_enough).await {
                Err(error) if error.is_missing() && attempts > 0 => {
                    let gone = table.version();
                    table.refresh().await?;
                    if table.version() == gone {
                        return Err(error);
                    }
                }
                done => return done,
            }
        }
    }

    async fn find_at_version(
        &self,
        sought: &Sought<'_>,
        is_enough: &mut (impl FnMut(&StoredEvent) -> bool + Send),
    ) -> Result<Finding, LakeError> {
        let mut finding = Finding::default();
        if sought.ids.is_empty() {
            return Ok(finding);
        }
        let files = self.data_files().into_iter();
        let files = files.filter(|file| may_hold(file, &sought.received));
        let is_likely = |file: &DataFile| file.term().is_some_and(|t| sought.terms.contains(t));
        let (likely, others): (Vec<_>, Vec<_>) = files.partition(is_likely);
        let mut ids = Arc::new(sought.ids.clone());
        for files in [likely, others] {
            let looks = files.into_iter().map(|file| {
                let (ids, received) = (Arc::clone(&ids), sought.received.clone());
                self.find_in(file, ids, received)
            });
            let mut looks = futures::stream::iter(looks).buffer_unordered(CONCURRENT_FILES);
            while let Some((events, bytes)) = looks.try_next().await? {
                finding.files += 1;
                finding.bytes += bytes;
                finding.events.extend(events);
            }
            drop(looks);
            let enough = finding.events.iter().filter(|event| is_enough(event));
            let enough: HashSet<Uuid> = enough.map(|event| event.id).collect();
            Arc::make_mut(&mut ids).retain(|id| !enough.contains(id));
            if ids.is_empty() {
                break;
            }
        }
        Ok(finding)
    }

    /// The rows of a file with one of the ids; also how many bytes were read.
    async fn find_in(
        &self,
        file: DataFile,
        ids: Arc<HashSet<Uuid>>,
        received: RangeInclusive<DateTime<Utc>>,
    ) -> Result<(Vec<StoredEvent>, u64), LakeError> {
        let read = Arc::new(AtomicU64::new(0));
        let reader = Reader {
            store: self.delta.object_store(),
            path: Path::from(file.path()),
            size: file.bytes,
            read: Arc::clone(&read),
        };
        // As files.rs does.
        let plainly = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let builder = ParquetRecordBatchStreamBuilder::new_with_options(reader, plainly).await;
        let mut builder = builder.map_err(ours)?;
        let groups = candidates(&mut builder, &ids).await?;
        let mut events = Vec::new();
        if !groups.is_empty() {
            let schema = builder.parquet_schema();
            let columns = ProjectionMask::columns(schema, COLUMNS);
            let id = ProjectionMask::columns(schema, [COLUMNS[0]]);
            let is_sought = ArrowPredicateFn::new(id, move |rows| are_sought(&rows, &ids));
            let rows = builder
                .with_row_groups(groups)
                .with_projection(columns)
                .with_row_filter(RowFilter::new(vec![Box::new(is_sought)]))
                .build();
            let mut rows = rows.map_err(ours)?;
            while let Some(rows) = rows.try_next().await.map_err(ours)? {
                events.extend(stored_events(&rows).map_err(LakeError::Rows)?);
            }
            events.retain(|event| received.contains(&event.received_at));
        }
        Ok((events, read.load(Ordering::Relaxed)))
    }
}

/// Whether a file may hold a row that was received then.
fn may_hold(file: &DataFile, received: &RangeInclusive<DateTime<Utc>>) -> bool {
    file.times("received_at")
        .is_none_or(|times| times.start() <= received.end() && times.end() >= received.start())
}

/// The row groups of a file that may hold one of the ids.
async fn candidates(
    file: &mut ParquetRecordBatchStreamBuilder<Reader>,
    ids: &HashSet<Uuid>,
) -> Result<Vec<usize>, LakeError> {
    let schema = file.parquet_schema();
    let columns = schema.columns().iter();
    let Some(column) = columns.clone().position(|c| c.name() == COLUMNS[0]) else {
        return Ok(Vec::new());
    };
    // As rows have them.
    let texts: Vec<String> = ids.iter().map(Uuid::to_string).collect();
    let mut candidates = Vec::new();
    for group in 0..file.metadata().num_row_groups() {
        let filter = file.get_row_group_column_bloom_filter(group, column).await;
        let is_candidate = filter
            .map_err(ours)?
            .is_none_or(|filter| texts.iter().any(|id| filter.check(id.as_str())));
        if is_candidate {
            candidates.push(group);
        }
    }
    Ok(candidates)
}

fn are_sought(rows: &RecordBatch, ids: &HashSet<Uuid>) -> Result<BooleanArray, ArrowError> {
    let column = rows.column(0).as_string_opt::<i32>();
    let column = column.ok_or_else(|| ArrowError::SchemaError("event_id is no text".to_owned()))?;
    let is_sought = |text: &str| Uuid::try_parse(text).is_ok_and(|id| ids.contains(&id));
    let values = (0..column.len()).map(|row| Some(is_sought(column.value(row))));
    Ok(values.collect())
}

/// The keys by which the senders of events named their people: where the roster knows
/// them by another, that one is in `student_key`.
pub struct SentKeys<'a> {
    own: &'a StringArray,
    sent: Option<&'a StringArray>,
}

/// Those of some rows, which have the columns `student_key` and, if their file has it,
/// `sent_key`.
///
/// # Errors
/// When there is no `student_key`.
pub fn sent_keys(rows: &RecordBatch) -> Result<SentKeys<'_>, ArrowError> {
    let text = |name| rows.column_by_name(name)?.as_string_opt::<i32>();
    let missing = || ArrowError::SchemaError("student_key is missing".to_owned());
    Ok(SentKeys {
        own: text("student_key").ok_or_else(missing)?,
        sent: text("sent_key"),
    })
}

impl SentKeys<'_> {
    /// That of a row.
    pub fn of(&self, row: usize) -> &str {
        match self.sent {
            Some(sent) if sent.is_valid(row) => sent.value(row),
            _ => self.own.value(row),
        }
    }
}

fn stored_events(rows: &RecordBatch) -> Result<Vec<StoredEvent>, ArrowError> {
    let column = |name: &str| {
        let column = rows.column_by_name(name);
        column.ok_or_else(|| ArrowError::SchemaError(format!("{name} is missing")))
    };
    let text = |name| Ok::<_, ArrowError>(column(name)?.as_string::<i32>());
    let (ids, types) = (text("event_id")?, text("event_type")?);
    let (keys, logs) = (sent_keys(rows)?, text("log_id")?);
    let times = column("received_at")?.as_primitive::<TimestampMicrosecondType>();
    let partitions = column("log_partition")?.as_primitive::<Int32Type>();
    let positions = column("log_position")?.as_primitive::<Int64Type>();
    let event = |row: usize| {
        Some(StoredEvent {
            id: Uuid::try_parse(ids.value(row)).ok()?,
            event_type: types.value(row).to_owned(),
            received_at: DateTime::from_timestamp_micros(times.value(row))?,
            sent_key: keys.of(row).to_owned(),
            log_id: logs.value(row).to_owned(),
            partition: partitions.value(row).unsigned_abs(),
            position: positions.value(row).unsigned_abs(),
        })
    };
    Ok((0..rows.num_rows()).filter_map(event).collect())
}
