//! What queries spill: files on the process's disk, of which each tenant may fill its share.

use std::io::{self, Write};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use datafusion::error::Result;
use datafusion::execution::disk_manager::DiskManager;
use datafusion::execution::spill_file::{SpillFile, SpillWriter, TempFileFactory};
use futures::Stream;

use crate::shares::Share;

/// Where the queries of one tenant spill.
pub(crate) struct Spill {
    disk: Arc<DiskManager>,
    share: Arc<Share>,
}

impl Spill {
    /// Within its share, on the disk of all.
    pub(crate) fn new(disk: &Arc<DiskManager>, share: Share) -> Self {
        Self {
            disk: Arc::clone(disk),
            share: Arc::new(share),
        }
    }
}

impl TempFileFactory for Spill {
    fn create_temp_file(&self, description: &str) -> Result<Arc<dyn SpillFile>> {
        let held = Held {
            share: Arc::clone(&self.share),
            bytes: AtomicU64::new(0),
        };
        Ok(Arc::new(CountedFile {
            file: self.disk.create_tmp_file(description)?,
            held: Arc::new(held),
        }))
    }
}

/// What a file takes of the share; given back when nobody has the file any more.
struct Held {
    share: Arc<Share>,
    bytes: AtomicU64,
}

impl Held {
    fn take(&self, bytes: u64) -> io::Result<()> {
        if !self.share.take(bytes) {
            let full = "the queries of the tenant have spilled as much as they may";
            return Err(io::Error::new(io::ErrorKind::StorageFull, full));
        }
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }

    fn give_back(&self, bytes: u64) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.share.give_back(bytes);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.share.give_back(*self.bytes.get_mut());
    }
}

/// A file that is gone before its place is given back: fields are dropped in their order.
struct CountedFile {
    file: Arc<dyn SpillFile>,
    held: Arc<Held>,
}

impl SpillFile for CountedFile {
    fn path(&self) -> Option<&Path> {
        self.file.path()
    }

    fn size(&self) -> Option<u64> {
        self.file.size()
    }

    fn read_stream(&self) -> Result<Pin<Box<dyn Stream<Item = Result<Bytes>> + Send>>> {
        self.file.read_stream()
    }

    fn open_writer(&self) -> Result<Box<dyn SpillWriter>> {
        Ok(Box::new(CountedWriter {
            writer: self.file.open_writer()?,
            held: Arc::clone(&self.held),
        }))
    }
}

struct CountedWriter {
    writer: Box<dyn SpillWriter>,
    held: Arc<Held>,
}

impl Write for CountedWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.held.take(bytes.len() as u64)?;
        let written = self.writer.write(bytes);
        let unwritten = bytes.len() - written.as_ref().map_or(0, |written| *written);
        self.held.give_back(unwritten as u64);
        written
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

impl SpillWriter for CountedWriter {
    fn finish(&mut self) -> Result<()> {
        self.writer.finish()
    }
}
