//! The rows of rosters as an import has left them, by key.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use arrow::array::RecordBatch;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use lake::{Lake, LakeError, LakeTable};
use roster::{Entity, Stored, StoredError, StoredRows};
use schemas::{Table, TenantId, Term};
use tokio::runtime::Handle;

use super::rows::{StoredRow, decode};
use super::{Import, RosterError};

/// How many tables are opened at once.
const CONCURRENT_TABLES: usize = 8;

/// The tables at the versions that an import names. Their rows are read on a thread
/// that may wait.
#[derive(Debug)]
pub(crate) struct Snapshot {
    handle: Handle,
    tables: BTreeMap<Table, LakeTable>,
}

/// Rows by key, and of one key by import.
pub(crate) type Rows = Box<dyn Iterator<Item = Result<StoredRow, LakeError>> + Send>;

impl Snapshot {
    /// What the import has left; nothing where there was none.
    pub async fn open(
        lake: &Lake,
        tenant: &TenantId,
        import: Option<&Import>,
    ) -> Result<Self, RosterError> {
        let Some(import) = import else {
            return Ok(Self {
                handle: Handle::current(),
                tables: BTreeMap::new(),
            });
        };
        let named = Table::rosters().filter_map(|table| Some((table, import.version(table)?)));
        let open = |(table, version)| async move {
            let opened = lake.open_at(tenant, table, version).await?;
            let opened = opened.ok_or(RosterError::Missing(table, import.number))?;
            Ok::<_, RosterError>((table, opened))
        };
        let tables = futures::stream::iter(named).map(open);
        Ok(Self {
            handle: Handle::current(),
            tables: tables
                .buffer_unordered(CONCURRENT_TABLES)
                .try_collect()
                .await?,
        })
    }

    /// The rows of a table, or those of some terms.
    pub fn rows(&self, table: Table, terms: Option<&BTreeSet<Term>>) -> Result<Rows, LakeError> {
        let Some(opened) = self.tables.get(&table) else {
            return Ok(Box::new(std::iter::empty()));
        };
        let partitions: Vec<Option<Term>> = if table.is_by_term() {
            let is_wanted = |term: &Term| terms.is_none_or(|terms| terms.contains(term));
            opened
                .terms()
                .into_iter()
                .filter(is_wanted)
                .map(Some)
                .collect()
        } else {
            vec![None]
        };
        let runs = partitions.into_iter().map(|term| {
            Ok(Run {
                handle: self.handle.clone(),
                table,
                batches: opened.sorted_rows(term.as_ref())?,
                term,
                rows: Vec::new().into_iter(),
            })
        });
        Ok(Box::new(Merged::new(
            runs.collect::<Result<_, LakeError>>()?,
        )))
    }
}

impl Stored for Snapshot {
    fn rows(&self, entity: Entity) -> Result<StoredRows<'_>, StoredError> {
        let rows = self.rows(Table::Roster(entity), None)?;
        Ok(Box::new(rows.map(|row| Ok(row?.row))))
    }
}

/// The rows of one partition.
struct Run {
    handle: Handle,
    table: Table,
    term: Option<Term>,
    batches: BoxStream<'static, Result<RecordBatch, LakeError>>,
    rows: std::vec::IntoIter<StoredRow>,
}

impl Iterator for Run {
    type Item = Result<StoredRow, LakeError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(row) = self.rows.next() {
                return Some(Ok(row));
            }
            let batch = match self.handle.block_on(self.batches.next())? {
                Ok(batch) => batch,
                Err(error) => return Some(Err(error)),
            };
            match decode(self.table, &batch, self.term.as_ref()) {
                Ok(rows) => self.rows = rows.into_iter(),
                Err(error) => return Some(Err(LakeError::Rows(error))),
            }
        }
    }
}

/// The rows of all partitions, in order.
struct Merged {
    runs: Vec<Run>,
    heads: BinaryHeap<Reverse<Head>>,
    begun: bool,
}

/// The next row of a run.
struct Head {
    row: StoredRow,
    run: usize,
}

impl Head {
    fn place(&self) -> (&str, Option<u64>) {
        let import = self.row.version.map(|version| version.import);
        (&self.row.key, import)
    }
}

impl Ord for Head {
    fn cmp(&self, other: &Self) -> Ordering {
        self.place().cmp(&other.place())
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Head {}

impl Merged {
    fn new(runs: Vec<Run>) -> Self {
        Self {
            runs,
            heads: BinaryHeap::new(),
            begun: false,
        }
    }

    fn advance(&mut self, run: usize) -> Result<(), LakeError> {
        if let Some(row) = self.runs[run].next().transpose()? {
            self.heads.push(Reverse(Head { row, run }));
        }
        Ok(())
    }
}

impl Iterator for Merged {
    type Item = Result<StoredRow, LakeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if !self.begun {
            self.begun = true;
            for run in 0..self.runs.len() {
                if let Err(error) = self.advance(run) {
                    return Some(Err(error));
                }
            }
        }
        let Reverse(Head { row, run }) = self.heads.pop()?;
        match self.advance(run) {
            Ok(()) => Some(Ok(row)),
            Err(error) => Some(Err(error)),
        }
    }
}
