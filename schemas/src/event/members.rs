//! JSON members of any name, kept only when each name stands once.
//!
//! JSON leaves open which of two equal names counts. Two readers that choose
//! differently would see two events, so such an object is an error.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

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
            members(access)
        }
    }

    deserializer.deserialize_map(Members)
}

fn members<'de, A: MapAccess<'de>>(mut access: A) -> Result<Map<String, Value>, A::Error> {
    let mut members = Map::new();
    while let Some((name, Unique(value))) = access.next_entry::<String, Unique>()? {
        if members.insert(name, value).is_some() {
            return Err(A::Error::custom("a member appears twice"));
        }
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
        struct Any;

        impl<'de> Visitor<'de> for Any {
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
                Unique::deserialize(inner).map(|Unique(value)| value)
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
                while let Some(Unique(value)) = access.next_element()? {
                    values.push(value);
                }
                Ok(Value::Array(values))
            }

            fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<Value, A::Error> {
                members(access).map(Value::Object)
            }
        }

        deserializer.deserialize_any(Any).map(Unique)
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
