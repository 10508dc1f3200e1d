use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use datafusion::arrow::array::{BooleanArray, Int64Array, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::arrow::util::pretty::pretty_format_batches;
use datafusion::catalog::MemTable;
use datafusion::common::cast::as_string_array;
use datafusion::logical_expr::{ColumnarValue, Volatility, create_udf};
use datafusion::physical_plan::collect;
use datafusion::prelude::{SessionConfig, SessionContext, col, lit};
use rstest::rstest;

use super::barrier::Warrant;
use super::secured::{Mask, Secured};
use super::verify::verify;

fn warrant(byte: u8) -> Warrant {
    Warrant::new([byte; 32])
}

/// Two rows of one school, and two of another that are nobody's business. The notes of
/// the former are numbers.
fn rows() -> RecordBatch {
    let columns = Schema::new(vec![
        Field::new("school", DataType::Utf8, false),
        Field::new("note", DataType::Utf8, true),
        Field::new("score", DataType::Int64, true),
        Field::new("name", DataType::Utf8, true),
    ]);
    let schools = StringArray::from(vec!["west", "high", "west", "high"]);
    let notes = StringArray::from(vec!["SECRET-0", "1", "SECRET-1", "2"]);
    let scores = Int64Array::from(vec![0, 5, 0, 7]);
    let names = StringArray::from(vec!["SECRET-A", "SECRET-B", "SECRET-C", "SECRET-D"]);
    RecordBatch::try_new(
        Arc::new(columns),
        vec![
            Arc::new(schools),
            Arc::new(notes),
            Arc::new(scores),
            Arc::new(names),
        ],
    )
    .expect("rows")
}

/// What a function has seen that passes its argument on.
type Seen = Arc<Mutex<BTreeSet<String>>>;

/// A session with the rows of the high school, without names; and all that a function
/// sees there.
fn session(warrant: Warrant) -> (SessionContext, Seen) {
    let config = SessionConfig::new().with_target_partitions(2);
    let context = SessionContext::new_with_config(config);
    let batch = rows();
    let parts = vec![vec![batch.slice(0, 2)], vec![batch.slice(2, 2)]];
    let table = MemTable::try_new(batch.schema(), parts).expect("a table");
    let masks = vec![None, None, None, Some(Mask::Null)];
    let condition = col("school").eq(lit("high"));
    let secured = Secured::new(Arc::new(table), condition, masks, warrant);
    context
        .register_table("t", Arc::new(secured))
        .expect("registered");
    let seen = Seen::default();
    let told = Arc::clone(&seen);
    let leak = create_udf(
        "f_leak",
        vec![DataType::Utf8],
        DataType::Boolean,
        Volatility::Immutable,
        Arc::new(move |arguments: &[ColumnarValue]| {
            let arrays = ColumnarValue::values_to_arrays(arguments)?;
            let texts = as_string_array(&arrays[0])?;
            let mut seen = told.lock().expect("nobody panics");
            seen.extend(texts.iter().flatten().map(str::to_owned));
            let yes: BooleanArray = texts.iter().map(|_| Some(true)).collect();
            Ok(ColumnarValue::Array(Arc::new(yes)))
        }),
    );
    context.register_udf(leak);
    (context, seen)
}

async fn ask(context: &SessionContext, sql: &str) -> Result<String, String> {
    let told = |error: datafusion::error::DataFusionError| error.to_string();
    let rows = context.sql(sql).await.map_err(told)?;
    let rows = rows.collect().await.map_err(told)?;
    Ok(pretty_format_batches(&rows).expect("texts").to_string())
}

#[rstest]
#[case::condition("SELECT * FROM t WHERE f_leak(note)")]
#[case::beside_another("SELECT * FROM t WHERE f_leak(note) AND score > 1 AND school = 'west'")]
#[case::either("SELECT * FROM t WHERE score > 100 OR f_leak(note)")]
#[case::projection("SELECT f_leak(note), f_leak(name) FROM t")]
#[case::hidden("SELECT * FROM t WHERE f_leak(name)")]
#[case::aggregate("SELECT count(*) FILTER (WHERE f_leak(note)) FROM t")]
#[case::group("SELECT f_leak(note), count(*) FROM t GROUP BY 1 HAVING f_leak(min(note))")]
#[case::order("SELECT note FROM t ORDER BY f_leak(note), note LIMIT 1")]
#[case::join(
    "SELECT * FROM t a JOIN t b ON a.note = b.note AND f_leak(a.note) WHERE f_leak(b.name)"
)]
#[case::outer("SELECT * FROM t a LEFT JOIN t b ON f_leak(b.note) AND a.score = b.score")]
#[case::within("SELECT * FROM t WHERE note IN (SELECT note FROM t WHERE f_leak(note))")]
#[case::exists(
    "SELECT * FROM t a WHERE EXISTS (SELECT 1 FROM t b WHERE f_leak(b.note) AND a.score < b.score)"
)]
#[case::union("SELECT note FROM t WHERE f_leak(note) UNION SELECT name FROM t WHERE f_leak(name)")]
#[case::with("WITH a AS (SELECT * FROM t) SELECT * FROM a WHERE f_leak(note)")]
#[case::window("SELECT sum(score) OVER (PARTITION BY f_leak(note)) FROM t")]
#[case::case("SELECT CASE WHEN f_leak(note) THEN 1 END FROM t WHERE school <> 'high'")]
#[case::limit("SELECT * FROM (SELECT * FROM t LIMIT 9) WHERE f_leak(note)")]
#[tokio::test]
async fn no_function_ever_sees_what_is_not_shown(#[case] sql: &str) {
    let (context, seen) = session(warrant(1));
    let answer = ask(&context, sql).await.expect("an answer");
    assert!(!answer.contains("SECRET"), "{answer}");
    let seen = seen.lock().expect("nobody panics");
    assert!(!seen.iter().any(|text| text.contains("SECRET")), "{seen:?}");
}

