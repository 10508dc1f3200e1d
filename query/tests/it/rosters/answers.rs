//! Current rows, histories, and when they were so.

use schemas::Table;
use schemas::roster::Entity;
use serde_json::{Value, json};

use super::imported::{Rows, add, user, users};
use crate::school::{School, look, token};

#[tokio::test]
async fn a_new_tenant_has_every_table_without_rows() {
    let school = School::new().await;
    for table in Table::rosters() {
        let answer = school.ask("new", &format!("SELECT * FROM {table}")).await;
        assert_eq!(answer.rows(), json!([]), "{table}");
        let columns = answer.json()["columns"].as_array().map(Vec::len);
        let stored = schemas::columns(table).fields().len();
        let superseded = usize::from(matches!(table, Table::RosterHistory(_)));
        assert_eq!(columns, Some(stored + superseded), "{table}");
    }
    for listing in ["import_jobs", "import_diagnostics", "import_sources"] {
        let answer = school.ask("new", &format!("SELECT * FROM {listing}")).await;
        assert_eq!(answer.rows(), json!([]), "{listing}");
    }
    let answer = school.ask("new", "SELECT * FROM users").await;
    assert_eq!(answer.json()["data_as_of"], json!(null));
}

#[tokio::test]
async fn tables_with_and_without_rows_have_the_columns_that_listings_show() {
    let school = School::new().await;
    school.import_north().await;
    let answer = school
        .answer(look(&token("north", "steward"), "/v1/tables"))
        .await;
    let listing = answer.json();
    let listed = listing["tables"].as_array().expect("tables");
    let entries = listed.iter().filter(|entry| {
        let name = entry["name"].as_str().expect("a name");
        Table::from_name(name).is_none() && schemas::report(name).is_none()
    });
    let mut seen = 0;
    for entry in entries {
        seen += 1;
        let name = entry["name"].as_str().expect("a name");
        assert!(entry["description"].is_string(), "{name}");
        let columns = entry["columns"].as_array().expect("columns");
        let mut expected = Vec::new();
        for column in columns {
            assert!(column["description"].is_string(), "{name}: {column}");
            expected.push(json!({ "name": column["name"], "type": column["type"] }));
        }
        for tenant in ["new", "north"] {
            for who in ["steward", "researcher"] {
                let sql = format!("SELECT * FROM {name}");
                let request =
                    crate::school::question(&token(tenant, who), &json!({ "sql": sql }), "*/*");
                let answer = school.answer(request).await;
                if who == "researcher" && answer.status == 403 {
                    continue;
                }
                assert_eq!(answer.status, 200, "{name}: {}", answer.text());
                assert_eq!(
                    answer.json()["columns"],
                    json!(expected),
                    "{tenant} {who} {name}"
                );
            }
        }
    }
    assert_eq!(seen, 2 * Entity::ALL.len() + 5);
}

#[tokio::test]
async fn the_newest_import_is_seen_and_nothing_of_one_that_is_under_way() {
    let school = School::new().await;
    school.import_north().await;
    let sql = "SELECT (SELECT count(*) FROM users) AS users, \
               (SELECT string_agg(enrollment_id, ' ' ORDER BY enrollment_id) FROM enrollments) AS enrolled";
    let before = json!([{ "users": 3, "enrolled": "e-1 e-3" }]);
    assert_eq!(school.ask("north", sql).await.rows(), before);

    // All files of users are replaced, and an import is killed before its end.
    let rows: Rows = vec![
        (users(), vec![]),
        (Table::Roster(Entity::Enrollments), vec![]),
    ];
    let versions = school.write_roster("north", 4, &rows).await;
    assert_eq!(school.ask("north", sql).await.rows(), before);
    // As does a process that has opened nothing yet.
    let table = users();
    let newest = lake::imports::Imports::new(school.lake.clone(), crate::school::id("north"));
    let newest = newest.newest().await.expect("reads").expect("an import");
    let version = newest.version(table).expect("a version");
    assert!(version < versions["users"]);
    let opened = school
        .lake
        .open_at(&crate::school::id("north"), table, version)
        .await;
    assert_eq!(opened.expect("opens").expect("a table").files(), 1);

    school
        .show_roster("north", 4, "2026-09-13T06:00:00Z", versions)
        .await;
    let after = json!([{ "users": 0, "enrolled": null }]);
    assert_eq!(school.ask("north", sql).await.rows(), after);
    assert_eq!(school.ask("south", sql).await.rows(), after);
}

