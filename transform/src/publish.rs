//! publish: a round becomes visible, table by table.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use futures::StreamExt;
use lake::{Advance, AppId, Lake, LakeError, LakeTable, PublishError};
use schemas::{Family, Table, TenantId, layout};

use crate::batch::{Commit, Round, Stretches, in_order};
use crate::error::Error;
use crate::look_up::Homes;
use crate::patience::Patience;
use crate::tables::announcement;

/// How often one table is tried before its tenant waits.
const ATTEMPTS: u32 = 3;

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
    /// moves the table's positions on over what its tenant's round covers.
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
        patience: &Patience,
    ) -> Result<BTreeMap<TenantId, Error>, Error> {
        let mut failed: BTreeMap<TenantId, Error> = BTreeMap::new();
        self.now += 1;
        for commits in in_order(rounds) {
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

/// One table's part of a round.
struct Publication<'a> {
    lake: &'a Lake,
    homes: &'a Homes,
    owned: &'a BTreeSet<u32>,
    tenant: TenantId,
    stretches: Arc<Stretches>,
    patience: &'a Patience,
    held: Option<Held>,
    commit: Commit,
}

impl Publication<'_> {
    async fn run(self) -> Result<Held, Error> {
        let begun = Instant::now();
        let Commit {
            table: kind,
            rows,
            homes,
        } = self.commit;
        let tenant = self.tenant;
        let log_id = &self.homes.log_id;
        let name = layout::table(&tenant, kind);
        let unusable = |source| Error::Table {
            table: name.clone(),
            source,
        };
        let unpublished = |source| Error::Publish {
            table: name.clone(),
            source,
        };
        let attempts = Attempts::new(self.lake);
        let is_events = matches!(kind, Table::Events(_));
        let mut news = Vec::new();
        let app_moved = AppId::moved(log_id);
        let open = || async {
            let opened = self.lake.open_or_create(&tenant, kind).await;
            match opened {
                Ok(table) => Ok(table),
                Err(source) => Err(attempts.blame(unusable(source)).await),
            }
        };
        let open = || self.patience.ask(open, |e| attempts.is_transient(e));
        let (mut table, mut next, mut others) = match self.held {
            Some(Held {
                table: Some(table),
                next,
                others,
                ..
            }) => (table, next, others),
            // Where it should stand is checked when it is published to.
            Some(held) => {
                let mut table = open().await?;
                let moved = table.next_position(&app_moved).await;
                if moved.map_err(unusable)? != held.moved {
                    return Err(unpublished(PublishError::Conflict(app_moved)));
                }
                (table, held.next, held.others)
            }
            None => {
                let mut table = open().await?;
                let mut next = HashMap::new();
                if is_events {
                    let announcement = announcement(&mut table, self.homes).await;
                    news = announcement.map_err(unusable)?.unwrap_or_default();
                    let app = AppId::partitions(log_id);
                    let known = table.next_position(&app).await.map_err(unusable)?;
                    let is_larger = known > Some(self.homes.partitions.into());
                    let moved = table.next_position(&app_moved).await;
                    let is_moved = moved.map_err(unusable)?.is_some();
                    let is_smaller = !news.is_empty() && table.files() > 0;
                    if is_larger || is_smaller || is_moved {
                        // Another writer made it, who takes the log for another size,
                        // or has stored what belongs here.
                        return Err(unpublished(PublishError::Conflict(app)));
                    }
                }
                let starts = self.stretches.iter().map(|(p, stretch)| (p, stretch.start));
                let silent = self
                    .owned
                    .iter()
                    .filter(|p| !self.stretches.contains_key(p));
                let silent = silent.filter(|_| is_events).map(|p| (p, 0));
                for (partition, start) in starts.chain(silent) {
                    let app = AppId::rows(log_id, *partition);
                    let stands = table.next_position(&app).await.map_err(unusable)?;
                    if stands > Some(start) {
                        // Another writer made this table, from the same records.
                        return Err(unpublished(PublishError::Conflict(app)));
                    }
                    next.extend(stands.map(|stands| (*partition, stands)));
                }
                (table, next, HashMap::new())
            }
        };

        let mut advances = Vec::with_capacity(self.stretches.len());
        for (partition, stretch) in &*self.stretches {
            let app = AppId::rows(log_id, *partition);
            let expected = next.get(partition).copied();
            advances.push(Advance {
                app,
                expected,
                next: expected.unwrap_or(0).max(stretch.end),
            });
        }

        // Events that belong elsewhere are stored only if nobody has published
        // there since they were looked up, and nobody does who does not see them.
        if !homes.is_empty() {
            let app = app_moved.clone();
            let expected = table.next_position(&app).await.map_err(unusable)?;
            news.push(Advance {
                app,
                expected,
                next: expected.map_or(1, |count| count + 1),
            });
        }
        // And what others store that belongs here must not go unnoticed: the
        // positions of all that is read here are in each commit.
        let own = self.owned.iter().filter(|_| is_events);
        for home in homes.into_iter().chain(own.copied()) {
            let expected = next.get(&home).copied();
            let expected = expected.or(others.get(&home).copied().flatten());
            news.push(Advance {
                app: AppId::rows(log_id, home),
                expected,
                next: expected.unwrap_or(0),
            });
        }
        for news in news {
            if advances.iter().all(|advance| advance.app != news.app) {
                advances.push(news);
            }
        }

        let count: usize = rows
            .iter()
            .flat_map(|rows| &rows.batches)
            .map(|batch| batch.num_rows())
            .sum();
        let table_cell = tokio::sync::Mutex::new(&mut table);
        let publish = || async {
            let mut table = table_cell.lock().await;
            match table.publish(rows.clone(), &advances).await {
                Ok(published) => Ok(published),
                Err(source) => Err(attempts.blame(unpublished(source)).await),
            }
        };
        let published = self
            .patience
            .ask(publish, |e| attempts.is_transient(e))
            .await?;

        metrics::counter!("chalkline_transform_rows_total", "table" => kind.as_str())
            .increment(count as u64);
        metrics::counter!("chalkline_transform_bytes_total", "table" => kind.as_str())
            .increment(published.bytes);
        metrics::histogram!("chalkline_transform_commit_seconds")
            .record(begun.elapsed().as_secs_f64());
        tracing::debug!(
            tenant.id = %tenant,
            table = %kind,
            version = published.version,
            rows = count,
            size_bytes = published.bytes,
            duration_ms = begun.elapsed().as_millis() as u64,
            "published"
        );
        let advanced = self.stretches.keys().zip(&advances);
        next.extend(advanced.map(|(partition, advance)| (*partition, advance.next)));
        // What was touched stands somewhere.
        for partition in self.owned.iter().filter(|_| is_events) {
            next.entry(*partition).or_insert(0);
        }
        for stands in others.values_mut() {
            stands.get_or_insert(0);
        }
        let mut held = Held::new(table, log_id, next).await.map_err(unusable)?;
        held.others = others;
        Ok(held)
    }
}

