//! That nothing is lost or repeated, wherever the service dies.

mod disk;

use std::collections::BTreeSet;

use eventlog::{Entry, Position};
use proptest::prelude::*;
use schemas::Table;

use super::*;
use crate::replay::Again;
use disk::{Disk, PARTITIONS, Spec, entry};

fn specs() -> impl Strategy<Value = Vec<Spec>> {
    let cause = prop_oneof![Just(Cause::Quarantined), Just(Cause::Missing)];
    let again = prop::option::weighted(0.3, (cause, 2..4_u32));
    let spec = (0..2_usize, 0..8_u128, 0..4_usize, again);
    let spec = spec.prop_map(|(tenant, id, kind, again)| Spec {
        // Repetitions have one key, so they meet in one partition.
        partition: u32::try_from(id).expect("small") % PARTITIONS,
        tenant,
        id,
        kind,
        again,
    });
    prop::collection::vec(spec, 1..60)
}

/// Runs a service that dies in each of its lives after so many commits, then one
/// that does not, and compares where the records are.
fn all_end_in_one_place(
    specs: &[Spec],
    cuts: &[usize],
    crashes: Vec<usize>,
    registered_after: usize,
    memory_bytes: usize,
) -> Result<(), TestCaseError> {
    let mut log: Vec<Vec<Entry>> = vec![Vec::new(); PARTITIONS as usize];
    for spec in specs {
        let partition = &mut log[spec.partition as usize];
        partition.push(entry(spec, partition.len() as u64));
    }
    let mut disk = Disk::new(registered_after);
    for (life, commits) in crashes.into_iter().enumerate() {
        let mut cuts = cuts.to_vec();
        let turn = life % cuts.len();
        cuts.rotate_left(turn);
        let _ = disk.live(&log, &cuts, memory_bytes, commits);
    }
    prop_assert!(disk.live(&log, cuts, memory_bytes, usize::MAX).is_ok());

    let mut places: Vec<(u32, u64)> = Vec::new();
    let mut stored: Vec<(TenantId, Uuid)> = Vec::new();
    for ((tenant, table), (rows, _)) in &disk.tables {
        places.extend(rows.iter().map(|row| (row.partition, row.position)));
        if matches!(table, Table::Events(_)) {
            stored.extend(
                rows.iter()
                    .filter_map(|row| Some((tenant.clone(), row.event_id?))),
            );
        }
    }
    places.sort_unstable();
    let mut all: Vec<(u32, u64)> = log
        .iter()
        .flatten()
        .map(|entry| (entry.position.partition, entry.position.offset))
        .collect();
    all.sort_unstable();
    let once: BTreeSet<(u32, u64)> = places.iter().copied().collect();
    prop_assert_eq!(once.len(), places.len());

    let mut attempts = HashSet::new();
    for ((_, table), (rows, _)) in &disk.tables {
        for row in rows.iter().filter(|_| *table == Table::Quarantine) {
            let at = usize::try_from(row.position).expect("small");
            let again = Again::of(&log[row.partition as usize][at].record.headers);
            let attempt = again.map(|again| (again.origin, again.attempt));
            prop_assert!(attempt.is_none_or(|attempt| attempts.insert(attempt)));
        }
    }

    stored.sort_unstable();
    let count = stored.len();
    stored.dedup();
    prop_assert_eq!(stored.len(), count);

    let of_nobody = disk
        .tables
        .iter()
        .filter(|((t, _), _)| *t == TenantId::system());
    let nobodys: BTreeSet<(u32, u64)> = of_nobody
        .flat_map(|(_, (rows, _))| rows.iter().map(|row| (row.partition, row.position)))
        .collect();
    let mut ids: Vec<(TenantId, Uuid)> = Vec::new();
    for entry in log.iter().flatten() {
        let Position { partition, offset } = entry.position;
        let decoded = Decoded::new(entry.clone());
        let id = match &decoded.content {
            Ok(Content::Event(event, _)) => Some((decoded.tenant.clone(), event.id)),
            _ => None,
        };
        if !once.contains(&(partition, offset)) {
            let again = decoded
                .again
                .as_deref()
                .expect("only what was entered again");
            prop_assert_eq!(again.cause, Cause::Missing);
            let is_stored = id.is_some_and(|id| stored.binary_search(&id).is_ok());
            let attempt = (again.origin.clone(), again.attempt);
            prop_assert!(is_stored || attempts.contains(&attempt));
        } else if !nobodys.contains(&(partition, offset)) {
            ids.extend(id);
        }
    }
    ids.sort_unstable();
    ids.dedup();
    prop_assert_eq!(stored, ids);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_024))]

    /// Wherever the service dies, and however often, whoever's rows are published
    /// first, every record ends in exactly one table and every id is stored exactly
    /// once, but for those of a tenant who did not exist. Of records that were
    /// entered again, an attempt is in the quarantine at most once, and only such a
    /// record makes no row that was entered though its event is there.
    #[test]
    fn a_crash_after_any_commit_loses_and_repeats_nothing(
        specs in specs(),
        cuts in prop::collection::vec(0..7_usize, 1..40),
        crashes in prop::collection::vec(0..12_usize, 0..12),
        registered_after in 0..40_usize,
        // Down to a handful of ids, and none.
        memory_bytes in prop::sample::select(vec![0, 400, 1_600, 1 << 20]),
    ) {
        all_end_in_one_place(&specs, &cuts, crashes, registered_after, memory_bytes)?;
    }
}

/// The record for a missing row came before its tenant existed and made no row; then
/// the event itself came, and was new. A crash left only `duplicates` beyond both. Read
/// again, the first finds no row, but the second will make it.
#[test]
fn what_is_new_further_on_is_not_missing() {
    let spec = |partition, tenant, id, kind, again| Spec {
        partition,
        tenant,
        id,
        kind,
        again,
    };
    let specs = [
        spec(0, 1, 3, 0, Some((Cause::Quarantined, 2))),
        spec(2, 1, 2, 0, None),
        spec(0, 1, 3, 0, Some((Cause::Missing, 2))),
        spec(0, 0, 0, 3, None),
        spec(2, 1, 2, 0, None),
        spec(0, 0, 0, 0, None),
        spec(0, 0, 0, 0, None),
        spec(0, 0, 0, 0, None),
        spec(0, 1, 3, 0, None),
        spec(1, 0, 1, 0, None),
        spec(1, 0, 1, 0, None),
    ];
    let cuts = [4, 0, 3, 0, 1, 0, 0, 0, 0, 1];
    all_end_in_one_place(&specs, &cuts, vec![2], 2, 0).expect("each event once");
}
