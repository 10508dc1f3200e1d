//! When whose reports are refreshed.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use runtime::Registry;
use schemas::TenantId;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::error::chain;
use crate::report::failing::{ALL, Failing};
use crate::report::lag::Lags;
use crate::report::limits::LANES;
use crate::report::pause::jittered;
use crate::report::queue::{Queue, Rest};
use crate::report::refresh::{Pass, in_order};
use crate::report::turns::Turns;
use crate::report::{Moved, ReportError, Reports};

/// How often it is looked whether another process, or somebody with a tool, has
/// changed tables or a tenant's time zone.
const LOOK_AGAIN: Duration = Duration::from_secs(300);

/// How often at least it is told how far reports are behind.
const TELL: Duration = Duration::from_secs(10);

/// How long a tenant is left alone at most because its reports take long.
const LONGEST_REST: Duration = Duration::from_secs(60);

/// Refreshes the reports of tenants whose tables have moved on: a few tenants at
/// a time, in the order in which they came.
pub(crate) struct Schedule {
    reports: Reports,
    registry: Registry,
    moved: Moved,
    turns: Arc<Turns>,
    queue: Queue,
    failing: Failing,
    lags: Lags,
}

/// A tenant that was served.
struct Served {
    tenant: TenantId,
    done: Result<Done, ReportError>,
    took: Duration,
}

