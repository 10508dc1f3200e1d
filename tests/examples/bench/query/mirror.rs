//! The district's events in a PostgreSQL, as a database administrator would keep them
//! there: partitioned, indexed, with row-level security, and reports of them.

use std::time::Instant;

use e2e::policies::{OF_STUDENTS, ROSTER, WHO};
use e2e::{Client, Database, Postgres};
use sqlx::PgPool;

use super::district::District;
use super::engines::Engines;
use super::service::Service;
use super::statements::{self, Values};
use crate::report::thousands;

/// Events that it holds at most, those of whole schools.
const MOST: u64 = 5_000_000;

/// For a machine of 16 GiB and more that has other work as well; what is not named is as it
/// comes, `fsync` among it.
const SETTINGS: [&str; 7] = [
    "shared_buffers=4GB",
    "effective_cache_size=10GB",
    "work_mem=64MB",
    "maintenance_work_mem=512MB",
    "max_wal_size=8GB",
    "checkpoint_timeout=15min",
    "random_page_cost=1.1",
];

/// The columns that reports read.
const SHARED: &str = "event_id text, event_type text, occurred_at timestamptz, term text, \
    student_key text, session_id text, course_id text, section_id text, school_id text, \
    content_id text";
const OWN: [(&str, &str); 3] = [
    ("clickstream", "url text, element text, count bigint"),
    (
        "video",
        "position_seconds float8, from_seconds float8, to_seconds float8, \
         duration_seconds float8, rate float8",
    ),
    (
        "assessment",
        "assessment_id text, attempt int, item_id text, correct boolean, score float8, \
         max_score float8",
    ),
];

/// The database, and what is in it.
pub struct Mirror {
    pub postgres: Postgres,
    database: Database,
    pub events: u64,
}

impl Mirror {
    /// Fills it with events of whole schools, that of the questions first.
    pub async fn new(district: &District, service: &Service, engines: &mut Engines) -> Self {
        let postgres = Postgres::with(&SETTINGS);
        let database = postgres.empty();
        let begun = Instant::now();
        database.psql("CREATE SCHEMA roster");
        let steward = service.client(&district.steward);
        for (table, columns) in ROSTER {
            let columns: Vec<_> = columns
                .iter()
                .map(|(name, of)| format!("{name} {of}"))
                .collect();
            let table = format!("roster.{table}");
            database.psql(&format!("CREATE TABLE {table} ({})", columns.join(", ")));
            let file = district.sandbox.path("roster.csv");
            roster(&steward, &table, &columns.join(", "), &file).await;
            database.psql(&copy(&table, &columns.join(", "), &file));
        }
        database.psql(
            "CREATE INDEX ON roster.enrollments (user_id); \
             CREATE INDEX ON roster.enrollments (section_id); \
             CREATE INDEX ON roster.roles (user_id); \
             CREATE INDEX ON roster.identities (user_id); \
             CREATE INDEX ON roster.guardians (user_id); \
             CREATE INDEX ON roster.guardians (agent_id)",
        );
        let schools = schools(&steward, &district.places.values["school"]).await;
        let mut events = 0;
        for (table, own) in OWN {
            let columns = format!("{SHARED}, {own}");
            create(&database, table, &columns, &terms(&steward).await);
            let file = district.sandbox.path("events.csv");
            let names = names(&columns);
            let sql = format!("SELECT {names} FROM {table} WHERE school_id IN ('{schools}')");
            events += engines.export(&sql, &file);
            database.psql(&copy(table, &columns, &file));
            std::fs::remove_file(&file).expect("it was written");
            index(&database, table);
        }
        secure(&database, &district.places.values["school"]);
        database.psql("VACUUM ANALYZE");
        eprintln!(
            "PostgreSQL has {} events after {:?}",
            thousands(events as f64),
            begun.elapsed()
        );
        Self {
            postgres,
            database,
            events,
        }
    }

    /// Connections of the principal, to whom the policies show one school.
    pub async fn principal(&self, connections: u32) -> PgPool {
        self.database.pool("principal", connections).await
    }

