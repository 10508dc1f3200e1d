//! Two schools with sections of this year and one of the last, and somebody of every role.

use lake::Compaction;
use query::Config;
use schemas::roster::Entity;
use schemas::{Family, Grant, Role, Table, Tenant};
use serde_json::{Value, json};

use crate::rosters::imported::{Rows, add};
use crate::school::{Answer, School, event, held, id, look, question, time, token};

/// The tenant.
pub const NORTH: &str = "north";

/// Somebody of each role; their tokens have these names.
pub const EVERYBODY: [(&str, Role, Option<&str>); 11] = [
    ("steward", Role::Steward, None),
    ("district", Role::DistrictAdmin, None),
    ("principal", Role::SchoolAdmin, Some("adm-1")),
    ("teacher", Role::Teacher, Some("tea-1")),
    ("substitute", Role::Teacher, Some("tea-2")),
    ("guardian", Role::Guardian, Some("par-1")),
    ("student", Role::Student, Some("stu-2")),
    ("researcher", Role::Researcher, None),
    ("analyst", Role::Analyst, None),
    ("service", Role::Service, None),
    ("stranger", Role::Teacher, Some("nobody")),
];

/// Who is in which section: its school, its course, its term.
pub const STUDENTS: [(&str, &str); 7] = [
    ("stu-1", "bio-1"),
    ("stu-2", "bio-1"),
    ("stu-3", "bio-1"),
    ("stu-4", "bio-2"),
    ("stu-5", "art-1"),
    ("stu-6", "old-1"),
    // Left the section in its first week.
    ("stu-7", "bio-1"),
];

/// Whether something is kept of somebody; of a day of theirs, if one is named.
pub type Keeps<'a> = &'a dyn Fn(&str, Option<&str>) -> bool;

const IMPORTED: &str = "2026-08-20T06:00:00Z";

fn school_of(section: &str) -> &'static str {
    match section {
        "art-1" => "west",
        _ => "high",
    }
}

fn course_of(section: &str) -> &'static str {
    match section {
        "art-1" => "art-101",
        _ => "bio-101",
    }
}

pub fn term_of(section: &str) -> &'static str {
    match section {
        "old-1" => "2025-26",
        _ => "2026-27",
    }
}

/// The days on which a student did something.
pub fn days(user: &str) -> &'static [&'static str] {
    match user {
        "stu-6" => &["2026-03-03"],
        "stu-7" => &["2026-09-03"],
        _ => &["2026-09-03", "2026-09-12"],
    }
}

/// The tenant's document, as the district has it.
pub fn document() -> Tenant {
    let mut document = Tenant::new(id(NORTH), NORTH);
    document.minimum_cell = 3;
    document.tokens = EVERYBODY
        .iter()
        .map(|(name, role, subject)| {
            let mut held = held(token(NORTH, name), *role);
            held.subject = subject.map(str::to_owned);
            if *name == "service" {
                held.grant = Grant {
                    tables: Some(["clickstream".to_owned(), "sections".to_owned()].into()),
                    filters: [("section_id".to_owned(), ["bio-2".to_owned()].into())].into(),
                    ..Grant::default()
                };
            }
            held
        })
        .collect();
    document
}

/// The district, with all that is known of it.
pub async fn district() -> School {
    district_of(document()).await
}

/// The district with this document.
pub async fn district_of(document: Tenant) -> School {
    district_with(document, &|_, _| true).await
}

/// The district in which there is nothing else of a student, on a day, or of anybody, on
/// none, than what is kept. Who is whose stays.
pub async fn district_with(document: Tenant, keeps: Keeps<'_>) -> School {
    let config = Config {
        threads: 2,
        ..Config::default()
    };
    built(config, document, keeps).await
}

/// The district, of which no answer is kept in memory.
pub async fn district_without_memory() -> School {
    let config = Config {
        threads: 2,
        results_bytes: 0,
        ..Config::default()
    };
    built(config, document(), &|_, _| true).await
}

async fn built(config: Config, document: Tenant, keeps: Keeps<'_>) -> School {
    let school = School::of(config, vec![document]).await;
    school.import(NORTH, 1, IMPORTED, &roster(keeps)).await;
    school.fill_events(keeps).await;
    school.fill_reports(keeps).await;
    school
}

impl School {
    async fn fill_events(&self, keeps: Keeps<'_>) {
        for (table, kinds) in [
            (
                "clickstream",
                json!({"url": "u", "value": "v", "reply_to_key": "k-stu-3"}),
            ),
            ("video", json!({"position_seconds": 1.5})),
            (
                "assessment",
                json!({"score": 0.5, "response": "r", "item_id": "i-1", "by_key": "k-tea-1",
                       "assessment_id": "quiz-1", "max_score": 1.0}),
            ),
            (
                "attendance",
                json!({"status": "present", "by_key": "k-tea-1"}),
            ),
            ("tutoring", json!({"tutor_key": "k-tea-2", "rating": 4.0})),
        ] {
            let table = Table::from_name(table).expect("a table");
            for term in ["2025-26", "2026-27"] {
                let rows = self.events_of(term, &kinds, keeps);
                // In two files, which can be merged.
                let (first, second) = rows.split_at(rows.len() / 2);
                self.publish(NORTH, table, Some(term), first).await;
                self.publish(NORTH, table, Some(term), second).await;
            }
        }
        self.set_floor(0, "2026-09-14T11:59:30Z").await;
    }

