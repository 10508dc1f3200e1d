//! PostgreSQL's own row-level security over the same rows, with policies written for it
//! alone, shows everybody the same.

mod mirror;
mod statements;

use std::collections::BTreeMap;

use e2e::{Client, Sandbox, Tenant, eventually};
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use sqlx::PgPool;

use self::mirror::{TABLES, mirror};
use self::statements::statements;

/// Somebody, as both are asked by them.
struct Asker {
    role: &'static str,
    user: String,
    client: Client,
}

/// Somebody of the school for each role.
async fn askers(sandbox: &Sandbox, steward: &Client) -> Vec<Asker> {
    let whose = [
        (
            "teacher",
            "SELECT min(user_id) AS u FROM enrollments WHERE role = 'teacher'",
        ),
        (
            "teacher",
            "SELECT max(user_id) AS u FROM enrollments WHERE role = 'teacher'",
        ),
        (
            "student",
            "SELECT min(user_id) AS u FROM enrollments WHERE role = 'student'",
        ),
        ("guardian", "SELECT min(agent_id) AS u FROM guardians"),
        // By their token: whoever ran it in those years does so no more.
        (
            "school_admin",
            "SELECT min(school_id) AS u FROM enrollments",
        ),
        // Of whom the roster says nothing.
        ("teacher", "SELECT 'nobody' AS u"),
    ];
    let mut askers = Vec::new();
    for (role, sql) in whose {
        let user = steward.value(sql).await;
        let user = user.as_str().expect("somebody").to_owned();
        let tenant = &steward.tenant;
        let issue = ["token", "issue", "--tenant", &tenant.id, "--role", role];
        let whose = match role {
            "school_admin" => "--school",
            _ => "--subject",
        };
        let issued = sandbox.cli(&[&issue[..], &[whose, &user]].concat());
        let token = issued["token"].as_str().expect("a token").to_owned();
        let client = steward.with_tenant(Tenant {
            token,
            ..tenant.clone()
        });
        eventually("the token is known", || async {
            match client.get("/v1/tables").await.status {
                200 => Ok(()),
                status => Err(status.to_string()),
            }
        })
        .await;
        askers.push(Asker { role, user, client });
    }
    askers
}

/// The rows of an answer, in the order of their texts. One says 1 and the other 1.0.
fn sorted(rows: impl IntoIterator<Item = Value>) -> Vec<String> {
    let sorted_members = |row: Value| -> String {
        let row: BTreeMap<String, Value> = serde_json::from_value(row).expect("an object");
        let row = row.into_iter().map(|(name, value)| match value.as_f64() {
            Some(number) => (name, json!(number)),
            None => (name, value),
        });
        let row: BTreeMap<String, Value> = row.collect();
        json!(row).to_string()
    };
    let mut rows: Vec<String> = rows.into_iter().map(sorted_members).collect();
    rows.sort_unstable();
    rows
}

async fn by_postgres(pool: &PgPool, asker: &Asker, sql: &str) -> Vec<String> {
    let settings = "SELECT set_config('app.user', $1, false), set_config('app.role', $2, false)";
    let set = sqlx::query(settings).bind(&asker.user).bind(asker.role);
    set.execute(pool).await.expect("settings");
    let sql = format!("SELECT coalesce(json_agg(answer), '[]')::text FROM ({sql}) AS answer");
    let answer: String = sqlx::query_scalar(&sql)
        .fetch_one(pool)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
    let rows: Vec<Value> = serde_json::from_str(&answer).expect("a list");
    sorted(rows)
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_shows_everybody_the_same_rows() {
    let sandbox = Sandbox::up().await;
    let steward = sandbox.tenant("North", &[]);
    let tenant = steward.tenant.id.clone();
    // The school is of some years ago, and its teachers are still to see it.
    let days = ["--former-sections-days", "36500"];
    sandbox.cli(&[&["tenant", "set", &tenant][..], &days].concat());
    let school = sandbox.school("60", "1.2");
    let roster = format!("{school}/roster.zip");
    let imported = sandbox.cli(&["roster", "import", &roster, "--tenant", &tenant]);
    assert_eq!(imported["state"], "done");
    let state = sandbox.path("simulate-state.json");
    let (key, url) = (steward.tenant.key.clone(), sandbox.address().ingest);
    let year = [
        "--year",
        "2024",
        "--from",
        "2024-09-16",
        "--until",
        "2024-09-17",
    ];
    let to = ["--key", &key, "--url", &url, "--state", &state];
    let post = ["simulate", "school", "--students", "60"];
    let posted = sandbox.cli(&[&post[..], &year, &to].concat());
    assert_eq!(posted["rejected"], 0, "{posted}");
    steward.wait_for_reports().await;

    let database = mirror(&steward).await;
    let pool = database.pool("analyst", 1).await;
    let askers = askers(&sandbox, &steward).await;
    let mut texts = vec!["student".to_owned(), "page.viewed".to_owned()];
    for sql in [
        "SELECT DISTINCT student_key AS t FROM clickstream ORDER BY 1 LIMIT 6",
        "SELECT DISTINCT section_id AS t FROM clickstream WHERE section_id IS NOT NULL ORDER BY 1 LIMIT 6",
        "SELECT user_id AS t FROM users ORDER BY 1 LIMIT 6",
        "SELECT DISTINCT school_id AS t FROM enrollments ORDER BY 1 LIMIT 2",
    ] {
        let found = steward.sql(sql).await;
        texts.extend(
            found
                .iter()
                .filter_map(|row| row["t"].as_str().map(str::to_owned)),
        );
    }

    let mut seen = BTreeMap::new();
    let compare = async |asker: &Asker, sql: &str| {
        let ours = sorted(asker.client.sql(sql).await.into_iter().map(Value::Object));
        let theirs = by_postgres(&pool, asker, sql).await;
        assert_eq!(ours, theirs, "{} {}: {sql}", asker.role, asker.user);
        ours.len()
    };
    for asker in &askers {
        for (table, columns) in TABLES {
            // Families see no reports of students but those that name theirs; all tables are
            // theirs to name here.
            let names: Vec<&str> = columns
                .iter()
                .filter(|(_, kind)| *kind != "timestamptz")
                .map(|(name, _)| *name)
                .collect();
            let sql = format!("SELECT {} FROM {table}", names.join(", "));
            let rows = compare(asker, &sql).await;
            *seen.entry(asker.role).or_insert(0) += rows;
        }
    }
    // It is a comparison of something: everybody sees some, and nobody all.
    let all: u64 = steward.count("clickstream").await;
    for (role, rows) in &seen {
        assert!(*rows > 0, "{role} sees something");
    }
    for asker in &askers {
        let theirs = asker.client.count("clickstream").await;
        // There is one school, and all of it is its administrator's.
        let is_part = theirs < all || asker.role == "school_admin";
        assert!(is_part, "{} {}: {theirs} of {all}", asker.role, asker.user);
    }

    let runtime = tokio::runtime::Handle::current();
    let config = Config {
        cases: 80,
        failure_persistence: None,
        max_shrink_iters: 64,
        ..Config::default()
    };
    let compared = tokio::task::block_in_place(|| {
        let asked = (statements(texts), 0..askers.len());
        TestRunner::new(config).run(&asked, |(sql, asker)| {
            runtime.block_on(compare(&askers[asker], &sql));
            Ok(())
        })
    });
    compared.expect("the same rows");
}
