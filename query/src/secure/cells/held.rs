//! Groups of reports, kept until the report changes.

use std::sync::Arc;
use std::time::Duration;

use datafusion::error::Result;
use moka::future::Cache;
use schemas::TenantId;

use super::groups::Groups;

/// What was erased is out of memory after this time, though nobody could ask for it since.
const KEPT: Duration = Duration::from_secs(300);

/// The rows of a report of which is told what is shown, and the minimum.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Version {
    pub(super) tenant: TenantId,
    pub(super) report: &'static str,
    /// The tables of which it is made: their names, ids and versions.
    pub(super) sources: Vec<(&'static str, u64, u64)>,
    pub(super) least: u32,
}

/// The groups of the reports that were asked for last.
pub(crate) struct Cells {
    held: Cache<Version, Arc<Groups>>,
    most: usize,
}

impl Cells {
    /// Keeps so many bytes of them; none with 0.
    pub(crate) fn new(bytes: usize) -> Self {
        let weight =
            |_: &Version, groups: &Arc<Groups>| u32::try_from(groups.bytes()).unwrap_or(u32::MAX);
        Self {
            held: Cache::builder()
                .max_capacity(bytes as u64)
                .weigher(weight)
                .time_to_live(KEPT)
                .build(),
            most: bytes,
        }
    }

    /// The groups of these rows; where they are not held, what `reckon` makes. Of several
    /// queries that ask at once one reckons, and if nothing to be held comes of that, each
    /// of the others for itself.
    ///
    /// What is too large to be held is the memory of the query that made it.
    ///
    /// # Errors
    /// As `reckon`.
    pub(super) async fn get<F: Future<Output = Result<Groups>>>(
        &self,
        version: Version,
        reckon: impl Fn() -> F,
    ) -> Result<Arc<Groups>> {
        let mut outcome = "hit";
        // What is not to be held is not given to the cache, which lets go of it some time.
        let mut ours = None;
        let reckoned = self.held.try_get_with(version, async {
            outcome = "miss";
            match reckon().await {
                Ok(mut groups) if groups.bytes() <= self.most => {
                    groups.give_room_back();
                    Ok(Arc::new(groups))
                }
                other => {
                    ours = Some(other);
                    Err(())
                }
            }
        });
        let groups = reckoned.await;
        metrics::counter!("chalkline_query_cells_total", "outcome" => outcome).increment(1);
        self.tell();
        match (groups, ours) {
            (Ok(groups), _) => Ok(groups),
            (Err(_), Some(ours)) => ours.map(Arc::new),
            (Err(_), None) => reckon().await.map(Arc::new),
        }
    }

    /// Gives back what is held no more; without it only the next that is asked for would.
    pub(crate) async fn sweep(&self) {
        self.held.run_pending_tasks().await;
        self.tell();
    }

    fn tell(&self) {
        metrics::gauge!("chalkline_query_cells_bytes").set(self.held.weighted_size() as f64);
    }
}
