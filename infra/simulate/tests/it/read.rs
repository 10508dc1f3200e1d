//! Reads what was written.

use std::collections::HashMap;
use std::path::Path;

use chrono::{DateTime, Utc};
use serde_json::Value;
use simulate::{EventOptions, Events, SchoolYear, Size, World};

/// A row by column.
pub type Row = HashMap<String, String>;

pub fn year() -> SchoolYear {
    SchoolYear::beginning(2025).expect("a year")
}

pub fn school(seed: u64, students: u32) -> World {
    World::new(seed, Size::School { students }, year()).expect("a school")
}

pub fn district(seed: u64, schools: u32, students: u32) -> World {
    let size = Size::District { schools, students };
    World::new(seed, size, year()).expect("a district")
}

/// The rows of a CSV file.
pub fn rows(folder: &Path, file: &str) -> Vec<Row> {
    let mut reader = csv::Reader::from_path(folder.join(file)).expect("a file");
    let rows = reader.deserialize().map(|row| row.expect("a row"));
    rows.collect()
}

/// An event and when it came.
pub struct Came {
    pub at: DateTime<Utc>,
    pub event: Value,
}

impl Came {
    pub fn text(&self, pointer: &str) -> &str {
        self.event
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    pub fn number(&self, pointer: &str) -> f64 {
        self.event
            .pointer(pointer)
            .and_then(Value::as_f64)
            .expect("a number")
    }

    pub fn kind(&self) -> &str {
        self.text("/type")
    }

    pub fn time(&self) -> DateTime<Utc> {
        self.text("/time").parse().expect("a time")
    }
}

/// All events, parsed.
pub fn events<'a>(
    world: &'a World,
    options: &EventOptions,
) -> impl Iterator<Item = Came> + use<'a> {
    events_of(world, options, &[""])
}

/// The events whose type begins like one of these, parsed.
pub fn events_of<'a>(
    world: &'a World,
    options: &EventOptions,
    types: &'a [&'a str],
) -> impl Iterator<Item = Came> + use<'a> {
    /// Where the type begins in a line.
    const TYPE: usize = "{'id':'00000000-0000-7000-8000-000000000000','type':'".len();
    let mut events = Events::new(world, options);
    let mut line = Vec::new();
    std::iter::from_fn(move || {
        loop {
            line.clear();
            let at = events.next_line(&mut line)?;
            if types
                .iter()
                .any(|name| line[TYPE..].starts_with(name.as_bytes()))
            {
                let event = serde_json::from_slice(&line).expect("JSON");
                return Some(Came { at, event });
            }
        }
    })
}
