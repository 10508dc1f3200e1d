//! Setting up, once and again, with the reference LMS and beside another.

use std::fs;

use e2e::{Postgres, files};

use super::{count, run, texts};

#[tokio::test(flavor = "multi_thread")]
async fn the_files_can_be_set_up_twice() {
    const ROWS: &str = "
        SELECT table_name || ' ' || (xpath('/row/n/text()', query_to_xml(
                 format('SELECT count(*) AS n FROM %I.%I', table_schema, table_name), false, true, '')))[1]::text
          FROM information_schema.tables
         WHERE table_schema IN ('lms', 'chalkline') AND table_type = 'BASE TABLE' ORDER BY 1";
    let database = Postgres::shared().school();
    let pool = database.pool("postgres", 1).await;
    let first = texts(&pool, ROWS).await;
    database.set_up(&["--seed"]);
    assert_eq!(texts(&pool, ROWS).await, first);
    // Neither is anything deleted that came in between.
    run(
        &pool,
        "INSERT INTO lms.orgs (org_id, name, type) VALUES ('south', 'South High', 'school')",
    )
    .await;
    database.set_up(&[]);
    assert_eq!(count(&pool, "SELECT count(*) FROM chalkline.orgs").await, 3);
    // Everything that a school has to fill says what that is.
    let undescribed = "
        SELECT c.relname || '.' || a.attname FROM pg_class c
          JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
         WHERE c.relkind = 'v' AND c.relnamespace = 'chalkline'::regnamespace
           AND (obj_description(c.oid) IS NULL OR col_description(c.oid, a.attnum) IS NULL)
           AND NOT (a.attname IN ('is_deleted', 'modified_at', 'watermark') AND c.relname <> 'orgs')";
    assert_eq!(texts(&pool, undescribed).await, [""; 0]);
}

/// The example of the README: a file of views for tables that we know nothing of.
#[tokio::test(flavor = "multi_thread")]
async fn another_lms_needs_its_views_only() {
    let readme = fs::read_to_string(files::workspace().join("infra/postgres/README.md"));
    let readme = readme.expect("there is one");
    let blocks: Vec<&str> = readme
        .split("```sql\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    let [tables, views, events] = blocks[..] else {
        panic!("the README has {} blocks of SQL", blocks.len());
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("views.sql");
    fs::write(&file, views).expect("written");
    let file = file.display().to_string();

    let database = Postgres::shared().empty();
    database.psql(tables);
    database.set_up(&["--views", &file]);
    database.set_up(&["--views", &file]);
    // The same columns, in the same order, as the views of the reference LMS have.
    const COLUMNS: &str = "SELECT table_name || '.' || column_name || ' ' || data_type
          FROM information_schema.columns
         WHERE table_schema = 'chalkline'
           AND table_name IN ('orgs', 'users', 'courses', 'sections', 'enrollments')
         ORDER BY table_name, ordinal_position";
    let school = Postgres::shared().school().pool("postgres", 1).await;
    let pool = database.pool("postgres", 1).await;
    assert_eq!(texts(&pool, COLUMNS).await, texts(&school, COLUMNS).await);

    let reader = database.pool("chalkline_reader", 1).await;
    let pupils = "SELECT user_id FROM chalkline.users ORDER BY 1";
    assert_eq!(texts(&reader, pupils).await, ["pupil-1", "pupil-2"]);
    let marks = "SELECT count(*) FROM chalkline.enrollments WHERE watermark IS NOT NULL";
    assert_eq!(count(&reader, marks).await, 1);

    database.psql(events);
    let told =
        "SELECT concat_ws(' ', event ->> 'type', event ->> 'actor', event -> 'data' ->> 'status')
                  FROM chalkline.outbox";
    assert_eq!(
        texts(&pool, told).await,
        ["enrollment.changed pupil-2 active"]
    );
}
