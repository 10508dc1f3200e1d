//! Every rule of the catalogue, broken by itself.

use std::io::Write as _;

use roster::{Entity, Mode, Value};
use rstest::rstest;

use super::tables::{Tables, check, school, tables};
use crate::store::{Store, told};

fn codes(tables: &Tables, mode: Mode) -> Vec<String> {
    told(&tables.check(mode, &school()).diagnostics)
}

#[test]
fn nothing_is_wrong_with_the_catalogue() {
    for mode in [Mode::Bulk, Mode::Delta] {
        assert_eq!(codes(&tables(), mode), Vec::<String>::new());
    }
}

/// One text of one table is written otherwise.
#[rstest]
// Keys
#[case("contents", "quiz,,bio", ",,bio", &["unresolved_reference alignments.csv:2 assessment_id", "missing_value contents.csv:5 content_id"])]
#[case("contents", "film,2,", "film,1,", &["duplicate_id contents.csv:4 content_id"])]
#[case("contents", "quiz,,bio,unit,assessment,Quiz,2,,2026-09-01,,2026-09-08T23:59:00-05:00,quizzes,40,10\n", "quiz,,bio,,other,Quiz,2,,,,,,,\nquiz,,bio,,other,Quiz,2,,,,,,,\n", &["repeated_row contents.csv:6 content_id"])]
#[case("calendar_days", "high,2026-09-10", ",2026-09-07", &["duplicate_id calendar_days.csv:3 org_id"])]
#[case("calendar_days", "high,2026-09-10", "high,", &["missing_value calendar_days.csv:3 day"])]
#[case("program_enrollments", "2026-08-17", "", &["missing_value program_enrollments.csv:2 begins_on"])]
#[case("awards", "honour-1", "", &["missing_value awards.csv:2 award_id"])]
// References
#[case("course_details", "bio,", "gone,", &["unresolved_reference course_details.csv:2 course_id"])]
#[case("course_details", "1,,quizzes", "1,\"bio,gone\",quizzes", &["unresolved_reference course_details.csv:2 prerequisites"])]
#[case("course_details", "1,,quizzes", "1,bio,quizzes", &[])]
#[case("section_details", "bio-1,", "gone,", &["unresolved_reference section_details.csv:2 section_id"])]
#[case("contents", "quiz,,bio", "quiz,,gone", &["unresolved_reference contents.csv:5 course_id"])]
#[case("contents", "quiz,,bio", "quiz,,", &[])]
#[case("contents", "bio,unit,assessment", "bio,gone,assessment", &["unresolved_reference contents.csv:5 parent_id"])]
#[case("standards", "cells,bio,Cells divide,life", "cells,bio,Cells divide,gone", &["unresolved_reference standards.csv:3 parent_id"])]
#[case("standards", "cells,bio", "cells,gone", &["unresolved_reference standards.csv:3 course_id"])]
#[case("alignments", "cells", "gone", &["dangling_reference alignments.csv:2 standard_id"])]
#[case("alignments", ",quiz,", ",gone,", &["unresolved_reference alignments.csv:2 assessment_id"])]
#[case("programs", "high", "gone", &["unresolved_reference programs.csv:2 org_id"])]
#[case("program_enrollments", "anna", "gone", &["dangling_reference program_enrollments.csv:2 user_id"])]
#[case("program_enrollments", "arts", "gone", &["dangling_reference program_enrollments.csv:2 program_id"])]
#[case("program_enrollments", "fall", "fall-2019", &[])]
#[case("awards", "anna", "gone", &["dangling_reference awards.csv:2 user_id"])]
#[case("awards", "arts", "gone", &["unresolved_reference awards.csv:2 program_id"])]
#[case("calendar_days", "high", "gone", &["unresolved_reference calendar_days.csv:3 org_id"])]
// Circles
#[case("contents", "unit,,bio,,", "unit,,bio,quiz,", &["parent_circle contents.csv:2 parent_id", "parent_circle contents.csv:5 parent_id"])]
#[case("standards", "life,bio,Life,", "life,bio,Life,life", &["parent_circle standards.csv:2 parent_id"])]
// Days and times
#[case("contents", "2026-09-01,2026-09-09", "2026-09-10,2026-09-09", &["due_before_assigned contents.csv:4 due_on"])]
#[case("contents", "2026-09-01,,2026-09-08", "2026-09-11,,2026-09-08", &["due_before_assigned contents.csv:5 due_at"])]
#[case("contents", "2026-09-08T23:59:00-05:00", "2026-09-08", &["date_without_time contents.csv:5 due_at"])]
#[case("contents", "2026-09-08T23:59:00-05:00", "soon", &["value_left_out contents.csv:5 due_at"])]
#[case("contents", "2026-09-01,2026-09-09", "2026-09-01,9/9/2026", &["slash_date contents.csv:4 due_on"])]
#[case("contents", "2026-09-01,2026-09-09", "2026-09-01,9/8/2026", &["value_left_out contents.csv:4 due_on"])]
#[case("program_enrollments", "2026-08-17,,", "2026-08-17,2026-08-16,", &["begin_after_end program_enrollments.csv:2 begins_on"])]
#[case("program_enrollments", "2026-08-17,,", "2026-08-17,2026-08-17,", &[])]
#[case("section_details", "08:00,08:45", "09:00,08:45", &["begin_after_end section_details.csv:2 starts_at"])]
#[case("section_details", "08:00,08:45", "early,08:45", &["value_left_out section_details.csv:2 starts_at"])]
// Ranges
#[case("contents", "412.5", "-1", &["value_left_out contents.csv:3 duration_seconds"])]
#[case("contents", "quizzes,40,10", "quizzes,140,10", &["value_left_out contents.csv:5 weight_percent"])]
#[case("contents", "quizzes,40,10", "quizzes,40,-10", &["value_left_out contents.csv:5 max_score"])]
#[case("contents", "Quiz,2,", "Quiz,second,", &["value_left_out contents.csv:5 position"])]
#[case("section_details", ",30,", ",-30,", &["value_left_out section_details.csv:2 capacity"])]
#[case("course_details", "science,1,", "science,-1,", &["value_left_out course_details.csv:2 credits"])]
#[case("programs", "20,4", "20,many", &["value_left_out programs.csv:2 years"])]
// Words
#[case("contents", ",assessment,", ",,", &["unresolved_reference alignments.csv:2 assessment_id", "missing_value contents.csv:5 kind"])]
#[case("contents", ",assessment,", ",exam,", &["unresolved_reference alignments.csv:2 assessment_id", "invalid_value contents.csv:5 kind"])]
#[case("contents", ",assessment,", ",ext:exam,", &[])]
#[case("contents", ",assessment,", ",Assessment,", &["word_spelling contents.csv:5 kind"])]
#[case("section_details", "mon,wed", "mon,someday", &["value_left_out section_details.csv:2 weekdays"])]
#[case("calendar_days", "holiday", "party", &["invalid_value calendar_days.csv:2 kind"])]
#[case("program_enrollments", "active", "busy", &["value_left_out program_enrollments.csv:2 state"])]
#[case("program_enrollments", "true", "perhaps", &["value_left_out program_enrollments.csv:2 first_time"])]
// Headers
#[case("contents", ",position,", ",colour,", &["unknown_column contents.csv:1 colour"])]
#[case("contents", "due_on,", "DueOn,", &["column_spelling contents.csv:1 due_on"])]
#[case("contents", "kind,", "sort,", &["missing_column contents.csv:1 kind", "unresolved_reference alignments.csv:2 assessment_id"])]
#[case("contents", "version,course_id", "course_id,course_id", &["repeated_column contents.csv:1 course_id", "unresolved_reference alignments.csv:2 assessment_id"])]
fn a_broken_rule_is_told(
    #[case] table: &str,
    #[case] from: &str,
    #[case] to: &str,
    #[case] expected: &[&str],
) {
    let mut told = codes(&tables().replace(table, from, to), Mode::Bulk);
    told.sort();
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    assert_eq!(told, expected);
}

