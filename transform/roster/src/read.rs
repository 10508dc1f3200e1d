//! From the files of a bundle to sorted rows of our tables.

use std::collections::BTreeMap;

use schemas::StudentHasher;
use schemas::roster::Entity;

use crate::binding::File;
use crate::bundle::Bundle;
use crate::day::{DayOrder, Evidence};
use crate::diagnostic::{Code, Diagnostics};
use crate::error::{BundleError, Error};
use crate::header::Header;
use crate::manifest::{MANIFEST, Manifest, Mode, Version};
use crate::origin::Origin;
use crate::records::{RecordError, Records};
use crate::sort::{Sorted, Sorter};
use crate::text::{Inspection, Utf8, inspect};

mod json;
mod line;
mod scope;
mod tables;

use line::Lines;
pub(crate) use scope::Scope;
pub use tables::{read_catalog, read_catalog_as};

/// How a bundle is read.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Which of day and month comes first in days written with slashes; without it
    /// each column has to prove it.
    pub day_order: Option<DayOrder>,
    /// What is cut from the front of people's identifiers, see
    /// [`schemas::normalise_actor`].
    pub actor_prefixes: Vec<String>,
    /// What makes keys of these identifiers; without it [`Entity::Identities`] is not
    /// made.
    pub hasher: Option<StudentHasher>,
    /// How many diagnostics of a kind are kept for a file.
    pub kept_diagnostics: u64,
    /// How much memory the rows of a table may take before they are set aside in
    /// temporary files.
    pub sort_bytes: usize,
    /// How many changes are kept in memory, of all tables together: to find them again
    /// costs a look at every row. Each takes a kilobyte or two.
    pub kept_changes: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            day_order: None,
            actor_prefixes: Vec::new(),
            hasher: None,
            kept_diagnostics: 100,
            sort_bytes: 32 << 20,
            kept_changes: 1 << 15,
        }
    }
}

/// What has been read: each row by itself is as it should be.
pub struct Reading {
    /// From where the rows come.
    pub origin: Origin,
    /// The tables of which there are rows, and whether those are all.
    pub modes: BTreeMap<Entity, Mode>,
    /// What is wrong so far.
    pub diagnostics: Diagnostics,
    pub(crate) tables: BTreeMap<Entity, Sorted>,
    /// Of which rows a bulk speaks, where those are not all of the table.
    pub(crate) scopes: BTreeMap<Entity, Scope>,
    pub(crate) settings: Settings,
}

/// Reads all files of a bundle. What is wrong with it stands in
/// [`Reading::diagnostics`].
///
/// # Errors
/// When a file cannot be read, or rows cannot be set aside.
pub fn read(bundle: &mut Bundle, settings: Settings) -> Result<Reading, Error> {
    let mut diagnostics = Diagnostics::new(settings.kept_diagnostics);
    for name in bundle.unknown() {
        let detail = "no version of OneRoster has such a file there";
        diagnostics.file(Code::UnknownFile, name, detail);
    }
    let manifest = read_manifest(bundle, &mut diagnostics)?;
    let origin = Origin::Bundle(manifest.version);
    let mut reading = Reading::new(origin, diagnostics, settings);
    if manifest.files.is_empty() && !reading.diagnostics.is_fatal() {
        let detail = "there is no file of OneRoster to read";
        reading.diagnostics.bundle(Code::NoFiles, detail);
    }
    reading.read_files(bundle, manifest)?;
    Ok(reading)
}

impl Reading {
    fn new(origin: Origin, diagnostics: Diagnostics, settings: Settings) -> Self {
        Self {
            origin,
            modes: BTreeMap::new(),
            diagnostics,
            tables: BTreeMap::new(),
            scopes: BTreeMap::new(),
            settings,
        }
    }

