//! Two schools with sections of this year and one of the last, and somebody of every role.

mod roster;
pub mod rows;

use lake::Compaction;
use query::Config;
use schemas::{Family, Grant, Role, Table, Tenant};
use serde_json::{Value, json};

use self::roster::roster;
use crate::school::{Answer, School, held, id, look, question, time, token};

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

/// A row of a table as a district has it, or that it does not.
pub type Makes<'a> = &'a dyn Fn(&str, Value) -> Option<Value>;

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
    let is_kept = |table: &str, row: &Value| {
        let text = |column: &str| row[column].as_str();
        let table = table.strip_suffix("_history").unwrap_or(table);
        match (text("student_key"), rows::day(row)) {
            (Some(key), Some(day)) => keeps(key.trim_start_matches("k-"), Some(day)),
            _ if ["users", "identities", "demographics", "results"].contains(&table) => {
                text("user_id").is_some_and(|user| keeps(user, None))
            }
            _ => true,
        }
    };
    district_made(document, &|table, row| is_kept(table, &row).then_some(row)).await
}

/// The district whose rows are made so.
pub async fn district_made(document: Tenant, makes: Makes<'_>) -> School {
    let config = Config {
        threads: 2,
        ..Config::default()
    };
    built(config, document, makes).await
}

/// The district, of which neither answers nor groups of reports are kept in memory.
pub async fn district_without_memory() -> School {
    let config = Config {
        threads: 2,
        results_bytes: 0,
        cells_bytes: 0,
        ..Config::default()
    };
    built(config, document(), &|_, row| Some(row)).await
}

async fn built(config: Config, document: Tenant, makes: Makes<'_>) -> School {
    let school = School::of(config, vec![document]).await;
    school.import(NORTH, 1, IMPORTED, &roster(makes)).await;
    school.fill_events(makes).await;
    school.fill_reports(makes).await;
    school
}

fn made(makes: Makes<'_>, table: &str, rows: Vec<Value>) -> Vec<Value> {
    let rows = rows.into_iter().filter_map(|row| makes(table, row));
    rows.collect()
}

impl School {
    async fn fill_events(&self, makes: Makes<'_>) {
        for table in rows::EVENTS {
            let kind = Table::from_name(table).expect("a table");
            for term in ["2025-26", "2026-27"] {
                let rows = made(makes, table, rows::events(table, term));
                // In two files, which can be merged.
                let (first, second) = rows.split_at(rows.len() / 2);
                self.publish(NORTH, kind, Some(term), first).await;
                self.publish(NORTH, kind, Some(term), second).await;
            }
        }
        self.set_floor(0, "2026-09-14T11:59:30Z").await;
    }

    async fn fill_reports(&self, makes: Makes<'_>) {
        let as_of = "2026-09-14T11:59:20Z";
        for (report, rows) in [
            ("student_day", rows::student_days()),
            ("section_day", rows::section_days()),
            ("video_retention", rows::video_seconds()),
        ] {
            let rows = made(makes, report, rows);
            self.refresh(NORTH, report, "2026-27", &rows, as_of).await;
        }
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
        // Reports have read what there is now, and have the rows that they had.
        self.fill_reports(&|_, _| None).await;
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

/// All that is told, but for what is of one request alone.
pub fn told(answer: &Answer) -> String {
    let mut body = answer.text().to_owned();
    if !answer.status.is_success() {
        let mut problem = answer.json();
        problem["trace_id"].take();
        body = problem.to_string();
    }
    format!("{} {body}", answer.status)
}
