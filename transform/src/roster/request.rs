//! What is imported, and how.

use std::path::PathBuf;

use lake::imports::ImportKind;
use roster::{Guard, Mode, Rules};

/// As what a file or folder is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A bundle of OneRoster, which says itself what of it is bulk and what delta.
    OneRoster,
    /// A catalogue.
    Catalog(Mode),
}

/// What is imported, and how.
#[derive(Debug, Clone)]
pub struct Request {
    /// A zip file or a folder; of a catalogue also a CSV or JSON file.
    pub path: PathBuf,
    /// As what it is read.
    pub format: Format,
    /// By which name a catalogue is read: what it is called, whatever its path.
    pub name: String,
    /// What it is called; people may read it.
    pub source: String,
    /// Who imports it.
    pub by: String,
    /// Whether it is taken although it ends more than the guard allows.
    pub forced: bool,
    /// Which share of a table may end.
    pub guard: Guard,
    /// Whose word counts.
    pub rules: Rules,
}

impl Request {
    /// The bundle at `path`, with defaults.
    pub fn new(path: impl Into<PathBuf>, by: impl Into<String>) -> Self {
        let path = path.into();
        let name = path.file_name().unwrap_or(path.as_os_str());
        let name = name.to_string_lossy().into_owned();
        Self {
            source: name.clone(),
            name,
            format: Format::OneRoster,
            path,
            by: by.into(),
            forced: false,
            guard: Guard::default(),
            rules: Rules::default(),
        }
    }

    /// The catalogue at `path`, with defaults: all there is of what it speaks of, or what
    /// has changed.
    pub fn catalog(path: impl Into<PathBuf>, mode: Mode, by: impl Into<String>) -> Self {
        Self {
            format: Format::Catalog(mode),
            ..Self::new(path, by)
        }
    }

    pub(super) fn kind(&self) -> ImportKind {
        match self.format {
            Format::OneRoster => ImportKind::Import,
            Format::Catalog(_) => ImportKind::Catalog,
        }
    }
}