enum Done {
    Pass(Pass),
    /// It does not exist.
    Unknown,
    /// Another process serves it now.
    NotOurs,
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
            turns: Arc::new(turns),
            queue: Queue::new(interval),
            failing: Failing::default(),
            lags: Lags::default(),
        }
    }

    /// Works until `stop`. A refresh that is given up then leaves its report as it
    /// was before, or after.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut served = FuturesUnordered::new();
        let mut looking: Option<BoxFuture<'static, BTreeSet<TenantId>>> = None;
        let mut look_at = Instant::now() + jittered(LOOK_AGAIN);
        loop {
            self.collect(&mut look_at).await;
            let is_served = |tenant: &_| self.queue.is_served(tenant);
            let ended = self.turns.leave_idle(is_served, &mut served).await;
            ended.into_iter().for_each(|done| self.settle(done));
            let now = Instant::now();
            while served.len() < LANES
                && let Some(tenant) = self.queue.next(now)
            {
                served.push(self.serve(tenant, now));
            }
            if looking.is_none() && look_at <= now {
                look_at = now + jittered(LOOK_AGAIN);
                looking = Some(who_moved(self.reports.clone(), self.registry.clone()).boxed());
            }
            self.tell();
            let soon = [self.failing.next_at(now), self.turns.next_idle(now)];
            // A lane that is taken is waited for.
            let free = (served.len() < LANES).then(|| self.queue.next_at());
            let wake = soon.into_iter().chain(free).flatten().min();
            let wake = wake.map_or(look_at, |at| at.min(look_at)).min(now + TELL);
            tokio::select! {
                Some(done) = served.next() => self.settle(done),
                found = async { looking.as_mut().expect("asked").await }, if looking.is_some() => {
                    looking = None;
                    self.moved.add(found);
                }
                () = self.moved.any() => {}
                () = sleep_until(wake) => {}
                () = stop.cancelled() => break,
            }
        }
        drop(served);
        self.turns.leave_all().await;
    }

    /// Lets those wait whose tables have moved on, and those who have rested.
    async fn collect(&mut self, look_at: &mut Instant) {
        let moved = self.moved.take();
        let mut tenants = moved.some;
        if moved.all {
            match self.registry.tenants().await {
                Ok(all) => tenants.extend(all),
                Err(error) => {
                    tracing::warn!(error = chain(&error), "not all reports are refreshed yet");
                    // Of tenants that were never looked at all tables have moved.
                    *look_at = Instant::now() + jittered(TELL);
                }
            }
        }
        let now = Instant::now();
        let time = self.reports.clock().now();
        for tenant in tenants {
            self.fall_behind(&tenant, time);
            self.queue.moved(tenant, now);
        }
        for tenant in self.failing.rested(now) {
            if !self.queue.is_served(&tenant) {
                self.fall_behind(&tenant, time);
                self.queue.add(tenant, now);
            }
        }
    }

    fn fall_behind(&mut self, tenant: &TenantId, now: DateTime<Utc>) {
        let reports = in_order().into_iter().map(|(_, report)| report.name);
        self.lags.behind(tenant, reports, now);
    }

    fn serve(&self, tenant: TenantId, now: Instant) -> impl Future<Output = Served> + use<> {
        let resting = self.failing.resting(&tenant, now);
        let reports = self.reports.clone();
        let turns = Arc::clone(&self.turns);
        async move {
            let begun = Instant::now();
            let done = if turns.is_ours(&tenant).await {
                let pass = tokio::select! {
                    pass = reports.pass(&tenant, resting) => pass,
                    never = turns.keep(&tenant) => match never {},
                };
                pass.map(|pass| pass.map_or(Done::Unknown, Done::Pass))
            } else {
                Ok(Done::NotOurs)
            };
            Served {
                tenant,
                done,
                took: begun.elapsed(),
            }
        }
    }

    fn settle(&mut self, served: Served) {
        let Served { tenant, done, took } = served;
        let (now, time) = (Instant::now(), self.reports.clock().now());
        let pass = match done {
            Ok(Done::Pass(pass)) => {
                self.failing.forget(&tenant, ALL);
                pass
            }
            Ok(Done::NotOurs) => {
                // It may be ours the next time: it still waits. How far it is behind
                // tells whoever serves it.
                self.lags.forget(&tenant);
                self.queue.done(&tenant, Rest::None);
                self.queue.add(tenant, now);
                return;
            }
            Ok(Done::Unknown) => {
                self.failing.forget_all(&tenant);
                self.lags.forget(&tenant);
                self.queue.forget(&tenant);
                return;
            }
            Err(error) => {
                let pause = self.fail(&tenant, ALL, &error, now);
                self.queue.done(&tenant, Rest::Strict(now + pause));
                return;
            }
        };
        for (report, as_of) in pass.caught_up {
            self.failing.forget(&tenant, report);
            self.lags.caught_up(&tenant, report, as_of, time);
        }
        // They are tried as soon as those that they read have rested.
        for report in pass.waiting {
            self.failing.forget(&tenant, report);
        }
        for (report, error) in pass.failures {
            self.fail(&tenant, report, &error, now);
        }
        self.queue.done(&tenant, Rest::Busy(now + rest(took)));
    }

    fn fail(
        &mut self,
        tenant: &TenantId,
        report: &'static str,
        error: &ReportError,
        now: Instant,
    ) -> Duration {
        metrics::counter!("chalkline_report_failures_total", "report" => report).increment(1);
        let pause = self.failing.add(tenant, report, error, now);
        tracing::error!(
            tenant.id = %tenant,
            report,
            error = chain(error),
            pause_ms = pause.as_millis() as u64,
            "not refreshed"
        );
        pause
    }

    fn tell(&self) {
        for (report, seconds) in self.lags.seconds(self.reports.clock().now()) {
            metrics::gauge!("chalkline_report_lag_seconds", "report" => report).set(seconds);
        }
    }
}

/// How long a tenant is left alone after a pass that took so long, while more comes:
/// refreshing takes a fifth of the time at most, however many events there are.
fn rest(took: Duration) -> Duration {
    (took * 4).min(LONGEST_REST)
}

/// The tenants whose tables have moved on without this process.
async fn who_moved(reports: Reports, registry: Registry) -> BTreeSet<TenantId> {
    let tenants = match registry.tenants().await {
        Ok(tenants) => tenants,
        Err(error) => {
            tracing::warn!(error = chain(&error), "the tenants are looked at later");
            return BTreeSet::new();
        }
    };
    let mut moved = BTreeSet::new();
    for tenant in tenants {
        // What is wrong the refresh finds out, and says.
        if reports.has_moved(&tenant).await.unwrap_or(true) {
            moved.insert(tenant);
        }
    }
    moved
}
