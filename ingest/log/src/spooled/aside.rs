//! What the spool could not send: files beside it, for operators to look at and to send
//! again.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::SpoolConfig;
use super::frame;
use crate::{AppendError, EventLog, Record};

/// Below the spool's folder.
const NAME: &str = "aside";
/// What is to be sent again.
const ENTRY: &str = "entry";
/// What is left of a file whose readable records were sent.
const REST: &str = "rest";

/// The files with what a spool could not send: entries that cannot be read, and records
/// that the log does not take.
///
/// It may be looked at and emptied while a process has the spool.
#[derive(Debug, Clone)]
pub struct Aside {
    folder: PathBuf,
}

/// A file of an [`Aside`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AsideFile {
    /// Its name in the folder.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// When it was spooled, if it says so.
    pub spooled_at: Option<SystemTime>,
    /// How many records of it can be sent.
    pub records: usize,
    /// Why the rest of it cannot; none when all can be.
    pub problem: Option<String>,
}

/// What became of a file that was to be sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Retried {
    /// The log has all of its records; the file is gone.
    Sent {
        /// How many.
        records: usize,
    },
    /// The log has what could be read; the file stays, under another name.
    Partly {
        /// How many records the log has.
        records: usize,
        /// The name of what is left.
        rest: String,
        /// Why that cannot be read.
        problem: String,
    },
    /// The file stays as it is.
    Stays {
        /// How many of its records the log has all the same: they go there again the next
        /// time, and are stored once.
        records: usize,
        /// Why.
        problem: String,
    },
}