    fn events_of(&self, term: &str, kinds: &Value, keeps: Keeps<'_>) -> Vec<Value> {
        let mut rows = Vec::new();
        let mut position = if term == "2025-26" { 0 } else { 100 };
        for (user, section) in STUDENTS {
            if term_of(section) != term {
                continue;
            }
            for day in days(user) {
                let mut own = kinds.clone();
                for (name, value) in own.as_object_mut().expect("an object") {
                    if ["url", "value", "response"].contains(&name.as_str()) {
                        *value = json!(format!("SECRET-{user}-{name}"));
                    }
                }
                own["student_key"] = json!(format!("k-{user}"));
                own["section_id"] = json!(section);
                own["school_id"] = json!(school_of(section));
                own["course_id"] = json!(course_of(section));
                own["extra"] = json!(format!("{{\"note\":\"SECRET-{user}-extra\"}}"));
                if keeps(user, Some(day)) {
                    rows.push(event(position, &format!("{day}T15:00:00Z"), "x.y", own));
                }
                position += 1;
            }
        }
        rows
    }

    async fn fill_reports(&self, keeps: Keeps<'_>) {
        let as_of = "2026-09-14T11:59:20Z";
        let days: Vec<Value> = STUDENTS
            .iter()
            .flat_map(|(user, section)| days(user).iter().map(move |day| (user, section, day)))
            .filter(|(user, section, day)| term_of(section) == "2026-27" && keeps(user, Some(day)))
            .map(|(user, section, day)| {
                json!({
                    "term": "2026-27", "day": day, "student_key": format!("k-{user}"),
                    "course_id": course_of(section), "section_id": section,
                    "school_id": school_of(section), "page_views": 3, "active_minutes": 2.5,
                })
            })
            .collect();
        self.refresh(NORTH, "student_day", "2026-27", &days, as_of)
            .await;
        let sections = [
            ("bio-101", "bio-1", 5),
            ("bio-101", "bio-2", 1),
            ("bio-101", "bio-3", 4),
            ("bio-101", "bio-4", 9),
            ("art-101", "art-1", 2),
            ("mat-101", "mat-1", 8),
            ("mat-101", "mat-2", 3),
        ];
        let sections = sections.map(|(course, section, students)| {
            json!({
                "term": "2026-27", "day": "2026-09-03", "course_id": course,
                "section_id": section, "active_students": students, "active_minutes": 1.0,
            })
        });
        self.refresh(NORTH, "section_day", "2026-27", &sections, as_of)
            .await;
        let seconds = [("bio-101", 0, 5), ("bio-101", 1, 2), ("art-101", 0, 7)];
        let seconds = seconds.map(|(course, second, viewers)| {
            json!({
                "term": "2026-27", "course_id": course, "content_id": "film", "second": second,
                "viewers": viewers, "views": viewers,
            })
        });
        self.refresh(NORTH, "video_retention", "2026-27", &seconds, as_of)
            .await;
    }

    /// Merges the files of events, as upkeep does at night; says how many were merged.
    pub async fn merge_files(&self) -> usize {
        let how = Compaction {
            target_bytes: 1 << 20,
            memory_bytes: 1 << 24,
            least_files: 2,
            closed_before: time("2100-01-01T00:00:00Z"),
        };
        let mut merged = 0;
        for family in Family::ALL {
            let table = self.lake.open(&id(NORTH), Table::Events(family)).await;
            let mut table = table.expect("a lake").expect("a table");
            for merge in table.merges(&how) {
                let files = table.merge(&merge, &how).await.expect("merged");
                merged += files.files_before;
            }
        }
        // Reports have read what there is now.
        self.fill_reports(&|_, _| true).await;
        merged
    }

    /// Asks as somebody of the district.
    pub async fn ask_as(&self, who: &str, sql: &str) -> Answer {
        let body = json!({ "sql": sql });
        self.answer(question(&token(NORTH, who), &body, "*/*"))
            .await
    }

    /// Asks for what lies at a path, as somebody of the district.
    pub async fn look_as(&self, who: &str, path: &str) -> Answer {
        self.answer(look(&token(NORTH, who), path)).await
    }

    /// The rows of an answer as texts: values with a blank between.
    pub async fn lines_as(&self, who: &str, sql: &str) -> Vec<String> {
        let answer = self.ask_as(who, sql).await;
        lines(&answer)
    }
}

pub fn lines(answer: &Answer) -> Vec<String> {
    let columns = answer.json()["columns"].clone();
    let columns: Vec<String> = columns
        .as_array()
        .unwrap_or_else(|| panic!("{}", answer.text()))
        .iter()
        .map(|column| column["name"].as_str().expect("a name").to_owned())
        .collect();
    let rows = answer.rows();
    let text = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    let rows = rows.as_array().expect("rows").iter();
    rows.map(|row| {
        let values: Vec<String> = columns.iter().map(|column| text(&row[column])).collect();
        values.join(" ")
    })
    .collect()
}

fn roster(keeps: Keeps<'_>) -> Rows {
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
    let people: Vec<&str> = people.into_iter().filter(|id| keeps(id, None)).collect();
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
        &STUDENTS
            .iter()
            .filter(|(id, _)| keeps(id, None))
            .map(result)
            .collect::<Vec<_>>(),
    );
    rows
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