    /// Makes a materialised view of each report, of all sections and videos; how many
    /// seconds each took.
    pub fn materialise(&self) -> Vec<(&'static str, f64)> {
        let reports = statements::reports();
        let make = |report: &statements::Statement| {
            let (name, key) = (report.name, report.about[0]);
            let sql = report.sql(&condition("true"), "");
            let begun = Instant::now();
            // Policies do not hold of what its owner has made of all rows.
            self.database.psql(&format!(
                "CREATE MATERIALIZED VIEW {name} AS {sql}; CREATE INDEX ON {name} ({key}); \
                 ANALYZE {name}; GRANT SELECT ON {name} TO principal"
            ));
            (name, begun.elapsed().as_secs_f64())
        };
        reports.iter().map(make).collect()
    }
}

/// What a report is asked for, as a value of its statement.
pub fn condition(text: &str) -> Values {
    [("condition", text.to_owned())].into()
}

/// The names of columns that are listed with their types.
fn names(columns: &str) -> String {
    let names = columns
        .split(", ")
        .filter_map(|column| column.split(' ').next());
    names.collect::<Vec<_>>().join(", ")
}

/// What copies a CSV file with a header into a table.
fn copy(table: &str, columns: &str, file: &str) -> String {
    let names = names(columns);
    format!("\\copy {table} ({names}) FROM '{file}' WITH (FORMAT csv, HEADER)")
}

/// Writes a table of the roster into a file.
async fn roster(steward: &Client, table: &str, columns: &str, file: &str) {
    let (_, name) = table.split_once('.').expect("a schema");
    let sql = format!("SELECT {} FROM {name}", names(columns));
    let reply = steward.ask_as("text/csv", &sql).await.expect_status(200);
    std::fs::write(file, reply.bytes).expect("the folder can be written");
}

/// Schools with no more than [`MOST`] events together, as texts of a list.
async fn schools(steward: &Client, first: &str) -> String {
    let sql = format!(
        "SELECT school_id, sum(n) AS n FROM (\
             SELECT school_id, count(*) AS n FROM clickstream GROUP BY school_id \
             UNION ALL SELECT school_id, count(*) AS n FROM video GROUP BY school_id \
             UNION ALL SELECT school_id, count(*) AS n FROM assessment GROUP BY school_id) t \
         WHERE school_id IS NOT NULL GROUP BY school_id \
         ORDER BY CASE WHEN school_id = '{first}' THEN 0 ELSE 1 END, school_id"
    );
    let (mut chosen, mut events) = (Vec::new(), 0);
    for row in steward.sql(&sql).await {
        events += row["n"].as_u64().expect("a count");
        if events > MOST && !chosen.is_empty() {
            break;
        }
        chosen.push(row["school_id"].as_str().expect("a school").to_owned());
    }
    chosen.join("', '")
}

async fn terms(steward: &Client) -> Vec<String> {
    let rows = steward
        .sql("SELECT DISTINCT term FROM clickstream ORDER BY term")
        .await;
    let terms = rows.iter().filter_map(|row| row["term"].as_str());
    terms.map(str::to_owned).collect()
}

/// A table with a partition for each term, and one for what is of none of these.
fn create(database: &Database, table: &str, columns: &str, terms: &[String]) {
    let partitions = terms.iter().enumerate().map(|(number, term)| {
        format!("CREATE TABLE {table}_{number} PARTITION OF {table} FOR VALUES IN ('{term}');")
    });
    database.psql(&format!(
        "CREATE TABLE {table} ({columns}) PARTITION BY LIST (term); {} \
         CREATE TABLE {table}_others PARTITION OF {table} DEFAULT",
        partitions.collect::<String>()
    ));
}

fn index(database: &Database, table: &str) {
    for columns in ["section_id", "student_key", "content_id"] {
        database.psql(&format!("CREATE INDEX ON {table} ({columns}, occurred_at)"));
    }
}

/// The policies, and a role that is the principal whenever it connects.
fn secure(database: &Database, principal: &str) {
    let day = "(occurred_at AT TIME ZONE 'UTC')::date";
    let of_tables = OWN.map(|(table, _)| OF_STUDENTS.replace("$TABLE", table).replace("$DAY", day));
    let role = format!(
        "CREATE ROLE principal LOGIN; \
         ALTER ROLE principal SET app.role = 'school_admin'; \
         ALTER ROLE principal SET app.\"user\" = '{principal}'; \
         GRANT USAGE ON SCHEMA roster TO principal; \
         GRANT SELECT ON ALL TABLES IN SCHEMA public, roster TO principal;"
    );
    database.psql(&[WHO, &of_tables.concat(), &role].concat());
}
