//! JSON as a tree, read only to find out what is wrong with an event.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::outcome::{Reason, Rejection};

/// Reads JSON whose syntax is known to be good.
///
/// # Errors
/// What keeps it from being read, and where: a member that stands twice,
/// nesting that is too deep, a number that no double holds, half a surrogate
/// pair.
pub fn read(json: &str) -> Result<Value, Rejection> {
    let mut trail = Trail::default();
    let mut deserializer = serde_json::Deserializer::from_str(json);
    Node(&mut trail)
        .deserialize(&mut deserializer)
        .map_err(|error| trail.rejection(&error))
}

/// One step of a JSON pointer, as RFC 6901 writes it.
pub fn step(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// Where the reader is; after an error, where it stopped.
#[derive(Default)]
struct Trail {
    steps: Vec<String>,
    repeated: bool,
}

impl Trail {
    fn rejection(&self, error: &serde_json::Error) -> Rejection {
        let message = error.to_string();
        let (reason, detail) = if self.repeated {
            (Reason::DuplicateMember, "Send this member once.")
        } else if message.starts_with("recursion limit exceeded") {
            (
                Reason::TooDeep,
                "Send at most 100 arrays and objects inside each other.",
            )
        } else if message.starts_with("number out of range") {
            (
                Reason::NumberOutOfRange,
                "Send a number that a double can hold.",
            )
        } else {
            (
                Reason::InvalidJson,
                "Send text without halves of surrogate pairs (\\uD800 to \\uDFFF).",
            )
        };
        // The way into a nest that is too deep is clear from its first steps.
        let shown = if reason == Reason::TooDeep {
            8
        } else {
            usize::MAX
        };
        let steps = self.steps.iter().take(shown).map(String::as_str);
        Rejection::new(reason, steps.collect::<String>(), detail)
    }
}

struct Node<'t>(&'t mut Trail);

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
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

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        loop {
            self.0.steps.push(format!("/{}", values.len()));
            let value = access.next_element_seed(Node(self.0))?;
            self.0.steps.pop();
            match value {
                Some(value) => values.push(value),
                None => return Ok(Value::Array(values)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = access.next_key::<String>()? {
            self.0.steps.push(step(&name));
            if members.contains_key(&name) {
                self.0.repeated = true;
                return Err(A::Error::custom("a member appears twice"));
            }
            let value = access.next_value_seed(Node(self.0))?;
            self.0.steps.pop();
            members.insert(name, value);
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(r#"{"a":[0,{"b/c":1,"b/c":1}]}"#, Reason::DuplicateMember, "/a/1/b~1c")]
    #[case(r#"{"a":[1,2,1e400]}"#, Reason::NumberOutOfRange, "/a/2")]
    #[case(r#"{"~":"\ud800"}"#, Reason::InvalidJson, "/~0")]
    #[case(r#"{"a":[[],["\udc00x"]]}"#, Reason::InvalidJson, "/a/1/0")]
    fn what_cannot_be_read_is_pointed_at(
        #[case] json: &str,
        #[case] reason: Reason,
        #[case] pointer: &str,
    ) {
        let rejection = read(json).expect_err("refused");
        assert_eq!(
            (rejection.reason, rejection.pointer.as_str()),
            (reason, pointer)
        );
    }

    #[test]
    fn a_depth_bomb_is_defused() {
        let bomb = "[".repeat(200_000) + &"]".repeat(200_000);
        let rejection = read(&bomb).expect_err("refused");
        assert_eq!(rejection.reason, Reason::TooDeep);
        assert!(rejection.pointer.len() < 100);
    }
}
