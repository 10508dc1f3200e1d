//! The data of a clickstream event.

use schemas::event::Clickstream;
use serde_json::Value;

use super::assessment::take_text;
use super::parts::Parts;
use super::vocabulary::{Thing, Verb};

impl Parts {
    /// Takes what the columns of a clickstream event of this type hold.
    pub fn take_clickstream(&mut self, event_type: &str) -> Clickstream {
        let mut data = Clickstream {
            status: self.status(event_type).map(str::to_owned),
            ..Clickstream::default()
        };
        if event_type.starts_with("discussion.") {
            let object = self.activity().map(str::to_owned);
            data.thread_id = self
                .nearest(Thing::Discussion)
                .map(str::to_owned)
                .or_else(|| object.clone());
            data.target_id = object.filter(|id| Some(id) != data.thread_id.as_ref());
        }
        if self
            .object
            .get("objectType")
            .is_some_and(|kind| kind == "StatementRef")
        {
            data.target_id = take_text(&mut self.object, "id");
        }
        let response = take_text(&mut self.result, "response");
        if event_type == "search.performed" {
            data.query = response;
        } else {
            data.value = response;
        }
        data
    }

    /// How a state ended or which it is now, where verbs differ in nothing else.
    fn status(&self, event_type: &str) -> Option<&'static str> {
        match (event_type, self.known_verb()?) {
            ("session.ended", Verb::Abandoned) => Some("abandoned"),
            ("content.completed", Verb::Satisfied) => Some("satisfied"),
            ("content.completed", Verb::Waived) => Some("waived"),
            ("enrollment.changed", Verb::Registered) => Some("active"),
            ("enrollment.changed", _) => Some("inactive"),
            _ => None,
        }
    }
}

/// The other member of a pair, as `reply_to` names one: the agent or the
/// identified group that is the object.
pub fn other_person(object: &Value) -> Option<&str> {
    matches!(object["objectType"].as_str(), Some("Agent" | "Group"))
        .then(|| super::parts::identifier(object))?
}
