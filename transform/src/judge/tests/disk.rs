//! A simulated service over simulated tables, which dies wherever it is told to.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::{Int32Type, Int64Type};
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use eventlog::{Entry, Headers, Position, Record};
use schemas::event::Data;
use schemas::{Family, StudentKey, Table, Tenant, headers};

use crate::backlog::Backlog;
use crate::batch::{Commit, Round, Stretches, in_order};
use crate::judge::*;
use crate::place::Placer;
use crate::replay::{Again, Failures, Origin};

/// How many partitions the simulated log has.
pub const PARTITIONS: u32 = 3;

/// A record of the simulated log.
#[derive(Debug, Clone)]
pub struct Spec {
    pub partition: u32,
    pub tenant: usize,
    pub id: u128,
    /// A family, or beyond them something that cannot be read.
    pub kind: usize,
    /// Why it was entered again, and in which attempt, if it was.
    pub again: Option<(Cause, u32)>,
}

impl Spec {
    fn again(&self) -> Option<Again> {
        self.again.map(|(cause, attempt)| Again {
            cause,
            origin: Origin {
                log_id: format!("tenant-{}", self.tenant),
                partition: self.partition,
                position: self.id as u64,
            },
            attempt,
        })
    }
}

pub fn tenant(index: usize) -> TenantId {
    TenantId::new(format!("tenant-{index}")).expect("a slug")
}

fn received_at(position: u64) -> DateTime<Utc> {
    let hours = i64::try_from(position).expect("small");
    DateTime::from_timestamp(1_789_000_000 + hours * 3600, 0).expect("a time")
}

/// The record that it is, at that position.
pub fn entry(spec: &Spec, position: u64) -> Entry {
    // Three are enough; a fourth is none.
    let family = Family::ALL[..3].get(spec.kind).copied();
    let event = Event {
        id: Uuid::from_u128(spec.id),
        event_type: "page.viewed".to_owned(),
        dialect: "native".to_owned(),
        time: received_at(0),
        sent_at: None,
        received_at: received_at(position),
        student_key: StudentKey::from_bytes([1; 16]),
        session: None,
        course: None,
        section: None,
        school: None,
        content: None,
        content_version: None,
        app: None,
        platform: None,
        locale: None,
        data: Data::empty(family.unwrap_or(Family::Clickstream)),
        extra: schemas::event::Extra::default(),
    };
    let mut record = Record {
        key: Bytes::new(),
        headers: Headers::from_iter([
            (headers::TENANT, tenant(spec.tenant).as_str()),
            (headers::KIND, headers::kind::EVENT),
            (headers::FAMILY, family.map_or("unknown", Family::as_str)),
            (headers::TYPE_VERSION, "1"),
        ]),
        value: event.to_json().into(),
    };
    if let Some(again) = spec.again() {
        record = again.record(&record.headers, record.value);
    }
    Entry {
        position: Position {
            partition: spec.partition,
            offset: position,
        },
        record,
    }
}

/// A row of a simulated table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub partition: u32,
    pub position: u64,
    pub event_id: Option<Uuid>,
}

/// Where a table stands in each partition.
pub type Positions = HashMap<u32, u64>;

/// Tables and floors as a crash leaves them.
#[derive(Debug, Default)]
pub struct Disk {
    pub tables: BTreeMap<(TenantId, Table), (Vec<Row>, Positions)>,
    floors: HashMap<u32, u64>,
    /// Records that were judged in all lives, and after how many of them the
    /// second tenant is registered.
    judged: usize,
    registered_after: usize,
}

/// The process died.
pub struct Crash;

impl Disk {
    /// Nothing is stored. The second tenant is registered after so many records.
    pub fn new(registered_after: usize) -> Self {
        Self {
            registered_after,
            ..Self::default()
        }
    }

