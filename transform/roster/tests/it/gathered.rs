//! Rows of a database: checked as those of a bundle, and what is now counts.

use std::collections::BTreeMap;

use proptest::prelude::*;
use roster::{Checked, Entity, Gathering, Guard, Mode, Row, Rules, Settings, Value};

use crate::store::{Store, today, told};

fn row(entity: Entity, values: &[(&str, Value)]) -> Row {
    let mut row = Row::empty(entity);
    for (name, value) in values {
        let mut fields = entity.fields().iter();
        let field = fields.position(|field| field.name == *name);
        row.values[field.unwrap_or_else(|| panic!("{entity} {name}"))] = value.clone();
    }
    row
}

fn texts(texts: &[&str]) -> Value {
    Value::Texts(texts.iter().map(|text| (*text).to_owned()).collect())
}

fn day(day: &str) -> Value {
    Value::Date(day.parse().expect("a day"))
}

/// Rows of a table, and which of them are deleted.
type Rows = Vec<(Row, bool)>;

fn check(store: &Store, tables: Vec<(Entity, Mode, Rows)>) -> Checked {
    let settings = Settings {
        sort_bytes: 200,
        ..Settings::default()
    };
    let mut gathering = Gathering::new(settings);
    for (entity, mode, rows) in tables {
        let name = format!("chalkline.{entity}");
        gathering.begin(entity, mode, &name).expect("begun");
        for (line, (row, is_deleted)) in (1..).zip(rows) {
            gathering.push(row, is_deleted, line).expect("pushed");
        }
    }
    let reading = gathering.finish().expect("gathered");
    reading.check(store).expect("checked")
}

fn import(store: &mut Store, tables: Vec<(Entity, Mode, Rows)>) -> Checked {
    let checked = check(store, tables);
    store.take(&checked, &Rules::default());
    checked
}

fn user(id: &str) -> (Row, bool) {
    let values = [("user_id", Value::from(id)), ("username", Value::from(id))];
    (row(Entity::Users, &values), false)
}

fn school() -> Vec<(Entity, Mode, Rows)> {
    let org = [("org_id", "high"), ("name", "High"), ("type", "school")];
    let org = org.map(|(name, value)| (name, Value::from(value)));
    let term = [
        ("term_id", Value::from("Fall 2026")),
        ("type", Value::from("semester")),
        ("start_date", day("2026-08-01")),
        ("end_date", day("2026-12-31")),
        ("school_year", Value::Integer(2027)),
    ];
    let section = [
        ("section_id", Value::from("s1")),
        ("course_id", Value::from("c1")),
        ("school_id", Value::from("high")),
        ("term_ids", texts(&["Fall 2026"])),
    ];
    let course = [
        ("course_id", Value::from("c1")),
        ("org_id", Value::from("high")),
    ];
    let of = |entity, values: &[(&str, Value)]| vec![(row(entity, values), false)];
    vec![
        (Entity::Orgs, Mode::Bulk, of(Entity::Orgs, &org)),
        (Entity::Terms, Mode::Bulk, of(Entity::Terms, &term)),
        (Entity::Courses, Mode::Bulk, of(Entity::Courses, &course)),
        (Entity::Sections, Mode::Bulk, of(Entity::Sections, &section)),
        (
            Entity::Users,
            Mode::Bulk,
            vec![user("ana"), user("ben"), user("mum")],
        ),
        (Entity::Guardians, Mode::Bulk, vec![guardian("ana", "mum")]),
        (Entity::Roles, Mode::Bulk, vec![role("ana"), role("ben")]),
        (
            Entity::Enrollments,
            Mode::Bulk,
            vec![enrollment("e1", "ana")],
        ),
    ]
}

fn guardian(user: &str, agent: &str) -> (Row, bool) {
    let values = [
        ("user_id", Value::from(user)),
        ("agent_id", Value::from(agent)),
    ];
    (row(Entity::Guardians, &values), false)
}

