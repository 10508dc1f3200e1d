//! Publishing what is due.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use schemas::{Table, TenantId};
use tokio::time::{Instant, timeout};

use super::{Line, TICK};
use crate::batch::{Round, Stretches};
use crate::error::Error;

impl Line<'_> {
    /// Whose rows are to be published now, if there is anything to do: it may also
    /// be that what was read has no rows and is to be noted as read.
    pub(super) fn due(&mut self, now: Instant) -> Option<Vec<TenantId>> {
        if self.backlog.is_empty() {
            let interval = self.surroundings.transform.config.interval();
            let is_time = now.saturating_duration_since(self.advanced_at) >= interval;
            return (is_time && self.progress.is_behind(&self.backlog.ends())).then(Vec::new);
        }
        let mut due = self.pace.due(now, self.backlog.waits(now));
        if self.is_to_forget {
            due = self.backlog.tenants().cloned().collect();
        }
        (!due.is_empty()).then_some(due)
    }

    /// How long nothing is due if nothing comes.
    pub(super) fn pause(&self, now: Instant) -> Duration {
        let ages = self.backlog.rounds().map(|round| now - round.begun);
        ages.max()
            .map_or(TICK, |oldest| self.pace.pause(oldest).min(TICK))
    }

    /// Publishes all rows.
    pub(super) async fn publish_all(&mut self) -> Result<(), Error> {
        let rounds = self.backlog.take_all();
        self.publish(rounds).await
    }

    /// Publishes these rounds, and notes up to where all is published.
    ///
    /// # Errors
    /// Why it is time to begin again.
    pub(super) async fn publish(&mut self, rounds: Vec<(Round, Stretches)>) -> Result<(), Error> {
        let begun = Instant::now();
        let now = self.surroundings.transform.clock.now();
        let tenants: BTreeSet<TenantId> = rounds.iter().map(|(r, _)| r.tenant.clone()).collect();
        let firsts: BTreeMap<TenantId, BTreeMap<u32, u64>> = rounds
            .iter()
            .map(|(round, _)| (round.tenant.clone(), round.first.clone()))
            .collect();
        let mut published: BTreeMap<TenantId, Vec<Table>> = rounds
            .iter()
            .map(|(round, _)| (round.tenant.clone(), round.tables().collect()))
            .collect();
        let failed = tokio::select! {
            biased;
            // Others publish it, from where the tables will say.
            late = self.membership.too_late() => {
                late?;
                tracing::warn!("rows were dropped: their partitions belong to others by now");
                return Err(Error::Rebalanced);
            }
            published = self.publisher.publish(rounds, now, &self.patience) => published?,
        };
        for (tenant, error) in &failed {
            for (partition, first) in &firsts[tenant] {
                self.progress.pin(*partition, *first);
            }
            self.waiting.add(tenant, error);
        }
        self.progress.advance(&self.backlog.ends()).await?;
        self.advanced_at = Instant::now();
        published.retain(|tenant, _| !failed.contains_key(tenant));
        self.tell_lags(&published);
        self.membership.commit(&self.progress.positions());
        self.surroundings.moved.add(tenants);
        // Of what is still to come, nothing was received before this time.
        let watermark = self.progress.as_of().map(|as_of| as_of.min(self.newest));
        // What is not published yet only the index knows.
        if let (Some(watermark), true) = (watermark, self.backlog.is_empty()) {
            self.judge.forget_before(watermark);
        }
        self.is_to_forget = watermark.is_some_and(|w| self.judge.is_to_forget(w));
        self.tell_index();
        metrics::counter!("chalkline_transform_rounds_total").increment(1);
        metrics::gauge!("chalkline_transform_unpublished_rows").set(self.backlog.rows() as f64);
        metrics::histogram!("chalkline_transform_round_seconds")
            .record(begun.elapsed().as_secs_f64());
        self.say_health();
        Ok(())
    }

    /// Shows of each table how long its oldest row has waited since it was
    /// received.
    fn tell_lags(&self, published: &BTreeMap<TenantId, Vec<Table>>) {
        let tell = |tenant: &TenantId, table: Table, seconds: f64| {
            metrics::gauge!(
                "chalkline_transform_table_lag_seconds",
                "tenant" => tenant.to_string(), "table" => table.as_str()
            )
            .set(seconds);
        };
        for (tenant, tables) in published {
            tables.iter().for_each(|table| tell(tenant, *table, 0.0));
        }
        let now = self.surroundings.transform.clock.now();
        for round in self.backlog.rounds() {
            let waits = round
                .oldest
                .map_or(0.0, |oldest| (now - oldest).as_seconds_f64());
            for table in round.tables() {
                tell(&round.tenant, table, waits.max(0.0));
            }
        }
    }

    /// Shows how large the index is.
    pub(super) fn tell_index(&self) {
        let index = self.judge.index();
        metrics::gauge!("chalkline_transform_index_events").set(index.len() as f64);
        metrics::gauge!("chalkline_transform_index_bytes").set(index.size_bytes() as f64);
    }

    pub(super) async fn let_time_pass(&mut self) {
        let _ = timeout(TICK, self.progress.tick()).await;
    }
}
