//! A tenant's own rules about who sees what.

use std::collections::BTreeMap;

use schemas::{Attribute, Condition, Effect, Policy, Role};

use super::district::{district_of, document};

fn policy(role: Role, table: &str, effect: Effect, column: &str, condition: Condition) -> Policy {
    Policy {
        id: "rule".to_owned(),
        reason: "So it was decided.".to_owned(),
        roles: [role].into(),
        tables: [table.to_owned()].into(),
        effect,
        when: BTreeMap::from([(column.to_owned(), condition)]),
    }
}

async fn seen(policies: Vec<Policy>, who: &str, sql: &str) -> String {
    let mut document = document();
    document.access.policies = policies;
    district_of(document)
        .await
        .lines_as(who, sql)
        .await
        .join(" ")
}

const SQL: &str = "SELECT DISTINCT student_key FROM clickstream ORDER BY 1";

#[tokio::test]
async fn one_that_grants_shows_more_and_one_that_restricts_less() {
    let of = |text: &str| Condition::OneOf([text.to_owned()].into());
    let grant = policy(
        Role::Teacher,
        "clickstream",
        Effect::Grant,
        "section_id",
        of("bio-2"),
    );
    let restrict = policy(
        Role::Teacher,
        "clickstream",
        Effect::Restrict,
        "student_key",
        Condition::NoneOf(["k-stu-2".to_owned()].into()),
    );
    let usual = "k-stu-1 k-stu-2 k-stu-3 k-stu-7";
    assert_eq!(seen(vec![], "teacher", SQL).await, usual);
    assert_eq!(
        seen(vec![grant.clone()], "teacher", SQL).await,
        "k-stu-1 k-stu-2 k-stu-3 k-stu-4 k-stu-7"
    );
    assert_eq!(
        seen(vec![restrict.clone()], "teacher", SQL).await,
        "k-stu-1 k-stu-3 k-stu-7"
    );
    // What restricts holds of what is granted, too.
    let narrow = policy(
        Role::Teacher,
        "clickstream",
        Effect::Restrict,
        "section_id",
        of("bio-2"),
    );
    assert_eq!(seen(vec![grant, narrow], "teacher", SQL).await, "k-stu-4");
    // Of other roles and tables it says nothing.
    assert_eq!(
        seen(vec![restrict.clone()], "guardian", SQL).await,
        "k-stu-1 k-stu-5"
    );
    let video = "SELECT DISTINCT student_key FROM video ORDER BY 1";
    assert_eq!(seen(vec![restrict], "teacher", video).await, usual);
}

#[tokio::test]
async fn one_can_show_a_table_that_a_role_does_not_see() {
    let all = Condition::AtLeast("2026-09-14T00:00:00Z".to_owned());
    let grant = policy(Role::Teacher, "tallies", Effect::Grant, "minute", all);
    assert_eq!(
        seen(vec![grant], "teacher", "SELECT count(*) AS n FROM tallies").await,
        "0"
    );
}

#[tokio::test]
async fn one_can_go_by_what_is_theirs() {
    let theirs = Condition::Theirs(Attribute::Schools);
    let grant = policy(
        Role::SchoolAdmin,
        "demographics",
        Effect::Restrict,
        "user_id",
        Condition::Theirs(Attribute::StudentKeys),
    );
    assert_eq!(
        seen(vec![grant], "principal", "SELECT user_id FROM demographics").await,
        ""
    );
    let restrict = policy(
        Role::SchoolAdmin,
        "clickstream",
        Effect::Restrict,
        "school_id",
        theirs,
    );
    let sql = "SELECT count(DISTINCT student_key) AS n FROM clickstream";
    assert_eq!(seen(vec![restrict], "principal", sql).await, "6");
}

#[tokio::test]
async fn even_a_steward_can_be_restricted() {
    let before = Condition::LessThan("2026-06-01T00:00:00Z".to_owned());
    let restrict = policy(
        Role::Steward,
        "clickstream",
        Effect::Restrict,
        "occurred_at",
        before,
    );
    assert_eq!(seen(vec![restrict], "steward", SQL).await, "k-stu-6");
}

#[tokio::test]
async fn former_sections_are_seen_as_long_as_the_tenant_says() {
    let mut document = document();
    document.access.former_sections_days = 365;
    let school = district_of(document).await;
    let usual = "k-stu-1 k-stu-2 k-stu-3";
    let seen = school.lines_as("teacher", SQL).await.join(" ");
    assert_eq!(seen, format!("{usual} k-stu-6 k-stu-7"));
    let mut document = super::district::document();
    document.access.former_sections_days = 3;
    let school = district_of(document).await;
    assert_eq!(school.lines_as("substitute", SQL).await, ["k-stu-5"]);
}

#[tokio::test]
async fn one_that_does_not_fit_shows_nothing() {
    let wrong = Condition::AtLeast("soon".to_owned());
    let restrict = policy(
        Role::Teacher,
        "clickstream",
        Effect::Restrict,
        "occurred_at",
        wrong,
    );
    let mut document = document();
    document.access.policies = vec![restrict];
    let school = district_of(document).await;
    let (status, ..) = school.ask_as("teacher", SQL).await.problem();
    assert_eq!(status, 500);
    assert!(!school.lines_as("guardian", SQL).await.is_empty());
}
