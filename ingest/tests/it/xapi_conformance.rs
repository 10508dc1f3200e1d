//! The statement cases of ADL's conformance suite, each posted alone.

use std::io::Read;

use axum::http::StatusCode;
use flate2::read::MultiGzDecoder;
use serde_json::Value;

use crate::house::{House, Reply};

fn cases() -> Vec<Value> {
    let compressed = include_bytes!("../data/adl-xapi/statements-1.0.3.jsonl.gz");
    let mut text = String::new();
    MultiGzDecoder::new(&compressed[..])
        .read_to_string(&mut text)
        .expect("inflates");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

/// Whether each reason says where it stands, in a statement that has such a
/// place or lacks only its last step, and what to do.
fn explains(reply: &Reply, statement: &Value) -> bool {
    let errors = reply.body["errors"].as_array().expect("errors");
    !errors.is_empty()
        && errors.iter().all(|error| {
            let pointer = error["pointer"].as_str().expect("a pointer");
            let parent = pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
            let sentence = error["detail"].as_str().expect("a sentence");
            statement.pointer(parent).is_some() && sentence.ends_with('.')
        })
}

#[tokio::test]
async fn every_case_answers_its_status() {
    let house = House::new().await;
    let cases = cases();
    assert_eq!(cases.len(), 950);
    let mut wrong = Vec::new();
    let mut taken = 0;
    for case in &cases {
        let reply = house.state(&case["statement"]).await;
        if u64::from(reply.status.as_u16()) != case["expect"] {
            wrong.push(format!("{} {case} {}", reply.status, reply.body["errors"]));
        } else if reply.status == StatusCode::BAD_REQUEST {
            if !explains(&reply, &case["statement"]) {
                wrong.push(format!("unclear {case} {}", reply.body["errors"]));
            }
        } else {
            taken += 1;
            let ids = reply.body.as_array().expect("ids");
            assert_eq!(ids.len(), 1, "{case}");
        }
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(taken, 343);
    assert_eq!(house.events().await.len(), taken);
}

#[tokio::test]
async fn nobody_of_a_case_stands_in_the_log() {
    let house = House::new().await;
    for case in cases() {
        house.state(&case["statement"]).await;
    }
    for record in house.records().await {
        let text = String::from_utf8_lossy(&record.value);
        for person in [
            "xapi@adlnet.gov",
            "bob@example.com",
            "cd9b00a5611f94eaa7b1661edab976068e364975",
            "openid.example.org",
            "oauth_consumer_x75db",
            "xAPI account name",
        ] {
            assert!(!text.contains(person), "{person} in {text}");
        }
    }
}
