use std::collections::HashSet;
use std::io::Write as _;

use serde_json::{Value, json};

use super::*;

const ASSESSMENTS: &str = "code_module,code_presentation,id_assessment,assessment_type,date,weight
AAA,2013J,1752,TMA,19,10
";
const SITES: &str = "id_site,code_module,code_presentation,activity_type,week_from,week_to
546652,AAA,2013J,forumng,,
";
const CLICK_ROWS: &str = "code_module,code_presentation,id_student,id_site,date,sum_click
AAA,2013J,28400,546652,-10,4
AAA,2013J,28400,546652,-10,4
\"AAA\",\"2013J\",28400,1,0,1
";
const SUBMISSION_ROWS: &str = "id_assessment,id_student,date_submitted,is_banked,score
1752,11391,18,0,78
1752,28400,22,1,
1752,28401,22,0,?
";

fn folder(clicks: &str, submissions: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (table, text) in [
        ("assessments", ASSESSMENTS),
        ("vle", SITES),
        (CLICKS, clicks),
        (SUBMISSIONS, submissions),
    ] {
        std::fs::write(folder.path().join(format!("{table}.csv")), text).expect("written");
    }
    folder
}

fn events(oulad: &Oulad, table: usize, skip: u64) -> Vec<Value> {
    let rows = oulad.events(table, skip).expect("opens");
    rows.flat_map(|row| row.expect("a row").events)
        .map(|event| serde_json::from_str(&event).expect("JSON"))
        .collect()
}

#[test]
fn clicks_become_opened_contents_with_their_count() {
    let folder = folder(CLICK_ROWS, SUBMISSION_ROWS);
    let oulad = Oulad::open(folder.path(), CourseStarts::default()).expect("opens");
    assert_eq!(oulad.tables()[0].row_count(), 3);

    let mut clicks = events(&oulad, 0, 0);
    let first = clicks[0].as_object_mut().expect("an object");
    assert!(first.remove("id").is_some());
    assert_eq!(
        clicks[0],
        json!({
            "type": "content.opened", "time": "2013-09-21T12:00:00Z", "actor": "28400",
            "course": "aaa", "section": "aaa-2013j", "content": "546652",
            "data": {"element": "forumng", "count": 4}
        })
    );
    assert_eq!(clicks[2]["data"], json!({"count": 1}));
}

#[test]
fn submissions_become_one_event_and_a_second_where_there_is_a_score() {
    let folder = folder(CLICK_ROWS, SUBMISSION_ROWS);
    let oulad = Oulad::open(folder.path(), CourseStarts::default()).expect("opens");
    let found: Vec<_> = events(&oulad, 1, 0)
        .into_iter()
        .map(|event| {
            (
                event["type"].clone(),
                event["time"].clone(),
                event["data"].clone(),
            )
        })
        .collect();
    let submitted = |day: &str, banked: bool| {
        (
            json!("assessment.submitted"),
            json!(format!("{day}T12:00:00Z")),
            json!({"assessment": "1752", "category": "TMA", "is_banked": banked}),
        )
    };
    assert_eq!(
        found,
        [
            submitted("2013-10-19", false),
            (
                json!("assessment.graded"),
                json!("2013-10-19T12:00:00Z"),
                json!({"assessment": "1752", "category": "TMA", "score": 78.0,
                       "max_score": 100.0, "is_banked": false}),
            ),
            submitted("2013-10-23", true),
            submitted("2013-10-23", false),
        ]
    );
}

#[test]
fn exact_duplicate_rows_keep_different_ids_and_a_second_reading_the_same() {
    let folder = folder(CLICK_ROWS, SUBMISSION_ROWS);
    let open = || Oulad::open(folder.path(), CourseStarts::default()).expect("opens");
    let ids = |oulad: &Oulad| -> Vec<String> {
        [events(oulad, 0, 0), events(oulad, 1, 0)]
            .concat()
            .iter()
            .map(|event| event["id"].as_str().expect("an id").to_owned())
            .collect()
    };
    let first = ids(&open());
    assert_eq!(first.iter().collect::<HashSet<_>>().len(), first.len());
    assert_eq!(first, ids(&open()));
}

#[test]
fn compression_changes_nothing_and_skipping_keeps_the_row_numbers() {
    let plain = folder(CLICK_ROWS, SUBMISSION_ROWS);
    let packed = folder(CLICK_ROWS, SUBMISSION_ROWS);
    let path = packed.path().join(format!("{CLICKS}.csv"));
    std::fs::remove_file(&path).expect("removed");
    let file = std::fs::File::create(path.with_extension("csv.gz")).expect("created");
    let mut encoder = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    encoder.write_all(CLICK_ROWS.as_bytes()).expect("written");
    encoder.finish().expect("finished");

    let plain = Oulad::open(plain.path(), CourseStarts::default()).expect("opens");
    let packed = Oulad::open(packed.path(), CourseStarts::default()).expect("opens");
    assert_eq!(events(&plain, 0, 0), events(&packed, 0, 0));
    assert_eq!(events(&plain, 0, 2), events(&plain, 0, 0)[2..]);
    assert_eq!(events(&plain, 0, 9), Vec::<Value>::new());
}

#[test]
fn what_is_wrong_is_named_with_table_and_row() {
    for (clicks, submissions, expected) in [
        (
            "code_module,code_presentation,id_student,id_site,date,sum_click\nAAA,2013J,1,2,x,4\n",
            SUBMISSION_ROWS,
            "studentVle, row 1, is not what the table should hold",
        ),
        (
            "code_module,code_presentation,id_student,id_site,date,sum_click\nAAA,Y1,1,2,0,4\n",
            SUBMISSION_ROWS,
            "presentation Y1 has no known first day: give it with --course-start Y1=YYYY-MM-DD",
        ),
        (
            CLICK_ROWS,
            "id_assessment,id_student,date_submitted,is_banked,score\n9,1,18,0,78\n",
            "studentAssessment, row 1: assessments has no assessment 9",
        ),
    ] {
        let folder = folder(clicks, submissions);
        let oulad = Oulad::open(folder.path(), CourseStarts::default()).expect("opens");
        let error = oulad
            .tables()
            .iter()
            .enumerate()
            .flat_map(|(table, _)| oulad.events(table, 0).expect("opens"))
            .find_map(Result::err)
            .expect("an error");
        assert_eq!(error.to_string(), expected);
    }
    let empty = tempfile::tempdir().expect("a temporary folder");
    let error = Oulad::open(empty.path(), CourseStarts::default()).expect_err("refused");
    assert!(matches!(error, OuladError::Missing { table: CLICKS, .. }));
}
