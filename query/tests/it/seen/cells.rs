//! Rows of reports that are about too few students.

use rstest::rstest;
use serde_json::json;

use super::district::{NORTH, district, district_without_memory, lines};

#[rstest]
#[case::steward("steward", "art-1 bio-1 bio-2 bio-3 bio-4 mat-1 mat-2")]
#[case::researcher("researcher", "art-1 bio-1 bio-2 bio-3 bio-4 mat-1 mat-2")]
// bio-2 is too small, and bio-3 goes with it, or its figure would be the course's less
// the others'; art-1 is the course's only one.
#[case::analyst("analyst", "bio-1 bio-4 mat-1 mat-2")]
// Sees the own school's whole.
#[case::school("principal", "bio-1 bio-2 bio-4 mat-1 mat-2")]
#[case::teacher("teacher", "bio-1")]
#[tokio::test]
async fn small_sections_are_not_shown_to_who_sees_aggregates(
    #[case] who: &str,
    #[case] expected: &str,
) {
    let school = district().await;
    let sql = "SELECT section_id FROM section_day ORDER BY 1";
    assert_eq!(school.lines_as(who, sql).await.join(" "), expected);
    let path = "/v1/reports/section_day?columns=section_id&order=section_id";
    let page = school.look_as(who, path).await;
    assert_eq!(lines(&page).join(" "), expected);
    // A condition finds no more, whatever it asks.
    let sql = "SELECT section_id FROM section_day WHERE active_students < 5 ORDER BY 1";
    let small = school.lines_as(who, sql).await;
    assert!(
        small.iter().all(|section| expected.contains(section)),
        "{small:?}"
    );
    let path = "/v1/reports/section_day?section_id=bio-3&columns=section_id";
    let page = lines(&school.look_as(who, path).await);
    assert_eq!(!page.is_empty(), expected.contains("bio-3"));
}

/// What was reckoned of a report says nothing of the rows that it has since.
#[rstest]
#[case::kept(true)]
#[case::not_kept(false)]
#[tokio::test]
async fn what_is_shown_follows_the_report(#[case] is_kept: bool) {
    let school = match is_kept {
        true => district().await,
        false => district_without_memory().await,
    };
    let path = "/v1/reports/section_day?columns=section_id&order=section_id";
    let shown = async || lines(&school.look_as("analyst", path).await).join(" ");
    assert_eq!(shown().await, "bio-1 bio-4 mat-1 mat-2");

    // With bio-0 there are two that are too small, which hide each other: bio-3 need not
    // go with them. Two large sections make no secret of art-1, but the smaller goes.
    let sections = [
        ("bio-101", "bio-0", 2),
        ("art-101", "art-2", 5),
        ("art-101", "art-3", 6),
    ];
    let rows = sections.map(|(course, section, students)| {
        json!({
            "term": "2026-27", "day": "2026-09-03", "course_id": course,
            "section_id": section, "active_students": students, "active_minutes": 1.0,
        })
    });
    let as_of = "2026-09-14T12:00:00Z";
    school
        .refresh(NORTH, "section_day", "2026-27", &rows, as_of)
        .await;
    assert_eq!(shown().await, "art-3 bio-1 bio-3 bio-4 mat-1 mat-2");
    // Without its group, too, a row is what it is in it.
    let path = "/v1/reports/section_day?section_id=bio-2&columns=section_id";
    let one = lines(&school.look_as("analyst", path).await);
    assert_eq!(one, Vec::<String>::new());
}

#[rstest]
#[case::steward("steward", "art-101 0,bio-101 0,bio-101 1")]
#[case::analyst("analyst", "art-101 0,bio-101 0")]
#[case::school("principal", "art-101 0,bio-101 0")]
#[case::teacher("teacher", "bio-101 0")]
#[tokio::test]
async fn of_courses_teachers_see_their_own(#[case] who: &str, #[case] expected: &str) {
    let school = district().await;
    let sql = "SELECT course_id, second FROM video_retention ORDER BY 1, 2";
    assert_eq!(school.lines_as(who, sql).await.join(","), expected);
}

#[tokio::test]
async fn the_judging_column_is_nobodys() {
    let school = district().await;
    let columns =
        "SELECT column_name FROM information_schema.columns WHERE table_name = 'section_day'";
    let listed = school.lines_as("analyst", columns).await;
    assert!(
        listed.iter().all(|column| !column.starts_with("chalkline")),
        "{listed:?}"
    );
    let answer = school.ask_as("analyst", "SELECT * FROM section_day").await;
    assert!(!answer.text().contains("chalkline_"), "{}", answer.text());
    let answer = school
        .ask_as("analyst", "SELECT chalkline_kept FROM section_day")
        .await;
    assert_eq!(answer.problem().0, 400);
}
