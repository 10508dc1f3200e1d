//! When whose reports are refreshed.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use runtime::Registry;
use schemas::TenantId;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::error::chain;
use crate::report::turns::Turns;
use crate::report::{Moved, Reports};

/// How long a report that failed is left alone, at first and at most.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(600);

/// Refreshes the reports of tenants whose tables have moved on, one tenant after
/// the other.
pub(crate) struct Schedule {
    reports: Reports,
    registry: Registry,
    moved: Moved,
    interval: Duration,
    turns: Turns,
    failing: HashMap<(TenantId, &'static str), Failing>,
}

/// A report that could not be refreshed, or a tenant whose tables could not be
/// looked at.
struct Failing {
    again_at: Instant,
    pause: Duration,
}

impl Schedule {
    pub fn new(
        reports: Reports,
        registry: Registry,
        moved: Moved,
        interval: Duration,
        turns: Turns,
    ) -> Self {
        Self {
            reports,
            registry,
            moved,
            interval,
            turns,
            failing: HashMap::new(),
        }
    }

    /// Works until it is dropped; from `stop` on it begins nothing new. A
    /// refresh that is given up leaves its report as it was before, or after.
    pub async fn run(mut self, stop: CancellationToken) {
        loop {
            let begun = Instant::now();
            let refreshing = async {
                for tenant in self.due().await {
                    if self.turns.is_ours(&tenant).await {
                        self.refresh(tenant).await;
                    } else {
                        self.moved.add([tenant]);
                    }
                }
                self.turns.leave_idle().await;
            };
            tokio::select! {
                () = refreshing => {}
                () = stop.cancelled() => break,
            }
            let again_at = self.failing.values().map(|failing| failing.again_at);
            let again_at = again_at.chain(self.turns.next_idle()).min();
            let waiting = async {
                tokio::time::sleep_until(begun + self.interval).await;
                match again_at {
                    Some(at) => tokio::select! {
                        () = self.moved.any() => {}
                        () = tokio::time::sleep_until(at) => {}
                    },
                    None => self.moved.any().await,
                }
            };
            tokio::select! {
                () = waiting => {}
                () = stop.cancelled() => break,
            }
        }
        std::future::pending().await
    }

    /// The tenants to refresh now.
    async fn due(&mut self) -> BTreeSet<TenantId> {
        let mut moved = self.moved.take();
        if moved.all {
            match self.registry.tenants().await {
                Ok(all) => moved.some.extend(all),
                Err(error) => {
                    tracing::warn!(error = chain(&error), "not all reports are refreshed yet");
                    self.moved.add_all();
                }
            }
        }
        let now = Instant::now();
        let again = self.failing.iter();
        let again = again.filter(|(_, failing)| failing.again_at <= now);
        moved
            .some
            .extend(again.map(|((tenant, _), _)| tenant.clone()));
        moved.some
    }

    async fn refresh(&mut self, tenant: TenantId) {
        let now = Instant::now();
        let resting: BTreeSet<&'static str> = self
            .failing
            .iter()
            .filter(|((of, _), failing)| *of == tenant && failing.again_at > now)
            .map(|((_, report), _)| *report)
            .collect();
        let refreshed = self.reports.refresh_but(&tenant, resting.clone()).await;
        // What keeps all reports of a tenant from being looked at has no name.
        let failures = refreshed.unwrap_or_else(|error| BTreeMap::from([("", error)]));
        self.failing.retain(|(of, report), _| {
            *of != tenant || resting.contains(report) || failures.contains_key(report)
        });
        for (report, error) in failures {
            metrics::counter!("chalkline_report_failures_total", "report" => report).increment(1);
            let failing = self.failing.entry((tenant.clone(), report));
            let failing = failing.or_insert(Failing {
                again_at: now,
                pause: FIRST_PAUSE / 2,
            });
            failing.pause = (failing.pause * 2).min(LONGEST_PAUSE);
            failing.again_at = Instant::now() + failing.pause;
            tracing::error!(
                tenant.id = %tenant,
                report,
                error = chain(&error),
                pause_ms = failing.pause.as_millis() as u64,
                "not refreshed"
            );
        }
    }
}
