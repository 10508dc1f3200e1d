//! A good statement, taken apart. What a column takes is removed from it; what
//! is left is kept beside the columns.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::vocabulary::{self, Thing, Verb};
use crate::dialect::Mention;

/// The parts of a statement.
#[derive(Debug, Default)]
pub struct Parts {
    /// The verb's IRI.
    pub verb: String,
    /// The object without its definition.
    pub object: Map<String, Value>,
    /// What an activity is.
    pub definition: Map<String, Value>,
    /// The result without its extensions.
    pub result: Map<String, Value>,
    /// Its extensions.
    pub outcome: Map<String, Value>,
    /// The context without activities and extensions.
    pub context: Map<String, Value>,
    /// Its extensions.
    pub surroundings: Map<String, Value>,
    /// The activities of the context.
    pub related: Vec<Related>,
    /// What it says of attachments.
    pub attachments: Option<Value>,
}

/// An activity of the context.
#[derive(Debug)]
pub struct Related {
    /// `parent`, `grouping`, `category` or `other`.
    pub relation: &'static str,
    /// Its id.
    pub id: String,
    /// What it is.
    pub thing: Thing,
}

impl Parts {
    /// Takes a statement apart that the specification allows.
    pub fn of(mut statement: Map<String, Value>) -> Self {
        let mut object = take_object(&mut statement, "object");
        let mut result = take_object(&mut statement, "result");
        let mut context = take_object(&mut statement, "context");
        let mut activities = take_object(&mut context, "contextActivities");
        let mut related = Vec::new();
        for relation in ["parent", "grouping", "category", "other"] {
            let activities = match activities.remove(relation) {
                Some(Value::Array(activities)) => activities,
                Some(activity) => vec![activity],
                None => Vec::new(),
            };
            related.extend(activities.iter().map(|activity| Related {
                relation,
                id: text(&activity["id"]),
                thing: thing(&activity["definition"]),
            }));
        }
        Self {
            verb: statement
                .get("verb")
                .map_or_else(String::new, |verb| text(&verb["id"])),
            definition: take_object(&mut object, "definition"),
            object,
            outcome: take_object(&mut result, "extensions"),
            result,
            surroundings: take_object(&mut context, "extensions"),
            context,
            related,
            attachments: statement.remove("attachments"),
        }
    }

    /// What the verb means, if we know it.
    pub fn known_verb(&self) -> Option<Verb> {
        vocabulary::verb(&self.verb)
    }

    /// What the object is, if it is an activity.
    pub fn thing(&self) -> Option<Thing> {
        self.activity()?;
        if self.definition.contains_key("interactionType") {
            return Some(Thing::Item);
        }
        let kind = self.definition.get("type").and_then(Value::as_str);
        Some(kind.map_or(Thing::Other, vocabulary::thing))
    }

    /// The object's id, if it is an activity.
    pub fn activity(&self) -> Option<&str> {
        let kind = self.object.get("objectType").and_then(Value::as_str);
        if kind.is_some_and(|kind| kind != "Activity") {
            return None;
        }
        self.object.get("id")?.as_str()
    }

    /// Whether the statement keeps to the video profile.
    pub fn is_of_video(&self) -> bool {
        let profile = |related: &Related| {
            related.relation == "category"
                && vocabulary::bare(&related.id) == vocabulary::VIDEO_PROFILE
        };
        self.thing() == Some(Thing::Video) || self.related.iter().any(profile)
    }

    /// The nearest activity of the context that is such a thing.
    pub fn nearest(&self, thing: Thing) -> Option<&str> {
        ["parent", "grouping", "other"]
            .iter()
            .find_map(|relation| {
                let is = |other: &&Related| other.relation == *relation && other.thing == thing;
                self.related.iter().find(is)
            })
            .map(|related| related.id.as_str())
    }

    /// The course: the object, or the nearest in the context.
    pub fn course(&self) -> Option<String> {
        if self.thing() == Some(Thing::Course) {
            return self.activity().map(str::to_owned);
        }
        self.nearest(Thing::Course).map(str::to_owned)
    }

