//! publish: a round becomes visible, table by table.

mod publication;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use futures::StreamExt;
use lake::{AppId, Lake, LakeError, LakeTable, PublishError};
use schemas::{Family, Table, TenantId, layout};

use crate::batch::{Round, Stretches, in_order};
use crate::error::Error;
use crate::look_up::Homes;
use crate::patience::Patience;
use publication::Publication;

/// How many tables are kept open: what is known of one's files takes some ten to
/// some hundred kilobytes. Those that had no rows for longest are opened again when
/// they have.
const OPEN_TABLES: usize = 512;

/// Publishes rounds, and knows where each table stands.
#[derive(Debug)]
pub(crate) struct Publisher {
    lake: Lake,
    homes: Homes,
    /// The partitions that this process has.
    owned: BTreeSet<u32>,
    tables: HashMap<(TenantId, Table), Held>,
    concurrent_commits: usize,
    open_tables: usize,
    /// Counts uses of tables.
    now: u64,
}

/// A table as this writer knows it.
#[derive(Debug)]
pub(crate) struct Held {
    /// Closed if it was not used for long.
    pub table: Option<LakeTable>,
    /// The last time it was used.
    pub used: u64,
    /// How often, as of then, events were stored that belong to other partitions
    /// than they were read from: once more, and what the index knows is not all.
    pub moved: Option<u64>,
    /// Where it stands in each partition for all that was judged: its newest
    /// version may be further, by another writer whose rows nobody here knows.
    pub next: HashMap<u32, u64>,
    /// Where it stood in partitions of others when events were looked up that
    /// belong to those, and found to be new.
    pub others: HashMap<u32, Option<u64>>,
}

/// A tenant's tables at their newest versions: see [`Publisher::newest_events`].
pub(crate) type Newest = Vec<(Table, LakeTable, HashMap<u32, Option<u64>>)>;

impl Held {
    /// A table as it is now.
    ///
    /// # Errors
    /// [`LakeError::Table`].
    pub async fn new(
        mut table: LakeTable,
        log_id: &str,
        next: HashMap<u32, u64>,
    ) -> Result<Self, LakeError> {
        Ok(Self {
            moved: table.next_position(&AppId::moved(log_id)).await?,
            table: Some(table),
            used: 0,
            next,
            others: HashMap::new(),
        })
    }
}

impl Publisher {
    /// A publisher that knows the tables which `recover` opened.
    pub fn new(
        lake: Lake,
        homes: Homes,
        owned: BTreeSet<u32>,
        tables: HashMap<(TenantId, Table), Held>,
        concurrent_commits: usize,
    ) -> Self {
        let mut publisher = Self {
            lake,
            homes,
            owned,
            tables,
            concurrent_commits,
            open_tables: OPEN_TABLES,
            now: 0,
        };
        publisher.close_unused();
        publisher
    }

    /// Closes those tables that were not used for longest if too many are open.
    fn close_unused(&mut self) {
        let open = self.tables.values_mut().filter(|held| held.table.is_some());
        let mut open: Vec<&mut Held> = open.collect();
        let spare = open.len().saturating_sub(self.open_tables);
        metrics::gauge!("chalkline_transform_open_tables").set((open.len() - spare) as f64);
        if spare > 0 {
            open.sort_by_key(|held| held.used);
            let spare = open.into_iter().take(spare);
            spare.for_each(|held| held.table = None);
        }
    }

    /// A tenant's tables of events, each at a version that has all that was
    /// published here.
    ///
    /// # Errors
    /// [`LakeError`] when one cannot be opened again.
    pub async fn events(&self, tenant: &TenantId) -> Result<Vec<LakeTable>, LakeError> {
        let mut tables = Vec::new();
        for family in Family::ALL {
            let kind = Table::Events(family);
            let Some(held) = self.tables.get(&(tenant.clone(), kind)) else {
                continue;
            };
            match &held.table {
                Some(table) => tables.push(table.clone()),
                None => tables.extend(self.lake.open_for_writing(tenant, kind).await?),
            }
        }
        Ok(tables)
    }

