//! What every [`EventLog`] does, as one suite that each implementation runs.
//!
//! A behaviour that is not here is not promised. `open(name)` opens the log of
//! that name: the same name again is the same storage, another name is a fresh
//! one. It is to be opened with four partitions, the default limits, and a group
//! of its own for each name.
//!
//! The checks panic on the first behaviour that is missing.

mod appends;
mod members;
mod readers;
mod storage;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use crate::{AppendError, Entry, EventLog, Headers, Position, Receipt, Record, partition_for};

/// Long enough for any answer; only a failure waits it out.
const PATIENCE: Duration = Duration::from_secs(20);
/// The wait of a reader that is to find nothing.
const GLANCE: Duration = Duration::from_millis(300);
/// Room for everything the suite appends.
const PLENTY: usize = 64 << 20;

/// Runs every check, each against a log of its own.
pub async fn run_all<F, Opened>(open: F)
where
    F: Fn(&'static str) -> Opened,
    Opened: Future<Output = Arc<dyn EventLog>>,
{
    storage::starts_empty(&*open("starts-empty").await).await;
    appends::answers_in_request_order(&*open("answers-in-request-order").await).await;
    appends::appending_nothing_answers_nothing(&*open("appending-nothing").await).await;
    appends::equal_keys_meet_in_order(&*open("equal-keys-meet").await).await;
    readers::reads_from_inclusive(&*open("reads-from-inclusive").await).await;
    readers::headers_can_be_read_alone(&*open("headers-alone").await).await;
    readers::reading_at_the_tail_waits_and_wakes(&*open("reading-at-the-tail").await).await;
    readers::readers_do_not_disturb_each_other(&*open("readers").await).await;
    readers::positions_out_of_range_are_errors(&*open("positions-out-of-range").await).await;
    appends::concurrent_appends_lose_nothing(open("concurrent-appends").await).await;
    appends::every_byte_survives(&*open("every-byte-survives").await).await;
    readers::batches_keep_to_max_bytes(&*open("max-bytes").await).await;
    appends::too_large_leaves_neighbours_alone(&*open("too-large").await).await;
    readers::a_dropped_next_loses_nothing(&*open("dropped-next").await).await;
    appends::a_dropped_append_harms_nothing(&*open("dropped-append").await).await;
    members::a_lone_member_gets_every_partition(open("lone-member").await).await;
    members::members_leave_no_partition_alone(open("members").await).await;
    members::what_is_committed_decides_nothing(open("committed").await).await;
    storage::close_flushes_and_refuses(&open).await;
    storage::reopening_keeps_identity_and_records(&open).await;
    storage::a_fresh_log_has_another_id(&*open("identity-a").await, &*open("identity-b").await)
        .await;
}

/// A record of the key `n` with a header.
fn record(n: usize, value: &str) -> Record {
    Record {
        key: format!("key-{n}").into(),
        headers: Headers::from_iter([("n", n.to_string())]),
        value: value.to_owned().into(),
    }
}

/// Appends the records and says where they stand.
async fn append(log: &dyn EventLog, records: Vec<Record>) -> Vec<Position> {
    let answers = log.append(records.clone()).await;
    places(log, &records, answers).await
}

/// Where the records of one call stand that were all taken: of those that are only
/// spooled yet, once they have come. No other call may append equal ones.
async fn places(
    log: &dyn EventLog,
    records: &[Record],
    answers: Vec<Result<Receipt, AppendError>>,
) -> Vec<Position> {
    assert_eq!(answers.len(), records.len());
    let receipts = answers.into_iter();
    let mut places: Vec<Option<Position>> = receipts
        .map(|answer| answer.expect("the record is taken").position())
        .collect();
    for partition in 0..log.partitions() {
        let is_here = |record: &Record| partition_for(&record.key, log.partitions()) == partition;
        let is_spooled = |n: &usize| places[*n].is_none() && is_here(&records[*n]);
        let mut spooled: Vec<usize> = (0..records.len()).filter(is_spooled).collect();
        if spooled.is_empty() {
            continue;
        }
        let head = log.head(partition).await.unwrap();
        let mut reader = log.read(partition, head).await.unwrap();
        while !spooled.is_empty() {
            let entries = reader.next(PLENTY, PATIENCE).await.unwrap();
            assert!(!entries.is_empty(), "{} records do not come", spooled.len());
            for entry in entries {
                let is_it = |n: &usize| records[*n] == entry.record;
                if !places.contains(&Some(entry.position))
                    && let Some(found) = spooled.iter().position(is_it)
                {
                    places[spooled.remove(found)] = Some(entry.position);
                }
            }
        }
    }
    places
        .into_iter()
        .map(|place| place.expect("found"))
        .collect()
}

async fn at(log: &dyn EventLog, position: Position) -> Record {
    let mut reader = log.read(position.partition, position.offset).await.unwrap();
    let entry = reader.next(1, PATIENCE).await.unwrap().remove(0);
    assert_eq!(entry.position, position);
    entry.record
}

/// Everything from head to tail, partition by partition, checked to increase.
async fn read_all(log: &dyn EventLog) -> Vec<Entry> {
    let mut all: Vec<Entry> = Vec::new();
    for partition in 0..log.partitions() {
        let (head, tail) = (
            log.head(partition).await.unwrap(),
            log.tail(partition).await.unwrap(),
        );
        let mut reader = log.read(partition, head).await.unwrap();
        let mut next = head;
        while next < tail {
            let batch = reader.next(PLENTY, PATIENCE).await.unwrap();
            assert!(
                !batch.is_empty(),
                "partition {partition} ends at {tail}, read to {next}"
            );
            for entry in batch {
                assert_eq!(entry.position.partition, partition);
                assert!(entry.position.offset >= next, "{:?} again", entry.position);
                next = entry.position.offset + 1;
                all.push(entry);
            }
        }
    }
    all
}