fn role(user: &str) -> (Row, bool) {
    let values = [
        ("user_id", user),
        ("role_id", user),
        ("org_id", "high"),
        ("role", "student"),
    ];
    let values = values.map(|(name, value)| (name, Value::from(value)));
    (row(Entity::Roles, &values), false)
}

fn enrollment(id: &str, user: &str) -> (Row, bool) {
    let values = [
        ("enrollment_id", id),
        ("section_id", "s1"),
        ("school_id", "high"),
        ("user_id", user),
        ("role", "student"),
    ];
    let values = values.map(|(name, value)| (name, Value::from(value)));
    (row(Entity::Enrollments, &values), false)
}

fn count(store: &Store, entity: Entity) -> usize {
    store.0.get(&entity).map_or(0, BTreeMap::len)
}

#[test]
fn a_database_fills_the_tables_that_are_made_of_others_too() {
    let mut store = Store::default();
    let checked = import(&mut store, school());
    assert_eq!(
        told(&checked.diagnostics),
        [
            "no_teacher chalkline.sections:1 section_id",
            "no_role chalkline.users:3 user_id",
        ]
    );
    let enrollment = &store.0[&Entity::Enrollments]["e1"];
    assert_eq!(
        *enrollment.get(Entity::Enrollments, "term"),
        Value::from("fall-2026-a1cf20")
    );
    assert_eq!(count(&store, Entity::Guardians), 1);
    assert_eq!(count(&store, Entity::Roles), 2);

    let before = store.clone();
    import(&mut store, school());
    assert_eq!(store, before);
}

#[test]
fn what_is_read_of_some_tables_leaves_the_others_as_they_are() {
    let mut store = Store::default();
    import(&mut store, school());
    let mut renamed = user("ana");
    renamed.0.values[6] = Value::from("anna");
    // The source has guardians and roles of which nothing has changed.
    let current = |rows: Vec<_>| {
        let tables = [Entity::Sections, Entity::Guardians, Entity::Roles]
            .map(|entity| (entity, Mode::Current, vec![]));
        let mut all = vec![(Entity::Users, Mode::Current, rows)];
        all.extend(tables);
        all
    };
    let checked = import(&mut store, current(vec![renamed]));
    assert_eq!(checked.modes.keys().collect::<Vec<_>>(), [&Entity::Users]);
    assert_eq!(
        (
            count(&store, Entity::Guardians),
            count(&store, Entity::Roles)
        ),
        (1, 2)
    );
    assert_eq!(
        (
            count(&store, Entity::Users),
            count(&store, Entity::Enrollments)
        ),
        (3, 1)
    );
    let ana = &store.0[&Entity::Users]["ana"];
    assert_eq!(*ana.get(Entity::Users, "username"), Value::from("anna"));

    // What a row refers to may be stored; what ends, ends.
    let enrollments = vec![enrollment("e2", "ben"), (enrollment("e1", "ana").0, true)];
    let checked = import(
        &mut store,
        vec![(Entity::Enrollments, Mode::Current, enrollments)],
    );
    assert_eq!(told(&checked.diagnostics), [""; 0]);
    let left: Vec<_> = store.0[&Entity::Enrollments].keys().collect();
    assert_eq!(left, ["e2"]);
    let term = store.0[&Entity::Enrollments]["e2"].get(Entity::Enrollments, "term");
    assert_eq!(*term, Value::from("fall-2026-a1cf20"));

    // A section moves to another term, and takes its enrollments along.
    let spring = [
        ("term_id", Value::from("spring")),
        ("type", Value::from("semester")),
        ("start_date", day("2027-01-01")),
        ("end_date", day("2027-06-30")),
    ];
    let moved = [
        ("section_id", Value::from("s1")),
        ("course_id", Value::from("c1")),
        ("school_id", Value::from("high")),
        ("term_ids", texts(&["spring"])),
    ];
    import(
        &mut store,
        vec![
            (
                Entity::Terms,
                Mode::Current,
                vec![(row(Entity::Terms, &spring), false)],
            ),
            (
                Entity::Sections,
                Mode::Current,
                vec![(row(Entity::Sections, &moved), false)],
            ),
        ],
    );
    let term = store.0[&Entity::Enrollments]["e2"].get(Entity::Enrollments, "term");
    assert_eq!(*term, Value::from("spring"));
}

