//! Who is who in the district, who is whose, and what they are taught.

use schemas::roster::Entity;
use serde_json::{Value, json};

use super::{IMPORTED, Makes, STUDENTS, course_of, school_of, term_of};
use crate::rosters::imported::{Rows, add};

/// The tables of its roster, with their history.
pub(super) fn roster(makes: Makes<'_>) -> Rows {
    let mut rows = Rows::new();
    let mut put = |entity, added: &[Value]| add(&mut rows, entity, IMPORTED, 1, added);
    let org = |id: &str, kind: &str, parent: Option<&str>| json!({"org_id": id, "name": id, "type": kind, "parent_org_id": parent});
    put(
        Entity::Orgs,
        &[
            org("district", "district", None),
            org("high", "school", Some("district")),
            org("biology", "department", Some("high")),
            org("west", "school", Some("district")),
        ],
    );
    let term = |id: &str, first: &str, last: &str| {
        json!({"term_id": id, "term": id, "name": id, "type": "schoolYear",
               "start_date": first, "end_date": last})
    };
    put(
        Entity::Terms,
        &[
            term("2025-26", "2025-08-15", "2026-06-15"),
            term("2026-27", "2026-08-15", "2027-06-15"),
        ],
    );
    let section = |id: &str| {
        json!({"section_id": id, "term": term_of(id), "name": id, "course_id": course_of(id),
               "school_id": school_of(id)})
    };
    put(
        Entity::Sections,
        &["bio-1", "bio-2", "art-1", "old-1"].map(section),
    );
    let people = ["adm-1", "tea-1", "tea-2", "par-1", "par-2"];
    let people = STUDENTS.iter().map(|(user, _)| *user).chain(people);
    let people: Vec<&str> = people.collect();
    let user = |id: &&str| {
        json!({"user_id": id, "enabled": true, "given_name": format!("SECRET-{id}-given"),
               "email": format!("SECRET-{id}@north.example"), "grades": ["09"]})
    };
    put(Entity::Users, &people.iter().map(user).collect::<Vec<_>>());
    let identity = |id: &&str| {
        json!({"user_id": id, "identifier_key": format!("k-{id}"),
               "student_key": format!("k-{id}"), "kind": "user_id"})
    };
    put(
        Entity::Identities,
        &people.iter().map(identity).collect::<Vec<_>>(),
    );
    let role = |id: &str, org: &str, role: &str| json!({"user_id": id, "role_id": format!("{id}-{role}"), "org_id": org, "role": role});
    let students = STUDENTS
        .iter()
        .map(|(id, section)| role(id, school_of(section), "student"));
    let others = [
        role("adm-1", "high", "principal"),
        role("tea-1", "high", "teacher"),
        role("tea-2", "high", "teacher"),
        role("par-1", "high", "guardian"),
        role("par-2", "high", "guardian"),
    ];
    put(Entity::Roles, &students.chain(others).collect::<Vec<_>>());
    // Either may name the other.
    let agent = |one: &str, other: &str| json!({"user_id": one, "agent_id": other});
    put(
        Entity::Guardians,
        &[
            agent("stu-1", "par-1"),
            agent("stu-1", "par-2"),
            agent("par-1", "stu-5"),
            agent("par-2", "par-1"),
        ],
    );
    let mut enrolled: Vec<Value> = STUDENTS
        .iter()
        .map(|(user, section)| enrollment(user, section, "student", None))
        .collect();
    enrolled[6]["end_date"] = json!("2026-09-05");
    enrolled.extend([
        enrollment("tea-1", "bio-1", "teacher", None),
        enrollment("tea-1", "old-1", "teacher", Some("2026-06-15")),
        enrollment("tea-2", "bio-2", "teacher", Some("2026-09-10")),
        enrollment("tea-2", "art-1", "teacher", None),
    ]);
    put(Entity::Enrollments, &enrolled);
    let traits = |id: &&str| json!({"user_id": id, "sex": format!("SECRET-{id}-sex")});
    put(
        Entity::Demographics,
        &people
            .iter()
            .filter(|id| id.starts_with("stu"))
            .map(traits)
            .collect::<Vec<_>>(),
    );
    let result = |(user, section): &(&str, &str)| {
        json!({"result_id": format!("r-{user}"), "line_item_id": "quiz-1", "user_id": user,
               "section_id": section, "score": 50.0, "comment": format!("SECRET-{user}-comment")})
    };
    put(
        Entity::Results,
        &STUDENTS.iter().map(result).collect::<Vec<_>>(),
    );
    let made = rows.into_iter().map(|(table, rows)| {
        let rows = rows.into_iter();
        let rows: Vec<Value> = rows.filter_map(|row| makes(table.as_str(), row)).collect();
        (table, rows)
    });
    made.collect()
}

fn enrollment(user: &str, section: &str, role: &str, end: Option<&str>) -> Value {
    let begin = match section {
        "old-1" => "2025-09-01",
        _ => "2026-09-01",
    };
    json!({
        "enrollment_id": format!("e-{user}-{section}"), "term": term_of(section),
        "section_id": section, "school_id": school_of(section), "user_id": user, "role": role,
        "begin_date": begin, "end_date": end,
    })
}
