//! What `/metrics` says of the databases that rosters are read from. They are read by a
//! command, which ends; what it leaves in the lake is told by processes that go on.

use std::time::Duration;

use chrono::{DateTime, Utc};
use lake::imports::{ImportSource, ImportSources, JobState};
use lake::{Lake, LakeError};
use runtime::Registry;
use schemas::TenantId;
use tokio_util::sync::CancellationToken;

use crate::error::chain;

/// How often it is looked: each time costs a listing for each tenant.
const INTERVAL: Duration = Duration::from_secs(300);

/// Looks how the syncs of all tenants went, again and again.
pub(crate) struct Sources {
    lake: Lake,
    registry: Registry,
}

impl Sources {
    /// Those of all tenants.
    pub fn new(lake: Lake, registry: Registry) -> Self {
        Self { lake, registry }
    }

    /// Tells how they are at once and then every [`INTERVAL`], until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let looking = async {
            loop {
                self.look().await;
                tokio::time::sleep(INTERVAL).await;
            }
        };
        stop.run_until_cancelled(looking).await;
    }

    async fn look(&self) {
        let tenants = match self.registry.tenants().await {
            Ok(tenants) => tenants,
            Err(error) => {
                tracing::warn!(error = chain(&error), "how rosters are synced is not seen");
                return;
            }
        };
        for tenant in tenants {
            if let Err(error) = self.look_at(&tenant).await {
                tracing::warn!(
                    tenant.id = %tenant,
                    error = chain(&error),
                    "how rosters are synced is not seen"
                );
            }
        }
    }

    async fn look_at(&self, tenant: &TenantId) -> Result<(), LakeError> {
        let sources = ImportSources::new(self.lake.clone(), tenant.clone());
        for source in sources.list().await? {
            tell(tenant, &source);
        }
        Ok(())
    }
}

fn tell(tenant: &TenantId, source: &ImportSource) {
    let labels = [
        ("tenant", tenant.to_string()),
        ("source", source.name.to_string()),
    ];
    let last = &source.last;
    let went_well = matches!(last.state, JobState::Done | JobState::Unchanged);
    let seconds = |time: DateTime<Utc>| time.timestamp() as f64;
    // 0, so that who asks for its age need not know of those that never went well.
    let success = source.reached.as_ref().map_or(0.0, |of| seconds(of.at));
    metrics::gauge!("chalkline_roster_source_last_sync_successful", &labels)
        .set(f64::from(u8::from(went_well)));
    metrics::gauge!(
        "chalkline_roster_source_last_sync_timestamp_seconds",
        &labels
    )
    .set(seconds(last.finished_at));
    metrics::gauge!(
        "chalkline_roster_source_last_sync_duration_seconds",
        &labels
    )
    .set(last.duration().as_seconds_f64());
    metrics::gauge!(
        "chalkline_roster_source_last_success_timestamp_seconds",
        &labels
    )
    .set(success);
}
