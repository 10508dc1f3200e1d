//! What is posted can be asked for.

use std::io::Write as _;

use e2e::{Client, Sandbox, event};
use serde_json::{Value, json};

/// How events can stand in a body, with the content type that says so.
fn shapes(events: &[Value]) -> Vec<(&'static str, Vec<u8>)> {
    let lines: Vec<String> = events.iter().map(Value::to_string).collect();
    vec![
        ("application/json", events[0].to_string().into_bytes()),
        ("application/json", json!(events).to_string().into_bytes()),
        (
            "application/json; charset=utf-8",
            json!({ "events": events }).to_string().into_bytes(),
        ),
        (
            "text/plain;charset=UTF-8",
            json!(events).to_string().into_bytes(),
        ),
        ("application/x-ndjson", lines.join("\n").into_bytes()),
    ]
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

fn encodings(body: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("identity", body.to_vec()),
        ("gzip", gzip(body)),
        ("zstd", zstd::encode_all(body, 1).expect("memory takes it")),
    ]
}

/// Posts in one shape and encoding; how many events were accepted.
async fn post(client: &Client, content_type: &str, encoding: &str, body: Vec<u8>) -> u64 {
    let headers = [
        ("content-type", content_type),
        ("content-encoding", encoding),
    ];
    let reply = client.post_body(&headers, body).await.expect_status(202);
    let answer = reply.json();
    assert_eq!(answer["received"], answer["accepted"], "{answer}");
    answer["accepted"].as_u64().expect("a count")
}

#[tokio::test]
async fn every_type_in_every_shape_and_encoding_reaches_its_table() {
    let sandbox = Sandbox::up().await;
    let mut next = 0;
    for shape in 0..5 {
        for encoding in 0..3 {
            // One event of every type each time.
            let events = event::range(next..next + event::types());
            next += event::types();
            let (content_type, body) = shapes(&events).swap_remove(shape);
            let (encoding, body) = encodings(&body).swap_remove(encoding);
            let accepted = post(&sandbox, content_type, encoding, body).await;
            // A body that is one event leaves the others to be sent.
            assert_eq!(accepted, if shape == 0 { 1 } else { event::types() });
            for rest in events[usize::try_from(accepted).expect("few")..].chunks(100) {
                sandbox.post(rest).await.expect_status(202);
            }
        }
    }
    for table in event::TABLES {
        let expected = (0..next).filter(|n| event::table(*n) == table).count() as u64;
        sandbox.wait_for_count(table, expected).await;
    }
    let types = event::TABLES.map(|table| format!("select event_type from {table}"));
    let types = types.join(" union all ");
    let types = format!("select count(distinct event_type) as n from ({types})");
    assert_eq!(sandbox.value(&types).await, json!(event::types()));
}

#[tokio::test]
async fn a_row_holds_what_was_posted() {
    let sandbox = Sandbox::up().await;
    let posted = json!({
        "id": "0197C3B2-8A5E-7C10-9D55-3F1F6F0C1A02", "type": "video.progressed",
        "time": "2025-09-14T12:00:00.123456+02:00", "actor": "stu-1041", "session": "9f2c",
        "course": "bio-101", "section": "bio-101-03", "content": "bio-101/cell-division",
        "content_version": 3, "context": {"app": "web-lms", "platform": "web", "locale": "en-GB"},
        "data": {"from": 61.0, "to": 76.0, "duration": 412.5, "rate": 1.25,
                 "played_segments": [[0, 12.5], [61, 76]], "progress": 0.07, "quality": "720p"},
        "mood": "curious",
    });
    sandbox.post(&[posted]).await.expect_status(202);
    sandbox.wait_for_count("video", 1).await;
    let row = Value::Object(sandbox.sql("select * from video").await.remove(0));
    for (column, expected) in [
        ("event_id", json!("0197c3b2-8a5e-7c10-9d55-3f1f6f0c1a02")),
        ("event_type", json!("video.progressed")),
        ("type_version", json!(1)),
        ("dialect", json!("native")),
        ("term", json!("2025-26")),
        ("session_id", json!("9f2c")),
        ("course_id", json!("bio-101")),
        ("section_id", json!("bio-101-03")),
        ("content_id", json!("bio-101/cell-division")),
        ("content_version", json!(3)),
        ("app", json!("web-lms")),
        ("platform", json!("web")),
        ("locale", json!("en-GB")),
        ("from_seconds", json!(61.0)),
        ("to_seconds", json!(76.0)),
        ("duration_seconds", json!(412.5)),
        ("rate", json!(1.25)),
        ("progress", json!(0.07)),
    ] {
        assert_eq!(row[column], expected, "{column}");
    }
    let segments = json!([
        {"from_seconds": 0.0, "to_seconds": 12.5}, {"from_seconds": 61.0, "to_seconds": 76.0},
    ]);
    assert_eq!(row["played_segments"], segments);
    let occurred_at = row["occurred_at"].as_str().expect("a time");
    assert!(
        occurred_at.starts_with("2025-09-14T10:00:00.123456"),
        "{occurred_at}"
    );
    let extra: Value = serde_json::from_str(row["extra"].as_str().expect("text")).expect("JSON");
    assert_eq!(
        extra,
        json!({"mood": "curious", "data": {"quality": "720p"}})
    );
    assert_ne!(row["student_key"], json!("stu-1041"));
}

#[tokio::test]
async fn the_same_answer_comes_in_the_format_asked_for() {
    let sandbox = Sandbox::up().await;
    sandbox.post(&event::range(0..3)).await.expect_status(202);
    sandbox.wait_for_count("clickstream", 1).await;
    for (accept, begins) in [
        ("application/json", "{\"columns\":"),
        ("text/csv", "event_type,n"),
        (
            "application/x-ndjson",
            "{\"event_type\":\"page.viewed\",\"n\":1}",
        ),
        ("application/vnd.apache.arrow.stream", ""),
    ] {
        let sql = "select event_type, count(*) as n from clickstream group by event_type";
        let reply = sandbox.ask_as(accept, sql).await.expect_status(200);
        assert!(
            reply.headers["content-type"].starts_with(accept),
            "{accept}"
        );
        let text = reply.text();
        assert!(text.starts_with(begins), "{accept}: {text}");
    }
}

#[tokio::test]
async fn params_are_values_and_other_tenants_are_not_there() {
    let sandbox = Sandbox::up().await;
    let other = sandbox.tenant("Other School", &[]);
    sandbox.post(&event::range(0..30)).await.expect_status(202);
    other.post(&event::range(30..33)).await.expect_status(202);
    let videos = |numbers| event::count(numbers, "video");
    sandbox.wait_for_count("video", videos(0..30)).await;
    other.wait_for_count("video", videos(30..33)).await;

    let sql = "select count(*) as n from video where event_type = $1";
    let reply = sandbox
        .ask(sql, json!(["video.played"]))
        .await
        .expect("answers");
    assert_eq!(reply.json()["rows"], json!([{"n": 1}]));
    let injected = sandbox
        .ask(sql, json!(["' or true --"]))
        .await
        .expect("answers");
    assert_eq!(injected.json()["rows"], json!([{"n": 0}]));

    let sql = format!("select * from \"{}\".video", sandbox.tenant.id);
    let refused = other.ask(&sql, json!([])).await.expect("answers");
    assert!((400..500).contains(&refused.status), "{}", refused.text());
}