/// Attempts at one table: as many as it takes while the whole store is away, a
/// few while it is the table's own trouble.
struct Attempts<'a> {
    lake: &'a Lake,
    left: AtomicU32,
}

impl<'a> Attempts<'a> {
    fn new(lake: &'a Lake) -> Self {
        Self {
            lake,
            left: AtomicU32::new(ATTEMPTS),
        }
    }

    /// The error, or that of the store if that is why.
    async fn blame(&self, error: Error) -> Error {
        let may_be_done = matches!(
            error,
            Error::Publish {
                source: PublishError::Conflict(_) | PublishError::Unknown(_),
                ..
            }
        );
        if may_be_done {
            return error;
        }
        match self.lake.check_store().await {
            Ok(()) => error,
            Err(store) => Error::Lake(store),
        }
    }

    fn is_transient(&self, error: &Error) -> bool {
        match error {
            Error::Lake(_) => true,
            Error::Publish {
                source: PublishError::Conflict(_) | PublishError::Unknown(_),
                ..
            } => false,
            error => error.is_retryable() && self.left.fetch_sub(1, Ordering::Relaxed) > 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use eventlog::{Entry, Headers, Position, Record};
    use object_store::local::LocalFileSystem;
    use runtime::Health;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::backlog::Backlog;
    use crate::decode::Decoded;
    use crate::judge::Outcome;
    use crate::quarantine::Unreadable;

    /// A round of one partition with one row of `quarantine`.
    fn round(partition: u32, offset: u64) -> Vec<(Round, Stretches)> {
        let record = Record {
            key: Bytes::new(),
            headers: Headers::default(),
            value: Bytes::from_static(b"no event"),
        };
        let position = Position { partition, offset };
        let decoded = Decoded::new(Entry { position, record });
        let outcome = Outcome::Quarantined(demo(), Unreadable::place("a test"));
        let mut backlog = Backlog::new("log-1");
        backlog.add(partition, &decoded, &outcome, None, None);
        backlog.take_all()
    }

    fn lake(folder: &tempfile::TempDir) -> Lake {
        let url = url::Url::from_directory_path(folder.path()).expect("an absolute path");
        let store = LocalFileSystem::new_with_prefix(folder.path()).expect("a store");
        Lake::new(url, Arc::new(store), HashMap::new())
    }

    fn demo() -> TenantId {
        "demo".parse().expect("a tenant")
    }

    fn writer(lake: &Lake) -> Publisher {
        let homes = Homes {
            log_id: "log-1".to_owned(),
            partitions: 3,
        };
        Publisher::new(lake.clone(), homes, BTreeSet::new(), HashMap::new(), 4)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_table_that_was_closed_is_opened_again_where_it_stood() {
        let folder = tempfile::tempdir().expect("a folder");
        let lake = lake(&folder);
        let patience = Patience::new(Health::new().check("test"), CancellationToken::new());
        let mut one = writer(&lake);
        one.open_tables = 0;
        for offset in 0..3 {
            let done = one.publish(round(0, offset), &patience).await;
            assert!(done.expect("publishes").is_empty());
            assert!(one.tables.values().all(|held| held.table.is_none()));
        }
        let table = lake.open(&demo(), Table::Quarantine).await.expect("opens");
        let mut table = table.expect("it was made");
        let stands = table.next_position(&AppId::rows("log-1", 0)).await;
        assert_eq!(stands.expect("a position"), Some(3));
    }

    /// A commit over another's of other partitions brings this writer's table to
    /// a version in which those partitions are further than it knows.
    #[tokio::test(flavor = "multi_thread")]
    async fn what_another_published_is_not_published_again_after_a_merge() {
        let folder = tempfile::tempdir().expect("a folder");
        let lake = lake(&folder);
        let patience = Patience::new(Health::new().check("test"), CancellationToken::new());
        let (mut one, mut two) = (writer(&lake), writer(&lake));
        for (writer, partition) in [(&mut one, 2), (&mut two, 0)] {
            let done = writer.publish(round(partition, 0), &patience).await;
            assert!(done.expect("publishes").is_empty());
        }
        let merged = one.publish(round(1, 0), &patience).await;
        assert!(merged.expect("publishes").is_empty());
        let again = one.publish(round(0, 0), &patience).await;
        let error = again.expect_err("it was published by the other");
        let Error::Publish { source, .. } = error else {
            panic!("{error}");
        };
        assert!(matches!(source, PublishError::Conflict(_)), "{source}");
    }
}
