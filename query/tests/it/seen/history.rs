//! Enrollments that an import ends: their days until then stay seen, as those of any
//! former section.

use rstest::rstest;
use schemas::Table;
use schemas::roster::Entity;
use serde_json::{Value, json};

use super::district::{NORTH, district, district_of, document};
use crate::rosters::imported::version;
use crate::school::{School, time};

/// The enrollments as they are.
async fn enrollments(school: &School) -> Vec<Value> {
    let answer = school.ask(NORTH, "SELECT * FROM enrollments").await;
    answer.rows().as_array().expect("rows").clone()
}

/// Imports that something happened to an enrollment, and how all are now.
async fn import(school: &School, number: u64, change: &str, row: &Value, mut all: Vec<Value>) {
    let at = format!("2026-09-13T0{number}:00:00Z");
    // Tables are written in their order.
    all.sort_by_key(|row| row["enrollment_id"].to_string());
    let rows = vec![
        (
            Table::RosterHistory(Entity::Enrollments),
            vec![version(row, &at, change, number)],
        ),
        (Table::Roster(Entity::Enrollments), all),
    ];
    school.import(NORTH, number, &at, &rows).await;
}

/// Takes an enrollment out, which thereby has a last day; its row.
async fn end(school: &School, number: u64, id: &str, last: &str) -> Value {
    let all = enrollments(school).await.into_iter();
    let (found, others): (Vec<Value>, Vec<Value>) =
        all.partition(|row| row["enrollment_id"] == json!(id));
    let [row] = &found[..] else {
        panic!("{id} is there once: {found:?}");
    };
    let mut ended = row.clone();
    ended["valid_to"] = json!(last);
    import(school, number, "ended", &ended, others).await;
    row.clone()
}

/// Puts an enrollment in the place of the one of its id, or beside the others.
async fn enroll(school: &School, number: u64, mut row: Value) {
    let mut all = enrollments(school).await;
    let before = all.len();
    all.retain(|other| other["enrollment_id"] != row["enrollment_id"]);
    let change = match all.len() == before {
        true => "added",
        false => "changed",
    };
    row["recorded_at"] = json!(format!("2026-09-13T0{number}:00:00Z"));
    all.push(row.clone());
    import(school, number, change, &row, all).await;
}

/// Somebody of the district as a teacher of one more section.
fn teaches(user: &str, section: &str, first: &str) -> Value {
    json!({
        "enrollment_id": format!("more-{user}-{section}"), "term": "2026-27",
        "section_id": section, "school_id": "high", "user_id": user, "role": "teacher",
        "begin_date": first, "end_date": null,
    })
}

/// The days on which somebody sees a student, in events and in a report.
async fn days(school: &School, who: &str, student: &str) -> Vec<String> {
    let sql = format!(
        "SELECT CAST(occurred_at AS date) AS day FROM clickstream \
         WHERE student_key = 'k-{student}' ORDER BY 1"
    );
    let of_events = school.lines_as(who, &sql).await;
    let sql = format!("SELECT day FROM student_day WHERE student_key = 'k-{student}' ORDER BY 1");
    assert_eq!(school.lines_as(who, &sql).await, of_events, "{who}");
    of_events
}

/// Whose names somebody sees.
async fn names(school: &School, who: &str) -> String {
    let sql = "SELECT user_id FROM users ORDER BY 1";
    school.lines_as(who, sql).await.join(" ")
}

const BOTH: [&str; 2] = ["2026-09-03", "2026-09-12"];

#[rstest]
#[case::the_day_before("2026-09-11", &["2026-09-03"], "2026-10-11T12:00:00Z")]
#[case::on_a_day_of_both("2026-09-12", &["2026-09-03", "2026-09-12"], "2026-10-12T12:00:00Z")]
#[tokio::test]
async fn who_is_dropped_as_a_teacher_sees_the_days_until_then_for_thirty_more(
    #[case] last: &str,
    #[case] expected: &[&str],
    #[case] thirty_days_after: &str,
) {
    let school = district().await;
    assert_eq!(days(&school, "teacher", "stu-1").await, BOTH);
    end(&school, 2, "e-tea-1-bio-1", last).await;
    assert_eq!(days(&school, "teacher", "stu-1").await, expected);
    let known = "stu-1 stu-2 stu-3 stu-7 tea-1";
    assert_eq!(names(&school, "teacher").await, known);

    school.clock.set(time(thirty_days_after));
    assert_eq!(days(&school, "teacher", "stu-1").await, expected);
    school.clock.set(time("2026-10-13T12:00:00Z"));
    assert!(days(&school, "teacher", "stu-1").await.is_empty());
    assert_eq!(names(&school, "teacher").await, "tea-1");
}

