//! Which rows each role sees.

use axum::http::StatusCode;
use rstest::rstest;

use super::district::district;

/// A day of a student, as `student_key` and `occurred_at` say it.
fn of(students: &[&str]) -> Vec<String> {
    let days = |user: &&str| {
        let user = (*user).to_owned();
        let days = super::district::days(&user).iter();
        days.map(move |day| format!("k-{user} {day}"))
            .collect::<Vec<_>>()
    };
    students.iter().flat_map(days).collect()
}

#[rstest]
#[case::steward("steward", &of(&["stu-1", "stu-2", "stu-3", "stu-4", "stu-5", "stu-6", "stu-7"]))]
#[case::district("district", &of(&["stu-1", "stu-2", "stu-3", "stu-4", "stu-5", "stu-6", "stu-7"]))]
#[case::researcher("researcher", &of(&["stu-1", "stu-2", "stu-3", "stu-4", "stu-5", "stu-6", "stu-7"]))]
#[case::school("principal", &of(&["stu-1", "stu-2", "stu-3", "stu-4", "stu-6", "stu-7"]))]
#[case::teacher("teacher", &of(&["stu-1", "stu-2", "stu-3", "stu-7"]))]
// Taught bio-2 until the tenth.
#[case::substitute("substitute", &["k-stu-4 2026-09-03".to_owned(), "k-stu-5 2026-09-03".to_owned(), "k-stu-5 2026-09-12".to_owned()])]
#[case::guardian("guardian", &of(&["stu-1", "stu-5"]))]
#[case::student("student", &of(&["stu-2"]))]
#[case::stranger("stranger", &[])]
#[tokio::test]
async fn of_events_each_role_sees_its_own(#[case] who: &str, #[case] expected: &[String]) {
    let school = district().await;
    for table in [
        "clickstream",
        "video",
        "assessment",
        "attendance",
        "tutoring",
    ] {
        let sql = format!(
            "SELECT student_key, CAST(occurred_at AS date) AS day FROM {table} ORDER BY 1, 2"
        );
        assert_eq!(school.lines_as(who, &sql).await, expected, "{table}");
        let sql = format!("SELECT count(*) AS n FROM {table}");
        let n = expected.len().to_string();
        assert_eq!(school.lines_as(who, &sql).await, [n], "{table}");
    }
    let sql = "SELECT student_key, day FROM student_day ORDER BY 1, 2";
    let of_this_year = expected.iter().filter(|line| !line.contains("stu-6"));
    let of_this_year: Vec<String> = of_this_year.cloned().collect();
    assert_eq!(school.lines_as(who, sql).await, of_this_year);
    let page = school
        .look_as(
            who,
            "/v1/reports/student_day?columns=student_key,day&order=student_key,day",
        )
        .await;
    assert_eq!(super::district::lines(&page), of_this_year);
}

#[rstest]
#[case::steward(
    "steward",
    "adm-1 par-1 par-2 stu-1 stu-2 stu-3 stu-4 stu-5 stu-6 stu-7 tea-1 tea-2"
)]
#[case::school(
    "principal",
    "adm-1 par-1 par-2 stu-1 stu-2 stu-3 stu-4 stu-6 stu-7 tea-1 tea-2"
)]
#[case::teacher("teacher", "stu-1 stu-2 stu-3 stu-7 tea-1")]
#[case::substitute("substitute", "stu-4 stu-5 tea-2")]
#[case::guardian("guardian", "par-1 stu-1 stu-5")]
#[case::student("student", "stu-2")]
#[case::stranger("stranger", "")]
#[tokio::test]
async fn names_are_of_the_same_people(#[case] who: &str, #[case] expected: &str) {
    let school = district().await;
    let users: Vec<&str> = expected.split_whitespace().collect();
    for table in ["users", "identities", "users_history"] {
        let sql = format!("SELECT user_id FROM {table} ORDER BY 1");
        assert_eq!(school.lines_as(who, &sql).await, users, "{table}");
    }
    let sql = "SELECT given_name FROM users ORDER BY 1";
    let names: Vec<_> = users
        .iter()
        .map(|user| format!("SECRET-{user}-given"))
        .collect();
    assert_eq!(school.lines_as(who, sql).await, names);
    // By key to a name, for those alone who are theirs.
    let sql = "SELECT DISTINCT u.user_id FROM clickstream c \
               JOIN identities i ON i.student_key = c.student_key \
               JOIN users u ON u.user_id = i.user_id ORDER BY 1";
    let students = school.lines_as(who, sql).await;
    let known = |user: &&str| user.starts_with("stu-");
    assert_eq!(
        students,
        users.iter().copied().filter(known).collect::<Vec<_>>()
    );
}

