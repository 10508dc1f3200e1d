//! Statuses, ids, versions, keys and the rule of the whole.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rstest::rstest;
use schemas::Family;
use serde_json::{Value, json};

use super::{PATH, attended, errors, send, with};
use crate::house::{House, credential, id};

#[tokio::test]
async fn a_batch_answers_its_ids_in_order() {
    let house = House::new().await;
    let mut unnamed = attended(2);
    unnamed.as_object_mut().expect("an object").remove("id");
    let reply = house
        .state(&json!([attended(1), unnamed, attended(3)]))
        .await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.header("x-experience-api-version"), "1.0.3");
    assert_eq!(reply.body[0], id(1));
    assert_eq!(reply.body[2], id(3));
    let events = house.events().await;
    let of_unnamed = events.iter().find(|event| json!(event.id) == reply.body[1]);
    let key = house.hasher().await.key("stu-2");
    assert_eq!(of_unnamed.expect("stored").student_key, key);
}

#[tokio::test]
async fn one_bad_statement_refuses_all_and_each_reason_is_told() {
    let house = House::new().await;
    let bad = with(attended(2), "/verb/id", json!("attended"));
    let bad = with(
        bad,
        "/result",
        json!({"score": {"scaled": 2}, "sucess": true}),
    );
    let batch = json!([attended(1), bad, {"id": 7}, attended(4)]);
    let reply = house.state(&batch).await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    assert_eq!(reply.code(), "invalid_statement");
    assert_eq!(
        errors(&reply),
        [
            "invalid_format /1/verb/id",
            "unknown_member /1/result/sucess",
            "out_of_range /1/result/score/scaled",
            "wrong_type /2/id",
            "missing_member /2/actor",
            "missing_member /2/verb",
            "missing_member /2/object",
        ]
    );
    assert_eq!(
        (&reply.body["received"], &reply.body["rejected"]),
        (&json!(4), &json!(4))
    );
    assert!(house.records().await.is_empty());
}

#[tokio::test]
async fn equal_statements_are_stored_once_and_others_not_at_all() {
    let house = House::new().await;
    let reply = house.state(&json!([attended(1), attended(1)])).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.body, json!([id(1), id(1)]));
    assert_eq!(house.events().await.len(), 1);

    let other = with(
        attended(2),
        "/object/id",
        json!("https://lms.example/meetings/4"),
    );
    let reply = house.state(&json!([attended(2), other])).await;
    assert_eq!(
        (reply.status, errors(&reply)),
        (StatusCode::BAD_REQUEST, vec!["id_reused /1/id".into()])
    );

    let twice = json!([attended(3), attended(3)]);
    let reply = send(&house, "POST", PATH, "2.0.0", &twice).await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    assert_eq!(reply.header("x-experience-api-version"), "2.0.0");
    assert_eq!(house.events().await.len(), 1);
}

#[tokio::test]
async fn a_put_names_its_statement() {
    let house = House::new().await;
    let path = format!("{PATH}?statementId={}", id(1));
    let mut unnamed = attended(1);
    unnamed.as_object_mut().expect("an object").remove("id");
    for statement in [attended(1), unnamed] {
        let reply = send(&house, "PUT", &path, "1.0.3", &statement).await;
        assert_eq!(
            (reply.status, reply.body),
            (StatusCode::NO_CONTENT, Value::Null)
        );
    }
    let ids: Vec<_> = house
        .events()
        .await
        .iter()
        .map(|event| event.id.to_string())
        .collect();
    assert_eq!(ids, [id(1), id(1)]);

    let reply = send(&house, "PUT", &path, "1.0.3", &attended(2)).await;
    assert_eq!(errors(&reply), ["conflicting_members /id"]);
    let reply = send(&house, "PUT", &path, "1.0.3", &json!([attended(1)])).await;
    assert_eq!(
        (reply.status, reply.code()),
        (StatusCode::BAD_REQUEST, "put_of_many")
    );
}

#[rstest]
#[case("statementId=0197C3B2-8A5E-7C10-9D55-000000000001")]
#[case("statementId=0197c3b2%2D8a5e%2d7c10%2D9d55%2D00000000000%31")]
#[case("statement%49d=0197c3b2-8a5e-7c10-9d55-000000000001&")]
#[tokio::test]
async fn parameters_are_decoded(#[case] query: &str) {
    let house = House::new().await;
    let path = format!("{PATH}?{query}");
    let reply = send(&house, "PUT", &path, "1.0.3", &attended(1)).await;
    assert_eq!(reply.status, StatusCode::NO_CONTENT, "{}", reply.body);
    assert_eq!(house.events().await[0].id.to_string(), id(1));
}

