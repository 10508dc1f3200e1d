//! Rows that are not what the calendar and the roster say now: these were changed after
//! the rows were published.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use futures::TryStreamExt;
use lake::{Amended, DataFile, Fate, LakeTable, PublishError};
use runtime::Registry;
use schemas::{Calendar, Family, Table, TenantId};
use tokio::sync::Mutex;

use super::UpkeepError;
use super::upkeep::{MAX_CONFLICTS, table_error};
use super::verdict::{columns, verdict};
use crate::directory::Directories;
use crate::place::Placer;

/// Files that span more time than this are read: their bounds say too little.
const LONGEST_SPAN: TimeDelta = TimeDelta::days(800);

/// Bounds of times and corrections are rounded to this, outwards.
const ROUNDING: TimeDelta = TimeDelta::milliseconds(1);

/// Puts rows into the term, the section and the hands that the calendar and the roster
/// give them. Clones share what they know.
#[derive(Clone)]
pub(crate) struct Displaced {
    registry: Registry,
    directories: Directories,
    known: Arc<Mutex<HashMap<(TenantId, Table), Checked>>>,
}

/// Files of which every row is as it should, by some calendar and roster. They are
/// looked at once in a process's life: what another process published by older ones is
/// found whenever it comes.
#[derive(Default)]
struct Checked {
    by: Option<By>,
    files: HashSet<String>,
}

/// What a tenant's rows depend on: the calendar, where its days begin, and the import
/// of its roster.
type By = (Calendar, Tz, u64);

impl Displaced {
    /// Nothing is known yet.
    pub fn new(registry: Registry, directories: Directories) -> Self {
        Self {
            registry,
            directories,
            known: Arc::default(),
        }
    }

    /// Knows rosters by these.
    pub fn know(&mut self, directories: Directories) {
        self.directories = directories;
    }

    /// Makes the rows of an event table what they should be.
    ///
    /// # Errors
    /// [`UpkeepError`]; what was moved before it is moved.
    pub async fn put_right(
        &self,
        id: &TenantId,
        table: &mut LakeTable,
    ) -> Result<Amended, UpkeepError> {
        let mut all = Amended::default();
        let kind = table.kind();
        let Table::Events(family) = kind else {
            return Ok(all);
        };
        if *id == TenantId::system() {
            return Ok(all);
        }
        let Some(placer) = self.placer(id).await? else {
            return Ok(all);
        };
        let mut checked = self.checked(&placer, kind).await;
        for _ in 0..MAX_CONFLICTS {
            let files = table.data_files();
            let held: HashSet<&str> = files.iter().map(DataFile::path).collect();
            checked.retain(|path| held.contains(path.as_str()));
            let mut is_settled = true;
            for file in &files {
                if checked.contains(file.path()) {
                    continue;
                }
                if !is_any_displaced(&placer, family, table, file).await? {
                    checked.insert(file.path().to_owned());
                    continue;
                }
                // Then the files of this version are other ones.
                is_settled = false;
                let judge = |rows: &_| verdict(&placer, family, file, rows);
                match table.amend(file, judge).await {
                    Ok(amended) => {
                        tell(id, kind, file, amended);
                        all += amended;
                    }
                    Err(PublishError::Conflict(_)) => break,
                    Err(source) => return Err(UpkeepError::amend(id, kind, source)),
                }
            }
            if is_settled {
                break;
            }
            let refreshed = table.refresh().await;
            refreshed.map_err(|source| table_error(id, kind, source))?;
        }
        let mut known = self.known.lock().await;
        known.entry((id.clone(), kind)).or_default().files = checked;
        Ok(all)
    }

    /// Whether the tenant's calendar or roster is another than that by which its tables
    /// were looked at last.
    ///
    /// # Errors
    /// [`UpkeepError::Registry`] or [`UpkeepError::Roster`].
    pub async fn is_placer_new(&self, id: &TenantId) -> Result<bool, UpkeepError> {
        let Some(placer) = self.placer(id).await? else {
            return Ok(false);
        };
        let known = self.known.lock().await;
        let mut of = known.iter().filter(|((known, _), _)| known == id);
        Ok(of.any(|(_, checked)| checked.by != Some(by(&placer))))
    }