    fn commit(&mut self, tenant: &TenantId, commit: &Commit, round: &Stretches) {
        let key = (tenant.clone(), commit.table);
        let (rows, next) = self.tables.entry(key).or_default();
        for batch in commit.rows.iter().flat_map(|rows| &rows.batches) {
            let column = |name: &str| batch.column_by_name(name).expect("a column");
            let partitions = column("log_partition").as_primitive::<Int32Type>();
            let positions = column("log_position").as_primitive::<Int64Type>();
            for row in 0..batch.num_rows() {
                let id = batch.column_by_name("event_id");
                rows.push(Row {
                    partition: partitions.value(row).unsigned_abs(),
                    position: positions.value(row).unsigned_abs(),
                    event_id: id.and_then(|id| event_id(id.as_string::<i32>().value(row))),
                });
            }
        }
        for (partition, stretch) in round {
            let next = next.entry(*partition).or_insert(0);
            *next = stretch.end.max(*next);
        }
    }

    fn floor(&self, partition: u32) -> u64 {
        self.floors.get(&partition).copied().unwrap_or(0)
    }

    /// What `recover` reads: where the unfinished round ends, and a judge.
    fn recover(&self, log: &[Vec<Entry>], memory_bytes: usize) -> (HashMap<u32, u64>, Judge) {
        let mut index = Index::new(TimeDelta::days(7), memory_bytes);
        let mut failures = Failures::new("log");
        let mut settled = Settled::default();
        let mut ends: HashMap<u32, u64> = (0..PARTITIONS).map(|p| (p, self.floor(p))).collect();
        for ((tenant, table), (rows, next)) in &self.tables {
            settled.next.insert((tenant.clone(), *table), next.clone());
            for (partition, next) in next {
                let end = ends.get_mut(partition).expect("a partition");
                *end = (*end).max(*next);
            }
            for row in rows {
                if *table == Table::Quarantine {
                    let at = usize::try_from(row.position).expect("small");
                    let record = &log[row.partition as usize][at].record;
                    if let Some(again) = Again::of(&record.headers) {
                        failures.is_first(&again, row.partition, row.position);
                    }
                }
                match table {
                    Table::Events(_) => {
                        let id = row.event_id.expect("an id");
                        let received_at = received_at(row.position);
                        index.load(row.partition, tenant, id, received_at);
                    }
                    _ if row.position >= self.floor(row.partition) => {
                        let place = (tenant.clone(), row.partition, row.position);
                        settled.set_aside.insert(place);
                    }
                    _ => {}
                }
            }
        }
        index.make_room();
        (ends, Judge::new(index, settled, failures))
    }

    /// What the tables say of records of which the judge does not know whether they
    /// were stored.
    fn look_up(&self, judge: &Judge, partition: u32, records: &[Decoded]) -> Answers {
        let mut answers = Answers::new();
        for record in records {
            let Some(times) = judge.unknown(partition, record) else {
                continue;
            };
            let is_it = |row: &Row| {
                row.partition == partition
                    && row.position < record.position
                    && times.contains(&received_at(row.position))
            };
            if self.holds(record, is_it) {
                answers.insert((partition, record.position), None);
            }
        }
        answers
    }

    /// The records for missing rows whose events are in the tables.
    fn there(&self, partition: u32, seekers: &[&Decoded]) -> Answers {
        let there = seekers.iter().filter(|record| self.holds(record, |_| true));
        there
            .map(|record| ((partition, record.position), None))
            .collect()
    }

    /// Whether the tables of events hold the record's, in such a row.
    fn holds(&self, record: &Decoded, is_such: impl Fn(&Row) -> bool) -> bool {
        let Ok(Content::Event(event, _)) = &record.content else {
            unreachable!("only events are asked about");
        };
        let of_tenant = self.tables.iter().filter(|((tenant, table), _)| {
            *tenant == record.tenant && matches!(table, Table::Events(_))
        });
        let mut rows = of_tenant.flat_map(|(_, (rows, _))| rows);
        rows.any(|row| row.event_id == Some(event.id) && is_such(row))
    }

    /// Publishes rounds, and how far all is published.
    fn publish(
        &mut self,
        life: &mut Life,
        rounds: Vec<(Round, Stretches)>,
        turn: bool,
    ) -> Result<(), Crash> {
        for mut step in in_order(rounds, DateTime::UNIX_EPOCH) {
            if turn {
                step.reverse();
            }
            for (tenant, stretches, commit) in step {
                life.commits = life.commits.checked_sub(1).ok_or(Crash)?;
                self.commit(&tenant, &commit, &stretches);
            }
        }
        for (partition, end) in life.backlog.ends() {
            life.commits = life.commits.checked_sub(1).ok_or(Crash)?;
            self.floors.insert(partition, end);
        }
        if life.backlog.is_empty() {
            life.judge.forget_before(received_at(0));
        }
        Ok(())
    }

