//! Who reads by the watermark beside transactions in flight misses nothing.

use std::collections::BTreeMap;

use e2e::Postgres;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};
use sqlx::{PgPool, Postgres as Db, Transaction};

use super::{add_students, run};

/// A reader's copy of a table, and where it goes on.
#[derive(Debug, Default)]
struct Copy {
    watermark: i64,
    /// The given names by id.
    rows: BTreeMap<String, String>,
}

impl Copy {
    /// Reads as watermark.sql says. Answers how many rows it read, and all rows that the same
    /// snapshot has.
    async fn read(&mut self, pool: &PgPool) -> (usize, BTreeMap<String, String>) {
        const ROWS: &str = "SELECT user_id, given_name FROM chalkline.users WHERE watermark >= $1";
        let mut snapshot = pool.begin().await.expect("a transaction");
        let begin = sqlx::query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY");
        begin
            .execute(&mut *snapshot)
            .await
            .expect("its first statement");
        let new: i64 = sqlx::query_scalar("SELECT chalkline.watermark()")
            .fetch_one(&mut *snapshot)
            .await
            .expect("a watermark");
        let mut rows = async |from: i64| -> Vec<(String, String)> {
            let query = sqlx::query_as(ROWS).bind(from);
            query.fetch_all(&mut *snapshot).await.expect("rows")
        };
        let changed = rows(self.watermark).await;
        let all = rows(0).await;
        let count = changed.len();
        self.rows.extend(changed);
        assert!(self.watermark <= new, "a watermark never falls");
        self.watermark = new;
        (count, all.into_iter().collect())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_began_before_a_read_and_commits_after_it_is_read_next() {
    let database = Postgres::shared().school();
    let owner = database.pool("postgres", 3).await;
    let reader = database.pool("chalkline_reader", 1).await;
    let mut copy = Copy::default();
    copy.read(&reader).await;

    let mut early = owner.begin().await.expect("a transaction");
    let rename = "UPDATE lms.people SET given_name = 'Early' WHERE person_id = 'stu-1001'";
    sqlx::query(rename)
        .execute(&mut *early)
        .await
        .expect("renamed");
    // Another begins later and is read before.
    run(
        &owner,
        "UPDATE lms.people SET given_name = 'Late' WHERE person_id = 'stu-1002'",
    )
    .await;
    let (_, all) = copy.read(&reader).await;
    assert_eq!(copy.rows, all);
    assert_eq!(copy.rows["stu-1002"], "Late");
    assert_ne!(copy.rows["stu-1001"], "Early");
    early.commit().await.expect("committed");
    let (_, all) = copy.read(&reader).await;
    assert_eq!(copy.rows, all);
    assert_eq!(copy.rows["stu-1001"], "Early");
}

/// What happens next.
#[derive(Debug, Clone)]
enum Step {
    /// A transaction writes one of its rows, and begins if it has not.
    Write { transaction: usize, row: usize },
    /// It does so in a part of it that is rolled back, or not.
    WriteWithin {
        transaction: usize,
        row: usize,
        keep: bool,
    },
    /// It ends.
    End { transaction: usize, commit: bool },
    /// Somebody reads.
    Read,
}

const TRANSACTIONS: usize = 4;
/// Rows of each transaction, which no other writes: none waits for another.
const ROWS: usize = 3;

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let transaction = 0..TRANSACTIONS;
    let row = 0..ROWS;
    let step = prop_oneof![
        4 => (transaction.clone(), row.clone())
            .prop_map(|(transaction, row)| Step::Write { transaction, row }),
        2 => (transaction.clone(), row, any::<bool>())
            .prop_map(|(transaction, row, keep)| Step::WriteWithin { transaction, row, keep }),
        2 => (transaction, any::<bool>())
            .prop_map(|(transaction, commit)| Step::End { transaction, commit }),
        3 => Just(Step::Read),
    ];
    prop::collection::vec(step, 1..40)
}

#[test]
fn any_interleaving_is_read_whole() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("threads");
    let database = Postgres::shared().school();
    let (owner, reader) = runtime.block_on(async {
        let owner = database.pool("postgres", TRANSACTIONS as u32 + 1).await;
        add_students(&owner, (TRANSACTIONS * ROWS) as u32).await;
        (owner, database.pool("chalkline_reader", 1).await)
    });
    let config = Config {
        cases: 48,
        failure_persistence: None,
        ..Config::default()
    };
    let tried = TestRunner::new(config).run(&steps(), |steps| {
        runtime.block_on(interleave(&owner, &reader, steps))
    });
    match tried {
        Ok(()) => {}
        Err(TestError::Fail(reason, steps)) => panic!("{reason}: {steps:?}"),
        Err(TestError::Abort(reason)) => panic!("{reason}"),
    }
}

