use std::cmp::Ordering;

use super::*;
use crate::report::request::MOST_ROWS;
use crate::report::shape::tests::watching;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::json::ReaderBuilder;
use datafusion::datasource::MemTable;
use datafusion::prelude::SessionContext;
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

fn runtime() -> Runtime {
    Builder::new_current_thread()
        .build()
        .expect("a runtime without drivers")
}

fn batch(columns: &SchemaRef, rows: &[Value]) -> RecordBatch {
    let reader = ReaderBuilder::new(Arc::clone(columns)).build_decoder();
    let mut decoder = reader.expect("a decoder");
    decoder.serialize(rows).expect("rows fit the columns");
    let batch = decoder.flush().expect("rows fit the columns");
    batch.unwrap_or_else(|| RecordBatch::new_empty(Arc::clone(columns)))
}

/// The rows as a table whose partitions and batches are in no order.
fn table(rows: &[Value]) -> Arc<dyn TableProvider> {
    let columns = watching().0;
    let (one, other): (Vec<_>, Vec<_>) = rows
        .chunks(3)
        .map(|rows| batch(&columns, rows))
        .enumerate()
        .partition(|(index, _)| index % 2 == 0);
    let batches = |part: Vec<(usize, RecordBatch)>| part.into_iter().map(|(_, batch)| batch);
    let parts = vec![batches(one).rev().collect(), batches(other).collect()];
    Arc::new(MemTable::try_new(columns, parts).expect("a table"))
}

async fn page(rows: &Arc<dyn TableProvider>, query: &str) -> Page {
    try_page(rows, query).await.expect("a page")
}

async fn try_page(rows: &Arc<dyn TableProvider>, query: &str) -> Result<Page, Error> {
    let columns = watching();
    let shape = columns.shape();
    let request = Request::parse(query, &shape, MOST_ROWS).expect("a request");
    let plan = plan(Arc::clone(rows), &shape, &request).expect("a plan");
    let context = SessionContext::new();
    let frame = context.execute_logical_plan(plan).await.expect("a frame");
    let rows = frame.execute_stream().await.expect("a stream");
    collect(rows, &shape, &request, 1 << 20).await
}

