//! The xAPI door.

mod bodies;
mod people;
mod requests;

use axum::http::Request;
use serde_json::{Value, json};

use crate::house::{House, Reply, id};

const PATH: &str = "/xapi/statements";

/// The nth good statement.
fn attended(n: u64) -> Value {
    json!({
        "id": id(n),
        "actor": {"account": {"homePage": "https://lms.example", "name": format!("stu-{n}")}},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/attended"},
        "object": {"id": "https://lms.example/meetings/3"},
        "timestamp": "2026-09-14T10:00:00Z",
    })
}

fn with(mut statement: Value, pointer: &str, value: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
    statement.pointer_mut(parent).expect("a parent")[name] = value;
    statement
}

async fn send(house: &House, method: &str, path: &str, version: &str, body: &Value) -> Reply {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", format!("Bearer {}", house.key))
        .header("content-type", "application/json")
        .header("x-experience-api-version", version);
    house
        .send(request.body(body.to_string().into()).expect("a request"))
        .await
}

/// The code and pointer of each error.
fn errors(reply: &Reply) -> Vec<String> {
    let errors = reply.body["errors"].as_array().expect("errors").iter();
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    errors
        .map(|error| format!("{} {}", text(&error["code"]), text(&error["pointer"])))
        .collect()
}
