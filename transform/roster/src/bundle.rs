//! A zip file or a folder with the CSV files of a roster.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};

use zip::ZipArchive;

use crate::binding::File;
use crate::error::BundleError;
use crate::manifest::MANIFEST;

mod zipped;

/// What is read of a bundle at most; beyond, it is refused.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Files in the bundle, those of others among them.
    pub files: usize,
    /// Bytes of one file, inflated.
    pub file_bytes: u64,
    /// Bytes of all files together, inflated.
    pub total_bytes: u64,
    /// How many bytes one byte may inflate to, in files of over a megabyte.
    pub ratio: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            files: 1_000,
            file_bytes: 4 << 30,
            total_bytes: 8 << 30,
            ratio: 200,
        }
    }
}

/// What can be read from any place, as a zip file has to be.
trait Source: Read + Seek {}
impl<T: Read + Seek> Source for T {}

/// The files of a bundle, found whatever the case of their names, in its root or
/// in one folder.
pub struct Bundle {
    /// Whether it has the tables of a catalogue, and not those of OneRoster.
    is_catalog: bool,
    place: Place,
    /// The manifest and the data files, by their names in small letters.
    found: BTreeMap<String, Entry>,
    unknown: Vec<String>,
    limits: Limits,
}

enum Place {
    Folder,
    Zip(Box<ZipArchive<Box<dyn Source>>>),
}

enum Entry {
    Path(PathBuf),
    Index(usize),
}

impl Bundle {
    /// Opens a zip file or a folder.
    ///
    /// # Errors
    /// [`BundleError`]: it is neither, or over a limit, or not as a bundle is.
    pub fn open(path: &Path, limits: Limits) -> Result<Self, BundleError> {
        Self::open_of(false, path, limits)
    }

    /// Opens a zip file or a folder with the tables of a catalogue.
    ///
    /// # Errors
    /// As [`Bundle::open`].
    pub(crate) fn open_catalog(path: &Path, limits: Limits) -> Result<Self, BundleError> {
        Self::open_of(true, path, limits)
    }

    fn open_of(is_catalog: bool, path: &Path, limits: Limits) -> Result<Self, BundleError> {
        if fs::metadata(path).map_err(BundleError::Open)?.is_dir() {
            Self::open_folder(is_catalog, path, limits)
        } else {
            let file = fs::File::open(path).map_err(BundleError::Open)?;
            Self::from_zip_of(is_catalog, io::BufReader::new(file), limits)
        }
    }

    /// The one table of a catalogue that a CSV file is.
    pub(crate) fn of_table(table: File, path: &Path, limits: Limits) -> Self {
        let entry = Entry::Path(path.to_owned());
        Self {
            is_catalog: true,
            place: Place::Folder,
            found: BTreeMap::from([(key(&table.name()), entry)]),
            unknown: Vec::new(),
            limits,
        }
    }

    /// Opens a zip file.
    ///
    /// # Errors
    /// [`BundleError`]: it is none, or over a limit, or not as a bundle is.
    pub fn from_zip(zip: impl Read + Seek + 'static, limits: Limits) -> Result<Self, BundleError> {
        Self::from_zip_of(false, zip, limits)
    }

    fn from_zip_of(
        is_catalog: bool,
        zip: impl Read + Seek + 'static,
        limits: Limits,
    ) -> Result<Self, BundleError> {
        let source: Box<dyn Source> = Box::new(zip);
        let archive = ZipArchive::new(source).map_err(BundleError::NotZip)?;
        let entries = zipped::entries(&archive, &limits)?;
        let mut bundle = Self {
            is_catalog,
            place: Place::Zip(Box::new(archive)),
            found: BTreeMap::new(),
            unknown: Vec::new(),
            limits,
        };
        bundle.find(entries)?;
        Ok(bundle)
    }

    fn open_folder(is_catalog: bool, path: &Path, limits: Limits) -> Result<Self, BundleError> {
        let mut entries = Vec::new();
        let mut folders = Vec::new();
        list(path, "", &mut entries, &mut folders, limits.files)?;
        for (name, folder) in folders {
            list(&folder, &name, &mut entries, &mut Vec::new(), limits.files)?;
        }
        let mut bundle = Self {
            is_catalog,
            place: Place::Folder,
            found: BTreeMap::new(),
            unknown: Vec::new(),
            limits,
        };
        bundle.find(entries)?;
        Ok(bundle)
    }