#[rstest]
#[case::school("principal", "stu-1 stu-2 stu-3 stu-4 stu-6 stu-7 tea-1 tea-1 tea-2")]
#[case::teacher("teacher", "stu-1 stu-2 stu-3 stu-7 tea-1")]
#[case::substitute("substitute", "stu-4 stu-5 tea-2 tea-2")]
#[case::guardian("guardian", "stu-1 stu-5")]
#[case::student("student", "stu-2")]
#[tokio::test]
async fn enrollments_are_of_sections_that_are_theirs(#[case] who: &str, #[case] expected: &str) {
    let school = district().await;
    let sql = "SELECT user_id FROM enrollments ORDER BY 1";
    assert_eq!(school.lines_as(who, sql).await.join(" "), expected);
}

#[tokio::test]
async fn other_parents_are_not_told() {
    let school = district().await;
    let sql = "SELECT user_id, agent_id FROM guardians ORDER BY 1, 2";
    let seen = school.lines_as("guardian", sql).await;
    assert_eq!(seen, ["par-1 stu-5", "par-2 par-1", "stu-1 par-1"]);
    let sql = "SELECT user_id FROM demographics ORDER BY 1";
    assert_eq!(school.lines_as("guardian", sql).await, ["stu-1", "stu-5"]);
}

#[tokio::test]
async fn whoever_else_has_to_do_with_an_event_is_not_told_to_families() {
    let school = district().await;
    for (sql, hidden) in [
        ("SELECT DISTINCT reply_to_key FROM clickstream", "k-stu-3"),
        ("SELECT DISTINCT by_key FROM assessment", "k-tea-1"),
        ("SELECT DISTINCT tutor_key FROM tutoring", "k-tea-2"),
    ] {
        assert_eq!(school.lines_as("teacher", sql).await, [hidden]);
        for who in ["guardian", "student", "researcher"] {
            let seen = school.lines_as(who, sql).await;
            assert_eq!(seen.len(), 1, "{who}: {sql}");
            assert_ne!(seen[0], hidden, "{who}: {sql}");
        }
    }
}

#[tokio::test]
async fn to_researchers_people_are_keys() {
    let school = district().await;
    let sql = "SELECT url, value, extra, score, student_key FROM clickstream \
               JOIN assessment USING (student_key) LIMIT 1";
    let answer = school.ask_as("researcher", sql).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "extra is in both");
    for sql in [
        "SELECT * FROM clickstream",
        "SELECT * FROM assessment",
        "SELECT * FROM users",
        "SELECT * FROM users_history",
        "SELECT * FROM demographics",
        "SELECT * FROM results",
    ] {
        let answer = school.ask_as("researcher", sql).await;
        assert_eq!(answer.status, StatusCode::OK, "{sql}: {}", answer.text());
        assert!(
            !answer.text().contains("SECRET"),
            "{sql}: {}",
            answer.text()
        );
    }
    let sql = "SELECT DISTINCT score FROM assessment";
    assert_eq!(school.lines_as("researcher", sql).await, ["0.5"]);
}

#[tokio::test]
async fn a_service_sees_what_its_grant_says() {
    let school = district().await;
    let sql = "SELECT student_key, url FROM clickstream ORDER BY 1";
    let seen = school.lines_as("service", sql).await;
    assert_eq!(seen, ["k-stu-4 null", "k-stu-4 null"]);
    let sql = "SELECT section_id FROM sections";
    assert_eq!(school.lines_as("service", sql).await, ["bio-2"]);
    for sql in [
        "SELECT * FROM users",
        "SELECT * FROM video",
        "SELECT * FROM ledger",
    ] {
        let (status, code, _) = school.ask_as("service", sql).await.problem();
        assert_eq!((status, code.as_str()), (403, "table_not_shown"), "{sql}");
    }
}

#[rstest]
#[case("teacher", "ledger")]
#[case("teacher", "demographics")]
#[case("teacher", "quarantine")]
#[case("principal", "tallies")]
#[case("guardian", "section_day")]
#[case("student", "video_retention")]
#[case("researcher", "duplicates")]
#[case("analyst", "import_diagnostics")]
#[tokio::test]
async fn what_is_not_for_a_role_cannot_be_named(#[case] who: &str, #[case] table: &str) {
    let school = district().await;
    for sql in [
        format!("SELECT * FROM {table}"),
        format!("SELECT 1 WHERE EXISTS (SELECT 1 FROM {table})"),
        format!("DESCRIBE {table}"),
        format!("SHOW COLUMNS FROM {table}"),
    ] {
        let answer = school.ask_as(who, &sql).await;
        let (status, code, detail) = answer.problem();
        assert_eq!((status, code.as_str()), (403, "table_not_shown"), "{sql}");
        assert!(detail.starts_with(table), "{detail}");
    }
    let sql = "SELECT DISTINCT table_name FROM information_schema.columns";
    let listed = school.lines_as(who, sql).await;
    assert!(!listed.contains(&table.to_owned()), "{listed:?}");
    let tables = school.look_as(who, "/v1/tables").await;
    assert!(
        !tables.text().contains(&format!("\"{table}\"")),
        "{}",
        tables.text()
    );
    let report = school.look_as(who, &format!("/v1/reports/{table}")).await;
    assert!(
        matches!(report.status.as_u16(), 403 | 404),
        "{}",
        report.text()
    );
}
