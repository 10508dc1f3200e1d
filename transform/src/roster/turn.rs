//! One import of a tenant at a time.

use std::time::Duration;

use runtime::Leases;
use schemas::TenantId;

use super::RosterError;

/// What the leases of imports are for.
pub const LEASE: &str = "roster";

/// How often whoever waits asks whether it is its turn.
const ASK_EVERY: Duration = Duration::from_millis(500);

/// The turn of one import.
pub(super) struct Turn<'a> {
    leases: &'a Leases,
    tenant: &'a TenantId,
}

impl<'a> Turn<'a> {
    pub fn new(leases: &'a Leases, tenant: &'a TenantId) -> Self {
        Self { leases, tenant }
    }

    /// Whether it is our turn.
    pub async fn is_ours(&self) -> Result<bool, RosterError> {
        Ok(self.leases.hold(self.tenant).await?)
    }

    /// How long to wait before asking again.
    pub fn pause(&self) -> Duration {
        ASK_EVERY.min(self.leases.renewal())
    }

    /// After how long a turn that nobody keeps runs out.
    pub fn renewal(&self) -> Duration {
        self.leases.renewal()
    }

    /// Gives the turn to whoever waits. If that fails it runs out by itself.
    pub async fn leave(&self) {
        if let Err(error) = self.leases.release(self.tenant).await {
            let error: &dyn std::error::Error = &error;
            tracing::debug!(tenant.id = %self.tenant, error, "the turn was not given back");
        }
    }
}
