//! The changes of an import, written to the tables that they are of.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use futures::{StreamExt, TryStreamExt};
use lake::{
    Advance, AppId, Compaction, Lake, LakeError, LakeTable, PublishError, SortedWriter, Written,
};
use roster::{ChangeKind, Entity, Row};
use schemas::{Table, TenantId, Term};
use tokio::runtime::Handle;

use super::change::{RowChange, Source};
use super::progress::{Phase, Teller};
use super::rows::{RowsBuilder, StoredRow, Validity, Version, partition};
use super::snapshot::Snapshot;
use super::{Counts, Import, RosterError};

/// Rows that are handed on at a time.
const BATCH_ROWS: usize = 8_192;

/// How many tables are opened at once.
const CONCURRENT_TABLES: usize = 8;

/// Files of a history from which on those of about one size become one, before the
/// import is seen: each import adds one for each term that it changes.
const HISTORY_FILES: usize = 24;

/// The tables that an import writes to.
pub(super) struct Tables<'a> {
    pub lake: &'a Lake,
    pub tenant: &'a TenantId,
    pub handle: Handle,
    pub snapshot: &'a Snapshot,
    /// The import's number, and what its rows say of when they came.
    pub number: u64,
    pub recorded_at: DateTime<Utc>,
    pub teller: &'a Teller,
    /// Those that are there, as the newest import has left them.
    pub held: BTreeMap<Table, LakeTable>,
}

impl Tables<'_> {
    /// Opens all tables for writing and takes out what an import has left behind that
    /// did not come to its end: rows of versions above those that the newest import names.
    pub async fn heal(
        lake: &Lake,
        tenant: &TenantId,
        newest: Option<&Import>,
    ) -> Result<BTreeMap<Table, LakeTable>, RosterError> {
        let heal = |table| async move {
            let Some(mut opened) = lake.open_for_writing(tenant, table).await? else {
                return Ok(None);
            };
            // One that it does not name was empty, as when it was made.
            let version = newest.and_then(|newest| newest.version(table));
            let restored = opened.restore_to(version.unwrap_or(0)).await;
            if restored.map_err(|source| RosterError::Publish { table, source })? {
                tracing::info!(tenant.id = %tenant, %table, "what an import left behind is taken out");
            }
            Ok::<_, RosterError>(Some((table, opened)))
        };
        futures::stream::iter(Table::rosters())
            .map(heal)
            .buffer_unordered(CONCURRENT_TABLES)
            .try_filter_map(|opened| async move { Ok(opened) })
            .try_collect()
            .await
    }

    /// The versions that are to be read from now on.
    pub fn versions(&self) -> BTreeMap<String, u64> {
        let held = self.held.iter();
        held.map(|(table, held)| (table.as_str().to_owned(), held.version()))
            .collect()
    }

    /// Writes what changes in a table: first to its history, then to its current rows.
    pub fn write(&mut self, source: &dyn Source, entity: Entity) -> Result<Counts, RosterError> {
        let mut changes = source.changes(entity)?.peekable();
        if changes.peek().is_none() {
            return Ok(Counts::default());
        }
        let history = self.hold(Table::RosterHistory(entity))?;
        let mut counts = Counts::default();
        let mut dirty = BTreeSet::new();
        let written = {
            let mut batches = Batches::new(&history, entity, self.handle.clone());
            for change in changes {
                let change = change?;
                match change.kind {
                    ChangeKind::Added => counts.added += 1,
                    ChangeKind::Changed => counts.changed += 1,
                    ChangeKind::Ended => counts.ended += 1,
                }
                dirty.extend(change.old_term.clone());
                dirty.extend(partition(entity, &change.row));
                let version = Version {
                    change: change.kind,
                    import: self.number,
                };
                batches.push(&change, self.recorded_at, Some(version))?;
                self.teller.rows(1);
            }
            batches.finish()?
        };
        self.append(history, written)?;
        let dirty = entity.is_by_term().then_some(dirty);
        self.replace(source, entity, dirty.as_ref(), &mut counts)?;
        Ok(counts)
    }

    fn hold(&mut self, table: Table) -> Result<LakeTable, RosterError> {
        if let Some(held) = self.held.remove(&table) {
            return Ok(held);
        }
        let made = self.lake.open_or_create(self.tenant, table);
        Ok(self.handle.block_on(made)?)
    }

    fn append(&mut self, mut history: LakeTable, written: Written) -> Result<(), RosterError> {
        let table = history.kind();
        let number = self.number;
        let appended = self.handle.block_on(async {
            let advance = advance(&mut history, number).await?;
            history.append(written, &[advance]).await?;
            if history.files() >= HISTORY_FILES {
                let how = compaction();
                for merge in history.merges(&how) {
                    history.merge(&merge, &how).await?;
                }
            }
            Ok::<_, PublishError>(())
        });
        appended.map_err(|source| RosterError::Publish { table, source })?;
        self.held.insert(table, history);
        Ok(())
    }

    /// Writes the current rows anew, of a table by term those of the terms in which one
    /// changes.
    fn replace(
        &mut self,
        source: &dyn Source,
        entity: Entity,
        dirty: Option<&BTreeSet<Term>>,
        counts: &mut Counts,
    ) -> Result<(), RosterError> {
        let table = Table::Roster(entity);
        let mut current = self.hold(table)?;
        let written = {
            let before = current.clone();
            let mut batches = Batches::new(&before, entity, self.handle.clone());
            let mut stored = self.snapshot.rows(table, dirty)?.peekable();
            for change in source.changes(entity)? {
                let change = change?;
                while let Some(row) = stored.next_if(|row| comes_by(row, &change.key)) {
                    let row = row?;
                    if row.key != change.key {
                        counts.unchanged += 1;
                        batches.keep(&row)?;
                    }
                }
                if change.kind != ChangeKind::Ended {
                    batches.push(&change, self.recorded_at, None)?;
                }
                self.teller.rows(1);
            }
            for row in stored {
                counts.unchanged += 1;
                batches.keep(&row?)?;
            }
            if let Some(dirty) = dirty {
                let others = before.terms().into_iter();
                let others = others.filter(|term| !dirty.contains(term));
                let rows = others.filter_map(|term| before.rows_of(&term));
                counts.unchanged += rows.sum::<usize>() as u64;
            }
            batches.finish()?
        };
        let number = self.number;
        let replaced = self.handle.block_on(async {
            let advance = advance(&mut current, number).await?;
            current.replace_whole(dirty, written, &[advance]).await
        });
        replaced.map_err(|source| RosterError::Publish { table, source })?;
        self.held.insert(table, current);
        Ok(())
    }

    /// What the phase of writing goes through, if that many rows change.
    pub fn begin(&self, changes: u64) {
        self.teller.begin(Phase::Writing, Some(2 * changes));
    }
}

