//! From sorted rows to the bytes of a Parquet file.

use std::io;

use arrow::array::RecordBatch;
use bytes::Bytes;
use object_store::PutPayload;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use schemas::Table;

use crate::stats::StatisticsBuilder;
use crate::{LakeError, file_columns};

/// Rows of a row group: large enough to compress well, small enough that a query
/// can pass over most of a file.
pub(crate) const ROW_GROUP_ROWS: usize = 131_072;

/// Columns whose values hardly repeat: looking for repetitions costs time and
/// finds none.
const WITHOUT_DICTIONARY: [&str; 5] = [
    "event_id",
    "occurred_at",
    "sent_at",
    "received_at",
    "log_position",
];

/// Columns that are looked up by value and have no statistics, which would tell
/// about persons: their Bloom filters lie in the file and go with it. And how often
/// such a filter may say "perhaps" for nothing: of an id each time costs the reading
/// of all ids of a row group. Sizes are powers of two, so an id takes 16 bits for a
/// hundredth (it is 1 in 1,700 then) and would take 8 for a twentieth (1 in 40).
const LOOKED_UP: [(&str, f64); 2] = [("event_id", 0.01), ("student_key", 0.05)];

/// The memory of a file grows by pieces of this size and is never moved.
const PIECE_BYTES: usize = 1 << 20;

/// Files that are smaller than this have few ids: reading them all is cheap. Where
/// all files are small, the larger ones have filters.
const SMALL_BYTES: u64 = 2 << 20;

/// How it is found out whether an id is in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LookUp {
    /// By reading all of them.
    Scan,
    /// By a Bloom filter of each row group, which makes the file larger by a tenth
    /// or two.
    Filter,
}

impl LookUp {
    /// What is right for rows that took so many bytes in other files, and are to be
    /// in files of such a size.
    pub fn of(bytes: u64, target_bytes: u64) -> Self {
        match bytes < SMALL_BYTES.min(target_bytes / 2) {
            true => Self::Scan,
            false => Self::Filter,
        }
    }
}

/// A file in the making, in memory.
pub(crate) struct FileWriter {
    parquet: ArrowWriter<Pieces>,
    statistics: StatisticsBuilder,
}

impl FileWriter {
    pub fn new(table: Table, look_up: LookUp) -> Result<Self, LakeError> {
        let properties = Some(properties(table, look_up));
        let parquet = ArrowWriter::try_new(Pieces::default(), file_columns(table), properties);
        Ok(Self {
            parquet: parquet.map_err(LakeError::Parquet)?,
            statistics: StatisticsBuilder::new(table)?,
        })
    }

    /// Adds rows, which are to come in the table's order.
    pub fn write(&mut self, rows: &RecordBatch) -> Result<(), LakeError> {
        self.statistics.add(rows)?;
        self.parquet.write(rows).map_err(LakeError::Parquet)
    }

    /// How large it is so far, without the row group that is open.
    pub fn bytes(&self) -> u64 {
        self.parquet.bytes_written() as u64
    }

    /// The file, and Delta's statistics of it.
    pub fn finish(self) -> Result<(PutPayload, String), LakeError> {
        let pieces = self.parquet.into_inner().map_err(LakeError::Parquet)?;
        Ok((pieces.into_payload(), self.statistics.finish()?.to_string()))
    }
}

fn properties(table: Table, look_up: LookUp) -> WriterProperties {
    let zstd = ZstdLevel::try_new(1).expect("1 is a zstd level");
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(zstd))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_created_by(concat!("chalkline ", env!("CARGO_PKG_VERSION")).to_owned());
    for field in file_columns(table).fields() {
        let name = field.name().as_str();
        let column = ColumnPath::from(name);
        if schemas::is_personal(table, name) {
            properties =
                properties.set_column_statistics_enabled(column.clone(), EnabledStatistics::None);
        }
        let looked_up = LOOKED_UP.iter().find(|(column, _)| *column == name);
        if let (LookUp::Filter, Some((_, false_positives))) = (look_up, looked_up) {
            properties = properties
                .set_column_bloom_filter_enabled(column.clone(), true)
                .set_column_bloom_filter_fpp(column.clone(), *false_positives)
                .set_column_bloom_filter_max_ndv(column.clone(), ROW_GROUP_ROWS as u64);
        }
        if WITHOUT_DICTIONARY.contains(&name) {
            properties = properties.set_column_dictionary_enabled(column.clone(), false);
            if name != "event_id" {
                properties = properties.set_column_encoding(column, Encoding::DELTA_BINARY_PACKED);
            }
        }
    }
    properties.build()
}

/// Bytes that are written once and then handed to a store as they are.
#[derive(Default)]
struct Pieces {
    full: Vec<Bytes>,
    last: Vec<u8>,
}

impl Pieces {
    fn into_payload(mut self) -> PutPayload {
        self.full.push(self.last.into());
        self.full.into_iter().collect()
    }
}

impl io::Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.last.len() + bytes.len() > PIECE_BYTES && !self.last.is_empty() {
            self.full.push(std::mem::take(&mut self.last).into());
        }
        self.last.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
