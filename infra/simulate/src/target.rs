//! Where files are written.

use std::fs::{self, File};
use std::io::{BufWriter, Seek, Write};
use std::path::PathBuf;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::Error;
use crate::table::{Cell, Rows};

/// How far the writing of tables is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The table that is being written.
    pub table: &'static str,
    /// Rows of all tables so far.
    pub rows: u64,
    /// About how many there will be.
    pub total: u64,
}

/// How many rows are written between two words about it.
const REPORT_EVERY: u64 = 4_096;

/// Takes files one after the other.
pub(crate) trait Target {
    /// Begins a file.
    fn file<'a>(&'a mut self, name: &str) -> Result<Box<dyn Write + 'a>, Error>;
}

/// Files in a folder, which is made if there is none.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn make(path: PathBuf) -> Result<Self, Error> {
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Target for Folder {
    fn file<'a>(&'a mut self, name: &str) -> Result<Box<dyn Write + 'a>, Error> {
        let file = File::create(self.0.join(name))?;
        Ok(Box::new(BufWriter::with_capacity(1 << 16, file)))
    }
}

/// Files in a zip.
pub(crate) struct Zip<W: Write + Seek>(ZipWriter<W>);

impl<W: Write + Seek> Zip<W> {
    pub(crate) fn begin(to: W) -> Self {
        Self(ZipWriter::new(to))
    }

    pub(crate) fn end(self) -> Result<(), Error> {
        self.0.finish()?.flush()?;
        Ok(())
    }
}

impl<W: Write + Seek> Target for Zip<W> {
    fn file<'a>(&'a mut self, name: &str) -> Result<Box<dyn Write + 'a>, Error> {
        // All files are of 1980: the same world makes the same zip.
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(zip::DateTime::default())
            .large_file(true);
        self.0.start_file(name, options)?;
        Ok(Box::new(BufWriter::with_capacity(1 << 16, &mut self.0)))
    }
}

/// Counts rows and tells of them.
pub(crate) struct Counted<'a> {
    pub(crate) inner: &'a mut dyn Rows,
    pub(crate) progress: &'a mut Progress,
    pub(crate) tell: &'a mut dyn FnMut(Progress),
}

impl Rows for Counted<'_> {
    fn row(&mut self, cells: &mut [Cell<'_>]) -> Result<(), Error> {
        self.inner.row(cells)?;
        self.progress.rows += 1;
        if self.progress.rows.is_multiple_of(REPORT_EVERY) {
            (self.tell)(*self.progress);
        }
        Ok(())
    }
}
