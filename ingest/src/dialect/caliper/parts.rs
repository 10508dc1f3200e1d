//! The parts of a good event, and what is read of each.

use serde_json::Value;

/// The parts of an event.
#[derive(Debug)]
pub struct Parts<'v> {
    /// All of it.
    pub event: &'v Value,
    /// Its type; of the general one that which would tell the same.
    pub kind: &'v str,
    /// What was done.
    pub action: &'v str,
    /// To what.
    pub object: &'v Value,
    /// Where in that, or towards what.
    pub target: &'v Value,
    /// What came of it.
    pub generated: &'v Value,
}

impl<'v> Parts<'v> {
    /// The parts of an event that passed the check.
    pub fn of(event: &'v Value) -> Self {
        let action = event["action"].as_str().unwrap_or_default();
        let object = &event["object"];
        let kind = match event["type"].as_str().unwrap_or_default() {
            "Event" | "ReadingEvent" => special(action, self::kind(object)),
            "OutcomeEvent" => "GradeEvent",
            kind => kind,
        };
        Self {
            event,
            kind,
            action,
            object,
            target: &event["target"],
            generated: &event["generated"],
        }
    }

    /// The attempt that it tells of, and where.
    pub fn attempt(&self) -> Option<(&'v Value, &'static str)> {
        [
            (self.generated, "/generated"),
            (self.object, "/object"),
            (&self.generated["attempt"], "/generated/attempt"),
        ]
        .into_iter()
        .find(|(attempt, _)| kind(attempt) == Some("Attempt"))
    }

    /// What was attempted: what the attempt says, or else the object.
    pub fn assignable(&self) -> Option<&'v Value> {
        let is_attempt = kind(self.object) == Some("Attempt");
        let attempted = self.attempt().map(|(attempt, _)| &attempt["assignable"]);
        let object = (!is_attempt && self.kind != "GradeEvent").then_some(self.object);
        object.or(attempted).filter(|told| id(told).is_some())
    }

    /// The visit, that of the platform where the tool has none of its own.
    pub fn session(&self) -> Option<&'v str> {
        let object = is_one_of(self.object, &["Session", "LtiSession"]).then_some(self.object);
        [
            Some(&self.event["session"]),
            object,
            Some(&self.event["federatedSession"]),
        ]
        .into_iter()
        .flatten()
        .find_map(id)
    }

    /// The section and the course.
    pub fn place(&self) -> (Option<&'v str>, Option<&'v str>) {
        [
            &self.event["group"],
            &self.event["membership"]["organization"],
            self.object,
        ]
        .into_iter()
        .map(place)
        .find(|(section, course)| section.is_some() || course.is_some())
        .unwrap_or_default()
    }

    /// The content: the object, or what it stands for.
    pub fn content(&self) -> Option<&'v str> {
        match kind(self.object) {
            Some("Attempt") => self.assignable().and_then(id),
            Some("SurveyInvitation") => id(&self.object["survey"]).or_else(|| id(self.object)),
            Some("Person" | "Agent" | "Session" | "LtiSession" | "Membership") => None,
            _ => match (self.kind, self.action) {
                ("ToolLaunchEvent", "Launched") => id(self.target).or_else(|| id(self.object)),
                ("SessionEvent", _) => None,
                _ => id(self.object),
            },
        }
    }
}

/// The type of event whose actions and objects these are.
fn special(action: &str, object: Option<&str>) -> &'static str {
    match (action, object) {
        (_, Some("VideoObject" | "AudioObject" | "MediaObject"))
            if matches!(action, "Started" | "Paused" | "Resumed" | "Ended") =>
        {
            "MediaEvent"
        }
        ("Started" | "Submitted", Some("Assessment")) => "AssessmentEvent",
        ("Submitted", Some("Attempt" | "AssignableDigitalResource")) => "AssignableEvent",
        ("Graded", Some("Attempt")) => "GradeEvent",
        ("Posted", Some("Message")) => "MessageEvent",
        ("Viewed", _) => "ViewEvent",
        ("NavigatedTo", _) => "NavigationEvent",
        ("Searched", _) => "SearchEvent",
        ("Downloaded", _) => "ResourceManagementEvent",
        ("LoggedIn" | "LoggedOut" | "TimedOut", _) => "SessionEvent",
        _ => "Event",
    }
}

/// The section and the course that an organisation is, or is a part of.
fn place(group: &Value) -> (Option<&str>, Option<&str>) {
    match kind(group) {
        Some("CourseSection") => (id(group), id(&group["subOrganizationOf"])),
        Some("CourseOffering") => (None, id(group)),
        Some("Group") => {
            let around = place(&group["subOrganizationOf"]);
            if around == (None, None) {
                place(&group["isPartOf"])
            } else {
                around
            }
        }
        Some(_) => (None, None),
        // An IRI alone says by its words what it names.
        None => match id(group) {
            Some(iri) if iri.contains("section") => (Some(iri), None),
            Some(iri) if iri.contains("course") => (None, Some(iri)),
            _ => (None, None),
        },
    }
}

/// The IRI of an entity, told or alone.
pub fn id(entity: &Value) -> Option<&str> {
    entity.as_str().or_else(|| entity["id"].as_str())
}

/// The type of an entity; `None` where only its IRI is told.
pub fn kind(entity: &Value) -> Option<&str> {
    entity["type"].as_str()
}

/// Whether an entity is told to be of one of these types.
pub fn is_one_of(entity: &Value, kinds: &[&str]) -> bool {
    kind(entity).is_some_and(|kind| kinds.contains(&kind))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_group_is_of_a_section_of_a_course() {
        let section = json!({"id": "urn:s", "type": "CourseSection",
            "subOrganizationOf": {"id": "urn:c", "type": "CourseOffering"}});
        assert_eq!(place(&section), (Some("urn:s"), Some("urn:c")));
        let group = json!({"id": "urn:g", "type": "Group", "subOrganizationOf": section});
        assert_eq!(place(&group), (Some("urn:s"), Some("urn:c")));
        let thin = json!("https://e.example/courses/7/sections/1");
        assert_eq!(place(&thin), (thin.as_str(), None));
        assert_eq!(place(&json!("https://e.example/teams/1")), (None, None));
        assert_eq!(place(&Value::Null), (None, None));
    }
}
