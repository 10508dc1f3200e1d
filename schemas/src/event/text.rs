//! Members that are text in their column whatever JSON they came as.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Text as it is, nothing for null, anything else as compact JSON.
pub fn any<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match Option::<Value>::deserialize(deserializer)? {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text),
        Some(other) => Some(other.to_string()),
    })
}
