//! What is done for one table.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};
use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};
use lake::{Compaction, Lake, LakeError, LakeTable, Merge, Merged, PublishError, Vacuumed};
use runtime::{Clock, Registry};
use schemas::{Table, TenantId, layout};
use tokio::sync::Mutex;

use super::displaced::Displaced;
use super::leaps::Leaps;
use super::repeated::{Repeated, Searched};
use super::{MaintenanceConfig, UpkeepError};
use crate::directory::Directories;
use crate::roster::RosterConfig;

/// Tables that are kept open between two looks; opening one reads its log.
const MAX_OPEN_TABLES: usize = 200;

/// How often merging a table is begun anew because somebody else took the same
/// files.
pub(super) const MAX_CONFLICTS: usize = 8;

/// Rosters as a process knows them that does nothing but upkeep.
fn directories(lake: &Lake, registry: Registry) -> Directories {
    let config = RosterConfig::default();
    let (refresh, memory) = (config.refresh(), config.memory_bytes);
    Directories::new(lake.clone(), registry, refresh, memory)
}

/// Keeps tables in shape. Clones share the open tables.
#[derive(Clone)]
pub struct Upkeep {
    config: MaintenanceConfig,
    lake: Lake,
    clock: Clock,
    tables: Arc<Mutex<HashMap<(TenantId, Table), LakeTable>>>,
    displaced: Displaced,
    repeated: Repeated,
    leaps: Arc<std::sync::Mutex<Leaps>>,
}

/// How much is done about small files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// They are merged when there are enough of them: what costs least over
    /// time.
    Usual,
    /// They are merged as far as can be.
    All,
}

/// What was done for a table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tended {
    /// Rows that are in another term now, or say other than they did of whose they are.
    pub moved: u64,
    /// Files that became fewer.
    pub merged: Merged,
    /// Checkpoints of the log.
    pub checkpoints: usize,
    /// Entries of the log that were deleted.
    pub log_entries: usize,
    /// Files that were deleted.
    pub vacuumed: Vacuumed,
}

impl Tended {
    /// Whether the table has a new version of it.
    pub fn has_committed(&self) -> bool {
        self.moved > 0 || self.merged != Merged::default()
    }
}

impl std::ops::AddAssign for Tended {
    fn add_assign(&mut self, other: Self) {
        self.moved += other.moved;
        self.merged += other.merged;
        self.checkpoints += other.checkpoints;
        self.log_entries += other.log_entries;
        self.vacuumed += other.vacuumed;
    }
}

impl Upkeep {
    /// Nothing is done yet.
    pub fn new(config: MaintenanceConfig, lake: Lake, registry: Registry, clock: Clock) -> Self {
        let (memory, interval) = (config.memory_bytes, config.repeats_interval());
        Self {
            repeated: Repeated::new(lake.clone(), memory, interval),
            displaced: Displaced::new(registry.clone(), directories(&lake, registry)),
            config,
            lake,
            clock,
            tables: Arc::default(),
            leaps: Arc::default(),
        }
    }

    /// Knows rosters by these.
    pub(crate) fn with_directories(mut self, directories: Directories) -> Self {
        self.displaced.know(directories);
        self
    }

    /// Opens a table at its newest version; `None` when nobody made it yet.
    ///
    /// # Errors
    /// [`UpkeepError::Table`].
    pub async fn open(
        &self,
        tenant: &TenantId,
        table: Table,
    ) -> Result<Option<LakeTable>, UpkeepError> {
        let known = self.tables.lock().await.remove(&(tenant.clone(), table));
        let opened = match known {
            Some(mut known) => known.refresh().await.map(|()| Some(known)),
            None => self.lake.open(tenant, table).await,
        };
        opened.map_err(|source| table_error(tenant, table, source))
    }

