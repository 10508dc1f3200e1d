//! The records of the log whose events are in no table, though they were
//! published: somebody deleted rows, or gave back an older table.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use arrow::array::AsArray;
use arrow::datatypes::{Int32Type, Int64Type};
use chrono::{DateTime, Utc};
use eventlog::{Entry, Record};
use futures::TryStreamExt;
use lake::RowFilter;
use schemas::{Table, TenantId};
use uuid::Uuid;

use super::run::{Kind, Run};
use super::{Again, Cause, Origin, Received, ReplayError, Step, key};
use crate::count::Following;
use crate::decode::{Content, Decoded, is_beside, received_at, tenant};

/// Records that are looked up together: what is read of the tables for them is
/// about the same for one.
const RECORDS: usize = 20_000;
const BYTES: usize = 32 << 20;

/// Bytes that are read of the log at a time.
const READ_BYTES: usize = 1 << 20;

/// Positions after which it is told how far it is.
const TOLD: u64 = 10_000;

/// Records that are looked up together.
#[derive(Default)]
struct Chunk {
    candidates: Vec<Candidate>,
    bytes: usize,
}

/// A record of the log that is an event.
struct Candidate {
    id: Uuid,
    received_at: DateTime<Utc>,
    partition: u32,
    record: Decoded,
}

