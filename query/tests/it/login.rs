//! Logging in with a link: a code stands in for a token, once.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use query::Config;
use rstest::rstest;
use schemas::Credential;
use serde_json::{Value, json};

use crate::school::{Answer, School, look, time, token};

pub async fn give(school: &School, token: &Credential) -> Answer {
    let mut request = look(token, "/v1/session/codes");
    *request.method_mut() = axum::http::Method::POST;
    school.answer(request).await
}

async fn exchange(school: &School, body: &Value) -> Answer {
    let request = Request::post("/v1/session")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_string()));
    school.answer(request.expect("a request")).await
}

#[tokio::test]
async fn a_code_is_exchanged_for_its_token_once() {
    let school = School::empty(Config::default()).await;
    let analyst = token("new", "analyst");
    let given = give(&school, &analyst).await;
    assert_eq!(given.status, StatusCode::OK);
    assert_eq!(given.headers[header::CACHE_CONTROL], "no-store");
    let given = given.json();
    assert_eq!(given["expires_at"], "2026-09-14T12:10:00Z");
    let code = given["code"].as_str().expect("a code");
    assert!(!code.contains("ct_") && code.len() >= 43, "{code}");

    let session = exchange(&school, &json!({ "code": code })).await;
    assert_eq!(session.headers[header::CACHE_CONTROL], "no-store");
    let expected = json!({"token": analyst.reveal(), "tenant": "new", "role": "analyst"});
    assert_eq!(session.json(), expected);

    let (status, reason, detail) = exchange(&school, &json!({ "code": code })).await.problem();
    assert_eq!((status, reason.as_str()), (401, "code_unknown"));
    assert!(detail.contains("chalkline link"), "{detail}");
}

#[tokio::test]
async fn a_code_ends_with_its_time_or_its_token() {
    let school = School::empty(Config::default()).await;
    let steward = token("new", "steward");
    let code = |answer: Answer| json!({ "code": answer.json()["code"] });
    let late = code(give(&school, &steward).await);
    school.clock.set(time("2026-09-14T12:10:00Z"));
    assert_eq!(exchange(&school, &late).await.problem().1, "code_unknown");

    let revoked = code(give(&school, &steward).await);
    let now = school.clock.now();
    let revoke = school.registry.update(&steward.tenant, |tenant| {
        for token in &mut tenant.tokens {
            token.revoked_at = Some(now);
        }
        Ok::<_, std::convert::Infallible>(())
    });
    revoke.await.expect("updated");
    let refused = exchange(&school, &revoked).await.problem();
    assert_eq!(refused.1, "token_revoked");
}

#[rstest]
#[case(json!({"code": ""}), 401, "code_unknown")]
#[case(json!({"code": "é%"}), 401, "code_unknown")]
#[case(json!({"code": 1}), 400, "invalid_body")]
#[case(json!({"token": "ct_a_b_c"}), 400, "invalid_body")]
#[case(json!({"code": "x".repeat(2000)}), 413, "body_too_long")]
#[tokio::test]
async fn what_is_no_code_opens_nothing(
    #[case] body: Value,
    #[case] status: u16,
    #[case] code: &str,
) {
    let school = School::empty(Config::default()).await;
    let (found, reason, _) = exchange(&school, &body).await.problem();
    assert_eq!((found, reason.as_str()), (status, code));
}

#[tokio::test]
async fn a_token_can_be_asked_whose_it_is() {
    let school = School::empty(Config::default()).await;
    let shown = school
        .answer(look(&token("new", "analyst"), "/v1/session"))
        .await;
    assert_eq!(shown.headers[header::CACHE_CONTROL], "no-store");
    let shown = shown.json();
    assert_eq!(
        (&shown["tenant"], &shown["role"], &shown["subject"]),
        (&json!("new"), &json!("analyst"), &Value::Null)
    );
    assert_eq!(shown["credential"], "token");
    assert!(!shown.to_string().contains("ct_"), "{shown}");

    let revoked = school
        .answer(look(&token("new", "revoked"), "/v1/session"))
        .await;
    assert_eq!(revoked.problem().1, "token_revoked");
}

#[tokio::test]
async fn only_the_holder_of_a_token_gets_a_code() {
    let school = School::empty(Config::default()).await;
    for (name, code) in [("revoked", "token_revoked"), ("expired", "token_expired")] {
        let refused = give(&school, &token("new", name)).await;
        assert_eq!(refused.problem().1, code);
    }
    let stranger = give(&school, &token("elsewhere", "steward")).await;
    assert_eq!(stranger.problem().1, "token_unknown");
}
