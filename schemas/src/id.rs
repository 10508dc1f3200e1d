//! The identifiers, each a type of its own so that none is taken for another.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Why a text is not an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// The text is empty, too long or holds a character that is not allowed.
    #[error("{kind} must be 1 to 40 of the characters a-z 0-9 -, not {text:?}")]
    Slug {
        /// What the text should have been.
        kind: &'static str,
        /// The text.
        text: String,
    },
    /// The text is not 32 hexadecimal characters.
    #[error("a student key is 32 lower-case hexadecimal characters")]
    StudentKey,
}

/// Whether `text` is 1 to 40 of `a-z 0-9 -`: safe in a path, a topic key and a URL.
fn is_slug(text: &str) -> bool {
    (1..=40).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

macro_rules! slug {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks and wraps a text.
            ///
            /// # Errors
            /// [`IdError::Slug`] unless it is 1 to 40 of `a-z 0-9 -`.
            pub fn new(text: impl Into<String>) -> Result<Self, IdError> {
                let text = text.into();
                if is_slug(&text) {
                    Ok(Self(text))
                } else {
                    Err(IdError::Slug { kind: $kind, text })
                }
            }

            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl std::str::FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

slug!(
    /// One school, district or company; its data never meets another's.
    TenantId, "a tenant id"
);
slug!(
    /// An academic term: the partition of every event table.
    ///
    /// ```
    /// use schemas::Term;
    ///
    /// let term: Term = "2026-27".parse()?;
    /// assert_eq!(term.as_str(), "2026-27");
    /// assert!("Fall 2026".parse::<Term>().is_err());
    /// # Ok::<(), schemas::IdError>(())
    /// ```
    Term, "a term"
);
slug!(
    /// What a tenant calls a database from which its rosters are read.
    SourceName, "a source's name"
);

impl SourceName {
    /// The name that a database has by its own: what cannot be in a name becomes a hyphen.
    ///
    /// ```
    /// assert_eq!(schemas::SourceName::of_database("LMS_2026").as_str(), "lms-2026");
    /// assert_eq!(schemas::SourceName::of_database("").as_str(), "database");
    /// ```
    pub fn of_database(name: &str) -> Self {
        let is_kept = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let name = name.chars().map(|c| c.to_ascii_lowercase());
        let name = name.map(|c| if is_kept(c) { c } else { '-' });
        let name: String = name.take(40).collect();
        Self(if name.is_empty() {
            "database".to_owned()
        } else {
            name
        })
    }
}

impl TenantId {
    /// Where records go whose tenant cannot be read.
    ///
    /// The underscore keeps it apart from every tenant that can be made.
    pub fn system() -> Self {
        Self("_system".to_owned())
    }
}

/// The opaque name of a student inside one tenant: 16 bytes of a keyed hash,
/// shown as 32 hexadecimal characters. Made by [`crate::StudentHasher`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StudentKey([u8; 16]);

impl StudentKey {
    /// Wraps the bytes of a keyed hash.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Its text, in a place that the caller has for it.
    pub fn encode<'a>(&self, text: &'a mut [u8; 32]) -> &'a str {
        hex::encode_to_slice(self.0, text).expect("32 characters hold 16 bytes");
        std::str::from_utf8(text).expect("hexadecimal is ASCII")
    }
}

impl std::fmt::Display for StudentKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.encode(&mut [0; 32]))
    }
}

impl std::str::FromStr for StudentKey {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let mut bytes = [0_u8; 16];
        if text.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(IdError::StudentKey);
        }
        hex::decode_to_slice(text, &mut bytes).map_err(|_| IdError::StudentKey)?;
        Ok(Self(bytes))
    }
}

impl Serialize for StudentKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.encode(&mut [0; 32]))
    }
}

impl<'de> Deserialize<'de> for StudentKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl serde::de::Visitor<'_> for Text {
            type Value = StudentKey;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a student key")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<StudentKey, E> {
                text.parse().map_err(E::custom)
            }
        }

        // Without a copy of the text: there is a key in every event.
        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_refuse_what_a_path_or_key_could_misread() {
        for bad in ["", "A", "a_b", "a/b", "..", "a b", &"a".repeat(41), "ü"] {
            assert!(TenantId::new(bad).is_err(), "{bad:?}");
        }
        for good in ["a", "0", "demo-school", "-", &"a".repeat(40)] {
            assert!(TenantId::new(good).is_ok(), "{good:?}");
        }
    }

    #[test]
    fn student_keys_round_trip_as_text() {
        let key = StudentKey::from_bytes([0xAB; 16]);
        assert_eq!(key.to_string().parse(), Ok(key));
        assert!("AB".repeat(16).parse::<StudentKey>().is_err());
        assert!("ab".parse::<StudentKey>().is_err());
    }
}
