//! What names a thing or a person in JSON whose senders write numbers as they like.

use schemas::event::limits;
use serde_json::{Map, Value};

/// The name: a text that says something, or a whole number. None of a text that no
/// column of names takes.
pub fn name(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => {
            let says = !text.trim().is_empty() && text.len() <= limits::NAME;
            says.then(|| text.clone())
        }
        Value::Number(number) if !number.is_f64() => Some(number.to_string()),
        _ => None,
    }
}

/// Takes the first of these members that names something.
pub fn take_name(members: &mut Map<String, Value>, names: &[&str]) -> Option<String> {
    names.iter().find_map(|member| {
        let name = name(members.get(*member)?)?;
        members.remove(*member);
        Some(name)
    })
}

/// Takes a member that is text, of blanks only too.
pub fn take_text(members: &mut Map<String, Value>, name: &str) -> Option<String> {
    if !members.get(name)?.is_string() {
        return None;
    }
    match members.remove(name)? {
        Value::String(text) => Some(text),
        _ => None,
    }
}

/// Takes a member that is a number from `from` to `to`.
pub fn take_number(
    members: &mut Map<String, Value>,
    name: &str,
    from: f64,
    to: f64,
) -> Option<f64> {
    let number = members.get(name)?.as_f64()?;
    (from..=to).contains(&number).then_some(())?;
    members.remove(name);
    Some(number)
}
