//! How text may name a person, and where it does.

use std::borrow::Cow;

use memchr::memmem::Finder;
use serde_json::Value;

/// From this length on an actor is also looked for inside other text; a shorter
/// one would be found by chance everywhere.
pub const TELLING: usize = 4;

/// One way in which text may name the person.
pub struct Spelling {
    /// What it looks like.
    pub text: String,
    /// Only digits: may well be a number that means something else.
    pub number: bool,
    /// The text as it stands in JSON.
    finder: Finder<'static>,
}

impl Spelling {
    /// What is looked for as this text.
    pub fn new(text: String) -> Self {
        let json = Value::String(text.clone()).to_string();
        let needle = if text.len() < TELLING {
            json.as_bytes()
        } else {
            &json.as_bytes()[1..json.len() - 1]
        };
        Self {
            number: text.bytes().all(|byte| byte.is_ascii_digit()),
            finder: Finder::new(needle).into_owned(),
            text,
        }
    }

    /// Whether JSON may hold it.
    pub fn may_stand_in(&self, json: &[u8]) -> bool {
        self.finder.find(json).is_some()
    }

    /// Where `text` names the person next, from `at` on.
    pub fn find(&self, text: &str, mut at: usize) -> Option<usize> {
        if self.text.len() < TELLING {
            return (at == 0 && text == self.text).then_some(0);
        }
        loop {
            let start = at + text[at..].find(&self.text)?;
            let end = start + self.text.len();
            let digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_digit);
            let inside_number =
                digit(text.as_bytes()[..start].last()) || digit(text.as_bytes()[end..].first());
            if !(self.number && inside_number) {
                return Some(start);
            }
            at = end;
        }
    }
}

/// The text as it stands in JSON that is itself kept as text, an answer for
/// example.
pub fn json_escaped(text: &str) -> String {
    let json = Value::String(text.to_owned()).to_string();
    json[1..json.len() - 1].to_owned()
}

/// The text as it stands in a URL's query.
pub fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        let kept = byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
        let piece: Cow<'_, str> = if kept {
            char::from(byte).to_string().into()
        } else {
            format!("%{byte:02X}").into()
        };
        encoded.push_str(&piece);
    }
    encoded
}
