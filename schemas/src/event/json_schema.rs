//! JSON Schemas (draft 2020-12) of the events, for who sends them.
//!
//! What a schema refuses, ingest refuses. What it takes ingest takes, but for what a
//! schema cannot say or need not check: formats of times and ids, lengths in bytes,
//! times far from now, one member under two names, `1.0` for a whole number, a
//! stretch of a video that ends before it begins.

use serde_json::{Map, Value, json};

use super::list::{CONTEXT, EVENT, Kind, Member, RESERVED, data_members};
use super::{EventType, Requirement, limits};
use crate::CustomType;

/// Members of `data` that name a person in every family, whether or not it has a column
/// for the key.
const PEOPLE: [(&str, &str); 2] = [
    ("by", "who did it, a teacher for example"),
    ("reply_to", "who is answered"),
];

/// The JSON Schema of an event of this type.
pub fn json_schema(event_type: &EventType) -> Value {
    let mut data = properties(data_members(event_type.family));
    for (name, about) in PEOPLE {
        data.entry(name).or_insert_with(|| {
            let mut property = one(Kind::Person);
            property["description"] = json!(format!("{about}; kept as a key in `extra`"));
            property
        });
    }
    data.extend(reserved());
    let about = format!(
        "An event of the family {}; members that are not listed are kept in its `extra`.",
        event_type.family
    );
    let mut schema = event(event_type.name, &about);
    schema["properties"]["data"]["properties"] = Value::Object(data);
    let requires = event_type.requires.iter();
    let requires: Vec<_> = requires.map(|all| requirement(all, event_type)).collect();
    if !requires.is_empty() {
        schema["allOf"] = Value::Array(requires);
    }
    // The order of members is a feature of serde_json that any other crate can turn on.
    schema.sort_all_objects();
    schema
}

/// The JSON Schema of an event of a tenant's own type. `data` that is absent counts as
/// empty.
pub fn custom_json_schema(custom_type: &CustomType) -> Value {
    let name = custom_type.name.as_str();
    let about = custom_type.description.as_deref();
    let mut schema = event(
        name,
        about.unwrap_or("An event of a type of the school's own."),
    );
    let mut data = custom_type.schema.clone();
    if let Some(data) = data.as_object_mut() {
        // What the schema refers to is found from its own root.
        data.entry("$id")
            .or_insert_with(|| json!(format!("urn:chalkline:data:{name}:1")));
    }
    schema["properties"]["data"] = data;
    schema
}

/// What holds for events of all types.
fn event(name: &str, about: &str) -> Value {
    let mut event = properties(EVENT);
    event.extend(reserved());
    event.insert("type".to_owned(), json!({ "const": name }));
    for (member, about) in [("time", "when it happened"), ("actor", "the student")] {
        event[member]["type"] = json!("string");
        event[member]["description"] = json!(about);
    }
    event["context"]["properties"] = Value::Object(properties(CONTEXT));
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": format!("urn:chalkline:event:{name}:1"),
        "title": name,
        "description": about,
        "type": "object",
        "properties": event,
        "required": ["type", "time", "actor"],
    })
}

/// Members that are ours to set.
fn reserved() -> impl Iterator<Item = (String, Value)> {
    let about = "made here, of a person's name";
    let one = move |name: &&str| {
        let property = json!({ "type": "null", "description": about });
        ((*name).to_owned(), property)
    };
    RESERVED.iter().map(one)
}

fn properties(members: &[Member]) -> Map<String, Value> {
    let mut properties = Map::new();
    for member in members {
        for (index, name) in member.names.iter().enumerate() {
            let mut property = one(member.kind);
            let about = match index {
                0 => member.about.to_owned(),
                _ => format!("another name of `{}`", member.names[0]),
            };
            property["description"] = Value::String(about);
            properties.insert((*name).to_owned(), property);
        }
    }
    properties
}

/// What a member takes, or `null`.
fn one(kind: Kind) -> Value {
    match kind {
        Kind::Text(bytes) => json!({ "type": ["string", "null"], "maxLength": bytes }),
        Kind::Word(words) => {
            let words = words.iter().map(|word| json!(word));
            json!({ "enum": words.chain([Value::Null]).collect::<Vec<_>>() })
        }
        Kind::Any(_) => json!({}),
        Kind::Id => json!({ "type": ["string", "null"], "format": "uuid" }),
        Kind::Time => json!({ "type": ["string", "null"], "format": "date-time" }),
        Kind::Person => {
            json!({ "type": ["string", "null"], "maxLength": limits::NAME, "pattern": "\\S" })
        }
        Kind::Number(range) => {
            let from = if range.above {
                "exclusiveMinimum"
            } else {
                "minimum"
            };
            json!({ "type": ["number", "null"], from: range.from, "maximum": range.to })
        }
        Kind::Whole(from, to) => {
            json!({ "type": ["integer", "null"], "minimum": from, "maximum": to })
        }
        Kind::Boolean => json!({ "type": ["boolean", "null"] }),
        Kind::Object => json!({ "type": ["object", "null"] }),
        Kind::Segments => json!({
            "type": ["array", "null"],
            "maxItems": limits::SEGMENTS,
            "items": {
                "type": "array",
                "items": { "type": "number", "minimum": 0, "maximum": limits::VIDEO_SECONDS },
                "minItems": 2,
                "maxItems": 2,
            },
        }),
    }
}

/// At least one of these members is there: not null, and no text of blanks, which
/// only a search may be.
fn requirement(alternatives: Requirement, event_type: &EventType) -> Value {
    let mut ways = Vec::new();
    for pointer in alternatives {
        let in_data = pointer.strip_prefix("/data/");
        let members = in_data.map_or(EVENT, |_| data_members(event_type.family));
        let name = in_data.unwrap_or(&pointer[1..]);
        let member = members.iter().find(|member| member.names[0] == name);
        for name in member.expect("types require what is listed").names {
            let there = match *name {
                "query" => json!({ "not": { "type": "null" } }),
                _ => json!({ "not": { "type": "null" }, "pattern": "\\S" }),
            };
            let way = json!({ "required": [name], "properties": { *name: there } });
            ways.push(match in_data {
                Some(_) => inside("data", way),
                None => way,
            });
        }
    }
    match ways.len() {
        1 => ways.remove(0),
        _ => json!({ "anyOf": ways }),
    }
}

/// The member is an object that keeps to the schema.
fn inside(member: &str, mut schema: Value) -> Value {
    schema["type"] = json!("object");
    json!({ "required": [member], "properties": { member: schema } })
}
