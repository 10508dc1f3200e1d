//! publish: a round becomes visible, table by table.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use futures::StreamExt;
use lake::{Advance, AppId, Lake, LakeError, LakeTable, PublishError};
use schemas::{Family, Table, TenantId, layout};

use crate::batch::{Commit, Round};
use crate::error::Error;
use crate::look_up::Homes;
use crate::patience::Patience;
use crate::tables::announcement;

/// How often one table is tried before its tenant waits.
const ATTEMPTS: u32 = 3;

/// What was read of each partition in a round.
type Stretches = BTreeMap<u32, Range<u64>>;

/// Publishes rounds, and knows where each table stands.
#[derive(Debug)]
pub(crate) struct Publisher {
    lake: Lake,
    homes: Homes,
    tables: HashMap<(TenantId, Table), Held>,
    concurrent_commits: usize,
}

/// A table as this writer knows it.
#[derive(Debug)]
pub(crate) struct Held {
    pub table: LakeTable,
    /// Where it stands in each partition for all that was judged: its newest
    /// version may be further, by another writer whose rows nobody here knows.
    pub next: HashMap<u32, u64>,
    /// Where it stood in partitions of others when events were looked up that
    /// belong to those, and found to be new.
    pub others: HashMap<u32, Option<u64>>,
}

/// A tenant's tables at their newest versions: see [`Publisher::newest_events`].
pub(crate) type Newest = Vec<(Table, LakeTable, HashMap<u32, Option<u64>>)>;

impl Publisher {
    /// A publisher that knows the tables which `recover` opened.
    pub fn new(
        lake: Lake,
        homes: Homes,
        tables: HashMap<(TenantId, Table), Held>,
        concurrent_commits: usize,
    ) -> Self {
        Self {
            lake,
            homes,
            tables,
            concurrent_commits,
        }
    }

    /// A tenant's tables of events, each at a version that has all that was
    /// published here.
    pub fn events(&self, tenant: &TenantId) -> Vec<LakeTable> {
        let tables = Family::ALL.iter().filter_map(|family| {
            let key = (tenant.clone(), Table::Events(*family));
            self.tables.get(&key)
        });
        tables.map(|held| held.table.clone()).collect()
    }

