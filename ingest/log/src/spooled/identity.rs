//! Which log the spool stands before: remembered in its folder, so that a process
//! starts while that log is away.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{EventLog, LogId};

const NAME: &str = "primary.json";

/// What is known of a log that was open before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Identity {
    log_id: String,
    pub(super) partitions: u32,
}

impl Identity {
    pub(super) fn of(log: &dyn EventLog) -> Self {
        Self {
            log_id: log.id().as_str().to_owned(),
            partitions: log.partitions(),
        }
    }

    pub(super) fn log_id(&self) -> LogId {
        LogId::new(&*self.log_id)
    }

    /// The one in the folder; none if none was ever remembered there.
    pub(super) fn read(folder: &Path) -> io::Result<Option<Self>> {
        match std::fs::read(folder.join(NAME)) {
            Ok(json) => Ok(Some(serde_json::from_slice(&json)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Remembers it in the folder.
    pub(super) fn write(&self, folder: &Path) -> io::Result<()> {
        let new = folder.join("primary.json.new");
        let mut file = File::create(&new)?;
        file.write_all(&serde_json::to_vec(self)?)?;
        file.sync_all()?;
        std::fs::rename(&new, folder.join(NAME))?;
        File::open(folder)?.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_remembered_and_a_torn_one_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Identity::read(folder.path()).unwrap(), None);
        let one = Identity {
            log_id: "one".to_owned(),
            partitions: 8,
        };
        one.write(folder.path()).unwrap();
        assert_eq!(Identity::read(folder.path()).unwrap(), Some(one));
        std::fs::write(folder.path().join(NAME), "{\"log_id\"").unwrap();
        assert!(Identity::read(folder.path()).is_err());
    }
}
