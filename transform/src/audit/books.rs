//! A tenant's ledger, as its tables are now.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use chrono::{DateTime, Utc};
use datafusion::datasource::empty::EmptyTable;
use datafusion::error::DataFusionError;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::logical_expr::not;
use datafusion::prelude::{SessionContext, cast, col};
use futures::TryStreamExt;
use lake::{Lake, LakeError, Mark};
use schemas::{Report, Table, TenantId};

use crate::report::{ComputeError, Executor, query, runtime_env, session};

/// Memory that adding up may take; what it needs grows with hours, not with rows.
const MEMORY_BYTES: usize = 64 << 20;

/// How long after the first look an imbalance must still be there: work that moves
/// a row from one table to another takes two commits.
const SETTLE: Duration = Duration::from_secs(5);

/// Why a tenant's ledger cannot be added up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    /// Its tables cannot be read.
    #[error("the lake cannot be used")]
    Lake(#[from] LakeError),
    /// The ledger's query fails.
    #[error("the ledger cannot be added up")]
    Compute(#[from] ComputeError),
    /// Adding up has panicked.
    #[error("adding up the ledger has panicked: {0}")]
    Panicked(String),
}

/// An hour of a family of which the log holds more or fewer events than the tables
/// account for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Imbalance {
    /// The hour in which they were received; 1970 for records that do not say.
    pub hour: DateTime<Utc>,
    /// `None` for records that do not say.
    pub family: Option<String>,
    /// Events in the log without a row; negative when there are more rows.
    pub missing: i64,
}

/// The ledgers of all tenants. Clones share their thread and their memory.
#[derive(Clone)]
pub struct Books {
    lake: Lake,
    executor: Arc<Executor>,
    runtime_env: Arc<RuntimeEnv>,
}

/// What a look at a ledger came to.
#[derive(Debug, Default)]
pub(crate) struct Look {
    pub imbalances: Vec<Imbalance>,
    /// The tables as they were.
    pub marks: HashMap<Table, Mark>,
}

impl Books {
    /// Nothing is added up yet.
    ///
    /// # Errors
    /// When the thread or the memory for it cannot be had.
    pub fn new(lake: Lake) -> io::Result<Self> {
        Ok(Self {
            lake,
            executor: Arc::new(Executor::with_threads("audit", 1)?),
            runtime_env: runtime_env(MEMORY_BYTES).map_err(io::Error::other)?,
        })
    }

    /// Where the tenant's ledger does not balance, by hour and family; empty when it
    /// does. What is under way is no imbalance: it is looked at twice.
    ///
    /// # Errors
    /// [`AuditError`]; nothing is known then.
    pub async fn imbalances(&self, tenant: &TenantId) -> Result<Vec<Imbalance>, AuditError> {
        Ok(self.look_twice(tenant).await?.imbalances)
    }

    pub(crate) async fn look_twice(&self, tenant: &TenantId) -> Result<Look, AuditError> {
        let first = self.look(tenant).await?;
        if first.imbalances.is_empty() {
            return Ok(first);
        }
        tokio::time::sleep(SETTLE).await;
        let mut second = self.look(tenant).await?;
        second.imbalances = lasting(&first.imbalances, second.imbalances);
        Ok(second)
    }

