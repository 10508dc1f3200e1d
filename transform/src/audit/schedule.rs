//! When whose ledger is added up.

use std::collections::HashMap;
use std::time::Duration;

use lake::Mark;
use runtime::{LeaseError, Leases, Registry};
use schemas::{Table, TenantId};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{AuditError, Books, Imbalance};
use crate::error::chain;

/// A tenant is left alone for this many times as long as adding up took: it costs a
/// small part of a processor, however many rows there are.
const REST: u32 = 20;

/// How many of the hours are told in a message.
const EXAMPLES: usize = 5;

/// How long giving the leases back may take at the end.
const FAREWELL: Duration = Duration::from_secs(1);

/// Adds up the ledgers of tenants whose tables have moved on, one after the other.
pub(crate) struct Schedule {
    interval: Duration,
    books: Books,
    leases: Option<Leases>,
    registry: Registry,
    tenants: HashMap<TenantId, Known>,
}

/// What is known of a tenant's ledger.
struct Known {
    /// Its tables when it was last added up.
    marks: HashMap<Table, Mark>,
    unbalanced: bool,
    not_before: Instant,
}

/// Why nothing is known of a tenant's ledger.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Audit(#[from] AuditError),
    #[error(transparent)]
    Lease(#[from] LeaseError),
}

impl Schedule {
    /// Without leases this process is the only one.
    pub fn new(
        interval: Duration,
        books: Books,
        leases: Option<Leases>,
        registry: Registry,
    ) -> Self {
        Self {
            interval,
            books,
            leases,
            registry,
            tenants: HashMap::new(),
        }
    }

    /// Looks at all tenants once in each interval, until `stop`.
    pub async fn run(mut self, stop: CancellationToken) {
        loop {
            let round = async {
                tokio::time::sleep(self.interval).await;
                self.look_at_all().await;
            };
            tokio::select! {
                () = round => {}
                () = stop.cancelled() => break,
            }
        }
        if let Some(leases) = &self.leases {
            // What is not given back runs out by itself.
            let _ = tokio::time::timeout(FAREWELL, leases.release_all()).await;
        }
    }

    async fn look_at_all(&mut self) {
        let mut tenants = match self.registry.tenants().await {
            Ok(tenants) => tenants,
            Err(error) => {
                tracing::warn!(error = chain(&error), "no ledger is added up now");
                return;
            }
        };
        tenants.push(TenantId::system());
        let mut all_known = true;
        for tenant in &tenants {
            if let Err(trouble) = self.look(tenant).await {
                all_known = false;
                metrics::counter!("chalkline_ledger_audit_failures_total").increment(1);
                tracing::warn!(
                    tenant.id = %tenant,
                    error = chain(&trouble),
                    "whether the ledger balances is not known"
                );
            }
        }
        if all_known {
            let now = chrono::Utc::now().timestamp() as f64;
            metrics::gauge!("chalkline_ledger_audit_timestamp_seconds").set(now);
        }
    }

    async fn look(&mut self, tenant: &TenantId) -> Result<(), Trouble> {
        let begun = Instant::now();
        if let Some(leases) = &self.leases
            && !leases.hold(tenant).await?
        {
            // Whoever holds it tells how it stands.
            if self.tenants.remove(tenant).is_some() {
                tell(tenant, 0);
            }
            return Ok(());
        }
        if let Some(known) = self.tenants.get(tenant) {
            let rests = begun < known.not_before;
            if rests || !known.unbalanced && !self.books.has_moved(tenant, &known.marks).await? {
                return Ok(());
            }
        }
        let look = self.books.look_twice(tenant).await?;
        let unbalanced = !look.imbalances.is_empty();
        let known = Known {
            marks: look.marks,
            unbalanced,
            not_before: Instant::now() + begun.elapsed() * REST,
        };
        let before = self.tenants.insert(tenant.clone(), known);
        tell(tenant, look.imbalances.len());
        if unbalanced {
            alarm(tenant, &look.imbalances);
        } else if before.is_some_and(|before| before.unbalanced) {
            tracing::info!(tenant.id = %tenant, "the ledger balances again");
        }
        Ok(())
    }
}

fn tell(tenant: &TenantId, hours: usize) {
    metrics::gauge!("chalkline_ledger_unbalanced_hours", "tenant" => tenant.to_string())
        .set(hours as f64);
}

fn alarm(tenant: &TenantId, imbalances: &[Imbalance]) {
    let examples = imbalances.iter().take(EXAMPLES).map(|of| {
        let hour = of.hour.format("%Y-%m-%dT%H:00Z");
        let family = of.family.as_deref().unwrap_or("no family");
        format!("{hour} {family}: {:+}", -of.missing)
    });
    tracing::error!(
        tenant.id = %tenant,
        hours = imbalances.len(),
        rows = examples.collect::<Vec<_>>().join(", "),
        "the ledger does not balance: ask `select * from ledger where not balanced`"
    );
}
