//! What goes wrong says what to do, leaves what is stored, and tells no secret.

use e2e::{Postgres, Sandbox};
use serde_json::json;

use super::super::{add_students, run};
use super::{
    arguments, assert_stored, changes, done, fails, jobs, source, sync, synced, unchanged,
};

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_read_is_told_what_to_do() {
    let sandbox = Sandbox::up().await;
    let database = Postgres::shared().empty();
    let reader = database.url("chalkline_reader");

    let log = fails(&sandbox, "url", "mysql://me:s3cret@db/lms", &[]).await;
    assert!(log.contains("no address of PostgreSQL"), "{log}");
    assert!(!log.contains("s3cret"), "{log}");
    let nowhere = "postgresql://me:s3cret@127.0.0.1:1/lms";
    let log = fails(&sandbox, "nowhere", nowhere, &[]).await;
    assert!(
        log.contains("cannot connect to the database lms on 127.0.0.1:1"),
        "{log}"
    );
    assert!(!log.contains("s3cret"), "{log}");
    // The database's own word for it.
    let known = source(&sandbox);
    assert_eq!(known["last"]["state"], "failed");
    assert!(
        known["last"]["error"]
            .as_str()
            .is_some_and(|error| error.contains("cannot connect"))
    );
    assert_eq!(known.get("reached"), None);
    assert!(!known.to_string().contains("s3cret"));
    fails(&sandbox, "again", nowhere, &[]).await;
    // The same once more is no news.
    assert_eq!(jobs(&sandbox).len(), 1);

    // Some other test's setup has made the role.
    Postgres::shared().school();
    let log = fails(&sandbox, "bare", &reader, &[]).await;
    assert!(log.contains("infra/postgres/setup.sh"), "{log}");
    database.set_up(&["--seed"]);
    database.psql("REVOKE USAGE ON SCHEMA chalkline FROM chalkline_reader");
    let log = fails(&sandbox, "schema", &reader, &[]).await;
    assert!(
        log.contains("GRANT USAGE ON SCHEMA chalkline TO chalkline_reader;"),
        "{log}"
    );
    database.psql(
        "GRANT USAGE ON SCHEMA chalkline TO chalkline_reader;
         REVOKE SELECT ON chalkline.users FROM chalkline_reader",
    );
    let log = fails(&sandbox, "view", &reader, &[]).await;
    assert!(
        log.contains("GRANT SELECT ON chalkline.users TO chalkline_reader;"),
        "{log}"
    );
    database.psql(
        "GRANT SELECT ON chalkline.users TO chalkline_reader;
         REVOKE EXECUTE ON FUNCTION chalkline.source() FROM chalkline_reader",
    );
    let log = fails(&sandbox, "function", &reader, &[]).await;
    assert!(
        log.contains("GRANT EXECUTE ON FUNCTION chalkline.watermark()"),
        "{log}"
    );
    database.psql("GRANT EXECUTE ON FUNCTION chalkline.source() TO chalkline_reader");
    database.psql("DROP VIEW chalkline.courses");
    let log = fails(&sandbox, "missing", &reader, &[]).await;
    assert!(log.contains("no view chalkline.courses"), "{log}");
    assert!(log.contains("infra/postgres/README.md"), "{log}");
    database.set_up(&[]);
    database.psql("DROP VIEW chalkline.categories");
    assert_eq!(sync(&sandbox, &database, &[])["last"]["state"], "done");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_of_other_columns_is_named_with_what_is_expected() {
    let sandbox = Sandbox::up().await;
    let database = Postgres::shared().school();
    let reader = database.url("chalkline_reader");
    let orgs = |columns: &str| {
        database.psql(&format!(
            "DROP VIEW chalkline.orgs;
             CREATE VIEW chalkline.orgs AS SELECT {columns} FROM lms.orgs;
             GRANT SELECT ON chalkline.orgs TO chalkline_reader"
        ));
    };
    let rest = "false AS is_deleted, modified_at, watermark";
    let names = "org_id, name, type, identifier, parent_org_id";
    for (test, columns, expected) in [
        (
            "type",
            format!("1 AS org_id, name, type, identifier, parent_org_id, {rest}"),
            "chalkline.orgs.org_id is int4; it has to be text",
        ),
        (
            "column",
            format!("org_id, name, type, identifier, {rest}"),
            "chalkline.orgs has no column parent_org_id; it has to be text",
        ),
        (
            "mark",
            format!("{names}, false AS is_deleted, modified_at, modified_at AS watermark"),
            "chalkline.orgs.watermark is timestamptz; it has to be bigint",
        ),
    ] {
        orgs(&columns);
        let log = fails(&sandbox, test, &reader, &[]).await;
        assert!(log.contains(expected), "{log}");
    }
    // Columns of the school's own do no harm.
    orgs(&format!("{names}, {rest}, 'mine' AS colour"));
    assert_eq!(synced(&sandbox, &database, &[]), (done(), true));
    // What a value says is not repeated.
    orgs(&format!(
        "{names}, (1 / (length(name) - length('North High')))::text::boolean AS is_deleted, modified_at, watermark"
    ));
    let log = fails(&sandbox, "value", &reader, &[]).await;
    assert!(log.contains("chalkline.orgs cannot be read"), "{log}");
    assert!(log.contains("SQLSTATE 22"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_cannot_be_are_left_out_and_told_and_half_a_school_is_refused() {
    let sandbox = Sandbox::up().await;
    let database = Postgres::shared().school();
    let owner = database.pool("postgres", 1).await;
    add_students(&owner, 40).await;
    assert_eq!(synced(&sandbox, &database, &[]), (done(), true));

    // The LMS has words of its own.
    database.psql("ALTER TABLE lms.roles DROP CONSTRAINT roles_role_check");
    run(
        &owner,
        "UPDATE lms.roles SET role = 'dragon tamer' WHERE role_id = 'role-7'",
    )
    .await;
    let told = sync(&sandbox, &database, &[]);
    assert_eq!(told["last"]["state"], "unchanged", "{told}");
    assert_eq!(told["last"]["found"]["errors"], 1);
    let job = told["last"]["job"].as_str().expect("it is news");
    let wrong = ["roster", "diagnostics", job, "--tenant", &sandbox.tenant.id];
    let wrong = sandbox.cli(&wrong);
    let error = wrong.as_array().expect("a list").iter();
    let error: Vec<_> = error.filter(|row| row["severity"] == "error").collect();
    assert_eq!(error.len(), 1, "{wrong}");
    assert_eq!(error[0]["file"], "chalkline.roles");
    assert_eq!(error[0]["column"], "role");
    assert!(!wrong.to_string().contains("dragon"), "{wrong}");
    assert_eq!(synced(&sandbox, &database, &[]), (unchanged(), false));

    // Half of the people are not there any more.
    run(
        &owner,
        "UPDATE lms.roles SET role = 'student' WHERE role_id = 'role-7'",
    )
    .await;
    sync(&sandbox, &database, &[]);
    database.psql(
        "CREATE OR REPLACE VIEW chalkline.users AS
         SELECT p.person_id AS user_id, p.enabled, NULL::text AS role, NULL::text[] AS org_ids, p.primary_org_id,
                p.grades, p.username, NULL::text[] AS user_ids, NULL::text AS identifier,
                NULL::text AS master_identifier, p.email, p.given_name, p.family_name, NULL::text AS middle_name,
                p.preferred_given_name, NULL::text AS preferred_family_name, NULL::text AS preferred_middle_name,
                NULL::text AS pronouns, NULL::text AS sms, NULL::text AS phone, NULL::text[] AS agent_ids,
                p.deleted_at IS NOT NULL AS is_deleted, p.modified_at, p.watermark
           FROM lms.people p WHERE p.person_id NOT LIKE 's-%'",
    );
    let url = database.url("chalkline_reader");
    let (code, refused) = sandbox.cli_with_code(&arguments(&url, &sandbox.tenant.id, &[]));
    assert_eq!(
        (code, &refused["last"]["state"]),
        (1, &json!("refused")),
        "{refused}"
    );
    let why = refused["last"]["error"].as_str().expect("why");
    assert!(why.contains("users would end"), "{why}");
    assert_eq!(refused["reached"]["import"], 1, "{refused}");
    let forced = sync(&sandbox, &database, &["--force"]);
    assert_eq!(changes(&forced, "users")[2], 40, "{forced}");
    assert_stored(&sandbox, &database);
}
