//! The same events in any order, batching and repetition give the same rows.

use std::collections::{BTreeMap, BTreeSet};

use e2e::{Client, Sandbox, event};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value};

const EVENTS: u64 = 240;

/// Columns that tell when and where a row's record arrived.
const OF_ARRIVAL: [&str; 5] = [
    "received_at",
    "published_at",
    "log_id",
    "log_partition",
    "log_position",
];
/// Columns that are hashed under the tenant's own secret.
const OF_PEOPLE: [&str; 4] = ["student_key", "reply_to_key", "by_key", "tutor_key"];

/// A way of sending [`EVENTS`] events.
#[derive(Debug, Clone)]
struct Way {
    /// The numbers in the order of sending; some stand there twice.
    order: Vec<u64>,
    /// The sizes of the batches, over and over.
    sizes: Vec<usize>,
}

fn way() -> impl Strategy<Value = Way> {
    let repeated = prop::collection::vec(0..EVENTS, 0..60);
    let order = repeated
        .prop_map(|repeated| (0..EVENTS).chain(repeated).collect::<Vec<_>>())
        .prop_shuffle();
    let sizes = prop::collection::vec(1..90_usize, 1..6);
    (order, sizes).prop_map(|(order, sizes)| Way { order, sizes })
}

async fn send(client: &Client, way: &Way) {
    let mut rest = way.order.as_slice();
    for size in way.sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (batch, later) = rest.split_at((*size).min(rest.len()));
        let events: Vec<Value> = batch.iter().map(|number| event::nth(*number)).collect();
        client.post(&events).await.expect_status(202);
        rest = later;
    }
}

/// The rows of a table by event id, less what must differ; people are replaced
/// by the order in which they first appear.
async fn rows(client: &Client, table: &str) -> BTreeMap<String, Map<String, Value>> {
    let expected = (0..EVENTS).filter(|n| event::table(*n) == table).count() as u64;
    client.wait_for_count(table, expected).await;
    let mut people = BTreeMap::new();
    let mut rows = BTreeMap::new();
    for mut row in client.rows(table, "event_id").await {
        row.retain(|column, _| !OF_ARRIVAL.contains(&column.as_str()));
        for column in OF_PEOPLE {
            if let Some(key) = row.get_mut(column).filter(|key| key.is_string()) {
                let next = people.len();
                *key = (*people.entry(key.to_string()).or_insert(next)).into();
            }
        }
        let id = row["event_id"].as_str().expect("an id").to_owned();
        rows.insert(id, row);
    }
    rows
}

#[test]
fn a_shuffled_rebatched_partly_repeated_copy_gives_the_same_rows() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    let sandbox = runtime.block_on(Sandbox::up());
    let plain = Way {
        order: (0..EVENTS).collect(),
        sizes: vec![100],
    };
    let mut tenants = 0..;
    let mut tenant = || {
        let number: u32 = tenants.next().expect("endless");
        sandbox.tenant(&format!("School {number}"), &[])
    };
    let reference = tenant();
    let expected: Vec<_> = runtime.block_on(async {
        send(&reference, &plain).await;
        let mut tables = Vec::new();
        for table in event::TABLES {
            tables.push(rows(&reference, table).await);
        }
        tables
    });

    let config = Config {
        cases: 4,
        failure_persistence: None,
        // Each step of shrinking sends everything again.
        max_shrink_iters: 8,
        ..Config::default()
    };
    let tenant = std::cell::RefCell::new(tenant);
    TestRunner::new(config)
        .run(&way(), |way| {
            let copy = (tenant.borrow_mut())();
            runtime.block_on(async {
                send(&copy, &way).await;
                for (table, expected) in event::TABLES.iter().zip(&expected) {
                    prop_assert_eq!(&rows(&copy, table).await, expected, "{}", table);
                }
                Ok(())
            })
        })
        .expect("the same rows");
    // The comparison is of something: people are told apart.
    let people: BTreeSet<String> = expected
        .iter()
        .flat_map(BTreeMap::values)
        .map(|row| row["student_key"].to_string())
        .collect();
    assert!(people.len() > 1);
}
