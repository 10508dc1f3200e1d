//! Listening to what becomes of events.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::{Request, StatusCode};
use futures::StreamExt;
use rstest::rstest;
use serde_json::{Value, json};

use crate::house::{House, click, credential, id};

/// An open stream, of which events are read one by one.
struct Listening {
    stream: BodyDataStream,
    text: String,
}

impl Listening {
    async fn to(house: &House, query: &str) -> Self {
        let request = Request::get(format!("/v1/tail?{query}")).header(
            "authorization",
            format!("Bearer {}", credential("web", [1; 32])),
        );
        let response = house
            .open(request.body(Body::empty()).expect("a request"))
            .await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let stream = response.into_body().into_data_stream();
        let text = String::new();
        let mut listening = Self { stream, text };
        assert_eq!(listening.next().await, ("listening".to_owned(), json!({})));
        listening
    }

    /// The next event and its data.
    async fn next(&mut self) -> (String, Value) {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.text = rest;
                if event.starts_with(':') {
                    continue;
                }
                let (name, data) = event.split_once('\n').expect("two lines");
                let name = name.strip_prefix("event: ").expect("a name").to_owned();
                let data = data.strip_prefix("data: ").expect("data");
                return (name, serde_json::from_str(data).expect("JSON"));
            }
            let next = tokio::time::timeout(Duration::from_secs(20), self.stream.next());
            let chunk = next
                .await
                .expect("in time")
                .expect("no end")
                .expect("bytes");
            self.text += str::from_utf8(&chunk).expect("UTF-8");
        }
    }

    /// Outcome, type and code of the next event.
    async fn line(&mut self) -> [String; 3] {
        let (_, data) = self.next().await;
        ["outcome", "type", "code"].map(|name| data[name].as_str().unwrap_or("-").to_owned())
    }
}

#[tokio::test]
async fn outcomes_are_told_as_they_come_without_what_events_say() {
    let house = House::new().await;
    let mut listening = Listening::to(&house, "").await;
    let mut bad = click(2);
    bad["data"]["url"] = json!(7);
    house.post(&json!([click(1), bad])).await;
    house.post_bytes("{", &[]).await;

    let (name, told) = listening.next().await;
    assert_eq!(name, "outcome");
    let trace = told["trace_id"].as_str().expect("a trace id");
    assert_eq!(trace.len(), 32);
    assert_eq!(
        told,
        json!({
            "received_at": "2026-09-14T12:00:00.000Z", "key": "web", "path": "/v1/events",
            "trace_id": trace, "id": id(1), "type": "page.viewed", "family": "clickstream",
            "outcome": "accepted",
        })
    );
    let (name, told) = listening.next().await;
    assert_eq!(
        (name.as_str(), &told["outcome"]),
        ("outcome", &json!("rejected"))
    );
    assert_eq!(told["code"], "wrong_type");
    assert_eq!(told["pointer"], "/1/data/url");
    assert_eq!(told["detail"], "Send it as text.");
    assert!(!told.to_string().contains("stu-"), "{told}");
    let (name, told) = listening.next().await;
    assert_eq!(name, "refusal");
    assert_eq!(
        (&told["outcome"], &told["status"], &told["code"]),
        (&json!("refused"), &json!(400), &json!("invalid_json"))
    );
}

#[tokio::test]
async fn one_hears_of_ones_own_key_unless_one_asks_for_all() {
    let mut house = House::new().await;
    let mut own = Listening::to(&house, "").await;
    let mut all = Listening::to(&house, "key=all").await;
    let mut videos = Listening::to(&house, "key=all&type=video.*&outcome=accepted").await;
    let video = json!({
        "type": "video.loaded", "time": "2026-09-14T10:00:00Z", "actor": "stu-1", "content": "c",
    });
    let own_key = std::mem::replace(&mut house.key, credential("video", [2; 32]));
    house.post(&json!([click(1), video])).await;
    house.key = own_key;
    house.post(&click(3)).await;

    let line = |outcome: &str, kind: &str, code: &str| [outcome, kind, code].map(str::to_owned);
    let refused = line("rejected", "page.viewed", "family_not_allowed");
    let taken = line("accepted", "video.loaded", "-");
    let click = line("accepted", "page.viewed", "-");
    assert_eq!(own.line().await, click);
    assert_eq!(all.line().await, refused);
    assert_eq!(all.line().await, taken);
    assert_eq!(all.line().await, click);
    assert_eq!(videos.line().await, taken);
}

#[tokio::test]
async fn a_flood_is_told_in_part_and_how_much_was_left_out() {
    let house = House::new().await;
    let mut listening = Listening::to(&house, "").await;
    let clicks: Vec<_> = (0..2_000).map(click).collect();
    house.post(&json!(clicks)).await;
    let mut told = 0;
    let mut skipped = 0;
    while told + skipped < 2_000 {
        let (name, data) = listening.next().await;
        match name.as_str() {
            "outcome" => told += 1,
            "skipped" => skipped += data["events"].as_u64().expect("a number"),
            other => panic!("{other}"),
        }
    }
    assert!(told >= 500 && skipped > 0, "{told} {skipped}");
    assert_eq!(told + skipped, 2_000);
}

#[rstest]
#[case::no_key(None, "", "missing_key")]
#[case::public(Some(credential("page", [5; 32])), "", "secret_key_needed")]
#[case::unknown(Some(credential("web", [9; 32])), "", "unknown_key")]
#[case::parameter(Some(credential("web", [1; 32])), "colour=red", "unknown_parameter")]
#[tokio::test]
async fn not_everybody_may_listen(
    #[case] key: Option<String>,
    #[case] query: &str,
    #[case] code: &str,
) {
    let house = House::new().await;
    let mut request = Request::get(format!("/v1/tail?{query}"));
    if let Some(key) = key {
        request = request.header("authorization", format!("Bearer {key}"));
        request = request.header("origin", "https://north.school.example");
        if !code.starts_with("secret") {
            request.headers_mut().expect("headers").remove("origin");
        }
    }
    let reply = house
        .send(request.body(Body::empty()).expect("a request"))
        .await;
    assert_eq!(reply.code(), code);
}

#[tokio::test]
async fn listeners_are_few_and_make_room_when_they_go() {
    let house = House::new().await;
    let mut listening = Vec::new();
    for _ in 0..32 {
        listening.push(Listening::to(&house, "").await);
    }
    let request = || {
        let request =
            Request::get("/v1/tail").header("authorization", format!("Bearer {}", house.key));
        request.body(Body::empty()).expect("a request")
    };
    let reply = house.send(request()).await;
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(reply.code(), "too_many_listeners");
    drop(listening);
    while house.open(request()).await.status() != StatusCode::OK {
        tokio::task::yield_now().await;
    }
}
