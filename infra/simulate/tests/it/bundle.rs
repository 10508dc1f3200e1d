//! Bundles: everything that is referred to is there, and a week later little is different.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use rstest::rstest;
use simulate::{Bundle, Fault, Version, World, Written};

use crate::read::{Row, district, rows, school};

fn write(bundle: &Bundle<'_>) -> (tempfile::TempDir, Written) {
    let folder = tempfile::tempdir().expect("a folder");
    let written = bundle
        .write_folder(folder.path(), &mut |_| {})
        .expect("a bundle");
    (folder, written)
}

fn ids(folder: &Path, file: &str) -> HashSet<String> {
    rows(folder, file)
        .into_iter()
        .map(|row| row["sourcedId"].clone())
        .collect()
}

/// Columns that refer to rows of a file.
const REFERENCES: [(&str, &str, &str); 16] = [
    ("orgs.csv", "parentSourcedId", "orgs.csv"),
    (
        "academicSessions.csv",
        "parentSourcedId",
        "academicSessions.csv",
    ),
    ("courses.csv", "schoolYearSourcedId", "academicSessions.csv"),
    ("courses.csv", "orgSourcedId", "orgs.csv"),
    ("classes.csv", "courseSourcedId", "courses.csv"),
    ("classes.csv", "schoolSourcedId", "orgs.csv"),
    ("classes.csv", "termSourcedIds", "academicSessions.csv"),
    ("users.csv", "agentSourcedIds", "users.csv"),
    ("enrollments.csv", "classSourcedId", "classes.csv"),
    ("enrollments.csv", "schoolSourcedId", "orgs.csv"),
    ("enrollments.csv", "userSourcedId", "users.csv"),
    ("demographics.csv", "sourcedId", "users.csv"),
    ("lineItems.csv", "classSourcedId", "classes.csv"),
    ("lineItems.csv", "categorySourcedId", "categories.csv"),
    (
        "lineItems.csv",
        "gradingPeriodSourcedId",
        "academicSessions.csv",
    ),
    ("users.csv", "primaryOrgSourcedId", "orgs.csv"),
];

#[rstest]
#[case(school(4, 200), Version::V1_1)]
#[case(school(4, 200), Version::V1_2)]
#[case(district(9, 4, 500), Version::V1_2)]
fn all_that_is_referred_to_is_there(#[case] world: World, #[case] version: Version) {
    let (folder, written) = write(&Bundle::new(&world, version));
    let folder = folder.path();
    for (file, count) in &written.files {
        let rows = rows(folder, file);
        assert_eq!(rows.len() as u64, *count, "{file}");
        let unique: HashSet<_> = rows.iter().map(|row| &row["sourcedId"]).collect();
        assert_eq!(unique.len(), rows.len(), "{file}");
        // Bulk rows say neither.
        assert!(rows.iter().all(|row| row["status"].is_empty()));
        assert!(rows.iter().all(|row| row["dateLastModified"].is_empty()));
    }
    let mut checked = 0;
    for (file, column, target) in REFERENCES {
        let targets = ids(folder, target);
        let cells = rows(folder, file)
            .into_iter()
            .filter_map(|row| row.get(column).cloned());
        for id in cells.flat_map(|cell| cell.split(',').map(str::to_owned).collect::<Vec<_>>()) {
            assert!(
                id.is_empty() || targets.contains(&id),
                "{file} {column}: {id}"
            );
            checked += u32::from(!id.is_empty());
        }
    }
    assert!(checked > 10_000);
}

#[test]
fn every_class_has_one_teacher_and_every_user_one_primary_role() {
    let world = district(2, 3, 400);
    let (folder, _) = write(&Bundle::new(&world, Version::V1_2));
    let mut teachers: BTreeMap<String, u32> = BTreeMap::new();
    for class in ids(folder.path(), "classes.csv") {
        teachers.insert(class, 0);
    }
    for row in rows(folder.path(), "enrollments.csv") {
        if row["role"] == "teacher" {
            *teachers.get_mut(&row["classSourcedId"]).expect("a class") += 1;
        }
    }
    assert!(teachers.values().all(|count| *count == 1));
    let roles = rows(folder.path(), "roles.csv");
    let primary = roles.iter().filter(|row| row["roleType"] == "primary");
    let primary: Vec<_> = primary.map(|row| row["userSourcedId"].clone()).collect();
    let users = ids(folder.path(), "users.csv");
    assert_eq!(primary.len(), users.len());
    assert_eq!(primary.into_iter().collect::<HashSet<_>>(), users);
    assert!(roles.iter().any(|row| row["roleType"] == "secondary"));
}

#[test]
fn enrolments_lie_in_the_term_of_their_class() {
    let world = school(3, 1_500);
    let (folder, _) = write(&Bundle::new(&world, Version::V1_2).later(100));
    let sessions: HashMap<_, _> = rows(folder.path(), "academicSessions.csv")
        .into_iter()
        .map(|row| (row["sourcedId"].clone(), row))
        .collect();
    let terms: HashMap<_, _> = rows(folder.path(), "classes.csv")
        .into_iter()
        .map(|row| (row["sourcedId"].clone(), row["termSourcedIds"].clone()))
        .collect();
    let (mut late, mut early) = (0, 0);
    for row in rows(folder.path(), "enrollments.csv") {
        let term = &sessions[&terms[&row["classSourcedId"]]];
        assert!(row["beginDate"] <= row["endDate"], "{row:?}");
        assert!(row["beginDate"] >= term["startDate"]);
        assert!(row["endDate"] <= term["endDate"]);
        late += u32::from(row["beginDate"] > term["startDate"]);
        early += u32::from(row["endDate"] < term["endDate"]);
    }
    assert!(late > 10 && early > 10, "{late} {early}");
}

