//! batch: the rows of a round, by tenant, table and term.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::Duration;

use lake::Rows;
use schemas::event::Event;
use schemas::{Table, Tenant, TenantId, Term};

use crate::columns::{At, DuplicateRows, EventRows, QuarantineRows, TallyRows};
use crate::decode::{Content, Decoded};
use crate::judge::Outcome;
use crate::place::place;

/// How large and old a round is, or may become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Records that became rows.
    pub rows: usize,
    /// Bytes of all records read.
    pub bytes: usize,
    /// Time since its first record.
    pub age: Duration,
}

/// Whether a round is to be published now: it has reached its limit in any
/// respect.
pub fn should_close(size: Size, limit: Size) -> bool {
    size.rows >= limit.rows || size.bytes >= limit.bytes || size.age >= limit.age
}

/// The rows of one table in a round.
#[derive(Debug)]
enum TableRows {
    Events(BTreeMap<Term, EventRows>),
    Duplicates(DuplicateRows),
    Quarantine(QuarantineRows),
    Tallies(TallyRows),
}

/// What is read between two publications: stretches of partitions, and the rows
/// that came of them.
#[derive(Debug, Default)]
pub(crate) struct Round {
    log_id: String,
    stretches: BTreeMap<u32, Range<u64>>,
    tables: BTreeMap<(TenantId, Table), TableRows>,
    /// The partitions to which events belong that were read from others.
    homes: BTreeMap<(TenantId, Table), BTreeSet<u32>>,
    rows: usize,
    bytes: usize,
}

impl Round {
    /// An empty round.
    pub fn new(log_id: &str) -> Self {
        Self {
            log_id: log_id.to_owned(),
            ..Self::default()
        }
    }

    /// The event of a table belongs to another partition than that it was read
    /// from, and will be stored.
    pub fn belongs(&mut self, tenant: &TenantId, table: Table, home: u32) {
        let key = (tenant.clone(), table);
        self.homes.entry(key).or_default().insert(home);
    }

    /// Adds a record and what becomes of it. Records of one partition come in
    /// order. `tenant` is the record's, if it exists.
    pub fn add(
        &mut self,
        partition: u32,
        record: &Decoded,
        outcome: &Outcome,
        tenant: Option<&Tenant>,
    ) {
        let stretch = self
            .stretches
            .entry(partition)
            .or_insert(record.position..record.position);
        stretch.end = record.position + 1;
        self.bytes += record.bytes();

        let log_id = std::mem::take(&mut self.log_id);
        let at = At {
            log_id: &log_id,
            partition,
            position: record.position,
        };
        match (outcome, &record.content) {
            (Outcome::Published | Outcome::Waiting | Outcome::Needless, _) => {}
            (Outcome::Quarantined(tenant, why), _) => {
                self.quarantine(tenant).append(record, why, at);
            }
            (Outcome::Stored, Ok(Content::Event(event, _))) => {
                let tenant = tenant.expect("events are stored for tenants that exist");
                self.store(tenant, event, at);
            }
            (Outcome::Duplicate { same_content }, Ok(Content::Event(event, _))) => {
                let tenant = tenant.expect("events repeat for tenants that exist");
                let occurred_at = place(tenant, event).occurred_at;
                self.duplicates(&record.tenant)
                    .append(event, occurred_at, *same_content, at);
            }
            (Outcome::Failed(home), _) => {
                self.duplicates(home).append_unreadable(record, at);
            }
            (Outcome::Tallied, Ok(Content::Tally(tally))) => {
                self.tallies(&record.tenant).append(tally, at);
            }
            _ => unreachable!("a judge tells events, tallies and unreadable records apart"),
        }
        self.log_id = log_id;
        let makes_no_row = matches!(
            outcome,
            Outcome::Published | Outcome::Waiting | Outcome::Needless
        );
        self.rows += usize::from(!makes_no_row);
    }

    fn store(&mut self, tenant: &Tenant, event: &Event, at: At<'_>) {
        let placed = place(tenant, event);
        let family = event.data.family();
        let rows = self.table(&tenant.id, Table::Events(family), || {
            TableRows::Events(BTreeMap::new())
        });
        let TableRows::Events(terms) = rows else {
            unreachable!("an event table has rows by term");
        };
        if !terms.contains_key(&placed.term) {
            terms.insert(placed.term.clone(), EventRows::new(family));
        }
        let rows = terms.get_mut(&placed.term).expect("just inserted");
        rows.append(event, &placed, at);
    }

