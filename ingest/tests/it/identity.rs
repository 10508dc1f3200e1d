//! No record says who someone is.

use serde_json::json;

use crate::house::{House, click, id};

#[tokio::test]
async fn no_byte_of_the_log_names_a_person() {
    let house = House::new().await;
    let mut everywhere = click(1);
    everywhere["actor"] = json!("https://lms.example/users/anna.berg");
    everywhere["session"] = json!("anna.berg/2026-09-14");
    everywhere["content"] = json!("portfolio/anna.berg");
    everywhere["context"] = json!({
        "app": "web-lms", "ip": "192.0.2.7", "user": {"email": "a@b.example"},
        "user_agent": "Mozilla/5.0 (X11) Chrome/126.0 Safari/537.36",
    });
    everywhere["data"] = json!({
        "url": "https://lms.example/users/anna.berg/inbox?u=anna.berg#anna.berg",
        "referrer": "https://lms.example/users/anna.berg",
        "query": "grades of anna.berg", "value": {"who": "anna.berg"},
        "reply_to": "ben.stone", "by": "ben.stone",
        "path": ["anna.berg", {"anna.berg": 1, "full_name": "Anna Berg"}],
    });
    everywhere["name"] = json!("Anna Berg");
    everywhere["note"] = json!("written by anna.berg");
    let mut graded = click(2);
    graded["type"] = json!("grade.changed");
    graded["actor"] = json!("mailto:anna.berg@school.example");
    graded["data"] = json!({
        "new": "B", "by": "ben.stone", "reason": "asked for by anna.berg@school.example",
        "link": "?u=anna.berg%40school.example",
    });
    let mut escaped = click(3);
    escaped["actor"] = json!("anna\"berg\\ü");
    escaped["data"] = json!({"url": "u", "query": "by anna\"berg\\ü"});
    let reply = house.post(&json!([everywhere, graded, escaped])).await;
    assert_eq!(reply.outcomes(), ["accepted"; 3]);

    for record in house.records().await {
        let mut bytes = record.key.to_vec();
        bytes.extend_from_slice(&record.value);
        for (_, value) in record.headers.iter() {
            bytes.extend_from_slice(value);
        }
        let text = String::from_utf8(bytes).expect("UTF-8").to_lowercase();
        for name in ["anna", "berg", "ben.stone", "192.0.2", "a@b", "mozilla"] {
            assert!(!text.contains(name), "{name} in {text}");
        }
    }

    let hasher = house.hasher().await;
    let anna = hasher.key("anna.berg");
    let events = house.events().await;
    assert_eq!(events[0].id.to_string(), id(1));
    assert_eq!(events[0].student_key, anna);
    assert_eq!(events[0].content, Some(format!("portfolio/{anna}")));
    assert_eq!(
        serde_json::Value::Object(events[0].extra.clone()),
        json!({
            "context": {"user_agent": "Chrome"},
            "data": {"by_key": hasher.key("ben.stone"), "path": [anna, {anna.to_string(): 1}]},
            "note": format!("written by {anna}"),
        })
    );
    assert_eq!(
        events[1].student_key,
        hasher.key("anna.berg@school.example")
    );
}

#[tokio::test]
async fn problems_do_not_repeat_what_was_sent() {
    let house = House::new().await;
    let mut bodies = Vec::new();
    for (member, value) in [
        ("id", json!("anna.berg")),
        ("type", json!("anna.berg")),
        ("time", json!("anna.berg")),
        ("sent_at", json!("anna.berg")),
        ("actor", json!(["anna.berg"])),
        ("actor", json!("anna.berg".repeat(100))),
        ("context", json!("anna.berg")),
        ("data", json!("anna.berg")),
        ("data", json!({"url": ["anna.berg"], "count": "anna.berg"})),
        ("data", json!({"url": "u", "reply_to": ["anna.berg"]})),
    ] {
        let mut event = click(1);
        event[member] = value;
        bodies.push(event.to_string());
    }
    bodies.push("{\"actor\":\"anna.berg\",}".to_owned());
    bodies.push("\"anna.berg\"".to_owned());
    bodies.push("{\"events\":\"anna.berg\"}".to_owned());
    bodies.push("anna.berg".to_owned());
    for body in bodies {
        let reply = house.post_bytes(body.clone(), &[]).await;
        assert_eq!(reply.status, 400, "{body}");
        assert!(
            !reply.body.to_string().contains("anna"),
            "{body}: {}",
            reply.body
        );
    }
}