fn by_id(rows: Vec<Row>) -> BTreeMap<String, Row> {
    rows.into_iter()
        .map(|row| (row["sourcedId"].clone(), row))
        .collect()
}

#[test]
fn a_bulk_and_the_changes_of_a_week_are_the_bulk_of_a_week_later() {
    let world = school(6, 2_000);
    let before = Bundle::new(&world, Version::V1_2);
    let later = before.clone().later(7);
    let changes = later.clone().changes_of(7);
    let ((old, _), (new, _), (delta, written)) = (write(&before), write(&later), write(&changes));
    let mut kinds = HashMap::new();
    for (file, _) in &written.files {
        let mut state = by_id(rows(old.path(), file));
        for mut row in rows(delta.path(), file) {
            let id = row["sourcedId"].clone();
            let status = row
                .insert("status".to_owned(), String::new())
                .expect("a status");
            let modified = row.insert("dateLastModified".to_owned(), String::new());
            assert_eq!(modified.as_deref(), Some("2025-09-05T06:00:00.000Z"));
            match status.as_str() {
                "tobedeleted" => assert!(state.remove(&id).is_some(), "{id}"),
                "active" => drop(state.insert(id, row)),
                other => panic!("status {other}"),
            }
            *kinds.entry((file.as_str(), status)).or_insert(0) += 1;
        }
        assert!(state == by_id(rows(new.path(), file)), "{file}");
    }
    for (file, status) in [
        ("users.csv", "active"),
        ("roles.csv", "active"),
        ("enrollments.csv", "active"),
        ("enrollments.csv", "tobedeleted"),
    ] {
        let count = kinds[&(file, status.to_owned())];
        assert!((3..500).contains(&count), "{file} {status}: {count}");
    }
    let users = |folder: &Path| by_id(rows(folder, "users.csv"));
    let (old, new) = (users(old.path()), users(new.path()));
    let renamed = old
        .iter()
        .filter(|(id, row)| new[*id]["familyName"] != row["familyName"]);
    assert!(renamed.count() > 0);
}

#[rstest]
#[case(Version::V1_1)]
#[case(Version::V1_2)]
fn faults_are_where_it_is_said(#[case] version: Version) {
    let world = school(8, 100);
    let bundle = Bundle::new(&world, version);
    let (sound, none) = write(&bundle);
    assert!(none.faults.is_empty());
    let (faulty, written) = write(&bundle.with_faults());
    let kinds: HashSet<_> = written.faults.iter().map(|planted| planted.fault).collect();
    assert_eq!(kinds.len(), 8);
    let lines = |folder: &Path, file: &str| -> Vec<String> {
        let text = std::fs::read_to_string(folder.join(file)).expect("a file");
        text.lines().map(str::to_owned).collect()
    };
    for planted in &written.faults {
        let right = lines(sound.path(), &planted.file);
        let wrong = lines(faulty.path(), &planted.file);
        let line = &wrong[planted.line as usize - 1];
        assert!(
            !right.contains(line) || planted.fault == Fault::RepeatedRow,
            "{planted:?}"
        );
        if planted.fault == Fault::RepeatedRow {
            assert_eq!(*line, wrong[planted.line as usize - 2]);
        }
    }
    // All other rows are as they were, but for the status that users have.
    let enrollments = lines(faulty.path(), "enrollments.csv");
    let sound: HashSet<_> = lines(sound.path(), "enrollments.csv").into_iter().collect();
    let differ = enrollments
        .iter()
        .filter(|line| !sound.contains(*line))
        .count();
    assert_eq!(differ, 5);
}

#[test]
fn the_manifest_names_all_files() {
    let world = school(8, 100);
    let (folder, written) = write(&Bundle::new(&world, Version::V1_2));
    let manifest: HashMap<_, _> = rows(folder.path(), "manifest.csv")
        .into_iter()
        .map(|row| (row["propertyName"].clone(), row["value"].clone()))
        .collect();
    assert_eq!(manifest["oneroster.version"], "1.2");
    let bulk = manifest.iter().filter(|(_, value)| *value == "bulk");
    let bulk: HashSet<_> = bulk
        .map(|(name, _)| name.replace("file.", "") + ".csv")
        .collect();
    let files: HashSet<_> = written.files.into_iter().map(|(file, _)| file).collect();
    assert_eq!(bulk, files);
}

#[test]
fn progress_ends_near_what_was_said() {
    let world = district(1, 5, 6_000);
    let mut last = None;
    let folder = tempfile::tempdir().expect("a folder");
    let bundle = Bundle::new(&world, Version::V1_2);
    bundle
        .write_folder(folder.path(), &mut |progress| last = Some(progress))
        .expect("a bundle");
    let last = last.expect("some progress");
    assert!(last.rows.abs_diff(last.total) < last.total / 20, "{last:?}");
}
