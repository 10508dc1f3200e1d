//! What reading rosters costs the database that they are read from, and us.

use std::time::{Duration, Instant};

use e2e::{Database, Postgres, Sandbox, cpu_seconds};
use serde_json::Value;
use sqlx::PgPool;

use crate::report::{Floor, Report, thousands};

/// People and their roles; of enrollments there are three times as many.
const PEOPLE: u64 = 200_000;
/// People of whom something changes.
const CHANGED: u64 = 100_000;

/// What a sync cost.
struct Cost {
    rows: f64,
    seconds: f64,
    processor: f64,
    memory: u64,
    database: Statements,
}

/// What the database says of the reader's statements.
struct Statements {
    calls: i64,
    milliseconds: f64,
    rows: i64,
    blocks: i64,
}

/// Reads a school of [`PEOPLE`]: all of it, when nothing and when [`CHANGED`] rows have
/// changed, and all of it once more.
pub async fn measure(report: &mut Report) {
    let sandbox = Sandbox::up().await;
    let database = Postgres::shared().school();
    database.psql("CREATE EXTENSION pg_stat_statements");
    fill(&database);
    let owner = database.pool("postgres", 1).await;
    let change = format!(
        "UPDATE lms.people SET given_name = given_name || 'a', watermark = pg_current_xact_id()::text::bigint
          WHERE person_id IN (SELECT 's-' || n FROM generate_series(1, {CHANGED}) n)"
    );
    for (what, before, more) in [
        ("roster, first sync", None, &[][..]),
        ("roster, sync without changes", None, &[]),
        ("roster, sync of 100,000 changed rows", Some(&change), &[]),
        ("roster, full sync", None, &["--full"]),
    ] {
        if let Some(sql) = before {
            database.psql(&format!("SET session_replication_role = replica; {sql}"));
        }
        let cost = sync(&sandbox, &database, &owner, more).await;
        let rate = cost.rows / cost.seconds;
        report.add(
            what,
            format!("{} rows/s", thousands(rate)),
            rate,
            Floor::None,
            format!(
                "{} rows read in {:.1} s, {:.1} s of our processor time, peak memory {} MiB; at the \
                 database {} calls, {:.0} ms, {} rows, {} blocks hit",
                thousands(cost.rows),
                cost.seconds,
                cost.processor,
                cost.memory >> 20,
                cost.database.calls,
                cost.database.milliseconds,
                thousands(cost.database.rows as f64),
                thousands(cost.database.blocks as f64),
            ),
        );
    }
}

/// A school without its triggers, which would take most of the time.
fn fill(database: &Database) {
    database.psql(&format!(
        "SET session_replication_role = replica;
         INSERT INTO lms.people (person_id, username, email, given_name, family_name, primary_org_id, modified_at, watermark)
         SELECT 's-' || n, 'name.' || n, 'name.' || n || '@north.example', 'Given' || n % 997, 'Family' || n % 1999,
                'north-high', now(), pg_current_xact_id()::text::bigint FROM generate_series(1, {PEOPLE}) n;
         INSERT INTO lms.roles (role_id, person_id, org_id, role, modified_at, watermark)
         SELECT 'role-' || n, 's-' || n, 'north-high', 'student', now(), pg_current_xact_id()::text::bigint
           FROM generate_series(1, {PEOPLE}) n;
         INSERT INTO lms.enrollments (enrollment_id, section_id, school_id, term_id, person_id, role, begin_date, modified_at, watermark)
         SELECT 'e-' || n || '-' || s.section_id, s.section_id, s.school_id, s.term_id, 's-' || n, 'student',
                current_date, now(), pg_current_xact_id()::text::bigint
           FROM generate_series(1, {PEOPLE}) n
           JOIN lms.sections s ON s.section_id IN ('bio-201-01', 'alg-101-01', 'his-101-01');
         RESET session_replication_role"
    ));
    // Not in a transaction with the others.
    database.psql("VACUUM ANALYZE");
}

async fn sync(sandbox: &Sandbox, database: &Database, owner: &PgPool, more: &[&str]) -> Cost {
    let reset = sqlx::query("SELECT pg_stat_statements_reset()");
    reset.execute(owner).await.expect("the extension is there");
    let url = database.url("chalkline_reader");
    let tenant = &sandbox.tenant.id;
    let sync = [
        "roster", "sync", "postgres", "--url", &url, "--tenant", tenant,
    ];
    let begun = Instant::now();
    let mut process = sandbox.spawn("sync", &[&sync[..], more].concat());
    let (mut memory, mut processor) = (0, 0.0);
    while process.exited().is_none() {
        memory = e2e::peak_memory(process.id()).unwrap_or(memory).max(memory);
        processor = cpu_seconds(process.id());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let seconds = begun.elapsed().as_secs_f64();
    let sources = sandbox.cli(&["roster", "sources", "--tenant", tenant]);
    let last = &sources[0]["last"];
    assert!(last.get("error").is_none(), "{}", process.log());
    let rows = last["rows"].as_object().expect("rows by table");
    let statements = "SELECT sum(calls)::bigint AS calls, sum(total_exec_time) AS milliseconds,
                             sum(rows)::bigint AS rows, sum(shared_blks_hit + shared_blks_read)::bigint AS blocks
                        FROM pg_stat_statements s JOIN pg_roles r ON r.oid = s.userid
                       WHERE r.rolname = 'chalkline_reader'";
    let asked = sqlx::query_as(statements).fetch_one(owner).await;
    let (calls, milliseconds, read, blocks) = asked.expect("statements");
    Cost {
        rows: rows.values().filter_map(Value::as_f64).sum(),
        seconds,
        processor,
        memory,
        database: Statements {
            calls,
            milliseconds,
            rows: read,
            blocks,
        },
    }
}