    /// A tenant's tables of events as they are now, and where each stands in every
    /// partition.
    ///
    /// # Errors
    /// [`LakeError::Table`].
    pub async fn newest_events(&self, tenant: &TenantId) -> Result<Newest, LakeError> {
        let mut newest = Newest::new();
        for mut table in self.events(tenant).await? {
            table.refresh().await?;
            let mut stands = HashMap::new();
            for partition in 0..self.homes.partitions {
                let app = AppId::rows(&self.homes.log_id, partition);
                stands.insert(partition, table.next_position(&app).await?);
            }
            newest.push((table.kind(), table, stands));
        }
        Ok(newest)
    }

    /// From now on tables are published to only as they were when events were
    /// looked up in them.
    ///
    /// # Errors
    /// [`Error::Publish`] when somebody stored what belongs here: what was judged
    /// since may repeat it.
    pub async fn rely_on(&mut self, tenant: &TenantId, newest: Newest) -> Result<(), Error> {
        let app = AppId::moved(&self.homes.log_id);
        for (kind, mut table, stands) in newest {
            let Some(held) = self.tables.get_mut(&(tenant.clone(), kind)) else {
                continue;
            };
            let name = || layout::table(tenant, kind);
            let moved = table.next_position(&app).await;
            let moved = moved.map_err(|source| Error::Table {
                table: name(),
                source,
            })?;
            if moved != held.moved {
                return Err(Error::Publish {
                    table: name(),
                    source: PublishError::Conflict(app),
                });
            }
            held.table = Some(table);
            held.others = stands;
        }
        Ok(())
    }

    /// The tables, for telling later whether anybody else has published what
    /// belongs here.
    pub fn into_held(self) -> HashMap<(TenantId, Table), Held> {
        self.tables
    }

    /// Commits all tables of these rounds that have rows, [`in_order`]. Each commit
    /// moves the table's positions on over what its tenant's round covers. `now` is
    /// what the rows of events have as `published_at`.
    ///
    /// A tenant of whom a table cannot be used has no part in the rest, and is
    /// answered with the reason: some of its tables may be published and others
    /// not, as after a crash.
    ///
    /// # Errors
    /// [`Error`] when it is not one tenant's trouble; some tables may be
    /// published and others not, which is what beginning again from the floors
    /// mends.
    pub async fn publish(
        &mut self,
        rounds: Vec<(Round, Stretches)>,
        now: DateTime<Utc>,
        patience: &Patience,
    ) -> Result<BTreeMap<TenantId, Error>, Error> {
        let mut failed: BTreeMap<TenantId, Error> = BTreeMap::new();
        self.now += 1;
        for commits in in_order(rounds, now) {
            let publications: Vec<_> = commits
                .into_iter()
                .filter(|(tenant, ..)| !failed.contains_key(tenant))
                .map(|(tenant, stretches, commit)| {
                    let key = (tenant.clone(), commit.table);
                    let publication = Publication {
                        lake: &self.lake,
                        homes: &self.homes,
                        owned: &self.owned,
                        tenant,
                        stretches,
                        patience,
                        held: self.tables.remove(&key),
                        commit,
                    };
                    async move { (key, publication.run().await) }
                })
                .collect();
            let mut published =
                futures::stream::iter(publications).buffer_unordered(self.concurrent_commits);
            while let Some((key, result)) = published.next().await {
                match result {
                    Ok(mut held) => {
                        held.used = self.now;
                        self.tables.insert(key, held);
                    }
                    Err(error) if error.is_of_one_table() => drop(failed.insert(key.0, error)),
                    Err(error) => return Err(error),
                }
            }
        }
        self.close_unused();
        Ok(failed)
    }
}

#[cfg(test)]
mod tests;
