use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::extract::State as Shared;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::{Json, Router, routing::post};
use flate2::read::GzDecoder;
use serde_json::{Value, json};

use super::*;
use crate::oulad::{CLICKS, CourseStarts, Oulad};

/// A front door that keeps what it takes and can be told to have trouble.
#[derive(Clone, Default)]
struct Door(Arc<Mutex<Inside>>);

#[derive(Default)]
struct Inside {
    events: Vec<Value>,
    requests: usize,
    busy: usize,
    refuse_after: Option<usize>,
    rejected_content: Option<&'static str>,
    retry_content: Option<&'static str>,
}

async fn take(Shared(door): Shared<Door>, body: axum::body::Bytes) -> Response {
    let mut inside = door.0.lock().expect("no test panics in here");
    inside.requests += 1;
    if inside.busy > 0 {
        inside.busy -= 1;
        let headers = [(header::RETRY_AFTER, "0")];
        return (StatusCode::SERVICE_UNAVAILABLE, headers, "{}").into_response();
    }
    if inside.refuse_after == Some(inside.requests) {
        let problem = json!({ "code": "unknown_key", "detail": "it was revoked" });
        return (StatusCode::UNAUTHORIZED, Json(problem)).into_response();
    }
    let text = std::io::read_to_string(GzDecoder::new(&body[..])).expect("gzip");
    let mut results = Vec::new();
    for line in text.lines() {
        let event: Value = serde_json::from_str(line).expect("JSON");
        let content = event["content"].as_str().expect("a content").to_owned();
        if inside.rejected_content == Some(&content) {
            results.push(json!({
                "outcome": "rejected", "code": "wrong_type", "pointer": "/0", "detail": "no"
            }));
        } else if inside.retry_content == Some(&content) {
            inside.retry_content = None;
            results.push(json!({ "outcome": "retry" }));
        } else {
            results.push(json!({ "outcome": "accepted", "id": event["id"] }));
            inside.events.push(event);
        }
    }
    Json(json!({ "results": results })).into_response()
}

impl Door {
    async fn open(&self) -> Client {
        crate::install_crypto();
        let app = Router::new()
            .route("/v1/events", post(take))
            .with_state(self.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        tokio::spawn(async { axum::serve(listener, app).await });
        Client::new(&url, "ck_demo_a_b")
    }

    fn with<T>(&self, change: impl FnOnce(&mut Inside) -> T) -> T {
        change(&mut self.0.lock().expect("no test panics in here"))
    }
}

const ROWS: u64 = 4_500;

fn write_tables(folder: &Path) {
    let mut clicks = "code_module,code_presentation,id_student,id_site,date,sum_click\n".to_owned();
    for row in 1..=ROWS {
        writeln!(clicks, "AAA,2013J,{},{row},0,1", row % 7).expect("text");
    }
    for (table, text) in [
        (
            "assessments",
            "code_module,code_presentation,id_assessment,assessment_type,date,weight\n",
        ),
        (
            "vle",
            "id_site,code_module,code_presentation,activity_type,week_from,week_to\n",
        ),
        (
            "studentAssessment",
            "id_assessment,id_student,date_submitted,is_banked,score\n",
        ),
        (CLICKS, &clicks),
    ] {
        std::fs::write(folder.join(format!("{table}.csv")), text).expect("written");
    }
}

/// Runs an import of the folder with the state it left.
async fn import(folder: &Path, client: &Client) -> anyhow::Result<Summary> {
    let oulad = Oulad::open(folder, CourseStarts::default())?;
    let mut state = State::open(folder.join("state.json"))?;
    run(Arc::new(oulad), client, &mut state, &Progress::new()).await
}

#[tokio::test]
async fn every_row_arrives_and_a_second_run_sends_nothing() {
    let (folder, door) = (tempfile::tempdir().expect("a folder"), Door::default());
    write_tables(folder.path());
    let client = door.open().await;
    let summary = import(folder.path(), &client).await.expect("imported");
    assert_eq!((summary.rows, summary.accepted), (ROWS, ROWS));
    assert_eq!(door.with(|inside| inside.events.len()), 4_500);

    let again = import(folder.path(), &client).await.expect("imported");
    assert_eq!((again.rows, again.skipped_rows), (0, ROWS));
    assert_eq!(door.with(|inside| inside.events.len()), 4_500);
}

#[tokio::test]
async fn a_stopped_import_goes_on_and_sends_the_same_ids() {
    let (folder, door) = (tempfile::tempdir().expect("a folder"), Door::default());
    write_tables(folder.path());
    let client = door.open().await;
    door.with(|inside| inside.refuse_after = Some(2));
    let error = import(folder.path(), &client).await.expect_err("refused");
    assert!(format!("{error:#}").contains("it was revoked"), "{error:#}");

    door.with(|inside| inside.refuse_after = None);
    let summary = import(folder.path(), &client).await.expect("imported");
    assert_eq!(summary.rows + summary.skipped_rows, ROWS);
    // Batches that were on their way when it stopped may have come twice.
    let mut ids = door.with(|inside| {
        let ids = inside.events.iter().map(|event| event["id"].to_string());
        ids.collect::<Vec<_>>()
    });
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len() as u64, ROWS);
}

#[tokio::test]
async fn trouble_is_waited_out_and_only_what_is_open_is_sent_again() {
    let (folder, door) = (tempfile::tempdir().expect("a folder"), Door::default());
    write_tables(folder.path());
    let client = door.open().await;
    door.with(|inside| {
        inside.busy = 3;
        inside.retry_content = Some("17");
    });
    let summary = import(folder.path(), &client).await.expect("imported");
    assert_eq!(summary.accepted, ROWS);
    assert_eq!(door.with(|inside| inside.events.len()), 4_500);
}

#[tokio::test]
async fn rejected_events_are_named_by_row_and_stop_nothing() {
    let (folder, door) = (tempfile::tempdir().expect("a folder"), Door::default());
    write_tables(folder.path());
    let client = door.open().await;
    door.with(|inside| inside.rejected_content = Some("2345"));
    let summary = import(folder.path(), &client).await.expect("imported");
    assert_eq!((summary.accepted, summary.rejected), (ROWS - 1, 1));
    assert_eq!(
        summary.rejections,
        [Rejection {
            table: CLICKS.to_owned(),
            row: 2345,
            code: "wrong_type".to_owned(),
            detail: "no".to_owned(),
        }]
    );
}

#[tokio::test]
async fn another_table_under_the_same_name_begins_again() {
    let (folder, door) = (tempfile::tempdir().expect("a folder"), Door::default());
    write_tables(folder.path());
    let client = door.open().await;
    import(folder.path(), &client).await.expect("imported");
    let path = folder.path().join(format!("{CLICKS}.csv"));
    let shorter = std::fs::read_to_string(&path).expect("text");
    let shorter: Vec<_> = shorter.lines().take(11).collect();
    std::fs::write(&path, shorter.join("\n")).expect("written");
    let summary = import(folder.path(), &client).await.expect("imported");
    assert_eq!((summary.rows, summary.skipped_rows), (10, 0));
}
