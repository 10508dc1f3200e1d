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
/// about persons: their Bloom filters lie in the file and go with it.
const LOOKED_UP: [&str; 2] = ["event_id", "student_key"];

/// How often a Bloom filter says "perhaps" for nothing. A twentieth costs 6 bits
/// per event id; a hundredth would cost 10.
const FALSE_POSITIVES: f64 = 0.05;

/// The memory of a file grows by pieces of this size and is never moved.
const PIECE_BYTES: usize = 1 << 20;

/// How long a file is to last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lifetime {
    /// Until it is merged with others.
    Short,
    /// For good: it has Bloom filters, too, which would make a small file larger
    /// by a tenth.
    Long,
}

/// A file in the making, in memory.
pub(crate) struct FileWriter {
    parquet: ArrowWriter<Pieces>,
    statistics: StatisticsBuilder,
}

impl FileWriter {
    pub fn new(table: Table, lifetime: Lifetime) -> Result<Self, LakeError> {
        let properties = Some(properties(table, lifetime));
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

fn properties(table: Table, lifetime: Lifetime) -> WriterProperties {
    let zstd = ZstdLevel::try_new(1).expect("1 is a zstd level");
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(zstd))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_created_by(concat!("chalkline ", env!("CARGO_PKG_VERSION")).to_owned());
    for field in file_columns(table).fields() {
        let name = field.name().as_str();
        let column = ColumnPath::from(name);
        if schemas::is_personal(name) {
            properties =
                properties.set_column_statistics_enabled(column.clone(), EnabledStatistics::None);
        }
        if lifetime == Lifetime::Long && LOOKED_UP.contains(&name) {
            properties = properties
                .set_column_bloom_filter_enabled(column.clone(), true)
                .set_column_bloom_filter_fpp(column.clone(), FALSE_POSITIVES)
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
