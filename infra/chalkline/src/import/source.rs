//! What can be imported.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use sha2::{Digest, Sha256};

use crate::client::Dialect;

/// Tables whose rows become events of one dialect.
pub trait Source: Send + Sync + 'static {
    /// The dialect of its events.
    fn dialect(&self) -> Dialect;

    /// Its tables, in the order of import.
    fn tables(&self) -> Vec<&dyn Table>;

    /// The events of a table's rows after the first `skip` ones.
    ///
    /// # Errors
    /// When the table cannot be opened; each item when its row cannot be read.
    fn events<'a>(&'a self, table: usize, skip: u64) -> anyhow::Result<Events<'a>>;
}

/// The events of row after row.
pub type Events<'a> = Box<dyn Iterator<Item = anyhow::Result<RowEvents>> + 'a>;

/// One file of rows, known by its contents.
pub trait Table: Send + Sync {
    /// What people call it.
    fn name(&self) -> &str;

    /// SHA-256 of the uncompressed file, in hexadecimal.
    fn digest(&self) -> &str;

    /// How many rows it has.
    fn row_count(&self) -> u64;
}

/// The events of one row, as the front door takes them.
#[derive(Debug, PartialEq, Eq)]
pub struct RowEvents {
    /// The row, from 1, without a header.
    pub row: u64,
    /// The events as JSON, each without a line break.
    pub events: Vec<String>,
}

/// Opens a file, inflating it when its name ends in `.gz`.
pub fn open(path: &Path) -> io::Result<Box<dyn Read + Send>> {
    let file = BufReader::with_capacity(1 << 16, File::open(path)?);
    if path.extension().is_some_and(|extension| extension == "gz") {
        Ok(Box::new(MultiGzDecoder::new(file)))
    } else {
        Ok(Box::new(file))
    }
}

/// Hashes what passes through.
pub struct HashingReader<R> {
    inner: R,
    hasher: Sha256,
}

impl<R: Read> HashingReader<R> {
    /// Hashes what is read from `inner`.
    pub fn new(inner: R) -> Self {
        Self {
            inner,
            hasher: Sha256::new(),
        }
    }

    /// The SHA-256 of what was read, in hexadecimal.
    pub fn digest(self) -> String {
        hex::encode(self.hasher.finalize())
    }
}

impl<R: Read> Read for HashingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..length]);
        Ok(length)
    }
}
