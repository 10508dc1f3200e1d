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
        serde_json::Value::Object(events[0].extra.members().into_owned()),
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
async fn what_names_a_person_in_an_iri_is_hidden_without_the_rest_of_it() {
    let house = House::new().await;
    for (n, actor) in (1..).zip([
        "https://elsewhere.example/users/zoe.quint@x.org",
        "https://elsewhere.example/zoe.quint%40x.org/profile",
        "acct:zoe.quint@x.org",
        "https://elsewhere.example/user.php?user_name=zoe.quint@x.org#me",
    ]) {
        let mut event = click(n);
        event["actor"] = json!(actor);
        event["session"] = json!("zoe.quint@x.org-77");
        event["note"] = json!("zoe.quint@x.org");
        event["data"] = json!({"url": "https://lms/u?mail=zoe.quint%40x.org&n=1"});
        let reply = house.post(&event).await;
        assert_eq!(reply.outcomes(), ["accepted"], "{actor}");
    }
    let mut event = click(5);
    event["actor"] = json!("https://elsewhere.example/users/zoe.quint");
    event["data"] = json!({"url": "https://lms/zoe.quint"});
    assert_eq!(house.post(&event).await.outcomes(), ["accepted"]);
    for record in house.records().await {
        let text = String::from_utf8(record.value.to_vec()).expect("UTF-8");
        assert!(!text.contains("quint"), "{text}");
    }
    let zoe = house
        .hasher()
        .await
        .key("https://elsewhere.example/users/zoe.quint");
    let last = house.events().await.pop().expect("five");
    assert_eq!(last.student_key, zoe);
}

#[tokio::test]
async fn everyone_whom_an_event_names_is_hidden_everywhere() {
    let house = House::new().await;
    // Each name holds a shorter one, and an answer holds them as JSON text.
    let (student, teacher, friend) = ("anna", "anna.berg", "https://lms.example/users/k\"lara");
    let mut events = Vec::new();
    for (n, name, mut data) in [
        (
            1,
            "discussion.posted",
            json!({"thread": "t-anna.berg", "url": "/u/anna.berg/anna"}),
        ),
        (
            2,
            "grade.changed",
            json!({"new": "B", "reason": "anna.berg for anna, seen by k\"lara"}),
        ),
        (
            3,
            "item.answered",
            json!({"item": "q", "response": ["anna.berg", {"k\"lara": "anna"}]}),
        ),
        (
            4,
            "video.played",
            json!({"position": 1, "url": "/u/anna.berg/anna"}),
        ),
    ] {
        let mut event = click(n);
        event["type"] = json!(name);
        event["actor"] = json!(student);
        event["session"] = json!("s-anna.berg");
        event["content"] = json!("portfolio/anna.berg");
        event["context"] = json!({"app": "of anna.berg", "note": "for anna.berg"});
        event["note"] = json!({"k\"lara": ["anna.berg", "anna"]});
        data["by"] = json!(teacher);
        data["reply_to"] = json!(friend);
        event["data"] = data;
        events.push(event);
    }
    let reply = house.post(&json!(events)).await;
    assert_eq!(reply.outcomes(), ["accepted"; 4]);
    for record in house.records().await {
        let text = String::from_utf8(record.value.to_vec()).expect("UTF-8");
        for name in ["anna", "berg", "lara"] {
            assert!(!text.contains(name), "{name} in {text}");
        }
    }
    let hasher = house.hasher().await;
    let [anna, berg, lara] = ["anna", "anna.berg", "k\"lara"].map(|name| hasher.key(name));
    for event in house.events().await {
        assert_eq!(event.session, Some(format!("s-{berg}")));
        assert_eq!(
            event.extra.members()["note"],
            json!({lara.to_string(): [berg, anna]})
        );
    }
}

#[tokio::test]
async fn numbers_that_name_a_person_are_hidden_but_where_numbers_count_things() {
    let house = House::new().await;
    let mut event = click(1);
    event["actor"] = json!("48213");
    event["session"] = json!("sess-48213-x");
    event["school"] = json!("school-48213");
    event["content"] = json!("module-48213");
    event["context"] = json!({"app": "a48213", "platform": "p-48213", "locale": "en-48213"});
    let reply = house.post(&event).await;
    assert_eq!(reply.outcomes(), ["accepted"]);
    let key = house.hasher().await.key("48213");
    let event = house.events().await.remove(0);
    for (found, expected) in [
        (event.session, format!("sess-{key}-x")),
        (event.school, format!("school-{key}")),
        (event.content, "module-48213".to_owned()),
        (event.app, format!("a{key}")),
        (event.platform, format!("p-{key}")),
        (event.locale, format!("en-{key}")),
    ] {
        assert_eq!(found, Some(expected));
    }
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
