//! Records that were read, on their way to the rows that wait.

use runtime::RegistryError;
use schemas::TenantId;

use super::Line;
use crate::decode::{Content, Decoded};
use crate::error::Error;
use crate::judge::Outcome;
use crate::place::Placer;

impl Line<'_> {
    /// Adds records to the rows that wait; false when it is time to stop, with some
    /// perhaps not added.
    pub(super) async fn take(&mut self, partition: u32, records: Vec<Decoded>) -> bool {
        for record in records {
            let placer = match self.placer(&record.tenant).await {
                Ok(placer) => placer,
                Err(error) if error.is_retryable() => return false,
                Err(error) => {
                    self.let_wait(&record.tenant, &error.into());
                    None
                }
            };
            if placer.is_some() && self.may_be_set_aside(&record.tenant) {
                self.let_wait(&record.tenant, &Error::SetAside);
            }
            let outcome = if self.waiting.has(&record.tenant) {
                Outcome::Waiting
            } else {
                let outcome = self.judge.judge(partition, &record, placer.is_some());
                match outcome {
                    Outcome::Quarantined(home, _) | Outcome::Failed(home)
                        if self.waiting.has(&home) =>
                    {
                        Outcome::Waiting
                    }
                    outcome => outcome,
                }
            };
            match &outcome {
                Outcome::Waiting => {
                    self.progress.pin(partition, record.position);
                    metrics::counter!("chalkline_transform_waiting_records_total").increment(1);
                }
                Outcome::Duplicate { .. } | Outcome::Failed(_) => {
                    metrics::counter!("chalkline_transform_duplicates_total").increment(1);
                }
                Outcome::Quarantined(_, why) => {
                    metrics::counter!("chalkline_transform_quarantined_total", "stage" => why.stage)
                        .increment(1);
                }
                _ => {}
            }
            if let Some(again) = &record.again
                && !matches!(outcome, Outcome::Published | Outcome::Waiting)
            {
                metrics::counter!(
                    "chalkline_transform_replayed_total",
                    "cause" => again.cause.as_str(),
                    "outcome" => outcome.name(),
                )
                .increment(1);
            }
            if matches!(outcome, Outcome::Noted) {
                self.surroundings.transform.uploaded.notify_one();
            }
            if let Ok(Content::Event(event, _)) = &record.content {
                self.newest = self.newest.max(event.received_at);
            }
            let home = self.judge.home_elsewhere(partition, &record);
            self.backlog
                .add(partition, &record, &outcome, placer.as_ref(), home);
        }
        true
    }

    /// What the tenant's events are placed by, if it exists. A registry that does not
    /// answer is waited for: a record whose tenant cannot be read now is not a bad
    /// record.
    pub(super) async fn placer(&mut self, id: &TenantId) -> Result<Option<Placer>, RegistryError> {
        if let Some(placer) = self.tenants.get(id) {
            return Ok(placer.clone());
        }
        let transform = self.surroundings.transform;
        let tenant = if *id == TenantId::system() || self.waiting.has(id) {
            None
        } else {
            let ask = || transform.registry.tenant(id);
            self.patience.ask(ask, RegistryError::is_retryable).await?
        };
        let placer = match tenant {
            Some(tenant) => {
                let directory = self.surroundings.directories.of(&tenant).await;
                Some(Placer { tenant, directory })
            }
            None => None,
        };
        self.tenants.insert(id.clone(), placer.clone());
        Ok(placer)
    }

    /// Whether records of a tenant who exists by now may wait because it did not and
    /// the tables of `_system` cannot be used: its own tables would pass them, and the
    /// next life take them for stored. That one knows the tenant from its beginning.
    fn may_be_set_aside(&self, tenant: &TenantId) -> bool {
        self.waiting.has(&TenantId::system()) && !self.begun_with.contains(tenant)
    }

    /// From now on the tenant's records wait, and with them those whose rows are not
    /// published yet: these would carry its tables over what waits.
    pub(super) fn let_wait(&mut self, tenant: &TenantId, error: &Error) {
        for (partition, first) in self.backlog.give_up(tenant) {
            self.progress.pin(partition, first);
        }
        self.waiting.add(tenant, error);
        self.say_health();
    }
}