    /// Whether any table of the ledger is another than it was.
    pub(crate) async fn has_moved(
        &self,
        tenant: &TenantId,
        marks: &HashMap<Table, Mark>,
    ) -> Result<bool, AuditError> {
        for table in &ledger().sources {
            if self
                .lake
                .has_moved(tenant, *table, marks.get(table))
                .await?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn look(&self, tenant: &TenantId) -> Result<Look, AuditError> {
        let (lake, tenant) = (self.lake.clone(), tenant.clone());
        let session = session(&self.runtime_env, MEMORY_BYTES);
        let work = async move {
            let marks = mount(&session, &lake, &tenant).await?;
            let imbalances = add_up(&session).await.map_err(ComputeError::from)?;
            Ok(Look { imbalances, marks })
        };
        let done = self.executor.run(work).await;
        done.map_err(|panicked| AuditError::Panicked(panicked.0))?
    }
}

fn ledger() -> &'static Report {
    schemas::report("ledger").expect("it is shipped")
}

/// Makes the ledger's sources nameable. The counts come first: the tables are never
/// older than they, and rows that are not counted yet do not matter.
async fn mount(
    session: &SessionContext,
    lake: &Lake,
    tenant: &TenantId,
) -> Result<HashMap<Table, Mark>, AuditError> {
    let mut marks = HashMap::new();
    let mut sources = ledger().sources.clone();
    sources.sort_by_key(|table| *table != Table::LogCounts);
    for source in sources {
        let table = lake.open(tenant, source).await?;
        let registered = match &table {
            Some(table) => {
                marks.insert(source, table.mark());
                let provider = table.provider(&session.state())?;
                session.register_table(source.as_str(), provider)
            }
            None => {
                let columns = schemas::columns(source);
                session.register_table(source.as_str(), Arc::new(EmptyTable::new(columns)))
            }
        };
        registered.map_err(ComputeError::from)?;
    }
    Ok(marks)
}

async fn add_up(session: &SessionContext) -> Result<Vec<Imbalance>, DataFusionError> {
    use arrow::datatypes::DataType::{Int64, Timestamp, Utf8};
    use arrow::datatypes::TimeUnit::Microsecond;
    let found = ["stored", "table_duplicate", "quarantined", "erased"].map(col);
    let found = found.into_iter().reduce(|sum, column| sum + column);
    let rows = query(session, ledger()).await?;
    let rows = rows.filter(not(col("balanced")))?.select([
        cast(col("hour"), Timestamp(Microsecond, None)),
        cast(col("family"), Utf8),
        cast(
            col("accepted") + col("replayed") - found.expect("four"),
            Int64,
        ),
    ])?;
    let mut imbalances = Vec::new();
    let mut batches = rows.execute_stream().await?;
    while let Some(batch) = batches.try_next().await? {
        let hours = batch.column(0).as_primitive::<TimestampMicrosecondType>();
        let families = batch.column(1).as_string::<i32>();
        let missing = batch.column(2).as_primitive::<Int64Type>();
        for row in 0..batch.num_rows() {
            imbalances.push(Imbalance {
                hour: DateTime::from_timestamp_micros(hours.value(row)).unwrap_or_default(),
                family: families
                    .is_valid(row)
                    .then(|| families.value(row).to_owned()),
                missing: missing.value(row),
            });
        }
    }
    imbalances.sort();
    Ok(imbalances)
}

/// Those of the second look that the first has seen just so.
fn lasting(first: &[Imbalance], second: Vec<Imbalance>) -> Vec<Imbalance> {
    let place = |of: &Imbalance| (of.hour, of.family.clone());
    let seen: BTreeMap<_, _> = first.iter().map(|of| (place(of), of.missing)).collect();
    let lasts = |of: &Imbalance| seen.get(&place(of)) == Some(&of.missing);
    second.into_iter().filter(lasts).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn imbalance(hour: i64, family: Option<&str>, missing: i64) -> Imbalance {
        Imbalance {
            hour: DateTime::from_timestamp(hour * 3600, 0).expect("an hour"),
            family: family.map(str::to_owned),
            missing,
        }
    }

    #[test]
    fn what_is_under_way_is_no_imbalance() {
        let lost = imbalance(1, Some("video"), 1);
        let nobodys = imbalance(0, None, -2);
        let first = [
            nobodys.clone(),
            lost.clone(),
            imbalance(2, Some("video"), 3),
            imbalance(3, None, 1),
        ];
        let second = vec![
            nobodys.clone(),
            lost.clone(),
            imbalance(1, Some("assessment"), 1),
            imbalance(2, Some("video"), 2),
        ];
        assert_eq!(lasting(&first, second), [nobodys, lost]);
    }
}
