//! publish: a round becomes visible, table by table.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::time::Instant;

use futures::{StreamExt, TryStreamExt};
use lake::{Advance, AppId, Lake, LakeError, LakeTable, PublishError};
use schemas::{Table, TenantId, layout};

use crate::batch::{Commit, Round};
use crate::error::Error;
use crate::patience::Patience;

/// What was read of each partition in a round.
type Stretches = BTreeMap<u32, Range<u64>>;

/// Publishes rounds, and knows where each table stands.
#[derive(Debug)]
pub(crate) struct Publisher {
    lake: Lake,
    log_id: String,
    /// Tables at the version at which this writer last knew them.
    tables: HashMap<(TenantId, Table), LakeTable>,
    concurrent_commits: usize,
}

impl Publisher {
    /// A publisher that knows the tables which `recover` opened.
    pub fn new(
        lake: Lake,
        log_id: String,
        tables: HashMap<(TenantId, Table), LakeTable>,
        concurrent_commits: usize,
    ) -> Self {
        Self {
            lake,
            log_id,
            tables,
            concurrent_commits,
        }
    }

    /// Commits all tables of a round that have rows: first those that say which
    /// records are *not* events to store, then, when all of them are visible,
    /// the events. Each commit moves the table's positions on over everything
    /// that was read in the round.
    ///
    /// # Errors
    /// [`Error`]; some tables may be published and others not, which is what
    /// beginning again from the floors mends.
    pub async fn publish(&mut self, round: Round, patience: &Patience) -> Result<(), Error> {
        let stretches = round.stretches().clone();
        for commits in round.into_commits() {
            let publications: Vec<_> = commits
                .into_iter()
                .map(|commit| {
                    let key = (commit.tenant.clone(), commit.table);
                    let publication = Publication {
                        lake: &self.lake,
                        log_id: &self.log_id,
                        stretches: &stretches,
                        patience,
                        table: self.tables.remove(&key),
                        commit,
                    };
                    async move { Ok::<_, Error>((key, publication.run().await?)) }
                })
                .collect();
            let published: Vec<_> = futures::stream::iter(publications)
                .buffer_unordered(self.concurrent_commits)
                .try_collect()
                .await?;
            self.tables.extend(published);
        }
        Ok(())
    }
}

/// One table's part of a round.
struct Publication<'a> {
    lake: &'a Lake,
    log_id: &'a str,
    stretches: &'a Stretches,
    patience: &'a Patience,
    table: Option<LakeTable>,
    commit: Commit,
}

impl Publication<'_> {
    async fn run(self) -> Result<LakeTable, Error> {
        let begun = Instant::now();
        let Commit {
            tenant,
            table: kind,
            rows,
        } = self.commit;
        let known = self.table.is_some();
        let mut table = match self.table {
            Some(table) => table,
            None => {
                let open = || self.lake.open_or_create(&tenant, kind);
                let opened = self.patience.ask(open, LakeError::is_retryable).await;
                opened.map_err(|source| Error::Table {
                    table: layout::table(&tenant, kind),
                    source,
                })?
            }
        };

        let mut advances = Vec::with_capacity(self.stretches.len());
        for (partition, stretch) in self.stretches {
            let app = AppId::rows(self.log_id, *partition);
            let expected = table.next_position(&app).await?;
            if !known && expected > Some(stretch.start) {
                // Another writer made this table, from the same records.
                return Err(Error::Publish {
                    table: kind,
                    source: PublishError::Conflict(app),
                });
            }
            advances.push(Advance {
                app,
                expected,
                next: expected.unwrap_or(0).max(stretch.end),
            });
        }

        let count: usize = rows
            .iter()
            .flat_map(|rows| &rows.batches)
            .map(|batch| batch.num_rows())
            .sum();
        let table_cell = tokio::sync::Mutex::new(&mut table);
        let publish = || async {
            let mut table = table_cell.lock().await;
            table.publish(rows.clone(), &advances).await
        };
        let transient = |error: &PublishError| match error {
            PublishError::NotPublished(error) => error.is_retryable(),
            _ => false,
        };
        let published = self.patience.ask(publish, transient).await;
        let published = published.map_err(|source| Error::Publish {
            table: kind,
            source,
        })?;

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
        Ok(table)
    }
}
