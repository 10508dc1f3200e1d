use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use schemas::event::Event;
use schemas::{Family, Table};

use crate::support::{Sandbox, event, family, record};

/// All columns that say something about the event, not about its way here.
fn columns(family: Family) -> Vec<String> {
    schemas::columns(Table::Events(family))
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .filter(|name| {
            !["received_at", "published_at"].contains(&name.as_str()) && !name.starts_with("log_")
        })
        .collect()
}

/// Feeds batches to a service with rounds of its own size; what is stored.
async fn fed(
    batches: Vec<Vec<Event>>,
    max_rows: usize,
    stop_between: bool,
) -> Vec<Vec<Vec<String>>> {
    let mut sandbox = Sandbox::new().await;
    sandbox.config.max_rows = max_rows;
    for batch in batches {
        let records = batch.iter().map(|event| record("demo", event)).collect();
        sandbox.append(records).await;
        if stop_between {
            sandbox.run_to_the_end().await;
        }
    }
    sandbox.run_to_the_end().await;
    let mut rows = Vec::new();
    for family in Family::ALL {
        let columns = columns(family);
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        rows.push(sandbox.rows("demo", Table::Events(family), &columns).await);
    }
    rows
}

#[test]
fn a_shuffled_rebatched_and_partly_repeated_copy_gives_the_same_rows() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let events: Vec<Event> = (0..60)
        .map(|number| event(number, family(number)))
        .collect();
    let expected = runtime.block_on(fed(vec![events.clone()], 1_000, false));
    assert_eq!(expected.iter().map(Vec::len).sum::<usize>(), 60);

    let count = events.len();
    let repeated = prop::collection::vec(0..count, 0..30);
    let copy = repeated.prop_flat_map(move |repeated| {
        let all: Vec<usize> = (0..count).chain(repeated).collect();
        Just(all).prop_shuffle()
    });
    let strategy = (copy, 1..40_usize, 1..50_usize, any::<bool>());
    let config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(6)
    };
    let mut runner = TestRunner::new(config);
    runner
        .run(&strategy, |(copy, batch, max_rows, stop_between)| {
            let copy: Vec<Event> = copy.iter().map(|index| events[*index].clone()).collect();
            let batches = copy.chunks(batch.max(15)).map(<[_]>::to_vec).collect();
            let rows = runtime.block_on(fed(batches, max_rows, stop_between));
            prop_assert!(rows == expected, "{rows:?}");
            Ok(())
        })
        .expect("the same rows");
}