    /// Judges records that were read together.
    fn settle(
        &mut self,
        life: &mut Life,
        partition: u32,
        records: &[Decoded],
        turn: bool,
    ) -> Result<(), Crash> {
        let seeks = |record: &&Decoded| life.judge.seeks_row(partition, record);
        let seekers: Vec<&Decoded> = records.iter().filter(seeks).collect();
        if !seekers.is_empty() {
            let tenants: BTreeSet<TenantId> = seekers.iter().map(|r| r.tenant.clone()).collect();
            let rounds = life.backlog.take(tenants);
            self.publish(life, rounds, turn)?;
        }
        let answers = self.look_up(&life.judge, partition, records);
        if seekers.is_empty() {
            life.judge.learn(answers);
        } else {
            let there = self.there(partition, &seekers);
            life.judge.learn_missing(answers, there);
        }
        for record in records {
            let known = Placer {
                tenant: Arc::new(Tenant::new(record.tenant.clone(), "")),
                directory: Arc::default(),
            };
            self.judged += 1;
            let is_known = record.tenant == tenant(0) || self.judged > self.registered_after;
            let outcome = life.judge.judge(partition, record, is_known);
            let known = is_known.then_some(&known);
            life.backlog.add(partition, record, &outcome, known, None);
        }
        life.judge.learn(Answers::new());
        Ok(())
    }

    /// One life of the service; dies after `commits` commits or floors.
    pub fn live(
        &mut self,
        log: &[Vec<Entry>],
        cuts: &[usize],
        memory_bytes: usize,
        commits: usize,
    ) -> Result<(), Crash> {
        let (ends, mut judge) = self.recover(log, memory_bytes);
        let mut next: HashMap<u32, u64> = (0..PARTITIONS).map(|p| (p, self.floor(p))).collect();
        for entry in log.iter().flatten() {
            let Position { partition, offset } = entry.position;
            if (next[&partition]..ends[&partition]).contains(&offset) {
                judge.foresee(partition, &Decoded::new(entry.clone()));
            }
        }
        let mut life = Life {
            judge,
            backlog: Backlog::new("log"),
            commits,
        };
        let mut cuts = cuts.iter().copied().cycle();
        let mut cut = || cuts.next().expect("it is a cycle");
        let mut picks = 0;
        for live in [false, true] {
            let end = |partition: u32| match live {
                false => ends[&partition],
                true => log[partition as usize].len() as u64,
            };
            if live {
                life.judge.forget_settled();
            }
            life.backlog = Backlog::new("log");
            while (0..PARTITIONS).any(|partition| next[&partition] < end(partition)) {
                // Pieces of partitions come in any order, also several of one.
                for _ in 0..cut() + 1 {
                    // Every other pick takes turns, or a cycle could leave a
                    // partition out for ever.
                    picks += 1;
                    let pick = if picks % 2 == 0 { picks / 2 } else { cut() };
                    let partition = u32::try_from(pick).expect("small") % PARTITIONS;
                    let first = next[&partition];
                    let last = end(partition).min(first + cut() as u64 + 1).max(first);
                    next.insert(partition, last);
                    let of_log = &log[partition as usize];
                    let read = usize::try_from(first).expect("small")
                        ..usize::try_from(last).expect("small");
                    let records = of_log[read].iter().cloned().map(Decoded::new);
                    let records: Vec<Decoded> = records.collect();
                    self.settle(&mut life, partition, &records, cut() % 2 == 0)?;
                }
                let is_end = (0..PARTITIONS).all(|partition| next[&partition] >= end(partition));
                let rounds = match cut() % 3 {
                    2 => life.backlog.take_all(),
                    _ if is_end => life.backlog.take_all(),
                    pick => life.backlog.take([tenant(pick)]),
                };
                self.publish(&mut life, rounds, cut() % 2 == 0)?;
            }
        }
        Ok(())
    }
}

/// What the service has in memory, and after how many more commits or floors it
/// dies.
struct Life {
    judge: Judge,
    backlog: Backlog,
    commits: usize,
}