    /// Sorts the files out: those of a bundle all stand in the root or in one folder.
    fn find(&mut self, entries: Vec<(String, Entry)>) -> Result<(), BundleError> {
        let is_csv = |name: &str| name.to_ascii_lowercase().ends_with(".csv");
        let is_catalog = self.is_catalog;
        let folder = entries
            .iter()
            .filter(|(name, _)| name.split('/').count() <= 2)
            .filter_map(|(name, _)| {
                let (folder, file) = name.rsplit_once('/').unwrap_or(("", name));
                stem_of(file, is_catalog).map(|_| (!folder.is_empty(), folder.to_owned()))
            })
            .min()
            .map(|(_, folder)| folder);
        for (name, entry) in entries {
            let (place, file) = name.rsplit_once('/').unwrap_or(("", &name));
            if Some(place) != folder.as_deref() || stem_of(file, is_catalog).is_none() {
                if is_csv(file) {
                    self.unknown.push(name);
                }
                continue;
            }
            if self
                .found
                .insert(file.to_ascii_lowercase(), entry)
                .is_some()
            {
                return Err(BundleError::Twice(file.to_owned()));
            }
        }
        Ok(())
    }

    /// The data files that are there.
    pub fn files(&self) -> Vec<File> {
        File::ALL
            .into_iter()
            .filter(|file| self.found.contains_key(&key(&file.name())))
            .collect()
    }

    /// Whether there is a manifest.
    pub fn has_manifest(&self) -> bool {
        self.found.contains_key(MANIFEST)
    }

    /// CSV files that no version has, or that stand in another folder.
    pub fn unknown(&self) -> &[String] {
        &self.unknown
    }

    /// Opens one of the files; what it yields ends with an error of kind
    /// [`io::ErrorKind::FileTooLarge`] where it is over a limit.
    ///
    /// # Errors
    /// When it is not there or cannot be opened.
    pub(crate) fn read(&mut self, name: &str) -> io::Result<Box<dyn Read + '_>> {
        let limit = self.limits.file_bytes;
        let entry = self.found.get(&key(name)).ok_or(io::ErrorKind::NotFound)?;
        match (&mut self.place, entry) {
            (Place::Zip(archive), Entry::Index(index)) => {
                let file = archive.by_index(*index)?;
                // What inflates to more than its entry says is no file of a bundle.
                let limit = limit.min(file.size());
                Ok(Box::new(Capped { inner: file, limit }))
            }
            (_, Entry::Path(path)) => Ok(Box::new(Capped {
                inner: fs::File::open(path)?,
                limit,
            })),
            (Place::Folder, Entry::Index(_)) => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

fn key(name: &str) -> String {
    name.to_ascii_lowercase()
}

/// The stem of a file that a bundle may have.
fn stem_of(file: &str, is_catalog: bool) -> Option<String> {
    let lower = file.to_ascii_lowercase();
    let stem = lower.strip_suffix(".csv")?;
    let is_manifest = lower == MANIFEST && !is_catalog;
    let file = File::from_stem(stem);
    let is_data = file.is_some_and(|file| file.is_of_catalog() == is_catalog);
    (is_manifest || is_data).then(|| stem.to_owned())
}

/// What macOS and editors leave behind.
fn is_litter(name: &str) -> bool {
    name.split('/')
        .any(|part| part.starts_with('.') || part == "__MACOSX")
}

fn list(
    folder: &Path,
    within: &str,
    entries: &mut Vec<(String, Entry)>,
    folders: &mut Vec<(String, PathBuf)>,
    most: usize,
) -> Result<(), BundleError> {
    for entry in fs::read_dir(folder).map_err(BundleError::Open)? {
        let entry = entry.map_err(BundleError::Open)?;
        let file = entry.file_name().to_string_lossy().into_owned();
        if is_litter(&file) {
            continue;
        }
        let name = if within.is_empty() {
            file
        } else {
            format!("{within}/{file}")
        };
        if entry.path().is_dir() {
            folders.push((name, entry.path()));
        } else {
            entries.push((name, Entry::Path(entry.path())));
        }
        if entries.len() + folders.len() > most {
            return Err(BundleError::TooManyFiles(most));
        }
    }
    Ok(())
}

/// Ends with an error where there are more bytes than the limit.
struct Capped<R> {
    inner: R,
    limit: u64,
}

impl<R: Read> Read for Capped<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.limit = self
            .limit
            .checked_sub(read as u64)
            .ok_or(io::ErrorKind::FileTooLarge)?;
        Ok(read)
    }
}

#[cfg(test)]
mod tests;