#[rstest]
#[case("PUT", PATH, "missing_statement_id", 400)]
#[case("PUT", "/xapi/statements?statementId=7", "invalid_statement_id", 400)]
#[case("PUT", "/xapi/statements?StatementId=7", "unknown_parameter", 400)]
#[case("PUT", "/xapi/statements?statementId=%ff", "invalid_statement_id", 400)]
#[case("POST", "/xapi/statements?method=PUT", "alternate_syntax", 400)]
#[case(
    "PUT",
    "/xapi/statements?statementId=0197c3b2-8a5e-7c10-9d55-000000000001\
     &statementId=0197c3b2-8a5e-7c10-9d55-000000000001",
    "unknown_parameter",
    400
)]
#[case(
    "POST",
    "/xapi/statements?statementId=0197c3b2-8a5e-7c10-9d55-000000000001",
    "unknown_parameter",
    400
)]
#[case("POST", "/xapi/statements?limit=1", "unknown_parameter", 400)]
#[case("GET", PATH, "retrieval_is_sql", 405)]
#[case("DELETE", PATH, "method_not_allowed", 405)]
#[case("GET", "/xapi/activities/state", "not_found", 404)]
#[tokio::test]
async fn other_requests_are_told_what_to_do(
    #[case] method: &str,
    #[case] path: &str,
    #[case] code: &str,
    #[case] status: u16,
) {
    let house = House::new().await;
    let reply = send(&house, method, path, "1.0.3", &attended(1)).await;
    assert_eq!((reply.status.as_u16(), reply.code()), (status, code));
    if code == "retrieval_is_sql" {
        assert_eq!(reply.header("allow"), "POST, PUT");
    }
    assert!(house.records().await.is_empty());
}

#[rstest]
#[case(None, Some("missing_version"), "2.0.0")]
#[case(Some("1.0"), None, "1.0.3")]
#[case(Some("1.0.9"), None, "1.0.3")]
#[case(Some("2.0.0"), None, "2.0.0")]
#[case(Some("0.9"), Some("unknown_version"), "2.0.0")]
#[case(Some("1.1.0"), Some("unknown_version"), "2.0.0")]
#[tokio::test]
async fn the_version_is_that_of_the_header(
    #[case] version: Option<&str>,
    #[case] code: Option<&str>,
    #[case] answered: &str,
) {
    let house = House::new().await;
    let mut request = Request::post(PATH).header("authorization", format!("Bearer {}", house.key));
    if let Some(version) = version {
        request = request.header("x-experience-api-version", version);
    }
    let body = attended(1).to_string();
    let reply = house
        .send(request.body(body.into()).expect("a request"))
        .await;
    assert_eq!(reply.status.is_success(), code.is_none());
    assert_eq!(reply.code(), code.unwrap_or_default());
    assert_eq!(reply.header("x-experience-api-version"), answered);
}

#[tokio::test]
async fn version_2_has_other_members_and_times() {
    let house = House::new().await;
    let agents = json!({"contextAgents": [{
        "objectType": "contextAgent",
        "agent": {"mbox": "mailto:ann@school.example"},
        "relevantTypes": ["https://example.com/mentor"],
    }]});
    let related = with(attended(1), "/context", agents);
    let local = with(attended(2), "/timestamp", json!("2026-09-14T10:00:00"));
    let reply = house.state(&json!([related, local])).await;
    assert_eq!(errors(&reply), ["unknown_member /0/context/contextAgents"]);
    let reply = send(&house, "POST", PATH, "2.0.0", &json!([related, local])).await;
    assert_eq!(errors(&reply), ["invalid_format /1/timestamp"]);
    let untyped = with(
        related.clone(),
        "/context/contextAgents/0/relevantTypes",
        json!([]),
    );
    let reply = send(&house, "POST", PATH, "2.0.0", &untyped).await;
    assert_eq!(
        errors(&reply),
        ["out_of_range /context/contextAgents/0/relevantTypes"]
    );
    let reply = send(&house, "POST", PATH, "2.0.0", &related).await;
    assert_eq!(reply.status, StatusCode::OK);
    let events = house.events().await;
    assert!(
        !events[0].extra.members().contains_key("context"),
        "{events:?}"
    );
}

