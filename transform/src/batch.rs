//! batch: the rows of a tenant that are read and not published, by table and
//! term.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use lake::Rows;
use schemas::event::Event;
use schemas::{Table, TenantId, Term};
use tokio::time::Instant;

use crate::columns::{At, AuditRows, DuplicateRows, EventRows, QuarantineRows, TallyRows};
use crate::decode::{Content, Decoded};
use crate::judge::Outcome;
use crate::place::Placer;
use crate::traces::Traces;

/// The rows of one table in a round.
#[derive(Debug)]
enum TableRows {
    Events(BTreeMap<Term, EventRows>),
    Duplicates(DuplicateRows),
    Quarantine(QuarantineRows),
    Tallies(TallyRows),
    Audit(BTreeMap<Term, AuditRows>),
}

/// The rows of one tenant between two publications of its tables.
#[derive(Debug)]
pub(crate) struct Round {
    /// Where its rows go.
    pub tenant: TenantId,
    /// Since when it collects.
    pub begun: Instant,
    /// The first position of each partition that is a row here.
    pub first: BTreeMap<u32, u64>,
    /// When the oldest of its events was received.
    pub oldest: Option<DateTime<Utc>>,
    /// Records that became rows.
    pub rows: usize,
    /// Bytes of these records.
    pub bytes: usize,
    /// Of the requests that they came with.
    traces: Traces,
    tables: BTreeMap<Table, TableRows>,
    /// The partitions to which events belong that were read from others.
    homes: BTreeMap<Table, BTreeSet<u32>>,
}

impl Round {
    /// No rows yet.
    pub fn new(tenant: TenantId, begun: Instant) -> Self {
        Self {
            tenant,
            begun,
            first: BTreeMap::new(),
            oldest: None,
            rows: 0,
            bytes: 0,
            traces: Traces::default(),
            tables: BTreeMap::new(),
            homes: BTreeMap::new(),
        }
    }

    /// An event of the table that is stored here belongs to another partition than
    /// that it was read from.
    pub fn belongs(&mut self, table: Table, home: u32) {
        self.homes.entry(table).or_default().insert(home);
    }

    /// Adds a record whose outcome is a row of this tenant. Records of one
    /// partition come in order. `placer` is of the record's tenant, if
    /// it exists.
    pub fn add(
        &mut self,
        record: &Decoded,
        outcome: &Outcome,
        placer: Option<&Placer>,
        at: At<'_>,
    ) {
        self.first.entry(at.partition).or_insert(at.position);
        self.rows += 1;
        self.bytes += record.bytes();
        self.traces.note(&record.record.headers);
        if let Ok(Content::Event(event, _)) = &record.content {
            let received_at = event.received_at;
            self.oldest = Some(self.oldest.map_or(received_at, |o| o.min(received_at)));
        }
        match (outcome, &record.content) {
            (Outcome::Quarantined(_, why), _) => self.quarantine().append(record, why, at),
            (Outcome::Stored, Ok(Content::Event(event, _))) => {
                let placer = placer.expect("events are stored for tenants that exist");
                self.store(placer, event, at);
            }
            (Outcome::Duplicate { same_content }, Ok(Content::Event(event, _))) => {
                let placer = placer.expect("events repeat for tenants that exist");
                let occurred_at = placer.place(event).occurred_at;
                self.duplicates()
                    .append(event, occurred_at, *same_content, at);
            }
            (Outcome::Failed(_), _) => self.duplicates().append_unreadable(record, at),
            (Outcome::Tallied, Ok(Content::Tally(tally))) => self.tallies().append(tally, at),
            (Outcome::Audited, Ok(Content::Audit(record))) => {
                let placer = placer.expect("records are kept for tenants that exist");
                let rows = self.audit(placer.term_of(record.time));
                rows.append(record, at);
            }
            _ => unreachable!("a judge tells events, other records and unreadable records apart"),
        }
    }

    fn store(&mut self, placer: &Placer, event: &Event, at: At<'_>) {
        let placed = placer.place(event);
        let family = event.data.family();
        let rows = self.table(Table::Events(family), || TableRows::Events(BTreeMap::new()));
        let TableRows::Events(terms) = rows else {
            unreachable!("an event table has rows by term");
        };
        if !terms.contains_key(&placed.term) {
            terms.insert(placed.term.clone(), EventRows::new(family));
        }
        let rows = terms.get_mut(&placed.term).expect("just inserted");
        rows.append(event, &placed, at);
    }

