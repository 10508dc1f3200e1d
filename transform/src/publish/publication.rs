//! One table's part of a round.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use lake::{Advance, AppId, Lake, PublishError};
use schemas::{Table, TenantId, layout};

use super::Held;
use crate::batch::{Commit, Stretches};
use crate::error::Error;
use crate::look_up::Homes;
use crate::patience::Patience;
use crate::tables::announcement;

/// How often one table is tried before its tenant waits.
const ATTEMPTS: u32 = 3;

/// One table's part of a round.
pub(super) struct Publication<'a> {
    pub lake: &'a Lake,
    pub homes: &'a Homes,
    pub owned: &'a BTreeSet<u32>,
    pub tenant: TenantId,
    pub stretches: Arc<Stretches>,
    pub patience: &'a Patience,
    pub held: Option<Held>,
    pub commit: Commit,
}

impl Publication<'_> {
    /// Commits the rows, and answers with the table as it is then.
    ///
    /// # Errors
    /// [`Error::Table`] or [`Error::Publish`], or [`Error::Lake`] if the whole store is
    /// away.
    pub async fn run(self) -> Result<Held, Error> {
        let begun = Instant::now();
        let Commit {
            table: kind,
            rows,
            homes,
            traces,
        } = self.commit;
        let tenant = self.tenant;
        let span = tracing::info_span!(
            target: runtime::trace::TARGET,
            parent: None,
            "publish",
            otel.kind = "consumer",
            tenant.id = %tenant,
            table = %kind,
            rows = tracing::field::Empty,
        );
        traces.link(&span);
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
        span.record("rows", count as i64);
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