async fn interleave(
    owner: &PgPool,
    reader: &PgPool,
    steps: Vec<Step>,
) -> Result<(), TestCaseError> {
    let mut open: Vec<Option<Transaction<'_, Db>>> = (0..TRANSACTIONS).map(|_| None).collect();
    let mut copy = Copy::default();
    copy.read(reader).await;
    for (number, step) in steps.into_iter().enumerate() {
        match step {
            Step::Write { transaction, row } => {
                write(owner, &mut open, (transaction, row), number, None).await;
            }
            Step::WriteWithin {
                transaction,
                row,
                keep,
            } => write(owner, &mut open, (transaction, row), number, Some(keep)).await,
            Step::End {
                transaction,
                commit,
            } => {
                if let Some(ending) = open[transaction].take() {
                    let ended = match commit {
                        true => ending.commit().await,
                        false => ending.rollback().await,
                    };
                    ended.expect("it ends");
                }
            }
            Step::Read => {
                let (_, all) = copy.read(reader).await;
                prop_assert_eq!(&copy.rows, &all, "at step {}", number);
            }
        }
    }
    for ending in open.into_iter().flatten() {
        ending.commit().await.expect("it ends");
    }
    let (_, all) = copy.read(reader).await;
    prop_assert_eq!(&copy.rows, &all, "at the end");
    Ok(())
}

/// Writes a row anew, in a savepoint that is kept or not if that is said.
async fn write<'a>(
    owner: &'a PgPool,
    open: &mut [Option<Transaction<'a, Db>>],
    (transaction, row): (usize, usize),
    number: usize,
    within: Option<bool>,
) {
    if open[transaction].is_none() {
        open[transaction] = Some(owner.begin().await.expect("a transaction"));
    }
    let Some(writing) = &mut open[transaction] else {
        unreachable!("it has begun");
    };
    let update = format!(
        "UPDATE lms.people SET given_name = 'step {number}' WHERE person_id = 's-{}'",
        transaction * ROWS + row + 1
    );
    let statements = match within {
        None => vec![update.as_str()],
        Some(true) => vec!["SAVEPOINT part", &update, "RELEASE part"],
        Some(false) => vec!["SAVEPOINT part", &update, "ROLLBACK TO part"],
    };
    for sql in statements {
        let done = sqlx::query(sql).execute(&mut **writing).await;
        done.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_who_is_up_to_date_reads_little() {
    let database = Postgres::shared().school();
    let owner = database.pool("postgres", 1).await;
    let reader = database.pool("chalkline_reader", 1).await;
    add_students(&owner, 500).await;
    let mut copy = Copy::default();
    let (read, all) = copy.read(&reader).await;
    assert_eq!((read, all.len()), (511, 511));
    // Transactions of other tests may hold the watermark back for a while, no longer.
    run(
        &owner,
        "UPDATE lms.people SET given_name = 'New' WHERE person_id = 's-7'",
    )
    .await;
    e2e::eventually("a read of nothing but what is new", || {
        let (owner, reader) = (owner.clone(), reader.clone());
        let mut fresh = Copy {
            watermark: copy.watermark,
            rows: copy.rows.clone(),
        };
        async move {
            let (_, all) = fresh.read(&reader).await;
            assert_eq!(fresh.rows, all);
            run(
                &owner,
                "UPDATE lms.people SET given_name = 'Newer' WHERE person_id = 's-8'",
            )
            .await;
            let (read, all) = fresh.read(&reader).await;
            assert_eq!(fresh.rows, all);
            (read <= 2).then_some(()).ok_or(format!("{read} rows"))
        }
    })
    .await;
}
