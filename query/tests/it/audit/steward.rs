//! Only stewards see the audit.

use std::convert::Infallible;

use rstest::rstest;
use schemas::{Effect, Grant, Policy, Role};
use serde_json::json;

use crate::school::id;
use crate::seen::district::{EVERYBODY, NORTH, district, district_of, document};

const TABLES: [&str; 5] = [
    "audit",
    "query_audit",
    "disclosures",
    "slow_queries",
    "admin_audit",
];

#[tokio::test]
async fn only_stewards_can_name_it() {
    let school = district().await;
    for (who, role, _) in EVERYBODY {
        for table in TABLES {
            let answer = school.ask_as(who, &format!("SELECT * FROM {table}")).await;
            let listed = "SELECT table_name FROM information_schema.tables";
            let listed = school.lines_as(who, listed).await;
            let is_listed = listed.iter().any(|name| name == table);
            if matches!(role, Role::Steward | Role::DistrictAdmin) {
                assert_eq!(answer.status, 200, "{who} {table}: {}", answer.text());
                assert!(is_listed, "{who} {table}");
            } else {
                assert_eq!(answer.problem().1, "table_not_shown", "{who} {table}");
                assert!(!is_listed, "{who} {table}");
            }
        }
    }
}

#[tokio::test]
async fn no_grant_and_no_policy_shows_it_to_others() {
    let mut document = document();
    document.access.policies = vec![Policy {
        id: "all".to_owned(),
        reason: "a test".to_owned(),
        roles: [Role::Researcher, Role::Teacher].into(),
        tables: TABLES.map(str::to_owned).into(),
        effect: Effect::Grant,
        when: Default::default(),
    }];
    let tokens = document.tokens.iter_mut();
    for token in tokens.filter(|token| token.id == "service") {
        token.grant = Grant {
            tables: Some(TABLES.map(str::to_owned).into()),
            names: true,
            ..Grant::default()
        };
    }
    let school = district_of(document).await;
    for who in ["service", "researcher", "teacher"] {
        for table in TABLES {
            let answer = school.ask_as(who, &format!("SELECT * FROM {table}")).await;
            assert_eq!(answer.problem().1, "table_not_shown", "{who} {table}");
        }
        let answer = school.look_as(who, "/v1/reports/query_audit").await;
        assert_eq!(answer.problem().1, "table_not_shown", "{who}");
    }
}

#[rstest]
#[case("student")]
#[case("steward")]
#[tokio::test]
async fn who_asks_the_audit_is_in_it(#[case] who: &str) {
    let school = district().await;
    school.ask_as(who, "SELECT * FROM query_audit").await;
    let last = school.records.of(1).await.pop().expect("a record");
    assert_eq!(last.asker.credential_id, who);
    let is_refused = last.end.expect("an end").outcome == "table_not_shown";
    assert_eq!(is_refused, who == "student");
}

#[tokio::test]
async fn changes_of_the_document_are_listed_without_secrets() {
    let school = district().await;
    let north = id(NORTH);
    let registry = school.registry.clone().changed_by("ann@school");
    let changed = registry.update(&north, |tenant| {
        tenant.minimum_cell = 7;
        tenant.tokens.retain(|token| token.id != "stranger");
        Ok::<_, Infallible>(())
    });
    changed.await.expect("changed");
    let sql = "SELECT part, item, change, before, after FROM admin_audit WHERE version = 2 \
               ORDER BY part";
    let rows = school.ask_as("steward", sql).await.rows();
    assert_eq!(rows.as_array().map(Vec::len), Some(2), "{rows}");
    assert_eq!(
        rows[0],
        json!({"part": "minimum_cell", "item": null, "change": "changed", "before": "3", "after": "7"})
    );
    assert_eq!(rows[1]["item"], "stranger");
    assert_eq!(rows[1]["change"], "removed");
    let sql = "SELECT DISTINCT version, changed_by FROM admin_audit ORDER BY version";
    assert_eq!(
        school.ask_as("steward", sql).await.rows(),
        json!([{"version": 1, "changed_by": null}, {"version": 2, "changed_by": "ann@school"}])
    );
    let all = school.ask_as("steward", "SELECT * FROM admin_audit").await;
    assert!(!all.text().contains("hash"), "{}", all.text());
}
