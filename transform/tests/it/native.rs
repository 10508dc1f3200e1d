//! Events as golden files write them: like client apps do, but a student is a
//! short name, which becomes a key that sorts like it.

use std::collections::BTreeMap;

use schemas::event::{Data, Event, EventType};
use schemas::{StudentHasher, StudentKey};
use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::support::time;

/// The students of a file by name.
#[derive(Default)]
pub struct Students(BTreeMap<String, String>);

impl Students {
    fn key(&mut self, name: &str) -> StudentKey {
        let mut bytes = [0; 16];
        bytes[..name.len()].copy_from_slice(name.as_bytes());
        let key = StudentKey::from_bytes(bytes);
        self.0.insert(name.to_owned(), key.to_string());
        key
    }

    /// The event with the key by which a roster knows its student.
    pub fn in_roster(&self, event: &Event, hasher: &StudentHasher) -> Event {
        let key = event.student_key.to_string();
        let found = self.0.iter().find(|(_, known)| **known == key);
        let (name, _) = found.expect("a student of the file");
        Event {
            student_key: hasher.key(name),
            ..event.clone()
        }
    }

    /// SQL with keys in the place of names in quotes.
    pub fn keys_in(&self, sql: &str) -> String {
        self.0.iter().fold(sql.to_owned(), |sql, (name, key)| {
            sql.replace(&format!("'{name}'"), &format!("'{key}'"))
        })
    }

    /// Rows with names in the place of keys.
    pub fn names_in(&self, rows: &str) -> String {
        self.0
            .iter()
            .fold(rows.to_owned(), |rows, (name, key)| rows.replace(key, name))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    id: Uuid,
    #[serde(rename = "type")]
    event_type: String,
    time: String,
    sent_at: Option<String>,
    student: String,
    session: Option<String>,
    course: Option<String>,
    section: Option<String>,
    school: Option<String>,
    content: Option<String>,
    content_version: Option<i32>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

/// The event of a line, as ingest would append it.
pub fn event(line: &str, number: usize, students: &mut Students) -> Result<Event, String> {
    let line: Line<'_> = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let event_type = EventType::from_name(&line.event_type).ok_or("an unknown type")?;
    let data = line.data.map_or("{}", RawValue::get);
    let data = Data::from_json(event_type.family, data).map_err(|error| error.to_string())?;
    let seconds = i64::try_from(number).expect("a small file");
    Ok(Event {
        id: line.id,
        event_type: line.event_type,
        dialect: "native".to_owned(),
        time: time(&line.time),
        sent_at: line.sent_at.as_deref().map(time),
        // All at once, long after: repetitions are told by their ids.
        received_at: time("2030-01-01T00:00:00Z") + chrono::TimeDelta::seconds(seconds),
        student_key: students.key(&line.student),
        session: line.session,
        course: line.course,
        section: line.section,
        school: line.school,
        content: line.content,
        content_version: line.content_version,
        app: None,
        platform: None,
        locale: None,
        data,
        extra: schemas::event::Extra::default(),
    })
}