#[tokio::test]
async fn histories_say_when_each_version_was_superseded() {
    let school = School::new().await;
    school.import_north().await;
    let sql = "SELECT enrollment_id, change, import, end_date, recorded_at, superseded_at \
               FROM enrollments_history WHERE enrollment_id = 'e-2' ORDER BY import";
    let rows = school.ask("north", sql).await.rows();
    let (first, second, third) = (
        "2026-08-20T06:00:00Z",
        "2026-09-10T06:00:00Z",
        "2026-09-12T06:00:00Z",
    );
    let row = |change: &str, import: u64, end: Value, at: &str, until: Value| {
        json!({
            "enrollment_id": "e-2", "change": change, "import": import, "end_date": end,
            "recorded_at": at, "superseded_at": until,
        })
    };
    let end = json!("2026-09-08");
    assert_eq!(
        rows,
        json!([
            row("added", 1, json!(null), first, json!(second)),
            row("changed", 2, end.clone(), second, json!(third)),
            row("ended", 3, end, third, json!(null)),
        ])
    );
}

/// As the README has it: who was enrolled on a day, as known at a time.
#[tokio::test]
async fn who_was_enrolled_is_told_as_it_was_known() {
    let school = School::new().await;
    school.import_north().await;
    let sql = "SELECT string_agg(user_id, ' ' ORDER BY user_id) AS enrolled \
               FROM enrollments_history \
               WHERE recorded_at <= $1 AND (superseded_at IS NULL OR superseded_at > $1) \
                 AND change <> 'ended' AND role = 'student' \
                 AND (begin_date IS NULL OR begin_date <= $2) \
                 AND (end_date IS NULL OR end_date >= $2)";
    for (known, day, enrolled) in [
        ("2026-08-19T00:00:00Z", "2026-09-07", json!(null)),
        ("2026-08-21T00:00:00Z", "2026-08-31", json!(null)),
        ("2026-08-21T00:00:00Z", "2026-09-09", json!("stu-1 stu-2")),
        ("2026-09-11T00:00:00Z", "2026-09-07", json!("stu-1 stu-2")),
        ("2026-09-11T00:00:00Z", "2026-09-09", json!("stu-1")),
        ("2026-09-13T00:00:00Z", "2026-09-07", json!("stu-1")),
    ] {
        let body = json!({ "sql": sql, "params": [known, day] });
        let rows = school.ask_with("north", body).await.rows();
        assert_eq!(rows, json!([{ "enrolled": enrolled }]), "{known} {day}");
    }
}

#[tokio::test]
async fn a_condition_on_the_key_goes_below_the_window_and_others_do_not() {
    let school = School::new().await;
    school.import_north().await;
    // What the plan does from the window downwards: to the files.
    let below = async |condition: &str| {
        let sql = format!("EXPLAIN SELECT * FROM users_history WHERE {condition}");
        let rows = school.ask("north", &sql).await.rows();
        let mut plans = rows.as_array().expect("plans").iter();
        let physical = plans.rfind(|plan| plan["plan_type"] == "physical_plan");
        let plan = physical.expect("a plan")["plan"]
            .as_str()
            .expect("text")
            .to_owned();
        let (_, below) = plan.split_once("WindowAgg").expect("a window");
        below.to_owned()
    };
    let key = below("user_id = 'stu-1'").await;
    let predicate = "user_id@0 = stu-1";
    assert!(key.contains(predicate), "{key}");
    let other = below("given_name = 'Ada'").await;
    assert!(!other.contains("= Ada"), "{other}");
}