#[tokio::test]
async fn about_needs_neither_key_nor_version() {
    let house = House::new().await;
    let request = Request::get("/xapi/about")
        .body(Body::empty())
        .expect("a request");
    let reply = house.send(request).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.body, json!({"version": ["1.0.3", "2.0.0"]}));
}

#[tokio::test]
async fn a_key_may_come_as_user_and_password() {
    let house = House::new().await;
    let key = house.key.clone();
    let (user, secret) = key.rsplit_once('_').expect("four parts");
    for (pair, status) in [
        (format!("{key}:"), 200),
        (format!("school:{key}"), 200),
        (format!("{user}:{secret}"), 200),
        (format!("{user}:other"), 401),
        ("school:secret".to_owned(), 401),
    ] {
        let request = Request::post(PATH)
            .header("authorization", format!("Basic {}", STANDARD.encode(&pair)))
            .header("x-experience-api-version", "1.0.3");
        let body = attended(1).to_string();
        let reply = house
            .send(request.body(body.into()).expect("a request"))
            .await;
        assert_eq!(reply.status.as_u16(), status, "{pair}");
        let challenges: Vec<_> = reply.headers.get_all("www-authenticate").iter().collect();
        let schemes = challenges.iter().map(|value| {
            let text = value.to_str().expect("text");
            text.split(' ').next().unwrap_or_default()
        });
        let expected: &[&str] = if status == 401 {
            &["Bearer", "Basic"]
        } else {
            &[]
        };
        assert!(schemes.eq(expected.iter().copied()), "{challenges:?}");
    }
    // What to do is said in fields that such senders have.
    for (authorization, code) in [(None, "missing_key"), (Some("Basic eDp5"), "malformed_key")] {
        let mut request = Request::post(PATH).header("x-experience-api-version", "1.0.3");
        if let Some(value) = authorization {
            request = request.header("authorization", value);
        }
        let reply = house
            .send(request.body("{}".into()).expect("a request"))
            .await;
        assert_eq!((reply.status.as_u16(), reply.code()), (401, code));
        let detail = reply.body["detail"].as_str().expect("a sentence");
        assert!(detail.contains("Basic authentication"), "{detail}");
    }
    // Native events come with Bearer only.
    let request = Request::post("/v1/events").header(
        "authorization",
        format!("Basic {}", STANDARD.encode(format!("{key}:"))),
    );
    let reply = house
        .send(request.body("{}".into()).expect("a request"))
        .await;
    assert_eq!(
        (reply.status.as_u16(), reply.code()),
        (401, "malformed_key")
    );
    assert_eq!(reply.headers.get_all("www-authenticate").iter().count(), 1);
}

#[tokio::test]
async fn a_key_posts_its_families_only() {
    let mut house = House::new().await;
    house.key = credential("video", [2; 32]);
    let video = with(
        attended(1),
        "/verb/id",
        json!("http://adlnet.gov/expapi/verbs/initialized"),
    );
    let kind = json!({"type": "https://w3id.org/xapi/video/activity-type/video"});
    let video = with(video, "/object/definition", kind);
    let reply = house.state(&json!([video, attended(2)])).await;
    assert_eq!(
        (reply.status, reply.code()),
        (StatusCode::FORBIDDEN, "wrong_scope")
    );
    assert_eq!(errors(&reply), ["family_not_allowed /1/verb/id"]);
    assert_eq!(house.state(&video).await.status, StatusCode::OK);
    assert_eq!(house.events().await[0].data.family(), Family::Video);
}

#[tokio::test]
async fn a_statement_without_a_sound_clock_is_placed_by_ours() {
    let house = House::new().await;
    let mut silent = attended(1);
    silent
        .as_object_mut()
        .expect("an object")
        .remove("timestamp");
    let early = with(attended(2), "/timestamp", json!("1970-01-01T00:00:07Z"));
    house.state(&json!([silent, early])).await;
    let events = house.events().await;
    for event in &events {
        assert_eq!(event.time, event.received_at);
    }
    assert_eq!(
        events[1].extra.members()["timestamp"],
        "1970-01-01T00:00:07Z"
    );
}