#[rstest]
#[case("status,modified_at", "tobedeleted,2026-10-01T00:00:00Z", Mode::Delta, &[])]
#[case("status", "tobedeleted", Mode::Delta, &[])]
#[case("status", "active", Mode::Bulk, &[])]
#[case("status", "tobedeleted", Mode::Bulk, &["deleted_in_bulk awards.csv:2 status"])]
#[case("status", "gone", Mode::Delta, &["invalid_value awards.csv:2 status"])]
#[case("status", "gone", Mode::Bulk, &["value_left_out awards.csv:2 status"])]
#[case("modified_at", "lately", Mode::Delta, &["value_left_out awards.csv:2 modified_at"])]
fn status_may_be_there_or_not(
    #[case] columns: &str,
    #[case] values: &str,
    #[case] mode: Mode,
    #[case] expected: &[&str],
) {
    let text = format!("user_id,award_id,{columns}\nanna,honour-1,{values}\n");
    assert_eq!(codes(&Tables::of(&[("awards", &text)]), mode), expected);
}

#[rstest]
#[case("nothing", Tables::default(), &["no_tables :"])]
#[case("a manifest", tables().with("manifest", "x"), &["unknown_file manifest.csv:"])]
#[case("a table of rosters", tables().with("users", "sourcedId\nanna\n"), &["unknown_file users.csv:"])]
#[case("a header alone", tables().with("awards", "user_id,award_id\n"), &["empty_file awards.csv:"])]
#[case("an empty file", tables().with("awards", ""), &["no_header awards.csv:"])]
fn broken_catalogues_are_told(
    #[case] what: &str,
    #[case] tables: Tables,
    #[case] expected: &[&str],
) {
    assert_eq!(codes(&tables, Mode::Bulk), expected, "{what}");
}

