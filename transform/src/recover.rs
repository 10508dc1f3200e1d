//! recover: what a start has to know, all of it from the lake.

mod floors;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use eventlog::{EventLog, ReadError};
use futures::StreamExt;
use lake::{AppId, Floor, Lake, LakeError};
use schemas::{Table, TenantId};

use crate::consume::Stretch;
use crate::deduplicate::Index;
use crate::error::Error;
use crate::judge::{Judge, Settled};
use crate::line::KnownBefore;
use crate::look_up::Homes;
use crate::publish::{Held, Publisher};
use crate::replay::Failures;
use crate::tables::{Opened, Tables};
use crate::transform::Transform;
use crate::waiting::Waiting;
use floors::floors;

/// How many tenants' tables are opened at once.
const CONCURRENT_TENANTS: usize = 4;

/// Where to begin, and with what knowledge.
pub(crate) struct Recovered {
    /// The round that did not finish before the last stop; often empty. It must
    /// be published again before anything else is judged.
    pub unfinished: Vec<Stretch>,
    /// What follows.
    pub live: Vec<Stretch>,
    pub known: Known,
}

/// What a life goes on from.
pub(crate) struct Known {
    /// How many partitions the log had when this was found out.
    pub partitions: u32,
    /// To which of them events belong.
    pub homes: Homes,
    /// Who existed then.
    pub tenants: HashSet<TenantId>,
    /// The floor of each of those that belong to this process.
    pub floors: Vec<Floor>,
    pub judge: Judge,
    pub publisher: Publisher,
}

/// Reads floors, positions and what deduplication has to remember of the
/// partitions that belong to this process, but for what was known `before` of those
/// that it kept.
///
/// Records from the floor up to the highest position of any table are those of
/// the one round that did not finish, and of rounds that are published but for
/// tenants who waited. Tenants whose tables cannot be used begin to wait.
///
/// # Errors
/// [`Error::AnotherLog`] when the log ends below what is published.
pub(crate) async fn recover(
    transform: &Transform,
    owned: &BTreeSet<u32>,
    waiting: &mut Waiting,
    before: Option<(KnownBefore, BTreeSet<u32>)>,
) -> Result<Recovered, Error> {
    let Transform {
        config,
        log,
        registry,
        lake,
        clock,
        ..
    } = transform;
    let log_id = log.id().to_string();
    // Before the tables: what is published meanwhile makes a floor too low, at
    // the most.
    let stored = lake.floors_of(&log_id).await?;
    let partitions = log.partitions();
    // Others may have heard before this process of partitions that were added.
    let last = stored.keys().max().map_or(0, |last| last + 1);
    let tables = Arc::new(Tables {
        lake: lake.clone(),
        registry: registry.clone(),
        log_id: log_id.clone(),
        owned: owned.clone(),
        partitions: partitions.max(last),
        window: config.window(),
    });
    if stored.is_empty() {
        tell_former_logs(lake).await?;
    }
    let mut tenants = registry.tenants().await?;
    let existing: HashSet<TenantId> = tenants.iter().cloned().collect();
    tenants.push(TenantId::system());
    let (mut opened, mut failed) = open_all(&tables, tenants).await;
    let floors = floors(log.as_ref(), clock, &tables, config, stored, &opened).await?;
    announce_all(&tables, &mut opened, &mut failed).await?;
    let (unfinished, live) = stretches(log.as_ref(), &floors, &opened).await?;

    let (mut index, new) = match kept(before, &tables, &mut opened).await? {
        Some((index, kept)) => (index, owned - &kept),
        None => {
            let memory_bytes = config.deduplication_memory_bytes;
            let mut index = Index::new(config.window(), memory_bytes);
            if let Some(since) = tables.horizon(opened.values().flatten(), &floors) {
                index.begin_at(since);
            }
            (index, owned.clone())
        }
    };
    let mut settled = Settled::default();
    let mut failures = Failures::new(&log_id);
    for (tenant, opened) in &opened {
        let known = async {
            tables.load(tenant, opened, &new, &mut index).await?;
            tables.failures(tenant, opened, &mut failures).await?;
            if unfinished.is_empty() {
                return Ok(());
            }
            tables
                .settle(tenant, opened, &unfinished, &mut settled)
                .await
        };
        if let Err(error) = known.await {
            failed.insert(tenant.clone(), error);
        }
    }
    if !failed.is_empty() {
        // Unless it is everybody's trouble.
        lake.check_store().await?;
    }
    waiting.begin(Arc::clone(&tables), &floors);
    for (tenant, error) in &failed {
        opened.remove(tenant);
        waiting.add(tenant, error);
    }
    tracing::info!(
        tenants = opened.len(),
        events = index.len(),
        partitions = floors.len(),
        unfinished = unfinished.len(),
        "recovered from the lake"
    );
    index.make_room();
    let mut held = HashMap::new();
    for (tenant, opened) in opened {
        for Opened { kind, table, next } in opened {
            let one = Held::new(table, &log_id, next).await?;
            held.insert((tenant.clone(), kind), one);
        }
    }
    Ok(Recovered {
        unfinished,
        live,
        known: Known {
            partitions,
            homes: tables.homes(),
            tenants: existing,
            floors,
            judge: Judge::new(index, settled, failures).among(tables.homes(), owned.clone()),
            publisher: Publisher::new(
                lake.clone(),
                tables.homes(),
                owned.clone(),
                held,
                config.concurrent_commits,
            ),
        },
    })
}

