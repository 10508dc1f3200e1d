//! An event of Canvas, taken apart. What a column takes is removed from it; what is
//! left is kept beside the columns.

use serde_json::{Map, Value};

use super::people;
use crate::dialect::name::{name, take_text};
use crate::outcome::{Reason, Rejection};

/// Ids of Canvas are numbers below this within a shard; in all of Canvas the shard's
/// number stands before.
const SHARD: u64 = 10_000_000_000_000;

/// What is kept of the metadata that no column takes.
const KEPT: [&str; 12] = [
    "context_account_id",
    "context_id",
    "context_role",
    "context_sis_source_id",
    "context_type",
    "developer_key_id",
    "hostname",
    "http_method",
    "job_tag",
    "request_id",
    "root_account_uuid",
    "time_zone",
];

/// The parts of an event.
#[derive(Debug)]
pub struct Parts {
    /// Who did it, where and when.
    pub metadata: Map<String, Value>,
    /// What was done.
    pub body: Map<String, Value>,
    /// What stands before the numbers of this Canvas.
    shard: Option<u64>,
}

impl Parts {
    /// Takes an event apart.
    ///
    /// # Errors
    /// When it is not of Canvas's own form.
    pub fn of(mut event: Map<String, Value>) -> Result<Self, Rejection> {
        // Streams of one's own Canvas have attributes.
        let metadata = event
            .remove("metadata")
            .or_else(|| event.remove("attributes"));
        let metadata = match metadata {
            Some(Value::Object(metadata)) => metadata,
            None if is_caliper(&event) => {
                let detail = "Post Caliper to /caliper: this path takes the form of Canvas's own \
                              events, objects with metadata and body.";
                return Err(Rejection::new(Reason::UnknownMember, "", detail));
            }
            None => {
                let detail =
                    "Send each event as Canvas writes it: an object with metadata and body.";
                return Err(Rejection::new(Reason::MissingMember, "/metadata", detail));
            }
            Some(_) => return Err(no_object("/metadata")),
        };
        let body = match event.remove("body") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(body)) => body,
            Some(_) => return Err(no_object("/body")),
        };
        let root = metadata.get("root_account_id").and_then(name);
        let shard = root.and_then(|id| Some(id.parse::<u64>().ok()? / SHARD));
        Ok(Self {
            metadata,
            body,
            shard: shard.filter(|shard| *shard > 0),
        })
    }

    /// An id as all of Canvas knows it: some events name a thing, or a person, by the
    /// number that it has within its shard.
    pub fn global(&self, id: &str) -> String {
        let id = id.trim();
        let local = id.parse::<u64>().ok().filter(|id| *id < SHARD);
        let global = |local: u64| self.shard?.checked_mul(SHARD)?.checked_add(local);
        match local.and_then(global) {
            Some(global) => global.to_string(),
            None => id.to_owned(),
        }
    }

    /// Takes a thing's id from the body.
    pub fn take_id(&mut self, member: &str) -> Option<String> {
        let id = name(self.body.get(member)?)?;
        self.body.remove(member);
        Some(self.global(&id))
    }

    /// A text of the body that says something.
    pub fn text(&self, member: &str) -> Option<&str> {
        let text = self.body.get(member)?.as_str()?;
        (!text.trim().is_empty()).then_some(text)
    }

    /// A text of the metadata that says something.
    pub fn told(&self, member: &str) -> Option<&str> {
        let text = self.metadata.get(member)?.as_str()?;
        (!text.trim().is_empty()).then_some(text)
    }

    /// Takes the course: the body's, or else the one in which it happened.
    pub fn take_course(&mut self) -> Option<String> {
        if let Some(course) = self.take_id("course_id") {
            return Some(course);
        }
        if let Some(Value::Object(course)) = self.body.get_mut("course")
            && let Some(id) = course.remove("id").as_ref().and_then(name)
        {
            return Some(self.global(&id));
        }
        if self.told("context_type") != Some("Course") {
            return None;
        }
        let id = name(self.metadata.get("context_id")?)?;
        self.metadata.remove("context_id");
        Some(self.global(&id))
    }

    /// Takes the section.
    pub fn take_section(&mut self) -> Option<String> {
        let section = self.take_id("course_section_id");
        section.or_else(|| self.take_id("section_id"))
    }

    /// The role of who did it.
    pub fn take_role(&mut self, member: &str) -> Option<String> {
        let role = take_text(&mut self.body, member);
        role.or_else(|| self.told("context_role").map(str::to_owned))
    }

    /// What is left of metadata and body.
    pub fn rest(mut self) -> (Map<String, Value>, Map<String, Value>) {
        if self.told("context_type") == Some("User") {
            self.metadata.remove("context_id");
            self.metadata.remove("context_sis_source_id");
        }
        self.metadata
            .retain(|name, value| KEPT.contains(&name.as_str()) && !value.is_null());
        people::remove(&mut self.body);
        (self.metadata, self.body)
    }
}

/// Whether it is an event of Caliper or an envelope of some.
fn is_caliper(event: &Map<String, Value>) -> bool {
    let envelope = event.get("data").is_some_and(Value::is_array);
    envelope
        || ["@context", "sensor", "dataVersion"]
            .iter()
            .any(|name| event.contains_key(*name))
}

fn no_object(pointer: &str) -> Rejection {
    Rejection::new(Reason::WrongType, pointer, "Send it as an object.")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case(json!("21070000000000001"), "98765", "21070000000098765")]
    #[case(json!(21_070_000_000_000_001_u64), "98765", "21070000000098765")]
    #[case(json!("21070000000000001"), "11210000002223333", "11210000002223333")]
    #[case(json!("21070000000000001"), "elXwFPr6", "elXwFPr6")]
    #[case(json!("1"), "98765", "98765")]
    #[case(json!(null), "98765", "98765")]
    #[case(json!("18446744073709551615"), "9999999999999", "9999999999999")]
    #[case(json!("99999999999999999999"), "7", "7")]
    fn numbers_of_a_shard_are_those_of_all_of_canvas(
        #[case] root: Value,
        #[case] id: &str,
        #[case] expected: &str,
    ) {
        let event = json!({"metadata": {"root_account_id": root}});
        let Value::Object(event) = event else {
            unreachable!("it is an object");
        };
        assert_eq!(Parts::of(event).expect("apart").global(id), expected);
    }
}
