//! Showing a configuration without what must not be shown.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

/// What is shown instead of a secret.
const REDACTED: &str = "[redacted]";

/// A password or key in the configuration. It is shown nowhere: not by `Debug`,
/// not when serialised; an empty one is shown as empty.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The secret itself, for the one who needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether none is set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn shown(&self) -> &'static str {
        if self.is_empty() { "" } else { REDACTED }
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({:?})", self.shown())
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.shown())
    }
}

/// Whether a key of the configuration holds a secret, judged by its name:
/// storage options are free-form and hold some.
pub fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    ["secret", "password", "token", "access_key", "sse_customer"]
        .iter()
        .any(|word| key.contains(word))
}

/// A configuration as TOML, with every value in its place and secrets redacted.
pub fn dump<T: Serialize>(config: &T) -> String {
    let mut value = serde_json::to_value(config).unwrap_or_default();
    redact(&mut value);
    toml::to_string_pretty(&value).unwrap_or_default()
}

/// Hides secrets and drops nulls, which TOML does not have.
fn redact(value: &mut Value) {
    match value {
        Value::Object(table) => {
            table.retain(|_, value| !value.is_null());
            for (key, value) in table {
                match value {
                    Value::String(text) if is_secret(key) && !text.is_empty() => {
                        *text = REDACTED.to_owned();
                    }
                    _ => redact(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(redact),
        _ => {}
    }
}
