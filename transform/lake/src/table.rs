//! One table, held at one version.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use deltalake::kernel::transaction::TableReference;
use deltalake::table::state::DeltaTableState;
use deltalake::{DeltaTable, DeltaTableError};
use schemas::Table;

use crate::{AppId, LakeError};

/// For how long after a look at its whole log a table is known to have moved on by its next
/// commit: entries of the log stay far longer, so one that is not there was never written.
/// By the clock of the day, which goes on while a machine sleeps.
const LATELY: Duration = Duration::from_secs(10);

/// A table as it was at one version. Clones are independent.
#[derive(Debug, Clone)]
pub struct LakeTable {
    pub(crate) name: String,
    pub(crate) kind: Table,
    pub(crate) delta: DeltaTable,
    /// What is already known of the positions at this very version: asking Delta
    /// replays its log.
    pub(crate) positions: HashMap<AppId, Option<u64>>,
    /// By what the object of the first commit is known: another table in the
    /// same place has another.
    pub(crate) first_commit: Option<String>,
    /// When its whole log was last looked at; `None` when what is held may have been older
    /// than that.
    looked_at: Option<SystemTime>,
}

impl LakeTable {
    pub(crate) fn new(
        name: String,
        kind: Table,
        delta: DeltaTable,
        first_commit: Option<String>,
        looked_at: Option<SystemTime>,
    ) -> Self {
        Self {
            name,
            kind,
            delta,
            positions: HashMap::new(),
            first_commit,
            looked_at,
        }
    }

    /// Which table it is.
    pub fn kind(&self) -> Table {
        self.kind
    }

    /// The version that is held.
    pub fn version(&self) -> u64 {
        self.state().version()
    }

    /// Moves on to the table's newest version. Where the table may have been
    /// deleted and made anew meanwhile, see [`crate::Lake::reopen`].
    ///
    /// # Errors
    /// [`LakeError::Table`]; the table stays at its version.
    pub async fn refresh(&mut self) -> Result<(), LakeError> {
        let before = self.version();
        let looked_at = SystemTime::now();
        let mut newer = self.delta.clone();
        newer.update_state().await.map_err(|e| self.error(e))?;
        self.delta = newer;
        self.looked_at = Some(looked_at);
        if self.version() != before {
            self.positions.clear();
        }
        Ok(())
    }

    /// Whether its log was looked at so lately that the next commit alone says whether there
    /// is a newer version.
    pub(crate) fn was_looked_at(&self) -> bool {
        self.looked_at
            .is_some_and(|at| is_lately(at, SystemTime::now()))
    }

    /// The next position that a reader has to read for this table; `None` when
    /// it never published.
    ///
    /// # Errors
    /// [`LakeError::Table`].
    pub async fn next_position(&mut self, app: &AppId) -> Result<Option<u64>, LakeError> {
        if let Some(known) = self.positions.get(app) {
            return Ok(*known);
        }
        let position = match self.read_position(app).await {
            // Commits that it was opened by were cleaned away since.
            Err(DeltaTableError::KernelError(_)) => {
                self.reload().await?;
                self.read_position(app).await
            }
            read => read,
        };
        let position = position.map_err(|e| self.error(e))?;
        self.positions.insert(app.clone(), position);
        Ok(position)
    }

    async fn read_position(&self, app: &AppId) -> Result<Option<u64>, DeltaTableError> {
        let log = self.delta.log_store();
        let version = self.state().transaction_version(log.as_ref(), app.as_str());
        let version = version.await?;
        Ok(version.map(|version| u64::try_from(version).unwrap_or(0)))
    }

    /// Opens it anew at its newest version. [`LakeTable::refresh`] goes on from what is
    /// held, which at the same version is held as it is, commits that are gone included.
    async fn reload(&mut self) -> Result<(), LakeError> {
        let mut anew = DeltaTable::new(self.delta.log_store());
        anew.load().await.map_err(|e| self.error(e))?;
        self.delta = anew;
        self.positions.clear();
        Ok(())
    }

    /// How many files hold its rows.
    pub fn files(&self) -> usize {
        self.state().log_data().num_files()
    }

    /// How large those files are together.
    pub fn bytes(&self) -> u64 {
        let files = self.state().log_data();
        let sizes = files.iter().map(|file| file.size().unsigned_abs());
        sizes.sum()
    }

    pub(crate) fn state(&self) -> &DeltaTableState {
        self.delta
            .snapshot()
            .expect("a table is loaded before it is handed out")
    }

    pub(crate) fn reference(&self) -> &dyn TableReference {
        self.state()
    }

    pub(crate) fn error(&self, source: DeltaTableError) -> LakeError {
        LakeError::Table {
            table: self.name.clone(),
            source: Box::new(source),
        }
    }
}

/// A clock that was set back says nothing.
fn is_lately(at: SystemTime, now: SystemTime) -> bool {
    now.duration_since(at).is_ok_and(|since| since < LATELY)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(1_000.0, true)]
    #[case(1_009.9, true)]
    #[case(1_010.0, false)]
    #[case(90_000.0, false)]
    #[case(999.9, false)]
    fn a_look_holds_for_some_seconds(#[case] now: f64, #[case] expected: bool) {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs_f64(seconds);
        assert_eq!(is_lately(at(1_000.0), at(now)), expected);
    }
}
