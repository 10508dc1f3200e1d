//! What is stored is told by the log alone, however much of it deduplication has
//! in memory, and however often the service is killed in between.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use eventlog::Record;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use schemas::event::Event;
use schemas::{Family, Table, headers};
use uuid::Uuid;

use crate::support::{Sandbox, event, family, record};

const IDS: u128 = 12;

/// An arrival of an event.
#[derive(Debug, Clone)]
struct Arrival {
    id: u128,
    /// When it was received: late records are older than others before them.
    hours: i64,
    everywhere: bool,
}

impl Arrival {
    fn event(&self) -> Event {
        let mut event = event(self.id, family(self.id));
        event.received_at += TimeDelta::hours(self.hours);
        event
    }

    fn record(&self) -> Record {
        let record = record("demo", &self.event());
        match self.everywhere {
            true => looking_everywhere(record),
            false => record,
        }
    }
}

fn looking_everywhere(mut record: Record) -> Record {
    let everywhere = (headers::LOOK_UP, headers::look_up::EVERYWHERE.as_bytes());
    let all = record.headers.iter().chain([everywhere]);
    record.headers = all.collect();
    record
}

/// What is to be stored of arrivals in this order, as ids and times.
fn expected(arrivals: &[Arrival]) -> Vec<(Uuid, DateTime<Utc>)> {
    let mut stored: HashMap<u128, Vec<DateTime<Utc>>> = HashMap::new();
    let mut rows = Vec::new();
    for arrival in arrivals {
        let at = arrival.event().received_at;
        let times = stored.entry(arrival.id).or_default();
        let is_repeated = |time: &DateTime<Utc>| (at - time).abs() <= TimeDelta::days(7);
        let repeats = match arrival.everywhere {
            true => !times.is_empty(),
            false => times.iter().any(is_repeated),
        };
        if !repeats {
            times.push(at);
            rows.push((Uuid::from_u128(arrival.id), at));
        }
    }
    rows.sort();
    rows
}

/// What the tables have, and how many repetitions were set aside.
async fn rows(sandbox: &Sandbox) -> (Vec<(Uuid, DateTime<Utc>)>, usize) {
    let mut rows = Vec::new();
    for family in Family::ALL {
        let columns = ["event_id", "received_at"];
        for row in sandbox.rows("demo", Table::Events(family), &columns).await {
            let id = row[0].parse().expect("an id");
            rows.push((id, row[1].parse().expect("a time")));
        }
    }
    rows.sort();
    let duplicates = sandbox.rows("demo", Table::Duplicates, &["event_id"]).await;
    (rows, duplicates.len())
}

#[test]
fn any_memory_any_batches_and_any_restarts_store_the_same() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    // Mostly later and later, over a month, with some that are late by days.
    let arrival = (0..IDS, -400..24_i64, prop::bool::weighted(0.2));
    let arrivals = prop::collection::vec(arrival, 20..120).prop_map(|arrivals| {
        let arrivals = arrivals.into_iter().zip((0..).step_by(8));
        let arrival = |((id, late, everywhere), now): ((u128, i64, bool), i64)| Arrival {
            id,
            hours: now + if late < -200 { late } else { late.max(0) },
            everywhere,
        };
        arrivals.map(arrival).collect::<Vec<_>>()
    });
    let memory = prop::sample::select(vec![1_usize, 1_500, 256 << 20]);
    let strategy = (arrivals, memory, 1..30_usize, 1..40_usize, 0..3_u8);
    let config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(10)
    };
    let tried = TestRunner::new(config).run(
        &strategy,
        |(arrivals, memory_bytes, batch, max_rows, end)| {
            let stored = runtime.block_on(async {
                let mut sandbox = Sandbox::new().await;
                sandbox.config.deduplication_memory_bytes = memory_bytes;
                sandbox.config.max_rows = max_rows;
                // Which would find what was stored again.
                sandbox.config.maintenance.enabled = false;
                for batch in arrivals.chunks(batch) {
                    sandbox
                        .append(batch.iter().map(Arrival::record).collect())
                        .await;
                    match end {
                        0 => {}
                        1 => sandbox.run_to_the_end().await,
                        _ => {
                            let running = sandbox.start();
                            tokio::time::sleep(Duration::from_millis(60)).await;
                            drop(running);
                        }
                    }
                }
                sandbox.run_to_the_end().await;
                rows(&sandbox).await
            });
            let expected = expected(&arrivals);
            let repeated = arrivals.len() - expected.len();
            prop_assert_eq!(stored, (expected, repeated));
            Ok(())
        },
    );
    tried.expect("the same rows");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_to_be_looked_up_everywhere_is_stored_once_after_any_time() {
    let mut sandbox = Sandbox::new().await;
    sandbox.config.maintenance.enabled = false;
    let first: Vec<Event> = (0..9).map(|n| event(n, family(n))).collect();
    let records = |events: &[Event]| events.iter().map(|e| record("demo", e)).collect();
    sandbox.append(records(&first)).await;
    sandbox.run_to_the_end().await;

    // So that those are no longer in memory.
    let mut newer = event(9, family(9));
    newer.received_at += TimeDelta::days(100);
    sandbox.append(records(&[newer])).await;
    sandbox.run_to_the_end().await;

    let mut later = first.clone();
    for event in &mut later {
        event.received_at += TimeDelta::days(300);
    }
    // One of them is another event under the same id.
    let other = event(0, Family::Assessment);
    assert_ne!(other.event_type, first[0].event_type);
    later[0] = Event {
        received_at: later[0].received_at,
        ..other
    };
    let again: Vec<Record> = records(&later);
    let again = again.into_iter().map(looking_everywhere).collect();
    sandbox.append(again).await;
    sandbox.run_to_the_end().await;
    assert_eq!(sandbox.stored("demo").await.len(), 10);
    let columns = ["event_id", "same_content"];
    let duplicates = sandbox.rows("demo", Table::Duplicates, &columns).await;
    assert_eq!(duplicates.len(), 9);
    for (row, number) in duplicates.iter().zip(0_u128..) {
        assert_eq!(row[0], Uuid::from_u128(number).to_string());
        assert_eq!(row[1], if number == 0 { "false" } else { "∅" });
    }

    // Who does not ask for it is a new event after so long.
    later.truncate(3);
    sandbox.append(records(&later)).await;
    sandbox.run_to_the_end().await;
    assert_eq!(sandbox.stored("demo").await.len(), 13);
}
