//! Every name by which an event calls somebody.

use std::collections::{BTreeSet, HashSet};

use schemas::event::limits;
use serde_json::{Map, Value};

use super::kinds::PEOPLE;
use super::parts::kind;
use crate::personal;

/// Members that name people.
pub const PLACES: &[&str] = &[
    "actor",
    "annotator",
    "assignee",
    "commenter",
    "creator",
    "creators",
    "member",
    "members",
    "rater",
    "scoredBy",
    "user",
    "withAgents",
];

/// The longest name of a user that is looked for, in bytes.
const LONGEST: usize = 256;

/// From so many digits on a number that names somebody is found wherever it stands.
const LONG: usize = 7;

/// Whether a member of an extension names a user: `user_login`, `sis_id`, but not
/// `user_role`.
pub fn names_a_user(member: &str) -> bool {
    let plain = plain(member);
    let told = ["user", "login", "email", "sisid", "lisperson"];
    let kinds = ["agent", "count", "role", "roles", "type", "users"];
    told.iter().any(|word| plain.contains(word)) && !kinds.iter().any(|word| plain.ends_with(word))
}

/// Whether such a member tells a name that nobody else and nothing else has.
fn is_telling(member: &str, name: &str) -> bool {
    let plain = plain(member);
    let ids = ["id", "login", "username", "email", "mail", "emailaddress"];
    ids.iter().any(|word| plain.ends_with(word))
        || name.contains('@')
        || (plain.contains("name") && name.trim().contains(char::is_whitespace))
}

/// A name without case and separators.
fn plain(name: &str) -> String {
    let letters = name.chars().filter(char::is_ascii_alphanumeric);
    letters.map(|c| c.to_ascii_lowercase()).collect()
}

/// All by whom and what the event calls people: their ids, each with a full name if it
/// is told, and other names. `things` are the ids of what is told to be no person,
/// `app` is that of the application.
pub fn names(
    event: &Value,
    things: &HashSet<&str>,
    app: &str,
) -> BTreeSet<(String, Option<String>)> {
    // An event of an app with a longer name is refused, whomever it names.
    let app = match app.len() <= limits::NAME {
        true => app.to_lowercase(),
        false => String::new(),
    };
    let mut names = Names {
        things,
        app,
        found: BTreeSet::new(),
    };
    names.walk(event, "");
    names.found
}

struct Names<'v> {
    things: &'v HashSet<&'v str>,
    /// In small letters.
    app: String,
    found: BTreeSet<(String, Option<String>)>,
}

impl Names<'_> {
    fn walk(&mut self, value: &Value, place: &str) {
        match value {
            Value::Object(members) => {
                if kind(value).is_some_and(|kind| PEOPLE.contains(&kind)) {
                    self.person(members);
                }
                for (name, value) in members {
                    match value {
                        Value::String(text) if names_a_user(name) && !PLACES.contains(&&**name) => {
                            self.told(name, text);
                        }
                        value => self.walk(value, name),
                    }
                }
            }
            Value::Array(values) => values.iter().for_each(|value| self.walk(value, place)),
            Value::String(text) => {
                if PLACES.contains(&place) && !self.things.contains(text.as_str()) {
                    self.name(text, None);
                }
                self.users(text);
            }
            _ => {}
        }
    }

    /// Whom the IRI of a thing names: `users/665544` of what that user made.
    fn users(&mut self, iri: &str) {
        let mut before = "";
        for part in iri.split('/') {
            let end = part.find(['?', '#', '&']).unwrap_or(part.len());
            let user = &part[..end];
            if matches!(before, "user" | "users") && (1..=LONGEST).contains(&user.len()) {
                self.found.insert((format!("{before}/{user}"), None));
            }
            before = part.rsplit(['?', '#', '&', '=']).next().unwrap_or_default();
        }
    }

    fn person(&mut self, members: &Map<String, Value>) {
        let text = |name: &str| members.get(name).and_then(Value::as_str);
        if let Some(id) = text("id") {
            self.name(id, text("name"));
        }
        let identifiers = members.get("otherIdentifiers").and_then(Value::as_array);
        for identifier in identifiers.into_iter().flatten() {
            if let Some(text) = identifier["identifier"].as_str() {
                self.alias(text);
            }
        }
        if let Some(extensions) = members.get("extensions") {
            self.aliases(extensions);
        }
    }

    /// What the extensions of a person call her.
    fn aliases(&mut self, extensions: &Value) {
        match extensions {
            Value::Object(members) => {
                for (name, value) in members {
                    let is_name = names_a_user(name)
                        || personal::is_personal(name)
                        || name.ends_with("entity_id");
                    match value {
                        Value::String(text) if is_name => self.told(name, text),
                        value => self.aliases(value),
                    }
                }
            }
            Value::Array(values) => values.iter().for_each(|value| self.aliases(value)),
            _ => {}
        }
    }

    /// What a member of an extension says of a user.
    fn told(&mut self, member: &str, text: &str) {
        if is_telling(member, text) {
            self.alias(text);
        }
    }

    /// A name beside the id. One that stands in the name of the app is no secret, and
    /// hidden there it would make an app of each user.
    fn alias(&mut self, text: &str) {
        let text = text.trim();
        let small = text.to_lowercase();
        if (1..=LONGEST).contains(&text.len()) && !self.app.contains(&small) {
            self.found.insert((text.to_owned(), None));
        }
    }

    fn name(&mut self, id: &str, name: Option<&str>) {
        if id.trim().is_empty() {
            return;
        }
        self.found.insert((id.to_owned(), name.map(str::to_owned)));
        // Of a short number alone nobody can say that it is a person.
        if let Some(end) = numbered(id) {
            self.found.insert((end.to_owned(), None));
        }
    }
}

/// The end of an IRI that ends in a short number: `users/554433`.
fn numbered(id: &str) -> Option<&str> {
    let (rest, number) = id.rsplit_once(['/', ':'])?;
    let is_short = (1..LONG).contains(&number.len());
    if !is_short || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let start = rest.rfind(['/', ':']).map_or(0, |at| at + 1);
    (start < rest.len()).then(|| &id[start..])
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("https://e.example/users/554433", Some("users/554433"))]
    #[case("urn:lms:user:7", Some("user:7"))]
    #[case("urn:lms:user:21070000000000987", None)]
    #[case("https://e.example/users/ann", None)]
    #[case("https://e.example//7", None)]
    #[case("7", None)]
    fn short_numbers_are_named_with_what_stands_before(
        #[case] id: &str,
        #[case] end: Option<&str>,
    ) {
        assert_eq!(numbered(id), end);
    }

    #[test]
    fn members_that_name_a_user() {
        for name in [
            "user_login",
            "real_user_id",
            "sis_id",
            "E-Mail",
            "lis_person_name_full",
        ] {
            assert!(names_a_user(name), "{name}");
        }
        for name in ["user_agent", "user_role", "request_id", "hostname", "grade"] {
            assert!(!names_a_user(name), "{name}");
        }
    }

    #[rstest]
    #[case::inside("urn:app:ANN".to_owned(), false)]
    #[case::elsewhere("urn:app".to_owned(), true)]
    // That it is not looked through for each of many names is the point.
    #[case::of_an_app_that_is_refused(format!("urn:app:ANN:{}", "x".repeat(limits::NAME)), true)]
    fn a_name_in_that_of_the_app_is_no_secret(#[case] app: String, #[case] found: bool) {
        let event = serde_json::json!({"extensions": {"user_login": "Ann"}});
        let names = names(&event, &HashSet::new(), &app);
        assert_eq!(names.contains(&("Ann".to_owned(), None)), found);
    }
}
