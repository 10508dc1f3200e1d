//! What a bundle changes: added, changed and ended rows, their days, the guard and the
//! rules of conflict.

use std::collections::BTreeMap;

use roster::{
    Change, ChangeKind, Comparison, EndDay, Entity, Guard, Row, Rule, Rules, TableSummary, Value,
};

use crate::school::{self, Files};
use crate::store::{Store, check, hasher, today};

/// The school of 1.2, stored.
fn stored() -> Store {
    let mut store = Store::default();
    store.import(school::new().bundle());
    store
}

/// Compares a bundle with a store.
fn compare<T>(store: &Store, files: &Files, look: impl FnOnce(&Comparison<'_>) -> T) -> T {
    let checked = check(files.bundle(), store);
    let rules = Rules::default();
    look(&checked.compare(store, &rules, today()).expect("compared"))
}

fn changes(comparison: &Comparison<'_>, entity: Entity) -> Vec<Change> {
    let changes = comparison.changes(entity).expect("changes");
    changes.map(|change| change.expect("a change")).collect()
}

fn day(day: &str) -> Option<chrono::NaiveDate> {
    Some(day.parse().expect("a day"))
}

fn delta(file: &str, header: &str, rows: &str) -> Files {
    school::of("1.2", "delta", &[(file, &format!("{header}\n{rows}\n"))])
}

const ENROLLMENTS: &str = "sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role,primary,beginDate,endDate";
const ORGS: &str = "sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId";

#[test]
fn the_same_bundle_again_changes_nothing() {
    for files in [school::old(), school::new()] {
        let mut store = Store::default();
        store.import(files.bundle());
        assert!(!store.0.is_empty());
        compare(&store, &files, |comparison| {
            assert!(
                comparison
                    .summary()
                    .values()
                    .all(TableSummary::is_unchanged)
            );
            assert!(comparison.summary()[&Entity::Users].unchanged > 0);
        });
    }
}

#[test]
fn a_bulk_ends_what_it_does_not_have_and_absent_files_end_nothing() {
    let store = stored();
    let files = school::new()
        .replace("enrollments.csv", "e3,,,bio-1,high,ben,student,,,\n", "")
        .without("results.csv")
        .without("resultScoreScales.csv")
        .without("resultLearningObjectiveIds.csv")
        .manifest("1.2", "bulk");
    compare(&store, &files, |comparison| {
        let ended = changes(comparison, Entity::Enrollments);
        assert_eq!(ended.len(), 1);
        assert_eq!(
            (ended[0].key.as_str(), ended[0].kind),
            ("e3", ChangeKind::Ended)
        );
        // It has no end of its own: today, since its term still goes on.
        assert_eq!(ended[0].valid_to, Some(today()));
        assert!(!comparison.tables().contains(&Entity::Results));
    });
}

#[test]
fn a_delta_changes_what_it_has() {
    let store = stored();
    let rows = "e2,tobedeleted,2026-09-20T08:00:00.000Z,bio-1,high,anna,student,,,
e3,active,2026-09-21T08:00:00.000Z,bio-1,high,ben,student,false,,
e9,active,2026-09-22T08:00:00.000Z,bio-2,high,ben,student,,2026-09-22,";
    compare(
        &store,
        &delta("enrollments.csv", ENROLLMENTS, rows),
        |comparison| {
            let all = changes(comparison, Entity::Enrollments);
            let told: Vec<_> = all
                .iter()
                .map(|change| {
                    (
                        change.key.as_str(),
                        change.kind,
                        change.fields(Entity::Enrollments),
                    )
                })
                .collect();
            let expected = [
                ("e2", ChangeKind::Ended, vec![]),
                ("e3", ChangeKind::Changed, vec!["primary"]),
                ("e9", ChangeKind::Added, vec![]),
            ];
            assert_eq!(told, expected);
            assert_eq!(
                (all[0].valid_from, all[0].valid_to),
                (day("2026-08-01"), day("2026-09-20"))
            );
            assert_eq!(
                (all[1].valid_from, all[1].valid_to),
                (day("2026-09-21"), None)
            );
            assert_eq!(
                (all[2].valid_from, all[2].valid_to),
                (day("2026-09-22"), None)
            );
            assert_eq!(
                comparison.to_string(),
                "enrollments: 1 added, 1 changed (primary 1), 1 ended, 2 unchanged\n"
            );
        },
    );
}

#[test]
fn a_delta_that_is_older_than_what_is_stored_is_not_taken() {
    let mut store = stored();
    let row = |day: &str, name: &str| {
        let row = format!("high,active,{day}T08:00:00.000Z,{name},school,NH,dist");
        delta("orgs.csv", ORGS, &row)
    };
    store.import(row("2026-09-20", "North").bundle());
    compare(&store, &row("2026-09-19", "South"), |comparison| {
        assert_eq!(comparison.summary()[&Entity::Orgs].stale, 1);
        assert!(comparison.summary()[&Entity::Orgs].is_unchanged());
    });
    compare(&store, &row("2026-09-20", "South"), |comparison| {
        assert_eq!(comparison.summary()[&Entity::Orgs].changed, 1);
    });
}

#[test]
fn a_row_in_error_leaves_what_is_stored() {
    let store = stored();
    let files = school::new().replace("users.csv", "anna,,,true", "anna,,,perhaps");
    compare(&store, &files, |comparison| {
        assert!(comparison.summary()[&Entity::Users].is_unchanged());
        assert!(comparison.summary()[&Entity::Enrollments].is_unchanged());
    });
}

#[test]
fn the_guard_counts_what_vanishes_but_not_what_is_over() {
    let store = stored();
    let mut files = school::new();
    let header = format!("{ENROLLMENTS}\n");
    let one = "e4,,,bio-2,high,tea,teacher,,,\n";
    files = files.with("enrollments.csv", &format!("{header}{one}"));
    let guard = |share: f64| Guard {
        share,
        shares: BTreeMap::new(),
        at_least: 1,
    };
    compare(&store, &files, |comparison| {
        let vanished = comparison.vanished(&guard(0.5));
        assert_eq!(vanished.len(), 1);
        assert_eq!(
            (vanished[0].entity, vanished[0].ended, vanished[0].of),
            (Entity::Enrollments, 3, 4)
        );
        assert!(
            vanished[0]
                .to_string()
                .starts_with("3 of 4 enrollments would end, over 50 %")
        );
        assert!(comparison.vanished(&guard(0.75)).is_empty());
        assert!(comparison.vanished(&Guard::default()).is_empty());
        let lenient = Guard {
            shares: BTreeMap::from([(Entity::Enrollments, 1.0)]),
            ..guard(0.1)
        };
        assert!(comparison.vanished(&lenient).is_empty());
    });

    // The same a year later, when the term is over.
    let checked = check(files.bundle(), &store);
    let rules = Rules::default();
    let later = day("2027-12-01").expect("a day");
    let comparison = checked.compare(&store, &rules, later).expect("compared");
    assert_eq!(comparison.summary()[&Entity::Enrollments].expired, 3);
    assert!(comparison.vanished(&guard(0.1)).is_empty());
    let ended = changes(&comparison, Entity::Enrollments);
    assert!(
        ended
            .iter()
            .all(|change| change.valid_to == day("2026-12-31"))
    );
}

#[test]
fn rules_say_whose_word_counts() {
    let mut rules = Rules::default();
    rules
        .set(Entity::Users, "email", Rule::KeepOurs)
        .expect("a field");
    rules
        .set(Entity::Users, "phone", Rule::FirstWins)
        .expect("a field");
    rules
        .set(Entity::Users, "pronouns", Rule::FirstWins)
        .expect("a field");
    for bad in ["colour", "user_id"] {
        assert!(
            rules.set(Entity::Users, bad, Rule::KeepOurs).is_err(),
            "{bad}"
        );
    }
    assert!(rules.set(Entity::Sections, "term", Rule::KeepOurs).is_err());

    let mut store = stored();
    let files = school::new()
        .replace(
            "users.csv",
            "anna@high.example,,,mum",
            "new@high.example,,555,mum",
        )
        .replace("users.csv", "Anna,Berg", "Annika,Berg")
        .replace("users.csv", "high,she", "high,they");
    store.import_with(files.bundle(), &rules);
    let anna = &store.0[&Entity::Users]["anna"];
    let text = |field| anna.get(Entity::Users, field).as_text();
    assert_eq!(text("email"), Some("anna@high.example"));
    assert_eq!(text("phone"), Some("555"));
    assert_eq!(text("pronouns"), Some("she"));
    assert_eq!(text("given_name"), Some("Annika"));
}

#[test]
fn a_session_that_moves_takes_its_sections_and_enrollments_along() {
    let store = stored();
    let term = |entity, key: &str| store.0[&entity][key].get(entity, "term").clone();
    assert_eq!(term(Entity::Sections, "bio-1"), Value::from("fall"));
    assert_eq!(term(Entity::Sections, "bio-2"), Value::from("fall"));
    assert_eq!(term(Entity::Enrollments, "e1"), Value::from("fall"));

    let header = "sourcedId,status,dateLastModified,title,grades,courseSourcedId,classCode,classType,location,schoolSourcedId,termSourcedIds,subjects,subjectCodes,periods";
    let row = "bio-1,active,2026-09-01T00:00:00.000Z,Biology 1,09,bio,B1-1,scheduled,Room 1,high,q1,Biology,1,\"1,2\"";
    compare(&store, &delta("classes.csv", header, row), |comparison| {
        let sections = changes(comparison, Entity::Sections);
        assert_eq!(sections.len(), 1);
        assert_eq!(sections[0].fields(Entity::Sections), ["term", "term_ids"]);
        let moved = changes(comparison, Entity::Enrollments);
        let keys: Vec<_> = moved.iter().map(|change| change.key.as_str()).collect();
        assert_eq!(keys, ["e1", "e2", "e3"]);
        assert!(
            moved
                .iter()
                .all(|change| change.fields(Entity::Enrollments) == ["term"])
        );
    });
}

#[test]
fn in_1_1_roles_are_made_of_the_users() {
    let mut store = Store::default();
    let checked = store.import(school::old().bundle());
    let roles: Vec<_> = store.0[&Entity::Roles]
        .values()
        .map(|row| {
            row.get(Entity::Roles, "role_id")
                .as_text()
                .unwrap_or_default()
        })
        .collect();
    let expected = [
        "anna/high/student",
        "ben/high/student",
        "mum/high/parent",
        "tea/dist/teacher",
        "tea/high/teacher",
    ];
    assert_eq!(roles, expected);
    assert_eq!(store.0[&Entity::Guardians].len(), 2);

    assert!(checked.orgs().within("dist").contains("high"));
    let calendar = checked.sessions().calendar(EndDay::Included);
    let ids: Vec<_> = calendar.terms.iter().map(|term| term.id.as_str()).collect();
    assert_eq!(ids, ["fall", "year"]);

    let anna = &store.0[&Entity::Users]["anna"];
    let kinds: Vec<_> = checked
        .identities(Entity::Users, anna)
        .into_iter()
        .map(|id| format!("{} {}", id.kind, id.value))
        .collect();
    let expected = [
        "sourced_id anna",
        "username anna.berg",
        "identifier S1",
        "email anna@high.example",
        "LDAP s1",
        "Fed f1",
    ];
    assert_eq!(kinds, expected);
}

#[test]
fn an_identifier_of_two_people_leads_to_neither() {
    let mut store = Store::default();
    let files = school::new().replace("users.csv", "ben.cole", "S1");
    let checked = store.import(files.bundle());
    for user in ["anna", "ben"] {
        let row = &store.0[&Entity::Users][user];
        let found = checked.identities(Entity::Users, row);
        assert!(found.iter().all(|id| id.value != "S1"), "{user}");
        assert!(found.iter().any(|id| id.value == user), "{user}");
    }
}

#[test]
fn an_identifier_that_becomes_shared_is_taken_from_its_first_owner() {
    let store = stored();
    let leads = |files: &Files| {
        let checked = check(files.bundle(), &store);
        let all = checked.all_identities(&store).expect("identities");
        let all: Vec<_> = all.map(|id| id.expect("an identity")).collect();
        let of = |value: &str| all.iter().filter(|(_, id)| id.value == value).count();
        (all.len(), of("tea-v1"), of("tea.cher"))
    };
    let (all, profile, username) = leads(&school::new());
    assert_eq!((profile, username), (1, 1));

    let header = "sourcedId,status,dateLastModified,userSourcedId,profileType,vendorId,applicationId,description,credentialType,username,password";
    let row = "p2,active,2026-09-20T08:00:00.000Z,ben,vendor,v1,a1,,basic,tea.cher,";
    let (after, profile, username) = leads(&delta("userProfiles.csv", header, row));
    assert_eq!((profile, username), (1, 0));
    assert_eq!(after, all - 1);

    let orgs = "high,active,2026-09-20T08:00:00.000Z,High,school,NH,dist";
    assert_eq!(leads(&delta("orgs.csv", ORGS, orgs)).0, 0);
}

/// Whose key events have that call somebody so, by the rows of `identities`.
fn led_to(store: &Store, identifier: &str) -> Vec<String> {
    let key = hasher().key(identifier).to_string();
    let rows = store.0[&Entity::Identities].values();
    let text = |row: &Row, field| {
        let text = row.get(Entity::Identities, field).as_text();
        text.map(str::to_owned)
    };
    rows.filter(|row| text(row, "identifier_key").as_deref() == Some(&key))
        .map(|row| {
            let user = text(row, "user_id").unwrap_or_default();
            let own = hasher().key(&user).to_string();
            assert_eq!(text(row, "student_key"), Some(own));
            user
        })
        .collect()
}

#[test]
fn all_that_a_person_is_called_leads_to_the_key_of_the_persons_id() {
    let mut store = stored();
    for (identifier, user) in [
        ("anna", "anna"),
        ("anna.berg", "anna"),
        ("S1", "anna"),
        ("anna@high.example", "anna"),
        ("tea-v1", "tea"),
        ("tea.cher", "tea"),
    ] {
        assert_eq!(led_to(&store, identifier), [user], "{identifier}");
    }
    assert_eq!(led_to(&store, "nobody"), Vec::<String>::new());

    // What two people are called leads to neither, from the import on that says so.
    let header = "sourcedId,status,dateLastModified,userSourcedId,profileType,vendorId,applicationId,description,credentialType,username,password";
    let row = "p2,active,2026-09-20T08:00:00.000Z,ben,vendor,v1,a1,,basic,tea.cher,";
    store.import(delta("userProfiles.csv", header, row).bundle());
    assert_eq!(led_to(&store, "tea.cher"), Vec::<String>::new());
    assert_eq!(led_to(&store, "tea-v1"), ["tea"]);

    // And again to the one who is left.
    let row = "p2,tobedeleted,2026-09-21T08:00:00.000Z,ben,vendor,v1,a1,,basic,tea.cher,";
    store.import(delta("userProfiles.csv", header, row).bundle());
    assert_eq!(led_to(&store, "tea.cher"), ["tea"]);

    // A bundle without people changes nothing of them.
    let before = store.0[&Entity::Identities].clone();
    let orgs = "high,active,2026-09-22T08:00:00.000Z,High,school,NH,dist";
    store.import(delta("orgs.csv", ORGS, orgs).bundle());
    assert_eq!(store.0[&Entity::Identities], before);
}

#[test]
fn a_refused_bundle_is_not_compared() {
    let files = school::new().replace("orgs.csv", "NH,dist", "NH,high");
    let checked = check(files.bundle(), &Store::default());
    let rules = Rules::default();
    let store = Store::default();
    let refused = checked.compare(&store, &rules, today());
    assert!(matches!(refused, Err(roster::Error::Refused)));
}