    /// A tenant's tables of events as they are now, and where each stands in every
    /// partition.
    ///
    /// # Errors
    /// [`LakeError::Table`].
    pub async fn newest_events(&self, tenant: &TenantId) -> Result<Newest, LakeError> {
        let mut newest = Newest::new();
        for mut table in self.events(tenant) {
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
    pub fn rely_on(&mut self, tenant: &TenantId, newest: Newest) {
        for (kind, table, stands) in newest {
            if let Some(held) = self.tables.get_mut(&(tenant.clone(), kind)) {
                held.table = table;
                held.others = stands;
            }
        }
    }

    /// Commits all tables of a round that have rows: first those that say which
    /// records are *not* events to store, then, when all of them are visible,
    /// the events. Each commit moves the table's positions on over everything
    /// that was read in the round.
    ///
    /// A tenant of whom a table cannot be used has no part in the rest of the
    /// round, and is answered with the reason: some of its tables may be
    /// published and others not, as after a crash.
    ///
    /// # Errors
    /// [`Error`] when it is not one tenant's trouble; some tables may be
    /// published and others not, which is what beginning again from the floors
    /// mends.
    pub async fn publish(
        &mut self,
        round: Round,
        patience: &Patience,
    ) -> Result<BTreeMap<TenantId, Error>, Error> {
        let stretches = round.stretches().clone();
        let mut failed: BTreeMap<TenantId, Error> = BTreeMap::new();
        for commits in round.into_commits() {
            let publications: Vec<_> = commits
                .into_iter()
                .filter(|commit| !failed.contains_key(&commit.tenant))
                .map(|commit| {
                    let key = (commit.tenant.clone(), commit.table);
                    let publication = Publication {
                        lake: &self.lake,
                        homes: &self.homes,
                        stretches: &stretches,
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
                    Ok(held) => drop(self.tables.insert(key, held)),
                    Err(error) if error.is_of_one_table() => drop(failed.insert(key.0, error)),
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(failed)
    }
}

/// One table's part of a round.
struct Publication<'a> {
    lake: &'a Lake,
    homes: &'a Homes,
    stretches: &'a Stretches,
    patience: &'a Patience,
    held: Option<Held>,
    commit: Commit,
}

impl Publication<'_> {
    async fn run(self) -> Result<Held, Error> {
        let begun = Instant::now();
        let Commit {
            tenant,
            table: kind,
            rows,
            homes,
        } = self.commit;
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
        let mut news = Vec::new();
        let (mut table, mut next, mut others) = match self.held {
            Some(held) => (held.table, held.next, held.others),
            None => {
                let open = || async {
                    let opened = self.lake.open_or_create(&tenant, kind).await;
                    match opened {
                        Ok(table) => Ok(table),
                        Err(source) => Err(attempts.blame(unusable(source)).await),
                    }
                };
                let opened = self.patience.ask(open, |e| attempts.is_transient(e));
                let mut table = opened.await?;
                let mut next = HashMap::new();
                if matches!(kind, Table::Events(_)) {
                    let announcement = announcement(&mut table, self.homes).await;
                    news = announcement.map_err(unusable)?.unwrap_or_default();
                    let app = AppId::partitions(log_id);
                    let known = table.next_position(&app).await.map_err(unusable)?;
                    let is_larger = known > Some(self.homes.partitions.into());
                    if is_larger || (!news.is_empty() && table.files() > 0) {
                        // Another writer made it who takes the log for another size.
                        return Err(unpublished(PublishError::Conflict(app)));
                    }
                }
                for (partition, stretch) in self.stretches {
                    let app = AppId::rows(log_id, *partition);
                    let stands = table.next_position(&app).await.map_err(unusable)?;
                    if stands > Some(stretch.start) {
                        // Another writer made this table, from the same records.
                        return Err(unpublished(PublishError::Conflict(app)));
                    }
                    next.extend(stands.map(|stands| (*partition, stands)));
                }
                (table, next, HashMap::new())
            }
        };

        let mut advances = Vec::with_capacity(self.stretches.len());
        for (partition, stretch) in self.stretches {
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
        for home in homes {
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
        for stands in others.values_mut() {
            stands.get_or_insert(0);
        }
        Ok(Held {
            table,
            next,
            others,
        })
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
    use std::collections::HashMap;
    use std::sync::Arc;

    use bytes::Bytes;
    use eventlog::{Entry, Headers, Position, Record};
    use object_store::local::LocalFileSystem;
    use runtime::Health;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::decode::Decoded;
    use crate::judge::Outcome;
    use crate::quarantine::Unreadable;

    /// A round of one partition with one row of `quarantine`.
    fn round(partition: u32, offset: u64) -> Round {
        let record = Record {
            key: Bytes::new(),
            headers: Headers::default(),
            value: Bytes::from_static(b"no event"),
        };
        let position = Position { partition, offset };
        let decoded = Decoded::new(Entry { position, record });
        let outcome = Outcome::Quarantined(demo(), Unreadable::place("a test"));
        let mut round = Round::new("log-1");
        round.add(partition, &decoded, &outcome, None);
        round
    }

    fn demo() -> TenantId {
        "demo".parse().expect("a tenant")
    }

    /// A commit over another's of other partitions brings this writer's table to
    /// a version in which those partitions are further than it knows.
    #[tokio::test(flavor = "multi_thread")]
    async fn what_another_published_is_not_published_again_after_a_merge() {
        let folder = tempfile::tempdir().expect("a folder");
        let url = url::Url::from_directory_path(folder.path()).expect("an absolute path");
        let store = LocalFileSystem::new_with_prefix(folder.path()).expect("a store");
        let lake = Lake::new(url, Arc::new(store), HashMap::new());
        let patience = Patience::new(Health::new().check("test"), CancellationToken::new());
        let homes = Homes {
            log_id: "log-1".to_owned(),
            partitions: 3,
        };
        let writer = || Publisher::new(lake.clone(), homes.clone(), HashMap::new(), 4);
        let (mut one, mut two) = (writer(), writer());
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
