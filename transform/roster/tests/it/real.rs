//! Two bundles as schools send them, and exactly what is wrong with them. Their
//! licence keeps them out of this repository: `CHALKLINE_SHARED_DATA` names the folder
//! that has them below `oneroster`.

use std::path::{Path, PathBuf};

use roster::{Bundle, Empty, Entity, Limits, Severity, Version};

use crate::store::{Store, check, told};

fn bundle(name: &str) -> Option<PathBuf> {
    let Some(folder) = std::env::var_os("CHALKLINE_SHARED_DATA") else {
        println!("skipped: set CHALKLINE_SHARED_DATA to a folder with oneroster");
        return None;
    };
    let path = Path::new(&folder).join("oneroster").join(name);
    assert!(
        path.exists(),
        "CHALKLINE_SHARED_DATA has no oneroster/{name}"
    );
    Some(path)
}

fn open(path: &Path) -> Bundle {
    Bundle::open(path, Limits::default()).expect("opened")
}

/// What the sessions, classes, enrollments and orgs have wrong, which are the same in
/// both bundles.
const BOTH: [&str; 26] = [
    "date_without_time academicSessions.csv:4 dateLastModified",
    "deleted_in_bulk academicSessions.csv:2 status",
    "inactive_status academicSessions.csv:4 status",
    "outside_terms enrollments.csv:2 beginDate",
    "outside_terms enrollments.csv:3 beginDate",
    "outside_terms enrollments.csv:4 beginDate",
    "status_in_bulk academicSessions.csv:2 dateLastModified",
    "status_in_bulk academicSessions.csv:2 status",
    "unresolved_reference academicSessions.csv:3 parentSourcedId",
    "unresolved_reference academicSessions.csv:6 parentSourcedId",
    "wrong_nesting academicSessions.csv:5 parentSourcedId",
    "deleted_in_bulk classes.csv:3 status",
    "not_a_school classes.csv:2 schoolSourcedId",
    "status_in_bulk classes.csv:2 dateLastModified",
    "status_in_bulk classes.csv:2 status",
    "subject_codes_count classes.csv:2 subjectCodes",
    "unresolved_reference classes.csv:2 courseSourcedId",
    "word_spelling classes.csv:2 classType",
    "dangling_reference enrollments.csv:5 classSourcedId",
    "dangling_reference enrollments.csv:6 classSourcedId",
    "dangling_reference enrollments.csv:7 classSourcedId",
    "not_a_school enrollments.csv:2 schoolSourcedId",
    "role_contradiction enrollments.csv:3 role",
    "status_in_bulk enrollments.csv:2 dateLastModified",
    "status_in_bulk enrollments.csv:2 status",
    "unresolved_reference orgs.csv:2 parentSourcedId",
];

const OLD: [&str; 10] = [
    "status_in_bulk orgs.csv:2 dateLastModified",
    "status_in_bulk orgs.csv:2 status",
    "date_without_time users.csv:2 dateLastModified",
    "status_in_bulk users.csv:2 dateLastModified",
    "status_in_bulk users.csv:2 status",
    "word_spelling users.csv:2 enabledUser",
    "shared_identifier users.csv:3 userIds",
    "shared_identifier users.csv:5 userIds",
    "shared_identifier users.csv:5 userIds",
    "shared_identifier users.csv:6 userIds",
];

const NEW: [&str; 24] = [
    "status_in_bulk orgs.csv:2 dateLastModified",
    "status_in_bulk orgs.csv:2 status",
    "blank_mode manifest.csv:21 value",
    "blank_mode manifest.csv:22 value",
    "blank_mode manifest.csv:23 value",
    "absent_column roles.csv:1 userProfileSourcedId",
    "column_spelling roles.csv:1 dateLastModified",
    "unnamed_column roles.csv:1 #10",
    "unnamed_column roles.csv:1 #11",
    "date_without_time roles.csv:2 dateLastModified",
    "status_in_bulk roles.csv:2 dateLastModified",
    "status_in_bulk roles.csv:2 status",
    "copied_file userProfiles.csv:",
    "column_spelling users.csv:1 preferredFamilyName",
    "column_spelling users.csv:1 preferredGivenName",
    "column_spelling users.csv:1 preferredMiddleName",
    "slash_date users.csv:2 dateLastModified",
    "status_in_bulk users.csv:2 dateLastModified",
    "status_in_bulk users.csv:2 status",
    "word_spelling users.csv:2 enabledUser",
    "shared_identifier users.csv:3 userIds",
    "shared_identifier users.csv:5 userIds",
    "shared_identifier users.csv:5 userIds",
    "shared_identifier users.csv:6 userIds",
];

