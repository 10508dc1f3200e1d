//! Rows that lie in another term than the calendar says now: it was changed
//! after they were published.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use arrow::error::ArrowError;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use futures::TryStreamExt;
use lake::{Amended, DataFile, Fate, LakeTable, PublishError};
use runtime::Registry;
use schemas::{Calendar, Table, Tenant, TenantId};
use tokio::sync::Mutex;

use super::UpkeepError;
use super::upkeep::{MAX_CONFLICTS, table_error};
use crate::place::{place_again, term_of};

/// The columns that place a row.
const COLUMNS: [&str; 4] = [
    "occurred_at",
    "sent_at",
    "received_at",
    "clock_correction_ms",
];

/// Files that span more time than this are read: their bounds say too little.
const LONGEST_SPAN: TimeDelta = TimeDelta::days(800);

/// Bounds of times and corrections are rounded to this, outwards.
const ROUNDING: TimeDelta = TimeDelta::milliseconds(1);

/// Puts rows into the term that the calendar gives them. Clones share what they
/// know.
#[derive(Clone)]
pub(crate) struct Displaced {
    registry: Registry,
    known: Arc<Mutex<HashMap<(TenantId, Table), Checked>>>,
}

/// Files of which every row is in its term, by some calendar. They are looked at
/// once in a process's life: what another process published by an older calendar
/// is found whenever it comes.
#[derive(Default)]
struct Checked {
    by: Option<(Calendar, Tz)>,
    files: HashSet<String>,
}

impl Displaced {
    /// Nothing is known yet.
    pub fn new(registry: Registry) -> Self {
        Self {
            registry,
            known: Arc::default(),
        }
    }

    /// Moves the rows of an event table that lie in the wrong term.
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
        if !matches!(kind, Table::Events(_)) || *id == TenantId::system() {
            return Ok(all);
        }
        let Some(tenant) = self.registry.tenant(id).await? else {
            return Ok(all);
        };
        let mut checked = self.checked(&tenant, kind).await;
        for _ in 0..MAX_CONFLICTS {
            let files = table.data_files();
            let held: HashSet<&str> = files.iter().map(DataFile::path).collect();
            checked.retain(|path| held.contains(path.as_str()));
            let mut is_settled = true;
            for file in &files {
                if checked.contains(file.path()) {
                    continue;
                }
                if !is_any_displaced(&tenant, table, file).await? {
                    checked.insert(file.path().to_owned());
                    continue;
                }
                // Then the files of this version are other ones.
                is_settled = false;
                match table.amend(file, |rows| fates(&tenant, file, rows)).await {
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

    /// Whether the tenant's calendar is another than that by which its tables
    /// were looked at last.
    ///
    /// # Errors
    /// [`UpkeepError::Registry`].
    pub async fn is_calendar_new(&self, id: &TenantId) -> Result<bool, UpkeepError> {
        let Some(tenant) = self.registry.tenant(id).await? else {
            return Ok(false);
        };
        let known = self.known.lock().await;
        let mut of = known.iter().filter(|((known, _), _)| known == id);
        Ok(of.any(|(_, checked)| checked.by != Some(calendar(&tenant))))
    }

    /// What is checked by the tenant's present calendar.
    async fn checked(&self, tenant: &Tenant, kind: Table) -> HashSet<String> {
        let mut known = self.known.lock().await;
        let checked = known.entry((tenant.id.clone(), kind)).or_default();
        let now = Some(calendar(tenant));
        if checked.by != now {
            *checked = Checked {
                by: now,
                files: HashSet::new(),
            };
        }
        checked.files.clone()
    }
}

fn tell(tenant: &TenantId, table: Table, file: &DataFile, amended: Amended) {
    tracing::info!(
        tenant.id = %tenant,
        table = %table,
        term = file.term().map(tracing::field::display),
        rows = amended.moved,
        "moved to the term of the calendar"
    );
    metrics::counter!("chalkline_maintenance_moved_rows_total", "table" => table.as_str())
        .increment(amended.moved);
}

/// What the place of a tenant's rows depends on.
fn calendar(tenant: &Tenant) -> (Calendar, Tz) {
    (tenant.calendar.clone(), tenant.time_zone)
}

/// Whether a row of the file lies in the wrong term. Mostly the log tells;
/// otherwise the few columns that place rows are read.
async fn is_any_displaced(
    tenant: &Tenant,
    table: &LakeTable,
    file: &DataFile,
) -> Result<bool, UpkeepError> {
    if are_all_in_place(tenant, file) {
        return Ok(false);
    }
    let failed = |source| table_error(&tenant.id, table.kind(), source);
    let mut rows = table.read_data(file, &COLUMNS).await.map_err(failed)?;
    while let Some(rows) = rows.try_next().await.map_err(failed)? {
        let fates = fates(tenant, file, &rows);
        let fates = fates.map_err(|source| failed(lake::LakeError::Rows(source)))?;
        if fates.iter().any(|fate| *fate != Fate::Stays) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether the bounds of a file's times show that all its rows are in their term.
fn are_all_in_place(tenant: &Tenant, file: &DataFile) -> bool {
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
        if term_of(tenant, time) != *term {
            return false;
        }
        // No day is shorter.
        time += TimeDelta::hours(22);
    }
    term_of(tenant, last) == *term
}

/// Where each row belongs.
fn fates(tenant: &Tenant, file: &DataFile, rows: &RecordBatch) -> Result<Vec<Fate>, ArrowError> {
    let column = |name: &str| {
        let missing = || ArrowError::SchemaError(format!("there is no column {name}"));
        rows.column_by_name(name).ok_or_else(missing)
    };
    let [occurred_at, sent_at, received_at] = ["occurred_at", "sent_at", "received_at"].map(column);
    let times = [occurred_at?, sent_at?, received_at?];
    let times = times.map(|times| times.as_primitive::<TimestampMicrosecondType>());
    let corrected = column("clock_correction_ms")?.as_primitive::<Int64Type>();
    let fate = |row: usize| {
        let [occurred_at, sent_at, received_at] =
            times.map(|times| times.is_valid(row).then(|| times.value(row)));
        let occurred_at = occurred_at.and_then(DateTime::from_timestamp_micros);
        let Some(occurred_at) = occurred_at else {
            return Fate::Stays;
        };
        // The column has milliseconds; these say it exactly.
        let correction = match (corrected.is_valid(row), received_at, sent_at) {
            (true, Some(received), Some(sent)) => {
                received.checked_sub(sent).map(TimeDelta::microseconds)
            }
            _ => None,
        };
        let term = place_again(tenant, occurred_at, correction);
        match Some(&term) == file.term() {
            true => Fate::Stays,
            false => Fate::Moves(term),
        }
    };
    Ok((0..rows.num_rows()).map(fate).collect())
}
