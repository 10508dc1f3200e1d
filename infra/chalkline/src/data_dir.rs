//! The folder of one `chalkline up`: who has it, and where that one listens.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::Admin;

/// How often and how patiently the lock is asked for.
const ATTEMPTS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(20);

/// Why a data folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// Another process has it.
    #[error(
        "{path} is in use by another Chalkline{}: stop that one, or choose another folder with --data-dir",
        .pid.map(|pid| format!(" (process {pid})")).unwrap_or_default()
    )]
    InUse {
        /// The folder.
        path: String,
        /// Who has it, if that is known.
        pid: Option<u32>,
    },
    /// A file in it cannot be made, read or written.
    #[error("{path} cannot be used")]
    Io {
        /// The file or folder.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// Where the services of a process listen: `up.json` in its data folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addresses {
    /// The process.
    pub pid: u32,
    /// Where events are posted: `http://host:port`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ingest_url: Option<String>,
    /// Where questions are asked: `http://host:port`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query_url: Option<String>,
    /// Where transform tells its health: `http://host:port`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transform_url: Option<String>,
}

/// A data folder that this process alone has until it is dropped.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    /// The lock goes with the file, also after `kill -9`.
    _lock: File,
}

impl DataDir {
    /// Makes the folder if it is not there, and locks it.
    ///
    /// # Errors
    /// [`DataDirError::InUse`] when another process has it,
    /// [`DataDirError::Io`] when it cannot be made.
    pub fn lock(path: &Path) -> Result<Self, DataDirError> {
        make(path)?;
        let lock_path = lock_file(path);
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock_path)
            .map_err(|source| io(&lock_path, source))?;
        for attempt in 1.. {
            match lock.try_lock() {
                Ok(()) => break,
                // A command that asks whether the folder is in use holds it for
                // a moment itself.
                Err(TryLockError::WouldBlock) if attempt < ATTEMPTS => {
                    std::thread::sleep(PAUSE);
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(DataDirError::InUse {
                        path: path.display().to_string(),
                        pid: Addresses::read(path).map(|up| up.pid),
                    });
                }
                Err(TryLockError::Error(source)) => return Err(io(&lock_path, source)),
            }
        }
        Ok(Self {
            path: path.to_owned(),
            _lock: lock,
        })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Tells other commands where the services listen, until this is dropped.
    ///
    /// # Errors
    /// [`DataDirError::Io`] when the file cannot be written.
    pub fn announce(&self, addresses: &Addresses) -> Result<(), DataDirError> {
        write_private(&up_file(&self.path), addresses)
    }

    /// Tells those who may read the folder what opens the door for commands, until
    /// this is dropped.
    ///
    /// # Errors
    /// [`DataDirError::Io`] when the file cannot be written.
    pub fn admit(&self, admin: &Admin) -> Result<(), DataDirError> {
        write_private(&admin_file(&self.path), admin)
    }
}

impl Drop for DataDir {
    fn drop(&mut self) {
        // A file that stays behind names a process that is gone: it is believed
        // only while the folder is locked.
        let _ = std::fs::remove_file(up_file(&self.path));
        let _ = std::fs::remove_file(admin_file(&self.path));
    }
}

impl Addresses {
    /// This process, listening nowhere yet.
    pub fn of_this_process() -> Self {
        Self {
            pid: std::process::id(),
            ingest_url: None,
            query_url: None,
            transform_url: None,
        }
    }

    /// Where the process that has the data folder listens, if one does.
    ///
    /// What a killed process left behind is not believed: somebody else may
    /// listen there by now, and would be sent keys.
    pub fn read(data_dir: &Path) -> Option<Self> {
        read(data_dir, up_file)
    }
}

impl Admin {
    /// The door of the process that has the data folder, if one does.
    pub fn read(data_dir: &Path) -> Option<Self> {
        read(data_dir, admin_file)
    }
}

/// A file of the process that has the data folder, if one does.
fn read<T: DeserializeOwned>(data_dir: &Path, file: fn(&Path) -> PathBuf) -> Option<T> {
    let lock = File::open(lock_file(data_dir)).ok()?;
    if !matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)) {
        return None;
    }
    let bytes = std::fs::read(file(data_dir)).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// Makes a data folder, which only its owner can open, unless it is there.
///
/// # Errors
/// [`DataDirError::Io`] when it cannot be made.
pub fn make(path: &Path) -> Result<(), DataDirError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|source| io(path, source))
}

/// Writes a JSON file that only its owner can read, whole or not at all.
///
/// # Errors
/// [`DataDirError::Io`] when it cannot be written.
pub fn write_private(path: &Path, value: &impl Serialize) -> Result<(), DataDirError> {
    let next = path.with_extension("json.next");
    let write = || {
        // Left by a process that was killed, with whatever permissions.
        match std::fs::remove_file(&next) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new()
            .create_new(true)
            .write(true)
            .mode(0o600)
            .open(&next)?;
        file.write_all(&serde_json::to_vec_pretty(value)?)?;
        file.sync_all()?;
        std::fs::rename(&next, path)
    };
    write().map_err(|source| io(path, source))
}

fn lock_file(data_dir: &Path) -> PathBuf {
    data_dir.join("lock")
}

fn up_file(data_dir: &Path) -> PathBuf {
    data_dir.join("up.json")
}

fn admin_file(data_dir: &Path) -> PathBuf {
    data_dir.join("admin.json")
}

fn io(path: &Path, source: std::io::Error) -> DataDirError {
    DataDirError::Io {
        path: path.display().to_string(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_folder_has_one_owner_who_announces_privately_and_leaves_nothing() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("data");
        let owner = DataDir::lock(&path).expect("locked");
        let addresses = Addresses {
            pid: 42,
            ingest_url: Some("http://127.0.0.1:1".to_owned()),
            query_url: None,
            transform_url: None,
        };
        owner.announce(&addresses).expect("written");
        assert_eq!(Addresses::read(&path), Some(addresses));
        let mode = std::fs::metadata(up_file(&path))
            .expect("there")
            .permissions();
        assert_eq!(mode.mode() & 0o777, 0o600);

        let error = DataDir::lock(&path).expect_err("refused");
        assert!(matches!(error, DataDirError::InUse { pid: Some(42), .. }));

        // As after `kill -9`: the file is there, its writer is not.
        let left_behind = std::fs::read(up_file(&path)).expect("there");
        drop(owner);
        std::fs::write(up_file(&path), left_behind).expect("written");
        assert_eq!(Addresses::read(&path), None);
        DataDir::lock(&path).expect("free again");
    }
}
