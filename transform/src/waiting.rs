//! Tenants whose tables cannot be used. Their records wait in the log, which
//! costs no memory, and everybody else's go on.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use lake::Floor;
use schemas::TenantId;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::error::{Error, chain};
use crate::tables::Tables;

const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// How long it may take at most to see that a table was mended.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How long a tenant may be left alone whose tables look well and fail again:
/// every attempt makes the others wait, too.
const LONGEST_REST: Duration = Duration::from_secs(600);

/// Who waits, and why. Tenants are looked after in the background; when one of
/// them can be served again, it is time to begin again from what is published.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    /// In this life.
    reasons: BTreeMap<TenantId, String>,
    /// When each last began to wait, and how long it then was left alone.
    rests: HashMap<TenantId, (Instant, Duration)>,
    checks: JoinSet<()>,
    mended: CancellationToken,
    ask: Option<(Arc<Tables>, Arc<[Floor]>)>,
}

impl Waiting {
    /// A new life begins: nobody waits.
    pub fn begin(&mut self, tables: Arc<Tables>, floors: &[Floor]) {
        self.reasons.clear();
        self.checks = JoinSet::new();
        self.mended = CancellationToken::new();
        self.ask = Some((tables, floors.into()));
        self.tell();
    }

    /// From now on the records of this tenant wait.
    pub fn add(&mut self, tenant: &TenantId, error: &Error) {
        let reason = chain(error);
        tracing::error!(
            tenant.id = %tenant,
            error = reason,
            "the tenant's tables cannot be used; its records wait in the log"
        );
        self.reasons.insert(
            tenant.clone(),
            format!("tenant {tenant} waits, its events are kept in the log: {reason}; mend or restore that, and they follow by themselves"),
        );
        self.tell();

        let mut pause = match self.rests.get(tenant) {
            Some((began, rest)) if began.elapsed() < LONGEST_REST => (*rest * 2).min(LONGEST_REST),
            _ => FIRST_PAUSE,
        };
        self.rests.insert(tenant.clone(), (Instant::now(), pause));
        let Some((tables, floors)) = self.ask.clone() else {
            return;
        };
        let (tenant, mended) = (tenant.clone(), self.mended.clone());
        self.checks.spawn(async move {
            loop {
                tokio::time::sleep(pause).await;
                match tables.check(&tenant, &floors).await {
                    Ok(()) => {
                        tracing::info!(tenant.id = %tenant, "the tenant's tables can be used again");
                        return mended.cancel();
                    }
                    Err(error) => {
                        tracing::warn!(tenant.id = %tenant, error = chain(&error), "still waiting");
                    }
                }
                pause = (pause * 2).min(LONGEST_PAUSE.max(pause));
            }
        });
    }

    /// Whether the records of this tenant wait.
    pub fn has(&self, tenant: &TenantId) -> bool {
        !self.reasons.is_empty() && self.reasons.contains_key(tenant)
    }

    /// Who waits for what, for operators; `None` when nobody does.
    pub fn reason(&self) -> Option<String> {
        let reasons: Vec<&str> = self.reasons.values().map(String::as_str).collect();
        (!reasons.is_empty()).then(|| reasons.join("; "))
    }

    /// Ends when somebody who waited can be served again.
    pub async fn mended(&self) {
        self.mended.cancelled().await;
    }

    fn tell(&self) {
        metrics::gauge!("chalkline_transform_waiting_tenants").set(self.reasons.len() as f64);
    }
}
