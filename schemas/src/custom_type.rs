//! Types of events of a tenant's own.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The most types of its own that a tenant has.
pub const MAX_CUSTOM_TYPES: usize = 200;

/// The longest schema of a type, in bytes of JSON.
pub const MAX_SCHEMA_BYTES: usize = 64 << 10;

/// A type of a tenant's own: its events keep to the schema that it registered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomType {
    /// What its events say as `type`.
    pub name: CustomTypeName,
    /// What it is for, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The JSON Schema of `data`.
    pub schema: Value,
    /// When this schema was registered.
    pub registered_at: DateTime<Utc>,
}

/// The name of such a type: `custom.` and one or more words of a-z, 0-9 and `_`, with
/// dots between.
///
/// ```
/// use schemas::CustomTypeName;
///
/// assert!(CustomTypeName::new("custom.lab.opened").is_ok());
/// assert!(CustomTypeName::new("lab.opened").is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CustomTypeName(String);

/// A text names no type of one's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "name it custom. and words of a-z, 0-9 and _ with dots between, at most {} bytes, for example \
     custom.lab.opened",
    CustomTypeName::MAX_BYTES
)]
pub struct CustomTypeNameError;

impl CustomTypeName {
    /// What all begin with.
    pub const PREFIX: &str = "custom.";
    /// The longest.
    pub const MAX_BYTES: usize = 64;

    /// Checks the name.
    ///
    /// # Errors
    /// When it is none.
    pub fn new(name: impl Into<String>) -> Result<Self, CustomTypeNameError> {
        let name = name.into();
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        let word = |word: &str| !word.is_empty() && word.chars().all(plain);
        let rest = name.strip_prefix(Self::PREFIX);
        let is_one = rest.is_some_and(|rest| rest.split('.').all(word));
        if is_one && name.len() <= Self::MAX_BYTES {
            Ok(Self(name))
        } else {
            Err(CustomTypeNameError)
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CustomTypeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for CustomTypeName {
    type Error = CustomTypeNameError;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        Self::new(name)
    }
}

impl std::str::FromStr for CustomTypeName {
    type Err = CustomTypeNameError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::new(name)
    }
}

impl From<CustomTypeName> for String {
    fn from(name: CustomTypeName) -> Self {
        name.0
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("custom.lab", true)]
    #[case("custom.lab.opened", true)]
    #[case("custom.lab_2.opened.twice", true)]
    #[case("custom.", false)]
    #[case("custom", false)]
    #[case("custom..lab", false)]
    #[case("custom.lab.", false)]
    #[case("custom.Lab", false)]
    #[case("custom.läb", false)]
    #[case("custom.lab opened", false)]
    #[case("page.viewed", false)]
    fn names_are_words_with_dots(#[case] name: &str, #[case] is_one: bool) {
        assert_eq!(CustomTypeName::new(name).is_ok(), is_one);
    }

    #[test]
    fn names_are_short() {
        let longest = format!("custom.{}", "a".repeat(57));
        assert!(CustomTypeName::new(longest.clone()).is_ok());
        assert!(CustomTypeName::new(longest + "a").is_err());
    }
}
