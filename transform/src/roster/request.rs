//! What is imported, and how.

use std::path::PathBuf;

use roster::{Guard, Rules};

/// What is imported, and how.
#[derive(Debug, Clone)]
pub struct Request {
    /// A zip file or a folder.
    pub path: PathBuf,
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
        Self {
            source: name.to_string_lossy().into_owned(),
            path,
            by: by.into(),
            forced: false,
            guard: Guard::default(),
            rules: Rules::default(),
        }
    }
}
