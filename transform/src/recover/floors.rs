//! Where partitions begin of which little is known.

use std::collections::BTreeMap;

use chrono::DateTime;
use eventlog::EventLog;
use lake::{Floor, Lake, LakeError};
use runtime::Clock;
use schemas::TenantId;

use super::highest;
use crate::config::Config;
use crate::error::{Error, chain};
use crate::tables::{Opened, Tables};

/// The floors of the partitions that belong to this process; where there is
/// none, nothing was published, and what the log still has is all there is.
///
/// A damaged floor is replaced by the first position that the log still has:
/// every table passes over what it holds. If no table came as far as that, there
/// is no telling whether the log dropped what was not published, and nothing
/// below it is taken for published.
pub(super) async fn floors(
    log: &dyn EventLog,
    clock: &Clock,
    tables: &Tables,
    config: &Config,
    mut stored: BTreeMap<u32, Result<Floor, LakeError>>,
    opened: &BTreeMap<TenantId, Vec<Opened>>,
) -> Result<Vec<Floor>, Error> {
    let log_id = log.id().as_str();
    let mut floors = Vec::new();
    for partition in 0..log.partitions() {
        let from = |position| Floor {
            log_id: log_id.to_owned(),
            partition,
            position,
            as_of: DateTime::UNIX_EPOCH,
        };
        let mut floor = match stored.remove(&partition) {
            Some(Ok(floor)) => floor,
            Some(Err(_)) if !tables.owned.contains(&partition) => continue,
            Some(Err(error)) => {
                let head = log.head(partition).await?;
                let reached = highest(opened, partition).is_some_and(|highest| highest >= head);
                let floor = from(if reached { head } else { 0 });
                tracing::warn!(
                    log.partition = partition,
                    log.position = floor.position,
                    error = chain(&error),
                    "the floor is damaged; reading again all that the log still has"
                );
                floor
            }
            None => {
                // Whoever reads it, nothing is complete before it is.
                let floor = first_floor(log, clock, partition).await?;
                tables.lake.begin_floor(&floor).await?;
                floor
            }
        };
        if !tables.owned.contains(&partition) {
            continue;
        }
        if config.accept_truncated_log {
            accept_truncated(log, &tables.lake, &mut floor).await?;
        }
        floors.push(floor);
    }
    Ok(floors)
}

/// Where a partition begins of which nothing was published: an empty one is
/// complete.
async fn first_floor(log: &dyn EventLog, clock: &Clock, partition: u32) -> Result<Floor, Error> {
    // The time first: what is answered before it lies below the tail.
    let now = clock.now();
    let (head, tail) = (log.head(partition).await?, log.tail(partition).await?);
    Ok(Floor {
        log_id: log.id().to_string(),
        partition,
        position: head,
        as_of: if tail == 0 { now } else { DateTime::UNIX_EPOCH },
    })
}

/// Moves the floor over the records that the log dropped, if it did.
async fn accept_truncated(log: &dyn EventLog, lake: &Lake, floor: &mut Floor) -> Result<(), Error> {
    let head = log.head(floor.partition).await?;
    if floor.position >= head {
        return Ok(());
    }
    let lost = head - floor.position;
    tracing::error!(
        log.partition = floor.partition,
        from = floor.position,
        head,
        "going on without the records from here up to the log's first: it dropped them before \
         they were published, and transform.accept_truncated_log is set"
    );
    metrics::counter!("chalkline_transform_lost_positions_total").increment(lost);
    floor.position = head;
    Ok(lake.set_floor(floor).await?)
}
