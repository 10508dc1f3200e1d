//! When whose tables are looked at.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::time::Duration;

use runtime::{LeaseError, Leases, Registry};
use schemas::{Table, TenantId};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{MaintenanceConfig, Tended, Upkeep, UpkeepError};
use crate::error::chain;
use crate::report::{Executor, Moved};

/// How often it is looked at most whether the calendar or the roster of a tenant at rest
/// has changed. Each time costs a listing.
const LOOK_AT_ROSTERS: Duration = Duration::from_secs(300);

/// How long a tenant whose tables cannot be maintained is left alone, at first
/// and at most.
const FIRST_PAUSE: Duration = Duration::from_secs(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(3_600);

/// How long giving the leases back may take at the end.
const FAREWELL: Duration = Duration::from_secs(1);

/// Maintains the tables of tenants that have moved on, one after the other.
pub(crate) struct Schedule {
    config: MaintenanceConfig,
    upkeep: Upkeep,
    executor: Executor,
    leases: Option<Leases>,
    registry: Registry,
    moved: Moved,
    /// Reports are as fresh as the versions that they were made of: who keeps them
    /// is told of those that come from here.
    reports: Moved,
    tenants: HashMap<TenantId, Known>,
}

/// What is known of a tenant's tables.
struct Known {
    /// Whether something was published since they were last looked at.
    moved: bool,
    moved_at: Instant,
    cleaned_at: Option<Instant>,
    /// When its calendar was last compared with that of its rows.
    calendar_at: Instant,
    not_before: Instant,
    pause: Duration,
}

/// What came of looking at a tenant's tables.
enum Look {
    /// All was done that was due; whether any table has a new version of it.
    Ended { committed: bool },
    /// Somebody else has taken it over.
    Lost,
}

impl Known {
    fn new(now: Instant) -> Self {
        Self {
            moved: true,
            moved_at: now,
            cleaned_at: None,
            calendar_at: now,
            not_before: now,
            pause: FIRST_PAUSE / 2,
        }
    }

    fn is_due(&self, now: Instant, config: &MaintenanceConfig) -> bool {
        now >= self.not_before && (self.moved || self.is_clean_due(now, config))
    }

    /// Once everything that was superfluous when the tables came to rest is old
    /// enough and gone, nothing is left to do for them.
    fn is_clean_due(&self, now: Instant, config: &MaintenanceConfig) -> bool {
        let Some(cleaned) = self.cleaned_at else {
            return true;
        };
        let settled = cleaned >= self.moved_at + config.longest_retention();
        !settled && now >= cleaned + config.clean_interval()
    }
}

impl Schedule {
    /// Without leases this process is the only one.
    ///
    /// # Errors
    /// When a thread for it cannot be had.
    pub fn new(
        config: MaintenanceConfig,
        upkeep: Upkeep,
        leases: Option<Leases>,
        registry: Registry,
        moved: Moved,
        reports: Moved,
    ) -> io::Result<Self> {
        Ok(Self {
            config,
            upkeep,
            executor: Executor::with_threads("maintenance", 1)?,
            leases,
            registry,
            moved,
            reports,
            tenants: HashMap::new(),
        })
    }

    /// Works until `stop`: then it gives up what it does, which leaves every table
    /// as it was before or after, and gives its leases back.
    pub async fn run(mut self, stop: CancellationToken) {
        while self.config.enabled && !stop.is_cancelled() {
            let begun = Instant::now();
            let round = async {
                self.note_moved().await;
                self.note_calendars().await;
                metrics::gauge!("chalkline_maintenance_due_tenants").set(self.due().len() as f64);
                for tenant in self.due() {
                    self.look(&tenant).await;
                }
                tokio::time::sleep_until(begun + self.config.interval()).await;
            };
            tokio::select! {
                () = round => {}
                () = stop.cancelled() => break,
            }
        }
        if let Some(leases) = &self.leases {
            let _ = tokio::time::timeout(FAREWELL, leases.release_all()).await;
        }
    }

    async fn note_moved(&mut self) {
        let mut moved = self.moved.take();
        if moved.all {
            moved.some.insert(TenantId::system());
            match self.registry.tenants().await {
                Ok(all) => moved.some.extend(all),
                Err(error) => {
                    tracing::warn!(error = chain(&error), "not all tenants are maintained yet");
                    self.moved.add_all();
                }
            }
        }
        let now = Instant::now();
        for tenant in moved.some {
            let known = self.tenants.entry(tenant).or_insert(Known::new(now));
            known.moved = true;
            known.moved_at = now;
        }
    }

    /// Looks, now and then, whether the calendar or the roster of a tenant at rest has
    /// changed.
    async fn note_calendars(&mut self) {
        let now = Instant::now();
        let interval = self.config.clean_interval().min(LOOK_AT_ROSTERS);
        for (tenant, known) in &mut self.tenants {
            if known.moved || now < known.calendar_at + interval {
                continue;
            }
            known.calendar_at = now;
            match self.upkeep.is_placer_new(tenant).await {
                Ok(is_new) => known.moved = is_new,
                Err(error) => {
                    tracing::warn!(tenant.id = %tenant, error = chain(&error), "calendar not seen");
                }
            }
        }
    }

    fn due(&self) -> BTreeSet<TenantId> {
        let now = Instant::now();
        let due = self.tenants.iter();
        let due = due.filter(|(_, known)| known.is_due(now, &self.config));
        due.map(|(tenant, _)| tenant.clone()).collect()
    }

    async fn look(&mut self, tenant: &TenantId) {
        let now = Instant::now();
        let clean = self.tenants[tenant].is_clean_due(now, &self.config);
        let tended = match self.hold(tenant).await {
            Ok(true) => self.tend(tenant, clean).await,
            // Somebody else does it; if they are gone, this process will.
            Ok(false) => return,
            Err(error) => Err(error.into()),
        };
        // What was given up may have been done.
        if !matches!(tended, Ok(Look::Ended { committed: false })) {
            self.reports.add_by_other(tenant.clone());
        }
        let Some(known) = self.tenants.get_mut(tenant) else {
            return;
        };
        match tended {
            // Somebody has taken it over; if they do not end it, this process will.
            Ok(Look::Lost) => {}
            Ok(Look::Ended { .. }) => {
                known.moved = false;
                known.pause = FIRST_PAUSE / 2;
                if clean {
                    known.cleaned_at = Some(now);
                }
            }
            Err(error) => {
                known.pause = (known.pause * 2).min(LONGEST_PAUSE);
                known.not_before = now + known.pause;
                metrics::counter!("chalkline_maintenance_failures_total").increment(1);
                tracing::error!(
                    tenant.id = %tenant,
                    error = chain(&error),
                    pause_ms = known.pause.as_millis() as u64,
                    "not maintained"
                );
            }
        }
    }

    async fn hold(&self, tenant: &TenantId) -> Result<bool, LeaseError> {
        match &self.leases {
            Some(leases) => leases.hold(tenant).await,
            None => Ok(true),
        }
    }

    /// Maintains all tables of a tenant, for as long as the lease is ours.
    async fn tend(&self, tenant: &TenantId, clean: bool) -> Result<Look, UpkeepError> {
        let (upkeep, of) = (self.upkeep.clone(), tenant.clone());
        let work = async move {
            let mut all = Ok(Tended::default());
            for table in Table::all() {
                let tended = upkeep.tend(&of, table, clean).await;
                // The other tables need not suffer from it.
                all = all.and_then(|mut all: Tended| {
                    all += tended?;
                    Ok::<_, UpkeepError>(all)
                });
            }
            let mut committed = all?.has_committed();
            if clean {
                committed |= upkeep
                    .put_repeated_right(&of, false, &|_| {})
                    .await?
                    .is_some();
            }
            Ok(Look::Ended { committed })
        };
        tokio::select! {
            done = self.executor.run(work) => done.map_err(|panicked| UpkeepError::Panicked(panicked.0))?,
            lost = self.keep(tenant) => lost.map(|()| Look::Lost),
        }
    }

    /// Renews the lease until it is lost.
    async fn keep(&self, tenant: &TenantId) -> Result<(), UpkeepError> {
        loop {
            tokio::time::sleep(self.config.lease() / 3).await;
            if !self.hold(tenant).await? {
                tracing::info!(tenant.id = %tenant, "another process maintains the tables now");
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_at_rest_is_cleaned_until_nothing_can_be_left() {
        let config = MaintenanceConfig {
            clean_interval_s: 10,
            log_retention_s: 25,
            removed_retention_s: 5,
            unnamed_retention_s: 5,
            ..MaintenanceConfig::default()
        };
        let start = Instant::now();
        let mut known = Known::new(start);
        let mut cleaned = Vec::new();
        for second in 0..1000 {
            let now = start + Duration::from_secs(second);
            if known.is_due(now, &config) {
                known.moved = false;
                if known.is_clean_due(now, &config) {
                    known.cleaned_at = Some(now);
                    cleaned.push(second);
                }
            }
        }
        assert_eq!(cleaned, [0, 10, 20, 30]);
    }
}
