//! Which key opens the door, from where, and for what.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use rstest::rstest;
use serde_json::json;

use crate::house::{House, Reply, click, credential};

#[rstest]
#[case(None, "missing_key")]
#[case(Some("ck_demo_web_x".to_owned()), "malformed_key")]
#[case(Some("Basic ZGVtbzpkZW1v".to_owned()), "malformed_key")]
#[case(Some("Bearer ck_demo".to_owned()), "malformed_key")]
#[case(Some("Bearer ck_demo_web_x".to_owned()), "unknown_key")]
#[case(Some("Bearer ck_nobody_web_x".to_owned()), "unknown_key")]
#[case(Some("Bearer ct_demo_web_x".to_owned()), "query_token")]
#[case(Some(format!("Bearer {}", credential("old", [3; 32]))), "revoked_key")]
#[case(Some(format!("Bearer {}", credential("late", [4; 32]))), "expired_key")]
#[tokio::test]
async fn a_key_that_opens_nothing_is_told_why(
    #[case] authorization: Option<String>,
    #[case] code: &str,
) {
    let house = House::new().await;
    let mut request = Request::post("/v1/events");
    if let Some(authorization) = authorization {
        request = request.header("authorization", authorization);
    }
    let body = Body::from(click(1).to_string());
    let reply = house.send(request.body(body).expect("a request")).await;
    assert_eq!(
        (reply.status, reply.code()),
        (StatusCode::UNAUTHORIZED, code)
    );
    assert!(reply.header("www-authenticate").starts_with("Bearer "));
    assert!(house.records().await.is_empty());
}

#[tokio::test]
async fn a_key_posts_only_its_families() {
    let mut house = House::new().await;
    house.key = credential("video", [2; 32]);
    let mut video = click(2);
    video["type"] = json!("video.loaded");
    video["content"] = json!("c");
    video["data"] = json!({});
    let reply = house.post(&json!([click(1), video])).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.outcomes(), ["family_not_allowed /0/type", "accepted"]);
    let reply = house.post(&click(1)).await;
    assert_eq!(
        (reply.status, reply.code()),
        (StatusCode::FORBIDDEN, "wrong_scope")
    );
    assert_eq!(reply.body["errors"][0]["code"], "family_not_allowed");
}

/// Posts a click as a page does, or as a server that holds a key for pages.
async fn post_from(house: &House, key: &str, origin: Option<&str>, in_address: bool) -> Reply {
    let mut request = if in_address {
        Request::post(format!("/v1/events?key={key}")).header("content-type", "text/plain")
    } else {
        Request::post("/v1/events").header("authorization", format!("Bearer {key}"))
    };
    if let Some(origin) = origin {
        request = request.header("origin", origin);
    }
    let body = Body::from(click(1).to_string());
    house.send(request.body(body).expect("a request")).await
}

const PAGE: &str = "https://north.school.example";

#[rstest]
#[case::public(("page", 5), Some(PAGE), false, Ok(()))]
#[case::beacon(("page", 5), Some(PAGE), true, Ok(()))]
#[case::on_a_server(("page", 5), None, false, Err("missing_origin"))]
#[case::curl(("page", 5), None, true, Err("missing_origin"))]
#[case::of_another_site(("page", 5), Some("https://other.example"), true, Err("origin_not_allowed"))]
#[case::of_a_file(("page", 5), Some("null"), false, Err("origin_not_allowed"))]
#[case::secret(("web", 1), None, false, Ok(()))]
#[case::secret_in_a_page(("web", 1), Some(PAGE), false, Err("secret_key_in_page"))]
#[case::secret_in_an_address(("web", 1), None, true, Err("secret_key_in_address"))]
#[case::secret_in_both(("web", 1), Some(PAGE), true, Err("secret_key_in_address"))]
#[tokio::test]
async fn public_keys_are_for_pages_of_their_sites_and_secret_ones_are_not(
    #[case] key: (&str, u8),
    #[case] origin: Option<&str>,
    #[case] in_address: bool,
    #[case] expected: Result<(), &str>,
) {
    let house = House::new().await;
    let key = credential(key.0, [key.1; 32]);
    let reply = post_from(&house, &key, origin, in_address).await;
    match expected {
        Ok(()) => assert_eq!(reply.status, StatusCode::ACCEPTED, "{reply:?}"),
        Err(code) => {
            assert_eq!((reply.status, reply.code()), (StatusCode::FORBIDDEN, code));
            // Another way to send the same key would not be refused.
            assert!(!reply.headers.contains_key("www-authenticate"));
        }
    }
    let stored = usize::from(expected.is_ok());
    assert_eq!(house.records().await.len(), stored);
}

#[tokio::test]
async fn a_key_in_the_address_counts_only_where_no_header_can_be_set() {
    let house = House::new().await;
    let (good, unknown) = (credential("page", [5; 32]), credential("page", [6; 32]));
    for (header, address, status) in [(&good, &unknown, 202), (&unknown, &good, 401)] {
        let request = Request::post(format!("/v1/events?key={address}"))
            .header("authorization", format!("Bearer {header}"))
            .header("origin", PAGE);
        let body = Body::from(click(1).to_string());
        let reply = house.send(request.body(body).expect("a request")).await;
        assert_eq!(reply.status, status);
    }
    // Statements come with a header.
    let request = Request::post(format!("/xapi/statements?key={good}"))
        .header("x-experience-api-version", "1.0.3")
        .header("origin", PAGE);
    let reply = house
        .send(request.body(Body::from("[]")).expect("a request"))
        .await;
    assert_eq!(reply.code(), "unknown_parameter");
}

#[tokio::test]
async fn a_public_key_does_not_post_what_only_a_server_knows() {
    let mut house = House::new().await;
    let event = |kind: &str, section: &str, data| {
        json!({
            "type": kind, "time": "2026-09-14T10:00:00Z", "actor": "stu-1041",
            "section": section, "data": data,
        })
    };
    let joined = event("class.joined", "bio-101-03", json!({}));
    let marked = event(
        "attendance.marked",
        "bio-101-03",
        json!({"status": "present"}),
    );
    let both = json!([joined, marked]).to_string();
    house.key = credential("page", [5; 32]);
    let reply = house.post_bytes(both.clone(), &[("origin", PAGE)]).await;
    assert_eq!(reply.outcomes(), ["accepted", "secret_key_needed /1/type"]);
    let reply = house
        .post_bytes(marked.to_string(), &[("origin", PAGE)])
        .await;
    assert_eq!(
        (reply.status, reply.code()),
        (StatusCode::FORBIDDEN, "wrong_scope")
    );
    house.key = credential("web", [1; 32]);
    let reply = house.post_bytes(both, &[]).await;
    assert_eq!(reply.outcomes(), ["accepted", "accepted"]);
}
