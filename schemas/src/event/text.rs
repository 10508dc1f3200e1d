//! Members that are text in their column whatever JSON they came as.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::members::Unique;

/// Text as it is, nothing for null, anything else as compact JSON.
pub fn any<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let Unique(value) = Unique::deserialize(deserializer)?;
    Ok(match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    })
}