/// The index of the life before, and for which partitions it holds: those that
/// were kept, if nobody else has published from them, or what belongs to them.
///
/// The group alone does not tell: a process that was stopped for long may hear
/// only later that others had its partitions. The tables do.
async fn kept(
    before: Option<(KnownBefore, BTreeSet<u32>)>,
    tables: &Tables,
    opened: &mut BTreeMap<TenantId, Vec<Opened>>,
) -> Result<Option<(Index, BTreeSet<u32>)>, Error> {
    let Some((known, kept)) = before.filter(|(known, _)| known.partitions == tables.partitions)
    else {
        return Ok(None);
    };
    let KnownBefore {
        mut index,
        tables: mut held,
        ..
    } = known;
    let app = AppId::moved(&tables.log_id);
    for (tenant, opened) in opened {
        let events = opened
            .iter_mut()
            .filter(|o| matches!(o.kind, Table::Events(_)));
        for opened in events {
            let (moved, next) = match held.remove(&(tenant.clone(), opened.kind)) {
                Some(held) => (held.moved, held.next),
                None => (None, HashMap::new()),
            };
            if opened.table.next_position(&app).await? != moved {
                return Ok(None);
            }
            let stands = |next: &HashMap<u32, u64>, of: &u32| *next.get(of).unwrap_or(&0);
            let is_where_it_was =
                |partition: &u32| stands(&opened.next, partition) == stands(&next, partition);
            if !kept.iter().all(is_where_it_was) {
                return Ok(None);
            }
        }
    }
    index.keep(&kept);
    Ok(Some((index, kept)))
}

/// Says that the lake was filled from other logs, if it was: what they hold and
/// is not published is read by nobody.
async fn tell_former_logs(lake: &Lake) -> Result<(), LakeError> {
    let floors = lake.floors().await?;
    let former: BTreeSet<&str> = floors.iter().map(|floor| floor.log_id.as_str()).collect();
    if !former.is_empty() {
        tracing::warn!(
            former = ?former,
            "the lake was filled from another log; what that holds and is not published is not \
             read any more"
        );
    }
    Ok(())
}

/// Opens the tables of all tenants; also says whose cannot be opened, and why.
async fn open_all(
    tables: &Tables,
    tenants: Vec<TenantId>,
) -> (BTreeMap<TenantId, Vec<Opened>>, BTreeMap<TenantId, Error>) {
    let (mut opened, mut failed) = (BTreeMap::new(), BTreeMap::new());
    let mut opening = futures::stream::iter(tenants)
        .map(|tenant| async move { (tables.open(&tenant).await, tenant) })
        .buffer_unordered(CONCURRENT_TENANTS);
    while let Some((result, tenant)) = opening.next().await {
        match result {
            Ok(tables) => drop(opened.insert(tenant, tables)),
            Err(error) => drop(failed.insert(tenant, error)),
        }
    }
    (opened, failed)
}

/// Tells all tables how many partitions the log has; tenants with whose tables that
/// cannot be done move to those who failed.
async fn announce_all(
    tables: &Tables,
    opened: &mut BTreeMap<TenantId, Vec<Opened>>,
    failed: &mut BTreeMap<TenantId, Error>,
) -> Result<(), Error> {
    let mut announcing = futures::stream::iter(std::mem::take(opened))
        .map(|(tenant, mut opened)| async move {
            let announced = tables.announce(&tenant, &mut opened).await;
            (tenant, opened, announced)
        })
        .buffer_unordered(CONCURRENT_TENANTS);
    while let Some((tenant, tables, announced)) = announcing.next().await {
        match announced {
            Ok(()) => drop(opened.insert(tenant, tables)),
            Err(error) if error.is_of_one_table() => drop(failed.insert(tenant, error)),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The highest position of a partition that any table has reached.
fn highest(opened: &BTreeMap<TenantId, Vec<Opened>>, partition: u32) -> Option<u64> {
    let tables = opened.values().flatten();
    tables.filter_map(|t| t.next.get(&partition)).copied().max()
}

/// What was begun and not finished of each partition, and what follows.
async fn stretches(
    log: &dyn EventLog,
    floors: &[Floor],
    opened: &BTreeMap<TenantId, Vec<Opened>>,
) -> Result<(Vec<Stretch>, Vec<Stretch>), Error> {
    let (mut unfinished, mut live) = (Vec::new(), Vec::new());
    for floor in floors {
        let partition = floor.partition;
        let end = highest(opened, partition).map_or(floor.position, |h| h.max(floor.position));
        let tail = log.tail(partition).await?;
        if end > tail {
            let from = end;
            return Err(Error::AnotherLog {
                log_id: log.id().to_string(),
                source: ReadError::BeyondTail {
                    partition,
                    from,
                    tail,
                },
            });
        }
        if end > floor.position {
            unfinished.push(Stretch {
                partition,
                from: floor.position,
                until: Some(end),
            });
        }
        live.push(Stretch {
            partition,
            from: end,
            until: None,
        });
    }
    Ok((unfinished, live))
}