fn sorted<'a>(all: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut all: Vec<_> = all.into_iter().map(str::to_owned).collect();
    all.sort();
    all
}

#[test]
fn the_bundle_of_1_1_has_exactly_these_faults() {
    let Some(path) = bundle("v1p1_full.zip") else {
        return;
    };
    let checked = check(open(&path), &Empty);
    assert_eq!(checked.origin.version(), Some(Version::V1_1));
    let found = told(&checked.diagnostics);
    assert_eq!(
        sorted(found.iter().map(String::as_str)),
        sorted(BOTH.into_iter().chain(OLD))
    );
    assert_eq!(checked.diagnostics.count(Severity::Fatal), 0);
}

#[test]
fn the_bundle_of_1_2_has_exactly_these_faults() {
    let Some(path) = bundle("v1p2_full.zip") else {
        return;
    };
    let checked = check(open(&path), &Empty);
    assert_eq!(checked.origin.version(), Some(Version::V1_2));
    let found = told(&checked.diagnostics);
    let expected = BOTH.into_iter().chain(NEW);
    assert_eq!(sorted(found.iter().map(String::as_str)), sorted(expected));
    assert_eq!(checked.diagnostics.count(Severity::Fatal), 0);
}

#[test]
fn a_zip_file_and_its_folder_are_the_same() {
    for name in ["v1p1_full", "v1p2_full"] {
        let (Some(zip), Some(folder)) = (bundle(&format!("{name}.zip")), bundle(name)) else {
            return;
        };
        let (mut a, mut b) = (Store::default(), Store::default());
        let told_a = told(&a.import(open(&zip)).diagnostics);
        assert_eq!(told(&b.import(open(&folder)).diagnostics), told_a);
        assert_eq!(a, b);
    }
}

#[test]
fn what_is_sound_is_imported_and_again_changes_nothing() {
    for (name, roles) in [("v1p1_full.zip", 6), ("v1p2_full.zip", 7)] {
        let Some(path) = bundle(name) else {
            return;
        };
        let mut store = Store::default();
        store.import(open(&path));
        let count = |entity| store.0.get(&entity).map_or(0, |rows| rows.len());
        for (entity, expected) in [
            (Entity::Orgs, 1),
            (Entity::Terms, 3),
            (Entity::Sections, 1),
            (Entity::Users, 6),
            (Entity::Roles, roles),
            (Entity::Guardians, 5),
            (Entity::Enrollments, 3),
            (Entity::UserProfiles, 0),
        ] {
            assert_eq!(count(entity), expected, "{name} {entity}");
        }
        assert!(!format!("{store:?}").contains("Password1"));
        let terms = store.0[&Entity::Enrollments].values();
        for row in terms {
            let term = row.get(Entity::Enrollments, "term").as_text();
            assert_eq!(term, Some("as-trm-222-1234"));
        }

        let before = store.clone();
        store.import(open(&path));
        assert_eq!(store, before);
    }
}

#[test]
fn days_with_slashes_are_read_in_the_order_that_their_column_proves() {
    let Some(path) = bundle("v1p2_full.zip") else {
        return;
    };
    let mut store = Store::default();
    store.import(open(&path));
    let modified = |id: &str| {
        let at = store.0[&Entity::Users][id].modified_at;
        at.map(|at| at.date_naive().to_string())
    };
    assert_eq!(modified("usr-222-123456").as_deref(), Some("2023-05-01"));
    assert_eq!(modified("usr-222-567891").as_deref(), Some("2023-06-15"));
    assert_eq!(modified("usr-222-66778899"), None);
}