/// Whether a stored row stands before a change or is what it changes.
fn comes_by(row: &Result<StoredRow, LakeError>, key: &str) -> bool {
    match row {
        Ok(row) => row.key.as_str().cmp(key) != Ordering::Greater,
        Err(_) => true,
    }
}

/// The step of the import in a table.
async fn advance(table: &mut LakeTable, number: u64) -> Result<Advance, PublishError> {
    let app = AppId::roster();
    let expected = table.next_position(&app).await;
    Ok(Advance {
        expected: expected.map_err(PublishError::NotPublished)?,
        app,
        next: number,
    })
}

fn compaction() -> Compaction {
    Compaction {
        target_bytes: 64 << 20,
        memory_bytes: 192 << 20,
        least_files: 8,
        closed_before: DateTime::UNIX_EPOCH,
    }
}

/// Gathers rows into batches, of each partition its own.
struct Batches<'a> {
    writer: SortedWriter<'a>,
    entity: Entity,
    is_history: bool,
    handle: Handle,
    builders: BTreeMap<Option<Term>, RowsBuilder>,
}

impl<'a> Batches<'a> {
    fn new(table: &'a LakeTable, entity: Entity, handle: Handle) -> Self {
        Self {
            writer: table.sorted_writer(),
            entity,
            is_history: table.kind() == Table::RosterHistory(entity),
            handle,
            builders: BTreeMap::new(),
        }
    }

    /// Adds a row that comes or changes, or what happened to it.
    fn push(
        &mut self,
        change: &RowChange,
        recorded_at: DateTime<Utc>,
        version: Option<Version>,
    ) -> Result<(), LakeError> {
        self.add(&change.row, change.validity, recorded_at, version)
    }

    /// Adds a row that stays as it is.
    fn keep(&mut self, row: &StoredRow) -> Result<(), LakeError> {
        self.add(&row.row, row.validity, row.recorded_at, row.version)
    }

    fn add(
        &mut self,
        row: &Row,
        validity: Validity,
        recorded_at: DateTime<Utc>,
        version: Option<Version>,
    ) -> Result<(), LakeError> {
        let term = partition(self.entity, row);
        let (entity, is_history) = (self.entity, self.is_history);
        let new = || RowsBuilder::new(entity, is_history);
        let builder = self.builders.entry(term.clone()).or_insert_with(new);
        builder.push(row, validity, recorded_at, version);
        if builder.rows() < BATCH_ROWS {
            return Ok(());
        }
        let batch = builder.finish().map_err(LakeError::Rows)?;
        let written = self.writer.write(term.as_ref(), &batch);
        self.handle.block_on(written)
    }

    fn finish(mut self) -> Result<Written, LakeError> {
        for (term, mut builder) in self.builders {
            if builder.rows() > 0 {
                let batch = builder.finish().map_err(LakeError::Rows)?;
                let written = self.writer.write(term.as_ref(), &batch);
                self.handle.block_on(written)?;
            }
        }
        self.handle.block_on(self.writer.finish())
    }
}