#[test]
fn a_row_counts_as_it_is_now_whenever_it_was_modified() {
    let mut store = Store::default();
    import(&mut store, school());
    let mut named = |name: &str, at: &str| {
        let mut ana = user("ana");
        ana.0.values[6] = Value::from(name);
        ana.0.modified_at = Some(at.parse().expect("a time"));
        import(&mut store, vec![(Entity::Users, Mode::Current, vec![ana])]);
        let ana = &store.0[&Entity::Users]["ana"];
        let name = ana.get(Entity::Users, "username").as_text();
        name.unwrap_or_default().to_owned()
    };
    assert_eq!(named("late", "2026-09-02T08:00:01Z"), "late");
    // Its transaction had begun earlier, and has ended later.
    assert_eq!(named("early", "2026-09-02T08:00:00Z"), "early");
}

#[test]
fn what_is_wrong_is_told_by_view_row_and_column_and_what_is_stored_stays() {
    let mut store = Store::default();
    import(&mut store, school());
    let mut wrong_role = enrollment("e1", "ana");
    wrong_role.0.values[5] = Value::from("pupil of 7b");
    let mut no_section = enrollment("e2", "ana");
    no_section.0.values[2] = Value::Null;
    let mut no_key = enrollment("", "ana");
    no_key.0.values[0] = Value::Null;
    let mut reversed = enrollment("e3", "ana");
    reversed.0.values[7] = day("2026-10-02");
    reversed.0.values[8] = day("2026-10-01");
    let rows = vec![
        wrong_role,
        no_section,
        no_key,
        reversed,
        enrollment("e4", "nobody"),
    ];
    let before = store.clone();
    let checked = import(&mut store, vec![(Entity::Enrollments, Mode::Bulk, rows)]);
    assert_eq!(
        told(&checked.diagnostics),
        [
            "invalid_value chalkline.enrollments:1 role",
            "missing_value chalkline.enrollments:2 section_id",
            "missing_value chalkline.enrollments:3 enrollment_id",
            "begin_after_end chalkline.enrollments:4 begin_date",
            "dangling_reference chalkline.enrollments:5 user_id",
        ]
    );
    for row in checked.diagnostics.rows() {
        for value in ["pupil", "nobody", "e3", "ana"] {
            assert!(!row.detail.contains(value), "{}", row.detail);
        }
    }
    assert_eq!(store, before);
}

#[test]
fn guardians_and_roles_are_made_of_the_users_where_the_source_has_none() {
    let mut store = Store::default();
    let mut ana = user("ana");
    ana.0.values[2] = Value::from("student");
    ana.0.values[3] = texts(&["high"]);
    ana.0.values[20] = texts(&["mum"]);
    import(
        &mut store,
        vec![(Entity::Users, Mode::Bulk, vec![ana, user("mum")])],
    );
    assert_eq!(
        (
            count(&store, Entity::Guardians),
            count(&store, Entity::Roles)
        ),
        (1, 1)
    );
    import(
        &mut store,
        vec![(Entity::Users, Mode::Current, vec![user("mum")])],
    );
    assert_eq!(
        (
            count(&store, Entity::Guardians),
            count(&store, Entity::Roles)
        ),
        (1, 1)
    );
    import(
        &mut store,
        vec![(Entity::Users, Mode::Current, vec![user("ana")])],
    );
    assert_eq!(
        (
            count(&store, Entity::Guardians),
            count(&store, Entity::Roles)
        ),
        (0, 0)
    );
}

#[test]
fn a_source_that_shows_nothing_any_more_is_guarded_against() {
    let mut store = Store::default();
    let users = (0..50).map(|n| user(&format!("u{n}"))).collect();
    import(&mut store, vec![(Entity::Users, Mode::Bulk, users)]);
    let checked = check(&store, vec![(Entity::Users, Mode::Bulk, vec![])]);
    let rules = Rules::default();
    let comparison = checked.compare(&store, &rules, today()).expect("compared");
    let vanished = comparison.vanished(&Guard::default());
    assert_eq!(vanished.len(), 1);
    assert_eq!((vanished[0].entity, vanished[0].ended), (Entity::Users, 50));
}

