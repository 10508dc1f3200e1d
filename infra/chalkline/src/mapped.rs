//! Rows of CSV and Parquet files as a source of events: a mapping file says which
//! columns become which members.

mod cell;
mod expression;
mod mapping;
mod plan;
mod rows;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use uuid::Uuid;

use crate::client::Dialect;
use crate::import::{Events, RowEvents, Source, Table};

pub use mapping::Mapping;
use plan::Plan;
use rows::Rows;

/// The namespace of the ids of events that the mapping gives none.
const NAMESPACE: Uuid = Uuid::from_u128(0x9a27_51c4_0e6d_5f38_b1f2_6c8d_33e0_74a9);

/// Files of rows, opened: digests and row counts are known, and every column that the
/// mapping names is there.
#[derive(Debug)]
pub struct MappedFiles {
    files: Vec<MappedFile>,
}

#[derive(Debug)]
struct MappedFile {
    rows: Rows,
    name: String,
    /// Of the file's contents: ids are made of it.
    contents: Uuid,
    /// Of the contents and the mapping: another mapping is another import.
    digest: String,
    plan: Plan,
}

impl MappedFiles {
    /// Opens the files, `.csv`, `.tsv` (both also `.gz`) or `.parquet`, reading each
    /// once.
    ///
    /// # Errors
    /// When a file cannot be read or lacks a column that the mapping names.
    pub fn open(mapping: &Mapping, paths: &[PathBuf]) -> anyhow::Result<Self> {
        let mapping_digest = mapping.digest();
        let open = |path: &PathBuf| -> anyhow::Result<MappedFile> {
            let (rows, sha256) = Rows::open(path, mapping)?;
            let plan = Plan::new(mapping, rows.columns())?;
            Ok(MappedFile {
                name: name_of(path),
                contents: Uuid::new_v5(&NAMESPACE, sha256.as_bytes()),
                digest: format!("{sha256}-{}", &mapping_digest[..16]),
                rows,
                plan,
            })
        };
        let files = paths
            .iter()
            .map(|path| open(path).with_context(|| format!("cannot import {}", path.display())));
        Ok(Self {
            files: files.collect::<Result<_, _>>()?,
        })
    }

    /// The events of the first rows of each file, for who writes a mapping.
    ///
    /// # Errors
    /// When a row cannot be read.
    pub fn first(&self, rows: usize) -> anyhow::Result<Vec<String>> {
        let mut first = Vec::new();
        for table in 0..self.files.len() {
            for row in self.events(table, 0)?.take(rows) {
                first.extend(row?.events);
            }
        }
        Ok(first)
    }
}

impl Source for MappedFiles {
    fn dialect(&self) -> Dialect {
        Dialect::Native
    }

    fn tables(&self) -> Vec<&dyn Table> {
        self.files.iter().map(|file| file as &dyn Table).collect()
    }

    fn events<'a>(&'a self, table: usize, skip: u64) -> anyhow::Result<Events<'a>> {
        let file = &self.files[table];
        let rows = file.rows.read(skip)?;
        let events = rows.zip(skip + 1..).map(move |(cells, row)| {
            let cells = cells.with_context(|| format!("cannot read row {row} of {}", file.name))?;
            let id = |event: usize| file.id(row, event);
            Ok(RowEvents {
                row,
                events: file.plan.events(&cells, id),
            })
        });
        Ok(Box::new(events))
    }
}

impl MappedFile {
    /// The id of an event of a row: the same whenever the file is imported again.
    fn id(&self, row: u64, event: usize) -> Uuid {
        Uuid::new_v5(&self.contents, format!("{row}/{event}").as_bytes())
    }
}

impl Table for MappedFile {
    fn name(&self) -> &str {
        &self.name
    }

    fn digest(&self) -> &str {
        &self.digest
    }

    fn row_count(&self) -> u64 {
        self.rows.count()
    }
}

/// What the files of an import become.
///
/// # Errors
/// As [`Mapping::read`] and [`MappedFiles::open`].
pub fn open(mapping: &Path, files: &[PathBuf]) -> anyhow::Result<Arc<MappedFiles>> {
    let mapping = Mapping::read(mapping)?;
    Ok(Arc::new(MappedFiles::open(&mapping, files)?))
}

fn name_of(path: &Path) -> String {
    path.file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}
