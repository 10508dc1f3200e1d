//! The rows that PostgreSQL has of a tenant, and its policies over them.

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

/// What the policies ask of a roster that nobody sees.
const ROSTER: [(&str, &[(&str, &str)]); 7] = [
    ("orgs", &[("org_id", "text"), ("parent_org_id", "text")]),
    (
        "terms",
        &[
            ("term", "text"),
            ("start_date", "date"),
            ("end_date", "date"),
        ],
    ),
    ("sections", &[("section_id", "text"), ("term", "text")]),
    (
        "roles",
        &[("user_id", "text"), ("org_id", "text"), ("role", "text")],
    ),
    ("guardians", &[("user_id", "text"), ("agent_id", "text")]),
    (
        "identities",
        &[("user_id", "text"), ("student_key", "text")],
    ),
    (
        "enrollments",
        &[
            ("user_id", "text"),
            ("section_id", "text"),
            ("school_id", "text"),
            ("role", "text"),
            ("begin_date", "date"),
            ("end_date", "date"),
        ],
    ),
];

/// Who is asking, and what the roster says is theirs.
const WHO: &str = "
    CREATE FUNCTION me() RETURNS text STABLE LANGUAGE sql
    AS $$ SELECT current_setting('app.user') $$;
    CREATE FUNCTION am(text) RETURNS boolean STABLE LANGUAGE sql
    AS $$ SELECT current_setting('app.role') = $1 $$;
    CREATE VIEW roster.taught AS
        SELECT e.section_id, coalesce(e.begin_date, t.start_date) AS first,
               coalesce(e.end_date, t.end_date) AS last
        FROM roster.enrollments e
        LEFT JOIN roster.sections s USING (section_id)
        LEFT JOIN roster.terms t ON t.term = s.term
        WHERE e.user_id = me() AND e.role = 'teacher';
    CREATE VIEW roster.pupils AS
        SELECT e.user_id FROM roster.enrollments e JOIN roster.taught t USING (section_id)
        WHERE e.role = 'student'
          AND daterange(e.begin_date, e.end_date, '[]') && daterange(t.first, t.last, '[]');
    CREATE VIEW roster.children AS
        SELECT related.user_id
        FROM (SELECT agent_id AS user_id FROM roster.guardians WHERE user_id = me()
              UNION SELECT user_id FROM roster.guardians WHERE agent_id = me()) AS related
        WHERE EXISTS (SELECT FROM roster.roles r
                      WHERE r.user_id = related.user_id AND r.role = 'student')
           OR EXISTS (SELECT FROM roster.enrollments e
                      WHERE e.user_id = related.user_id AND e.role = 'student');
    CREATE VIEW roster.schools AS
        WITH RECURSIVE below AS (
            SELECT org_id FROM roster.roles
            WHERE user_id = me()
              AND role IN ('principal', 'site_administrator', 'district_administrator',
                           'system_administrator', 'administrator')
            UNION
            SELECT o.org_id FROM roster.orgs o JOIN below ON o.parent_org_id = below.org_id)
        SELECT org_id FROM below;
    CREATE VIEW roster.people AS
        SELECT user_id FROM roster.roles WHERE org_id IN (SELECT org_id FROM roster.schools)
        UNION
        SELECT user_id FROM roster.enrollments
        WHERE school_id IN (SELECT org_id FROM roster.schools);";

/// Rows about a student, of which `$DAY` is the day.
const OF_STUDENTS: &str = "
    ALTER TABLE $TABLE ENABLE ROW LEVEL SECURITY;
    CREATE POLICY teacher ON $TABLE USING (am('teacher') AND EXISTS (
        SELECT FROM roster.taught t WHERE t.section_id = $TABLE.section_id
           AND daterange(t.first, t.last, '[]') @> $DAY));
    CREATE POLICY principal ON $TABLE USING (
        am('school_admin') AND school_id IN (SELECT org_id FROM roster.schools));
    CREATE POLICY guardian ON $TABLE USING (am('guardian') AND student_key IN (
        SELECT i.student_key FROM roster.identities i JOIN roster.children USING (user_id)));
    CREATE POLICY student ON $TABLE USING (am('student') AND student_key IN (
        SELECT student_key FROM roster.identities WHERE user_id = me()));";

const OF_USERS: &str = "
    ALTER TABLE users ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own ON users USING (user_id = me());
    CREATE POLICY teacher ON users USING (
        am('teacher') AND user_id IN (SELECT user_id FROM roster.pupils));
    CREATE POLICY principal ON users USING (
        am('school_admin') AND user_id IN (SELECT user_id FROM roster.people));
    CREATE POLICY guardian ON users USING (
        am('guardian') AND user_id IN (SELECT user_id FROM roster.children));
    ALTER TABLE enrollments ENABLE ROW LEVEL SECURITY;
    CREATE POLICY teacher ON enrollments USING (am('teacher') AND EXISTS (
        SELECT FROM roster.taught t WHERE t.section_id = enrollments.section_id
           AND daterange(begin_date, end_date, '[]') && daterange(t.first, t.last, '[]')));
    CREATE POLICY principal ON enrollments USING (
        am('school_admin') AND school_id IN (SELECT org_id FROM roster.schools));
    CREATE POLICY guardian ON enrollments USING (am('guardian') AND (
        user_id = me() OR user_id IN (SELECT user_id FROM roster.children)));
    CREATE POLICY student ON enrollments USING (am('student') AND user_id = me());";

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
