//! Rows of reports that are about too few students.

use rstest::rstest;

use super::district::{district, lines};

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
