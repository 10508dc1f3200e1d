//! Imports beside queries: no query sees half of one.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use schemas::Table;
use schemas::roster::Entity;
use serde_json::{Value, json};

use super::imported::{Rows, add, enrollment, user, users};
use crate::school::School;

const IMPORTS: u64 = 30;

/// The number of the import stands in every row of all tables.
fn rows(number: u64) -> Rows {
    let at = "2026-09-10T06:00:00Z";
    let people: Vec<Value> = (0..3)
        .map(|n| user(&format!("stu-{n}"), &number.to_string(), "Noether"))
        .collect();
    let enrolled: Vec<Value> = (0..3)
        .map(|n| enrollment(&format!("e-{n}"), &format!("stu-{n}"), &number.to_string()))
        .collect();
    let mut rows = Rows::new();
    add(&mut rows, Entity::Users, at, number, &people);
    add(&mut rows, Entity::Enrollments, at, number, &enrolled);
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_sees_one_import_in_all_tables() {
    let school = Arc::new(School::empty(query::Config::default()).await);
    school
        .import("north", 1, "2026-09-10T06:00:00Z", &rows(1))
        .await;
    let is_over = Arc::new(AtomicBool::new(false));
    let asking = (0..3).map(|_| {
        let (school, is_over) = (Arc::clone(&school), Arc::clone(&is_over));
        tokio::spawn(async move {
            let sql = "SELECT CAST(min(u.given_name) AS bigint) AS least, \
                         CAST(max(u.given_name) AS bigint) AS most, \
                         CAST(min(e.role) AS bigint) AS enrolled, \
                         CAST(max(e.role) AS bigint) AS also, count(*) AS pairs, \
                         (SELECT max(import) FROM users_history) AS versions, \
                         (SELECT max(import) FROM enrollments_history) AS others \
                       FROM users u JOIN enrollments e ON u.user_id = e.user_id";
            let mut seen = BTreeSet::new();
            loop {
                // Looked at before the last question, so that one is asked after the end.
                let last = is_over.load(Ordering::SeqCst);
                let rows = school.ask("north", sql).await.rows();
                let row = &rows[0];
                let number = row["least"].as_u64().expect("a number");
                let same = json!([{
                    "least": number, "most": number, "enrolled": number, "also": number,
                    "pairs": 3, "versions": number, "others": number,
                }]);
                assert_eq!(rows, same);
                let before = seen.last().copied();
                assert!(
                    before.is_none_or(|before| before <= number),
                    "{before:?} {number}"
                );
                seen.insert(number);
                if last {
                    return seen;
                }
            }
        })
    });
    let asking: Vec<_> = asking.collect();
    for number in 2..=IMPORTS {
        school
            .import("north", number, "2026-09-10T06:00:00Z", &rows(number))
            .await;
    }
    is_over.store(true, Ordering::SeqCst);
    for asked in asking {
        let seen = asked.await.expect("no import was seen in half");
        assert_eq!(seen.last(), Some(&IMPORTS));
        assert!(seen.len() > 2, "only {seen:?}");
    }
    let held = school.lake.open(&crate::school::id("north"), users()).await;
    assert!(held.expect("opens").expect("a table").version() >= IMPORTS);
    assert_eq!(users(), Table::Roster(Entity::Users));
}
