//! No trace of a person in what is kept: the key takes the name's place.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::rc::Rc;

use schemas::StudentKey;
use schemas::event::{Data, Event};
use serde_json::{Map, Value};

use crate::identity::Person;
use crate::plain::Plain;
use crate::spelling::{Spellings, TELLING};

/// Of a key as text.
const KEY_BYTES: usize = 32;

/// The people whom one event names. They are looked for together: the name of
/// one may be part of another's.
pub struct Named<'p> {
    spellings: Spellings<'p>,
    keys: HashSet<StudentKey>,
}

/// What a text is for. It decides from how many digits on a number in it that
/// equals the actor is taken for the actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// Anything.
    Free,
    /// An answer: small numbers are values.
    Answer,
    /// The name of a thing: numbers count things as well.
    Identifier,
    /// The name of a thing where people and things are numbered alike.
    Numbered,
}

impl Purpose {
    fn digits(self) -> usize {
        match self {
            Self::Free => 1,
            Self::Answer => TELLING,
            Self::Identifier => 7,
            Self::Numbered => usize::MAX,
        }
    }
}

impl<'p> Named<'p> {
    /// These people.
    pub fn new(people: &'p [Rc<Person>]) -> Self {
        let of = |person: &'p Rc<Person>| person.spellings.iter().map(|s| (s, person.key));
        Self {
            spellings: Spellings::new(people.iter().flat_map(of)),
            keys: people.iter().map(|person| person.key).collect(),
        }
    }

    /// Puts a person's key wherever the event's text names the person. Where people
    /// and things are `numbered_alike`, the number of a thing names nobody.
    pub fn hide_in(&self, event: &mut Event, numbered_alike: bool) {
        for text in [
            &mut event.session,
            &mut event.app,
            &mut event.platform,
            &mut event.locale,
        ] {
            self.hide(text, Purpose::Free);
        }
        // School 7 is not student 7.
        self.hide(&mut event.school, Purpose::Answer);
        let thing = if numbered_alike {
            Purpose::Numbered
        } else {
            Purpose::Identifier
        };
        for text in [&mut event.course, &mut event.section, &mut event.content] {
            self.hide(text, thing);
        }
        for (text, purpose) in texts(&mut event.data) {
            let is_thing = purpose == Purpose::Identifier;
            self.hide(text, if is_thing { thing } else { purpose });
        }
        self.hide_members(event.extra.members_mut());
    }

    /// The word of a verb's IRI by which SQL groups events of no type of ours:
    /// `attended` of `http://adlnet.gov/expapi/verbs/attended`; `stated` when
    /// there is none, or it names somebody.
    pub fn word(&self, iri: &str) -> String {
        match self.hidden(iri, Purpose::Free) {
            Some(hidden) if last(&hidden) != last(iri) => word(""),
            _ => word(last(iri)),
        }
    }

    fn hide(&self, text: &mut Option<String>, purpose: Purpose) {
        if let Some(text) = text
            && let Some(hidden) = self.hidden(text, purpose)
        {
            *text = hidden;
        }
    }

    /// The text without these people, if it names one.
    fn hidden(&self, text: &str, purpose: Purpose) -> Option<String> {
        if self.spellings.are_not_in(text) {
            return None;
        }
        let plain = Plain::of(text);
        let small = plain.text.to_ascii_lowercase();
        let mut hidden = String::new();
        let mut kept = 0;
        let mut at = 0;
        while let Some((name, key)) = self.spellings.find(&small, at, purpose.digits()) {
            at = name.end;
            let place = plain.place(name);
            hidden.push_str(&text[kept..place.start]);
            write!(hidden, "{key}").expect("a String takes all text");
            kept = place.end;
        }
        if hidden.is_empty() {
            return None;
        }
        hidden.push_str(&text[kept..]);
        Some(hidden)
    }

    fn hide_members(&self, members: &mut Map<String, Value>) {
        let renamed: Vec<_> = members
            .keys()
            .filter_map(|name| Some((name.clone(), self.hidden(name, Purpose::Free)?)))
            .collect();
        for (name, hidden) in renamed {
            if let Some(value) = members.remove(&name) {
                members.insert(hidden, value);
            }
        }
        members.sort_keys();
        members
            .values_mut()
            .for_each(|value| self.hide_value(value));
    }

    fn hide_value(&self, value: &mut Value) {
        match value {
            // The key of another may hold what looks like a person.
            Value::String(text) if self.is_key(text) => {}
            Value::String(text) => {
                if let Some(hidden) = self.hidden(text, Purpose::Free) {
                    *text = hidden;
                }
            }
            Value::Number(number) => {
                let text = number.to_string();
                if text.len() >= TELLING
                    && let Some(key) = self.spellings.get(&text)
                {
                    *value = Value::String(key.to_string());
                }
            }
            Value::Array(values) => values.iter_mut().for_each(|value| self.hide_value(value)),
            Value::Object(members) => self.hide_members(members),
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn is_key(&self, text: &str) -> bool {
        text.len() == KEY_BYTES && text.parse().is_ok_and(|key| self.keys.contains(&key))
    }
}

/// The last part of an IRI.
fn last(iri: &str) -> &str {
    let mut parts = iri.trim_end_matches('/').rsplit(['/', '#', ':']);
    parts.next().unwrap_or_default()
}

/// A text as a short word of small letters and digits.
fn word(text: &str) -> String {
    /// The longest word that is no sentence.
    const LONGEST: usize = 40;

    let plain = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '_'
        }
    };
    let word: String = text.chars().map(plain).take(LONGEST).collect();
    match word.trim_matches('_') {
        "" => "stated".to_owned(),
        word => word.to_owned(),
    }
}

/// The text of an event's data.
fn texts(data: &mut Data) -> Vec<(&mut Option<String>, Purpose)> {
    use Purpose::{Answer, Free, Identifier};
    match data {
        Data::Clickstream(data) => vec![
            (&mut data.url, Free),
            (&mut data.referrer, Free),
            (&mut data.element, Free),
            (&mut data.query, Free),
            (&mut data.target_id, Identifier),
            (&mut data.value, Answer),
            (&mut data.thread_id, Identifier),
            (&mut data.status, Identifier),
            (&mut data.role, Identifier),
        ],
        Data::Video(_) => Vec::new(),
        Data::Assessment(data) => vec![
            (&mut data.assessment_id, Identifier),
            (&mut data.item_id, Identifier),
            (&mut data.response, Answer),
            (&mut data.category, Identifier),
            (&mut data.grade_old, Identifier),
            (&mut data.grade_new, Identifier),
            (&mut data.reason, Free),
        ],
        // One of few words.
        Data::Attendance(_) => Vec::new(),
        Data::Tutoring(data) => vec![
            (&mut data.prompt_id, Identifier),
            (&mut data.booking_id, Identifier),
            (&mut data.status, Identifier),
        ],
    }
}

#[cfg(test)]
mod tests;
