//! Whom a tracking event names.

use schemas::event::limits;
use serde_json::{Map, Value};

use super::mailbox::mailboxes;
use super::tracking::Tracking;
use super::values;
use crate::dialect::Mention;
use crate::plain::Plain;

/// Ends of the names of members that name a person, without case and separators.
const PERSON: &[&str] = &[
    "email",
    "emails",
    "instructor",
    "instructorid",
    "student",
    "studentid",
    "userid",
    "userids",
    "username",
    "usernames",
];

/// Events whose own `user_id` is the student: whoever is logged in may be her
/// teacher, or nobody.
const ABOUT_STUDENT: &[&str] = &[
    "edx.certificate.",
    "edx.completion.",
    "edx.course.completion.",
    "edx.course.enrollment.",
    "edx.course.grade.",
    "edx.grades.",
    "edx.special_exam.",
];

/// Whom an event names.
#[derive(Debug, Default)]
pub struct People {
    /// Whose learning it is.
    pub actor: Option<String>,
    /// Who did it to her.
    pub by: Option<String>,
    /// All whom it names, by all their names.
    pub mentions: Vec<Mention>,
}

/// What one person is called.
#[derive(Debug, Default)]
struct Names {
    id: Option<String>,
    username: Option<String>,
}

impl People {
    /// Those whom an event names.
    ///
    /// A person is known by the number that Open edX gave her, and by her user
    /// name only where an event has no number: background jobs tell numbers only.
    pub fn of(tracking: &Tracking) -> Self {
        let Tracking {
            event,
            context,
            rest,
            ..
        } = tracking;
        let visitor = Names {
            id: peek(context, &["user_id"]).or_else(|| peek(rest, &["user_id"])),
            username: peek(context, &["username"]).or_else(|| peek(rest, &["username"])),
        };
        let named = Names {
            id: peek(event, &["user_id", "attempt_user_id"]),
            username: peek(event, &["username"]),
        };
        let about_student = ABOUT_STUDENT
            .iter()
            .any(|start| tracking.name.starts_with(start));
        let (actor, by) = match (visitor.best(), named.best()) {
            (Some(_), Some(student)) if about_student && named.is_other_than(&visitor) => {
                (Some(student), visitor.best())
            }
            // One person: the number counts, whoever tells it.
            (Some(visitor), Some(student)) if about_student => (
                named.id.as_ref().map_or(Some(visitor), |_| Some(student)),
                None,
            ),
            (Some(visitor), _) => (Some(visitor), None),
            (None, student) => (student, None),
        };
        let instructor = peek(event, &["instructor_id"]).filter(|_| about_student);
        let mut mentions = Vec::new();
        for members in [event, context, rest] {
            members
                .iter()
                .for_each(|(name, value)| mention(name, value, &mut mentions));
        }
        mentions.sort_by(|one, other| one.actor.cmp(&other.actor));
        mentions.dedup();
        Self {
            actor: actor.cloned(),
            by: instructor.or_else(|| by.cloned()),
            mentions,
        }
    }
}

impl Names {
    /// The name by which the person is known.
    fn best(&self) -> Option<&String> {
        self.id.as_ref().or(self.username.as_ref())
    }

    /// Whether it is known that these are two people.
    fn is_other_than(&self, other: &Self) -> bool {
        match (&self.id, &other.id) {
            (Some(one), Some(other)) => one != other,
            _ => match (&self.username, &other.username) {
                (Some(one), Some(other)) => one != other,
                _ => false,
            },
        }
    }
}

/// Whether a member of that name names a person.
pub fn names_someone(member: &str) -> bool {
    let letters = member.chars().filter(char::is_ascii_alphanumeric);
    let plain: String = letters.map(|c| c.to_ascii_lowercase()).collect();
    PERSON.iter().any(|end| plain.ends_with(end))
}

/// What of these members names a person.
fn peek(members: &Map<String, Value>, names: &[&str]) -> Option<String> {
    values::peek(members, names, called)
}

/// The name of a person: text, or the number that Open edX gave her.
fn called(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) if !number.is_f64() => Some(number.to_string()),
        other => values::text(other),
    }
}

/// Notes all whom a member names: by what it is called, and by the mailboxes in
/// its text.
fn mention(name: &str, value: &Value, found: &mut Vec<Mention>) {
    let mut note = |actor: String| {
        if actor.len() <= limits::NAME {
            found.push(Mention { actor, name: None });
        }
    };
    match value {
        Value::Object(members) => members
            .iter()
            .for_each(|(name, value)| mention(name, value, found)),
        Value::Array(values) => values.iter().for_each(|value| mention(name, value, found)),
        Value::String(text) => {
            if names_someone(name) {
                called(value).into_iter().for_each(&mut note);
            }
            let plain = Plain::of(text).text;
            if plain.contains('@') {
                let both = mailboxes(text).chain(mailboxes(&plain));
                both.map(str::to_owned).for_each(note);
            }
        }
        Value::Number(_) if names_someone(name) => called(value).into_iter().for_each(note),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn people(name: &str, context: Value, event: Value) -> People {
        let tracking = json!({"name": name, "time": "t", "context": context, "event": event});
        People::of(&Tracking::of(tracking).expect("an event"))
    }

    #[rstest]
    #[case::number(json!({"user_id": 41, "username": "ann"}), json!({}), Some("41"), None)]
    #[case::name_only(json!({"user_id": "", "username": "ann"}), json!({}), Some("ann"), None)]
    #[case::nobody(json!({"user_id": null, "username": ""}), json!({}), None, None)]
    #[case::background(json!({}), json!({"user_id": "41"}), Some("41"), None)]
    #[case::same(json!({"user_id": 41}), json!({"user_id": "41"}), Some("41"), None)]
    #[case::teacher(json!({"user_id": 7}), json!({"user_id": "41"}), Some("41"), Some("7"))]
    #[case::same_name(
        json!({"user_id": 41, "username": "ann"}), json!({"username": "ann"}), Some("41"), None
    )]
    #[case::other_name(
        json!({"user_id": 7, "username": "bob"}), json!({"username": "ann"}), Some("ann"), Some("7")
    )]
    #[case::later(json!({"username": "ann"}), json!({"user_id": 41}), Some("41"), None)]
    fn a_grade_is_its_students(
        #[case] context: Value,
        #[case] event: Value,
        #[case] actor: Option<&str>,
        #[case] by: Option<&str>,
    ) {
        let people = people("edx.grades.problem.submitted", context, event);
        assert_eq!((people.actor.as_deref(), people.by.as_deref()), (actor, by));
    }

    #[test]
    fn anything_else_is_the_visitors() {
        let people = people(
            "edx.team.learner_added",
            json!({"user_id": 7}),
            json!({"user_id": 41}),
        );
        assert_eq!((people.actor.as_deref(), people.by), (Some("7"), None));
    }

    #[test]
    fn all_are_mentioned_who_are_named_anywhere() {
        let people = people(
            "x",
            json!({"user_id": 41, "username": "ann"}),
            json!({"target_username": "bob", "to": {"user_ids": [7, 8]}, "name": "page",
                "note": "ask cid@x.org or dan%40x.org", "user_id": 1.5, "long_username": "a".repeat(600)}),
        );
        let mut names: Vec<_> = people
            .mentions
            .iter()
            .map(|one| one.actor.as_str())
            .collect();
        names.sort_unstable();
        assert_eq!(
            names,
            ["41", "7", "8", "ann", "bob", "cid@x.org", "dan@x.org"]
        );
    }
}