/// One thing that happens to a user or an enrollment of theirs.
#[derive(Debug, Clone)]
enum Event {
    User(u8, Option<u8>),
    Enrollment(u8, Option<u8>),
}

fn events() -> impl Strategy<Value = Vec<Vec<Event>>> {
    let value = prop::option::weighted(0.7, 0..4_u8);
    let event = prop_oneof![
        (0..5_u8, value.clone()).prop_map(|(key, value)| Event::User(key, value)),
        (0..6_u8, value).prop_map(|(key, value)| Event::Enrollment(key, value)),
    ];
    prop::collection::vec(prop::collection::vec(event, 0..6), 1..6)
}

/// The rows of a database in which nothing is deleted for good.
#[derive(Default)]
struct Database {
    users: BTreeMap<u8, Option<u8>>,
    enrollments: BTreeMap<u8, Option<u8>>,
}

impl Database {
    fn happens(&mut self, event: &Event) -> Vec<(Entity, u8)> {
        match event {
            Event::User(key, None) => {
                // Enrollments end with their user.
                let mut touched = vec![(Entity::Users, *key)];
                for (id, user) in &mut self.enrollments {
                    if *user == Some(*key) {
                        *user = None;
                        touched.push((Entity::Enrollments, *id));
                    }
                }
                self.users.insert(*key, None);
                touched
            }
            Event::User(key, value) => {
                self.users.insert(*key, *value);
                vec![(Entity::Users, *key)]
            }
            Event::Enrollment(key, value) => {
                let user = value.filter(|user| matches!(self.users.get(user), Some(Some(_))));
                self.enrollments.insert(*key, user);
                vec![(Entity::Enrollments, *key)]
            }
        }
    }

    fn row(&self, entity: Entity, key: u8) -> (Row, bool) {
        if entity == Entity::Users {
            let value = self.users[&key];
            let mut row = user(&format!("u{key}"));
            row.0.values[6] = Value::from(format!("n{value:?}").as_str());
            row.1 = value.is_none();
            row
        } else {
            let of = self.enrollments[&key];
            let user = format!("u{}", of.unwrap_or_default());
            (enrollment(&format!("e{key}"), &user).0, of.is_none())
        }
    }

    fn rows(&self, keys: &[(Entity, u8)], mode: Mode) -> Vec<(Entity, Mode, Rows)> {
        let mut fixed = school();
        fixed.retain(|(entity, ..)| *entity < Entity::Users);
        let of = |entity: Entity| {
            let keys = keys.iter().filter(|(of, _)| *of == entity);
            let rows = keys.map(|(entity, key)| self.row(*entity, *key));
            (entity, mode, rows.collect())
        };
        fixed.extend([of(Entity::Users), of(Entity::Enrollments)]);
        fixed
    }

    fn all(&self) -> Vec<(Entity, u8)> {
        let users = self.users.keys().map(|key| (Entity::Users, *key));
        let enrollments = self.enrollments.keys();
        users
            .chain(enrollments.map(|key| (Entity::Enrollments, *key)))
            .collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn what_changed_read_step_by_step_is_all_read_at_once(steps in events()) {
        let (mut database, mut store) = (Database::default(), Store::default());
        let mut touched = Vec::new();
        for events in &steps {
            for event in events {
                touched.extend(database.happens(event));
            }
            // Some of them are read again next time.
            let mut keys = touched.clone();
            keys.sort();
            keys.dedup();
            import(&mut store, database.rows(&keys, Mode::Current));
            touched.truncate(touched.len() / 2);
        }
        let mut whole = Store::default();
        import(&mut whole, database.rows(&database.all(), Mode::Bulk));
        prop_assert_eq!(store.values(), whole.values());
    }
}
