//! What the tests of client apps ask.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use ingest::Config;
use serde_json::{Value, json};

use crate::house::{House, Reply, click, id};

async fn ask(house: &House, method: &str, path: &str) -> Reply {
    let request = Request::builder().method(method).uri(path);
    house
        .send(request.body(Body::empty()).expect("a request"))
        .await
}

async fn house() -> House {
    House::with_config(Config {
        dev: true,
        ..Config::default()
    })
    .await
}

#[tokio::test]
async fn good_and_bad_events_are_shown_until_it_is_reset() {
    let house = house().await;
    let mut bad = click(2);
    bad["type"] = json!("page.veiwed");
    house.post(&json!([click(1), bad, click(1)])).await;
    house.post_bytes("{", &[]).await;
    let keyless = Request::post("/v1/events")
        .body(Body::empty())
        .expect("a request");
    house.send(keyless).await;

    let all = ask(&house, "GET", "/dev/all").await;
    assert_eq!(all.body, json!({"total": 5, "good": 2, "bad": 3}));
    let good = ask(&house, "GET", "/dev/good").await.body;
    assert_eq!(good["good"], 2);
    let first = &good["events"][0];
    assert_eq!(first["id"], id(1));
    assert_eq!(
        (&first["type"], &first["outcome"]),
        (&json!("page.viewed"), &json!("accepted"))
    );
    assert_eq!(first["event"]["course"], "bio-101");
    assert!(!good.to_string().contains("stu-1001"), "{good}");
    assert_eq!(good["events"][1]["outcome"], "duplicate");
    let bad = ask(&house, "GET", "/dev/bad").await.body;
    let codes: Vec<&Value> = bad["events"]
        .as_array()
        .expect("events")
        .iter()
        .map(|e| &e["code"])
        .collect();
    assert_eq!(codes, ["unknown_type", "invalid_json", "missing_key"]);
    assert_eq!(bad["events"][0]["pointer"], "/1/type");
    assert_eq!(bad["events"][2]["status"], 401);
    let other = ask(&house, "GET", "/dev/good?type=video.played").await.body;
    assert_eq!(other, json!({"good": 2, "events": []}));

    let reset = ask(&house, "POST", "/dev/reset").await;
    assert_eq!(reset.body, json!({"total": 0, "good": 0, "bad": 0}));
    let good = ask(&house, "GET", "/dev/good").await.body;
    assert_eq!(good, json!({"good": 0, "events": []}));
}

#[tokio::test]
async fn the_newest_are_kept_and_all_are_counted() {
    let house = house().await;
    let clicks: Vec<_> = (0..1_500).map(click).collect();
    house.post(&json!(clicks)).await;
    let good = ask(&house, "GET", "/dev/good").await.body;
    assert_eq!(good["good"], 1_500);
    let events = good["events"].as_array().expect("events");
    assert_eq!((events.len(), &events[0]["id"]), (1_000, &json!(id(500))));
}

#[tokio::test]
async fn it_is_not_there_unless_it_is_asked_for() {
    let house = House::new().await;
    for (method, path) in [
        ("GET", "/dev/all"),
        ("GET", "/dev/good"),
        ("POST", "/dev/reset"),
    ] {
        let reply = ask(&house, method, path).await;
        assert_eq!(
            (reply.status, reply.code()),
            (StatusCode::NOT_FOUND, "not_found")
        );
    }
}