    fn read_files(&mut self, bundle: &mut Bundle, manifest: Manifest) -> Result<(), Error> {
        let version = manifest.version;
        let inspected = self.inspect(bundle, &manifest)?;
        for (file, mode) in manifest.files {
            let Some(inspection) = inspected.get(&file) else {
                continue;
            };
            let orders = self.orders(bundle, (file, version), inspection)?;
            let read = self.read_file(bundle, (file, version), mode, inspection, &orders)?;
            if let Some(sorted) = read {
                self.tables.insert(file.entity(), sorted);
                self.modes.insert(file.entity(), mode);
            }
        }
        Ok(())
    }

    /// Looks at the bytes of all files; copies of others are left out.
    fn inspect(
        &mut self,
        bundle: &mut Bundle,
        manifest: &Manifest,
    ) -> Result<BTreeMap<File, Inspection>, Error> {
        let version = manifest.version;
        let mut inspected: BTreeMap<File, Inspection> = BTreeMap::new();
        // Which of two equal files is the copy, its header tells.
        for &file in manifest.files.keys() {
            let name = file.name();
            let found = bundle
                .read(&name)
                .and_then(inspect)
                .map_err(|error| unreadable(&name, error))?;
            inspected.insert(file, found);
        }
        let files: Vec<File> = inspected.keys().copied().collect();
        let mut copies = Vec::new();
        for &file in &files {
            let is_copied = |other: &&File| {
                **other != file && inspected[other].digest == inspected[&file].digest
            };
            if let Some(&original) = files.iter().find(is_copied)
                && !self.fits(bundle, (file, version), &inspected[&file])?
                && self.fits(bundle, (original, version), &inspected[&original])?
            {
                let detail = format!("the file is a copy of {original}; nothing is read from it");
                self.diagnostics
                    .file(Code::CopiedFile, &file.name(), detail);
                copies.push(file);
            }
        }
        for copy in copies {
            inspected.remove(&copy);
        }
        for (file, inspection) in &inspected {
            let encoding = inspection.encoding;
            if encoding != encoding_rs::UTF_8 {
                let detail = format!("the file is read as {}", encoding.name());
                self.diagnostics.file(Code::Encoding, &file.name(), detail);
            }
        }
        Ok(inspected)
    }

    /// Whether a file's header has what it must have.
    fn fits(
        &self,
        bundle: &mut Bundle,
        (file, version): (File, Version),
        inspection: &Inspection,
    ) -> Result<bool, Error> {
        let name = file.name();
        let bytes = bundle
            .read(&name)
            .map_err(|error| unreadable(&name, error))?;
        let mut records = Records::new(Utf8::new(bytes, inspection.encoding));
        let mut aside = Diagnostics::new(0);
        Ok(match records.next() {
            Ok(Some(record)) => Header::read(file, version, &record, &mut aside).is_some(),
            _ => false,
        })
    }

    /// In which order each column of the file writes days with slashes, as far as it
    /// is known: by a look at all its values.
    fn orders(
        &self,
        bundle: &mut Bundle,
        (file, version): (File, Version),
        inspection: &Inspection,
    ) -> Result<Vec<Option<DayOrder>>, Error> {
        let columns = file.columns(version);
        if !inspection.slashes || self.settings.day_order.is_some() {
            return Ok(vec![self.settings.day_order; columns.len()]);
        }
        let name = file.name();
        let bytes = bundle
            .read(&name)
            .map_err(|error| unreadable(&name, error))?;
        let mut records = Records::new(Utf8::new(bytes, inspection.encoding));
        let mut evidence = vec![Evidence::default(); columns.len()];
        let mut aside = Diagnostics::new(0);
        let header = match records.next() {
            Ok(Some(record)) => Header::read(file, version, &record, &mut aside),
            _ => None,
        };
        // What cannot be read is reported when it is read for good.
        while let (Some(header), Ok(Some(record))) = (&header, records.next()) {
            for (index, evidence) in evidence.iter_mut().enumerate() {
                if line::is_day(columns[index].kind)
                    && let Some(text) = header.place(index).and_then(|place| record.get(place))
                {
                    evidence.add(text);
                }
            }
        }
        Ok(evidence.into_iter().map(Evidence::order).collect())
    }