    /// Does what is due for a table; `clean` also deletes what nobody needs.
    ///
    /// # Errors
    /// The first [`UpkeepError`]; what was done before it is done.
    pub async fn tend(
        &self,
        tenant: &TenantId,
        kind: Table,
        clean: bool,
    ) -> Result<Tended, UpkeepError> {
        let Some(mut table) = self.open(tenant, kind).await? else {
            return Ok(Tended::default());
        };
        let moved = self.put_right(tenant, &mut table).await?;
        let merged = self
            .merge(tenant, &mut table, Effort::Usual, |_| {})
            .await?;
        let checkpoints = usize::from(self.checkpoint(tenant, &table).await?);
        let mut tended = Tended {
            moved,
            merged,
            checkpoints,
            ..Tended::default()
        };
        if clean {
            let (log_entries, vacuumed) = self.clean(tenant, &mut table).await?;
            tended.log_entries = log_entries;
            tended.vacuumed = vacuumed;
        }
        let mut tables = self.tables.lock().await;
        if tables.len() >= MAX_OPEN_TABLES {
            tables.clear();
        }
        tables.insert((tenant.clone(), kind), table);
        Ok(tended)
    }

    /// Makes of rows what the tenant's calendar and roster say of them now; says how
    /// many.
    ///
    /// # Errors
    /// [`UpkeepError`]; what was moved before it is moved.
    pub async fn put_right(
        &self,
        tenant: &TenantId,
        table: &mut LakeTable,
    ) -> Result<u64, UpkeepError> {
        let amended = self.displaced.put_right(tenant, table).await?;
        Ok(amended.moved.max(amended.changed))
    }

    /// Moves events that are stored more than once to `duplicates`, all but the
    /// one that was received first; says how many, `None` if it did not look. Looks
    /// for them when it is time, or else if `now_or_never`, tells how far it is, and
    /// notes that it has looked.
    ///
    /// # Errors
    /// [`UpkeepError`]; the next look goes on.
    pub async fn put_repeated_right(
        &self,
        tenant: &TenantId,
        now_or_never: bool,
        tell: &(dyn Fn(Searched) + Send + Sync),
    ) -> Result<Option<u64>, UpkeepError> {
        let begun = Instant::now();
        let now = self.lake.store_time().await?;
        let count = self
            .repeated
            .put_right(tenant, now, now_or_never, tell)
            .await?;
        if count.is_some() {
            tell_done("repeats", begun);
        }
        Ok(count)
    }

    /// Whether the tenant's calendar or roster has changed since its tables were looked
    /// at.
    ///
    /// # Errors
    /// [`UpkeepError::Registry`] or [`UpkeepError::Roster`].
    pub(super) async fn is_placer_new(&self, tenant: &TenantId) -> Result<bool, UpkeepError> {
        self.displaced.is_placer_new(tenant).await
    }

    /// The merges that a table needs now.
    pub fn merges(&self, table: &LakeTable, effort: Effort) -> Vec<Merge> {
        table.merges(&self.compaction(effort))
    }

    /// Merges small files until none are left to merge; tells of each merge.
    ///
    /// # Errors
    /// [`UpkeepError`]; the merges before it are done.
    pub async fn merge(
        &self,
        tenant: &TenantId,
        table: &mut LakeTable,
        effort: Effort,
        mut done: impl FnMut(&Merged),
    ) -> Result<Merged, UpkeepError> {
        let kind = table.kind();
        let how = self.compaction(effort);
        let mut all = Merged::default();
        let mut conflicts = 0;
        loop {
            let Some(merge) = table.merges(&how).into_iter().next() else {
                return Ok(all);
            };
            let begun = Instant::now();
            match table.merge(&merge, &how).await {
                Ok(merged) => {
                    tell_merged(tenant, kind, &merged, begun);
                    done(&merged);
                    all += merged;
                    conflicts = 0;
                }
                Err(PublishError::Conflict(_)) if conflicts < MAX_CONFLICTS => conflicts += 1,
                Err(source) => {
                    let table = layout::table(tenant, kind);
                    return Err(UpkeepError::Merge { table, source });
                }
            }
            let refreshed = table.refresh().await;
            refreshed.map_err(|source| table_error(tenant, kind, source))?;
        }
    }

    /// Writes a checkpoint of the table's log if one is due; says whether it was.
    ///
    /// # Errors
    /// [`UpkeepError::Table`].
    pub async fn checkpoint(
        &self,
        tenant: &TenantId,
        table: &LakeTable,
    ) -> Result<bool, UpkeepError> {
        let begun = Instant::now();
        let written = table.checkpoint(self.config.checkpoint_versions).await;
        let written = written.map_err(|source| table_error(tenant, table.kind(), source))?;
        if written {
            tell_done("checkpoint", begun);
            metrics::counter!("chalkline_maintenance_checkpoints_total").increment(1);
        }
        Ok(written)
    }