    /// What is left of verb, object, result and attachments.
    pub fn rest(&mut self, course: Option<&str>) -> (Map<String, Value>, Map<String, Value>) {
        let mut rest = Map::new();
        rest.insert(
            "verb".to_owned(),
            Value::String(std::mem::take(&mut self.verb)),
        );
        insert(&mut rest, "object", self.rest_of_object());
        let mut result = std::mem::take(&mut self.result);
        insert(&mut result, "extensions", std::mem::take(&mut self.outcome));
        insert(&mut rest, "result", result);
        if let Some(attachments) = self.attachments.take() {
            rest.insert("attachments".to_owned(), without_words(attachments));
        }
        let mut context = std::mem::take(&mut self.context);
        // People are kept as keys or not at all.
        for people in ["instructor", "team", "contextAgents", "contextGroups"] {
            context.remove(people);
        }
        let mut activities = Map::new();
        for related in self.related.drain(..) {
            if Some(related.id.as_str()) == course && related.thing == Thing::Course {
                continue;
            }
            let ids = activities
                .entry(related.relation)
                .or_insert_with(|| Value::Array(Vec::new()));
            if let Value::Array(ids) = ids {
                ids.push(Value::String(related.id));
            }
        }
        insert(&mut context, "contextActivities", activities);
        let surroundings = std::mem::take(&mut self.surroundings);
        insert(&mut context, "extensions", surroundings);
        (rest, context)
    }

    /// What is kept of the object beside its id: no texts, which the catalogue
    /// has, and nothing of people.
    fn rest_of_object(&mut self) -> Map<String, Value> {
        let mut object = std::mem::take(&mut self.object);
        let kind = object.remove("objectType");
        let mut rest = Map::new();
        match kind.as_ref().and_then(Value::as_str) {
            None | Some("Activity") => {
                let mut definition = std::mem::take(&mut self.definition);
                for name in ["type", "interactionType", "extensions"] {
                    let empty = |value: &Value| value.as_object().is_some_and(Map::is_empty);
                    if let Some(value) = definition.remove(name).filter(|value| !empty(value)) {
                        rest.insert(name.to_owned(), value);
                    }
                }
            }
            Some("SubStatement") => {
                for name in ["verb", "object"] {
                    if let Some(id) = object.get(name).and_then(|value| value.get("id")) {
                        rest.insert(name.to_owned(), id.clone());
                    }
                }
            }
            _ => {}
        }
        if let Some(kind) = kind.filter(|kind| kind != "Activity") {
            rest.insert("objectType".to_owned(), kind);
        }
        rest
    }
}

/// What identifies an agent or an identified group, as an actor is named.
pub fn identifier(actor: &Value) -> Option<&str> {
    identifiers(actor).next()
}

/// All that may identify someone.
fn identifiers(actor: &Value) -> impl Iterator<Item = &str> {
    [
        &actor["mbox"],
        &actor["account"]["name"],
        &actor["openid"],
        &actor["mbox_sha1sum"],
    ]
    .into_iter()
    .filter_map(Value::as_str)
}

/// What identifies a statement's actor. A group without identifier is known by
/// its members, whatever their order.
pub fn actor(actor: &Value) -> String {
    /// The namespace of groups.
    const GROUPS: Uuid = Uuid::from_u128(0x8c2f_64d1_09ab_5e35_b1d0_52f7_6a3e_9c48);

    if let Some(identifier) = identifier(actor) {
        return identifier.to_owned();
    }
    let members = actor["member"].as_array();
    let mut members: Vec<_> = members
        .into_iter()
        .flatten()
        .filter_map(identifier)
        .collect();
    members.sort_unstable();
    members.dedup();
    let group = Uuid::new_v5(&GROUPS, json!(members).to_string().as_bytes());
    format!("group:{group}")
}

/// Everyone whom a statement identifies, wherever it does: also in extensions,
/// where the specification knows of no people.
pub fn mentions(value: &Value, found: &mut Vec<Mention>) {
    match value {
        Value::Object(members) => {
            // Outside of actors there may be anything, many identifiers of one
            // person too.
            let named = identifiers(value).filter(|text| !text.trim().is_empty());
            found.extend(named.map(|identifier| Mention {
                actor: identifier.to_owned(),
                name: value["name"].as_str().map(str::to_owned),
            }));
            members.values().for_each(|value| mentions(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| mentions(value, found)),
        _ => {}
    }
}

fn thing(definition: &Value) -> Thing {
    definition["type"]
        .as_str()
        .map_or(Thing::Other, vocabulary::thing)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn take_object(members: &mut Map<String, Value>, name: &str) -> Map<String, Value> {
    match members.remove(name) {
        Some(Value::Object(object)) => object,
        _ => Map::new(),
    }
}

fn insert(members: &mut Map<String, Value>, name: &str, object: Map<String, Value>) {
    if !object.is_empty() {
        members.insert(name.to_owned(), Value::Object(object));
    }
}

/// Attachments without display and description.
fn without_words(mut attachments: Value) -> Value {
    for attachment in attachments.as_array_mut().into_iter().flatten() {
        if let Some(attachment) = attachment.as_object_mut() {
            attachment.remove("display");
            attachment.remove("description");
        }
    }
    attachments
}
