use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use schemas::TenantId;
use serde::{Deserialize, Serialize};

use super::Table;
use super::send::Sent;

/// How far an import has come: a small JSON file.
#[derive(Debug)]
pub struct State {
    path: PathBuf,
    document: Document,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Document {
    tables: BTreeMap<String, TableState>,
}

/// How far the import of one table has come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableState {
    /// The SHA-256 of its contents: another table starts again.
    pub digest: String,
    /// Rows whose events were all answered.
    pub rows: u64,
    /// Events of these rows that were taken.
    pub events: u64,
}

impl State {
    /// Reads the state, or begins one that will be written to `path`.
    ///
    /// # Errors
    /// When the file is there but cannot be read.
    pub fn open(path: impl Into<PathBuf>) -> anyhow::Result<Self> {
        let path = path.into();
        let document = match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).with_context(|| {
                format!(
                    "{} is not the state of an import: remove it to begin again",
                    path.display()
                )
            })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Document::default(),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", path.display()));
            }
        };
        Ok(Self { path, document })
    }

    /// The file for an import of `folder` for `tenant`: in the folder where it
    /// can be written, else in the data folder.
    pub fn default_path(folder: &Path, data_dir: &Path, tenant: &TenantId) -> PathBuf {
        let name = format!(".chalkline-import-{tenant}.json");
        let beside = folder.join(&name);
        if beside.exists() || is_writable(folder) {
            beside
        } else {
            data_dir.join(name)
        }
    }

    /// How many rows of the table were brought in before.
    pub fn rows_done(&self, table: &dyn Table) -> u64 {
        self.table(table).map_or(0, |state| state.rows)
    }

    /// How far the import of this table has come, if it began.
    pub fn table(&self, table: &dyn Table) -> Option<&TableState> {
        self.document
            .tables
            .get(table.name())
            .filter(|state| state.digest == table.digest())
    }

    /// Remembers that the next rows of the table are done.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn advance(&mut self, table: &dyn Table, sent: &Sent) -> anyhow::Result<()> {
        let mut state = self.table(table).cloned().unwrap_or_else(|| TableState {
            digest: table.digest().to_owned(),
            ..TableState::default()
        });
        state.rows += sent.rows;
        state.events += sent.events - sent.rejected.len() as u64;
        self.document.tables.insert(table.name().to_owned(), state);
        self.write()
            .with_context(|| format!("cannot write {}", self.path.display()))
    }

    /// Writes beside the file, then takes its name: whoever is killed here
    /// leaves the old state or the new one.
    fn write(&self) -> std::io::Result<()> {
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let next = self.path.with_extension("json.next");
        std::fs::write(&next, serde_json::to_vec(&self.document)?)?;
        std::fs::rename(&next, &self.path)
    }
}

/// Whether files can be made in the folder.
fn is_writable(folder: &Path) -> bool {
    let probe = folder.join(format!(".chalkline-probe-{}", std::process::id()));
    let made = std::fs::File::create_new(&probe).is_ok();
    if made {
        // A probe that stays behind harms nobody.
        let _ = std::fs::remove_file(&probe);
    }
    made
}