#[tokio::test]
async fn who_was_dropped_and_is_back_sees_all_days() {
    let school = district().await;
    let row = end(&school, 2, "e-tea-1-bio-1", "2026-09-05").await;
    assert_eq!(
        days(&school, "teacher", "stu-1").await,
        ["2026-09-03"],
        "until the fifth"
    );
    enroll(&school, 3, row).await;
    assert_eq!(days(&school, "teacher", "stu-1").await, BOTH);
}

#[tokio::test]
async fn who_is_dropped_as_a_student_is_known_to_those_alone_who_taught_them() {
    let school = district().await;
    enroll(&school, 2, teaches("tea-2", "bio-1", "2026-09-10")).await;
    let known = "stu-1 stu-2 stu-3 stu-4 stu-5 tea-2";
    assert_eq!(names(&school, "substitute").await, known);

    end(&school, 3, "e-stu-2-bio-1", "2026-09-08").await;
    let known = "stu-1 stu-3 stu-4 stu-5 tea-2";
    assert_eq!(names(&school, "substitute").await, known);
    let known = "stu-1 stu-2 stu-3 stu-7 tea-1";
    assert_eq!(names(&school, "teacher").await, known);
    // Rows go by their section and by the days of whoever teaches it.
    assert_eq!(days(&school, "teacher", "stu-2").await, BOTH);
    assert_eq!(days(&school, "substitute", "stu-1").await, ["2026-09-12"]);
    // What is one's own stays so.
    assert_eq!(days(&school, "student", "stu-2").await, BOTH);
    assert_eq!(names(&school, "student").await, "stu-2");
}

#[rstest]
#[case::as_any_former_section(30, &["2026-09-03"])]
#[case::unless_none_is_seen(0, &[])]
#[tokio::test]
async fn who_was_enrolled_by_mistake_still_sees_the_days_until_it_was_withdrawn(
    #[case] former_sections_days: u32,
    #[case] expected: &[&str],
) {
    let mut document = document();
    document.access.former_sections_days = former_sections_days;
    let school = district_of(document).await;
    assert!(days(&school, "teacher", "stu-4").await.is_empty());
    enroll(&school, 2, teaches("tea-1", "bio-2", "2026-09-01")).await;
    assert_eq!(days(&school, "teacher", "stu-4").await, BOTH);

    end(&school, 3, "more-tea-1-bio-2", "2026-09-11").await;
    assert_eq!(days(&school, "teacher", "stu-4").await, expected);
    let is_known = names(&school, "teacher").await.contains("stu-4");
    assert_eq!(is_known, !expected.is_empty());
    assert_eq!(days(&school, "teacher", "stu-1").await, BOTH);
}

/// What stands in the README as the way to take a mistake back.
#[tokio::test]
async fn who_was_enrolled_by_mistake_sees_nothing_once_its_days_are_before_the_term() {
    let school = district().await;
    let mistake = teaches("tea-1", "bio-2", "2026-09-01");
    enroll(&school, 2, mistake.clone()).await;
    assert_eq!(days(&school, "teacher", "stu-4").await, BOTH);

    let day = json!("2026-08-14");
    let mut corrected = mistake;
    corrected["begin_date"] = day.clone();
    corrected["end_date"] = day;
    enroll(&school, 3, corrected).await;
    assert!(days(&school, "teacher", "stu-4").await.is_empty());
    assert!(!names(&school, "teacher").await.contains("stu-4"));

    end(&school, 4, "more-tea-1-bio-2", "2026-08-14").await;
    assert!(days(&school, "teacher", "stu-4").await.is_empty());
    assert!(!names(&school, "teacher").await.contains("stu-4"));
}