#[tokio::test]
async fn rosters_join_events_and_make_no_answer_older() {
    let school = School::new().await;
    school.import_north().await;
    let sql = "SELECT s.name, e.enrolled, count(DISTINCT c.student_key) AS active \
               FROM sections s \
               JOIN (SELECT section_id, count(*) AS enrolled FROM enrollments \
                     WHERE role = 'student' GROUP BY section_id) e ON e.section_id = s.section_id \
               LEFT JOIN clickstream c ON c.section_id = s.section_id \
               GROUP BY s.name, e.enrolled";
    let both = school.ask("north", sql).await;
    assert_eq!(
        both.rows(),
        json!([{ "name": "Cells", "enrolled": 1, "active": 2 }])
    );
    assert_eq!(both.json()["data_as_of"], "2026-09-14T11:59:20Z");
    let alone = school.ask("north", "SELECT count(*) AS n FROM users").await;
    assert_eq!(alone.json()["data_as_of"], "2026-09-12T06:00:00Z");
    let listed = school
        .ask("north", "SELECT count(*) AS n FROM import_jobs")
        .await;
    assert_eq!(listed.json()["data_as_of"], "2026-09-14T11:59:20Z");
}

#[tokio::test]
async fn a_tenant_that_is_made_anew_shows_nothing_of_before() {
    let school = School::new().await;
    school.import_north().await;
    let sql = "SELECT name FROM sections";
    let named = |name: &str| json!([{ "name": name }]);
    assert_eq!(school.ask("north", sql).await.rows(), named("Cells"));
    std::fs::remove_dir_all(school.folder.path().join("north")).expect("removed");
    // As many imports as there were, and the table at the same version.
    for number in 1..=4 {
        let at = "2026-09-13T06:00:00Z";
        let mut rows = Rows::new();
        if number == 1 {
            let section = json!({ "section_id": "s", "term": "2026-27", "name": "Stars" });
            add(&mut rows, Entity::Sections, at, number, &[section]);
        } else {
            let user = user("stu-9", "A", &format!("B{number}"));
            add(&mut rows, Entity::Users, at, number, &[user]);
        }
        school.import("north", number, at, &rows).await;
    }
    assert_eq!(school.ask("north", sql).await.rows(), named("Stars"));
    std::fs::remove_dir_all(school.folder.path().join("north")).expect("removed");
    assert_eq!(school.ask("north", sql).await.rows(), json!([]));
}

#[tokio::test]
async fn every_column_of_every_table_has_a_class() {
    let school = School::new().await;
    let sql = "SELECT count(*) AS n, count(DISTINCT table_name) AS tables FROM column_classes";
    let classes = school.ask("north", sql).await.rows();
    let sql = "SELECT count(*) AS n, count(DISTINCT table_name) AS tables FROM information_schema.columns";
    assert_eq!(classes, school.ask("north", sql).await.rows());
    let sql = "SELECT table_name, column_name, class FROM column_classes \
               WHERE (table_name IN ('users', 'users_history') AND column_name IN ('user_id', 'email', 'enabled')) \
                  OR (table_name IN ('clickstream', 'student_day') AND column_name = 'student_key') \
                  OR (table_name = 'enrollments' AND column_name IN ('section_id', 'enrollment_id')) \
                  OR (table_name = 'import_jobs' AND column_name = 'imported_by') \
               ORDER BY 1, 2";
    let rows = school.ask("north", sql).await.rows();
    let told = rows.as_array().expect("rows").iter().map(|row| {
        let text = |name: &str| row[name].as_str().expect("a text").to_owned();
        format!(
            "{}.{} {}",
            text("table_name"),
            text("column_name"),
            text("class")
        )
    });
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            "clickstream.student_key key",
            "enrollments.enrollment_id key",
            "enrollments.section_id plain",
            "import_jobs.imported_by personal",
            "student_day.student_key key",
            "users.email personal",
            "users.enabled plain",
            "users.user_id key",
            "users_history.email personal",
            "users_history.enabled plain",
            "users_history.user_id key",
        ]
    );
}
