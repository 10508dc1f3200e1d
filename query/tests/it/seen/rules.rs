//! A tenant's own rules about who sees what.

use std::collections::BTreeMap;

use schemas::{Attribute, Condition, Effect, Policy, Role, Table};
use serde_json::json;

use super::district::{NORTH, district_of, document};

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
    let tally = |minute: &str, position: u64| {
        json!({
            "minute": minute, "node": "n1", "family": "video", "outcome": "accepted",
            "events": 4, "log_id": "log-1", "log_partition": 0, "log_position": position,
        })
    };
    let rows = [
        tally("2026-09-13T23:59:00Z", 0),
        tally("2026-09-14T10:05:00Z", 1),
        tally("2026-09-14T10:06:00Z", 2),
    ];
    let today = Condition::AtLeast("2026-09-14T00:00:00Z".to_owned());
    let grant = policy(Role::Teacher, "tallies", Effect::Grant, "minute", today);
    let mut document = document();
    document.access.policies = vec![grant];
    let school = district_of(document).await;
    school.publish(NORTH, Table::Tallies, None, &rows).await;
    let sql = "SELECT count(*) AS n, sum(events) AS s FROM tallies";
    assert_eq!(school.lines_as("steward", sql).await, ["3 12"]);
    assert_eq!(school.lines_as("teacher", sql).await, ["2 8"]);
    let (_, code, _) = school.ask_as("guardian", sql).await.problem();
    assert_eq!(code, "table_not_shown");
}

#[tokio::test]
async fn one_can_restrict_to_what_is_theirs() {
    let theirs = |attribute, table: &str, column: &str| {
        let condition = Condition::Theirs(attribute);
        policy(
            Role::SchoolAdmin,
            table,
            Effect::Restrict,
            column,
            condition,
        )
    };
    // A principal has no children there.
    let keys = theirs(Attribute::StudentKeys, "demographics", "user_id");
    let sql = "SELECT user_id FROM demographics ORDER BY 1";
    let usual = "stu-1 stu-2 stu-3 stu-4 stu-6 stu-7";
    assert_eq!(seen(vec![], "principal", sql).await, usual);
    assert_eq!(seen(vec![keys], "principal", sql).await, "");
    // Nor aggregates of what others teach.
    let sections = theirs(Attribute::Sections, "section_day", "section_id");
    let sql = "SELECT section_id FROM section_day ORDER BY 1";
    let usual = "bio-1 bio-2 bio-4 mat-1 mat-2";
    assert_eq!(seen(vec![], "principal", sql).await, usual);
    assert_eq!(seen(vec![sections], "principal", sql).await, "bio-1 bio-2");
}

#[tokio::test]
async fn one_can_grant_what_is_theirs() {
    let theirs = |attribute, table: &str, column: &str| {
        let condition = Condition::Theirs(attribute);
        policy(Role::Teacher, table, Effect::Grant, column, condition)
    };
    let users = theirs(Attribute::Users, "demographics", "user_id");
    let sql = "SELECT user_id FROM demographics ORDER BY 1";
    assert_eq!(
        seen(vec![users], "teacher", sql).await,
        "stu-1 stu-2 stu-3 stu-7"
    );
    // A section is theirs on all of its days, if a rule goes by it.
    let sections = theirs(Attribute::Sections, "clickstream", "section_id");
    let sql = "SELECT count(*) AS n FROM clickstream WHERE section_id = 'bio-2'";
    assert_eq!(seen(vec![], "substitute", sql).await, "1");
    assert_eq!(seen(vec![sections], "substitute", sql).await, "2");
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
