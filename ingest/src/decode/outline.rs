//! The outline of a body of JSON: where its events stand, each unread.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// The elements of an array: as many as a request may have, and their number.
pub struct Elements<'a> {
    /// The first of them.
    pub kept: Vec<&'a RawValue>,
    /// How many there are.
    pub count: usize,
}

/// Reads [`Elements`].
pub struct ElementsSeed {
    /// How many are kept.
    pub max_events: usize,
}

impl<'de> DeserializeSeed<'de> for ElementsSeed {
    type Value = Elements<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for ElementsSeed {
    type Value = Elements<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of events")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut kept = Vec::new();
        while kept.len() < self.max_events
            && let Some(element) = access.next_element()?
        {
            kept.push(element);
        }
        let mut count = kept.len();
        while access.next_element::<IgnoredAny>()?.is_some() {
            count += 1;
        }
        Ok(Elements { kept, count })
    }
}

/// What the members of a batch are called.
#[derive(Debug, Clone, Copy)]
pub struct Names {
    /// The array of events.
    pub events: &'static str,
    /// When the batch was sent.
    pub sent_at: &'static str,
}

impl Default for Names {
    fn default() -> Self {
        Self {
            events: "events",
            sent_at: "sent_at",
        }
    }
}

/// A body that is an object: a batch when it has its events, else one event.
pub struct Object<'a> {
    /// The array of events.
    pub events: Option<Elements<'a>>,
    /// The JSON of the batch's own `sent_at`.
    pub sent_at: Option<&'a str>,
}

/// Reads an [`Object`].
pub struct ObjectSeed {
    /// How many events are kept.
    pub max_events: usize,
    /// What the members are called.
    pub names: Names,
}

impl<'de> DeserializeSeed<'de> for ObjectSeed {
    type Value = Object<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ObjectSeed {
    type Value = Object<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event or a batch")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut object = Object {
            events: None,
            sent_at: None,
        };
        while let Some(name) = access.next_key_seed(self.names)? {
            match name {
                Name::Events if object.events.is_some() => {
                    return Err(serde::de::Error::duplicate_field(self.names.events));
                }
                Name::Events => {
                    let max_events = self.max_events;
                    object.events = Some(access.next_value_seed(ElementsSeed { max_events })?);
                }
                Name::SentAt => object.sent_at = Some(access.next_value::<&RawValue>()?.get()),
                Name::Other => {
                    access.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(object)
    }
}

/// Which member of a batch a name stands for.
pub enum Name {
    Events,
    SentAt,
    Other,
}

impl<'de> DeserializeSeed<'de> for Names {
    type Value = Name;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Name, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Names {
    type Value = Name;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member's name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Name, E> {
        Ok(match name {
            name if name == self.events => Name::Events,
            name if name == self.sent_at => Name::SentAt,
            _ => Name::Other,
        })
    }
}
