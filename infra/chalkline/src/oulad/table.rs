use std::io::Read;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use super::OuladError;
use crate::import::{self, HashingReader};

/// One CSV file, plain or compressed, whose contents are known by their digest.
#[derive(Debug)]
pub struct Table {
    name: &'static str,
    path: PathBuf,
    digest: String,
    rows: u64,
}

impl Table {
    /// Finds `<name>.csv` or `<name>.csv.gz` and reads it once.
    ///
    /// # Errors
    /// [`OuladError`] when it is missing or is no CSV.
    pub fn open(folder: &Path, name: &'static str) -> Result<Self, OuladError> {
        let path = find(folder, name)?;
        let mut source = HashingReader::new(open(&path)?);
        let mut rows = 0;
        let mut reader = csv::Reader::from_reader(&mut source);
        let mut record = csv::ByteRecord::new();
        while reader
            .read_byte_record(&mut record)
            .map_err(|source| OuladError::Row {
                table: name,
                row: rows + 1,
                source,
            })?
        {
            rows += 1;
        }
        drop(reader);
        Ok(Self {
            name,
            path,
            digest: source.digest(),
            rows,
        })
    }

    /// The file's name, without `.csv`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The rows after the first `skip` ones with their numbers, which start at 1.
    ///
    /// # Errors
    /// [`OuladError`] when the file cannot be opened; each item when its row
    /// cannot be read.
    pub fn rows<T: DeserializeOwned>(
        &self,
        skip: u64,
    ) -> Result<impl Iterator<Item = Result<(u64, T), OuladError>> + use<T>, OuladError> {
        let (name, mut row) = (self.name, skip);
        let mut reader = csv::Reader::from_reader(open(&self.path)?);
        let headers = reader.byte_headers().cloned();
        let mut skipped = csv::ByteRecord::new();
        for row in 1..=skip {
            if !read(&mut reader, &mut skipped, name, row)? {
                break;
            }
        }
        let mut record = csv::ByteRecord::new();
        let mut headers = Some(headers);
        Ok(std::iter::from_fn(move || {
            let names = match headers.take()? {
                Ok(names) => names,
                Err(source) => {
                    return Some(Err(OuladError::Row {
                        table: name,
                        row: 0,
                        source,
                    }));
                }
            };
            row += 1;
            match read(&mut reader, &mut record, name, row) {
                Ok(false) => None,
                Err(error) => Some(Err(error)),
                Ok(true) => {
                    let parsed = record.deserialize(Some(&names));
                    headers = Some(Ok(names));
                    Some(
                        parsed
                            .map(|value| (row, value))
                            .map_err(|source| OuladError::Row {
                                table: name,
                                row,
                                source,
                            }),
                    )
                }
            }
        }))
    }
}

impl import::Table for Table {
    fn name(&self) -> &str {
        self.name
    }

    fn digest(&self) -> &str {
        &self.digest
    }

    fn row_count(&self) -> u64 {
        self.rows
    }
}

fn read<R: Read>(
    reader: &mut csv::Reader<R>,
    record: &mut csv::ByteRecord,
    table: &'static str,
    row: u64,
) -> Result<bool, OuladError> {
    reader
        .read_byte_record(record)
        .map_err(|source| OuladError::Row { table, row, source })
}

fn find(folder: &Path, table: &'static str) -> Result<PathBuf, OuladError> {
    [format!("{table}.csv"), format!("{table}.csv.gz")]
        .into_iter()
        .map(|file| folder.join(file))
        .find(|path| path.is_file())
        .ok_or_else(|| OuladError::Missing {
            folder: folder.display().to_string(),
            table,
        })
}

fn open(path: &Path) -> Result<Box<dyn Read + Send>, OuladError> {
    import::open(path).map_err(|source| OuladError::Read {
        path: path.display().to_string(),
        source,
    })
}
