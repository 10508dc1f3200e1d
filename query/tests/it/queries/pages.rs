//! The rows of a submitted query, page by page.

use std::io::Cursor;

use axum::http::header;
use datafusion::arrow::ipc::reader::StreamReader;
use query::Config;
use serde_json::{Value, json};

use crate::school::{CLICKSTREAM, School, event, look, question, token};

const SQL: &str = "SELECT value AS n, 'x' || CAST(value AS text) AS text \
                   FROM generate_series(1, 20000) ORDER BY n";

#[tokio::test]
async fn pages_make_up_the_whole() {
    let school = School::with(Config::default()).await;
    let steward = token("north", "steward");
    let id = school.submit(&steward, SQL).await;
    let query = school.ended(&steward, &id).await;
    assert_eq!(query["status"], "finished", "{query}");
    assert_eq!(query["rows"], 20_000);
    assert!(query["bytes"].as_u64().is_some_and(|bytes| bytes > 0));
    assert_eq!(query["expires_at"], "2026-09-14T13:00:00Z");
    assert_eq!(query["error"], Value::Null);

    let body = json!({ "sql": SQL });
    let whole = school.answer(question(&steward, &body, "*/*")).await.json();
    let mut rows = Vec::new();
    let mut path = format!("/v1/queries/{id}/rows?limit=7000");
    let mut pages = 0;
    loop {
        pages += 1;
        let page = school.answer(look(&steward, &path)).await;
        let document = page.json();
        assert_eq!(document["columns"], whole["columns"]);
        assert_eq!(document["data_as_of"], whole["data_as_of"]);
        assert_eq!(document.get("report"), None);
        rows.extend(document["rows"].as_array().expect("rows").clone());
        let Some(link) = page.headers.get(header::LINK) else {
            assert_eq!(document["next_cursor"], Value::Null);
            break;
        };
        let link = link.to_str().expect("text");
        let next = link.strip_prefix('<').and_then(|link| link.split_once('>'));
        let (next, _) = next.expect("an address");
        let cursor = document["next_cursor"].as_str().expect("a cursor");
        assert!(next.ends_with(&format!("cursor={cursor}")), "{next}");
        path = next.to_owned();
    }
    assert_eq!(pages, 3);
    assert_eq!(Value::Array(rows), whole["rows"]);
}

#[tokio::test]
async fn pages_come_in_every_format() {
    let school = School::with(Config::default()).await;
    let steward = token("north", "steward");
    let sql = "SELECT * FROM clickstream ORDER BY event_id";
    let id = school.submit(&steward, sql).await;
    school.ended(&steward, &id).await;
    for (format, media_type) in [
        ("csv", "text/csv"),
        ("ndjson", "application/x-ndjson"),
        ("arrow", "application/vnd.apache.arrow.stream"),
    ] {
        let body = json!({ "sql": sql });
        let whole = school.answer(question(&steward, &body, media_type)).await;
        let page = school
            .rows_of(&steward, &id, &format!("format={format}"))
            .await;
        assert_eq!(
            page.headers[header::CONTENT_TYPE],
            whole.headers[header::CONTENT_TYPE]
        );
        match format {
            "arrow" => {
                let read = |body: &[u8]| {
                    let reader = StreamReader::try_new(Cursor::new(body.to_vec()), None);
                    let batches = reader.expect("a stream").collect::<Result<Vec<_>, _>>();
                    batches.expect("batches")
                };
                assert_eq!(read(&page.body), read(&whole.body));
            }
            _ => assert_eq!(page.text(), whole.text()),
        }
    }
}

#[tokio::test]
async fn a_result_without_rows_has_its_columns() {
    let school = School::empty(Config::default()).await;
    let steward = token("new", "steward");
    let id = school.submit(&steward, "SELECT 1 AS one WHERE false").await;
    let query = school.ended(&steward, &id).await;
    assert_eq!(
        (&query["status"], &query["rows"]),
        (&json!("finished"), &json!(0))
    );
    let page = school.rows_of(&steward, &id, "").await.json();
    assert_eq!(page["rows"], json!([]));
    assert_eq!(page["columns"], json!([{"name": "one", "type": "bigint"}]));
}

#[tokio::test]
async fn plans_are_kept_as_they_are_shown() {
    let school = School::with(Config::default()).await;
    let researcher = token("north", "researcher");
    let sql = "EXPLAIN SELECT count(*) FROM clickstream";
    let id = school.submit(&researcher, sql).await;
    school.ended(&researcher, &id).await;
    let body = json!({ "sql": sql });
    let shown = school.answer(question(&researcher, &body, "*/*")).await;
    let kept = school.rows_of(&researcher, &id, "").await;
    assert_eq!(kept.rows(), shown.rows());
    assert!(!kept.text().contains("parquet"), "{}", kept.text());
}

#[tokio::test]
async fn what_comes_later_is_not_in_it() {
    let school = School::with(Config::default()).await;
    let steward = token("north", "steward");
    let sql = "SELECT count(*) AS n FROM clickstream";
    let id = school.submit(&steward, sql).await;
    school.ended(&steward, &id).await;
    let before = school.rows_of(&steward, &id, "").await.rows();
    let more = [event(
        11,
        "2026-09-14T11:59:30Z",
        "page.viewed",
        json!({"count": 1}),
    )];
    school
        .publish("north", CLICKSTREAM, Some("2026-27"), &more)
        .await;
    let after = school.ask("north", sql).await.rows();
    assert_ne!(before, after);
    assert_eq!(school.rows_of(&steward, &id, "").await.rows(), before);
}