    /// Deletes entries of the table's log and files that nobody needs any more.
    ///
    /// # Errors
    /// [`UpkeepError::Table`] or [`UpkeepError::Lake`].
    pub async fn clean(
        &self,
        tenant: &TenantId,
        table: &mut LakeTable,
    ) -> Result<(usize, Vacuumed), UpkeepError> {
        let kind = table.kind();
        let failed = |source| table_error(tenant, kind, source);
        let now = self.lake.store_time().await?;
        if !self.may_delete(now) {
            return Ok(Default::default());
        }

        let begun = Instant::now();
        let entries = table.clean_log(self.config.log_retention(), now).await;
        let entries = entries.map_err(failed)?;
        tell_done("clean", begun);
        metrics::counter!("chalkline_maintenance_log_entries_deleted_total")
            .increment(entries as u64);

        let begun = Instant::now();
        let vacuumed = table.vacuum(&self.config.retention(), now).await;
        let vacuumed = vacuumed.map_err(failed)?;
        tell_done("vacuum", begun);
        let files = (vacuumed.removed + vacuumed.unnamed) as u64;
        metrics::counter!("chalkline_maintenance_files_deleted_total").increment(files);
        metrics::counter!("chalkline_maintenance_bytes_deleted_total").increment(vacuumed.bytes);
        if entries > 0 || files > 0 {
            tracing::info!(
                tenant.id = %tenant,
                table = %kind,
                log_entries = entries,
                removed_files = vacuumed.removed,
                unnamed_files = vacuumed.unnamed,
                size_bytes = vacuumed.bytes,
                "cleaned"
            );
        }
        Ok((entries, vacuumed))
    }

    /// Whether the store's clock can be believed about the ages of files.
    fn may_delete(&self, now: DateTime<Utc>) -> bool {
        let mut leaps = self.leaps.lock().unwrap_or_else(PoisonError::into_inner);
        let retention = self.config.retention();
        let waits = retention.removed.max(retention.unnamed);
        leaps.may_delete(Instant::now(), now, waits)
    }

    fn compaction(&self, effort: Effort) -> Compaction {
        let config = &self.config;
        Compaction {
            target_bytes: config.target_bytes,
            memory_bytes: config.memory_bytes,
            least_files: match effort {
                Effort::Usual => config.least_files,
                Effort::All => 2,
            },
            closed_before: self.clock.now() - TimeDelta::days(config.closed_days.into()),
        }
    }
}

pub(super) fn table_error(tenant: &TenantId, table: Table, source: LakeError) -> UpkeepError {
    let table = layout::table(tenant, table);
    UpkeepError::Table { table, source }
}

fn tell_merged(tenant: &TenantId, table: Table, merged: &Merged, begun: Instant) {
    tell_done("merge", begun);
    let seconds = begun.elapsed().as_secs_f64();
    let count = |name, count: u64| {
        metrics::counter!(name, "table" => table.as_str()).increment(count);
    };
    count(
        "chalkline_maintenance_merged_files_total",
        merged.files_before as u64,
    );
    count(
        "chalkline_maintenance_written_files_total",
        merged.files_after as u64,
    );
    count(
        "chalkline_maintenance_merged_bytes_total",
        merged.bytes_before,
    );
    count(
        "chalkline_maintenance_written_bytes_total",
        merged.bytes_after,
    );
    count("chalkline_maintenance_merged_rows_total", merged.rows);
    tracing::info!(
        tenant.id = %tenant,
        table = %table,
        files_before = merged.files_before,
        files_after = merged.files_after,
        bytes_before = merged.bytes_before,
        bytes_after = merged.bytes_after,
        rows = merged.rows,
        mb_per_second = merged.bytes_before as f64 / 1e6 / seconds.max(1e-6),
        duration_ms = begun.elapsed().as_millis() as u64,
        "merged"
    );
}

/// How long a job took, and that it ended well just now.
fn tell_done(job: &'static str, begun: Instant) {
    metrics::histogram!("chalkline_maintenance_seconds", "job" => job)
        .record(begun.elapsed().as_secs_f64());
    let now = Clock::system().now();
    metrics::gauge!("chalkline_maintenance_last_success_timestamp_seconds", "job" => job)
        .set(now.timestamp() as f64);
}