#[rstest]
#[case::cast("SELECT count(*) AS n FROM t WHERE CAST(note AS int) > 0", "2")]
#[case::division("SELECT count(*) AS n FROM t WHERE 1 / score < 1", "2")]
#[case::of_hidden("SELECT count(*) AS n FROM t WHERE name = 'SECRET-B'", "0")]
#[case::grouped("SELECT max(CAST(note AS int)) AS n FROM t", "2")]
#[case::least("SELECT min(score) AS n FROM t", "5")]
#[case::all("SELECT count(*) AS n FROM t", "2")]
#[case::of_null("SELECT count(to_timestamp(name)) AS n FROM t", "0")]
#[case::limited("SELECT count(*) AS n FROM (SELECT * FROM t LIMIT 1)", "1")]
#[case::nothing("SELECT count(*) AS n FROM t WHERE school = 'west'", "0")]
#[tokio::test]
async fn no_failure_and_no_figure_tells_of_what_is_not_shown(
    #[case] sql: &str,
    #[case] expected: &str,
) {
    let (context, _) = session(warrant(1));
    let answer = ask(&context, sql).await.expect("an answer");
    let rows: Vec<&str> = answer.lines().collect();
    assert_eq!(rows[3].trim_matches(['|', ' ']), expected, "{answer}");
}

#[tokio::test]
async fn a_plan_runs_only_behind_barriers_of_its_own() {
    let (context, _) = session(warrant(1));
    let plan = |sql: &'static str| {
        let context = context.clone();
        async move {
            let rows = context.sql(sql).await.expect("a plan");
            rows.create_physical_plan().await.expect("a plan")
        }
    };
    let joined = plan("SELECT count(*) FROM t a JOIN t b USING (score) WHERE a.note > '1'").await;
    assert!(verify(&joined, warrant(1), false).is_ok());
    assert!(verify(&joined, warrant(2), false).is_err());
    assert!(verify(&plan("SELECT 1").await, warrant(2), false).is_ok());
    let recursive = "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 3) \
                     SELECT * FROM n";
    assert!(verify(&plan(recursive).await, warrant(2), false).is_ok());

    let values = plan("SELECT * FROM t JOIN (VALUES (5)) v (score) USING (score)").await;
    assert!(verify(&values, warrant(1), true).is_ok());
    assert!(verify(&values, warrant(1), false).is_err());

    let bare = MemTable::try_new(rows().schema(), vec![vec![rows()]]).expect("a table");
    context
        .register_table("bare", Arc::new(bare))
        .expect("registered");
    for sql in [
        "SELECT * FROM bare",
        "SELECT * FROM t JOIN bare USING (score)",
        "SELECT * FROM t WHERE score IN (SELECT score FROM bare)",
        "SELECT note FROM t UNION ALL SELECT note FROM bare",
    ] {
        assert!(
            verify(&plan(sql).await, warrant(1), false).is_err(),
            "{sql}"
        );
    }
    let rows = collect(joined, context.task_ctx()).await.expect("rows");
    assert_eq!(rows.iter().map(RecordBatch::num_rows).sum::<usize>(), 1);
}

#[tokio::test]
async fn what_is_hidden_is_not_even_read() {
    let (context, _) = session(warrant(1));
    let rows = context.sql("SELECT name, note FROM t").await;
    let plan = rows.expect("a plan").create_physical_plan().await;
    let plan = plan.expect("a plan");
    let mut leaf = &plan;
    while let Some(below) = leaf.children().first().copied() {
        leaf = below;
    }
    let read: Vec<_> = leaf
        .schema()
        .fields()
        .iter()
        .map(|column| column.name().clone())
        .collect();
    assert_eq!(read, ["note", "school"]);
}
