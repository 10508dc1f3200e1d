//! Folders, zip files, CSV files and JSON say the same.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use roster::{BundleError, Error, Limits, Mode, Rules, Settings};
use rstest::rstest;
use simulate::{Bundle, Catalog, SchoolYear, Size, Version, World};

use super::tables::{check, school, tables};
use crate::store::{Store, today, told};

fn is_unchanged(path: &Path, stored: &Store) -> bool {
    let checked = check(path, Mode::Bulk, stored);
    assert_eq!(told(&checked.diagnostics), Vec::<String>::new());
    let rules = Rules::default();
    let comparison = checked.compare(stored, &rules, today()).expect("compared");
    let summary = comparison.summary();
    summary.values().all(roster::TableSummary::is_unchanged)
}

#[rstest]
#[case(Size::School { students: 60 })]
#[case(Size::District { schools: 2, students: 60 })]
fn a_simulated_catalogue_is_whole_in_every_form(#[case] size: Size) {
    let year = SchoolYear::beginning(2026).expect("a year");
    let world = World::new(5, size, year).expect("a school");
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let bundle = Bundle::new(&world, Version::V1_2);
    bundle
        .write_folder(&path("roster"), &mut |_| {})
        .expect("a roster");
    let catalog = Catalog::new(&world);
    catalog
        .write_folder(&path("catalog"), &mut |_| {})
        .expect("a folder");
    let zip = fs::File::create(path("catalog.zip")).expect("a file");
    catalog.write_zip(zip, &mut |_| {}).expect("a zip file");
    let mut json = fs::File::create(path("catalog.json")).expect("a file");
    catalog.write_json(&mut json, &mut |_| {}).expect("JSON");

    let mut store = Store::default();
    store.import(roster::Bundle::open(&path("roster"), Limits::default()).expect("opened"));
    let checked = check(&path("catalog"), Mode::Bulk, &store);
    assert_eq!(told(&checked.diagnostics), Vec::<String>::new());
    store.take(&checked, &Rules::default());
    let catalog = store.0.iter().filter(|(entity, _)| {
        let file = roster::File::of(**entity);
        file.is_some_and(roster::File::is_of_catalog)
    });
    let rows: BTreeMap<_, _> = catalog.map(|(entity, rows)| (entity, rows.len())).collect();
    assert_eq!(rows.len(), 9, "{rows:?}");
    assert!(rows.values().all(|rows| *rows > 0), "{rows:?}");

    // A name that says nothing of what the file is.
    fs::copy(path("catalog.json"), path("upload-1")).expect("copied");
    fs::copy(path("catalog.zip"), path("upload-2")).expect("copied");
    for name in ["catalog.zip", "catalog.json", "upload-1", "upload-2"] {
        assert!(is_unchanged(&path(name), &store), "{name}");
    }
}

#[test]
fn a_table_is_the_same_as_csv_array_and_lines() {
    let mut store = school();
    tables().import(Mode::Bulk, &mut store);
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in &tables().0 {
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let objects: Vec<String> = reader
            .deserialize::<BTreeMap<String, String>>()
            .map(|row| serde_json::to_string(&row.expect("a row")).expect("JSON"))
            .collect();
        let array = format!("[{}]", objects.join(","));
        let object = format!("{{\"{name}\": {array}}}");
        for (file, text) in [
            (format!("{name}.csv"), text.clone()),
            (format!("{}.JSON", name.to_uppercase()), array),
            (format!("{name}.jsonl"), objects.join("\n")),
            (format!("{name}.ndjson"), objects.join("\n")),
            (format!("one-{name}.json"), object),
        ] {
            let path = folder.path().join(file);
            fs::write(&path, text).expect("written");
            assert!(is_unchanged(&path, &store), "{}", path.display());
        }
    }
}

#[test]
fn lists_and_numbers_need_no_quotes_in_json() {
    let mut store = school();
    tables().import(Mode::Bulk, &mut store);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("section_details.json");
    let text = r#"[{"section_id": "bio-1", "capacity": 30, "room": "Room 1", "period": 1,
        "weekdays": ["mon", "wed"], "starts_at": "8:00", "ends_at": "08:45:00", "online": false}]"#;
    fs::write(&path, text).expect("written");
    assert!(is_unchanged(&path, &store));
}

#[rstest]
#[case("users.csv")]
#[case("lines.jsonl")]
fn a_file_that_is_named_by_no_table_is_refused(#[case] name: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    fs::write(&path, "x").expect("written");
    let read = roster::read_catalog(&path, Mode::Bulk, Limits::default(), Settings::default());
    let error = read.err().expect("refused");
    assert!(matches!(error, Error::Bundle(BundleError::NoTable(of)) if of == name));
}

#[rstest]
#[case("programs.csv", "program_id,title\narts,Arts\n", "")]
#[case(
    "programs.jsonl",
    "{\"program_id\": \"arts\", \"title\": \"Arts\"}\n",
    ""
)]
#[case("programs.json", r#"[{"program_id": "arts", "title": "Arts"}]"#, "")]
#[case(
    "Night.JSON",
    r#"{"programs": [{"program_id": "arts", "title": "Arts"}]}"#,
    ""
)]
#[case("users.csv", "program_id,title\narts,Arts\n", "users.csv is none")]
fn a_file_is_read_by_the_name_that_it_had_elsewhere(
    #[case] name: &str,
    #[case] text: &str,
    #[case] refused: &str,
) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder
        .path()
        .join("0199b2f4-6c1e-7d3a-9a53-0a8f2a1d9c11.zip");
    fs::write(&path, text).expect("written");
    let (limits, settings) = (Limits::default(), Settings::default());
    match roster::read_catalog_as(name, &path, Mode::Bulk, limits, settings) {
        Ok(reading) => {
            assert_eq!(refused, "");
            let read: Vec<_> = reading.modes.into_keys().collect();
            assert_eq!(read, [roster::Entity::Programs]);
        }
        Err(error) => {
            assert_ne!(refused, "");
            assert!(error.to_string().starts_with(refused), "{error}");
        }
    }
}

#[test]
fn what_is_too_large_or_no_zip_file_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("contents.csv");
    fs::write(&path, "content_id,kind\na,page\n").expect("written");
    let limits = Limits {
        file_bytes: 5,
        ..Limits::default()
    };
    let read = roster::read_catalog(&path, Mode::Bulk, limits, Settings::default());
    let error = read.err().expect("refused");
    assert!(matches!(error, Error::Bundle(BundleError::TooLarge { .. })));

    let path = folder.path().join("upload");
    fs::write(&path, "content_id,kind\na,page\n").expect("written");
    let read = roster::read_catalog(&path, Mode::Bulk, Limits::default(), Settings::default());
    let error = read.err().expect("refused");
    assert!(matches!(error, Error::Bundle(BundleError::NotZip(_))));
}
