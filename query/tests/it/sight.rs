//! What a tenant sees: its own, the newest, and all of it.

use axum::body::Body;
use axum::http::{Request, header};
use serde_json::json;

use crate::school::{ASSESSMENT, CLICKSTREAM, School, event, token};

#[tokio::test]
async fn tenants_see_only_their_own_rows() {
    let school = School::new().await;
    let sql = "SELECT count(*) AS n, count(url) AS urls FROM clickstream";
    assert_eq!(
        school.ask("north", sql).await.rows(),
        json!([{"n": 4, "urls": 0}])
    );
    assert_eq!(
        school.ask("south", sql).await.rows(),
        json!([{"n": 1, "urls": 1}])
    );
    assert_eq!(
        school.ask("new", sql).await.rows(),
        json!([{"n": 0, "urls": 0}])
    );
    for sql in [
        "SELECT * FROM clickstream",
        "SELECT * FROM information_schema.tables",
        "SELECT * FROM information_schema.columns",
        "SELECT * FROM information_schema.schemata",
        "EXPLAIN VERBOSE SELECT * FROM clickstream",
        "SELECT * FROM ledger",
    ] {
        let answer = school.ask("north", sql).await;
        assert!(!answer.text().contains("south"), "{sql}: {}", answer.text());
    }
}

#[tokio::test]
async fn a_new_tenant_has_every_table_without_rows() {
    let school = School::new().await;
    for table in schemas::Table::all() {
        let answer = school.ask("new", &format!("SELECT * FROM {table}")).await;
        assert_eq!(answer.rows(), json!([]), "{table}");
        let columns = answer.json()["columns"].as_array().map(Vec::len);
        assert_eq!(columns, Some(schemas::columns(table).fields().len()));
    }
    assert_eq!(
        school.ask("new", "SELECT * FROM ledger").await.rows(),
        json!([])
    );
}

#[tokio::test]
async fn an_empty_table_and_a_filled_one_have_the_same_columns() {
    let school = School::new().await;
    for table in schemas::Table::all() {
        let sql = format!("SELECT * FROM {table}");
        let empty = school.ask("new", &sql).await.json();
        let filled = school.ask("north", &sql).await.json();
        assert_eq!(empty["columns"], filled["columns"], "{table}");
    }
}

#[tokio::test]
async fn what_is_published_is_seen_by_the_next_query() {
    let school = School::empty(query::Config::default()).await;
    let sql =
        "SELECT (SELECT count(*) FROM clickstream) AS c, (SELECT count(*) FROM assessment) AS a";
    assert_eq!(
        school.ask("new", sql).await.rows(),
        json!([{"c": 0, "a": 0}])
    );
    for n in 1..4_u64 {
        let row = event(n, "2026-09-14T10:05:00Z", "page.viewed", json!({}));
        school
            .publish("new", CLICKSTREAM, Some("2026-27"), &[row])
            .await;
        assert_eq!(
            school.ask("new", sql).await.rows(),
            json!([{"c": n, "a": n - 1}])
        );
        let row = event(n, "2026-09-14T10:05:00Z", "item.answered", json!({}));
        school
            .publish("new", ASSESSMENT, Some("2026-27"), &[row])
            .await;
        assert_eq!(
            school.ask("new", sql).await.rows(),
            json!([{"c": n, "a": n}])
        );
    }
}

#[tokio::test]
async fn few_tables_are_kept_and_all_can_be_asked() {
    let config = query::Config {
        open_tables: 2,
        ..query::Config::default()
    };
    let school = School::with(config).await;
    for _ in 0..2 {
        let answer = school
            .ask("north", "SELECT count(*) AS n FROM ledger")
            .await;
        assert_eq!(answer.rows(), json!([{"n": 5}]));
        let answer = school
            .ask("south", "SELECT count(*) AS n FROM clickstream")
            .await;
        assert_eq!(answer.rows(), json!([{"n": 1}]));
    }
}

#[tokio::test]
async fn an_answer_says_up_to_when_it_is_complete() {
    let school = School::new().await;
    let answer = school.ask("north", "SELECT 1 AS one").await;
    assert_eq!(answer.json()["data_as_of"], "2026-09-14T11:59:20Z");
    assert_eq!(
        answer.headers["chalkline-data-as-of"],
        "2026-09-14T11:59:20Z"
    );

    let school = School::empty(query::Config::default()).await;
    let answer = school.ask("new", "SELECT 1 AS one").await;
    assert_eq!(answer.json()["data_as_of"], json!(null));
}

#[tokio::test]
async fn tables_are_listed_with_their_columns() {
    let school = School::new().await;
    let request = Request::get("/v1/tables")
        .header(
            header::AUTHORIZATION,
            format!("Bearer {}", token("new", "steward").reveal()),
        )
        .body(Body::empty())
        .expect("a request");
    let listing = school.answer(request).await.json();
    let tables = listing["tables"].as_array().expect("a list");
    let names: Vec<&str> = tables
        .iter()
        .filter_map(|table| table["name"].as_str())
        .collect();
    let views = [
        "disclosures",
        "freshness",
        "ledger",
        "query_audit",
        "slow_queries",
    ];
    let listings = [
        "import_jobs",
        "import_diagnostics",
        "import_sources",
        "admin_audit",
        "column_classes",
    ];
    let expected: Vec<&str> = schemas::Table::all()
        .map(schemas::Table::as_str)
        .chain(views)
        .chain(schemas::Table::rosters().map(schemas::Table::as_str))
        .chain(listings)
        .collect();
    assert_eq!(names, expected);
    assert_eq!(
        tables[0]["columns"][0],
        json!({"name": "event_id", "type": "text", "class": "record"})
    );
    let functions = listing["functions"].as_array().expect("a list");
    let count = functions
        .iter()
        .find(|function| function["name"] == "count")
        .expect("it may be called");
    assert_eq!(count["kind"], "aggregate");
    assert!(count["syntax"].is_string());
    for table in &tables[..schemas::Table::all().count() + views.len()] {
        let name = table["name"].as_str().expect("a name");
        let report = schemas::report(name);
        let description = report.map(|report| report.description.as_str());
        assert_eq!(table["description"].as_str(), description, "{name}");
    }
    let ledger = tables.iter().find(|table| table["name"] == "ledger");
    let ledger = ledger.expect("a view");
    assert_eq!(ledger["type"], "VIEW");
    let columns = ledger["columns"].as_array().expect("columns");
    assert_eq!(
        columns.last(),
        Some(&json!({
            "name": "balanced",
            "type": "boolean",
            "class": "plain",
            "description": "whether the last four add up to accepted and replayed",
        }))
    );
}