    fn duplicates(&mut self, tenant: &TenantId) -> &mut DuplicateRows {
        let new = || TableRows::Duplicates(DuplicateRows::default());
        match self.table(tenant, Table::Duplicates, new) {
            TableRows::Duplicates(rows) => rows,
            _ => unreachable!("duplicates has its own rows"),
        }
    }

    fn quarantine(&mut self, tenant: &TenantId) -> &mut QuarantineRows {
        let new = || TableRows::Quarantine(QuarantineRows::default());
        match self.table(tenant, Table::Quarantine, new) {
            TableRows::Quarantine(rows) => rows,
            _ => unreachable!("quarantine has its own rows"),
        }
    }

    fn tallies(&mut self, tenant: &TenantId) -> &mut TallyRows {
        let new = || TableRows::Tallies(TallyRows::default());
        match self.table(tenant, Table::Tallies, new) {
            TableRows::Tallies(rows) => rows,
            _ => unreachable!("tallies has its own rows"),
        }
    }

    fn table(
        &mut self,
        tenant: &TenantId,
        table: Table,
        new: impl FnOnce() -> TableRows,
    ) -> &mut TableRows {
        self.tables
            .entry((tenant.clone(), table))
            .or_insert_with(new)
    }

    /// Whether nothing was read.
    pub fn is_empty(&self) -> bool {
        self.stretches.is_empty()
    }

    /// How large it is; its age is known to whoever began it.
    pub fn size(&self, age: Duration) -> Size {
        Size {
            rows: self.rows,
            bytes: self.bytes,
            age,
        }
    }

    /// What was read of each partition.
    pub fn stretches(&self) -> &BTreeMap<u32, Range<u64>> {
        &self.stretches
    }

    /// The tenants that have rows.
    pub fn tenants(&self) -> BTreeSet<TenantId> {
        let tables = self.tables.keys();
        tables.map(|(tenant, _)| tenant.clone()).collect()
    }

    /// The rows of each table that has any, in the order in which tables must
    /// be committed: all of the first list before any of the second.
    pub fn into_commits(mut self) -> [Vec<Commit>; 2] {
        let mut commits = [Vec::new(), Vec::new()];
        for ((tenant, table), rows) in self.tables {
            let rows = match rows {
                TableRows::Events(terms) => terms
                    .into_iter()
                    .map(|(term, rows)| Rows {
                        term: Some(term),
                        batches: rows.finish(),
                    })
                    .collect(),
                TableRows::Duplicates(mut rows) => vec![without_term(rows.finish())],
                TableRows::Quarantine(mut rows) => vec![without_term(rows.finish())],
                TableRows::Tallies(mut rows) => vec![without_term(rows.finish())],
            };
            let order = usize::from(matches!(table, Table::Events(_)));
            let key = (tenant, table);
            let homes = self.homes.remove(&key).unwrap_or_default();
            commits[order].push(Commit {
                tenant: key.0,
                table,
                rows,
                homes,
            });
        }
        commits
    }
}

/// The rows of one table in a round.
#[derive(Debug)]
pub(crate) struct Commit {
    pub tenant: TenantId,
    pub table: Table,
    pub rows: Vec<Rows>,
    /// Partitions other than those of the round to which some of the events
    /// belong.
    pub homes: BTreeSet<u32>,
}

fn without_term(batch: arrow::array::RecordBatch) -> Rows {
    Rows {
        term: None,
        batches: vec![batch],
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::nothing(0, 0, 0, false)]
    #[case::below(9, 99, 999, false)]
    #[case::rows(10, 0, 0, true)]
    #[case::bytes(0, 100, 0, true)]
    #[case::age(0, 0, 1000, true)]
    #[case::beyond(11, 101, 1001, true)]
    fn a_round_closes_at_any_limit(
        #[case] rows: usize,
        #[case] bytes: usize,
        #[case] millis: u64,
        #[case] expected: bool,
    ) {
        let size = |rows, bytes, millis| Size {
            rows,
            bytes,
            age: Duration::from_millis(millis),
        };
        assert_eq!(
            should_close(size(rows, bytes, millis), size(10, 100, 1000)),
            expected
        );
    }
}
