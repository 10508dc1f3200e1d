//! Whoever a statement names is hidden, by each name.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{attended, errors, with};
use crate::house::{House, click};

/// A statement whose team has so many members.
fn of_team(size: usize) -> Value {
    let member = |n: usize| json!({"mbox": format!("mailto:m{n}@school.example"), "name": format!("M. {n}")});
    let members: Vec<_> = (0..size).map(member).collect();
    let team = json!({"team": {"objectType": "Group", "member": members}});
    with(attended(1), "/context", team)
}

#[tokio::test]
async fn a_large_team_is_hidden() {
    let house = House::new().await;
    let text = "seen by m7@school.example, M.  499 and m499@school.example";
    let statement = with(of_team(500), "/result", json!({"response": text}));
    assert_eq!(house.state(&statement).await.status, StatusCode::OK);
    let hasher = house.hasher().await;
    let [seventh, last] = [7, 499].map(|n| hasher.key(&format!("m{n}@school.example")));
    let event = house.events().await.remove(0);
    let schemas::event::Data::Clickstream(data) = event.data else {
        panic!("another family: {event:?}");
    };
    assert_eq!(
        data.value,
        Some(format!("seen by {seventh}, {last} and {last}"))
    );
}

#[tokio::test]
async fn a_person_with_a_very_long_name_is_refused() {
    let house = House::new().await;
    let team = json!({"team": {"objectType": "Group", "name": "T", "member": [
        {"account": {"homePage": "https://lms.example", "name": "n".repeat(513)}},
    ]}});
    let reply = house.state(&with(attended(1), "/context", team)).await;
    assert_eq!(errors(&reply), ["text_too_long "]);
}

#[tokio::test]
async fn everyone_is_hidden_by_each_identifier() {
    let house = House::new().await;
    let extension = json!({
        "mbox": "mailto:Ann.Berg@school.example",
        "account": {"name": "berg-77"},
        "openid": "https://ids.example/ann-b",
        "mbox_sha1sum": "cd9b00a5611f94eaa7b1661edab976068e364975",
        "mail": "ann@home.example", "homepage": "https://ann.example", "lat": 52.5, "lng": 13.4,
    });
    let extensions = json!({"extensions": {
        "https://example.com/ext/partner": extension,
        "https://example.com/ext/note": "ann.berg@school.example, berg-77, \
            https://ids.example/ann-b, cd9b00a5611f94eaa7b1661edab976068e364975",
    }});
    let statement = with(attended(1), "/result", extensions);
    assert_eq!(house.state(&statement).await.status, StatusCode::OK);
    for record in house.records().await {
        let text = String::from_utf8_lossy(&record.value);
        for person in ["erg", "ann", "cd9b", "52.5", "13.4"] {
            assert!(!text.contains(person), "{person} in {text}");
        }
    }
}

#[tokio::test]
async fn mailboxes_that_differ_in_case_are_one_student() {
    let house = House::new().await;
    for (n, mailbox) in [(1, "mailto:Anna@x.org"), (2, "mailto:anna@X.org")] {
        let statement = with(attended(n), "/actor", json!({"mbox": mailbox}));
        assert_eq!(house.state(&statement).await.status, StatusCode::OK);
    }
    for (n, actor) in [(3, "Anna@x.org"), (4, "mailto:ANNA@x.org")] {
        let mut event = click(n);
        event["actor"] = json!(actor);
        assert_eq!(house.post(&event).await.status, StatusCode::ACCEPTED);
    }
    let key = house.hasher().await.key("anna@x.org");
    let events = house.events().await;
    assert_eq!(events.len(), 4);
    assert!(events.iter().all(|event| event.student_key == key));
}

#[tokio::test]
async fn a_verb_names_nobody() {
    let house = House::new().await;
    let of = |name: &str, verb: &str| {
        let actor = json!({"account": {"homePage": "https://lms.example", "name": name}});
        with(with(attended(1), "/actor", actor), "/verb/id", json!(verb))
    };
    for (name, verb, word) in [
        (
            "anna.berg",
            "https://example.com/verbs/met-Anna.Berg",
            "xapi.stated",
        ),
        (
            "at",
            "http://adlnet.gov/expapi/verbs/attended",
            "xapi.attended",
        ),
        (
            "verbs",
            "http://adlnet.gov/expapi/verbs/attended",
            "xapi.attended",
        ),
    ] {
        assert_eq!(house.state(&of(name, verb)).await.status, StatusCode::OK);
        let events = house.events().await;
        assert!(
            events.iter().any(|event| event.event_type == word),
            "{word} {events:?}"
        );
    }
}