impl Run<'_> {
    /// Enters the events of the log that were received then and are in no table.
    ///
    /// Records of the quarantine are left alone, also those that can be read by
    /// now.
    pub async fn missing(&mut self, received: Received) -> Result<(), ReplayError> {
        let log = &self.replay.log;
        let tenants: BTreeSet<TenantId> =
            self.replay.registry.tenants().await?.into_iter().collect();
        let set_aside = self.set_aside(&tenants).await?;
        // Above its floor nothing is missing yet.
        let floors = self.replay.lake.floors_of(log.id().as_str()).await?;
        let mut stretches = BTreeMap::new();
        for partition in 0..log.partitions() {
            if let Some(Ok(floor)) = floors.get(&partition) {
                let head = log.head(partition).await?;
                stretches.insert(partition, head..floor.position.max(head));
            }
        }
        let total = stretches.values().map(|s| s.end - s.start).sum();
        let what = "log".to_owned();
        self.tell(Step::Begins { what, total }).await;
        let mut entered = HashSet::new();
        for (partition, stretch) in stretches {
            let reader = self.replay.log.read(partition, stretch.start).await?;
            let mut following = Following::start(reader, stretch.start);
            let mut chunk = Chunk::default();
            let mut told = stretch.start;
            while let Some(entry) = following.below(stretch.end, READ_BYTES).await? {
                if self.is_in_question(&entry, received, &tenants)
                    && !set_aside.contains(&(partition, entry.position.offset))
                {
                    chunk.add(entry);
                }
                if chunk.is_full() {
                    self.enter_missing(std::mem::take(&mut chunk), &mut entered)
                        .await?;
                }
                if following.next() - told >= TOLD {
                    self.go_on(following.next() - told).await;
                    told = following.next();
                }
            }
            self.enter_missing(chunk, &mut entered).await?;
            self.go_on(stretch.end - told).await;
        }
        self.tell(Step::Ends).await;
        Ok(())
    }

    async fn go_on(&mut self, by: u64) {
        self.summary.examined += by;
        self.tell(Step::Advances(by)).await;
    }

    /// Where records of the quarantine stand in this log, by partition.
    async fn set_aside(
        &self,
        tenants: &BTreeSet<TenantId>,
    ) -> Result<HashSet<(u32, u64)>, ReplayError> {
        let system = TenantId::system();
        let whose = self.request.tenant.as_ref();
        let homes = tenants
            .iter()
            .filter(|tenant| whose.is_none_or(|whose| whose == *tenant))
            .chain([&system]);
        let mut places = HashSet::new();
        for home in homes {
            let table = self.replay.lake.open(home, Table::Quarantine).await?;
            let Some(table) = table else { continue };
            let columns = ["log_id", "log_partition", "log_position"];
            let mut rows = table.scan(&columns, RowFilter::All).await?;
            while let Some(rows) = rows.try_next().await? {
                let logs = rows.column(0).as_string::<i32>();
                let partitions = rows.column(1).as_primitive::<Int32Type>().values();
                let positions = rows.column(2).as_primitive::<Int64Type>().values();
                let log_id = self.replay.log.id().as_str();
                places.extend(
                    (0..rows.num_rows())
                        .filter(|row| logs.value(*row) == log_id)
                        .map(|row| {
                            (
                                partitions[row].unsigned_abs(),
                                positions[row].unsigned_abs(),
                            )
                        }),
                );
            }
        }
        Ok(places)
    }

    fn is_in_question(
        &self,
        entry: &Entry,
        received: Received,
        tenants: &BTreeSet<TenantId>,
    ) -> bool {
        let headers = &entry.record.headers;
        let whose = self.request.tenant.as_ref();
        !is_beside(headers)
            && received.holds(received_at(headers))
            && tenant(headers).is_some_and(|named| {
                tenants.contains(&named) && whose.is_none_or(|whose| *whose == named)
            })
    }

    /// Enters those whose events are in no table, each event once.
    async fn enter_missing(
        &mut self,
        chunk: Chunk,
        entered: &mut HashSet<u128>,
    ) -> Result<(), ReplayError> {
        let mut tenants: BTreeMap<TenantId, Vec<Candidate>> = BTreeMap::new();
        for candidate in chunk.candidates {
            let tenant = candidate.record.tenant.clone();
            tenants.entry(tenant).or_default().push(candidate);
        }
        for (tenant, candidates) in tenants {
            let ids: HashSet<Uuid> = candidates.iter().map(|c| c.id).collect();
            let times = || candidates.iter().map(|c| c.received_at);
            let (Some(first), Some(last)) = (times().min(), times().max()) else {
                continue;
            };
            // Most are where they should be; only the others are looked for
            // everywhere.
            let near = self.stored.received(&tenant, ids.clone(), first..=last);
            let near = near.await?;
            let rest: HashSet<Uuid> = ids.difference(&near).copied().collect();
            let far = match rest.is_empty() {
                true => HashSet::new(),
                false => self.stored.among(&tenant, rest.clone()).await?,
            };
            let mut records = Vec::new();
            for candidate in candidates {
                let id = candidate.id;
                let is_missing = rest.contains(&id) && !far.contains(&id);
                if is_missing && entered.insert(key(&tenant, id)) {
                    self.found(Kind {
                        tenant: tenant.clone(),
                        family: candidate.record.family,
                        stage: None,
                        reason: None,
                        attempts: None,
                    });
                    records.push(candidate.into_record(self.replay.log.id().as_str()));
                }
            }
            self.enter(records).await?;
        }
        Ok(())
    }
}

impl Chunk {
    /// Adds a record, if it is an event.
    fn add(&mut self, entry: Entry) {
        let partition = entry.position.partition;
        let record = Decoded::new(entry);
        let Ok(Content::Event(event, _)) = &record.content else {
            return;
        };
        self.bytes += record.bytes();
        self.candidates.push(Candidate {
            id: event.id,
            received_at: event.received_at,
            partition,
            record,
        });
    }

    fn is_full(&self) -> bool {
        self.candidates.len() >= RECORDS || self.bytes >= BYTES
    }
}

impl Candidate {
    fn into_record(self, log_id: &str) -> Record {
        let before = self.record.again.as_deref();
        let again = Again {
            cause: Cause::Missing,
            origin: before.map_or_else(
                || Origin {
                    log_id: log_id.to_owned(),
                    partition: self.partition,
                    position: self.record.position,
                },
                |before| before.origin.clone(),
            ),
            attempt: before.map_or(1, |before| before.attempt) + 1,
        };
        let Record { headers, value, .. } = &self.record.record;
        again.record(headers, value.clone())
    }
}
