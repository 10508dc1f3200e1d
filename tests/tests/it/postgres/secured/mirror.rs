//! The rows that PostgreSQL has of a tenant, and its policies over them.

use e2e::policies::{OF_STUDENTS, OF_USERS, ROSTER, WHO};
use e2e::{Client, Database, Postgres};
use serde_json::json;
use sqlx::PgPool;

use crate::postgres::run;

/// Of each table what is compared: its columns, in PostgreSQL's types. The first tells its
/// rows apart.
pub(super) const TABLES: [(&str, &[(&str, &str)]); 5] = [
    (
        "clickstream",
        &[
            ("event_id", "text"),
            ("event_type", "text"),
            ("occurred_at", "timestamptz"),
            ("student_key", "text"),
            ("course_id", "text"),
            ("section_id", "text"),
            ("school_id", "text"),
            ("url", "text"),
        ],
    ),
    (
        "assessment",
        &[
            ("event_id", "text"),
            ("event_type", "text"),
            ("occurred_at", "timestamptz"),
            ("student_key", "text"),
            ("course_id", "text"),
            ("section_id", "text"),
            ("school_id", "text"),
            ("item_id", "text"),
            ("score", "float8"),
        ],
    ),
    (
        "users",
        &[
            ("user_id", "text"),
            ("given_name", "text"),
            ("family_name", "text"),
            ("email", "text"),
        ],
    ),
    (
        "enrollments",
        &[
            ("enrollment_id", "text"),
            ("user_id", "text"),
            ("section_id", "text"),
            ("school_id", "text"),
            ("role", "text"),
            ("begin_date", "date"),
            ("end_date", "date"),
        ],
    ),
    (
        "student_day",
        &[
            ("student_key", "text"),
            ("day", "date"),
            ("course_id", "text"),
            ("section_id", "text"),
            ("school_id", "text"),
            ("page_views", "int8"),
        ],
    ),
];

/// Copies columns of a table as its steward reads them.
async fn copy(client: &Client, pool: &PgPool, schema: &str, table: &str, of: &[(&str, &str)]) {
    let names: Vec<&str> = of.iter().map(|(name, _)| *name).collect();
    let names = names.join(", ");
    let columns: Vec<String> = of
        .iter()
        .map(|(name, kind)| format!("{name} {kind}"))
        .collect();
    let create = format!("CREATE TABLE {schema}.{table} ({})", columns.join(", "));
    run(pool, &create).await;
    let rows = client.sql(&format!("SELECT {names} FROM {table}")).await;
    assert!(!rows.is_empty(), "{table} has rows");
    let insert = format!(
        "INSERT INTO {schema}.{table} SELECT * FROM json_populate_recordset(NULL::{schema}.{table}, $1::json)"
    );
    let added = sqlx::query(&insert)
        .bind(json!(rows).to_string())
        .execute(pool)
        .await;
    added.expect("rows are copied");
}

/// The database, with the tenant's rows and its own policies.
pub(super) async fn mirror(client: &Client) -> Database {
    let database = Postgres::shared().empty();
    let owner = database.pool("postgres", 1).await;
    run(&owner, "CREATE SCHEMA roster").await;
    for (table, columns) in ROSTER {
        copy(client, &owner, "roster", table, columns).await;
    }
    for (table, columns) in TABLES {
        copy(client, &owner, "public", table, columns).await;
    }
    let events = "(occurred_at AT TIME ZONE 'UTC')::date";
    let days = [
        ("clickstream", events),
        ("assessment", events),
        ("student_day", "day"),
    ];
    let of_students =
        days.map(|(table, day)| OF_STUDENTS.replace("$TABLE", table).replace("$DAY", day));
    // Roles are the server's, and so are there for all of its databases.
    let reader = "
        DO $$ BEGIN CREATE ROLE analyst LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
        GRANT USAGE ON SCHEMA roster TO analyst;
        GRANT SELECT ON ALL TABLES IN SCHEMA public, roster TO analyst;";
    database.psql(&[WHO, &of_students.concat(), OF_USERS, reader].concat());
    database
}
