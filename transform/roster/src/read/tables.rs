//! From the tables of a catalogue to sorted rows of ours.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use super::{Reading, Settings};
use crate::binding::File;
use crate::bundle::{Bundle, Limits};
use crate::diagnostic::{Code, Diagnostics};
use crate::error::{BundleError, Error};
use crate::manifest::{Manifest, Mode, Version};
use crate::origin::{Form, Origin};

/// What there is at a path.
enum Found {
    /// A zip file or a folder of CSV files.
    Bundle,
    /// A CSV file of one table.
    Table(File),
    /// JSON: an object of tables, or the rows of the one that the file is named by.
    Json(Option<File>),
    /// A line of JSON for each row of a table.
    Lines(File),
}

/// Reads a catalogue: a zip file or a folder of CSV files, one such file, a JSON file, or
/// JSON lines of one table. What is wrong with it stands in [`Reading::diagnostics`].
///
/// # Errors
/// When a file cannot be read, or rows cannot be set aside.
pub fn read_catalog(
    path: &Path,
    mode: Mode,
    limits: Limits,
    settings: Settings,
) -> Result<Reading, Error> {
    read_catalog_as(&name_of(path), path, mode, limits, settings)
}

/// Reads a catalogue as [`read_catalog`] reads a file of this name: for a file that lies
/// under another.
///
/// # Errors
/// When a file cannot be read, or rows cannot be set aside.
pub fn read_catalog_as(
    name: &str,
    path: &Path,
    mode: Mode,
    limits: Limits,
    settings: Settings,
) -> Result<Reading, Error> {
    let diagnostics = Diagnostics::new(settings.kept_diagnostics);
    let mut reading = Reading::new(Origin::Catalog(Form::Files), diagnostics, settings);
    let found = look(name, path)?;
    if !matches!(found, Found::Bundle) {
        let bytes = fs::metadata(path).map_err(BundleError::Open)?.len();
        if bytes > limits.file_bytes {
            let (name, limit) = (name.to_owned(), limits.file_bytes);
            return Err(BundleError::TooLarge { name, limit }.into());
        }
    }
    match found {
        Found::Bundle => reading.read_tables(Bundle::open_catalog(path, limits)?, mode)?,
        Found::Table(table) => {
            reading.read_tables(Bundle::of_table(table, path, limits), mode)?;
        }
        Found::Json(table) => reading.read_json(path, mode, table)?,
        Found::Lines(table) => reading.read_json_lines(path, mode, table)?,
    }
    if reading.modes.is_empty() && reading.diagnostics.totals().is_empty() {
        let detail = "there is no table of the catalogue to read";
        reading.diagnostics.bundle(Code::NoTables, detail);
    }
    Ok(reading)
}

impl Reading {
    fn read_tables(&mut self, mut bundle: Bundle, mode: Mode) -> Result<(), Error> {
        for name in bundle.unknown() {
            let detail = "the catalogue has no such table";
            self.diagnostics.file(Code::UnknownFile, name, detail);
        }
        let files = bundle.files();
        if files.is_empty() {
            let detail = "there is no table of the catalogue to read";
            self.diagnostics.bundle(Code::NoTables, detail);
        }
        let manifest = Manifest {
            version: Version::Catalog1,
            files: files.into_iter().map(|file| (file, mode)).collect(),
        };
        self.read_files(&mut bundle, manifest)
    }
}

fn look(name: &str, path: &Path) -> Result<Found, Error> {
    if fs::metadata(path).map_err(BundleError::Open)?.is_dir() {
        return Ok(Found::Bundle);
    }
    let called = Path::new(name);
    let stem = called.file_stem().unwrap_or_default().to_string_lossy();
    let table = File::from_stem(&stem).filter(|file| file.is_of_catalog());
    let named = || table.ok_or_else(|| Error::from(BundleError::NoTable(name.to_owned())));
    let extension = called.extension().unwrap_or_default().to_string_lossy();
    Ok(match extension.to_ascii_lowercase().as_str() {
        "csv" => Found::Table(named()?),
        "jsonl" | "ndjson" => Found::Lines(named()?),
        "json" => Found::Json(table),
        _ if begins_as_json(path)? => Found::Json(table),
        _ => Found::Bundle,
    })
}

fn begins_as_json(path: &Path) -> Result<bool, Error> {
    let mut start = Vec::new();
    let file = fs::File::open(path).map_err(BundleError::Open)?;
    file.take(64)
        .read_to_end(&mut start)
        .map_err(BundleError::Open)?;
    let first = start.iter().find(|byte| !byte.is_ascii_whitespace());
    Ok(matches!(first, Some(b'{' | b'[')))
}

fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}
