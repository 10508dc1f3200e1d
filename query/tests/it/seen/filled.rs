//! Rows with a value in every column, which tells whose it is.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use chrono::{Days, NaiveDate};
use datafusion::arrow::datatypes::DataType;
use schemas::Table;
use serde_json::{Map, Value, json};

use super::district::{STUDENTS, term_of};

/// A row about each student; of a table that is about something else, those that differ.
pub fn made(table: Table) -> Vec<Value> {
    let mut keys = BTreeSet::new();
    let mut rows = Vec::new();
    for (place, (user, section)) in STUDENTS.iter().enumerate() {
        let mut row = json!({});
        let owner = Owner {
            name: (*user).to_owned(),
            section: (*section).to_owned(),
            place,
        };
        owner.fill(table, &mut row);
        let key = schemas::sort_columns(table).iter();
        let key: Vec<String> = key.map(|column| row[*column].to_string()).collect();
        if keys.insert(key) {
            rows.push(row);
        }
    }
    rows
}

/// Whose a row is.
pub struct Owner {
    name: String,
    section: String,
    /// Which row of its table it is.
    place: usize,
}

impl Owner {
    /// Whom a row names; one that names nobody is its own.
    pub fn of(row: &Value, place: usize) -> Self {
        let user = row["user_id"].as_str();
        let student = STUDENTS.iter().find(|(student, _)| Some(*student) == user);
        let section = row["section_id"].as_str();
        let section = section.or(student.map(|(_, section)| *section));
        Self {
            name: user.map_or_else(|| format!("row {place}"), str::to_owned),
            section: section.unwrap_or("bio-1").to_owned(),
            place,
        }
    }

    /// Puts a value into every column of the row that has none.
    pub fn fill(&self, table: Table, row: &mut Value) {
        for column in schemas::columns(table).fields().iter() {
            let name = column.name().as_str();
            if row[name].is_null() {
                let made = || {
                    let text = format!("{table}.{name} of {}", self.name);
                    self.value(column.data_type(), &text)
                };
                row[name] = self.given(table, name).unwrap_or_else(made);
            }
        }
    }

    /// What decides who sees the row, and what views look for.
    fn given(&self, table: Table, column: &str) -> Option<Value> {
        let section = self.section.as_str();
        let (school, course) = match section {
            "art-1" => ("west", "art-101"),
            _ => ("high", "bio-101"),
        };
        let term = term_of(section);
        let key = format!("k-{}", self.name);
        let text: &str = match column {
            "user_id" => self.name.as_str(),
            "student_key" => key.as_str(),
            "section_id" => section,
            "school_id" | "org_id" => school,
            "course_id" => course,
            "term" => term,
            "day" | "begin_date" | "begins_on" => self.day(),
            "end_date" | "ends_on" if term == "2025-26" => "2026-06-15",
            "end_date" | "ends_on" => "2027-06-15",
            "occurred_at" => return Some(json!(format!("{}T15:00:00Z", self.day()))),
            "student_keys" => return Some(json!([key])),
            "log_id" => "log-1",
            "log_partition" => return Some(json!(0)),
            // After all that the district has.
            "log_position" | "end_position" => return Some(json!(2_000_000 + self.place)),
            "event_type" if table == Table::Audit => "query.finished",
            "outcome" if table == Table::Tallies => "rejected",
            _ => return None,
        };
        Some(json!(text))
    }

    /// A day in their section on which there is nothing else in the district.
    fn day(&self) -> &'static str {
        match (self.name.as_str(), self.section.as_str()) {
            (_, "old-1") => "2026-03-04",
            // Left on the next.
            ("stu-7", _) => "2026-09-04",
            _ => "2026-09-08",
        }
    }

    /// A value of a type that is as good as no other text's.
    fn value(&self, of: &DataType, text: &str) -> Value {
        let number = number(text);
        match of {
            DataType::Utf8 => json!(text),
            DataType::Boolean => json!(number > 500_000),
            DataType::Int32 | DataType::Int64 => json!(number),
            DataType::Float64 => json!(f64::from(number) / 8.0),
            DataType::Date32 => {
                let first = NaiveDate::from_ymd_opt(2001, 1, 1).expect("a day");
                json!((first + Days::new(u64::from(number % 3_000))).to_string())
            }
            DataType::Timestamp(..) => json!(format!("{}T15:00:00.{number}Z", self.day())),
            // As rows of JSON hold bytes.
            DataType::Binary => {
                let bytes: Vec<String> = text.bytes().map(|byte| format!("{byte:02x}")).collect();
                json!(bytes.concat())
            }
            DataType::List(element) => json!([self.value(element.data_type(), text)]),
            DataType::Struct(members) => {
                let mut values = Map::new();
                for member in members.iter() {
                    let text = format!("{text}, {}", member.name());
                    let value = self.value(member.data_type(), &text);
                    values.insert(member.name().clone(), value);
                }
                Value::Object(values)
            }
            other => panic!("no value of the type {other}"),
        }
    }
}

/// A number of six digits that is seldom another text's.
fn number(text: &str) -> u32 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    let number = 100_000 + hasher.finish() % 900_000;
    u32::try_from(number).expect("six digits")
}
