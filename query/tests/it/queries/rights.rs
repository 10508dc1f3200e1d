//! Whose a submitted query is, and whether they still see what they saw.

use std::convert::Infallible;

use rstest::rstest;
use schemas::{Role, Tenant};
use serde_json::{Value, json};

use crate::school::{School, id as tenant, look, question, token};
use crate::seen::district::{EVERYBODY, NORTH, district};

const SQL: [&str; 4] = [
    "SELECT section_id, count(*) AS n, count(DISTINCT student_key) AS students \
     FROM clickstream GROUP BY section_id ORDER BY section_id",
    "SELECT student_key, section_id, url FROM clickstream ORDER BY event_id",
    "SELECT given_name, family_name FROM users ORDER BY user_id",
    "SELECT name FROM sections ORDER BY section_id",
];

/// Each role has in its result what it sees, and is refused what it is refused.
#[tokio::test]
async fn a_result_is_what_its_asker_sees() {
    let school = district().await;
    for (who, role, _) in EVERYBODY {
        let own = token(NORTH, who);
        for sql in SQL {
            let seen = school
                .answer(question(&own, &json!({ "sql": sql }), "*/*"))
                .await;
            let id = school.submit(&own, sql).await;
            let query = school.ended(&own, &id).await;
            let kept = school.rows_of(&own, &id, "").await;
            assert_eq!(kept.status, seen.status, "{who}: {sql}: {query}");
            match seen.status.is_success() {
                true if role == Role::Service || role == Role::Researcher => {
                    // Pseudonyms are others in each query.
                    let rows = |rows: Value| rows.as_array().map(Vec::len);
                    assert_eq!(rows(kept.rows()), rows(seen.rows()), "{who}: {sql}");
                }
                true => assert_eq!(kept.rows(), seen.rows(), "{who}: {sql}"),
                false => assert_eq!(kept.problem().1, seen.problem().1, "{who}: {sql}"),
            }
            school.delete(&own, &id).await;
        }
    }
}

/// Nobody finds another's query; a steward may know of it, and end it, and sees no rows.
#[tokio::test]
async fn a_query_is_its_askers() {
    let school = district().await;
    let teacher = token(NORTH, "teacher");
    let id = school.submit(&teacher, SQL[0]).await;
    school.ended(&teacher, &id).await;
    for who in [
        "substitute",
        "guardian",
        "student",
        "researcher",
        "service",
        "stranger",
    ] {
        let other = token(NORTH, who);
        for answer in [
            school.query(&other, &id).await,
            school.rows_of(&other, &id, "").await,
            school.delete(&other, &id).await,
        ] {
            let (status, code, _) = answer.problem();
            assert_eq!((status, code.as_str()), (404, "unknown_query"), "{who}");
        }
        let listed = school.answer(look(&other, "/v1/queries")).await.json();
        assert_eq!(listed, json!({"queries": []}), "{who}");
    }
    let listed = school.answer(look(&teacher, "/v1/queries")).await.json();
    assert_eq!(listed["queries"][0]["id"], id.as_str());

    let steward = token(NORTH, "steward");
    let listed = school.answer(look(&steward, "/v1/queries")).await.json();
    assert_eq!(listed["queries"][0]["role"], "teacher");
    assert_eq!(school.query(&steward, &id).await.status, 200);
    let rows = school.rows_of(&steward, &id, "").await.problem();
    assert_eq!(rows.1, "unknown_query");
    assert_eq!(school.delete(&steward, &id).await.status, 204);
    assert_eq!(
        school.query(&teacher, &id).await.problem().1,
        "unknown_query"
    );
}

#[tokio::test]
async fn another_tenants_query_is_unknown() {
    let school = School::new().await;
    let north = token("north", "steward");
    let id = school.submit(&north, "SELECT 1 AS one").await;
    school.ended(&north, &id).await;
    let south = token("south", "steward");
    assert_eq!(school.query(&south, &id).await.problem().1, "unknown_query");
    let listed = school.answer(look(&south, "/v1/queries")).await.json();
    assert_eq!(listed, json!({"queries": []}));
}

async fn change(school: &School, change: impl Fn(&mut Tenant)) {
    let north = tenant(NORTH);
    let update = school.registry.update(&north, |document| {
        change(document);
        Ok::<_, Infallible>(())
    });
    update.await.expect("updated");
}

/// What decides what somebody sees is another: they submit anew.
#[rstest]
#[case::bounds(|document: &mut Tenant| {
    for token in &mut document.tokens {
        token.grant.tables = Some(["sections".to_owned()].into());
    }
}, "bounds")]
#[case::role(|document: &mut Tenant| {
    for token in document.tokens.iter_mut().filter(|token| token.id == "teacher") {
        token.role = Role::SchoolAdmin;
    }
}, "role")]
#[case::rules(|document: &mut Tenant| document.minimum_cell += 1, "rules")]
#[tokio::test]
async fn a_result_ends_with_the_right_to_it(#[case] to: fn(&mut Tenant), #[case] reason: &str) {
    let school = district().await;
    let teacher = token(NORTH, "teacher");
    let id = school.submit(&teacher, SQL[1]).await;
    school.ended(&teacher, &id).await;
    assert_eq!(school.rows_of(&teacher, &id, "").await.status, 200);
    change(&school, to).await;
    let (status, code, detail) = school.rows_of(&teacher, &id, "").await.problem();
    assert_eq!((status, code.as_str()), (410, "result_expired"));
    assert!(detail.contains(reason), "{detail}");
}

#[tokio::test]
async fn a_revoked_token_opens_no_result() {
    let school = district().await;
    let teacher = token(NORTH, "teacher");
    let id = school.submit(&teacher, SQL[1]).await;
    school.ended(&teacher, &id).await;
    let now = school.clock.now();
    change(&school, |document| {
        for token in &mut document.tokens {
            token.revoked_at = Some(now);
        }
    })
    .await;
    let refused = school.rows_of(&teacher, &id, "").await.problem();
    assert_eq!((refused.0, refused.1.as_str()), (401, "token_revoked"));
}

/// A roster may end what somebody sees; it says nothing of what a steward does.
#[tokio::test]
async fn a_newer_roster_ends_what_depends_on_it() {
    let school = district().await;
    let (teacher, steward) = (token(NORTH, "teacher"), token(NORTH, "steward"));
    let of_teacher = school.submit(&teacher, SQL[1]).await;
    let of_steward = school.submit(&steward, SQL[1]).await;
    school.ended(&teacher, &of_teacher).await;
    school.ended(&steward, &of_steward).await;
    school
        .import(NORTH, 2, "2026-09-14T11:00:00Z", &Vec::new())
        .await;
    let (status, code, detail) = school.rows_of(&teacher, &of_teacher, "").await.problem();
    assert_eq!((status, code.as_str()), (410, "result_expired"));
    assert!(detail.contains("roster"), "{detail}");
    let rows = school.rows_of(&steward, &of_steward, "").await;
    assert_eq!(rows.status, 200, "{}", rows.text());
}