    /// The rows of a file, sorted; none if it is left out.
    fn read_file(
        &mut self,
        bundle: &mut Bundle,
        (file, version): (File, Version),
        mode: Mode,
        inspection: &Inspection,
        orders: &[Option<DayOrder>],
    ) -> Result<Option<Sorted>, Error> {
        let name = file.name();
        let bytes = bundle
            .read(&name)
            .map_err(|error| unreadable(&name, error))?;
        let mut records = Records::new(Utf8::new(bytes, inspection.encoding));
        let diagnostics = &mut self.diagnostics;
        let header = match records.next() {
            Ok(Some(record)) => Header::read(file, version, &record, diagnostics),
            Ok(None) => {
                diagnostics.file(Code::NoHeader, &name, "the file is empty");
                None
            }
            Err(error) => {
                report(error, &name, diagnostics)?;
                None
            }
        };
        let Some(header) = header else {
            return Ok(None);
        };
        let mut lines = Lines::new(file, version, mode, &header, orders, diagnostics);
        let mut sorter = Sorter::new(self.settings.sort_bytes);
        let mut scope = Scope::of(file.entity());
        let mut rows = 0_u64;
        loop {
            match records.next() {
                Ok(Some(record)) if record.len() == 1 && record.get(0) == Some("") => {}
                Ok(Some(record)) => {
                    rows += 1;
                    if let Some(row) = lines.read(&record) {
                        if let Some(scope) = &mut scope {
                            scope.learn(&row.row);
                        }
                        sorter.push(&row)?;
                    }
                }
                Ok(None) => break,
                Err(error) => {
                    report(error, &name, diagnostics)?;
                    return Ok(None);
                }
            }
        }
        if rows == 0 {
            let detail = "the file has no rows; it is taken for absent";
            diagnostics.file(Code::EmptyFile, &name, detail);
            return Ok(None);
        }
        self.scopes
            .extend(scope.map(|scope| (file.entity(), scope)));
        sorter.finish().map(Some)
    }
}

fn read_manifest(bundle: &mut Bundle, diagnostics: &mut Diagnostics) -> Result<Manifest, Error> {
    let present = bundle.files();
    if !bundle.has_manifest() {
        return Ok(Manifest::guess(&present, diagnostics));
    }
    let failed = |error| unreadable(MANIFEST, error);
    let inspection = bundle.read(MANIFEST).and_then(inspect).map_err(failed)?;
    let bytes = bundle.read(MANIFEST).map_err(failed)?;
    let mut records = Records::new(Utf8::new(bytes, inspection.encoding));
    let mut properties = Vec::new();
    loop {
        match records.next() {
            Ok(Some(record)) => {
                let cell = |index| record.get(index).unwrap_or_default().to_owned();
                properties.push((record.line, cell(0), cell(1)));
            }
            Ok(None) => break,
            Err(error) => {
                report(error, MANIFEST, diagnostics)?;
                break;
            }
        }
    }
    Ok(Manifest::read(&properties, &present, diagnostics))
}

/// What cannot be parsed is wrong with the bundle; what cannot be read is an error.
fn report(error: RecordError, name: &str, diagnostics: &mut Diagnostics) -> Result<(), Error> {
    let (line, detail) = match error {
        RecordError::Io(error) => return Err(unreadable(name, error)),
        RecordError::TooLong(line) => (line, "the row that begins here does not end"),
        RecordError::NotText(line) => (line, "the row that begins here is no text"),
    };
    diagnostics.add(Code::RowTooLong, name, Some(line), None, detail);
    Ok(())
}

fn unreadable(name: &str, source: std::io::Error) -> Error {
    match source.kind() {
        std::io::ErrorKind::FileTooLarge | std::io::ErrorKind::InvalidData => {
            Error::Bundle(BundleError::Bomb(name.to_owned()))
        }
        _ => Error::Io {
            doing: format!("{name} cannot be read"),
            source,
        },
    }
}
