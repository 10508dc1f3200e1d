//! The four formats.

use std::io::Cursor;

use axum::http::header;
use datafusion::arrow::array::{Array, AsArray};
use datafusion::arrow::datatypes::{DataType, Int64Type};
use datafusion::arrow::ipc::reader::StreamReader;
use rstest::rstest;
use serde_json::{Value, json};

use crate::school::School;

const CSV: &str = "text/csv";
const NDJSON: &str = "application/x-ndjson";
const ARROW: &str = "application/vnd.apache.arrow.stream";

const MIXED: &str = "SELECT * FROM (VALUES \
     (9007199254740993, 'a,\"b\"', CAST(1.10 AS decimal(5,2)), true, [1, NULL], \
      arrow_cast('2026-09-14T10:00:00.5', 'Timestamp(Microsecond, Some(\"UTC\"))'), \
      CAST('NaN' AS double), decode('00ff', 'hex')), \
     (NULL, '', NULL, NULL, NULL, NULL, NULL, NULL)) \
     AS v(big, text, money, yes, list, at, float, bin)";

#[tokio::test]
async fn json_keeps_digits_names_types_and_counts() {
    let school = School::new().await;
    let answer = school.ask("north", MIXED).await;
    assert_eq!(answer.headers[header::CONTENT_TYPE], "application/json");
    assert_eq!(answer.headers["chalkline-row-count"], "2");
    assert!(answer.text().contains("9007199254740993"));
    let mut body = answer.json();
    assert_eq!(
        body["columns"].take(),
        json!([
            {"name": "big", "type": "bigint"},
            {"name": "text", "type": "text"},
            {"name": "money", "type": "decimal(5,2)"},
            {"name": "yes", "type": "boolean"},
            {"name": "list", "type": "bigint[]"},
            {"name": "at", "type": "timestamp with time zone"},
            {"name": "float", "type": "double"},
            {"name": "bin", "type": "binary"},
        ])
    );
    assert_eq!(
        body["rows"][0],
        json!({
            "big": 9007199254740993_i64, "text": "a,\"b\"", "money": 1.10, "yes": true,
            "list": [1, null], "at": "2026-09-14T10:00:00.500Z", "float": null, "bin": "AP8=",
        })
    );
    assert!(answer.text().contains("\"money\":1.10"));
}

#[tokio::test]
async fn csv_is_rfc_4180() {
    let school = School::new().await;
    let answer = school.ask_for(CSV, MIXED).await;
    assert_eq!(
        answer.text(),
        "big,text,money,yes,list,at,float,bin\r\n\
         9007199254740993,\"a,\"\"b\"\"\",1.10,true,\"[1,null]\",2026-09-14T10:00:00.500Z,NaN,AP8=\r\n\
         ,,,,,,,\r\n"
    );
    let nothing = school.ask_for(CSV, "SELECT 1 AS one WHERE false").await;
    assert_eq!(nothing.text(), "one\r\n");
    assert_eq!(nothing.headers["chalkline-row-count"], "0");
}

#[tokio::test]
async fn ndjson_has_a_row_a_line() {
    let school = School::new().await;
    let answer = school.ask_for(NDJSON, MIXED).await;
    let lines: Vec<Value> = answer
        .text()
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["list"], json!([1, null]));
    assert_eq!(lines[1]["big"], json!(null));
    assert_eq!(
        answer.headers["chalkline-data-as-of"],
        "2026-09-14T11:59:20Z"
    );
}

#[tokio::test]
async fn arrow_reads_back_in_plain_types() {
    let school = School::new().await;
    let sql = "SELECT section_id, sum(count) AS clicks FROM clickstream \
               WHERE section_id IS NOT NULL GROUP BY section_id ORDER BY section_id";
    let answer = school.ask_for(ARROW, sql).await;
    let reader = StreamReader::try_new(Cursor::new(answer.body.as_ref()), None).expect("a stream");
    assert_eq!(reader.schema().field(0).data_type(), &DataType::Utf8);
    let batches: Vec<_> = reader.collect::<Result<_, _>>().expect("batches");
    let [batch] = batches.as_slice() else {
        panic!("{batches:?}");
    };
    assert_eq!(batch.column(0).as_string::<i32>().value(1), "bio-101-04");
    assert_eq!(batch.column(1).as_primitive::<Int64Type>().value(0), 4);

    let nothing = school.ask_for(ARROW, "SELECT 1 AS one WHERE false").await;
    let reader = StreamReader::try_new(Cursor::new(nothing.body.as_ref()), None).expect("a stream");
    assert_eq!(reader.count(), 0);
    let all = school.ask_for(ARROW, "SELECT * FROM clickstream").await;
    let mut reader = StreamReader::try_new(Cursor::new(all.body.as_ref()), None).expect("a stream");
    let batch = reader.next().expect("one").expect("a batch");
    assert!(
        batch
            .columns()
            .iter()
            .all(|column| !column.data_type().equals_datatype(&DataType::Utf8View))
    );
}

