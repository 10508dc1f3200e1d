//! Beside transactions in flight nothing is missed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use e2e::{Postgres, Sandbox};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use sqlx::PgPool;

use super::super::{add_students, run};
use super::{assert_stored, done, synced, unchanged};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_open_while_it_is_read_is_read_next_time_whenever_it_began() {
    let sandbox = Sandbox::up().await;
    let database = Postgres::shared().school();
    let owner = database.pool("postgres", 3).await;
    assert_eq!(synced(&sandbox, &database, &[]), (done(), true));

    let mut early = owner.begin().await.expect("a transaction");
    sqlx::query("UPDATE lms.people SET given_name = 'Early' WHERE person_id = 'stu-1001'")
        .execute(&mut *early)
        .await
        .expect("renamed");
    let late = "UPDATE lms.people SET given_name = 'Late' WHERE person_id = 'stu-1002'";
    run(&owner, late).await;
    assert_eq!(synced(&sandbox, &database, &[]), (done(), false));
    assert_stored(&sandbox, &database);
    // It writes over what was read already, with the time at which it began.
    sqlx::query("UPDATE lms.people SET given_name = 'Latest' WHERE person_id = 'stu-1002'")
        .execute(&mut *early)
        .await
        .expect("renamed");
    early.commit().await.expect("committed");
    assert_eq!(synced(&sandbox, &database, &[]), (done(), false));
    assert_stored(&sandbox, &database);
    assert_eq!(synced(&sandbox, &database, &[]), (unchanged(), false));
}

/// What those who write have done, and whether that is enough.
#[derive(Default)]
struct Writing {
    committed: AtomicU64,
    enough: AtomicBool,
}

/// Transactions of one who writes: a few rows each, some of them given up.
async fn write(pool: PgPool, seed: u64, writing: Arc<Writing>) {
    let mut random = StdRng::seed_from_u64(seed);
    while !writing.enough.load(Ordering::Acquire) {
        let mut transaction = pool.begin().await.expect("a transaction");
        for _ in 0..random.random_range(1..4) {
            // Each writes people of its own, so that none waits for another.
            let person = random.random_range(0..20) * 3 + seed;
            let number = random.random_range(0..1_000_000);
            let sql = match random.random_range(0..4) {
                0 => format!(
                    "UPDATE lms.people SET deleted_at = CASE WHEN deleted_at IS NULL THEN now() END WHERE person_id = 's-{person}'"
                ),
                1 => format!(
                    "UPDATE lms.roles SET is_primary = NOT is_primary WHERE role_id = 'role-{person}'"
                ),
                2 => format!(
                    "INSERT INTO lms.people (person_id, username, given_name, family_name) VALUES ('x-{seed}-{number}', 'x-{seed}-{number}', 'New', 'Person') ON CONFLICT DO NOTHING"
                ),
                _ => format!(
                    "UPDATE lms.people SET given_name = 'N{number}' WHERE person_id = 's-{person}'"
                ),
            };
            let done = sqlx::query(&sql).execute(&mut *transaction).await;
            done.unwrap_or_else(|error| panic!("{sql}: {error}"));
            let pause = std::time::Duration::from_millis(random.random_range(0..150));
            tokio::time::sleep(pause).await;
        }
        if random.random_bool(0.8) {
            transaction.commit().await.expect("committed");
            writing.committed.fetch_add(1, Ordering::AcqRel);
        } else {
            transaction.rollback().await.expect("rolled back");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_transactions_that_come_and_go_reading_what_has_changed_is_reading_all() {
    // As many rounds as it takes: a machine that is fast syncs between two of the commits.
    const ROUNDS: std::ops::Range<usize> = 8..1_000;
    const COMMITTED: u64 = 24;
    let sandbox = Sandbox::up().await;
    let database = Postgres::shared().school();
    let owner = database.pool("postgres", 5).await;
    add_students(&owner, 63).await;
    assert_eq!(synced(&sandbox, &database, &[]), (done(), true));

    let writing = Arc::new(Writing::default());
    let writers: Vec<_> = (1..=3)
        .map(|seed| tokio::spawn(write(owner.clone(), seed, Arc::clone(&writing))))
        .collect();
    let committed = || writing.committed.load(Ordering::Acquire);
    let mut round = 0;
    while round < ROUNDS.start || committed() < COMMITTED {
        let (_, full) = tokio::task::block_in_place(|| synced(&sandbox, &database, &[]));
        assert!(!full, "round {round}");
        round += 1;
        assert!(round < ROUNDS.end, "{} transactions", committed());
    }
    writing.enough.store(true, Ordering::Release);
    for writer in writers {
        writer.await.expect("it wrote");
    }
    let (_, full) = synced(&sandbox, &database, &[]);
    assert!(!full);
    assert_stored(&sandbox, &database);
}
