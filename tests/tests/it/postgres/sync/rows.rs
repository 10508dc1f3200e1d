//! Rows that come, change and go.

use e2e::{Postgres, Sandbox};
use serde_json::json;

use super::super::{add_students, count, enroll, run, texts};
use super::{assert_stored, changes, done, jobs, source, sync, synced, unchanged};

#[tokio::test(flavor = "multi_thread")]
async fn a_school_is_read_whole_and_then_what_changes() {
    let sandbox = Sandbox::up().await;
    let database = Postgres::shared().school();
    let owner = database.pool("postgres", 1).await;
    enroll(&owner, "stu-1001", "bio-101-01")
        .await
        .expect("there is a seat");
    run(
        &owner,
        "INSERT INTO lms.grades (assignment_id, section_id, person_id, score, graded_by)
         VALUES ('quiz-cells', 'bio-101-01', 'stu-1001', 14.5, 't-ramirez')",
    )
    .await;

    let first = sync(&sandbox, &database, &[]);
    assert_eq!(first["last"]["state"], "done", "{first}");
    assert_eq!(first["last"]["full"], true);
    assert_eq!(first["last"]["found"]["errors"], 0, "{first}");
    let views = "SELECT viewname FROM pg_views WHERE schemaname = 'chalkline' ORDER BY 1";
    let views = texts(&owner, views).await;
    assert!(views.len() > 10, "{views:?}");
    for view in views {
        let sql = format!("SELECT count(*) FROM chalkline.{view} WHERE NOT is_deleted");
        let rows = count(&owner, &sql).await;
        assert!(rows > 0, "{view}");
        assert_eq!(first["last"]["rows"][&view], rows, "{view}");
        assert_eq!(changes(&first, &view), json!([rows, 0, 0]), "{view}");
    }
    assert_stored(&sandbox, &database);
    assert_eq!(synced(&sandbox, &database, &[]), (unchanged(), false));

    for sql in [
        "UPDATE lms.people SET family_name = 'Fontaine-Ibsen' WHERE person_id = 'stu-1001'",
        "UPDATE lms.people SET deleted_at = now() WHERE person_id = 'g-hartley'",
        "UPDATE lms.guardians SET deleted_at = now() WHERE agent_id = 'g-hartley'",
        "UPDATE lms.roles SET deleted_at = now() WHERE person_id = 'g-hartley'",
        "UPDATE lms.courses SET grades = '{12}' WHERE course_id = 'mus-101'",
        "UPDATE lms.meetings SET room = 'Lab 2' WHERE section_id = 'bio-201-01'",
        "UPDATE lms.grades SET score = 15, reason = 'added up wrong'",
    ] {
        assert!(run(&owner, sql).await > 0, "{sql}");
    }
    add_students(&owner, 3).await;
    enroll(&owner, "s-1", "mus-101-01")
        .await
        .expect("there is a seat");
    let second = sync(&sandbox, &database, &[]);
    assert_eq!(second["last"]["full"], false, "{second}");
    assert_eq!(changes(&second, "users"), json!([3, 1, 1]), "{second}");
    assert_eq!(changes(&second, "guardians"), json!([0, 0, 1]));
    assert_eq!(changes(&second, "roles"), json!([3, 0, 1]));
    assert_eq!(changes(&second, "courses"), json!([0, 1, 0]));
    // One by its course, the other by where it meets.
    assert_eq!(changes(&second, "sections"), json!([0, 2, 0]));
    assert_eq!(changes(&second, "enrollments"), json!([1, 0, 0]));
    assert_eq!(changes(&second, "results"), json!([0, 1, 0]));
    assert_stored(&sandbox, &database);

    // What is deleted for good is seen when all is read.
    let gone = "DELETE FROM lms.guardians WHERE agent_id = 'g-fontaine'";
    assert_eq!(run(&owner, gone).await, 1);
    assert_eq!(synced(&sandbox, &database, &[]), (unchanged(), false));
    let full = sync(&sandbox, &database, &["--full-every", "0s"]);
    assert_eq!(full["last"]["full"], true);
    assert_eq!(changes(&full, "guardians"), json!([0, 0, 1]), "{full}");
    assert_stored(&sandbox, &database);

    // What is done again and again leaves a job where it has changed something.
    let jobs = jobs(&sandbox);
    let states: Vec<_> = jobs.iter().map(|job| &job["state"]).collect();
    assert_eq!(states, ["done"; 3]);
    assert!(
        jobs[0]["source"]
            .as_str()
            .is_some_and(|name| name.starts_with("postgres:lms-"))
    );
    assert_eq!(jobs[0].get("checksum"), None);
    let known = source(&sandbox);
    assert_eq!(known["last"], full["last"]);
    assert_eq!(known["reached"]["import"], 3);
    assert_eq!(known["kind"], "postgres");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_term_that_moves_takes_sections_and_enrollments_along() {
    let sandbox = Sandbox::up().await;
    let database = Postgres::shared().school();
    let owner = database.pool("postgres", 1).await;
    assert_eq!(synced(&sandbox, &database, &[]), (done(), true));
    // Only the section is written; its enrollments lie in its term.
    run(
        &owner,
        "UPDATE lms.sections SET term_id = 'spring' WHERE section_id = 'his-101-01'",
    )
    .await;
    let moved = sync(&sandbox, &database, &[]);
    assert_eq!(moved["last"]["full"], false, "{moved}");
    assert_eq!(changes(&moved, "sections"), json!([0, 1, 0]), "{moved}");
    let enrolled = "SELECT count(*) FROM chalkline.enrollments
                     WHERE section_id = 'his-101-01' AND NOT is_deleted";
    let enrolled = count(&owner, enrolled).await;
    assert!(enrolled > 0);
    assert_eq!(changes(&moved, "enrollments"), json!([0, enrolled, 0]));
    assert_stored(&sandbox, &database);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_catalogue_in_between_leaves_all_that_was_read_as_it_is() {
    let sandbox = Sandbox::up().await;
    let database = Postgres::shared().school();
    let owner = database.pool("postgres", 1).await;
    assert_eq!(synced(&sandbox, &database, &[]), (done(), true));
    let folder = tempfile::tempdir().expect("a folder");
    let programs = "program_id,title\narts,Arts\n";
    std::fs::write(folder.path().join("programs.csv"), programs).expect("written");
    let path = folder.path().display().to_string();
    let catalog = ["catalog", "import", &path, "--tenant", &sandbox.tenant.id];
    assert_eq!(sandbox.cli(&catalog)["state"], "done");
    add_students(&owner, 1).await;
    assert_eq!(synced(&sandbox, &database, &[]), (done(), false));
    assert_stored(&sandbox, &database);

    // What was taken back may be anything.
    let back = ["roster", "rollback", "--tenant", &sandbox.tenant.id];
    assert_eq!(sandbox.cli(&back)["state"], "done");
    assert_eq!(synced(&sandbox, &database, &[]), (done(), true));
}