#[test]
fn without_a_roster_it_is_said_once_and_what_needs_nobody_is_taken() {
    let mut store = Store::default();
    let told = told(&tables().import(Mode::Bulk, &mut store).diagnostics);
    let unresolved = told
        .iter()
        .filter(|told| told.starts_with("unresolved_reference"));
    assert_eq!(unresolved.count(), 7, "{told:?}");
    assert_eq!(store.0[&Entity::Contents].len(), 4);
    assert!(!store.0.contains_key(&Entity::Awards));
}

#[test]
fn what_a_key_leaves_open_is_the_empty_text() {
    let mut store = school();
    tables().import(Mode::Bulk, &mut store);
    let quiz = &store.0[&Entity::Contents]["quiz\u{1}"];
    assert_eq!(quiz.get(Entity::Contents, "version"), &Value::from(""));
    let at = "2026-09-09T04:59:00Z".parse().expect("a time");
    assert_eq!(quiz.get(Entity::Contents, "due_at"), &Value::Time(at));
    let days: Vec<_> = store.0[&Entity::CalendarDays].keys().collect();
    assert_eq!(days, ["\u{1}2026-09-07", "high\u{1}2026-09-10"]);
}

/// What a file of JSON tells.
#[rstest]
#[case::rows_count_from_1("catalog.json", r#"{"contents": [{"content_id": "a", "kind": "page"}, {"content_id": "b"}]}"#, &["missing_value contents:2 kind"])]
#[case::no_object("catalog.json", r#"{"contents": [["a"]]}"#, &["invalid_value contents:1"])]
#[case::an_unknown_column("catalog.json", r#"{"contents": [{"content_id": "a", "kind": "page", "colour": 1}]}"#, &["unknown_column contents:1 colour"])]
#[case::another_spelling("catalog.json", r#"{"contents": [{"contentId": "a", "kind": "page"}]}"#, &["column_spelling contents:1 content_id"])]
#[case::an_object_for_a_text("catalog.json", r#"{"contents": [{"content_id": "a", "kind": "page", "title": {"en": "A"}}]}"#, &["value_left_out contents:1 title"])]
#[case::an_unknown_table("catalog.json", r#"{"users": [{"a": 1}], "contents": [{"content_id": "a", "kind": "page"}]}"#, &["unknown_file users:"])]
#[case::no_rows("catalog.json", r#"{"contents": []}"#, &["empty_file contents:"])]
#[case::no_tables("catalog.json", "{}", &["no_tables :"])]
#[case::cut_short("catalog.json", "{\"contents\": [\n{\"content_id\"", &["invalid_json :2"])]
#[case::no_array("catalog.json", r#"{"contents": 1}"#, &["invalid_json :1"])]
#[case::rows_of_no_table("catalog.json", r#"[{"content_id": "a"}]"#, &["invalid_json :1"])]
#[case::a_circle("catalog.json", r#"{"contents": [{"content_id": "a", "kind": "page", "parent_id": "a"}]}"#, &["parent_circle contents:1 parent_id"])]
#[case::a_line_that_is_cut("contents.jsonl", "{\"content_id\": \"a\", \"kind\": \"page\"}\n{\"cont", &["invalid_json :2"])]
fn json_is_told_by_table_and_row(
    #[case] name: &str,
    #[case] text: &str,
    #[case] expected: &[&str],
) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    std::fs::write(&path, text).expect("written");
    let checked = check(&path, Mode::Bulk, &school());
    assert_eq!(told(&checked.diagnostics), expected);
}

#[test]
fn a_row_that_does_not_end_does_not_swallow_the_memory() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("catalog.json");
    let mut file = std::fs::File::create(&path).expect("made");
    let long = "x".repeat(1 << 20);
    write!(file, r#"{{"contents": [{{"content_id": "{long}"#).expect("written");
    let checked = check(&path, Mode::Bulk, &school());
    assert_eq!(told(&checked.diagnostics), ["row_too_long contents:1"]);
}