#[tokio::test]
async fn long_answers_are_streamed_whole() {
    let school = School::new().await;
    let sql = "SELECT value AS n FROM generate_series(1, 200000)";
    for accept in [CSV, NDJSON] {
        let answer = school.ask_for(accept, sql).await;
        assert!(!answer.headers.contains_key("chalkline-row-count"));
        let extra = usize::from(accept == CSV);
        assert_eq!(answer.text().lines().count(), 200_000 + extra);
    }
    let answer = school.ask_for(ARROW, sql).await;
    let reader = StreamReader::try_new(Cursor::new(answer.body.as_ref()), None).expect("a stream");
    let rows: usize = reader.map(|batch| batch.expect("a batch").num_rows()).sum();
    assert_eq!(rows, 200_000);
}

#[tokio::test]
async fn equal_names_are_made_unique() {
    let school = School::new().await;
    let sql = "SELECT a.event_id, b.event_id FROM video a JOIN video b ON a.event_id = b.event_id";
    let rows = school.ask("north", sql).await.rows();
    assert_eq!(
        rows,
        json!([{"event_id": "event-2", "event_id_2": "event-2"}])
    );
}

#[tokio::test]
async fn integers_that_run_over_are_an_error_and_no_wrong_number() {
    let school = School::new().await;
    let most = "(VALUES (9223372036854775807), (1)) AS t(x)";
    for sql in [
        "SELECT 9223372036854775807 + 1".to_owned(),
        "SELECT -9223372036854775807 - 2".to_owned(),
        "SELECT CAST(2147483647 AS int) + CAST(1 AS int)".to_owned(),
        "SELECT -(-9223372036854775807 - 1)".to_owned(),
        "SELECT abs(-9223372036854775807 - 1)".to_owned(),
        format!("SELECT x + 1 FROM {most}"),
        format!("SELECT x * 2 AS y FROM {most}"),
        format!("SELECT count(*) FROM {most} WHERE x + 1 > 5"),
        format!("SELECT sum(x) FROM {most}"),
        format!("SELECT sum(DISTINCT x) FROM {most}"),
        format!("SELECT x > 0, sum(x) FROM {most} GROUP BY 1"),
        format!("SELECT sum(x + 1) FROM {most}"),
        format!("SELECT sum(x) OVER () FROM {most}"),
        format!("SELECT sum(x) OVER (ORDER BY x ROWS 1 PRECEDING) FROM {most}"),
    ] {
        let answer = school.ask("north", &sql).await;
        assert_eq!(answer.status, 400, "{sql}\n{}", answer.text());
        assert_eq!(
            answer.json()["code"],
            "query_failed",
            "{sql}\n{}",
            answer.text()
        );
    }
    // What is large on the way may be small at the end.
    let values = "(VALUES (9223372036854775807), (-9), (9), (NULL)) AS t(x) WHERE x <> 9";
    let sql = "SELECT sum(x) AS s, sum(x) FILTER (WHERE x > 0) AS f, count(*) + 1 AS n FROM";
    let rows = school.ask("north", &format!("{sql} {values}")).await.rows();
    let expected = json!([{"s": 9223372036854775798_i64, "f": i64::MAX, "n": 3}]);
    assert_eq!(rows, expected);
    let sql = "SELECT sum(x) AS s FROM (VALUES (9223372036854775807), (1), (-5)) AS t(x)";
    assert_eq!(
        school.ask("north", sql).await.rows(),
        json!([{"s": 9223372036854775803_i64}])
    );
}

#[tokio::test]
async fn a_second_column_of_a_name_gets_a_number() {
    let school = School::new().await;
    let row = school
        .ask("north", "SELECT 1 AS a, 2 AS a, 3 AS a")
        .await
        .rows();
    assert_eq!(row, json!([{"a": 1, "a_2": 2, "a_3": 3}]));
}

#[tokio::test]
async fn a_member_of_extra_is_read_by_a_pattern() {
    let school = School::new().await;
    let sql = r#"SELECT regexp_match(extra, '"mood":"([^"]*)"')[1] AS mood
                 FROM (VALUES ('{"data":{"depth":3,"mood":"calm"}}'), ('{}')) AS t(extra)"#;
    let rows = school.ask("north", sql).await.rows();
    assert_eq!(rows, json!([{"mood": "calm"}, {"mood": null}]));
}

#[rstest]
#[case("to_timestamp(t)", "2026-09-14T10:00:00Z")]
#[case("to_timestamp_seconds(t)", "2026-09-14T10:00:00Z")]
#[case("to_timestamp_millis(t)", "2026-09-14T10:00:00Z")]
#[case("to_timestamp_micros(t)", "2026-09-14T10:00:00Z")]
#[case("to_timestamp_nanos(t)", "2026-09-14T10:00:00Z")]
#[case("to_timestamp(t, '%Y-%m-%dT%H:%M:%S')", "2026-09-14T10:00:00Z")]
#[case("to_timestamp(length(t))", "1970-01-01T00:00:19Z")]
#[tokio::test]
async fn columns_of_texts_become_times(#[case] time: &str, #[case] expected: &str) {
    let school = School::new().await;
    let texts = "(VALUES ('2026-09-14T10:00:00'), (NULL)) AS v(t)";
    let sql = format!("SELECT {time} AS at FROM {texts} ORDER BY t");
    let rows = school.ask("north", &sql).await.rows();
    assert_eq!(rows, json!([{"at": expected}, {"at": null}]), "{sql}");
}