    fn duplicates(&mut self) -> &mut DuplicateRows {
        let new = || TableRows::Duplicates(DuplicateRows::default());
        match self.table(Table::Duplicates, new) {
            TableRows::Duplicates(rows) => rows,
            _ => unreachable!("duplicates has its own rows"),
        }
    }

    fn quarantine(&mut self) -> &mut QuarantineRows {
        let new = || TableRows::Quarantine(QuarantineRows::default());
        match self.table(Table::Quarantine, new) {
            TableRows::Quarantine(rows) => rows,
            _ => unreachable!("quarantine has its own rows"),
        }
    }

    fn tallies(&mut self) -> &mut TallyRows {
        let new = || TableRows::Tallies(TallyRows::default());
        match self.table(Table::Tallies, new) {
            TableRows::Tallies(rows) => rows,
            _ => unreachable!("tallies has its own rows"),
        }
    }

    fn audit(&mut self, term: Term) -> &mut AuditRows {
        let new = || TableRows::Audit(BTreeMap::new());
        match self.table(Table::Audit, new) {
            TableRows::Audit(terms) => terms.entry(term).or_default(),
            _ => unreachable!("audit has its own rows"),
        }
    }

    fn table(&mut self, table: Table, new: impl FnOnce() -> TableRows) -> &mut TableRows {
        self.tables.entry(table).or_insert_with(new)
    }

    /// The tables that have rows.
    pub fn tables(&self) -> impl ExactSizeIterator<Item = Table> {
        self.tables.keys().copied()
    }

    /// The rows of each table that has any, which are published at that time.
    fn into_commits(self, published_at: DateTime<Utc>) -> impl Iterator<Item = Commit> {
        let mut homes = self.homes;
        let traces = Arc::new(self.traces);
        self.tables.into_iter().map(move |(table, rows)| {
            let rows = match rows {
                TableRows::Events(terms) => terms
                    .into_iter()
                    .map(|(term, rows)| Rows {
                        term: Some(term),
                        batches: rows.finish(published_at),
                    })
                    .collect(),
                TableRows::Duplicates(mut rows) => vec![without_term(rows.finish())],
                TableRows::Quarantine(mut rows) => vec![without_term(rows.finish())],
                TableRows::Tallies(mut rows) => vec![without_term(rows.finish())],
                TableRows::Audit(terms) => terms
                    .into_iter()
                    .map(|(term, mut rows)| Rows {
                        term: Some(term),
                        batches: vec![rows.finish()],
                    })
                    .collect(),
            };
            let homes = homes.remove(&table).unwrap_or_default();
            Commit {
                table,
                rows,
                homes,
                traces: Arc::clone(&traces),
            }
        })
    }
}

/// What a tenant's tables move on over: of each partition the part in which it has
/// rows.
pub(crate) type Stretches = BTreeMap<u32, Range<u64>>;

/// The rows of one table in a round.
#[derive(Debug)]
pub(crate) struct Commit {
    pub table: Table,
    pub rows: Vec<Rows>,
    /// Partitions other than those of the round to which some of the events
    /// belong.
    pub homes: BTreeSet<u32>,
    /// Of the requests that the rows of the round came with.
    pub traces: Arc<Traces>,
}

/// The commits of these rounds; all of a step must be visible before the first of
/// the next is made.
///
/// First what was set aside of tenants who did not exist: they may by now. Then what
/// says which records of a tenant are *not* events to store, then the events, of
/// which each row says that it is published at that time.
pub(crate) fn in_order(
    rounds: Vec<(Round, Stretches)>,
    published_at: DateTime<Utc>,
) -> [Vec<(TenantId, Arc<Stretches>, Commit)>; 3] {
    let mut steps = [Vec::new(), Vec::new(), Vec::new()];
    for (round, stretches) in rounds {
        let (tenant, stretches) = (round.tenant.clone(), Arc::new(stretches));
        for commit in round.into_commits(published_at) {
            let step = match commit.table {
                Table::Events(_) => 2,
                _ => usize::from(tenant != TenantId::system()),
            };
            steps[step].push((tenant.clone(), Arc::clone(&stretches), commit));
        }
    }
    steps
}

fn without_term(batch: arrow::array::RecordBatch) -> Rows {
    Rows {
        term: None,
        batches: vec![batch],
    }
}
