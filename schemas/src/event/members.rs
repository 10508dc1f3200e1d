//! JSON read as a tree, in which no object has a name twice.
//!
//! JSON leaves open which of two equal names counts. Two readers that choose
//! differently would see two events, so such an object is an error.

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Follows a reader through a tree. After an error it is where the reader was.
pub trait Trail {
    /// The reader comes to this member of an object.
    fn enter_member(&mut self, name: &str);
    /// The reader comes to this element of an array.
    fn enter_element(&mut self, index: usize);
    /// The reader is done with where it came to last.
    fn leave(&mut self);
    /// The member it came to last stands there for the second time.
    fn repeated(&mut self);
}

/// Nobody follows.
impl Trail for () {
    fn enter_member(&mut self, _: &str) {}
    fn enter_element(&mut self, _: usize) {}
    fn leave(&mut self) {}
    fn repeated(&mut self) {}
}

/// Reads an object's members, in order of their names.
///
/// # Errors
/// When a name stands twice in the object or in one inside it.
pub fn unique<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Map<String, Value>, D::Error> {
    struct Members;

    impl<'de> Visitor<'de> for Members {
        type Value = Map<String, Value>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<Self::Value, A::Error> {
            members(access, &mut ())
        }
    }

    deserializer.deserialize_map(Members)
}

/// Reads any JSON value, leaving a trail.
///
/// # Errors
/// When a name stands twice in an object.
pub fn unique_tree<'de, D, T>(deserializer: D, trail: &mut T) -> Result<Value, D::Error>
where
    D: Deserializer<'de>,
    T: Trail,
{
    Tree(trail).deserialize(deserializer)
}

fn members<'de, A, T>(mut access: A, trail: &mut T) -> Result<Map<String, Value>, A::Error>
where
    A: MapAccess<'de>,
    T: Trail,
{
    let mut members = Map::new();
    while let Some(name) = access.next_key::<String>()? {
        trail.enter_member(&name);
        if members.contains_key(&name) {
            trail.repeated();
            return Err(A::Error::custom("a member appears twice"));
        }
        let value = access.next_value_seed(Tree(trail))?;
        trail.leave();
        members.insert(name, value);
    }
    // Whether a map keeps the order of insertion is a feature of serde_json
    // that any other crate can turn on.
    members.sort_keys();
    Ok(members)
}

/// Any JSON value without repeated names.
pub(super) struct Unique(pub(super) Value);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        unique_tree(deserializer, &mut ()).map(Self)
    }
}

struct Tree<'t, T>(&'t mut T);

impl<'de, T: Trail> DeserializeSeed<'de> for Tree<'_, T> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Trail> Visitor<'de> for Tree<'_, T> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<Value, D::Error> {
        self.deserialize(inner)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        loop {
            self.0.enter_element(values.len());
            let Some(value) = access.next_element_seed(Tree(&mut *self.0))? else {
                self.0.leave();
                return Ok(Value::Array(values));
            };
            self.0.leave();
            values.push(value);
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<Value, A::Error> {
        members(access, self.0).map(Value::Object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> serde_json::Result<Map<String, Value>> {
        unique(&mut serde_json::Deserializer::from_str(json))
    }

    #[test]
    fn a_repeated_name_is_an_error_at_any_depth() {
        for json in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":{"b":1,"b":2}}"#,
            r#"{"a":[0,{"b":null,"b":null}]}"#,
            r#"{"a":1,"\u0061":2}"#,
        ] {
            assert!(read(json).is_err(), "{json}");
        }
    }

    #[test]
    fn anything_else_is_kept_in_order_of_names() {
        let json = r#"{"z":{"b":1,"a":[1.5,-2,null,true,"x"]},"a":18446744073709551615}"#;
        let members = read(json).expect("no name stands twice");
        assert_eq!(
            serde_json::to_string(&members).expect("prints"),
            r#"{"a":18446744073709551615,"z":{"a":[1.5,-2,null,true,"x"],"b":1}}"#
        );
    }
}
