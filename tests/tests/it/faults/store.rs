//! An object store that does not do what it is asked for, or not what it says.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use e2e::{Load, Sandbox, Trial, ids, until};
use rstest::rstest;
use seaweed::{Fate, Moment, Proxy, Server};

use super::{Own, broker};
use crate::kill::CONNECTIONS;

/// Of so many writes one is spoilt while the store is in trouble.
const ONE_OF: u64 = 4;

/// How often at least.
const SPOILT: u64 = 12;

#[rstest]
#[case::fails("store fails", Moment::Asked, Fate::Lost)]
#[case::hangs("store hangs", Moment::Asked, Fate::Silent)]
#[case::throttles("store throttles (503 SlowDown)", Moment::Asked, Fate::Throttled)]
#[case::lies_of_failure("store succeeds but says failed", Moment::Answered, Fate::Lost)]
#[case::lies_of_success("store fails but says succeeded", Moment::Asked, Fate::Pretended)]
#[tokio::test(flavor = "multi_thread")]
async fn of_a_store_in_trouble(#[case] fault: &str, #[case] moment: Moment, #[case] fate: Fate) {
    let trial = Trial::begin(fault, "Kafka, S3");
    let (spoilt, writes) = (trial.counter(), AtomicU64::new(0));
    let in_trouble = Arc::new(AtomicBool::new(false));
    let away = Arc::new(AtomicBool::new(false));
    let (now, all) = (Arc::clone(&in_trouble), Arc::clone(&away));
    let proxy = Proxy::start(Server::shared(), move |at, request| {
        if at != moment || !now.load(Ordering::SeqCst) {
            return Fate::Passed;
        }
        let is_write = request.method == "PUT";
        let is_one = is_write && writes.fetch_add(1, Ordering::SeqCst).is_multiple_of(ONE_OF);
        if is_one || all.load(Ordering::SeqCst) {
            spoilt.fetch_add(1, Ordering::SeqCst);
            return fate;
        }
        Fate::Passed
    });
    let own = Own::new();
    let settings = own.with(&[
        ("CHALKLINE_LAKE_OPTIONS_AWS_ENDPOINT_URL", proxy.endpoint()),
        ("CHALKLINE_KAFKA_PARTITIONS", "4"),
        // Who hangs is given up sooner than by default.
        ("CHALKLINE_LAKE_OPTIONS_TIMEOUT", "3s"),
    ]);
    let roles = ["ingest", "transform", "query"];
    let address = broker().await.address();
    let mut sandbox = Sandbox::roles_on_s3(&address, Server::shared(), &roles, &settings).await;
    let load = Load::start(&sandbox, 0..ids() / 2, CONNECTIONS);
    load.wait_for_acked(ids() / 8).await;

    // For a while some writes are spoilt, and then everything is.
    let happened = trial.counter();
    in_trouble.store(true, Ordering::SeqCst);
    until("some writes are spoilt", || {
        happened.load(Ordering::SeqCst) >= SPOILT
    })
    .await;
    let is_lie = fate == Fate::Pretended;
    away.store(!is_lie, Ordering::SeqCst);
    let before = happened.load(Ordering::SeqCst);
    let more = if is_lie { 0 } else { SPOILT };
    until("the store is away", || {
        happened.load(Ordering::SeqCst) >= before + more
    })
    .await;
    in_trouble.store(false, Ordering::SeqCst);
    let mut acked = load.finish().await;

    // Whoever comes next finds what that has left, amid the same again.
    in_trouble.store(true, Ordering::SeqCst);
    away.store(false, Ordering::SeqCst);
    sandbox.crash_one("transform");
    let load = Load::start(&sandbox, ids() / 2..ids(), CONNECTIONS);
    sandbox.restart().await;
    acked.extend(load.finish().await);
    in_trouble.store(false, Ordering::SeqCst);
    assert_eq!(acked.len() as u64, ids());
    trial.prove(&sandbox, &acked).await;
}
