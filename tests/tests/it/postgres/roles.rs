//! What the roles may do, and that they may do nothing else.

use e2e::Postgres;
use sqlx::PgPool;

use super::{count, refusal, run, texts};

/// What PostgreSQL says to who may not.
const FORBIDDEN: &str = "42501";
/// To who writes into a view of several tables.
const NO_TABLE: &str = "55000";
/// And to who writes in a transaction that only reads.
const READ_ONLY: &str = "25006";

async fn code(pool: &PgPool, sql: &str) -> String {
    refusal(sqlx::query(sql).execute(pool).await).0
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reader_reads_the_views_and_nothing_else() {
    let database = Postgres::shared().school();
    let owner = database.pool("postgres", 1).await;
    let reader = database.pool("chalkline_reader", 1).await;

    let views = "SELECT viewname FROM pg_views WHERE schemaname = 'chalkline' ORDER BY 1";
    let views = texts(&owner, views).await;
    assert_eq!(
        views,
        [
            "categories",
            "courses",
            "enrollments",
            "guardians",
            "line_items",
            "orgs",
            "results",
            "roles",
            "sections",
            "terms",
            "users"
        ]
    );
    for view in views {
        run(&reader, &format!("SELECT * FROM chalkline.{view}")).await;
        let delete = format!("DELETE FROM chalkline.{view}");
        let code = code(&reader, &delete).await;
        assert!(
            [FORBIDDEN, NO_TABLE].contains(&code.as_str()),
            "{view}: {code}"
        );
    }
    assert!(count(&reader, "SELECT chalkline.watermark()").await > 0);
    assert_eq!(texts(&reader, "SELECT chalkline.source()").await.len(), 1);

    let tables = "SELECT schemaname || '.' || tablename FROM pg_tables
                   WHERE schemaname IN ('lms', 'chalkline')";
    let tables = texts(&owner, tables).await;
    assert!(tables.len() > 15, "{tables:?}");
    for table in tables {
        let select = format!("SELECT * FROM {table}");
        assert_eq!(code(&reader, &select).await, FORBIDDEN, "{table}");
    }
    let functions = "SELECT p.oid::regprocedure::text FROM pg_proc p
                       JOIN pg_namespace n ON n.oid = p.pronamespace
                      WHERE n.nspname IN ('lms', 'chalkline')
                        AND has_schema_privilege('chalkline_reader', n.oid, 'usage')
                        AND has_function_privilege('chalkline_reader', p.oid, 'execute')
                      ORDER BY 1";
    let functions = texts(&owner, functions).await;
    assert_eq!(functions, ["chalkline.source()", "chalkline.watermark()"]);
    assert_eq!(
        code(&reader, "SELECT lms.enroll('stu-1001', 'mus-101-01')").await,
        FORBIDDEN
    );

    // It only reads, and what it forgot does not hold the database up.
    assert_eq!(
        code(&reader, "CREATE TABLE public.mine (a int)").await,
        READ_ONLY
    );
    assert_eq!(
        code(&reader, "CREATE TEMPORARY TABLE mine (a int)").await,
        READ_ONLY
    );
    for (name, value) in [
        ("default_transaction_read_only", "on"),
        ("statement_timeout", "10min"),
        ("lock_timeout", "5s"),
        ("idle_in_transaction_session_timeout", "10min"),
    ] {
        assert_eq!(
            texts(&reader, &format!("SHOW {name}")).await,
            [value],
            "{name}"
        );
    }
    // Also when it says otherwise.
    run(&reader, "SET default_transaction_read_only = off").await;
    assert_eq!(
        code(&reader, "CREATE TABLE public.mine (a int)").await,
        FORBIDDEN
    );
    assert_eq!(
        code(&reader, "UPDATE chalkline.orgs SET name = 'x'").await,
        FORBIDDEN
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_relay_marks_and_changes_nothing_else() {
    let database = Postgres::shared().school();
    let owner = database.pool("postgres", 1).await;
    let relay = database.pool("chalkline_relay", 1).await;
    super::enroll(&owner, "stu-1001", "bio-101-01")
        .await
        .expect("there is a seat");
    run(
        &relay,
        "SELECT * FROM chalkline.outbox FOR UPDATE SKIP LOCKED",
    )
    .await;
    assert_eq!(
        run(&relay, "UPDATE chalkline.outbox SET sent_at = now()").await,
        1
    );
    for sql in [
        "UPDATE chalkline.outbox SET event = '{}'",
        "DELETE FROM chalkline.outbox",
        "INSERT INTO chalkline.outbox (event) VALUES ('{}')",
        "SELECT * FROM chalkline.users",
        "SELECT * FROM lms.people",
    ] {
        assert_eq!(code(&relay, sql).await, FORBIDDEN, "{sql}");
    }
    // What was sent long ago goes, what was not stays.
    super::enroll(&owner, "stu-1002", "bio-101-01")
        .await
        .expect("there is a seat");
    run(&relay, "SELECT chalkline.forget_sent('1 hour')").await;
    assert_eq!(
        count(&owner, "SELECT count(*) FROM chalkline.outbox").await,
        2
    );
    run(&relay, "SELECT chalkline.forget_sent('0')").await;
    let left = texts(&owner, "SELECT event ->> 'actor' FROM chalkline.outbox").await;
    assert_eq!(left, ["stu-1002"]);
}
