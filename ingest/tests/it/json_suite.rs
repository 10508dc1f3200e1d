//! JSONTestSuite: what must be refused is, what must parse does, nothing crashes.

use axum::http::StatusCode;
use base64::Engine;
use serde_json::Value;

use crate::house::House;

/// The name and bytes of each case.
fn cases() -> Vec<(String, Vec<u8>)> {
    let text = |case: &Value, name: &str| case[name].as_str().unwrap_or_default().to_owned();
    include_str!("../data/jsontestsuite/cases.ndjson")
        .lines()
        .map(|line| {
            let case: Value = serde_json::from_str(line).expect("JSON");
            let times = case["times"].as_u64().unwrap_or_default();
            let times = usize::try_from(times).expect("a number");
            let mut bytes = text(&case, "repeat").repeat(times).into_bytes();
            let rest = base64::engine::general_purpose::STANDARD
                .decode(text(&case, "base64"))
                .expect("base64");
            bytes.extend(rest);
            (text(&case, "name"), bytes)
        })
        .collect()
}

/// Whether the answer says that the JSON itself is at fault.
fn blames_json(reply: &crate::house::Reply) -> bool {
    let unreadable = |code: &Value| code == "invalid_json" || code == "invalid_utf8";
    unreadable(&reply.body["code"])
        || reply.body["errors"]
            .as_array()
            .is_some_and(|errors| errors.iter().any(|error| unreadable(&error["code"])))
}

#[tokio::test]
async fn as_the_whole_body() {
    let house = House::new().await;
    for (name, body) in cases() {
        let reply = house.post_bytes(body, &[]).await;
        // No case is an event, so none can be taken.
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{name}");
        match name.as_bytes()[0] {
            b'y' => assert!(!blames_json(&reply), "{name}: {}", reply.body),
            b'n' => assert!(
                blames_json(&reply) || reply.code() == "no_events",
                "{name}: {}",
                reply.body
            ),
            _ => {}
        }
    }
    assert!(house.records().await.is_empty());
}

#[tokio::test]
async fn as_a_value_inside_an_event() {
    let house = House::new().await;
    let mut taken = 0;
    for (name, value) in cases() {
        let mut body = br#"[{"type":"page.viewed","time":"2026-09-14T10:00:00Z","actor":"stu-1041","data":{"url":"u","x":"#.to_vec();
        body.extend(&value);
        body.extend(b"}}]");
        let reply = house.post_bytes(body, &[]).await;
        match name.as_bytes()[0] {
            // Parsed; one member twice is refused for that.
            b'y' if name.contains("duplicated_key") => {
                assert_eq!(
                    reply.body["errors"][0]["code"], "duplicate_member",
                    "{name}"
                );
            }
            b'y' => assert_eq!(reply.status, StatusCode::ACCEPTED, "{name}: {}", reply.body),
            b'n' => assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{name}"),
            _ => assert!(
                [StatusCode::ACCEPTED, StatusCode::BAD_REQUEST].contains(&reply.status),
                "{name}"
            ),
        }
        taken += usize::from(reply.status == StatusCode::ACCEPTED);
    }
    assert_eq!(house.events().await.len(), taken);
    assert!(taken > 90);
}

#[tokio::test]
async fn a_valid_depth_bomb_harms_no_neighbour() {
    let house = House::new().await;
    let bomb = "[".repeat(100_000) + &"]".repeat(100_000);
    let body = format!(
        r#"[{},{{"type":"page.viewed","data":{{"x":{bomb}}}}},{bomb}]"#,
        crate::house::click(1)
    );
    let reply = house.post_bytes(body, &[]).await;
    assert_eq!(
        reply.outcomes(),
        [
            "accepted",
            "too_deep /1/data/x/0/0/0/0/0/0",
            "not_an_object /2"
        ]
    );
}
