//! Queries in the place of views, for databases in which nothing may be made.

use std::fs;

use e2e::{Database, Postgres, Sandbox, files};
use serde_json::json;

use super::super::run;
use super::{arguments, changes, fails};

/// The example of the README: its tables, and the queries over them.
fn example() -> (String, String) {
    let readme = fs::read_to_string(files::workspace().join("infra/postgres/README.md"));
    let readme = readme.expect("there is one");
    let block = |language: &str| {
        let begun = readme.split(&format!("```{language}\n")).nth(1);
        let block = begun.and_then(|rest| rest.split("```").next());
        block.expect("an example").to_owned()
    };
    (block("sql"), block("toml"))
}

/// A database with the example's tables, and who may read those.
fn lms() -> Database {
    // A setup makes the role; here it has the owner's tables and nothing of ours.
    Postgres::shared().school();
    let database = Postgres::shared().empty();
    database.psql(&example().0);
    database.psql("GRANT SELECT ON ALL TABLES IN SCHEMA public TO chalkline_reader");
    database
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_of_the_readme_is_read_without_anything_being_made() {
    let sandbox = Sandbox::up().await;
    let database = lms();
    let owner = database.pool("postgres", 1).await;
    let file = sandbox.write("lms.toml", &example().1);
    // Its tables are in the schema that the reader does not look into.
    let url = format!(
        "{}?options=-csearch_path%3Dpublic",
        database.url("chalkline_reader")
    );
    let more = ["--mapping", &file];
    let arguments = arguments(&url, &sandbox.tenant.id, &more);

    let first = sandbox.cli(&arguments);
    assert_eq!(first["last"]["state"], "done", "{first}");
    assert_eq!(first["last"]["found"]["errors"], 0, "{first}");
    let rows = [
        ("orgs", 1),
        ("users", 2),
        ("courses", 1),
        ("sections", 1),
        ("enrollments", 1),
    ];
    for (table, rows) in rows {
        assert_eq!(changes(&first, table), json!([rows, 0, 0]), "{table}");
    }
    assert_eq!(sandbox.cli(&arguments)["last"]["state"], "unchanged");
    // Without a watermark all is read, and what is gone is seen at once.
    run(&owner, "DELETE FROM pupils WHERE id = 2").await;
    let second = sandbox.cli(&arguments);
    assert_eq!(changes(&second, "users"), json!([0, 0, 1]), "{second}");

    let broken = |name: &str, from: &str, to: &str| {
        let text = example().1;
        assert!(text.contains(from), "{from}");
        sandbox.write(name, &text.replace(from, to))
    };
    for (name, from, to, expected) in [
        ("typo", "[users]", "[pupils]", "has a table pupils"),
        ("none", "[courses]", "[resources]", "has no table courses"),
        (
            "key",
            "AS user_id",
            "AS username2",
            "users of the mapping has no column user_id",
        ),
        (
            "column",
            "AS given_name",
            "AS first_name",
            "a column first_name",
        ),
        (
            "type",
            "login AS username",
            "id AS username",
            "users of the mapping.username is int4",
        ),
        (
            "write",
            "SELECT 'school-'",
            "DELETE FROM schools RETURNING 'school-'",
            "orgs of the mapping cannot be read",
        ),
    ] {
        let file = broken(name, from, to);
        let log = fails(&sandbox, name, &url, &["--mapping", &file]).await;
        assert!(log.contains(expected), "{log}");
    }
}
