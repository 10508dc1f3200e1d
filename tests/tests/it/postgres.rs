//! The transactional side, in a real PostgreSQL: what `infra/postgres/` promises there.

mod audit;
mod enroll;
mod race;
mod relay;
mod roles;
mod secured;
mod setup;
mod sync;
mod watermark;

use sqlx::PgPool;
use sqlx::error::DatabaseError;

/// What `lms.enroll` answers: the status, and the place on the waitlist.
type Place = (String, Option<i64>);

async fn enroll(pool: &PgPool, student: &str, section: &str) -> sqlx::Result<Place> {
    sqlx::query_as("SELECT status, place FROM lms.enroll($1, $2)")
        .bind(student)
        .bind(section)
        .fetch_one(pool)
        .await
}

/// Who moved up.
async fn drop_section(pool: &PgPool, student: &str, section: &str) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar("SELECT lms.drop($1, $2)")
        .bind(student)
        .bind(section)
        .fetch_one(pool)
        .await
}

/// Runs a statement, and says how many rows it was of.
async fn run(pool: &PgPool, sql: &str) -> u64 {
    let done = sqlx::query(sql).execute(pool).await;
    done.unwrap_or_else(|error| panic!("{sql}: {error}"))
        .rows_affected()
}

/// The numbers of a query with one column.
async fn count(pool: &PgPool, sql: &str) -> i64 {
    let counted = sqlx::query_scalar(sql).fetch_one(pool).await;
    counted.unwrap_or_else(|error| panic!("{sql}: {error}"))
}

/// The texts of a query with one column.
async fn texts(pool: &PgPool, sql: &str) -> Vec<String> {
    let found = sqlx::query_scalar(sql).fetch_all(pool).await;
    found.unwrap_or_else(|error| panic!("{sql}: {error}"))
}

/// Code and name of what the database refused.
#[track_caller]
fn refusal<T: std::fmt::Debug>(refused: sqlx::Result<T>) -> (String, String) {
    let error = refused.expect_err("it is refused");
    let error: &dyn DatabaseError = error
        .as_database_error()
        .unwrap_or_else(|| panic!("not of the database: {error}"));
    let code = error.code().unwrap_or_default().into_owned();
    (code, error.constraint().unwrap_or_default().to_owned())
}

/// Adds so many students, `s-1` and on, to the small school.
async fn add_students(pool: &PgPool, students: u32) {
    for sql in [
        "INSERT INTO lms.people (person_id, username, given_name, family_name)
         SELECT 's-' || n, 'name-' || n, 'Given', 'Family' FROM generate_series(1, $1) n",
        "INSERT INTO lms.roles (role_id, person_id, org_id, role)
         SELECT 'role-' || n, 's-' || n, 'north-high', 'student' FROM generate_series(1, $1) n",
    ] {
        let added = sqlx::query(sql).bind(students as i32).execute(pool).await;
        added.expect("students can be added");
    }
}

/// Adds a section of the course of choir, which has no prerequisites and one credit, without
/// meetings.
async fn add_section(pool: &PgPool, section: &str, capacity: i32, waitlist: i32) {
    let sql = "INSERT INTO lms.sections
                 (section_id, name, section_code, course_id, school_id, term_id, capacity, waitlist_capacity)
               VALUES ($1, 'Choir', $1, 'mus-101', 'north-high', 'fall', $2, $3)";
    let query = sqlx::query(sql).bind(section).bind(capacity).bind(waitlist);
    query.execute(pool).await.expect("a section can be added");
}
