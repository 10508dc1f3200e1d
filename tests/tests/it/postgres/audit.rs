//! What was changed is written down, from what to what, and stays so.

use e2e::Postgres;
use serde_json::{Value, json};
use sqlx::Row as _;

use super::{count, refusal, run, texts};

#[tokio::test(flavor = "multi_thread")]
async fn each_change_is_recorded_from_old_to_new_with_who_and_in_which_transaction() {
    let database = Postgres::shared().school();
    let app = database.pool("lms_app", 2).await;
    let owner = database.pool("postgres", 2).await;
    let before = count(&owner, "SELECT max(audit_id) FROM lms.audit").await;

    let mut transaction = app.begin().await.expect("a transaction");
    for sql in [
        "SET LOCAL lms.actor = 't-ramirez'",
        "SELECT lms.enroll('stu-1002', 'bio-101-01')",
        "INSERT INTO lms.grades (assignment_id, section_id, person_id, score, graded_by)
         VALUES ('quiz-cells', 'bio-101-01', 'stu-1002', 14, 't-ramirez')",
        "UPDATE lms.grades SET score = 15.5, reason = 'added up wrong'",
        // What changes nothing is no change.
        "UPDATE lms.grades SET score = 15.5",
    ] {
        let done = sqlx::query(sql).execute(&mut *transaction).await;
        done.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
    transaction.commit().await.expect("committed");
    super::drop_section(&app, "stu-1002", "bio-101-01")
        .await
        .expect("he is in it");

    let sql = "SELECT * FROM lms.audit WHERE audit_id > $1 ORDER BY audit_id";
    let rows = sqlx::query(sql).bind(before).fetch_all(&owner).await;
    let rows = rows.expect("the owner may read");
    let changes: Vec<(String, String, Option<String>)> = rows
        .iter()
        .map(|row| {
            (
                row.get("table_name"),
                row.get("operation"),
                row.get("actor"),
            )
        })
        .collect();
    let by = |table: &str, operation: &str, actor: Option<&str>| {
        (
            table.to_owned(),
            operation.to_owned(),
            actor.map(str::to_owned),
        )
    };
    let teacher = Some("t-ramirez");
    let expected = [
        by("enrollments", "INSERT", teacher),
        by("grades", "INSERT", teacher),
        by("grades", "UPDATE", teacher),
        by("enrollments", "UPDATE", None),
    ];
    assert_eq!(changes, expected);

    let values = |index: usize| -> (Option<Value>, Option<Value>) {
        (rows[index].get("old"), rows[index].get("new"))
    };
    let (old, new) = values(2);
    let (old, new) = (old.expect("old"), new.expect("new"));
    assert_eq!((&old["score"], &new["score"]), (&json!(14), &json!(15.5)));
    assert_eq!(new["reason"], json!("added up wrong"));
    let (old, new) = values(3);
    let (old, new) = (old.expect("old"), new.expect("new"));
    assert_eq!(
        (&old["status"], &new["status"]),
        (&json!("enrolled"), &json!("dropped"))
    );
    assert_eq!(values(0).0, None);

    let transactions: Vec<i64> = rows.iter().map(|row| row.get("transaction_id")).collect();
    assert_eq!(transactions[0], transactions[2]);
    assert_ne!(transactions[2], transactions[3]);
    let users: Vec<String> = rows.iter().map(|row| row.get("database_user")).collect();
    assert_eq!(users, ["lms_app"; 4]);

    // A transaction that is rolled back has changed nothing.
    let mut transaction = app.begin().await.expect("a transaction");
    let changed = sqlx::query("UPDATE lms.grades SET score = 3").execute(&mut *transaction);
    changed.await.expect("it may");
    transaction.rollback().await.expect("rolled back");
    let last = count(
        &owner,
        "SELECT count(*) FROM lms.audit WHERE new ->> 'score' = '3'",
    )
    .await;
    assert_eq!(last, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_changes_the_audit() {
    let database = Postgres::shared().school();
    let app = database.pool("lms_app", 1).await;
    let owner = database.pool("postgres", 1).await;
    let recorded = count(&owner, "SELECT count(*) FROM lms.audit").await;
    assert!(recorded > 0);
    for sql in [
        "UPDATE lms.audit SET actor = 'nobody'",
        "DELETE FROM lms.audit",
        "TRUNCATE lms.audit",
    ] {
        let (code, _) = refusal(sqlx::query(sql).execute(&app).await);
        assert_eq!(code, "42501", "{sql}");
        // Not even who owns it, nor by the way that restores take.
        for role in ["origin", "replica"] {
            run(&owner, &format!("SET session_replication_role = {role}")).await;
            let (code, name) = refusal(sqlx::query(sql).execute(&owner).await);
            assert_eq!(
                (code.as_str(), name.as_str()),
                ("42501", "audit_is_final"),
                "{sql}"
            );
        }
    }
    let write =
        "INSERT INTO lms.audit (table_name, operation, new) VALUES ('grades', 'INSERT', '{}')";
    assert_eq!(refusal(sqlx::query(write).execute(&app).await).0, "42501");
    let unchanged = texts(&owner, "SELECT count(*)::text FROM lms.audit").await;
    assert_eq!(unchanged, [recorded.to_string()]);
}