/// Why a file cannot be looked at or removed.
#[derive(Debug, thiserror::Error)]
pub enum AsideError {
    /// There is no such file.
    #[error("there is no file {name} in {}", folder.display())]
    NoFile {
        /// The name that was asked for.
        name: String,
        /// Where it would be.
        folder: PathBuf,
    },
    /// The disk did not do it.
    #[error("{} cannot be read or changed", path.display())]
    Storage {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl Aside {
    /// That of the spool of these settings; none without a spool.
    pub fn of(config: &SpoolConfig) -> Option<Self> {
        config.dir.as_deref().map(Self::below)
    }

    /// That of the spool in this folder.
    pub(super) fn below(spool: &Path) -> Self {
        Self {
            folder: spool.join(NAME),
        }
    }

    /// Where its files are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The names of its files, in order.
    ///
    /// # Errors
    /// [`AsideError::Storage`].
    pub fn names(&self) -> Result<Vec<String>, AsideError> {
        let storage = |error| self.storage(&self.folder, error);
        let files = match std::fs::read_dir(&self.folder) {
            Ok(files) => files,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(storage(error)),
        };
        let mut names = Vec::new();
        for file in files {
            let name = file.map_err(storage)?.file_name();
            let is_ours = [ENTRY, REST].map(Some);
            let extension = Path::new(&name).extension().map(|text| text.to_str());
            if let Some(extension) = extension
                && is_ours.contains(&extension)
                && let Some(name) = name.to_str()
            {
                names.push(name.to_owned());
            }
        }
        // By position: shorter numbers are smaller ones.
        names.sort_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
        Ok(names)
    }

    /// A file, looked through.
    ///
    /// # Errors
    /// [`AsideError`].
    pub fn look(&self, name: &str) -> Result<AsideFile, AsideError> {
        let (_, entry) = self.read(name)?;
        let (records, problem) = frame::salvage(&entry);
        let since = frame::header(&entry).map(|header| Duration::from_millis(header.at));
        let is_rest = !is_entry(name);
        Ok(AsideFile {
            name: name.to_owned(),
            bytes: entry.len() as u64,
            spooled_at: since
                .ok()
                .and_then(|since| SystemTime::UNIX_EPOCH.checked_add(since)),
            records: if is_rest { 0 } else { records.len() },
            problem: problem.map(|problem| chain(&problem)),
        })
    }

    /// Appends the records of a file to the log, and removes the file when the log has all
    /// of them. Of one that was cut short what can be read is sent, once.
    ///
    /// # Errors
    /// [`AsideError`]; the log may have the records then.
    pub async fn retry(&self, name: &str, log: &dyn EventLog) -> Result<Retried, AsideError> {
        let (path, entry) = self.read(name)?;
        let (records, problem) = frame::salvage(&entry);
        if records.is_empty() || !is_entry(name) {
            let problem = problem.map(|problem| chain(&problem));
            return Ok(Retried::Stays {
                records: 0,
                problem: problem.unwrap_or_else(|| "it holds nothing".to_owned()),
            });
        }
        let count = records.len();
        let answers = log.append(records).await;
        let taken = answers.iter().filter(|answer| answer.is_ok()).count();
        if taken < count {
            let mut errors = answers.iter().filter_map(|answer| answer.as_ref().err());
            let problem = errors.next().map(|error: &AppendError| chain(error));
            return Ok(Retried::Stays {
                records: taken,
                problem: problem.unwrap_or_else(|| "the log did not answer for all".to_owned()),
            });
        }
        let Some(problem) = problem else {
            std::fs::remove_file(&path).map_err(|error| self.storage(&path, error))?;
            self.sync()?;
            return Ok(Retried::Sent { records: count });
        };
        let rest = path.with_extension(REST);
        std::fs::rename(&path, &rest).map_err(|error| self.storage(&path, error))?;
        self.sync()?;
        let rest = rest.file_name().unwrap_or_default().to_string_lossy();
        Ok(Retried::Partly {
            records: count,
            rest: rest.into_owned(),
            problem: chain(&problem),
        })
    }

    /// Keeps an entry from position `at` that cannot be read.
    pub(super) fn keep_entry(&self, at: u64, entry: &[u8]) -> io::Result<PathBuf> {
        let is_it = |path: &Path| std::fs::read(path).is_ok_and(|kept| kept == entry);
        let first = self.folder.join(format!("{at}.{ENTRY}"));
        if is_it(&first) {
            // Kept before, and not yet gone from the spool then.
            return Ok(first);
        }
        let path = if first.exists() { self.free(at) } else { first };
        self.write(path, entry)
    }

    /// Keeps a record of the entry at `at` that the log never takes, as an entry of its own.
    pub(super) fn keep_record(&self, at: u64, record: &Record) -> io::Result<PathBuf> {
        let entry = frame::encode(std::slice::from_ref(record), super::spool::now())?;
        self.write(self.free(at), &entry)
    }

    /// A path for something of the entry at `at` that nothing has.
    fn free(&self, at: u64) -> PathBuf {
        let mut paths = (1..).map(|n: u64| self.folder.join(format!("{at}-{n}.{ENTRY}")));
        let free = paths.find(|path| !path.exists() && !path.with_extension(REST).exists());
        free.unwrap_or_default()
    }

    /// Nobody sees half of a file.
    fn write(&self, path: PathBuf, entry: &[u8]) -> io::Result<PathBuf> {
        std::fs::create_dir_all(&self.folder)?;
        let new = path.with_extension("new");
        let mut file = File::create(&new)?;
        file.write_all(entry)?;
        file.sync_all()?;
        std::fs::rename(&new, &path)?;
        File::open(&self.folder)?.sync_all()?;
        Ok(path)
    }

    fn read(&self, name: &str) -> Result<(PathBuf, Vec<u8>), AsideError> {
        let path = self.folder.join(name);
        let no_file = || AsideError::NoFile {
            name: name.to_owned(),
            folder: self.folder.clone(),
        };
        if Path::new(name).file_name() != Some(name.as_ref()) {
            return Err(no_file());
        }
        match std::fs::read(&path) {
            Ok(entry) => Ok((path, entry)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(no_file()),
            Err(error) => Err(self.storage(&path, error)),
        }
    }

    fn sync(&self) -> Result<(), AsideError> {
        let synced = File::open(&self.folder).and_then(|folder| folder.sync_all());
        synced.map_err(|error| self.storage(&self.folder, error))
    }

    fn storage(&self, path: &Path, source: io::Error) -> AsideError {
        AsideError::Storage {
            path: path.to_owned(),
            source,
        }
    }
}

fn is_entry(name: &str) -> bool {
    Path::new(name)
        .extension()
        .is_some_and(|text| text == ENTRY)
}

/// The error and what lies beneath it.
fn chain(error: &dyn std::error::Error) -> String {
    let errors = std::iter::successors(Some(error), |error| error.source());
    let texts: Vec<_> = errors.map(ToString::to_string).collect();
    texts.join(": ")
}
