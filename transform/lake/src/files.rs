//! Reading single files of a table, past DataFusion.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::RecordBatch;
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt, TryFutureExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::{AsyncFileReader, ParquetRecordBatchStreamBuilder};
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};

use crate::{ChangedFile, LakeError, LakeTable};

/// Rows as they come from a file.
pub(crate) type FileRows = BoxStream<'static, Result<RecordBatch, LakeError>>;

impl LakeTable {
    /// Streams some columns of a file. The term is no column of a file.
    ///
    /// # Errors
    /// [`LakeError::Store`] or [`LakeError::Parquet`], also in the stream;
    /// [`LakeError::is_missing`] when the file is no longer there, which it may
    /// cease to be at any moment.
    pub async fn read(&self, file: &ChangedFile, columns: &[&str]) -> Result<FileRows, LakeError> {
        self.read_file(&file.path, Some(columns)).await
    }

    /// Streams a file, or some of its columns.
    pub(crate) async fn read_file(
        &self,
        path: &str,
        columns: Option<&[&str]>,
    ) -> Result<FileRows, LakeError> {
        let store = self.delta.object_store();
        // Asked first: not every store can be asked for a file's last bytes.
        let path = Path::from(path);
        let size = store.head(&path).await?.size;
        let read = Arc::default();
        let reader = Reader {
            store,
            path,
            size,
            read,
        };
        // Other engines that write to the table have other ideas of what text is
        // in memory. Single columns are of plain types, as the file has them.
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(columns.is_some());
        let builder = ParquetRecordBatchStreamBuilder::new_with_options(reader, options).await;
        let mut builder = builder.map_err(ours)?;
        if let Some(columns) = columns {
            let schema = builder.parquet_schema();
            let mask = ProjectionMask::columns(schema, columns.iter().copied());
            builder = builder.with_projection(mask);
        }
        let rows = builder.build().map_err(ours)?;
        Ok(rows.map_err(ours).boxed())
    }
}

/// How much of a file's end is read at first: more than its metadata take, so
/// that they are there with one read.
const END_BYTES: usize = 32 << 10;

/// A file of known size in an object store.
pub(crate) struct Reader {
    pub store: Arc<dyn ObjectStore>,
    pub path: Path,
    pub size: u64,
    /// How many bytes were read.
    pub read: Arc<AtomicU64>,
}

impl Reader {
    fn count(&self, range: &Range<u64>) {
        self.read
            .fetch_add(range.end - range.start, Ordering::Relaxed);
    }
}

impl AsyncFileReader for Reader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, ParquetResult<Bytes>> {
        self.count(&range);
        let bytes = async move { self.store.get_range(&self.path, range).await };
        bytes.map_err(external).boxed()
    }

    fn get_byte_ranges(
        &mut self,
        ranges: Vec<Range<u64>>,
    ) -> BoxFuture<'_, ParquetResult<Vec<Bytes>>> {
        ranges.iter().for_each(|range| self.count(range));
        let bytes = async move { self.store.get_ranges(&self.path, &ranges).await };
        bytes.map_err(external).boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, ParquetResult<Arc<ParquetMetaData>>> {
        async move {
            let size = self.size;
            let metadata = ParquetMetaDataReader::new()
                .with_prefetch_hint(Some(END_BYTES))
                .load_and_finish(self, size);
            Ok(Arc::new(metadata.await?))
        }
        .boxed()
    }
}

/// What the store says is the store's, also when a reader of Parquet passes it
/// on.
pub(crate) fn ours(error: ParquetError) -> LakeError {
    match error {
        ParquetError::External(source) => match source.downcast::<object_store::Error>() {
            Ok(source) => LakeError::Store(*source),
            Err(source) => LakeError::Parquet(ParquetError::External(source)),
        },
        error => LakeError::Parquet(error),
    }
}

fn external(error: object_store::Error) -> ParquetError {
    ParquetError::External(Box::new(error))
}
