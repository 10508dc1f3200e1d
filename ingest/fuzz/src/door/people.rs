//! Whom an event names in the plainest way, and that nobody of them is kept.

use schemas::event::Event;
use serde_json::Value;

use super::Dialect;

/// Members that say who someone is: a few of those that are dropped, in the
/// spellings that senders use.
const PERSONAL: [&str; 12] = [
    "client_ip",
    "displayName",
    "email",
    "firstName",
    "ip",
    "ip_address",
    "last_name",
    "login",
    "mbox",
    "phone",
    "userId",
    "username",
];

/// Those whom an event names as who did it, of whom it is promised that they are found
/// wherever they stand: by a text of six and more ASCII characters that holds a letter
/// and a digit or an `@`, so that it is no word of ours.
pub fn named(dialect: Dialect, event: &Value) -> Vec<&str> {
    let pointers: &[&str] = match dialect {
        Dialect::Native | Dialect::Lines | Dialect::Compressed => {
            &["/actor", "/data/by", "/data/reply_to"]
        }
        Dialect::Xapi | Dialect::Multipart => &["/actor/mbox", "/actor/account/name"],
        Dialect::Caliper if event["actor"]["type"] == "Person" => &["/actor/id"],
        Dialect::Caliper => &[],
        Dialect::Edx => &["/username", "/context/username"],
        Dialect::Segment => &["/userId", "/context/traits/email"],
        Dialect::Canvas => &["/metadata/user_login"],
    };
    let texts = pointers
        .iter()
        .filter_map(|pointer| event.pointer(pointer)?.as_str());
    let texts = texts.map(|text| text.strip_prefix("mailto:").unwrap_or(text));
    texts.filter(|text| is_telling(text)).collect()
}

fn is_telling(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "@._-:/".contains(c);
    let has = |is: fn(char) -> bool| name.chars().any(is);
    (6..=500).contains(&name.len())
        && name.chars().all(plain)
        && has(|c| c.is_ascii_alphabetic())
        && has(|c| c.is_ascii_digit() || c == '@')
}

/// # Panics
/// When a kept event still names the person.
pub fn check_kept(name: &str, event: &Event) {
    let json: Value = serde_json::from_slice(&event.to_json()).expect("JSON");
    let members = json.as_object().expect("an object");
    for (member, value) in members {
        match member.as_str() {
            // Words of ours.
            "id" | "type" | "dialect" | "time" | "sent_at" | "received_at" | "student_key" => {}
            _ => each_text(value, &mut |text| {
                assert!(!names(text, name), "{name} is kept in {member}: {json}");
            }),
        }
    }
}

/// # Panics
/// When an answer tells the person's name in words of ours.
pub fn check_told(name: &str, answer: &Value) {
    // Our examples of IRIs and times may be anybody's name.
    if name.contains(':') {
        return;
    }
    let details = super::answer::problems(answer).chain(std::iter::once(answer));
    for detail in details.filter_map(|problem| problem["detail"].as_str()) {
        assert!(!names(detail, name), "{name} is told: {answer}");
    }
}

/// # Panics
/// When an event has a member that says who someone is.
pub fn check_members(event: &Event) {
    for (name, value) in event.extra.members().iter() {
        assert!(!PERSONAL.contains(&name.as_str()), "{name} is kept");
        each_member(value, &mut |name| {
            assert!(!PERSONAL.contains(&name), "{name} is kept");
        });
    }
}

/// Whether a text without escapes has a name in it as a whole word.
fn names(text: &str, name: &str) -> bool {
    if text.contains(['%', '\\', '+']) {
        return false;
    }
    let text = text.to_ascii_lowercase();
    let name = name.to_ascii_lowercase();
    let of_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    text.match_indices(&name).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + name.len()..]);
        !of_word(before.chars().next_back()) && !of_word(after.chars().next())
    })
}

fn each_text(value: &Value, look: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => look(text),
        Value::Array(values) => values.iter().for_each(|value| each_text(value, look)),
        Value::Object(members) => {
            for (name, value) in members {
                look(name);
                each_text(value, look);
            }
        }
        _ => {}
    }
}

fn each_member(value: &Value, look: &mut impl FnMut(&str)) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| each_member(value, look)),
        Value::Object(members) => {
            for (name, value) in members {
                look(name);
                each_member(value, look);
            }
        }
        _ => {}
    }
}
