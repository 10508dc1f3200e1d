//! Embed tokens: who makes them, what they open, and in whose pages.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use query::Config;
use rstest::rstest;
use schemas::{Grant, Origin, Role, Tenant};
use serde_json::{Value, json};

use crate::school::{Answer, School, id, time, token};

pub async fn make(school: &School, bearer: &str, body: &Value) -> Answer {
    let request = Request::post("/v1/embed-tokens")
        .header(header::AUTHORIZATION, format!("Bearer {bearer}"))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_string()));
    school.answer(request.expect("a request")).await
}

/// A token of `north`, by its steward.
async fn made(school: &School, body: &Value) -> String {
    let answer = make(school, &token("north", "steward").reveal(), body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let made = answer.json();
    made["token"].as_str().expect("a token").to_owned()
}

fn show(bearer: &str, origin: Option<&str>) -> Request<Body> {
    let mut request =
        Request::get("/v1/tables").header(header::AUTHORIZATION, format!("Bearer {bearer}"));
    if let Some(origin) = origin {
        request = request.header(header::ORIGIN, origin);
    }
    request.body(Body::empty()).expect("a request")
}

async fn outcome(school: &School, bearer: &str) -> String {
    let answer = school.answer(show(bearer, None)).await;
    match answer.status {
        StatusCode::OK => "answered".to_owned(),
        _ => answer.problem().1,
    }
}

async fn change(school: &School, tenant: &str, change: impl Fn(&mut Tenant)) {
    let tenant = id(tenant);
    let update = school.registry.update(&tenant, |document| {
        change(document);
        Ok::<_, std::convert::Infallible>(())
    });
    update.await.expect("updated");
}

fn video() -> Value {
    json!({"tables": ["video"], "filters": {"course_id": ["bio-101"]}})
}

#[tokio::test]
async fn a_steward_makes_a_token_for_a_page() {
    let school = School::empty(Config::default()).await;
    let answer = make(&school, &token("north", "steward").reveal(), &video()).await;
    assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");
    let mut body = answer.json();
    let embed = body["token"].take();
    let embed = embed.as_str().expect("a token");
    assert!(embed.starts_with("ce_north_"), "{embed}");
    let expected = json!({
        "token": null, "expires_at": "2026-09-14T12:10:00Z", "role": "service",
        "subject": null, "grant": video(),
    });
    assert_eq!(body, expected);
    assert_eq!(outcome(&school, embed).await, "answered");
    school.clock.set(time("2026-09-14T12:09:59Z"));
    assert_eq!(outcome(&school, embed).await, "answered");
    school.clock.set(time("2026-09-14T12:10:00Z"));
    assert_eq!(outcome(&school, embed).await, "token_expired");
}

#[tokio::test]
async fn it_is_no_more_than_its_parent() {
    let school = School::empty(Config::default()).await;
    let teacher = json!({"role": "teacher", "subject": "t-1"});
    let of_teacher = made(&school, &teacher).await;
    assert_eq!(outcome(&school, &of_teacher).await, "answered");
    // It ends with its parent,
    change(&school, "north", |document| {
        document.tokens[0].expires_at = Some(time("2026-09-14T12:05:00Z"));
    })
    .await;
    let bearer = token("north", "steward").reveal();
    let bounded = make(&school, &bearer, &teacher).await.json();
    assert_eq!(bounded["expires_at"], "2026-09-14T12:05:00Z");
    // is bounded with it,
    change(&school, "north", |document| {
        document.tokens[0].grant = Grant {
            tables: Some(BTreeSet::from(["video".to_owned()])),
            ..Grant::default()
        };
    })
    .await;
    let of_service = made(&school, &json!({"tables": ["video"]})).await;
    assert_eq!(outcome(&school, &of_service).await, "answered");
    change(&school, "north", |document| {
        document.tokens[0].grant.tables = Some(BTreeSet::from(["clickstream".to_owned()]));
    })
    .await;
    assert_eq!(outcome(&school, &of_service).await, "token_revoked");
    // and revoked with it.
    let of_service = made(&school, &json!({"tables": ["clickstream"]})).await;
    assert_eq!(outcome(&school, &of_service).await, "answered");
    let now = school.clock.now();
    change(&school, "north", |document| {
        document.tokens[0].revoked_at = Some(now)
    })
    .await;
    assert_eq!(outcome(&school, &of_service).await, "token_revoked");
    change(&school, "north", |document| document.tokens.clear()).await;
    assert_eq!(outcome(&school, &of_service).await, "token_revoked");
}

#[rstest]
#[case(json!({"tables": ["video"]}), 200, "")]
#[case(json!({"filters": {"course_id": ["b", "c"]}}), 200, "")]
#[case(json!({"tables": ["users"]}), 403, "grant_too_wide")]
#[case(json!({"filters": {"course_id": ["c"]}}), 403, "grant_too_wide")]
#[case(json!({"names": true}), 403, "grant_too_wide")]
#[case(json!({"role": "analyst"}), 403, "grant_too_wide")]
#[case(json!({"role": "service", "subject": "t-1"}), 403, "grant_too_wide")]
#[case(json!({"filters": {"colour": ["red"]}}), 400, "invalid_body")]
#[case(json!({"expires_in_s": 3601}), 400, "invalid_body")]
#[case(json!({"expires_in_s": 0}), 400, "invalid_body")]
#[case(json!({"role": "king"}), 400, "invalid_body")]
#[case(json!({"tenant": "south"}), 400, "invalid_body")]
#[case(json!({"filters": {"course_id": ["x".repeat(9000)]}}), 413, "body_too_long")]
#[tokio::test]
async fn a_service_makes_no_wider_one(
    #[case] body: Value,
    #[case] status: u16,
    #[case] code: &str,
) {
    let school = School::empty(Config::default()).await;
    change(&school, "north", |document| {
        document.tokens[0].role = Role::Service;
        document.tokens[0].grant = serde_json::from_value(json!({
            "tables": ["video", "clickstream"], "filters": {"course_id": ["a", "b"]},
        }))
        .expect("a grant");
    })
    .await;
    let answer = make(&school, &token("north", "steward").reveal(), &body).await;
    assert_eq!(answer.status, status, "{}", answer.text());
    match status {
        200 => {
            let grant = answer.json()["grant"].take();
            assert_ne!(grant["filters"]["course_id"], json!(["b", "c"]));
            assert!(grant["tables"].is_array(), "{grant}");
        }
        _ => assert_eq!(answer.problem().1, code),
    }
}

#[tokio::test]
async fn others_make_none() {
    let school = School::empty(Config::default()).await;
    let embed = made(&school, &video()).await;
    let analyst = token("north", "analyst").reveal();
    for (bearer, status, code) in [
        (analyst.as_str(), 403, "embed_not_allowed"),
        (&embed, 403, "embed_not_allowed"),
        (&token("north", "revoked").reveal(), 401, "token_revoked"),
        (&token("north", "nobody").reveal(), 401, "token_unknown"),
        ("nonsense", 401, "token_malformed"),
    ] {
        let (found, reason, _) = make(&school, bearer, &video()).await.problem();
        assert_eq!((found, reason.as_str()), (status, code));
    }
    let steward = token("north", "steward").reveal();
    let wide = make(&school, &steward, &json!({"role": "district_admin"})).await;
    assert_eq!(wide.problem().1, "grant_too_wide");
    // Nor do they log in at the page.
    let mut code = show(&embed, None);
    *code.method_mut() = Method::POST;
    *code.uri_mut() = "/v1/session/codes".parse().expect("a path");
    assert_eq!(school.answer(code).await.problem().1, "code_not_allowed");
}

#[tokio::test]
async fn nobody_makes_them_up_or_changes_them() {
    let school = School::empty(Config::default()).await;
    let embed = made(&school, &video()).await;
    let south = make(&school, &token("south", "steward").reveal(), &video()).await;
    assert_eq!(south.status, StatusCode::OK);
    let jwt = embed.strip_prefix("ce_north_").expect("its prefix");
    let parts: Vec<&str> = jwt.split('.').collect();
    let [head, claims, signature] = parts[..] else {
        panic!("{jwt}")
    };
    let decoded = URL_SAFE_NO_PAD.decode(claims).expect("base64");
    let change = |name: &str, value: Value| {
        let mut claims: Value = serde_json::from_slice(&decoded).expect("JSON");
        claims[name] = value;
        URL_SAFE_NO_PAD.encode(claims.to_string())
    };
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
    for (what, bearer, code) in [
        (
            "wider",
            format!(
                "ce_north_{head}.{}.{signature}",
                change("role", json!("steward"))
            ),
            "token_unknown",
        ),
        (
            "longer",
            format!(
                "ce_north_{head}.{}.{signature}",
                change("exp", json!(4_000_000_000_u64))
            ),
            "token_unknown",
        ),
        (
            "another parent",
            format!(
                "ce_north_{head}.{}.{signature}",
                change("parent", json!("x"))
            ),
            "token_revoked",
        ),
        (
            "unsigned",
            format!("ce_north_{none}.{claims}."),
            "token_unknown",
        ),
        ("cut", format!("ce_north_{head}.{claims}."), "token_unknown"),
        (
            "more claims",
            format!("ce_north_{head}.{}.{signature}", change("sub", json!("x"))),
            "token_malformed",
        ),
        ("another tenant", format!("ce_south_{jwt}"), "token_unknown"),
        ("an empty tenant", format!("ce_new_{jwt}"), "token_unknown"),
        ("no tenant", format!("ce_nobody_{jwt}"), "token_unknown"),
        ("without its prefix", jwt.to_owned(), "token_tenant_missing"),
        (
            "as a query token",
            format!("ct_north_{jwt}"),
            "token_tenant_missing",
        ),
    ] {
        let found = outcome(&school, &bearer).await;
        // What is no token at all may be refused as such.
        let is_refused =
            found == code || (what == "as a query token" && found == "token_malformed");
        assert!(is_refused, "{what}: {found}");
    }
    // Who only looks makes no key.
    let file = school.folder.path().join("_tenants/new/signing-key");
    assert!(!file.exists());
}

#[tokio::test]
async fn pages_of_the_sites_that_the_tenant_names_may_ask() {
    let school = School::empty(Config::default()).await;
    let embed = made(&school, &video()).await;
    let steward = token("north", "steward").reveal();
    let portal = "https://portal.north.example";
    let refused = school.answer(show(&embed, Some(portal))).await;
    assert_eq!(refused.problem().1, "origin_not_allowed");
    assert!(!allows(&refused));

    change(&school, "north", |document| {
        document.embed_origins = vec![Origin::new("https://*.north.example").expect("a site")];
    })
    .await;
    let answer = school.answer(show(&embed, Some(portal))).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], portal);
    for origin in ["https://north.example", "https://evil.example", "null"] {
        let refused = school.answer(show(&embed, Some(origin))).await;
        assert_eq!(refused.problem().1, "origin_not_allowed", "{origin}");
        assert!(!allows(&refused), "{origin}");
    }
    // Errors can be read as well, and other credentials never.
    let mut missing = show(&embed, Some(portal));
    *missing.uri_mut() = "/v1/reports/nothing".parse().expect("a path");
    let missing = school.answer(missing).await;
    assert_eq!(missing.problem().1, "unknown_report");
    assert!(allows(&missing));
    let other = school.answer(show(&steward, Some(portal))).await;
    assert_eq!(other.status, StatusCode::OK);
    assert!(!allows(&other));
}

fn allows(answer: &Answer) -> bool {
    let headers = &answer.headers;
    headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN)
}

#[tokio::test]
async fn browsers_are_told_what_pages_may_send() {
    let school = School::empty(Config::default()).await;
    let preflight = |path: &str| {
        Request::options(path)
            .header(header::ORIGIN, "https://portal.example")
            .header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST")
            .header(
                header::ACCESS_CONTROL_REQUEST_HEADERS,
                "authorization, content-type",
            )
            .body(Body::empty())
            .expect("a request")
    };
    for path in ["/v1/sql", "/v1/reports/student_day"] {
        let answer = school.answer(preflight(path)).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        let sent = answer.headers[header::ACCESS_CONTROL_ALLOW_HEADERS].to_str();
        assert!(sent.expect("text").contains("authorization"));
        assert!(allows(&answer));
        let credentials = header::ACCESS_CONTROL_ALLOW_CREDENTIALS;
        assert!(!answer.headers.contains_key(credentials));
    }
    // Pages of others neither log in nor make tokens.
    for path in ["/v1/embed-tokens", "/v1/session", "/v1/session/codes", "/"] {
        assert!(!allows(&school.answer(preflight(path)).await), "{path}");
    }
}
