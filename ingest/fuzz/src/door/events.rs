//! The events of an input, as whoever sends them sees them: read without the front
//! door's own reader.

use std::cell::OnceCell;
use std::collections::HashMap;

use jsonschema::Validator;
use schemas::Tenant;
use schemas::event::{EventType, custom_json_schema, json_schema};
use serde_json::Value;

use super::Dialect;

/// The events of a body; `None` where that takes more than a look.
pub fn of(dialect: Dialect, body: &[u8]) -> Option<Vec<Value>> {
    match dialect {
        Dialect::Compressed | Dialect::Multipart => None,
        Dialect::Lines => lines(body, |_| true),
        Dialect::Edx => lines(body, |line| line.starts_with(b"{")),
        Dialect::Native => json(body, "events"),
        Dialect::Segment => json(body, "batch"),
        Dialect::Caliper => json(body, "data"),
        Dialect::Xapi | Dialect::Canvas => match serde_json::from_slice(body).ok()? {
            Value::Array(events) => Some(events),
            event => Some(vec![event]),
        },
    }
}

fn json(body: &[u8], name: &str) -> Option<Vec<Value>> {
    match serde_json::from_slice(body).ok()? {
        Value::Array(events) => Some(events),
        Value::Object(mut members) => match members.remove(name) {
            Some(Value::Array(events)) => Some(events),
            // Data of a single event.
            Some(data) if name == "data" => {
                members.insert(name.to_owned(), data);
                Some(vec![Value::Object(members)])
            }
            Some(_) => None,
            None => Some(vec![Value::Object(members)]),
        },
        _ => None,
    }
}

fn lines(body: &[u8], is_bare: impl Fn(&[u8]) -> bool) -> Option<Vec<Value>> {
    let lines = body.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let lines = lines.filter(|line| !line.is_empty());
    lines
        .map(|line| match is_bare(line) {
            true => Some(serde_json::from_slice(line).unwrap_or_default()),
            false => None,
        })
        .collect()
}

/// The JSON Schemas that senders read.
pub struct Contract {
    schemas: HashMap<String, (Value, OnceCell<Validator>)>,
}

impl Contract {
    /// Of all types that the tenant may send.
    pub fn of(tenant: &Tenant) -> Self {
        let all = EventType::all().iter();
        let all = all.map(|known| (known.name.to_owned(), json_schema(known)));
        let own = tenant.custom_types.iter();
        let own = own.map(|own| (own.name.as_str().to_owned(), custom_json_schema(own)));
        let lazy = |(name, schema)| (name, (schema, OnceCell::new()));
        Self {
            schemas: all.chain(own).map(lazy).collect(),
        }
    }

    /// # Panics
    /// When an event was taken, against the schema of its type; or refused for what the
    /// schema says it has.
    pub fn check(&self, sent: &[Value], answer: &Value) {
        for (index, event) in sent.iter().enumerate() {
            let name = event["type"].as_str().unwrap_or_default();
            let Some((schema, compiled)) = self.schemas.get(name) else {
                continue;
            };
            let result = answer["results"]
                .get(index)
                .or_else(|| refusal(answer, index));
            let code = match result {
                Some(result) => result["code"].as_str(),
                None => continue,
            };
            let compiled = compiled.get_or_init(|| {
                jsonschema::options()
                    .offline()
                    .build(schema)
                    .expect("a schema")
            });
            match code {
                None => assert!(compiled.is_valid(event), "{name} is taken: {event}"),
                Some("missing_member" | "reserved_member") => {
                    assert!(!compiled.is_valid(event), "{name} is refused: {event}");
                }
                Some(_) => {}
            }
        }
    }
}

/// What a problem says of the event at an index.
fn refusal(problem: &Value, index: usize) -> Option<&Value> {
    let errors = problem["errors"].as_array()?;
    errors.iter().find(|error| error["index"] == index)
}
