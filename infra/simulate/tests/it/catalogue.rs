//! The catalogue: its references, and that CSV and JSON say the same.

use std::collections::HashSet;

use rstest::rstest;
use serde_json::Value;
use simulate::{Bundle, Catalog, Version, World};

use crate::read::{district, rows, school};

#[test]
fn csv_and_json_say_the_same() {
    let world = district(3, 2, 300);
    let catalog = Catalog::new(&world);
    let folder = tempfile::tempdir().expect("a folder");
    catalog
        .write_folder(folder.path(), &mut |_| {})
        .expect("a catalogue");
    let mut json = Vec::new();
    catalog
        .write_json(&mut json, &mut |_| {})
        .expect("a catalogue");
    let json: Value = serde_json::from_slice(&json).expect("JSON");
    let tables = json.as_object().expect("an object");
    assert_eq!(tables.len(), 9);
    for (name, table) in tables {
        let rows = rows(folder.path(), &format!("{name}.csv"));
        let objects = table.as_array().expect("an array");
        assert_eq!(rows.len(), objects.len(), "{name}");
        assert!(!rows.is_empty(), "{name}");
        for (row, object) in rows.iter().zip(objects) {
            for (column, cell) in object.as_object().expect("an object") {
                let text = match cell {
                    Value::Null => String::new(),
                    Value::String(text) => text.clone(),
                    other => other.to_string(),
                };
                assert_eq!(row[column], text, "{name} {column}");
            }
        }
    }
}

#[rstest]
#[case(district(3, 3, 400))]
#[case(school(3, 200))]
fn what_it_refers_to_is_there_and_in_the_roster(#[case] world: World) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path();
    Catalog::new(&world)
        .write_folder(path, &mut |_| {})
        .expect("a catalogue");
    let roster = path.join("roster");
    let bundle = Bundle::new(&world, Version::V1_2).later(60);
    bundle.write_folder(&roster, &mut |_| {}).expect("a bundle");
    let column = |folder: &std::path::Path, file: &str, column: &str| -> HashSet<String> {
        rows(folder, file)
            .into_iter()
            .map(|row| row[column].clone())
            .collect()
    };
    let inside = |file: &str, from: &str, targets: HashSet<String>| {
        let cells = column(path, file, from);
        let unknown: Vec<_> = cells
            .difference(&targets)
            .filter(|id| !id.is_empty())
            .collect();
        assert!(unknown.is_empty(), "{file} {from}: {unknown:?}");
        assert!(cells.len() > 1, "{file} {from}");
    };
    inside(
        "contents.csv",
        "course_id",
        column(path, "course_details.csv", "course_id"),
    );
    inside(
        "contents.csv",
        "parent_id",
        column(path, "contents.csv", "content_id"),
    );
    inside(
        "section_details.csv",
        "section_id",
        column(&roster, "classes.csv", "sourcedId"),
    );
    inside(
        "alignments.csv",
        "course_id",
        column(path, "course_details.csv", "course_id"),
    );
    inside(
        "alignments.csv",
        "assessment_id",
        column(path, "contents.csv", "content_id"),
    );
    inside(
        "alignments.csv",
        "standard_id",
        column(path, "standards.csv", "standard_id"),
    );
    inside(
        "program_enrollments.csv",
        "program_id",
        column(path, "programs.csv", "program_id"),
    );
    inside(
        "program_enrollments.csv",
        "user_id",
        column(&roster, "users.csv", "sourcedId"),
    );
    inside(
        "awards.csv",
        "user_id",
        column(&roster, "users.csv", "sourcedId"),
    );
    inside(
        "course_details.csv",
        "course_id",
        column(&roster, "courses.csv", "sourcedId"),
    );
    inside(
        "course_details.csv",
        "prerequisites",
        column(path, "course_details.csv", "course_id"),
    );
}