/// All pages of a question, one after the other.
async fn pages(rows: &Arc<dyn TableProvider>, query: &str) -> RecordBatch {
    let mut cursor = String::new();
    let mut all = Vec::new();
    loop {
        let page = page(rows, &format!("{query}{cursor}")).await;
        all.push(page.rows);
        match page.next {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    concat_batches(&all[0].schema(), &all).expect("equal columns")
}

/// Row by row, the values of some columns.
fn values(rows: &RecordBatch, columns: &[&str]) -> Vec<Vec<ScalarValue>> {
    let value = |row: usize, column: &str| {
        let values = rows.column_by_name(column).expect("a column");
        ScalarValue::try_from_array(values, row).expect("a value")
    };
    (0..rows.num_rows())
        .map(|row| columns.iter().map(|column| value(row, column)).collect())
        .collect()
}

fn some_rows() -> Vec<Value> {
    vec![
        json!({"section": "a", "student": 1, "day": "2026-09-14", "seconds": 1.5, "done": true}),
        json!({"section": "a", "student": 2, "day": "2026-09-15", "seconds": 2.5, "done": false}),
        json!({"section": "b", "student": 1, "day": null, "seconds": null, "done": null}),
        json!({"section": "b", "student": 2, "at": "2026-09-14T10:00:00Z", "tags": ["x"]}),
        json!({"section": null, "student": 1, "at": "2026-09-14T11:00:00Z", "seconds": 1.5}),
    ]
}

#[rstest]
#[case("", &[Some("a"), Some("a"), Some("b"), Some("b"), None], &[1, 2, 1, 2, 1])]
#[case("section=b", &[Some("b"), Some("b")], &[1, 2])]
#[case("section=", &[None], &[1])]
#[case("section=&section=a&student=1", &[Some("a"), None], &[1, 1])]
#[case("student_from=2", &[Some("a"), Some("b")], &[2, 2])]
#[case("section_from=aa", &[Some("b"), Some("b")], &[1, 2])]
#[case("day=2026-09-15", &[Some("a")], &[2])]
#[case("day_to=2026-09-14", &[Some("a")], &[1])]
#[case("day=", &[Some("b"), Some("b"), None], &[1, 2, 1])]
#[case("seconds=1.5", &[Some("a"), None], &[1, 1])]
#[case("seconds_from=1.5&seconds_to=1.5&section=a", &[Some("a")], &[1])]
#[case("done=false", &[Some("a")], &[2])]
#[case("done=true&done=", &[Some("a"), Some("b"), Some("b"), None], &[1, 1, 2, 1])]
#[case("at_from=2026-09-14T13:00:00%2B02:00", &[None], &[1])]
#[case("at_to=2026-09-14T10:00:00Z", &[Some("b")], &[2])]
#[case("tags=&student=2", &[Some("a")], &[2])]
#[case("section=a%27%20OR%20true", &[], &[])]
#[case("order=-student,section", &[Some("a"), Some("b"), Some("a"), Some("b"), None], &[2, 2, 1, 1, 1])]
#[case("order=-seconds", &[Some("a"), Some("a"), None, Some("b"), Some("b")], &[2, 1, 1, 1, 2])]
#[case("order=seconds", &[Some("a"), None, Some("a"), Some("b"), Some("b")], &[1, 1, 2, 1, 2])]
fn pages_hold_what_is_asked_for_in_order(
    #[case] query: &str,
    #[case] sections: &[Option<&str>],
    #[case] students: &[i64],
) {
    let rows = table(&some_rows());
    let found = runtime().block_on(page(&rows, query));
    let expected: Vec<Vec<ScalarValue>> = sections
        .iter()
        .zip(students)
        .map(|(section, student)| {
            let section = ScalarValue::Utf8(section.map(str::to_owned));
            vec![section, ScalarValue::Int64(Some(*student))]
        })
        .collect();
    assert_eq!(values(&found.rows, &["section", "student"]), expected);
    assert_eq!(found.next, None);
}

#[test]
fn the_columns_of_the_order_need_not_be_shown() {
    let rows = table(&some_rows());
    let found = runtime().block_on(pages(&rows, "columns=done,day&order=-at&limit=2"));
    let fields = found.schema();
    let names: Vec<&str> = fields.fields().iter().map(|f| f.name().as_str()).collect();
    assert_eq!(names, ["done", "day"]);
    assert_eq!(found.num_rows(), 5);
}

#[test]
fn pages_end_at_rows_whose_keys_fit_into_a_cursor() {
    let row = |section: String| json!({"section": section, "student": 1});
    let long = |first: &str| row(first.to_owned() + &"x".repeat(5_000));
    let rows = [
        row("a".into()),
        long("b"),
        long("c"),
        long("d"),
        row("e".into()),
    ];
    let rows = table(&rows);
    let first = runtime().block_on(page(&rows, "limit=4"));
    assert_eq!(first.rows.num_rows(), 1);
    let all = runtime().block_on(pages(&rows, "limit=4"));
    assert_eq!(all.num_rows(), 5);

    let next = first.next.expect("a cursor");
    let refused = runtime().block_on(try_page(&rows, &format!("limit=2&cursor={next}")));
    let refused = refused.expect_err("two rows, both too long");
    assert_eq!(refused.code(), "result_too_large");
}

const SORTABLE: [&str; 6] = ["section", "student", "day", "seconds", "done", "at"];

/// Rows of which no two have the same section and student, with values missing
/// everywhere.
fn any_rows() -> impl Strategy<Value = Vec<Value>> {
    let row = (
        0..4_u8,
        prop::option::of(0..3_u8),
        prop::option::of(prop::sample::select(vec![-0.0, 0.0, 0.1, 0.3, 1e300])),
        prop::option::of(any::<bool>()),
        prop::option::of(0..3_u8),
    );
    prop::collection::vec(row, 0..40).prop_map(|rows| {
        let rows = rows.into_iter().enumerate();
        rows.map(|(index, (section, day, seconds, done, minute))| {
            json!({
                "section": (section < 3).then(|| format!("s{section}")),
                "student": (index > 0).then_some(index),
                "day": day.map(|day| format!("2026-09-1{day}")),
                "seconds": seconds,
                "done": done,
                "at": minute.map(|minute| format!("2026-09-14T10:0{minute}:00Z")),
            })
        })
        .collect()
    })
}

/// Missing values last, in either direction.
fn compare(one: &ScalarValue, other: &ScalarValue, descending: bool) -> Ordering {
    match (one.is_null(), other.is_null()) {
        (false, false) => {
            let ordering = match (one, other) {
                // Of the two zeros neither comes first.
                (ScalarValue::Float64(one), ScalarValue::Float64(other)) => one.partial_cmp(other),
                _ => one.partial_cmp(other),
            };
            let ordering = ordering.expect("of one type, and numbers");
            if descending {
                ordering.reverse()
            } else {
                ordering
            }
        }
        (one, other) => one.cmp(&other),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn pages_of_any_size_make_the_same_rows_as_one(
        rows in any_rows(),
        order in prop::collection::vec((prop::sample::select(&SORTABLE[..]), any::<bool>()), 0..4),
        limit in 1..9_usize,
        filter in prop::sample::select(vec!["", "&section=s1&section=", "&seconds_from=0.1"]),
    ) {
        let table = table(&rows);
        let sign = |descending: &bool| if *descending { "-" } else { "" };
        let keys: Vec<String> = order
            .iter()
            .map(|(name, descending)| format!("{}{name}", sign(descending)))
            .collect();
        let order_by = match keys.is_empty() {
            true => String::new(),
            false => format!("&order={}", keys.join(",")),
        };
        let question = format!("{filter}{order_by}");
        let runtime = runtime();
        let whole = runtime.block_on(page(&table, question.trim_start_matches('&')));
        let paged = runtime.block_on(pages(&table, &format!("limit={limit}{question}")));
        prop_assert_eq!(whole.next, None);
        prop_assert_eq!(&whole.rows, &paged);
        if filter.is_empty() {
            prop_assert_eq!(paged.num_rows(), rows.len());
        }

        let keys = order.into_iter().chain([("section", false), ("student", false)]);
        let (names, directions): (Vec<&str>, Vec<bool>) = keys.unzip();
        let found = values(&paged, &names);
        for pair in found.windows(2) {
            let compared = pair[0].iter().zip(&pair[1]).zip(&directions);
            let ordering = compared
                .map(|((one, other), descending)| compare(one, other, *descending))
                .find(|ordering| ordering.is_ne());
            prop_assert_eq!(ordering, Some(Ordering::Less));
        }
    }
}