    async fn placer(&self, id: &TenantId) -> Result<Option<Placer>, UpkeepError> {
        let Some(tenant) = self.registry.tenant(id).await? else {
            return Ok(None);
        };
        let directory = self.directories.newest(&tenant).await?;
        Ok(Some(Placer { tenant, directory }))
    }

    /// What is checked by the tenant's present calendar and roster.
    async fn checked(&self, placer: &Placer, kind: Table) -> HashSet<String> {
        let mut known = self.known.lock().await;
        let id = placer.tenant.id.clone();
        let checked = known.entry((id, kind)).or_default();
        let now = Some(by(placer));
        if checked.by != now {
            *checked = Checked {
                by: now,
                files: HashSet::new(),
            };
        }
        checked.files.clone()
    }
}

fn by(placer: &Placer) -> By {
    let tenant = &placer.tenant;
    let calendar = placer.calendar().clone();
    (calendar, tenant.time_zone, placer.directory.import)
}

fn tell(tenant: &TenantId, table: Table, file: &DataFile, amended: Amended) {
    tracing::info!(
        tenant.id = %tenant,
        table = %table,
        term = file.term().map(tracing::field::display),
        moved = amended.moved,
        changed = amended.changed,
        "rows are as calendar and roster have them"
    );
    metrics::counter!("chalkline_maintenance_moved_rows_total", "table" => table.as_str())
        .increment(amended.moved);
    metrics::counter!("chalkline_maintenance_completed_rows_total", "table" => table.as_str())
        .increment(amended.changed);
}

/// Whether a row of the file is not as it should be. Mostly the log tells; otherwise
/// the few columns that place rows are read.
async fn is_any_displaced(
    placer: &Placer,
    family: Family,
    table: &LakeTable,
    file: &DataFile,
) -> Result<bool, UpkeepError> {
    if are_all_in_place(placer, file) {
        return Ok(false);
    }
    let failed = |source| table_error(&placer.tenant.id, table.kind(), source);
    let rows = table.read_data(file, &columns(family)).await;
    let mut rows = rows.map_err(failed)?;
    while let Some(rows) = rows.try_next().await.map_err(failed)? {
        let verdict = verdict(placer, family, file, &rows);
        let verdict = verdict.map_err(|source| failed(lake::LakeError::Rows(source)))?;
        if verdict.fates.iter().any(|fate| *fate != Fate::Stays) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether what the log says of a file shows that all its rows are as they should be.
fn are_all_in_place(placer: &Placer, file: &DataFile) -> bool {
    let import = i64::try_from(placer.directory.import).unwrap_or(i64::MAX);
    let is_by_this_roster = match file.numbers("roster_import") {
        Some(imports) => imports == (import..=import) && !file.has_nulls("roster_import"),
        None => import == 0,
    };
    if !is_by_this_roster {
        return false;
    }
    let (Some(times), Some(term)) = (file.times("occurred_at"), file.term()) else {
        return false;
    };
    let (mut first, mut last) = (*times.start(), *times.end());
    if let Some(corrections) = file.numbers("clock_correction_ms") {
        let before = |time: DateTime<Utc>, millis: i64| {
            time.checked_sub_signed(TimeDelta::try_milliseconds(millis)?)
        };
        // The sender's times.
        let bounds = (
            before(first, *corrections.end()),
            before(last, *corrections.start()),
        );
        let (Some(earliest), Some(latest)) = bounds else {
            return false;
        };
        (first, last) = (first.min(earliest) - ROUNDING, last.max(latest) + ROUNDING);
    }
    if last - first > LONGEST_SPAN {
        return false;
    }
    let mut time = first;
    while time < last {
        if placer.term_of(time) != *term {
            return false;
        }
        // No day is shorter.
        time += TimeDelta::hours(22);
    }
    placer.term_of(last) == *term
}
