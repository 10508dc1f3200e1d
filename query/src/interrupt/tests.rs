use std::time::{Duration, Instant};

use datafusion::execution::context::{SessionConfig, SessionContext};
use datafusion::physical_plan::{collect, displayable};
use rstest::rstest;

use super::*;

async fn plan(sql: &str) -> (SessionContext, Arc<dyn ExecutionPlan>) {
    let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(2));
    let frame = context.sql(sql).await.expect("a statement");
    let plan = frame.create_physical_plan().await.expect("a plan");
    (context, plan)
}

const ENDLESS: &str = "generate_series(1, 10000000000)";

/// The same rows, and a plan that reads as before.
#[rstest]
#[case("SELECT 1")]
#[case(
    "SELECT a.value FROM generate_series(1, 9) a JOIN generate_series(5, 20) b ON a.value = b.value ORDER BY 1"
)]
#[case(
    "SELECT a.value FROM generate_series(1, 9) a JOIN generate_series(5, 20) b ON a.value + 1 < b.value ORDER BY 1, b.value LIMIT 7"
)]
#[case(
    "SELECT value FROM generate_series(1, 9) a WHERE EXISTS (SELECT 1 FROM generate_series(5, 20) b WHERE a.value = b.value) ORDER BY 1"
)]
#[case(
    "SELECT value FROM generate_series(1, 9) a WHERE value NOT IN (SELECT value FROM generate_series(5, 20)) ORDER BY 1"
)]
#[case(
    "SELECT value FROM generate_series(1, 9) a WHERE NOT EXISTS (SELECT 1 FROM generate_series(5, 20) b WHERE a.value > b.value) ORDER BY 1"
)]
#[case(
    "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t, generate_series(1, 2) WHERE n < 5) SELECT n, count(*) FROM t GROUP BY n ORDER BY n"
)]
#[case("SELECT value, sum(value) OVER (ORDER BY value) FROM generate_series(1, 9) ORDER BY 1")]
#[tokio::test]
async fn a_watched_plan_is_the_same(#[case] sql: &str) {
    let (context, unwatched) = plan(sql).await;
    // Another one: what its nodes tell each other on the way they tell once.
    let (_, watched) = plan(sql).await;
    let watched = Interrupt::default().watch(watched).expect("watched");
    let text = |plan: &dyn ExecutionPlan| displayable(plan).indent(true).to_string();
    assert_eq!(text(watched.as_ref()), text(unwatched.as_ref()));

    let rows = collect(unwatched, context.task_ctx()).await.expect("rows");
    let same = collect(watched, context.task_ctx()).await.expect("rows");
    let print = datafusion::arrow::util::pretty::pretty_format_batches;
    assert_eq!(
        print(&rows).expect("printed").to_string(),
        print(&same).expect("printed").to_string()
    );
}

/// Plans that work for hours, most of them without a pause.
#[rstest]
#[case::nested_loops(format!("SELECT count(*) FROM generate_series(1, 2000000) a JOIN {ENDLESS} b ON a.value + b.value < 0"))]
#[case::nested_loops_that_look(format!("SELECT count(*) FROM generate_series(1, 2000000) a WHERE EXISTS (SELECT 1 FROM {ENDLESS} b WHERE a.value + b.value < 0)"))]
#[case::product(format!("SELECT count(a.value + b.value) FROM generate_series(1, 2000000) a, {ENDLESS} b"))]
#[case::equal_keys("SELECT count(*) FROM (SELECT value % 2 k, value v FROM generate_series(1, 1000000)) a JOIN (SELECT value % 2 k, value v FROM generate_series(1, 1000000)) b ON a.k = b.k AND a.v + b.v < 0".to_owned())]
#[case::equal_keys_that_look("SELECT count(*) FROM (SELECT value % 2 k FROM generate_series(1, 1000000)) a WHERE EXISTS (SELECT 1 FROM (SELECT value % 2 k FROM generate_series(1, 1000000)) b WHERE a.k = b.k)".to_owned())]
#[case::recursion("WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT 1 FROM t) SELECT count(*) FROM t".to_owned())]
#[case::unnest(format!("SELECT count(*) FROM (SELECT unnest(range(value - value, 1000)) FROM {ENDLESS})"))]
#[case::groups(format!("SELECT max(n) FROM (SELECT value % 10 k, count(*) n FROM {ENDLESS} GROUP BY k)"))]
#[case::window(format!("SELECT max(n) FROM (SELECT sum(value) OVER (ORDER BY value) n FROM {ENDLESS})"))]
#[case::order(format!("SELECT value FROM {ENDLESS} ORDER BY value % 1000 LIMIT 10"))]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_ends_when_it_is_told_to(#[case] sql: String) {
    let (context, plan) = plan(&sql).await;
    let interrupt = Interrupt::default();
    let watched = interrupt.watch(plan).expect("watched");
    let work = tokio::spawn(collect(watched, context.task_ctx()));
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert!(!work.is_finished(), "it works for hours");

    let told = Instant::now();
    interrupt.set(Reason::Cancelled);
    let ended = tokio::time::timeout(Duration::from_secs(5), work).await;
    let ended = ended.expect("soon").expect("no panic");
    println!("ended after {:?}", told.elapsed());
    let error = ended.expect_err("it has no rows").to_string();
    assert!(error.contains("cancelled"), "{error}");
}

#[test]
fn the_first_reason_stays() {
    let interrupt = Interrupt::default();
    assert_eq!(interrupt.reason(), None);
    interrupt.check().expect("it goes on");
    interrupt.set(Reason::Memory);
    interrupt.clone().set(Reason::Cancelled);
    assert_eq!(interrupt.reason(), Some(Reason::Memory));
    assert!(interrupt.check().is_err());
}
